"""A made-up study of the synthetic records: no figure in it was measured."""

from pathlib import Path

from scripts.report.columns import frame
from scripts.report.evidence import Evidence
from scripts.report.originals import Original, read_original
from scripts.report.rows import read_plan
from scripts.report.study import study
from scripts.report.summarise import summarise

TEXT = """
title = "A synthetic study"
did = "Two runtimes."
found = "One of them 3.9 times as fast."
network = "synthetic_lite"
columns = ["median", "rate", "p99"]
[conditions]
cpu = "An older CPU"
torch = "0.0.1"
[[candidates]]
id = "old"
name = "Eager"
runtime = "pytorch"
precision = "fp32"
devices = ["cpu"]
said = [{batch = 1, ms = 78.2}, {batch = 64, ms = 123.25}]
[[candidates]]
id = "new"
name = "ORT"
runtime = "onnxruntime"
precision = "fp32"
devices = ["cpu"]
said = [{batch = 1, ms = 20.0}]
[[candidates]]
id = "intel"
name = "OV"
runtime = "openvino"
precision = "fp32"
devices = ["intel_gpu"]
[[candidates]]
id = "trt"
name = "TRT"
runtime = "tensorrt"
precision = "fp32"
devices = ["cuda:0"]
[[candidates]]
id = "half"
name = "Half"
runtime = "openvino"
precision = "fp16"
devices = ["cpu"]
[[candidates]]
id = "spin"
name = "No spin"
runtime = "onnxruntime"
precision = "fp32"
variant = "no_spin"
devices = ["cpu"]
[[comparisons]]
new = "spin"
old = "old"
[[comparisons]]
new = "new"
old = "old"
headline = [{batch = 1}]
[[comparisons]]
new = "trt"
old = "trt"
"""


def write_original(root: Path, text: str = TEXT) -> Path:
    """The study's file below a project's `root`."""
    path = root / "studies" / "originals" / "synthetic.toml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def original(root: Path, text: str = TEXT) -> Original:
    """The study itself."""
    return read_original(write_original(root, text))


class Made:
    """The records that a plan names, read once; `page` is what a study with `text` says of them."""

    def __init__(self, plan: Path) -> None:
        read = read_plan(plan)
        self.plan, self.table, self.evidence = plan, frame(summarise(read, plan.parent)), Evidence(read, plan.parent)

    def page(self, root: Path, text: str = TEXT) -> str:
        """The page; the study's file is written below `root`."""
        return study(original(root, text), self.table, self.evidence).page
