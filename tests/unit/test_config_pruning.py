"""Pruned weights in the config: another network of the run, beside the whole one."""

import json
from pathlib import Path
from typing import Any

import pytest

from scripts.core import networks, plan
from tests.unit.config_cases import base, mistakes, resolved

__all__ = ["base"]

HALF = {"name": "efficientnet_lite0", "pruned": {"method": "magnitude", "amount": 0.5}}
THIRD = {"name": "efficientnet_lite0", "pruned": {"method": "structured", "amount": 0.3}}


def text(*models: Any, **more: Any) -> str:
    return json.dumps({"models": list(models), **more})


def test_a_pruned_network_is_named_for_what_was_done_to_it() -> None:
    whole, half, third = resolved(text("efficientnet_lite0", HALF, THIRD))["models"]
    assert [networks.label(entry) for entry in (whole, half, third)] == [
        "package", "package_magnitude50", "package_structured30",
    ]  # fmt: skip
    assert half["weights"] == "package" and half["pruned"] == {"method": "magnitude", "amount": 0.5}
    assert whole == {"name": "efficientnet_lite0", "weights": "package", "image_size": 224}  # as it was without pruning


def test_its_rows_stand_beside_the_whole_networks() -> None:
    found = resolved(text("efficientnet_lite0", THIRD, runtimes=["onnxruntime"], batches=[1]))
    rows = plan.rows(found, "here", 2, (), {})
    assert [row.network for row in rows] == ["efficientnet_lite0.package", "efficientnet_lite0.package_structured30"]


def test_the_whole_network_is_known_though_only_the_pruned_one_is_asked_for() -> None:
    entries = resolved(text(THIRD))["models"]
    assert networks.entry_of(entries, "efficientnet_lite0", "package_structured30") == entries[0]
    whole = networks.entry_of(entries, "efficientnet_lite0", "package")
    assert whole == resolved("models: [efficientnet_lite0]")["models"][0]


def test_training_names_its_photos(base: Path) -> None:
    (base / "train.csv").write_text("file,classes\ndata/photos/cat.jpg,281\n")
    entry = THIRD | {"training": {"photos": "train.csv", "epochs": 2}}
    found = resolved(text(entry), base)
    training = found["models"][0]["training"]
    assert training == {"photos": "train.csv", "epochs": 2, "learning_rate": 1e-4, "batch": 16, "seed": 0}
    assert found["training_files"] == {"train.csv": ["train.csv", "data/photos/cat.jpg"]}


@pytest.mark.parametrize(
    ("models", "said"),
    [
        ([THIRD | {"pruned": {"method": "random", "amount": 0.3}}], 'pruned.method: "random" is not allowed'),
        ([THIRD | {"pruned": {"method": "structured", "amount": 1}}], "give a number from 0.01 to 0.99 in hundredths"),
        ([THIRD | {"pruned": {"method": "structured", "amount": 0.305}}], "0.305 is no whole percent"),
        ([THIRD | {"training": {"photos": "nowhere"}}], "models[0].training.photos: there is no "),
        (
            [{"name": "resnet18", "training": {"photos": "data/photos"}}],
            "models[0].training: goes only with `pruned`; leave it out",
        ),
        ([THIRD, THIRD], "efficientnet_lite0 with package_structured30 weights is models[0] already; leave one out"),
        (
            [THIRD, {"name": "efficientnet_lite0", "preprocess": {"size": 160}}],
            "models[1]: differs in more than pruning from models[0], of the same name and weights; rename it",
        ),
    ],
)
def test_mistakes(base: Path, models: list[Any], said: str) -> None:
    found = mistakes(text(*models), base)
    assert len(found) == 1 and said in found[0], found


def test_an_exported_program_cannot_be_pruned(base: Path) -> None:
    entry = {"name": "mine", "weights": "file:mine.pt2", "sha256": "0" * 64, "trust": True, "pruned": THIRD["pruned"]}
    (found,) = mistakes(text(entry), base)
    assert found.startswith("models[0].pruned: does not go with an exported program")
