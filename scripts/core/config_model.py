"""The config's schema: every key, its default, what is allowed, what it is for.

`config.schema.json` and the README's table are made from it, and so is the sentence about each mistake.
"""

from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    Field,
    PrivateAttr,
    ValidationInfo,
    ValidatorFunctionWrapHandler,
    computed_field,
    field_validator,
)

from scripts.core import networks
from scripts.core.catalogue import FORMATS, RUNTIMES
from scripts.core.config_errors import ALLOWED, Mistake, OneOf, either, raise_mistakes
from scripts.core.config_network import Entry, Network
from scripts.core.config_parts import ExistingFile, Part, found, path_field, unique
from scripts.core.config_runtimes import AsWritten, Choice, Chosen, Devices, Precisions, as_mapping, resolve

ENVIRONMENTS = tuple(
    sorted(
        {"loadgen", "report"}
        | {form.env for form in FORMATS.values()}
        | {place.env for runtime in RUNTIMES.values() for place in runtime.places}
    )
)
"""The toolchains whose Python `interpreters` may name."""

Seconds = Annotated[float, Field(gt=0, le=86400)]
Count = Annotated[int, Field(ge=1, le=10**6)]
Folder = Annotated[
    str,
    Field(pattern=r"^[^\s{}'\"]+$", json_schema_extra={ALLOWED: "a path without spaces, quotes and braces"}),
]
HostName = Annotated[
    str,
    Field(
        max_length=63,
        pattern="^[a-z0-9]([a-z0-9-]*[a-z0-9])?$",
        json_schema_extra={ALLOWED: "auto, or a short name of lower-case letters, digits and -"},
    ),
]
Batches = Annotated[list[Annotated[int, Field(ge=1, le=1024)]], Field(min_length=1), AfterValidator(unique)]
Modes = Annotated[list[Literal["latency", "throughput", "serving"]], Field(min_length=1), AfterValidator(unique)]


class Calibration(Part):
    """How the ranges of int8 and fp8 are found."""

    photos: Count = Field(
        default=100, description="Photos for calibration, at most; none of them is validated on. The same for all."
    )
    method: Literal["auto", "minmax", "percentile"] = Field(
        default="auto",
        description="`auto` is what each runtime's maker recommends; the others go to those that offer a choice.",
    )


class Measure(Part):
    """How a candidate is measured."""

    trials: Annotated[int, Field(ge=1, le=1000)] = Field(
        default=5, description="Fresh processes per candidate and workload; intervals come from their spread."
    )
    seconds: Seconds = Field(default=1.5, description="Time budget for the samples of a trial, in seconds.")
    min_samples: Count = Field(default=5, description="Samples of a slow candidate, even beyond the time budget.")
    iterations: Count | None = Field(
        default=None, description="Exactly this many samples in each trial, in place of the time budget."
    )
    warmup_iterations: Count = Field(default=20, description="Calls before the samples, at most.")
    warmup_seconds: Seconds = Field(default=0.5, description="Ends the warm-up if it comes first, in seconds.")
    seed: Annotated[int, Field(ge=0, le=10**9)] = Field(
        default=0, description="Decides the shuffled order of candidates within each round of trials."
    )
    location: Literal["p10", "median"] = Field(
        default="p10",
        description="What candidates are compared by: `p10`, the fast tenth of a trial's samples, tells candidates "
        "apart on a noisy host; `median` is what a request sees on this host.",
    )
    resolution: Annotated[float, Field(gt=0, le=1)] = Field(
        default=0.05, description="A row whose interval is wider than this share is called unresolved."
    )


class Finals(Part):
    """The leaders of each network and workload are measured afresh, and only that names a winner."""

    rounds: Annotated[int, Field(ge=0, le=1000)] = Field(
        default=10, description="Fresh processes of each finalist, in alternating rounds; 0 holds no finals."
    )
    finalists: Annotated[int, Field(ge=2, le=100)] = Field(
        default=4, description="Candidates of a network and workload that take part, at most."
    )
    seconds: Seconds = Field(default=0.7, description="Time budget for the samples of one process, in seconds.")
    minutes: Annotated[float, Field(gt=0, le=10**4)] = Field(
        default=5.0, description="Time budget of all finals together, in minutes; whole rounds only, at least 3."
    )
    refine_minutes: Annotated[float, Field(ge=0, le=10**4)] = Field(
        default=0.0,
        description="Minutes of more trials before the finals, to choose the finalists better. They decide nothing.",
    )


class Serving(Part):
    """The mode `serving`: MLCommons LoadGen's Server scenario, requests arriving at random (Poisson)."""

    p99_ms: Annotated[float, Field(gt=0, le=10**6)] = Field(
        default=50.0, description="The highest rate is sought at which 99 % of requests take at most this long, in ms."
    )


class Rebuild(Part):
    """How much `make rebuild` compiles and measures."""

    builds: Annotated[int, Field(ge=2, le=100)] = Field(
        default=5, description="Times that each candidate is compiled from cold."
    )
    rounds: Annotated[int, Field(ge=2, le=1000)] = Field(
        default=5, description="Fresh processes of each build, in alternating rounds."
    )


class Trust(Part):
    """How much `make trust` measures to prove that the numbers are right."""

    rounds: Annotated[int, Field(ge=10, le=10**4)] = Field(
        default=64, description="Rounds of a candidate against itself, and against itself slowed down."
    )
    tool_rounds: Annotated[int, Field(ge=3, le=10**4)] = Field(
        default=20, description="Rounds of each runtime against its vendor's own tool or a bare loop."
    )
    seconds: Seconds = Field(default=0.7, description="Time budget for the samples of one process, in seconds.")
    draws: Annotated[int, Field(ge=50, le=10**6)] = Field(default=2000, description="Draws of each simulation.")


class Limits(Part):
    """When a job is stopped."""

    convert_s: Seconds = Field(default=900.0, description="Seconds to load, export or convert a network.")
    compile_s: Seconds = Field(default=1800.0, description="Seconds to compile one artifact.")
    verify_s: Seconds = Field(default=600.0, description="Seconds to run one candidate on all photos.")
    trial_s: Seconds = Field(default=300.0, description="Seconds for one trial, its start and warm-up included.")
    memory_mb: Annotated[float, Field(ge=64)] | None = Field(
        default=None, description="Memory that one job may take, in megabytes (10^6 bytes); null is no limit."
    )


class TensorrtRtx(Part):
    """TensorRT for RTX builds ahead of time, for a GPU that need not be here."""

    target: Literal["sm75", "sm80", "sm86", "sm89", "sm120"] = Field(
        default="sm86", description="Compute capability of the GPU that engines are built for (sm89 is 8.9)."
    )


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
            advice = ", or give it another name" if entry.weights == "file" or entry.pruned else ""
            mistakes.append(((i,), sentence + advice))
            continue
        base = bases.setdefault((entry.name, entry.weights), i)
        if base != i and networks.whole(entry.model_dump()) != networks.whole(entries[base].model_dump()):
            sentence = f"differs in more than pruning from models[{base}], of the same name and weights; rename it"
            mistakes.append(((i,), sentence))
    raise_mistakes(mistakes)
    return entries


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
        description="What executes the networks. In a mapping, a runtime may have precisions of its own.",
    )
    devices: Devices = Field(
        default="auto",
        description="Where they execute. `auto` is what this machine has; with `all`, what it lacks is a row that says "
        "so. A runtime that runs nowhere here always is.",
    )
    batches: Batches = Field(default=[1, 8], description="Samples (photos) per call; each batch is measured apart.")
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
        default=10.0, description="Requests per second that you expect: in what time a compilation pays is told by it."
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
    tensorrt_rtx: TensorrtRtx = Field(default=_as_written({}), validate_default=True, description="TensorRT for RTX.")
    photos: Annotated[str, path_field("a folder of photos, or a CSV with a column `file`")] = Field(
        default="data/photos",
        validate_default=True,
        description="The photos to validate and calibrate with; a CSV may give their classes.",
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
    store: Annotated[str, path_field("`auto`, `off` or a folder of your own")] = Field(
        default="auto",
        description="Folder that keeps what was compiled and measured, for all checkouts; `auto` is the one that "
        "ASSAY_STORE names, else one in your cache; `off` is none.",
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
        """The files that each `training.photos` stands for, in the same way."""
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

    @field_validator("photos")
    @classmethod
    def _photos_exist(cls, value: str, info: ValidationInfo) -> str:
        found(info, value)
        return value

    def model_post_init(self, context: Any) -> None:
        self._photo_files = context["files"][self.photos]
        trained_on = [entry.training.photos for entry in self.models if entry.training]
        self._training_files = {source: context["files"][source] for source in trained_on}
