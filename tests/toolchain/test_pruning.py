"""Pruned networks: what goes, what it saves, and that nothing they are judged on was trained on."""

import hashlib
import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from tests.toolchain.conftest import PHOTOS, TINY, Result

MAGNITUDE = {"method": "magnitude", "amount": 0.5}
STRUCTURED = {"method": "structured", "amount": 0.3}


def prepare(verb, out: Path, **entry) -> Result:
    pruned = entry["pruned"]
    label = f"untrained_{pruned['method']}{round(pruned['amount'] * 100)}"
    options = {"model": {**TINY, "label": label, **entry}, "photos": str(PHOTOS)}
    return verb("torch", "scripts.models.prepare", out, options=options)


def described(result: Result) -> dict:
    assert result.code == 0, result.stderr
    return json.loads((result.out / "model.json").read_text())


@pytest.fixture(scope="module")
def magnitude(verb, tmp_path_factory) -> Result:
    return prepare(verb, tmp_path_factory.mktemp("magnitude") / "files", pruned=MAGNITUDE)


@pytest.fixture(scope="module")
def structured(verb, tmp_path_factory) -> Result:
    return prepare(verb, tmp_path_factory.mktemp("structured") / "files", pruned=STRUCTURED)


def test_magnitude_sets_half_of_the_weights_to_zero_and_saves_nothing_but_compressed_bytes(magnitude):
    model = described(magnitude)
    pruned = model["pruned"]
    assert (model["weights"], model["trained"]) == ("untrained_magnitude50", False)
    assert pruned["method"] == "magnitude" and pruned["amount"] == 0.5 and pruned["fine_tuned"] is None
    assert pruned["sparsity"] == pytest.approx(0.5, abs=0.001)
    for what in ("macs", "parameters", "bytes"):
        assert pruned[what]["before"] == pruned[what]["after"] > 0, what
    assert pruned["compressed"]["after"] < 0.75 * pruned["compressed"]["before"]
    assert pruned["bytes"]["after"] == (magnitude.out / "weights.pt").stat().st_size
    assert magnitude.facts["pruned"] == pruned


MASKED = """
import sys, torch
state = torch.load(sys.argv[1], weights_only=True)
print(sum(4 * value.numel() for key, value in state.items() if key.endswith("weight") and value.ndim == 4))
print(sum(4 * value.numel() for key, value in state.items() if key.endswith("weight") and value.ndim == 2))
"""


def test_a_file_that_still_holds_masks_is_told_with_what_they_weigh(python, magnitude):
    """A mask of each weight's own shape and type lies beside it until it is removed: the file grows by their bytes."""
    pruned = described(magnitude)["pruned"]
    masks, masked = pruned["masked"]["masks"], pruned["masked"]
    counted = [int(line) for line in python("torch", MASKED, str(magnitude.out / "weights.pt")).stdout.split()]
    assert [masks["convolutions"], masks["linear"]] == counted and min(counted) > 0
    growth = masked["bytes"] - pruned["bytes"]["after"]
    assert sum(counted) <= growth <= sum(counted) + 16 * 1024, "beside the masks there are only their names"
    assert masked["compressed"] > pruned["compressed"]["after"]


def test_whole_channels_leave_no_masks(structured):
    assert described(structured)["pruned"]["masked"] is None


ZEROS = """
import sys, torch
state = torch.load(sys.argv[1], weights_only=True)
weights = [value for key, value in state.items() if key.endswith("weight") and value.ndim > 1]
print(sum(int((w == 0).sum()) for w in weights) / sum(w.numel() for w in weights), *sorted(state))
"""


def test_the_zeros_are_in_the_file_under_the_networks_own_names(python, magnitude, tiny_checkpoint):
    share, *names = python("torch", ZEROS, str(magnitude.out / "weights.pt")).stdout.split()
    assert float(share) == pytest.approx(0.5, abs=0.001)
    assert names == python("torch", ZEROS, str(tiny_checkpoint / "weights.pt")).stdout.split()[1:]


def test_structured_takes_channels_out_and_keeps_the_classes(structured):
    model = described(structured)
    pruned = model["pruned"]
    for what in ("macs", "parameters", "bytes", "compressed"):
        assert pruned[what]["after"] < 0.9 * pruned[what]["before"], what
    assert model["outputs"][0]["shape"] == ["batch", 10]
    assert model["parameters"] == pruned["parameters"]["after"]
    assert model["build"] == "program.pt2"  # its shapes are no longer those of the user's function


def test_what_is_pruned_is_the_same_every_time(verb, structured, magnitude, tmp_path):
    for name, before in (("structured", structured), ("magnitude", magnitude)):
        asked = described(before)["pruned"]
        pruned = {"method": asked["method"], "amount": asked["amount"]}
        again = verb(
            "torch", "scripts.models.prepare", tmp_path / name,
            options={"model": {**TINY, "label": f"untrained_{name}", "pruned": pruned}, "photos": str(PHOTOS)},
            variables={"PYTHONHASHSEED": "7"},
        )  # fmt: skip
        for file in ("weights.pt", "program.pt2"):
            assert (again.out / file).read_bytes() == (before.out / file).read_bytes(), (name, file)


def test_a_pruned_network_goes_the_way_of_every_network(verb, session, structured, tiny_reference, tmp_path):
    """Its own reference, with the whole network's answers beside it; ONNX with a free batch; eager PyTorch."""
    sources = {"checkpoint": structured.out, "original": tiny_reference}
    reference = verb("torch", "scripts.models.reference", tmp_path / "reference", sources, {"photos": str(PHOTOS)})
    assert reference.code == 0, reference.stderr
    whole = np.load(tiny_reference / "logits.npy")
    assert (np.load(reference.out / "original_logits.npy") == whole).all()
    assert not np.allclose(np.load(reference.out / "logits.npy"), whole, atol=1e-3)
    eager = session("torch", "pytorch", structured.out, reference.out, runtime="pytorch", batch=8)
    assert eager.sqnr_db > 80
    onnx = verb("torch", "scripts.onnxruntime.convert", tmp_path / "onnx", {"checkpoint": structured.out})
    assert onnx.code == 0, onnx.stderr
    asked = {"runtime": "onnxruntime", "precision": "fp32", "variant": "default", "device": "cpu", "batch": None}
    made = verb("onnxruntime", "scripts.onnxruntime.compile", tmp_path / "ort", {"portable": onnx.out}, asked)
    assert made.code == 0, made.stderr
    for batch in (1, 8):
        opened = session("onnxruntime", "onnxruntime", made.out, reference.out, runtime="onnxruntime", batch=batch)
        assert opened.sqnr_db > 80 and opened.top1_agreement == 1.0


def test_the_whole_networks_answers_must_be_about_the_same_inputs(verb, structured, tiny_reference, tmp_path):
    other = Path(shutil.copytree(tiny_reference, tmp_path / "other"))
    inputs = np.load(other / "inputs.npy")
    np.save(other / "inputs.npy", inputs[::-1])
    sources = {"checkpoint": structured.out, "original": other}
    result = verb("torch", "scripts.models.reference", tmp_path / "reference", sources, {"photos": str(PHOTOS)})
    assert result.code == 1 and "it is of other inputs" in result.facts["reason"]


@pytest.fixture(scope="module")
def handful(tmp_path_factory) -> Path:
    """Eight of the calibration photos with made-up classes of the small network."""
    folder = tmp_path_factory.mktemp("training")
    photos = sorted((PHOTOS / "calibration").glob("*.jpg"))[:8]
    rows = [f"{Path(shutil.copy2(photo, folder)).name},{place}" for place, photo in enumerate(photos)]
    (folder / "photos.csv").write_text("\n".join(["file,classes", *rows]) + "\n")
    return folder


TRAINING = {"epochs": 12, "learning_rate": 0.01, "batch": 4, "seed": 0}


@pytest.mark.parametrize("pruned", [MAGNITUDE, STRUCTURED], ids=lambda asked: asked["method"])
def test_training_lowers_the_loss_and_keeps_the_zeros(verb, handful, tmp_path, pruned):
    made = [
        prepare(verb, tmp_path / str(turn), pruned=pruned, training={"photos": str(handful), **TRAINING})
        for turn in range(2)
    ]
    tuned = described(made[0])["pruned"]
    losses = tuned["fine_tuned"]["losses"]
    assert (tuned["fine_tuned"]["epochs"], tuned["fine_tuned"]["photos"], len(losses)) == (12, 8, 12)
    assert losses[-1] < 0.8 * losses[0]
    if pruned is MAGNITUDE:
        assert tuned["sparsity"] == pytest.approx(0.5, abs=0.001)
    digests = {hashlib.sha256((one.out / "weights.pt").read_bytes()).hexdigest() for one in made}
    assert len(digests) == 1


def test_photos_that_validate_may_not_train(verb, handful, tmp_path):
    folder = Path(shutil.copytree(handful, tmp_path / "training"))
    held = sorted((PHOTOS / "labelled").glob("*.jpg"))[0]
    shutil.copy2(held, folder / "renamed.jpg")
    with (folder / "photos.csv").open("a") as table:
        table.write("renamed.jpg,3\n")
    result = prepare(verb, tmp_path / "files", pruned=MAGNITUDE, training={"photos": str(folder), **TRAINING})
    assert result.code == 1 and "Traceback" not in result.stderr
    reason = result.facts["reason"]
    assert reason.startswith("training.photos: 1 of the photos to train on also validate")
    assert "renamed.jpg" in reason and held.name in reason


def test_training_takes_labels(verb, tmp_path):
    photos = PHOTOS / "calibration"
    result = prepare(verb, tmp_path / "files", pruned=MAGNITUDE, training={"photos": str(photos), **TRAINING})
    assert result.code == 1 and "has 0 photos with classes of this network" in result.facts["reason"]


def test_too_little_to_take_out_is_said(verb, tmp_path):
    model = {"name": "mixer", "weights": "untrained", "build": "tiny:mixer", "folder": "tests/toolchain"}
    model |= {"inputs": [{"name": "values", "shape": ["batch", 12], "dtype": "float32"}], "pruned": STRUCTURED}
    model["inputs"] += [{"name": "words", "shape": ["batch", 7], "dtype": "int64", "high": 20}]
    result = verb("torch", "scripts.models.prepare", tmp_path / "files", options={"model": model})
    assert result.code == 1 and result.facts["reason"].startswith("pruned: ")
