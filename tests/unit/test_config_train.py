"""Fine-tuning on a folder of classes in the config."""

import json
from pathlib import Path
from typing import Any

import pytest

from scripts.core import networks
from tests.unit.config_cases import base, mistakes, resolved

__all__ = ["base"]

TRAIN = {"photos": "classes"}
ASKED = {"name": "resnet18", "weights": "untrained", "train": TRAIN}


@pytest.fixture
def classes(base: Path) -> Path:
    """`base` with a folder of two classes."""
    for part in ("train", "test"):
        for name in ("кот", "a dog"):
            (base / "classes" / part / name).mkdir(parents=True)
            (base / "classes" / part / name / "1.jpg").write_bytes(name.encode())
    return base


def text(*models: Any) -> str:
    return json.dumps({"models": models})


def test_a_fine_tuned_network_is_named_for_it_and_stands_beside_the_one_it_started_from(classes: Path) -> None:
    found = resolved(text(ASKED, "resnet18.untrained", "resnet18"), classes)
    assert [networks.label(entry) for entry in found["models"]] == ["untrained_finetuned", "untrained", "torchvision"]
    tuned = networks.entry_of(found["models"], "resnet18", "untrained_finetuned")
    assert tuned["train"] == {
        "photos": "classes", "epochs": 5, "learning_rate": 1e-3, "batch": 16, "seed": 0, "layers": "all",
    }  # fmt: skip
    assert "train" not in networks.entry_of(found["models"], "resnet18", "untrained")


def test_one_network_can_be_fine_tuned_at_several_image_sizes(classes: Path) -> None:
    entries = [ASKED, *(ASKED | {"preprocess": {"size": size}} for size in (256, 384))]
    found = resolved(text(*entries), classes)["models"]
    assert [(networks.label(entry), entry["image_size"]) for entry in found] == [
        ("untrained_finetuned", 224), ("untrained_finetuned256", 256), ("untrained_finetuned384", 384),
    ]  # fmt: skip


def test_pruned_weights_are_held_against_those_that_were_not_fine_tuned(classes: Path) -> None:
    pruned = {"name": "resnet18", "weights": "untrained", "pruned": {"method": "magnitude", "amount": 0.5}}
    entries = resolved(text(ASKED | {"preprocess": {"size": 64}}, pruned), classes)["models"]
    assert networks.entry_of(entries, "resnet18", "untrained")["image_size"] == 224


def test_the_bytes_of_its_photos_are_known_as_files(classes: Path) -> None:
    files = resolved(text(ASKED), classes)["training_files"]["classes"]
    assert files == [f"classes/{part}/{name}/1.jpg" for part in ("train", "test") for name in ("a dog", "кот")]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"train": {"photos": "nowhere"}}, "models[0].train.photos: there is no folder "),
        ({"train": {"photos": "data/photos"}}, "/data/photos has no folder train/; a folder of classes holds"),
        ({"train": TRAIN | {"layers": "some"}}, 'train.layers: "some" is not allowed'),
        ({"train": TRAIN | {"epochs": 0}}, "models[0].train.epochs: 0 is not allowed"),
        ({"labels": ["x", "y"]}, "models[0].labels: does not go with `train`: the classes are called like"),
        (
            {"pruned": {"method": "magnitude", "amount": 0.5}},
            "models[0].train: does not go with `pruned`, whose weights `training` fine-tunes; leave one out",
        ),
        (
            {"build": "nets:net", "inputs": [{"name": "x", "shape": ["batch", 3]}]},
            "models[0].train: takes photos, and this network takes arrays; leave it out",
        ),
        (
            {"name": "mine", "weights": "file:mine.pt2", "sha256": "0" * 64, "trust": True},
            "models[0].train: does not go with an exported program, whose layers are no longer there to train",
        ),
    ],
)
def test_mistakes(classes: Path, changes: dict[str, Any], said: str) -> None:
    found = mistakes(text(ASKED | changes), classes)
    assert len(found) == 1 and said in found[0], found


def test_two_that_differ_in_their_training_alone_need_two_names(classes: Path) -> None:
    other = {"train": TRAIN | {"layers": "head"}}
    assert mistakes(text(ASKED, ASKED | other), classes) == [
        "models[1]: resnet18 with untrained_finetuned weights is models[0] already; leave one out"
    ]
    own = ASKED | {"build": "nets:net"}
    (found,) = mistakes(text(own, own | other), classes)
    assert found.endswith("is models[0] already; leave one out, or give it another name")
    resolved(text(own, own | other | {"name": "another"}), classes)


def test_a_folder_of_classes_may_be_the_photos_of_all_networks(classes: Path) -> None:
    found = resolved(json.dumps({"photos": "classes"}), classes)
    assert len(found["photo_files"]) == 4
    (classes / "classes/test/кот/1.jpg").unlink()
    (said,) = mistakes(json.dumps({"photos": "classes"}), classes)
    assert said.startswith("photos: ") and "test/кот holds no photos" in said
