"""Eager PyTorch and its compilers in bf16 and fp16, eager int8, and the layout with channels last."""

from pathlib import Path

import pytest

from tests.toolchain.conftest import PHOTOS
from tests.toolchain.test_pytorch import PYTORCH, compiled

LINEAR, ALL = 640, 304_768
"""Multiplications of the small network's linear layer, and of all its layers, for a photo of 32 pixels."""

STUBBORN = """
import torch
from torch import nn


class Stubborn(nn.Module):
    # One of its two convolutions keeps out of autocast.
    def __init__(self):
        super().__init__()
        self.first, self.second = nn.Conv2d(3, 8, 3), nn.Conv2d(8, 8, 3)

    def forward(self, x):
        with torch.autocast("cpu", enabled=False):
            x = self.first(x)
        return self.second(x).mean((2, 3))


def build():
    return Stubborn()
"""


def network(verb, folder: Path, name: str, code: str) -> tuple[Path, Path]:
    """Checkpoint and reference of a network of one's own, written as `code`."""
    (folder / f"{name}.py").write_text(code)
    model = {"name": name, "weights": "untrained", "build": f"{name}:build", "folder": str(folder)}
    options = {"model": {**model, "preprocess": {"size": 32}}, "photos": str(PHOTOS / "labelled")}
    checkpoint = verb("torch", "scripts.models.prepare", folder / "checkpoint", options=options)
    assert checkpoint.code == 0, checkpoint.stderr
    reference = verb("torch", "scripts.models.reference", folder / "reference", {"checkpoint": checkpoint.out}, options)
    assert reference.code == 0, reference.stderr
    return checkpoint.out, reference.out


@pytest.mark.parametrize("variant", ["default", "channels_last"])
@pytest.mark.parametrize(("precision", "sqnr_db"), [("fp32", 80), ("bf16", 25), ("fp16", 45)])
def test_eager(session, tiny_checkpoint, tiny_reference, precision, variant, sqnr_db):
    asked = {"runtime": "pytorch", "precision": precision, "variant": variant, "batch": 8}
    opened = session(*PYTORCH, tiny_checkpoint, tiny_reference, **asked)
    assert opened.sqnr_db > sqnr_db and (precision == "fp32" or opened.sqnr_db < 80)
    assert opened.placement["degraded"] is None and opened.placement["int8_share"] == 0.0


def test_eager_int8_is_of_linear_layers(session, tiny_checkpoint, tiny_reference):
    asked = {"runtime": "pytorch", "precision": "int8_dynamic", "batch": 8}
    opened = session(*PYTORCH, tiny_checkpoint, tiny_reference, **asked)
    assert opened.sqnr_db > 30 and opened.placement["degraded"] is None
    assert opened.placement["int8_share"] == pytest.approx(LINEAR / ALL)
    assert "1 quantised" in opened.placement["summary"]


@pytest.mark.parametrize("runtime", ["torch_compile", "aotinductor"])
def test_compiled_bf16(verb, session, tiny_checkpoint, tiny_reference, tmp_path, runtime):
    result = compiled(verb, runtime, tiny_checkpoint, tmp_path / "files", precision="bf16")
    assert result.code == 0, result.stderr
    opened = session(*PYTORCH, result.out, tiny_reference, runtime=runtime, precision="bf16", batch=2)
    assert 25 < opened.sqnr_db < 80
    assert opened.placement["degraded"] is None and opened.placement["int8_share"] == 0.0
    assert opened.children == []


def test_frozen_fp32_is_found_in_the_cache(verb, session, tiny_checkpoint, tiny_reference, tmp_path):
    """Packed weights, which Inductor's cache by itself refuses, do not make it compile again."""
    asked = {"precision": "fp32", "variant": "freezing"}
    result = compiled(verb, "torch_compile", tiny_checkpoint, tmp_path / "files", **asked)
    assert result.code == 0, result.stderr
    opened = session(*PYTORCH, result.out, tiny_reference, runtime="torch_compile", batch=2, **asked)
    assert opened.sqnr_db > 80 and opened.placement["degraded"] is None
    assert "_convolution_pointwise" in opened.placement["summary"]


def test_what_stays_out_of_autocast_is_told(verb, session, tmp_path):
    """Of 8 x 3 x 9 x 30 x 30 and 8 x 8 x 9 x 28 x 28 multiplications the latter are in bf16: 69.9 %."""
    checkpoint, reference = network(verb, tmp_path, "stubborn", STUBBORN)
    placement = session(*PYTORCH, checkpoint, reference, runtime="pytorch", precision="bf16").placement
    assert placement["degraded"] == "asked for bf16, 69.9 % of the multiplications run in it"


def refused(python, artifact: Path, **change: str) -> str:
    """Why eager PyTorch does not open `artifact` so."""
    options = {"runtime": "pytorch", "precision": "fp32", "variant": "default", "device": "cpu", "image_size": 32}
    options |= {"threads": 2, "batch": 2, "inputs": ["input"], "outputs": ["logits"], **change}
    code = "import pathlib, sys; from scripts.pytorch import session; session.open(pathlib.Path(sys.argv[1]), %r)"
    done = python("torch", code % options, str(artifact), check=False)
    assert done.returncode == 1 and "Unsupported" in done.stderr
    return done.stderr


def test_what_a_network_has_not_is_unsupported(verb, python, tmp_path):
    checkpoint, _ = network(verb, tmp_path, "stubborn", STUBBORN)
    assert "this network has none" in refused(python, checkpoint, precision="int8_dynamic")
    assert "asked for fp8 on cpu" in refused(python, checkpoint, precision="fp8")
