"""Synthetic records for tests of summarise and report: no figure in them was measured.

`build_tree` writes a whole `artifacts/` with every way a row can end: two hosts, a trained and an untrained
network, two batches. Hosts, networks and reasons are named so that nobody takes them for real.
"""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from scripts.core.catalogue import FORMATS, RUNTIMES
from tests.unit.records_cases import ABSENT, GOOD, OK, TROUBLED, Case, Ending
from tests.unit.records_finals import write_finals
from tests.unit.records_trials import call_ms, latency, serving, throughput, trial_facts

HOST, OTHER_HOST = "synthetic-desktop", "synthetic-laptop"
TRAINED, UNTRAINED = ("synthetic_lite", "package"), ("synthetic_resnet", "untrained")
SIZE_MB = {"checkpoint": 37.6, "torchscript": 18.9, "onnx": 18.6, "ir": 18.7, "tflite": 18.6, "pte": 18.7}


def write(path: Path, kind: str, stage: str, ending: Ending, **values: Any) -> None:
    """One record as the stages write it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"schema": 1, "kind": kind, "stage": stage, **ending, **values}))
    log = path.with_name(f"{stage}.log") if kind == "artifact" else path.with_suffix(".log")
    if ending["status"] in ("failed", "crashed", "oom", "timeout"):
        log.write_text("synthetic log\n")


class Tree:
    """Writes records below `root/artifacts` and remembers the plan's rows."""

    def __init__(self, root: Path, trials: int, samples: int, noise: float) -> None:
        self.artifacts, self.trials, self.samples, self.noise = root / "artifacts", trials, samples, noise
        self.rows: list[dict[str, Any]] = []
        self.cases: list[tuple[dict[str, Any], Case]] = []  # the plan's rows that may be finalists
        self.random = np.random.default_rng(20260101)
        self.host_phase = self.random.normal(0, 0.015, trials + 1)  # a round's host phase hits all candidates alike

    def artifact(self, folder: Path, stage: str, ending: Ending, megabytes: float, file: str, wall_s: float) -> None:
        """artifact.json and build.json of one folder."""
        size = int(megabytes * 1e6) if ending["status"] == "ok" else 0
        files = {file: {"sha256": "0" * 64, "bytes": size}}
        if file == "weights.pt":
            files = {
                file: {"sha256": "0" * 64, "bytes": size // 2},
                "program.pt2": {"sha256": "1" * 64, "bytes": size - size // 2},
            }
        sha256 = hashlib.sha256(str(folder.relative_to(self.artifacts)).encode()).hexdigest() if size else None
        common = {"versions": {"synthetic-toolchain": "1.0"}, "operators": {"Conv:float32": 49}}
        write(folder / "artifact.json", "artifact", stage, ending, sha256=sha256, bytes=size, files=files, **common)
        write(
            folder / "build.json",
            "build",
            stage,
            ending,
            wall_s=wall_s,
            cpu_s=wall_s * 1.4,
            peak_rss_mb=900.0,
            cache="miss",
        )

    def network(self, model: str, weights: str) -> None:
        """Checkpoint, reference and the conversions that always work."""
        base = self.artifacts / "portable" / f"{model}.{weights}"
        self.artifact(base / "checkpoint/fp32.default/dyn", "prepare", OK, SIZE_MB["checkpoint"], "weights.pt", 9.0)
        self.artifact(base / "reference", "prepare", OK, 124.0, "logits.npy", 6.0)
        files = base / "checkpoint/fp32.default/dyn/files"
        files.mkdir(parents=True)
        known = {
            "name": model,
            "weights": weights,
            "trained": weights != "untrained",
            "build": "synthetic",
            "task": "classification",
        }
        (files / "model.json").write_text(json.dumps(known | {"parameters": 4_652_008}))

    def case(
        self, host: str, model: str, weights: str, case: Case, batch: int, planned: bool = True, mode: str = "latency"
    ) -> None:
        """All records of one row."""
        runtime, label = RUNTIMES[case.runtime], f"{case.precision}.{case.variant}"
        shape = f"b{batch}x224" if runtime.static else "dyn"
        base = self.artifacts / "portable" / f"{model}.{weights}"
        format_name = runtime.format_of(case.precision)
        format = FORMATS[format_name]
        kind = format.kind(case.precision, case.variant)
        portable = base / format_name / kind / (shape if format.static else "dyn")
        device = runtime.devices[0]
        home = self.artifacts / "hosts" / host / f"{model}.{weights}" / case.runtime / f"{label}.{device}" / shape
        ending: Ending = dict(OK)
        stage = "prepare"
        if format_name != "checkpoint":
            ending, stage = self._reach(case, "convert", ending, stage)
            size = SIZE_MB.get(format_name, case.megabytes)
            self.artifact(portable, stage, ending, size, format.file, 8.0)
            source = format.source
            while source not in (None, "checkpoint"):
                made_from = FORMATS[source]
                folder = base / source / made_from.kind(case.precision, case.variant) / "dyn"
                self.artifact(folder, "convert", OK, SIZE_MB[source], made_from.file, 9.0)
                source = made_from.source
        deployable = portable
        if runtime.compiles:
            deployable = home / "compiled"
            ending, stage = self._reach(case, "compile", ending, stage)
            self.artifact(
                deployable, stage, ending, case.megabytes, "model.bin", 31.0 if case.runtime == "aotinductor" else 0.6
            )
        ending, stage = self._reach(case, "verify", ending, stage)
        verify = home / f"verify/b{batch}x224/verify.json"
        self._verify(verify, case, stage, ending, weights)
        ending, stage = self._reach(case, "measure", ending, stage)
        trials = [home / f"trials/b{batch}x224.{mode}/trial-{n}.json" for n in range(1, self.trials + 1)]
        for number, path in enumerate(trials, 1):
            how = case.trials.get(number, ending)
            self._trial(path, case, number, stage if how is ending else "measure", how, host, batch, device, mode)
        if planned:
            paths = {
                "checkpoint": base / "checkpoint/fp32.default/dyn",
                "reference": base / "reference",
                "portable": portable,
            }
            folders = {name: str(path) for name, path in (paths | {"deployable": deployable, "verify": verify}).items()}
            planned_row = {
                "host": host,
                "model": model,
                "weights": weights,
                "runtime": case.runtime,
                "precision": case.precision,
                "variant": case.variant,
                "device": device,
                "shape": shape,
                "batch": batch,
                "image_size": 224,
                "mode": mode,
                "threads": 2,
                "trials": self.trials,
                "paths": folders | {"trials": [str(path) for path in trials]},
            }
            self.rows.append(planned_row)
            if ending["status"] == "ok" and not case.trials and case.gate != "fail":
                self.cases.append((planned_row, case))

    @staticmethod
    def _reach(case: Case, stage: str, ending: Ending, before: str) -> tuple[Ending, str]:
        """Ending and stage after `stage`: what stopped the case earlier is inherited."""
        if ending["status"] != "ok":
            return ending, before
        return (case.ending, stage) if case.stops == stage else (ending, stage)

    def _verify(self, path: Path, case: Case, stage: str, ending: Ending, weights: str) -> None:
        labelled = weights != "untrained"
        wrong = case.gate == "fail"
        lost = max(0, 54 - case.right)
        photo = {"file": "labelled/synthetic.jpg", "took": 1, "reference": 0, "lost": bool(lost)}
        facts = {
            "batch": 1,
            "image_size": 224,
            "photos": 59,
            "labelled": 59,
            "max_abs_error": 3.1 if wrong else 4.2e-6,
            "sqnr_db": 12.4 if wrong else 131.0,
            "cosine": 1.0,
            "top1_agreement": 0.71 if wrong else 1.0,
            "top5_agreement": 1.0,
            "top1_accuracy": case.right / 59 if labelled else None,
            "lost": lost if labelled else None,
            "gained": 0 if labelled else None,
            "mcnemar_p": min(1.0, 0.5 ** (lost - 1)) if labelled else None,
            "placement": {"summary": "as asked", "int8_share": 0.99 if case.precision == "int8" else 0.0},
            "gate": case.gate,
            "wrong": [photo] * max(lost, int(wrong)),
            "gated": {"sqnr_db": {"value": 12.4 if wrong else 131.0, "limit": 80.0, "ok": not wrong}},
        }
        write(path, "verify", stage, ending, **(facts if ending["status"] == "ok" else {}))

    def _trial(
        self, path: Path, case: Case, number: int, stage: str, ending: Ending, host: str, batch: int, device: str,
        mode: str,
    ) -> None:  # fmt: skip
        place = {"trial": number, "round": number, "position": 1, "session": f"s-{host}", "mode": mode, "batch": batch}
        if ending["status"] not in ("ok", "degraded"):
            write(path, "trial", stage, ending, **place)
            return
        phase = self.random.normal(0, self.noise) + self.host_phase[number]
        ms = call_ms(case, batch, host == OTHER_HOST) * float(np.exp(phase))
        facts = trial_facts(case, number, device, self.samples) | self.raw(path.with_suffix(".npz"), mode, ms)
        write(path, "trial", stage, ending, **facts, **place)

    def raw(self, path: Path, mode: str, ms: float) -> dict[str, Any]:
        """Raw samples of a trial of `mode`, and the facts that go with them."""
        kinds = {"latency": latency, "throughput": throughput, "serving": serving}
        raw, facts = kinds[mode](self.random, ms, self.samples)
        path.parent.mkdir(parents=True, exist_ok=True)
        np.savez_compressed(path, **raw)  # type: ignore[arg-type]
        return facts

    def host(self, name: str, cpu: str, cores: int) -> None:
        """The host's record and its environments'."""
        facts = {
            "cpu_model": cpu,
            "cores": cores,
            "isa": ["avx2", "avx512f"],
            "memory_gb": 32.0,
            "kernel": "6.0-synthetic",
            "os": "SynthOS 1",
        }
        write(
            self.artifacts / f"hosts/{name}/host.json",
            "host",
            "host",
            OK,
            name=name,
            gpu=None,
            driver=None,
            machine="x86_64",
            **facts,
        )
        for env in sorted({runtime.env for runtime in RUNTIMES.values()}):
            packages = {env: "1.2.3", "numpy": "2.4.6", "protobuf": "7.36.2"}
            path = self.artifacts / f"hosts/{name}/environments/{env}.json"
            write(
                path,
                "environment",
                "environment",
                OK,
                name=env,
                interpreter="3.11.9",
                packages=packages,
                mode="uv",
                lock_sha256="a" * 64,
            )


def build_tree(
    root: Path, trials: int = 5, samples: int = 120, batches: tuple[int, ...] = (1, 8), noise: float = 0.02,
    modes: tuple[str, ...] = ("latency",), rounds: int = 10, finals_noise: float = 0.004,
    good: Sequence[Case] = tuple(GOOD),
) -> Path:  # fmt: skip
    """Write the whole tree below `root`; the path of its plan.

    noise, finals_noise: standard deviation of logs between trials; rounds: of the finals (0: none are held); good: the
    trained network's candidates that ran.
    """
    tree = Tree(root, trials, samples, noise)
    for (model, weights), cases in ((TRAINED, [*good, *ABSENT]), (UNTRAINED, TROUBLED)):
        tree.network(model, weights)
        for case in cases:
            for batch in batches:
                for mode in modes if weights != "untrained" else ("latency",):
                    tree.case(HOST, model, weights, case, batch, mode=mode)
    for case in GOOD[:6]:
        for batch in batches:
            tree.case(OTHER_HOST, *TRAINED, case, batch, planned=False)
    if rounds:
        write_finals(tree, HOST, rounds, finals_noise)
    tree.host(HOST, "Synthetic CPU (test records)", 2)
    tree.host(OTHER_HOST, "Synthetic laptop CPU (test records)", 8)
    plan = tree.artifacts / "plan.json"
    config = {
        "artifacts": str(tree.artifacts), "batches": list(batches), "threads": 2, "modes": list(modes),
        "measure": {"trials": trials, "location": "p10", "resolution": 0.05},
        "finals": {"rounds": rounds}, "serving": {"p99_ms": 50.0}, "photos": str(root / "photos"),
    }  # fmt: skip
    plan.write_text(json.dumps({"schema": 1, "host": HOST, "torch_build": "cpu", "config": config, "rows": tree.rows}))
    return plan
