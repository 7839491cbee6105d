"""Pruned weights in the config: how much is taken from a network, and the photos on which it recovers."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, ValidationInfo, field_validator

from scripts.core.config_errors import ALLOWED, raise_mistakes, shown
from scripts.core.config_parts import Part, found, path_field


def _whole_percent(value: float) -> float:
    """The share itself: its percents name folders."""
    if abs(value * 100 - round(value * 100)) > 1e-9:
        raise_mistakes([((), f"{shown(value)} is no whole percent; give hundredths, such as {round(value, 2):g}")])
    return value


class Pruned(Part):
    """How a network is pruned."""

    method: Literal["magnitude", "structured"] = Field(
        description="`magnitude` sets the smallest weights to zero, wherever they lie: no dense runtime gets faster. "
        "`structured` takes whole channels out."
    )
    amount: Annotated[
        float,
        Field(ge=0.01, le=0.99, json_schema_extra={ALLOWED: "a number from 0.01 to 0.99 in hundredths"}),
        AfterValidator(_whole_percent),
    ] = Field(
        description="The share of weights that become zero, or of each layer's channels that go (rounded to leave a "
        "multiple of 8)."
    )

    @property
    def label(self) -> str:
        """`structured30`."""
        return f"{self.method}{round(self.amount * 100)}"


class Training(Part):
    """A short fine-tuning after pruning."""

    photos: Annotated[str, path_field("a folder with a photos.csv, or a CSV with the columns file and classes")] = (
        Field(
            description="Labelled photos to train on; none of them may be among those that validate. Without them "
            "pruned weights stay as pruning leaves them."
        )
    )
    epochs: Annotated[int, Field(ge=1, le=1000)] = Field(default=3, description="Passes over the photos.")
    learning_rate: Annotated[float, Field(gt=0, le=1)] = Field(default=1e-4, description="Adam's step size.")
    batch: Annotated[int, Field(ge=2, le=1024)] = Field(default=16, description="Photos a step.")
    seed: Annotated[int, Field(ge=0, le=10**9)] = Field(default=0, description="Decides the photos' order.")

    @field_validator("photos")
    @classmethod
    def _photos_exist(cls, value: str, info: ValidationInfo) -> str:
        found(info, value)
        return value
