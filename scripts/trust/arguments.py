"""The arguments that all proofs on this host share."""

import argparse
import json

from scripts.measure import trials
from scripts.measure.trials import Setting


def arguments(doc: str | None, timed: bool = True) -> argparse.ArgumentParser:
    """A proof's parser, to which it adds what it measures. timed: it measures times, in rounds."""
    parser = trials.arguments(doc)
    parser.add_argument(
        "--config", required=True, type=json.loads, help="measure, serving and artifacts of the config, JSON"
    )
    if timed:
        trials.in_rounds(parser)
    return parser


def setting(args: argparse.Namespace, seconds: float) -> Setting:
    """What the proof's trials share. seconds: the budget for the samples of one process."""
    return Setting(args.config, seconds, args.torch_build, args.host_record, args.log)
