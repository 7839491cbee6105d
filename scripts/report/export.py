"""The chosen candidate as a folder that runs without this project.

    python -m scripts.report.export --plan ... --csv ... --artifacts ... --network NAME.WEIGHTS --record DIR/export.json

Chosen is the fastest at the smallest batch among those that ran as asked and passed the gate on this host;
`--candidate RUNTIME[/PRECISION[/VARIANT[/DEVICE]]]` names another one that ran. The folder around the record is
replaced as a whole: artifact/, model.json, labels.txt, requirements.txt, expected.npz, run.py, README.txt and the
modules that load it. README.txt says how to use it.
"""

import argparse
import re
import shutil
import tempfile
from pathlib import Path
from typing import Any

import jinja2
import numpy as np
import pandas as pd

from scripts.core.catalogue import on
from scripts.core.codehash import closure
from scripts.core.environment import ENVS, lock_name
from scripts.core.paths import ROOT
from scripts.core.verb import write_json
from scripts.measure.inputs import stored
from scripts.report.answers import CANDIDATE, Question, questions
from scripts.report.columns import read_results
from scripts.report.evidence import Evidence, key_of
from scripts.report.rows import Row, read_plan
from scripts.report.summarise import unused_file
from scripts.report.wording import GATE, candidate, milliseconds, percent, span

TEMPLATES = Path(__file__).parent / "templates" / "export"
PHOTOS = 4
ALWAYS = ("scripts.core.verb", "scripts.models.preprocess")
WRITTEN = {
    "artifact", "scripts", "model.json", "labels.txt", "requirements.txt", "expected.npz", "run.py", "README.txt",
    "export.json",
}  # fmt: skip
LEFT_OUT = ("folder",)
"""Keys of model.json that mean something only where it was made."""
LOOSER, RELATIVE = 4.0, 1e-4
"""Another CPU adds up in another order: outputs may differ by 4 times what verify saw, or 1e-4 of the largest."""


def choose(asked: list[Question], network: str, wanted: str | None) -> pd.Series:
    """The row to export. Raises SystemExit with one sentence where there is none."""
    own = [question for question in asked if f"{question.model}.{question.weights}" == network]
    if not own:
        known = ", ".join(dict.fromkeys(f"{q.model}.{q.weights}" for q in asked)) or "none"
        raise SystemExit(f"there is no network {network} in the results; there are: {known}")
    if wanted is None:
        rows = own[0].for_latency
        if rows.empty:
            raise SystemExit(f"nothing to export for {network}: no candidate ran as asked and passed its gate")
        return rows.iloc[0]
    names = wanted.split("/")
    rows = own[0].rows[own[0].rows["median_ms"].notna()].sort_values(["batch", "median_ms"], kind="stable")
    known = ", ".join(rows[list(CANDIDATE)].agg("/".join, axis=1).drop_duplicates()) or "none"
    for column, name in zip(CANDIDATE, names, strict=False):
        rows = rows[rows[column] == name]
    if rows.empty or len(names) > len(CANDIDATE):
        raise SystemExit(f"--candidate {wanted}: no such candidate of {network} ran; these did: {known}")
    return rows.iloc[0]


def copy_code(room: str, out: Path) -> None:
    """The modules that open the artifact and prepare a photo, at the import paths they have here."""
    modules = {module for needed in (f"scripts.{room}.session", *ALWAYS) for module in closure(needed)}
    for module in sorted(modules):
        source = ROOT.joinpath(*module.split(".")).with_suffix(".py")
        if source.is_file():
            target = out / source.relative_to(ROOT)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, target)
    for folder in {parent for path in (out / "scripts").rglob("*.py") for parent in path.relative_to(out).parents}:
        package = ROOT / folder / "__init__.py"
        if folder != Path(".") and package.is_file():
            shutil.copyfile(package, out / folder / "__init__.py")


def requirements(env: str, torch_build: str) -> str:
    """The runtime's hashed pins; with Pillow's from the report's lock where the runtime's environment has none."""
    text = (ENVS / f"{lock_name(env, torch_build)}.lock.txt").read_text()
    if re.search(r"^pillow==", text, re.MULTILINE):
        return text
    pillow = re.search(r"^pillow==.*?(?=^\S|\Z)", (ENVS / "report.lock.txt").read_text(), re.MULTILINE | re.DOTALL)
    if pillow is None:
        raise SystemExit(f"{ENVS / 'report.lock.txt'} pins no Pillow, which run.py needs to read photos")
    return f"{text.rstrip()}\n# To read photos; the runtime itself does without.\n{pillow[0].rstrip()}\n"


def expected(row: Row, model: dict[str, Any], file: Path) -> float:
    """Write a few of the reference's inputs and outputs to `file`; the largest absolute output."""
    count, arrays = max(PHOTOS, row.batch), {}
    for kind, stem in (("inputs", "inputs"), ("outputs", "logits")):
        for name, values in stored(row.reference / "files", stem, [tensor["name"] for tensor in model[kind]]).items():
            arrays[f"{kind[:-1]}.{name}"] = np.array(values[:count])
    np.savez_compressed(file, **arrays)  # type: ignore[arg-type]
    return max(float(np.max(np.abs(values))) for name, values in arrays.items() if name.startswith("output."))


def facts(row: Row, cells: pd.Series, model: dict[str, Any], evidence: Evidence, largest: float) -> dict[str, Any]:
    """export.json: what run.py opens the session with, and where the artifact comes from."""
    names = {kind: [tensor["name"] for tensor in model[kind]] for kind in ("inputs", "outputs")}
    options = {name: getattr(row, name) for name in (*CANDIDATE, "threads", "batch", "image_size")} | names
    is_right = cells["gate"] != "fail" and pd.notna(cells["max_abs_error"])
    seen = float(cells["max_abs_error"]) if is_right else 0.0
    return {
        "schema": 1, "kind": "export", "status": "ok", "reason": None, "stage": "export",
        "network": f"{row.model}.{row.weights}", "room": on(row.runtime, row.device).room, "options": options,
        "tolerance": max(LOOSER * seen, RELATIVE * largest), "host": row.host, "versions": evidence.versions(row),
        "artifact_sha256": cells["artifact_sha256"], "median_ms": float(cells["median_ms"]), "gate": cells["gate"],
    }  # fmt: skip


def readme(row: Row, cells: pd.Series, model: dict[str, Any], evidence: Evidence, pins: str) -> str:
    """README.txt."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES), undefined=jinja2.StrictUndefined, trim_blocks=True,
        lstrip_blocks=True, keep_trailing_newline=True, autoescape=False,
    )  # fmt: skip
    interval = span(cells["median_lo_ms"], cells["median_hi_ms"])
    accuracy = percent(cells["top1_accuracy"])
    python = re.search(r"^# python: (\S+)$", pins, re.MULTILINE)
    torch = re.search(r"^torch==(\S+\+cpu)", pins, re.MULTILINE)
    needs_code = (
        on(row.runtime, row.device).format_of(row.precision) == "checkpoint"
        and row.runtime != "aotinductor"
        and ":" in model["build"]
    )
    return environment.get_template("README.txt.j2").render(
        model=row.model, untrained=not model["trained"], runtime=candidate(cells), precision=row.precision,
        batch=row.batch, host=row.host, cpu=evidence.host_facts(row.host).get("cpu_model", "an unknown CPU"),
        median=milliseconds(cells["median_ms"]), interval=f" (95 % interval {interval})" if interval else "",
        threads=row.threads, gate=GATE[cells["gate"]], accuracy=accuracy and f" Top-1 accuracy {accuracy}.",
        python=python[1] if python else "3.11", photos=model["task"] == "classification", compiled=row.compiled,
        torch_cpu=torch[1] if torch else None,
        own_code=model["build"] if needs_code and not model["build"].startswith("torchvision:") else None,
    )  # fmt: skip


def write(out: Path, row: Row, cells: pd.Series, evidence: Evidence) -> None:
    """Everything in the empty folder `out`."""
    model = evidence.model(row.model, row.weights)
    unused = unused_file(row)
    ignored = shutil.ignore_patterns(unused) if unused else None
    shutil.copytree(row.deployable / "files", out / "artifact", ignore=ignored)
    write_json(out / "model.json", {key: value for key, value in model.items() if key not in LEFT_OUT})
    if model.get("labels"):
        (out / "labels.txt").write_text("\n".join(model["labels"]) + "\n", encoding="utf-8")
    pins = requirements(on(row.runtime, row.device).env, str(evidence.plan.get("torch_build")))
    (out / "requirements.txt").write_text(pins)
    shutil.copyfile(TEMPLATES / "run.py", out / "run.py")
    copy_code(on(row.runtime, row.device).room, out)
    (out / "README.txt").write_text(readme(row, cells, model, evidence, pins).rstrip() + "\n", encoding="utf-8")
    largest = expected(row, model, out / "expected.npz")
    write_json(out / "export.json", facts(row, cells, model, evidence, largest))


def main(argv: list[str] | None = None) -> int:
    """Write the folder and say what was chosen."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("--plan", "--csv", "--artifacts", "--record"):
        parser.add_argument(name, type=Path, required=True)
    parser.add_argument("--network", required=True, metavar="MODEL.WEIGHTS")
    parser.add_argument("--candidate", metavar="RUNTIME[/PRECISION[/VARIANT[/DEVICE]]]")
    args = parser.parse_args(argv)
    evidence = Evidence(read_plan(args.plan), args.artifacts)
    asked = list(questions(read_results(args.csv), evidence.host, evidence.location))
    cells = choose(asked, args.network, args.candidate)
    out: Path = args.record.parent
    if other := sorted({path.name for path in out.glob("*")} - WRITTEN):
        raise SystemExit(f"{out} holds {other[0]}, which no export wrote, and would be replaced: name another folder")
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=f".{out.name}.") as scratch:
        fresh = Path(scratch) / "export"
        fresh.mkdir()
        write(fresh, evidence.rows[key_of(cells)], cells, evidence)
        shutil.rmtree(out, ignore_errors=True)
        fresh.rename(out)
    print(f"{args.network}: {candidate(cells)}, {milliseconds(cells['median_ms'])} at batch {cells['batch']}, in {out}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
