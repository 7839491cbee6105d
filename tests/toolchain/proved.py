"""The small network as `make trust` sees one: a row of the plan for each runtime, with records around its files."""

import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from scripts.core import host, records
from scripts.core.catalogue import RUNTIMES
from scripts.core.records import Artifact, Record, Status
from scripts.measure.trials import Setting
from scripts.trust.rows import PROVED
from tests.toolchain.conftest import Result, python_of

OPTIONS = {"precision": "fp32", "variant": "default", "device": "cpu", "threads": 1, "batch": 1, "image_size": 32}
MEASURE = {"seconds": 0.2, "min_samples": 5, "iterations": None, "warmup_iterations": 5, "warmup_seconds": 0.1}


class Proved(NamedTuple):
    """What proofs take: rows of the plan, one a runtime, and what trials share."""

    rows: list[dict[str, Any]]
    setting: Setting

    def only(self, *runtimes: str) -> list[dict[str, Any]]:
        """The rows of these runtimes."""
        return [row for row in self.rows if row["runtime"] in runtimes]


@cache
def proved(verb: Callable[..., Result], checkpoint: Path, reference: Path, onnx: Path) -> Proved:
    """Convert and compile for every runtime that proofs are about, once a session."""
    root = checkpoint.with_name("proved")

    def artifact(name: str, files: Path) -> str:
        (root / name).mkdir(parents=True)
        (root / name / "files").symlink_to(files)
        records.save(Artifact(status=Status.OK, stage="convert", sha256=name), root / name / "artifact.json")
        return str(root / name)

    def made(env: str, module: str, **sources: Path) -> Path:
        result = verb(env, module, root / "made" / module, sources, OPTIONS)
        assert result.code == 0, result.stderr
        return result.out

    ir = made("openvino", "scripts.openvino.convert", onnx=onnx)
    files = {
        "onnxruntime": made("onnxruntime", "scripts.onnxruntime.compile", portable=onnx),
        "openvino": made("openvino", "scripts.openvino.compile", portable=ir),
        "litert": made("litert_convert", "scripts.litert.convert", checkpoint=checkpoint),
        "executorch": made("executorch", "scripts.executorch.convert", checkpoint=checkpoint),
        "pytorch": checkpoint,
    }
    shared = {"checkpoint": artifact("checkpoint", checkpoint), "reference": artifact("reference", reference)}
    portable = {"onnxruntime": artifact("onnx", onnx), "openvino": artifact("ir", ir)}
    rows = []
    for runtime in PROVED:
        env, paths = RUNTIMES[runtime].env, shared | {"deployable": artifact(runtime, files[runtime])}
        paths["portable"] = portable.get(runtime, paths["deployable"])
        record = root / "hosts" / "here" / "environments" / f"{env}.json"
        about = {"name": env, "python": str(python_of(env)), "mode": "interpreter"}
        records.save(Record(kind="environment", status=Status.OK, stage="environment", **about), record)
        row = {"model": "tiny", "weights": "untrained", "host": "here", "mode": "latency", "runtime": runtime}
        rows.append({**OPTIONS, **row, "shape": "b1x32", "paths": paths})
    here = root / "host.json"
    records.save(Record(kind="host", status=Status.OK, stage="host", name="here", **host.describe()), here)
    config = {"artifacts": str(root), "measure": MEASURE | {"seed": 0}}
    return Proved(rows, Setting(config, MEASURE["seconds"], "cpu", here, root / "log"))


LIMITS = json.dumps({"convert_s": 300, "trial_s": 120, "memory_mb": None})
"""What rules give every job, as ASSAY_LIMITS."""
