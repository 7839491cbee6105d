"""Fine-tuning before everything else, in the config: on which folder of classes, and how long."""

from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationInfo, field_validator

from scripts.core.config_errors import Path, raise_mistakes
from scripts.core.config_parts import base_of, classes_in, path_field
from scripts.core.config_pruning import Training


class Train(Training):
    """How a network is fine-tuned on a folder of classes."""

    photos: Annotated[str, path_field("a folder that holds train/CLASS/*.jpg and test/CLASS/*.jpg")] = Field(
        description="The folder: `train/` is trained on and calibrates, `test/` validates. The classes are called like "
        "their folders and sorted by code point."
    )
    epochs: Annotated[int, Field(ge=1, le=1000)] = Field(default=5, description="Passes over the photos.")
    learning_rate: Annotated[float, Field(gt=0, le=1)] = Field(default=1e-3, description="Adam's step size.")
    layers: Literal["all", "head"] = Field(
        default="all",
        description="`head` trains the last layer alone, on what the others say of each photo once: fast.",
    )
    seed: Annotated[int, Field(ge=0, le=10**9)] = Field(
        default=0, description="Decides the new layer's first weights and the photos' order."
    )

    @field_validator("photos")
    @classmethod
    def _photos_exist(cls, value: str, info: ValidationInfo) -> str:
        base = base_of(info)
        if not (base / value).is_dir():
            raise_mistakes([((), f"there is no folder {base / value}; put it there, or correct the path")])
        info.context["files"][value] = classes_in(base, value)  # type: ignore[index]
        return value


def train_mistakes(network: Any, is_program: bool) -> Iterator[tuple[Path, str]]:
    """What does not go with the `train` of an entry of `models`."""
    if not network.train:
        return
    if network.pruned:
        yield ("train",), "does not go with `pruned`, whose weights `training` fine-tunes; leave one out"
    if network.inputs:
        yield ("train",), "takes photos, and this network takes arrays; leave it out"
    if is_program:
        yield (
            ("train",),
            "does not go with an exported program, whose layers are no longer there to train; give the network by "
            "`build: package.module:function` and its weights as a state dict",
        )
    if network.labels:
        yield ("labels",), "does not go with `train`: the classes are called like their folders; leave it out"
