"""Networks: what `prepare` and `reference` make of packages, networks of one's own, arrays and photos."""

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest

from tests.toolchain.conftest import PHOTOS, ROOT, TINY


def model_of(folder: Path) -> dict:
    return json.loads((folder / "model.json").read_text())


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_the_packaged_network_is_right_about_54_of_59_photos(verb, tmp_path):
    options = {"model": {"name": "efficientnet_lite0", "weights": "package"}, "photos": str(PHOTOS)}
    prepared = verb("torch", "scripts.models.prepare", tmp_path / "checkpoint", options=options)
    assert prepared.code == 0, prepared.stderr
    model = model_of(prepared.out)
    assert (model["trained"], model["weights"], model["parameters"]) == (True, "package", 4652008)
    assert model["labels"][1] == "goldfish" and model["outputs"][0]["shape"] == ["batch", 1000]
    reference = verb("torch", "scripts.models.reference", tmp_path / "ref", {"checkpoint": prepared.out}, options)
    assert reference.code == 0, reference.stderr
    assert reference.facts["labelled"] == 59
    assert reference.facts["top1_accuracy"] == pytest.approx(54 / 59)


def test_untrained_weights_give_logits_that_differ(tiny_checkpoint, tiny_reference):
    model = model_of(tiny_checkpoint)
    assert model["trained"] is False and model["weights"] == "untrained"
    logits, inputs = np.load(tiny_reference / "logits.npy"), np.load(tiny_reference / "inputs.npy")
    assert logits.shape == (206, 10) and inputs.shape == (206, 3, 32, 32) and inputs.dtype == np.float32
    assert logits.std(axis=0).min() > 0.01
    photos = json.loads((tiny_reference / "photos.json").read_text())
    assert [photo["split"] for photo in photos] == ["validation"] * 59 + ["calibration"] * 147
    assert all(photo["classes"] == [] for photo in photos)  # ImageNet's classes are not this network's


def test_bytes_depend_on_the_network_alone(verb, tmp_path):
    """Two folders, a comment and blank lines more in one of them, other hash seeds: equal files."""
    source = (ROOT / "tests" / "toolchain" / "tiny.py").read_text()
    made = []
    for name, text in (("here", source), ("elsewhere/deeper", "# a comment\n\n\n" + source)):
        folder = tmp_path / name
        folder.mkdir(parents=True)
        (folder / "tiny.py").write_text(text)
        variables = {"PYTHONHASHSEED": str(len(name))}
        options = {"model": {**TINY, "folder": "."}, "photos": str(PHOTOS)}
        checkpoint = verb(
            "torch", "scripts.models.prepare", folder / "out", options=options, cwd=folder, variables=variables
        )
        assert checkpoint.code == 0, checkpoint.stderr
        files = [path for path in checkpoint.out.iterdir()]
        for room in ("pytorch", "onnxruntime"):
            sources = {"checkpoint": checkpoint.out}
            result = verb("torch", f"scripts.{room}.convert", folder / room, sources, cwd=folder, variables=variables)
            assert result.code == 0, result.stderr
            files += result.out.iterdir()
        made.append({path.name: path.read_bytes() for path in files})
    assert set(made[0]) == {"weights.pt", "program.pt2", "model.json", "model.onnx", "model.ts"}
    for name, content in made[0].items():
        assert content == made[1][name], f"{name} differs"
        assert str(tmp_path).encode() not in content and b"tiny.py" not in content, name


@pytest.mark.parametrize(
    ("model", "said"),
    [
        ({"name": "resnet19"}, "'resnet19' is neither efficientnet_lite0 nor a torchvision classification model"),
        ({"name": "resnet18", "weights": "package"}, "package is known for efficientnet_lite0 only"),
        ({**TINY, "build": "nowhere:build"}, "there is no module nowhere in"),
        ({**TINY, "build": "tiny:nothing"}, "tiny has no function nothing; it has"),
        ({**TINY, "build": "tiny"}, 'write "package.module:function"'),
        ({**TINY, "build": "builtins:dict"}, "returned dict; it must return a torch.nn.Module"),
        ({**TINY, "preprocess": {"size": 32, "resize": 30}}, "size is 32 and resize 30"),
        ({**TINY, "labels": ["a", "b"]}, "labels: 2 given, but the network has 10 outputs"),
        ({**TINY, "inputs": [{"name": "x", "shape": [1, 3]}]}, "is not understood; write {name: x"),
    ],
)
def test_mistakes_are_one_sentence(verb, tmp_path, model, said):
    options = {"model": {"weights": "untrained", **model}, "photos": str(PHOTOS)}
    result = verb("torch", "scripts.models.prepare", tmp_path / "out", options=options)
    assert result.code == 1 and said in result.facts["reason"], result.stderr
    assert "Traceback" not in result.stderr


def test_an_error_of_the_users_own_function_names_it_and_keeps_its_traceback(verb, tmp_path):
    (tmp_path / "mine.py").write_text("def build():\n    raise OSError('no settings found')\n")
    options = {"model": {**TINY, "build": "mine:build", "folder": "."}, "photos": str(PHOTOS)}
    result = verb("torch", "scripts.models.prepare", tmp_path / "out", options=options, cwd=tmp_path)
    assert result.code == 1 and result.facts["reason"] == "build: mine:build raised OSError: no settings found"
    assert "Traceback" in result.stderr and "mine.py" in result.stderr


NO_NUMBERS = """
import sys, torch
state = torch.load(sys.argv[1] + "/weights.pt", weights_only=True)
key = [name for name in state if name.endswith("bias")][-1]
state[key][0] = float("nan")
torch.save(state, sys.argv[2])
"""


def test_a_checkpoint_whose_outputs_are_no_numbers_is_the_checkpoints_fault(verb, python, tiny_checkpoint, tmp_path):
    """And no runtime's: nothing can be held against it."""
    python("torch", NO_NUMBERS, str(tiny_checkpoint), str(tmp_path / "nan.pt"))
    digest = sha256(tmp_path / "nan.pt")
    model = {**TINY, "weights": "file", "file": str(tmp_path / "nan.pt"), "sha256": digest}
    made = verb("torch", "scripts.models.prepare", tmp_path / "out", options={"model": model, "photos": str(PHOTOS)})
    assert made.code == 0, made.stderr
    sources, options = {"checkpoint": made.out}, {"photos": str(PHOTOS)}
    result = verb("torch", "scripts.models.reference", tmp_path / "reference", sources, options)
    assert result.code == 1 and "10 % of the network's own outputs (logits" in result.facts["reason"], result.facts
    assert "Traceback" not in result.stderr


def test_a_network_that_fixes_its_batch_is_refused(verb, tmp_path):
    (tmp_path / "fixed.py").write_text(
        "import torch\n\n\nclass Fixed(torch.nn.Module):\n    def forward(self, x):\n"
        "        return x.reshape(2, -1)[:, :10]\n\n\ndef build():\n    return Fixed()\n"
    )
    model = {**TINY, "build": "fixed:build", "folder": "."}
    options = {"model": model, "photos": str(PHOTOS)}
    result = verb("torch", "scripts.models.prepare", tmp_path / "out", options=options, cwd=tmp_path)
    assert result.code == 1 and "one batch size only" in result.facts["reason"], result.stderr


def test_a_network_of_arrays(verb, python, tmp_path):
    """Two inputs of different kinds, two outputs: exported, referenced on drawn samples and on given ones."""
    inputs = [
        {"name": "values", "shape": ["batch", 12], "dtype": "float32"},
        {"name": "words", "shape": ["batch", 7], "dtype": "int64", "high": 20},
    ]
    model = {"name": "mixer", "weights": "untrained", "build": "tiny:mixer", "folder": "tests/toolchain"}
    model.update(inputs=inputs, outputs=["scores", "mixed"])
    checkpoint = verb("torch", "scripts.models.prepare", tmp_path / "checkpoint", options={"model": model})
    assert checkpoint.code == 0, checkpoint.stderr
    described = model_of(checkpoint.out)
    assert described["task"] == "arrays" and described["preprocess"] is None
    assert [(t["name"], t["shape"]) for t in described["outputs"]] == [
        ("scores", ["batch", 5]),
        ("mixed", ["batch", 8]),
    ]

    sources = {"checkpoint": checkpoint.out}
    drawn = verb("torch", "scripts.models.reference", tmp_path / "drawn", sources, {"model": model})
    assert drawn.code == 0, drawn.stderr
    words = np.load(drawn.out / "inputs.words.npy")
    assert words.shape == (128, 7) and words.min() == 0 and words.max() == 19
    assert np.load(drawn.out / "logits.scores.npy").shape == (128, 5)

    samples = tmp_path / "samples.npz"
    np.savez(samples, values=np.load(drawn.out / "inputs.values.npy")[:3], words=words[:3])
    options = {"model": {**model, "samples": str(samples)}}
    given = verb("torch", "scripts.models.reference", tmp_path / "given", sources, options)
    assert given.code == 0, given.stderr
    assert (np.load(given.out / "logits.mixed.npy") == np.load(drawn.out / "logits.mixed.npy")[:3]).all()

    np.savez(samples, values=words[:3], words=words[:3])
    wrong = verb("torch", "scripts.models.reference", tmp_path / "wrong", sources, options)
    assert wrong.code == 1 and "the config declares float32" in wrong.facts["reason"]

    onnx = verb("torch", "scripts.onnxruntime.convert", tmp_path / "onnx", sources)
    assert onnx.code == 0, onnx.stderr
    python("onnxruntime", RUN_ONNX, str(onnx.out / "model.onnx"), str(drawn.out))


RUN_ONNX = """
import sys
import numpy as np, onnxruntime
session = onnxruntime.InferenceSession(sys.argv[1], providers=["CPUExecutionProvider"])
feed = {name: np.load(sys.argv[2] + "/inputs.%s.npy" % name) for name in ("values", "words")}
for name, got in zip(("scores", "mixed"), session.run(["scores", "mixed"], feed)):
    assert abs(got - np.load(sys.argv[2] + "/logits.%s.npy" % name)).max() < 1e-5
"""


def test_photos_are_needed_and_named(verb, tiny_checkpoint, tmp_path):
    without = verb("torch", "scripts.models.prepare", tmp_path / "a", options={"model": TINY})
    assert without.code == 1 and "untrained weights need photos" in without.facts["reason"]
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "broken.jpg").write_bytes(b"no image")
    options = {"photos": str(tmp_path / "photos")}
    broken = verb("torch", "scripts.models.reference", tmp_path / "b", {"checkpoint": tiny_checkpoint}, options)
    assert broken.code == 1 and "broken.jpg cannot be read as an image" in broken.facts["reason"]
    assert "Traceback" not in broken.stderr


AGAINST_TORCHVISION = """
import json, sys
import numpy as np
from PIL import Image
from scripts.models import photos, preprocess, torchvision_models
models = torchvision_models.module()
from torchvision import transforms
from torchvision.transforms import InterpolationMode
worst = 0.0
for size, resize, interpolation in ((224, 256, "bilinear"), (224, 232, "bicubic"), (97, 97, "bicubic")):
    spec = dict(preprocess.IMAGENET, size=size, resize=resize, interpolation=interpolation)
    theirs = transforms.Compose([
        transforms.Resize(resize, InterpolationMode(interpolation)), transforms.CenterCrop(size),
        transforms.ToTensor(), transforms.Normalize(spec["mean"], spec["std"])])
    for photo in photos.read(sys.argv[1])[::8]:
        expected = theirs(Image.open(photo.path).convert("RGB")).numpy()
        worst = max(worst, float(abs(preprocess.load(photo.path, spec) - expected).max()))
print(worst)
"""


def test_preprocessing_is_torchvisions(python):
    assert float(python("torch", AGAINST_TORCHVISION, str(PHOTOS)).stdout) < 1e-6


LISTED = """
import json
from scripts.models import registry, torchvision_models
print(json.dumps({name: registry.describe({"name": name}) for name in torchvision_models.names()}))
"""


def test_every_torchvision_classifier_is_known(python):
    from scripts.core.networks import TORCHVISION

    described = json.loads(python("torch", LISTED).stdout)
    assert set(described) == set(TORCHVISION)
    assert described["resnet50"]["preprocess"]["resize"] == 232
    assert described["inception_v3"]["inputs"][0]["shape"] == ["batch", 3, 299, 299]
    assert all(len(one["labels"]) == 1000 for one in described.values())


OWN_ON_TORCHVISION = """
import torchvision
from torch import nn

def build() -> nn.Module:
    return torchvision.models.resnet18(num_classes=7)
"""


def test_a_network_of_ones_own_may_be_built_on_torchvision(verb, tmp_path):
    """Also beside a build of PyTorch that torchvision's extension is not for."""
    (tmp_path / "on_torchvision.py").write_text(OWN_ON_TORCHVISION)
    model = {"name": "own", "build": "on_torchvision:build", "weights": "untrained", "folder": str(tmp_path)}
    model |= {"preprocess": {"size": 32, "resize": 32}}
    result = verb("torch", "scripts.models.prepare", tmp_path / "out", options={"model": model, "photos": str(PHOTOS)})
    assert result.code == 0, result.stderr
    assert json.loads((result.out / "model.json").read_text())["outputs"]
