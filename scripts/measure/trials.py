"""A trial of one row of the plan, as the supervisor takes it: for finals and proofs, which start many themselves."""

import argparse
import json
import os
from pathlib import Path
from typing import Any, NamedTuple

from scripts.core import paths, plan
from scripts.core.catalogue import on
from scripts.measure.supervisor import SESSION_VARIABLE

SOURCES = ("deployable", "reference", "checkpoint")
KINDS = ("runtime", "precision", "variant", "device", "shape")
WORKER = "scripts.measure.worker"

Values = dict[str, Any]


class Setting(NamedTuple):
    """What all trials of one job share.

    seconds: the budget for the samples of one process.
    loadgen: record of LoadGen's environment, for serving mode; empty for the others.
    """

    config: Values
    seconds: float
    torch_build: str
    host_record: Path
    log: Path
    loadgen: str = ""


def arguments(doc: str | None) -> argparse.ArgumentParser:
    """The parser of a program that measures trials by itself, to which it adds what it asks for beside."""
    parser = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--torch-build", required=True)
    parser.add_argument("--host-record", required=True, type=Path)
    parser.add_argument("--log", required=True, type=Path)
    parser.add_argument("--out", required=True, type=Path)
    return parser


def in_rounds(parser: argparse.ArgumentParser) -> None:
    """The arguments of one that measures times, in rounds."""
    parser.add_argument("--rounds", required=True, type=int)
    parser.add_argument("--seconds", required=True, type=float, help="budget for the samples of one process")


def begin(args: argparse.Namespace, loadgen: str = "") -> Values:
    """The plan that `args` name, whose seed and setting they then hold; trials count as a session named for --out."""
    recorded: Values = json.loads(args.plan.read_text())
    args.seed = recorded["config"]["measure"]["seed"]
    args.setting = Setting(recorded["config"], args.seconds, args.torch_build, args.host_record, args.log, loadgen)
    os.environ[SESSION_VARIABLE] = f"{os.environ.get(SESSION_VARIABLE, 'alone')}.{args.out.stem}"
    return recorded


def environment_record(row: Values, config: Values) -> str:
    """The record of the environment that runs a row."""
    return paths.environment_record(config["artifacts"], row["host"], on(row["runtime"], row["device"]).env)


def trial_arguments(row: Values, setting: Setting, **more: Any) -> argparse.Namespace:
    """The supervisor's arguments for one trial of `row`, a row of plan.json; `more` are further options."""
    config = setting.config
    options = plan.session_options(
        *(row[name] for name in ("runtime", "precision", "variant", "device", "threads", "batch", "image_size"))
    )
    protocol = plan.protocol(config, row["mode"]) | {"seconds": setting.seconds}
    candidate = {name: row[name] for name in ("model", "weights", *KINDS)}
    options |= {"mode": row["mode"], "protocol": protocol, "candidate": candidate, "torch_build": setting.torch_build}
    return argparse.Namespace(
        environment=environment_record(row, config),
        source=[f"{name}={row['paths'][name]}/artifact.json" for name in SOURCES],
        options=json.dumps(options | more, sort_keys=True), stage="measure", verb=WORKER, log=setting.log,
        host_record=setting.host_record, absent="", loadgen=setting.loadgen,
    )  # fmt: skip


def sources(row: Values, config: Values) -> list[Path]:
    """The records that a trial of `row` reads."""
    return [Path(environment_record(row, config)), *(Path(row["paths"][name]) / "artifact.json" for name in SOURCES)]
