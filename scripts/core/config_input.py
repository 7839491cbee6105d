"""What a network takes, in the config: how photos are prepared for it, or the arrays that it takes instead."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, SerializerFunctionWrapHandler, model_serializer, model_validator

from scripts.core.config_errors import ALLOWED, raise_mistakes, shown
from scripts.core.config_parts import Part

Pixels = Annotated[int, Field(ge=1, le=4096)]
Three = Annotated[list[float], Field(min_length=3, max_length=3, json_schema_extra={ALLOWED: "a list of 3 numbers"})]
ThreeAboveZero = Annotated[
    list[Annotated[float, Field(gt=0)]],
    Field(min_length=3, max_length=3, json_schema_extra={ALLOWED: "a list of 3 numbers above 0"}),
]


class Preprocess(Part):
    """How a photo becomes an input, where it differs from the model's own way: (pixel / scale - mean) / std."""

    size: Pixels | None = Field(default=None, description="Side of the square input, in pixels.")
    resize: Pixels | None = Field(
        default=None,
        description="Length of the photo's short side before the crop; without it, in proportion to `size`.",
    )
    interpolation: Literal["nearest", "bilinear", "bicubic", "lanczos"] | None = Field(
        default=None, description="How pixels are resampled."
    )
    crop: Literal["center"] | None = Field(default=None, description="Which square is cut out.")
    mean: Three | None = Field(default=None, description="Subtracted, a number per channel.")
    std: ThreeAboveZero | None = Field(default=None, description="Divided by, a number per channel.")
    scale: Annotated[float, Field(gt=0)] | None = Field(
        default=None, description="What pixels from 0 to 255 are divided by first."
    )
    channels: Literal["rgb", "bgr"] | None = Field(default=None, description="Order of the channels.")

    @model_validator(mode="after")
    def _crop_fits(self) -> "Preprocess":
        if self.size and self.resize and self.size > self.resize:
            sentence = f"{self.resize} is smaller than the crop; give size ({self.size}) or more"
            raise_mistakes([(("resize",), sentence)])
        return self

    @model_serializer(mode="wrap")
    def _given(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Only what was given: the model's own way holds for the rest."""
        return {key: value for key, value in handler(self).items() if value is not None}


def _batch_first(shape: list[Any]) -> list[Any]:
    if shape[0] != "batch" or "batch" in shape[1:]:
        raise_mistakes(
            [((), f"{shown(shape)} is not allowed; give batch first, then whole numbers, as in [batch, 16]")]
        )
    return shape


class Tensor(Part):
    """An input of a network that takes arrays."""

    name: Annotated[str, Field(pattern=r"^\w+$", json_schema_extra={ALLOWED: "letters, digits and _"})] = Field(
        description="Its name."
    )
    shape: Annotated[
        list[Literal["batch"] | Annotated[int, Field(ge=1)]],
        Field(
            min_length=1, json_schema_extra={ALLOWED: "a list with batch first, then whole numbers, as in [batch, 16]"}
        ),
        AfterValidator(_batch_first),
    ] = Field(description="Its shape: `batch` first, then the other dimensions.")
    dtype: Literal["float32", "float64", "float16", "int64", "int32", "int8", "uint8", "bool"] = Field(
        default="float32", description="Its element type."
    )
    high: Annotated[int, Field(ge=1)] = Field(
        default=2, description="Integers are drawn from 0 up to below this number."
    )
