"""The config's schema: every key, its default, what is allowed, what it is for.

`config.schema.json` and the README's table are made from it, and so is the sentence about each mistake.
"""

from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    PrivateAttr,
    ValidationInfo,
    ValidatorFunctionWrapHandler,
    computed_field,
    field_validator,
)

from scripts.core import networks, paths
from scripts.core.catalogue import FORMATS, RUNTIMES
from scripts.core.config_errors import ALLOWED, Mistake, OneOf, closest, either, raise_mistakes, shown
from scripts.core.config_measuring import (
    Batches,
    Calibration,
    Finals,
    ImageSizes,
    Limits,
    Measure,
    Rebuild,
    Serving,
    Tensorrt,
    TensorrtRtx,
    Trust,
)
from scripts.core.config_network import Entry, Network
from scripts.core.config_parts import ExistingFile, Part, Records, base_of, found, path_field, unique
from scripts.core.config_runtimes import OTHERS, AsWritten, Choice, Chosen, Devices, Precisions, as_mapping, resolve

ENVIRONMENTS = tuple(
    sorted(
        {"loadgen", "report"}
        | {form.env for form in FORMATS.values()}
        | {place.env for runtime in RUNTIMES.values() for place in runtime.places}
    )
)
"""The toolchains whose Python `interpreters` may name."""

SOURCES = ("data", "docs", "envs", "profiles", "rules", "scripts", "studies", "tests")
"""Folders of the project, which no output is written to."""


def _for_output(text: str, info: ValidationInfo) -> str:
    where = (base_of(info) / text).resolve()
    taken = next((path for path in (where, *where.parents) if path.exists() and not path.is_dir()), None)
    if taken is not None:
        raise_mistakes([((), f"{text} leads to or through a file; name a folder, which is made if it is not there")])
    inside = next((name for name in SOURCES if where.is_relative_to((base_of(info) / name).resolve())), None)
    if inside is not None or where == base_of(info).resolve():
        raise_mistakes([((), f"{text} is the project itself; name a folder for outputs alone, such as artifacts")])
    return text


Folder = Annotated[
    str,
    Field(pattern=r"^[^\s{}'\"]+$", json_schema_extra={ALLOWED: "a path without spaces, quotes and braces"}),
    AfterValidator(_for_output),
]
HostName = Annotated[
    str,
    Field(
        max_length=63,
        pattern="^[a-z0-9]([a-z0-9-]*[a-z0-9])?$",
        json_schema_extra={ALLOWED: "auto, or a short name of lower-case letters, digits and -"},
    ),
]
Modes = Annotated[list[Literal["latency", "throughput", "serving"]], Field(min_length=1), AfterValidator(unique)]


def _told_apart(entries: list[Network]) -> list[Network]:
    """A mistake for each entry that would share a folder with another, or be held against another's whole network."""
    seen: dict[tuple[str, str], int] = {}
    bases: dict[tuple[str, str], int] = {}
    mistakes: list[Mistake] = []
    for i, entry in enumerate(entries):
        weights = entry.label or entry.weights
        first = seen.setdefault((entry.name, weights), i)
        if first != i:
            sentence = f"{entry.name} with {weights} weights is models[{first}] already; leave one out"
            named_freely = entry.build if entry.train else entry.weights == "file" or entry.pruned
            advice = ", or give it another name" if named_freely else ""
            mistakes.append(((i,), sentence + advice))
            continue
        if entry.train:
            continue  # shares neither a folder nor a network with the others
        base = bases.setdefault((entry.name, entry.weights), i)
        if base != i and networks.whole(entry.model_dump()) != networks.whole(entries[base].model_dump()):
            sentence = f"differs in more than pruning from models[{base}], of the same name and weights; rename it"
            mistakes.append(((i,), sentence))
    raise_mistakes(mistakes)
    return entries


def _published(name: str, info: ValidationInfo) -> str:
    """The name of a study whose file is there."""
    known = sorted(path.stem for path in (base_of(info) / paths.ORIGINALS).glob("*.toml"))
    if name not in known:
        raise_mistakes([((), f"{shown(name)} is no study{closest(name, known)}; give {either(known)}")])
    return name


def _no_store(value: Any) -> Any:
    """YAML reads `off` as false."""
    return "off" if value is False else value


def _as_written(value: Any) -> Any:
    """A default in the form that a user would write; validation turns it into what is declared."""
    return value


class Config(Part):
    """Everything that one can set. Made by `scripts.core.config.load`."""

    host: HostName = Field(
        default="auto", description="Names this machine in folders and tables; `auto` is its host name."
    )
    models: Annotated[list[Entry], Field(min_length=1), AfterValidator(_told_apart)] = Field(
        default=_as_written(["efficientnet_lite0"]),
        validate_default=True,
        description="The networks: each a name (`resnet18`), a name with its weights (`resnet18.untrained`), or a "
        "mapping with the keys below.",
    )
    precisions: Precisions = Field(
        default=["fp32"], description="Asked of every runtime that knows them; `all` is all that each knows."
    )
    runtimes: Chosen = Field(
        default=_as_written("all"),
        validate_default=True,
        description="What executes the networks. In a mapping, a runtime may have precisions of its own. `all` leaves "
        f"out {', '.join(OTHERS)}: name what you want of them.",
    )
    devices: Devices = Field(
        default="auto",
        description="Where they execute. `auto` is what this machine has; with `all`, what it lacks is a row that says "
        "so. A runtime that runs nowhere here always is.",
    )
    batches: Batches = Field(
        default=[1, 8],
        description="Samples (photos) per call; each batch is measured apart. `auto` doubles from 1 to 256, and the "
        "report names the batch over which no larger one gains 5 %, if there is one among them.",
    )
    image_sizes: ImageSizes | None = Field(
        default=None,
        description="Sides of the square images, in pixels; each size is measured apart. Without it, each network's "
        "own. What a runtime builds for one shape is built for each; what serves all sizes is built once.",
    )
    modes: Modes = Field(
        default=["latency"],
        description="`latency` is one request at a time; `throughput` keeps all cores full; `serving` finds the "
        "highest rate of random arrivals within a limit.",
    )
    threads: Literal["auto"] | Annotated[int, Field(ge=1, le=4096)] = Field(
        default="auto", description="Threads that each runtime may use; `auto` is one per usable core."
    )
    calibration: Calibration = Field(
        default=_as_written({}), validate_default=True, description="How the ranges of int8 and fp8 are found."
    )
    measure: Measure = Field(default=_as_written({}), validate_default=True, description="How candidates are measured.")
    rate_per_s: Annotated[float, Field(gt=0, le=10**7)] = Field(
        default=10.0,
        description="Items (photos) per second that you expect: in what time a compilation pays is told by it.",
    )
    finals: Finals = Field(default=_as_written({}), validate_default=True, description="The leaders, measured afresh.")
    serving: Serving = Field(default=_as_written({}), validate_default=True, description="What `serving` asks for.")
    trust: Trust = Field(default=_as_written({}), validate_default=True, description="How much `make trust` measures.")
    rebuild: Rebuild = Field(
        default=_as_written({}), validate_default=True, description="How much `make rebuild` compiles and measures."
    )
    limits: Limits = Field(
        default_factory=Limits, validate_default=True, description="When a job is stopped; other limits redo nothing."
    )
    tensorrt: Tensorrt = Field(default=_as_written({}), validate_default=True, description="TensorRT's builder.")
    tensorrt_rtx: TensorrtRtx = Field(default=_as_written({}), validate_default=True, description="TensorRT for RTX.")
    photos: Annotated[str, path_field("a folder of photos, or a CSV with a column `file`")] = Field(
        default="data/photos",
        validate_default=True,
        description="The photos to validate and calibrate with; a CSV, or folders `train/CLASS` and `test/CLASS`, may "
        "give their classes.",
    )
    torch_build: Literal["auto", "cpu", "cuda"] = Field(
        default="auto",
        description="The build of PyTorch to install; `auto` is the CPU build where there is no NVIDIA GPU and it can "
        "be had.",
    )
    interpreters: dict[Annotated[str, OneOf(ENVIRONMENTS)], ExistingFile] = Field(
        default={},
        description="Pythons that are there already, each by the environment that it stands for.",
    )
    artifacts: Folder = Field(default="artifacts", description="Folder for what is built and measured.")
    reports: Folder = Field(default="reports", description="Folder for the report, its table and its figures.")
    store: Annotated[str, path_field("`auto`, `off` or a folder of your own"), BeforeValidator(_no_store)] = Field(
        default="auto",
        description="Folder that keeps what was compiled and measured, for all checkouts; `auto` is the one that "
        "ASSAY_STORE names, else one in your cache; `off` is none.",
    )
    hosts: list[Records] = Field(
        default=[],
        description="Records of other machines (`make records` there), which the report shows beside this one.",
    )
    study: (
        Annotated[str, Field(json_schema_extra={ALLOWED: "the name of a file there"}), AfterValidator(_published)]
        | None
    ) = Field(
        default=None,
        description="A published study, by the name of its file in `studies/originals`: `study.md` in `reports` tells "
        "what it said and what is found here.",
    )
    fresh: bool = Field(default=False, description="Compile and measure all of it again, whatever the store holds.")
    retry_failed: bool = Field(default=False, description="Do jobs again that failed, crashed or were stopped.")

    _photo_files: list[str] = PrivateAttr(default=[])
    _training_files: dict[str, list[str]] = PrivateAttr(default={})

    @computed_field  # type: ignore[prop-decorator]
    @property
    def photo_files(self) -> list[str]:
        """The files that `photos` stands for, the CSV included, as paths that start like `photos`."""
        return self._photo_files

    @computed_field  # type: ignore[prop-decorator]
    @property
    def training_files(self) -> dict[str, list[str]]:
        """The files that each `training.photos` and `train.photos` stands for, in the same way."""
        return self._training_files

    @field_validator("runtimes", mode="wrap", json_schema_input_type=AsWritten)
    @classmethod
    def _resolve_runtimes(cls, value: Any, handler: ValidatorFunctionWrapHandler, info: ValidationInfo) -> Any:
        chosen: dict[str, Choice] = handler(as_mapping(value))
        asked = info.data.get("precisions")
        return chosen if asked is None else resolve(chosen, asked, named=value != "all")

    @field_validator("devices")
    @classmethod
    def _something_runs_there(cls, value: Any, info: ValidationInfo) -> Any:
        chosen = info.data.get("runtimes")
        places = [place for name in chosen or {} for place in RUNTIMES[name].places]
        if (
            isinstance(value, list)
            and places
            and not any(device in place.devices for place in places for device in value)
        ):
            raise_mistakes([((), f"none of the runtimes chosen runs on {either(value)}")])
        return value

    @field_validator("limits")
    @classmethod
    def _trial_has_time(cls, value: Limits, info: ValidationInfo) -> Limits:
        measure = info.data.get("measure")
        if measure and value.trial_s <= measure.seconds + measure.warmup_seconds:
            least = f"{measure.seconds + measure.warmup_seconds:g} (measure.seconds and measure.warmup_seconds)"
            raise_mistakes([(("trial_s",), f"{value.trial_s:g} is too short; give a number above {least}")])
        return value

    @field_validator("reports")
    @classmethod
    def _folders_differ(cls, value: str, info: ValidationInfo) -> str:
        other = info.data.get("artifacts")
        if other is not None and (base_of(info) / value).resolve() == (base_of(info) / other).resolve():
            raise_mistakes([((), f"{value} is the folder of artifacts, too; give each its own")])
        return value

    @field_validator("photos")
    @classmethod
    def _photos_exist(cls, value: str, info: ValidationInfo) -> str:
        found(info, value)
        return value

    def model_post_init(self, context: Any) -> None:
        self._photo_files = context["files"][self.photos]
        trained_on = [asked.photos for entry in self.models if (asked := entry.training or entry.train)]
        self._training_files = {source: context["files"][source] for source in trained_on}
