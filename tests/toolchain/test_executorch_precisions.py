"""ExecuTorch's lower precisions on a network with what PT2E gets wrong silently: see `tiny_clamped`."""

import json
import shutil
from pathlib import Path

import pytest

from tests.toolchain.conftest import PHOTOS, made

MODEL = {
    "name": "clamped", "weights": "untrained", "build": "tiny_clamped:build", "folder": "tests/toolchain",
    "preprocess": {"size": 32, "resize": 36},
}  # fmt: skip
MADE = (("fp32", 1), ("fp16", 1), ("int8", 1), ("int8", 8), ("int8_dynamic", 8))
LEAST_DB = {"fp16": 50.0, "int8": 27.5, "int8_dynamic": 20.0}  # int8: 28.9, and 26.8 with ranges from before the clamp
VERB = "scripts.executorch.convert"


@pytest.fixture(scope="module")
def sources(verb, tmp_path_factory) -> dict[str, Path]:
    """Checkpoint and calibration batch."""
    folder = tmp_path_factory.mktemp("clamped")
    photos = {"photos": str(PHOTOS)}
    checkpoint = made(verb("torch", "scripts.models.prepare", folder / "checkpoint", {}, {"model": MODEL, **photos}))
    reference = made(verb("torch", "scripts.models.reference", folder / "ref", {"checkpoint": checkpoint}, photos))
    options = {"photos": 20}
    batch = made(verb("torch", "scripts.models.calibration", folder / "batch", {"reference": reference}, options))
    return {"checkpoint": checkpoint, "calibration": batch}


@pytest.fixture(scope="module")
def reference(sources) -> Path:
    return sources["checkpoint"].with_name("ref")


@pytest.fixture(scope="module")
def programs(verb, sources, tmp_path_factory):
    """Results by precision and batch."""
    folder, results = tmp_path_factory.mktemp("programs"), {}
    for precision, batch in MADE:
        given = sources if precision == "int8" else {"checkpoint": sources["checkpoint"]}
        options = {"precision": precision, "batch": batch}
        results[precision, batch] = verb("executorch", VERB, folder / f"{precision}_{batch}", given, options)
        assert results[precision, batch].code == 0, results[precision, batch].stderr
    return results


def placed(session, program, reference, precision, batch):
    options = {"runtime": "executorch", "precision": precision, "batch": batch}
    return session("executorch", "executorch", program, reference, **options)


@pytest.mark.parametrize("precision, batch", MADE[1:])
def test_it_agrees_and_is_what_was_asked_for(session, programs, reference, precision, batch):
    opened = placed(session, programs[precision, batch].out, reference, precision, batch)
    assert opened.sqnr_db > LEAST_DB[precision] and opened.placement["degraded"] is None, opened


def test_every_layer_is_in_integers(session, programs, reference):
    """Convolutions of a class of one's own too, which PT2E may leave in floats without a word."""
    placement = placed(session, programs["int8", 1].out, reference, "int8", 1).placement
    assert placement["share"] == placement["int8_share"] == 1.0 and placement["summary"].endswith("4 quantised")
    assert json.loads((programs["int8", 1].out / "quantised.json").read_text())["share"] == 1.0


def test_what_cannot_be_quantised_while_running_is_told(session, programs, reference):
    """Depthwise convolutions and those of padded inputs, with which the finished program would fail."""
    recipe = json.loads((programs["int8_dynamic", 8].out / "quantised.json").read_text())
    assert recipe["kept"] == ["p_stem_0_weight", "p_depthwise_0_weight"]
    placement = placed(session, programs["int8_dynamic", 8].out, reference, "int8_dynamic", 8).placement
    assert placement["int8_share"] == pytest.approx(recipe["share"]) and 0 < recipe["share"] < 1


def test_half_precision_is_told(session, programs, reference):
    placement = placed(session, programs["fp16", 1].out, reference, "fp16", 1).placement
    assert "100 % of the multiplications in float16" in placement["summary"] and placement["int8_share"] == 0.0
    assert placement["summary"].endswith("the rest (_to_dim_order_copy) on ExecuTorch's own kernels")


def test_ranges_come_from_after_the_clamp(programs):
    """One cast each of the input and of what ReLU6, mean and classifier return: none between layer and clamp, which
    costs accuracy, none before a padding, which costs time."""
    counts = programs["int8", 1].facts["operators"]
    assert counts["hardtanh:float32"] == 3 and counts["constant_pad_nd:float32"] == 2
    assert counts["quantize_per_tensor:int8"] == 1 + 3 + 1 + 1 + 1


SAME = """
import json, pathlib, sys
import numpy as np
from scripts.executorch import session
inputs, got = np.load(sys.argv[1] + "/inputs.npy")[:8], {}
for batch, folder in ((1, sys.argv[2]), (8, sys.argv[3])):
    options = dict(json.loads(sys.argv[4]), batch=batch)
    opened, rows = session.open(pathlib.Path(folder), options), []
    for start in range(0, 8, batch):
        opened.put({"input": np.ascontiguousarray(inputs[start:start + batch])})
        opened.execute()
        rows.append(opened.get()["logits"].copy())
    got[batch] = np.concatenate(rows)
assert np.ptp(got[1]) > 0 and np.array_equal(got[1], got[8]), abs(got[1] - got[8]).max()
"""


def test_programs_for_all_batches_have_the_same_ranges(python, programs, reference):
    options = {"runtime": "executorch", "precision": "int8", "variant": "default", "device": "cpu", "threads": 2}
    options |= {"image_size": 32, "inputs": ["input"], "outputs": ["logits"]}
    folders = [str(programs["int8", batch].out) for batch in (1, 8)]
    python("executorch", SAME, str(reference), *folders, json.dumps(options))


@pytest.mark.parametrize("precision", ["fp16", "int8", "int8_dynamic"])
def test_a_program_in_which_nothing_was_reduced_is_degraded(session, programs, reference, precision):
    placement = placed(session, programs["fp32", 1].out, reference, precision, 1).placement
    assert placement["degraded"] in (
        f"asked for {precision}, nothing is quantised", "asked for fp16, XNNPACK multiplies nothing in float16",
    )  # fmt: skip


def test_less_than_the_recipe_declares_is_degraded(session, programs, reference, tmp_path):
    program = Path(shutil.copytree(programs["int8_dynamic", 8].out, tmp_path / "program"))
    recipe = json.loads((program / "quantised.json").read_text())
    (program / "quantised.json").write_text(json.dumps(recipe | {"share": 1.0}))
    placement = placed(session, program, reference, "int8_dynamic", 8).placement
    assert placement["degraded"].startswith("the recipe declares 100.0 % of the multiplications in integers")


def test_equal_bytes_from_another_folder(verb, programs, sources, tmp_path):
    elsewhere = {name: Path(shutil.copytree(folder, tmp_path / "far" / name)) for name, folder in sources.items()}
    again = verb("executorch", VERB, tmp_path / "files", elsewhere, {"precision": "int8", "batch": 8}, cwd=tmp_path)
    assert again.code == 0, again.stderr
    for path in programs["int8", 8].out.iterdir():
        assert (again.out / path.name).read_bytes() == path.read_bytes()


def test_a_calibration_method_that_it_lacks_is_unsupported(verb, sources, tmp_path):
    options = {"precision": "int8", "batch": 1, "calibration": "percentile"}
    refused = verb("executorch", VERB, tmp_path / "files", sources, options)
    assert refused.code == 3 and "no percentiles" in refused.facts["reason"]
