"""How much is compiled and measured, and when a job is stopped: parts of the config."""

from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from scripts.core.config_errors import raise_mistakes
from scripts.core.config_parts import Part, unique

Seconds = Annotated[float, Field(gt=0, le=86400)]
Count = Annotated[int, Field(ge=1, le=10**6)]
Batch = Annotated[int, Field(ge=1, le=1024)]
BatchList = Annotated[list[Batch], Field(min_length=1), AfterValidator(unique)]
DOUBLED = [2**power for power in range(9)]
Batches = Annotated[
    BatchList,
    BeforeValidator(
        lambda value: DOUBLED if value == "auto" else value, json_schema_input_type=Literal["auto"] | BatchList
    ),
]
"""`auto` is the batches that double from 1 to 256."""


ImageSizes = Annotated[list[Annotated[int, Field(ge=1, le=4096)]], Field(min_length=1), AfterValidator(unique)]
"""Sides of square images, in pixels."""


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
    peaks: bool = Field(
        default=True,
        description="Measure what the host's libraries reach at their best, which `peak_share` is a share of: a few "
        "seconds for each.",
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

    train_s: Seconds = Field(
        default=43200.0, description="Seconds to fine-tune a network; started again, it goes on after the last epoch."
    )
    convert_s: Seconds = Field(default=900.0, description="Seconds to load, export or convert a network.")
    compile_s: Seconds = Field(default=1800.0, description="Seconds to compile one artifact.")
    verify_s: Seconds = Field(default=600.0, description="Seconds to run one candidate on all photos.")
    trial_s: Seconds = Field(default=300.0, description="Seconds for one trial, its start and warm-up included.")
    memory_mb: Annotated[float, Field(ge=64)] | None = Field(
        default=None, description="Memory that one job may take, in megabytes (10^6 bytes); null is no limit."
    )


def _ascending(value: list[int]) -> list[int]:
    if value != sorted(value):
        raise_mistakes([((), f"{value} does not ascend; give the least batch, the usual one and the greatest")])
    return value


class Tensorrt(Part):
    """How TensorRT, and TensorRT for RTX, build engines."""

    optimization_level: Annotated[int, Field(ge=0, le=5)] = Field(
        default=3, description="How hard the builder tries: 5 takes longest and may find faster kernels."
    )
    workspace_mb: Annotated[float, Field(ge=1)] | None = Field(
        default=None, description="Scratch memory of the GPU that a kernel may take, in MB; null is all there is."
    )
    profile: Annotated[list[Batch], Field(min_length=3, max_length=3), AfterValidator(_ascending)] = Field(
        default=[1, 8, 256],
        description="The variant `profile` is one engine for many batches: the least, the usual one, the greatest.",
    )


class TensorrtRtx(Part):
    """TensorRT for RTX builds ahead of time, for a GPU that need not be here."""

    target: Literal["sm75", "sm80", "sm86", "sm89", "sm120"] = Field(
        default="sm86", description="Compute capability of the GPU that engines are built for (sm89 is 8.9)."
    )
