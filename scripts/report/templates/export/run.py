"""Classify photos with this artifact, or check that it gives the recorded outputs on this machine.

    python run.py photo.jpg [photo.jpg ...]
    python run.py --check

Needs what requirements.txt lists, and nothing else of the project that wrote it.
"""

from __future__ import annotations

import argparse
import importlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from scripts.core.verb import Mistake, Unsupported

HERE = Path(__file__).resolve().parent


def read(name: str) -> dict[str, Any]:
    """A JSON file beside this one."""
    value: dict[str, Any] = json.loads((HERE / name).read_text(encoding="utf-8"))
    return value


def opened(threads: int) -> Any:
    """The artifact, loaded by its runtime; 0 threads: as many as it was measured with."""
    about = read("export.json")
    options = dict(about["options"], **({"threads": threads} if threads else {}))
    return importlib.import_module(f"scripts.{about['room']}.session").open(HERE / "artifact", options)


def run(session: Any, inputs: dict[str, np.ndarray]) -> Iterator[dict[str, np.ndarray]]:
    """Outputs by name for inputs [N, ...], a batch at a time; the last batch is filled up with its last row."""
    batch = read("export.json")["options"]["batch"]
    count = len(next(iter(inputs.values())))
    for start in range(0, count, batch):
        rows = np.minimum(np.arange(start, start + batch), count - 1)
        part = {name: np.ascontiguousarray(values[rows]) for name, values in inputs.items()}
        session.put(part)  # may only refer to the arrays: `part` keeps them until the outputs are there
        session.execute()
        yield {name: np.array(values)[: count - start] for name, values in session.get().items()}


def check(session: Any) -> int:
    """Compare with the recorded outputs; the exit status."""
    limit = read("export.json")["tolerance"]
    with np.load(str(HERE / "expected.npz")) as stored:
        arrays = {name: stored[name] for name in stored.files}
    inputs = {name[len("input.") :]: values for name, values in arrays.items() if name.startswith("input.")}
    got = list(run(session, inputs))
    worst = 0.0
    for name in (name[len("output.") :] for name in arrays if name.startswith("output.")):
        difference = np.abs(arrays["output." + name] - np.concatenate([part[name] for part in got]))
        worst = max(worst, float(np.max(difference))) if np.isfinite(difference).all() else float("inf")
    reproduced = worst <= limit
    said = "reproduced" if reproduced else "NOT reproduced"
    count = len(next(iter(inputs.values())))
    print(f"{said}: outputs for {count} inputs differ by at most {worst:.2g} (limit {limit:.2g})")
    return 0 if reproduced else 1


def classify(session: Any, photos: list[Path], top: int) -> None:
    """Print the likeliest classes of each photo with their softmax scores."""
    from scripts.models import preprocess

    model = read("model.json")
    output = model["outputs"][0]["name"]
    pixels = {model["inputs"][0]["name"]: preprocess.batch(photos, model["preprocess"])}
    logits = np.concatenate([part[output] for part in run(session, pixels)]).astype(np.float64)
    scores = np.exp(logits - logits.max(1, keepdims=True))
    scores /= scores.sum(1, keepdims=True)
    for place, photo in enumerate(photos):
        print(photo)
        for index in np.argsort(-scores[place])[:top]:
            label = model["labels"][index] if model.get("labels") else f"class {index}"
            print(f"  {100 * scores[place][index]:5.1f} %  {label}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photos", nargs="*", type=Path, metavar="photo.jpg")
    parser.add_argument("--check", action="store_true", help="compare with the recorded outputs")
    parser.add_argument("--top", type=int, default=5, help="how many classes to print")
    parser.add_argument("--threads", type=int, default=0, help="default: as measured")
    args = parser.parse_args()
    missing = [photo for photo in args.photos if not photo.is_file()]
    if missing:
        parser.error(f"there is no file {missing[0]}")
    if not args.photos and not args.check:
        parser.error("name a photo, or --check")
    if args.photos and read("model.json")["task"] != "classification":
        parser.error("this network takes arrays, not photos; see `run` in run.py")
    try:
        session = opened(args.threads)
        if args.photos:
            classify(session, args.photos, args.top)
        status = check(session) if args.check else 0
        session.close()
    except (Mistake, Unsupported, ValueError) as error:
        parser.error(str(error))
    return status


if __name__ == "__main__":
    raise SystemExit(main())
