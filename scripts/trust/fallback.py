"""Silent fallbacks, provoked for real: does every one end as `degraded`?

    python -m scripts.trust.fallback --rows JSON --config JSON --host-record FILE --out FILE ...

Each drill makes a toolchain do something else than it was asked, without a word of its own, and runs the candidate
through the supervisor and the worker that measure everybody. Writes {drill: flagged}. Runs in Snakemake's own Python.
"""

import argparse
import json
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from scripts.core.guard import become_guard, say
from scripts.core.records import Status, load
from scripts.core.stage import make_artifact, obstacle
from scripts.core.verb import write_json
from scripts.measure.supervisor import measure
from scripts.measure.trials import Setting, environment_record, trial_arguments
from scripts.trust.arguments import arguments, setting

Values = dict[str, Any]
SHORT = {"min_samples": 1, "iterations": 1, "warmup_iterations": 1, "warmup_seconds": 0.01, "seconds": 0.01}
"""A drill asks where the work ran, not how long it took."""


class Drill(NamedTuple):
    """What drills share: a row of the plan for each runtime, how trials are started, a folder for what they leave."""

    rows: dict[str, Values]
    setting: Setting
    folder: Path

    def ending(self, runtime: str, deployable: Path | None = None, **options: Any) -> Values:
        """How a trial of `runtime` ends with further options, and with another artifact where one is given."""
        args = trial_arguments(self.rows[runtime], self.setting, protocol=SHORT, **options)
        if deployable is not None:
            others = [source for source in args.source if not source.startswith("deployable=")]
            args.source = [f"deployable={deployable}", *others]
        ending = obstacle(args) or measure(args, self.folder / "drill.npz")[0]
        say(f"drill: {runtime} on {json.loads(args.options)['device']}: {ending['status']}: {ending['reason']}")
        return ending


def absent_provider(drill: Drill) -> bool:
    """Asked for CUDA, ONNX Runtime without it is not opened, nor where it claims to have it and would take the CPU.

    Without a GPU the driver refuses first; with one, what would run on the CPU in its place is not opened.
    """
    provoked = {"room": "onnxruntime", "how": "claim_cuda"}
    refused = drill.ending("onnxruntime", device="cuda:0")
    fallen = drill.ending("onnxruntime", device="cuda:0", room="trust.provoked", provoked=provoked)
    return all(ending["status"] == Status.UNSUPPORTED for ending in (refused, fallen))


def xnnpack_off(drill: Drill) -> bool:
    """LiteRT's interpreter runs its own kernels: degraded."""
    provoked = {"room": "litert", "how": "without_xnnpack"}
    return _degraded(drill.ending("litert", room="trust.provoked", provoked=provoked), "XNNPACK took none")


def no_delegate(drill: Drill) -> bool:
    """An ExecuTorch program that was exported without a delegate: degraded when it is made and when it is run."""
    row, record = drill.rows["executorch"], drill.folder / "undelegated" / "artifact.json"
    options = {name: row[name] for name in ("precision", "variant", "batch", "image_size")}
    environment = environment_record(row, drill.setting.config)
    source = f"checkpoint={row['paths']['checkpoint']}/artifact.json"
    make_artifact(argparse.Namespace(
        verb="scripts.trust.provoked.convert", stage="convert", environment=environment, source=[source],
        options=json.dumps(options), log=drill.setting.log, absent="", artifact=record, depends_on=None,
    ))  # fmt: skip
    made, ran = load(record), drill.ending("executorch", record)
    return all(_degraded(ending, "XNNPACK took none") for ending in (made, ran))


def nothing_quantised(drill: Drill) -> bool:
    """An fp32 artifact is opened as int8, in every room: degraded."""
    asked = [drill.ending(runtime, precision="int8") for runtime in drill.rows]
    return all(_degraded(ending, "asked for int8, nothing is quantised") for ending in asked)


def _degraded(ending: Values, *said: str) -> bool:
    """Whether a trial or artifact is degraded, and for the reason that was provoked."""
    return ending["status"] == Status.DEGRADED and all(words in ending["reason"] for words in said)


DRILLS: dict[str, Callable[[Drill], bool]] = {
    "onnxruntime_absent_provider": absent_provider,
    "litert_xnnpack_off": xnnpack_off,
    "executorch_no_delegate": no_delegate,
    "int8_nothing_quantised": nothing_quantised,
}


def drills(rows: Sequence[Values], setting: Setting, folder: Path) -> dict[str, bool]:
    """Whether each fallback was flagged. rows: of the plan, one a runtime, in fp32 on the CPU.

    Raises SystemExit where a runtime that a drill needs is missing.
    """
    drill = Drill({row["runtime"]: row for row in rows}, setting, folder)
    if missing := {"onnxruntime", "litert", "executorch"} - set(drill.rows):
        raise SystemExit(f"drills need {', '.join(sorted(missing))} among the config's runtimes")
    return {name: run(drill) for name, run in DRILLS.items()}


def main() -> int:
    parser = arguments(__doc__, timed=False)
    parser.add_argument("--rows", required=True, type=json.loads, help="rows of the plan, one a runtime, JSON")
    args = parser.parse_args()
    become_guard()
    with tempfile.TemporaryDirectory(prefix="drill-", dir=args.out.parent) as folder:
        write_json(args.out, drills(args.rows, setting(args, SHORT["seconds"]), Path(folder)))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
