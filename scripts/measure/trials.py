"""A trial of one row of the plan, as the supervisor takes it: for finals and proofs, which start many themselves."""

import argparse
import json
from pathlib import Path
from typing import Any, NamedTuple

from scripts.core import paths, plan
from scripts.core.catalogue import on

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
