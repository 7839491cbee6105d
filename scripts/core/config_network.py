"""One entry of `models:` in the config: a network, its weights, its preprocessing."""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    SerializerFunctionWrapHandler,
    ValidationInfo,
    WithJsonSchema,
    computed_field,
    field_validator,
    model_serializer,
    model_validator,
)

from scripts.core import networks
from scripts.core.config_errors import ALLOWED, closest, raise_mistakes, shown
from scripts.core.config_errors import Path as KeyPath
from scripts.core.config_input import Preprocess, Tensor
from scripts.core.config_measuring import Batches, ImageSizes
from scripts.core.config_parts import ExistingFile, Part, base_of, path_field, unique
from scripts.core.config_pruning import Pruned, Training
from scripts.core.config_train import Train, train_mistakes

FILE = "file:"
PROGRAM = ".pt2"

Weights = Annotated[
    Literal["package", "torchvision", "file", "untrained"],
    WithJsonSchema(
        {
            "anyOf": [
                {"enum": ["package", "torchvision", "file", "untrained"]},
                {"type": "string", "pattern": "^file:.+$"},
            ],
            ALLOWED: "package, torchvision, untrained or file:PATH",
        }
    ),
]


def _read_labels(value: Any, info: ValidationInfo) -> Any:
    """A file's lines in place of its name."""
    if not isinstance(value, str):
        return value
    try:
        lines = (base_of(info) / value).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        raise_mistakes([((), f"{base_of(info) / value} cannot be read; give a text file with a class per line")])
    return [line.strip() for line in lines if line.strip()]


def _from_word(value: Any) -> Any:
    """`resnet18` and `resnet18.untrained` as mappings."""
    if not isinstance(value, str):
        return value
    name, dot, weights = value.partition(".")
    return {"name": name, "weights": weights} if dot else {"name": name}


def _drop_required_weights(schema: dict[str, Any]) -> None:
    """Networks known by name need no `weights`."""
    schema["required"].remove("weights")


class Network(Part):
    """A network with its weights."""

    model_config = {"json_schema_extra": _drop_required_weights}

    name: Annotated[
        str,
        Field(max_length=64, pattern="^[a-z0-9_]+$", json_schema_extra={ALLOWED: "lower-case letters, digits and _"}),
    ] = Field(
        description="`efficientnet_lite0`, a torchvision classification model such as `resnet50`, or any name for a "
        "network of your own. It names folders."
    )
    weights: Weights = Field(
        description="`package` (the default for efficientnet_lite0), `torchvision` (the default for torchvision's "
        "models; downloaded once), `file:PATH` or `untrained`."
    )
    file: ExistingFile | None = Field(
        default=None,
        description="The file of `weights: file:PATH`, written apart: a state dict or an exported program (`.pt2`).",
    )
    sha256: (
        Annotated[
            str,
            Field(pattern="^[0-9a-f]{64}$", json_schema_extra={ALLOWED: "64 lower-case hexadecimal digits, in quotes"}),
        ]
        | None
    ) = Field(default=None, description="The file's sha256. Needed with `file:`; another file is refused.")
    trust: bool = Field(
        default=False, description="Load an exported program (`.pt2`), which can run code that it carries."
    )
    build: (
        Annotated[
            str,
            Field(
                pattern=r"^[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*$",
                json_schema_extra={ALLOWED: "package.module:function"},
            ),
        ]
        | None
    ) = Field(default=None, description="A network of your own: a function without arguments that returns it.")
    preprocess: Preprocess | None = Field(
        default=None, description="What differs from the model's own preprocessing (ImageNet's for your own network)."
    )
    inputs: Annotated[list[Tensor], Field(min_length=1)] | None = Field(
        default=None, description="The inputs of a network that takes arrays instead of photos."
    )
    outputs: (
        Annotated[
            list[Annotated[str, Field(pattern=r"^\w+$", json_schema_extra={ALLOWED: "letters, digits and _"})]],
            Field(min_length=1),
            AfterValidator(unique),
        ]
        | None
    ) = Field(default=None, description="Names for the outputs of a network that takes arrays.")
    labels: (
        Annotated[
            list[str],
            Field(min_length=1),
            BeforeValidator(_read_labels, json_schema_input_type=Annotated[str, path_field("a file")] | list[str]),
        ]
        | None
    ) = Field(default=None, description="The classes' names, in order: a file with one a line, or a list.")
    pruned: Pruned | None = Field(
        default=None,
        description="Prune these weights: a network of its own beside the whole one, held against the whole one.",
    )
    training: Training | None = Field(default=None, description="Fine-tune the pruned weights.")
    train: Train | None = Field(
        default=None,
        description="Fine-tune the weights on a folder of classes, before everything else: the last layer is made anew "
        "with as many outputs.",
    )
    batches: Batches | None = Field(default=None, description="Its own batches, in place of the general ones.")
    image_sizes: ImageSizes | None = Field(
        default=None, description="Its own image sizes, in place of the general ones."
    )

    @computed_field  # type: ignore[prop-decorator]
    @property
    def label(self) -> str | None:
        """What weights that are changed here are called in folders and tables; None for those that stay as they are.

        `package_structured30` where they are pruned; `package_finetuned` where they are fine-tuned, with the size
        of images where `preprocess` gives one, so that one network can be fine-tuned at several.
        """
        asked = self.preprocess.size if self.preprocess else None
        tuned = f"{networks.FINETUNED}{asked or ''}" if self.train else None
        changed = self.pruned.label if self.pruned else tuned
        return f"{self.weights}_{changed}" if changed else None

    @computed_field  # type: ignore[prop-decorator]
    @property
    def image_size(self) -> int | None:
        """Side of the square input, in pixels; None for a network that takes arrays."""
        if self.inputs:
            return None
        asked = self.preprocess.size if self.preprocess else None
        known_by_name = not self.build and not self._is_program
        return asked or (networks.image_size(self.name) if known_by_name else networks.USUAL_SIZE)

    @model_serializer(mode="wrap")
    def _given(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """What was given: a key that the schema learns later changes nothing for the jobs of networks without it."""
        values: dict[str, Any] = handler(self)
        return {key: value for key, value in values.items() if value not in (None, False) or key == "image_size"}

    @property
    def _is_program(self) -> bool:
        return bool(self.file and self.file.endswith(PROGRAM))

    @model_validator(mode="before")
    @classmethod
    def _complete(cls, value: Any) -> Any:
        """Take `file:PATH` apart, and fill in the weights of networks known by name."""
        if not isinstance(value, dict):
            return value
        value = dict(value)
        weights = value.get("weights")
        if isinstance(weights, str) and weights.startswith(FILE) and "file" not in value:
            value |= {"weights": "file", "file": weights.removeprefix(FILE).strip()}
        elif "weights" not in value and not {"build", "file"} & set(value):
            # An unknown name is a mistake of its own; that it has no weights would only distract.
            value["weights"] = networks.trained_weights(str(value.get("name"))) or "untrained"
        return value

    @field_validator("build")
    @classmethod
    def _module_exists(cls, value: str | None, info: ValidationInfo) -> str | None:
        if value:
            module = base_of(info).joinpath(*value.split(":")[0].split("."))
            if not (module.with_suffix(".py").is_file() or (module / "__init__.py").is_file()):
                where = module.with_suffix(".py")
                raise_mistakes([((), f"there is no module {where}; put it there, or correct the path to the function")])
        return value

    @model_validator(mode="after")
    def _fits_together(self, info: ValidationInfo) -> "Network":
        raise_mistakes(
            [
                *self._name_mistakes(),
                *self._file_mistakes(base_of(info)),
                *self._array_mistakes(),
                *self._pruning_mistakes(),
                *train_mistakes(self, self._is_program),
            ]
        )
        return self

    def _name_mistakes(self) -> Iterator[tuple[KeyPath, str]]:
        own = self.build or self._is_program
        if not own and self.name not in networks.KNOWN:
            yield (
                ("name",),
                f"{shown(self.name)} is not known{closest(self.name, networks.KNOWN)}; give efficientnet_lite0, a "
                "torchvision classification model, or for a network of your own `build: package.module:function`",
            )
        elif self.weights in ("package", "torchvision") and self.weights != networks.trained_weights(self.name):
            trained = networks.trained_weights(self.name)
            allowed = f"{trained}, untrained or file:PATH" if trained else "untrained or file:PATH"
            yield ("weights",), f"{shown(self.weights)} has none for {self.name}; give {allowed}"
        elif self.build and self.weights in ("package", "torchvision"):
            sentence = f"{shown(self.weights)} does not go with `build`; give untrained or file:PATH"
            yield ("weights",), sentence
        if self.build and self._is_program:
            yield ("build",), "does not go with an exported program, which is a network by itself; leave it out"

    def _file_mistakes(self, base: Path) -> Iterator[tuple[KeyPath, str]]:
        if self.weights != "file":
            given = [key for key in ("file", "sha256", "trust") if getattr(self, key)]
            yield from (((key,), "goes only with `weights: file:PATH`; leave it out") for key in given)
            return
        if not self.file:
            yield ("file",), "is missing; write `weights: file:PATH`"
            return
        if not self.sha256:
            with (base / self.file).open("rb") as stream:
                digest = hashlib.file_digest(stream, "sha256").hexdigest()
            yield ("sha256",), f'is missing; if {self.file} is the file you mean, write `sha256: "{digest}"`'
        if self._is_program and not self.trust:
            yield (
                ("trust",),
                f"{self.file} is an exported program, and loading one can run code that it carries; if you trust where "
                "it came from, write `trust: true`",
            )
        if self.trust and not self._is_program:
            yield ("trust",), "goes only with an exported program (.pt2); leave it out"

    def _array_mistakes(self) -> Iterator[tuple[KeyPath, str]]:
        if self.inputs and self.preprocess:
            yield ("preprocess",), "does not go with `inputs`: photos are preprocessed, arrays are not; leave one out"
        if self.inputs and not (self.build or self._is_program):
            yield (
                ("inputs",),
                "is for a network of your own; give `build: package.module:function` too, or leave it out",
            )
        if self.outputs and not self.inputs:
            yield ("outputs",), "goes only with `inputs`; leave it out"
        if self.inputs and self.image_sizes:
            yield ("image_sizes",), "does not go with `inputs`: arrays have the shapes declared there; leave it out"

    def _pruning_mistakes(self) -> Iterator[tuple[KeyPath, str]]:
        if self.pruned and self._is_program:
            yield (
                ("pruned",),
                "does not go with an exported program, whose layers are no longer there to prune; give the network by "
                "`build: package.module:function` and its weights as a state dict",
            )
        if self.training and not self.pruned:
            yield ("training",), "goes only with `pruned`; leave it out"
        if self.training and self.inputs:
            yield ("training",), "takes photos, and this network takes arrays; leave it out"


Word = Annotated[
    str,
    Field(
        pattern=r"^[a-z0-9_]+(\.(package|torchvision|untrained))?$",
        json_schema_extra={ALLOWED: "a name such as resnet18 or resnet18.untrained"},
    ),
]
Entry = Annotated[Network, BeforeValidator(_from_word, json_schema_input_type=Word | Network)]
"""An entry as it may be written: a name, a name with its weights, or a mapping."""
