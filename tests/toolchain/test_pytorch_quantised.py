"""PT2E: quantised programs of the small network, compiled by torch.compile and AOTInductor, opened through the door."""

import json
import shutil
from pathlib import Path

import pytest

from tests.toolchain.conftest import TINY, made
from tests.toolchain.test_pytorch import PYTORCH, compiled
from tests.toolchain.test_pytorch_precisions import ALL, LINEAR, network

RUNTIMES = ("torch_compile", "aotinductor")

TRAPS = """
import torch
from torch import nn


class Padded(nn.Conv2d):
    # As EfficientNet's: a subclass that pads by a module of its own.
    def __init__(self, around, *sizes):
        super().__init__(*sizes)
        self.pad = nn.ZeroPad2d(around)

    def forward(self, x):
        return super().forward(self.pad(x))


class Traps(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = Padded((0, 1, 0, 1), 3, 16, 3)
        self.second, self.third = (Padded((1, 1, 1, 1), 16, 16, 3) for _ in range(2))
        self.norm = nn.BatchNorm2d(16)
        self.relu = nn.ReLU(inplace=True)
        self.classify = nn.Linear(16, 10)

    def forward(self, x):
        x = self.relu(self.norm(self.first(x)))
        y = self.relu(self.second(x))
        x = self.relu(self.third(y) + x)
        return self.classify(x.mean((2, 3)))


def build():
    return Traps()
"""


def calibrated(verb, reference: Path, folder: Path) -> Path:
    sources, options = {"reference": reference}, {"photos": 40}
    return made(verb("torch", "scripts.models.calibration", folder / "files", sources, options))


def quantise(verb, checkpoint: Path, out: Path, calibration: Path | None = None, method="auto"):
    sources = {"checkpoint": checkpoint} | ({"calibration": calibration} if calibration else {})
    asked = {"precision": "int8" if calibration else "int8_dynamic", "variant": "default", "calibration": method}
    return verb("torch", "scripts.pytorch.quantize", out, sources, asked)


@pytest.fixture(scope="module")
def programs(verb, tiny_checkpoint, tiny_calibration, tmp_path_factory) -> dict[str, Path]:
    """The quantised programs of the small network, by precision."""
    folder = tmp_path_factory.mktemp("pt2e")
    static = quantise(verb, tiny_checkpoint, folder / "int8", tiny_calibration)
    dynamic = quantise(verb, tiny_checkpoint, folder / "int8_dynamic")
    return {"int8": made(static), "int8_dynamic": made(dynamic)}


def recipe(folder: Path) -> dict:
    return json.loads((folder / "quantised.json").read_text())


def test_recipes_say_what_is_quantised(programs):
    static, dynamic = recipe(programs["int8"]), recipe(programs["int8_dynamic"])
    assert static["share"] == 1.0 and static["kept"] == []
    assert dynamic["share"] == pytest.approx(LINEAR / ALL) and len(dynamic["kept"]) == 6
    assert "u8 activations (histogram)" in static["method"] and "linear" in dynamic["method"]


def test_a_program_holds_no_more_than_it_needs(programs, python):
    code = (
        "import sys, torch; from scripts.pytorch import reduced; reduced.lowering();"
        "program = torch.export.load(sys.argv[1]); print(program.graph);"
        "print(sorted(str(v.dtype) for v in program.state_dict.values()))"
    )
    shown = python("torch", code, str(programs["int8"] / "program.pt2")).stdout
    assert "batch_norm" not in shown
    kinds = shown.splitlines()[-1]
    assert kinds.count("int8") == 7, kinds


@pytest.mark.parametrize("runtime", RUNTIMES)
@pytest.mark.parametrize(("precision", "sqnr_db", "share"), [("int8", 20, 1.0), ("int8_dynamic", 30, LINEAR / ALL)])
def test_integers_run(verb, session, programs, tiny_reference, tmp_path, runtime, precision, sqnr_db, share):
    result = compiled(verb, runtime, programs[precision], tmp_path / "files", precision=precision)
    assert result.code == 0, result.stderr
    opened = session(*PYTORCH, result.out, tiny_reference, runtime=runtime, precision=precision, batch=2)
    assert opened.placement["degraded"] is None, opened.placement
    assert opened.placement["int8_share"] == pytest.approx(share)
    assert sqnr_db < opened.sqnr_db < 80
    assert opened.children == []


def test_nothing_quantised_is_degraded(verb, session, tiny_checkpoint, tiny_reference, tmp_path):
    """A float program that passes for an int8 one."""
    result = compiled(verb, "torch_compile", tiny_checkpoint, tmp_path / "files", precision="int8")
    assert result.code == 0, result.stderr
    opened = session(*PYTORCH, result.out, tiny_reference, runtime="torch_compile", precision="int8", batch=2)
    assert opened.placement["int8_share"] == 0.0
    assert opened.placement["degraded"] == "asked for int8, nothing is quantised"


def test_less_than_declared_is_degraded(verb, session, programs, tiny_reference, tmp_path):
    """The dynamic program with the recipe of the static one."""
    shutil.copytree(programs["int8_dynamic"], tmp_path / "program")
    shutil.copyfile(programs["int8"] / "quantised.json", tmp_path / "program" / "quantised.json")
    result = compiled(verb, "aotinductor", tmp_path / "program", tmp_path / "files", precision="int8")
    assert result.code == 0, result.stderr
    opened = session(*PYTORCH, result.out, tiny_reference, runtime="aotinductor", precision="int8", batch=2)
    said = "the recipe declares 100.0 % of the multiplications in integers, 0.2 % run in them"
    assert opened.placement["degraded"] == said


def test_subclasses_and_shared_activations_are_quantised(verb, session, tmp_path):
    checkpoint, reference = network(verb, tmp_path, "traps", TRAPS)
    calibration = calibrated(verb, unlabelled(reference, tmp_path / "unlabelled"), tmp_path / "calibration")
    program = quantise(verb, checkpoint, tmp_path / "program", calibration)
    assert program.code == 0, program.stderr
    assert recipe(program.out)["share"] == 1.0
    assert program.facts["operators"]["pad:float32"] == 1  # the others are the convolutions' own
    result = compiled(verb, "aotinductor", program.out, tmp_path / "files", precision="int8")
    assert result.code == 0, result.stderr
    opened = session(*PYTORCH, result.out, reference, runtime="aotinductor", precision="int8", batch=2)
    assert opened.placement["degraded"] is None and opened.placement["int8_share"] == pytest.approx(1.0)


def unlabelled(reference: Path, folder: Path) -> Path:
    """The reference with all of its photos for calibration."""
    shutil.copytree(reference, folder)
    photos = json.loads((reference / "photos.json").read_text())
    (folder / "photos.json").write_text(json.dumps([{**photo, "split": "calibration"} for photo in photos]))
    return folder


def test_bytes_depend_on_the_sources_alone(verb, tiny_checkpoint, tiny_calibration, programs, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    shutil.copytree(tiny_checkpoint, elsewhere / "checkpoint")
    shutil.copytree(tiny_calibration, elsewhere / "calibration")
    static = quantise(verb, elsewhere / "checkpoint", tmp_path / "int8", elsewhere / "calibration")
    dynamic = quantise(verb, elsewhere / "checkpoint", tmp_path / "int8_dynamic")
    for precision, again in (("int8", static), ("int8_dynamic", dynamic)):
        assert sorted(path.name for path in again.out.iterdir()) == ["model.json", "program.pt2", "quantised.json"]
        for path in again.out.iterdir():
            assert path.read_bytes() == (programs[precision] / path.name).read_bytes(), path


def test_other_calibrations(verb, tiny_checkpoint, tiny_calibration, programs, tmp_path):
    least = quantise(verb, tiny_checkpoint, tmp_path / "minmax", tiny_calibration, method="minmax")
    assert least.code == 0 and "MinMax" in recipe(least.out)["method"]
    assert (least.out / "program.pt2").read_bytes() != (programs["int8"] / "program.pt2").read_bytes()
    refused = quantise(verb, tiny_checkpoint, tmp_path / "percentile", tiny_calibration, method="percentile")
    assert refused.code == 3 and "no percentile calibration" in refused.facts["reason"]


def test_networks_that_take_arrays(verb, tmp_path):
    """Two inputs, one of integers: each has a calibration file of its own."""
    inputs = [
        {"name": "values", "shape": ["batch", 12], "dtype": "float32"},
        {"name": "words", "shape": ["batch", 7], "dtype": "int64", "high": 20},
    ]
    model = {**TINY, "name": "mixer", "build": "tiny:mixer", "inputs": inputs, "outputs": ["scores", "mixed"]}
    del model["preprocess"]
    checkpoint = made(verb("torch", "scripts.models.prepare", tmp_path / "checkpoint", options={"model": model}))
    sources = {"checkpoint": checkpoint}
    reference = made(verb("torch", "scripts.models.reference", tmp_path / "reference", sources, {"model": model}))
    program = quantise(verb, checkpoint, tmp_path / "program", calibrated(verb, reference, tmp_path / "calibration"))
    assert program.code == 0, program.stderr
    assert recipe(program.out)["share"] == 1.0
