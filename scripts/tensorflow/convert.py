"""ONNX to Keras: `model.keras`, the same network with the same weights (runs in the converter's environment).

Source: `onnx`, a folder with `model.onnx`. Images are laid out as [N, H, W, C], the batch is free. Equal bytes for
equal networks: what Keras's file tells of the run that wrote it is left out.
"""

import json
import zipfile
from collections import Counter
from importlib.metadata import version
from pathlib import Path
from typing import Any, Callable, Dict, Optional

from scripts.core.verb import Facts, Job, main
from scripts.tensorflow.libraries import keras
from scripts.tensorflow.walk import network

FILE = "model.keras"
SHARED = "shared_object_id"
TOOLS = ("tensorflow-cpu", "keras", "onnx")


def work(job: Job) -> Facts:
    model = network(job.sources["onnx"] / "model.onnx")
    raw = job.out / ("raw." + FILE)
    model.save(str(raw))
    settled(raw, job.out / FILE)
    raw.unlink()
    return {
        "versions": {tool: version(tool) for tool in TOOLS},
        "operators": operators(model),
        "options": dict(job.options, layout="NHWC"),
    }


def settled(source: Path, target: Path) -> None:
    """The same archive without what differs from run to run: when it was made, and where objects lay in memory."""
    settle: Dict[str, Callable[[Any], Any]] = {"metadata.json": _without_date, "config.json": _with_numbered_objects}
    with zipfile.ZipFile(str(source)) as old, zipfile.ZipFile(str(target), "w") as new:
        for name in sorted(old.namelist()):
            content = old.read(name)
            if name in settle:
                content = json.dumps(settle[name](json.loads(content)), sort_keys=True).encode()
            new.writestr(zipfile.ZipInfo(name), content)  # dated 1980, the default


def _without_date(metadata: Dict[str, Any]) -> Dict[str, Any]:
    return {key: value for key, value in metadata.items() if key != "date_saved"}


def _with_numbered_objects(config: Any, numbers: Optional[Dict[int, int]] = None) -> Any:
    """Objects that several layers share are told by their addresses: numbers in the order of appearance do as well."""
    numbers = {} if numbers is None else numbers
    if isinstance(config, list):
        return [_with_numbered_objects(item, numbers) for item in config]
    if not isinstance(config, dict):
        return config
    return {
        key: numbers.setdefault(value, len(numbers)) if key == SHARED else _with_numbered_objects(value, numbers)
        for key, value in config.items()
    }


def operators(model: keras.Model) -> Dict[str, int]:
    """How many of each layer, by the dtype that it computes in: {"Conv2D:float32": 52, ...}."""
    kinds = ("%s:%s" % (type(each).__name__, getattr(each, "compute_dtype", "float32")) for each in model.operations)
    return dict(Counter(kinds))


if __name__ == "__main__":
    raise SystemExit(main(work, __doc__))
