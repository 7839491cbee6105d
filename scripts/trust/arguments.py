"""The arguments that all proofs on this host share."""

import argparse
import json
from pathlib import Path

from scripts.measure.trials import Setting


def arguments(doc: str | None, timed: bool = True) -> argparse.ArgumentParser:
    """A proof's parser, to which it adds what it measures. timed: it measures times, in rounds."""
    parser = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--config", required=True, type=json.loads, help="measure, serving and artifacts of the config, JSON"
    )
    parser.add_argument("--torch-build", required=True)
    parser.add_argument("--host-record", required=True, type=Path)
    parser.add_argument("--log", required=True, type=Path)
    parser.add_argument("--out", required=True, type=Path)
    if timed:
        parser.add_argument("--rounds", required=True, type=int)
        parser.add_argument("--seconds", required=True, type=float, help="budget for the samples of one process")
    return parser


def setting(args: argparse.Namespace, seconds: float) -> Setting:
    """What the proof's trials share. seconds: the budget for the samples of one process."""
    return Setting(args.config, seconds, args.torch_build, args.host_record, args.log)
