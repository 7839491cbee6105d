"""The ways to int8 that `tune` tries: each does something, and says truly what it leaves in floating point."""

import json
from pathlib import Path

import pytest

from scripts.core.catalogue import FORMATS
from tests.toolchain.conftest import made, run_verb

QUANTISERS = {
    "onnx_reduced": ("onnxruntime_quantize", "scripts.onnxruntime.quantize", "onnx"),
    "ir_quantized": ("openvino_quantize", "scripts.openvino.quantize", "ir"),
    "pte": ("executorch", "scripts.executorch.convert", "checkpoint"),
}


@pytest.fixture(scope="module")
def sources(tiny_checkpoint: Path, tiny_calibration: Path, tiny_onnx: Path) -> dict[str, Path]:
    options = {"precision": "fp32", "variant": "default"}
    out = tiny_checkpoint.with_name("ir")
    ir = made(run_verb("openvino", "scripts.openvino.convert", out, {"onnx": tiny_onnx}, options))
    return {"checkpoint": tiny_checkpoint, "onnx": tiny_onnx, "ir": ir, "calibration": tiny_calibration}


def test_every_format_with_schemes_is_tried_here() -> None:
    assert set(QUANTISERS) == {name for name, form in FORMATS.items() if form.schemes}


@pytest.mark.parametrize("name", QUANTISERS)
def test_each_scheme_makes_a_file_of_its_own(sources: dict[str, Path], tmp_path: Path, name: str) -> None:
    env, verb, source = QUANTISERS[name]
    files: dict[bytes, str] = {}
    recipes = {}
    for variant in ("default", *FORMATS[name].schemes["int8"]):
        options = {"precision": "int8", "variant": variant, "calibration": "auto", "batch": 1}
        given = {source: sources[source], "calibration": sources["calibration"]}
        out = made(run_verb(env, verb, tmp_path / variant, given, options))
        content = b"".join(path.read_bytes() for path in sorted(out.glob("model.*")))
        assert content not in files, f"{variant} writes what {files[content]} writes"
        files[content] = variant
        recipes[variant] = json.loads((out / "quantised.json").read_text())
    assert len({recipe["method"] for recipe in recipes.values()}) > 1
    if "mixed" in recipes:
        assert recipes["default"]["kept"] == [] and len(recipes["mixed"]["kept"]) == 5
        assert 0 < recipes["mixed"]["share"] < recipes["default"]["share"] == 1.0
