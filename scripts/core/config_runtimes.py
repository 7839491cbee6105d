"""`runtimes:` and `precisions:` in the config: three ways of writing them, one way of reading them."""

from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, TypeAdapter

from scripts.core.catalogue import PRECISIONS, RUNTIMES
from scripts.core.config_errors import ALLOWED, Mistake, OneOf, either, raise_mistakes
from scripts.core.config_parts import Part, unique

NAMES = tuple(RUNTIMES)
ALL = tuple(name for name, runtime in RUNTIMES.items() if not runtime.optional)
"""What `all` stands for."""
OTHERS = tuple(name for name in NAMES if name not in ALL)
"""What is taken only where it is named."""

RuntimeName = Annotated[str, OneOf(NAMES)]
Precision = Annotated[str, OneOf(PRECISIONS)]
PrecisionList = Annotated[list[Precision], Field(min_length=1), AfterValidator(unique)]
Precisions = Annotated[
    Literal["all"] | PrecisionList,
    Field(json_schema_extra={ALLOWED: f"all, or a list of {', '.join(PRECISIONS)}"}),
]
RuntimeList = Annotated[list[RuntimeName], Field(min_length=1), AfterValidator(unique)]


DEVICES = tuple(
    dict.fromkeys(device for each in RUNTIMES.values() for place in each.places for device in place.devices)
)
DeviceList = Annotated[list[Annotated[str, OneOf(DEVICES)]], Field(min_length=1), AfterValidator(unique)]
Devices = Annotated[
    Literal["auto", "all"] | DeviceList,
    Field(json_schema_extra={ALLOWED: f"auto, all, or a list of {', '.join(DEVICES)}"}),
]

VariantList = Annotated[list[str], Field(min_length=1), AfterValidator(unique)]


class Choice(Part):
    """What is asked of one runtime."""

    precisions: Precisions | None = Field(default=None, description="Its own precisions, in place of the general ones.")
    variants: VariantList | None = Field(
        default=None, description="Those of its variants to take, such as `default`, in place of the usual ones."
    )


AsWritten = Annotated[
    Literal["all"] | RuntimeList | Annotated[dict[RuntimeName, Choice | None], Field(min_length=1)],
    Field(json_schema_extra={ALLOWED: f"all, or a list or mapping of {', '.join(NAMES)}"}),
]
Chosen = Annotated[dict[RuntimeName, Choice], Field(min_length=1)]


def as_mapping(value: Any) -> Any:
    """`all` and a list as the mapping that they stand for."""
    if value == "all":
        return {name: {} for name in ALL}
    if isinstance(value, list):
        return {name: {} for name in TypeAdapter(RuntimeList).validate_python(value, strict=True)}
    if isinstance(value, dict):
        return {name: {} if choice is None else choice for name, choice in value.items()}
    return value


def resolve(chosen: dict[str, Choice], asked: Any, named: bool) -> dict[str, Choice]:
    """Each runtime with the precisions that are asked of it and that it knows, in the order asked.

    asked: the general `precisions`; named: the runtimes were named, so each must have something to do. Where all
    runtimes are meant, those that know none of the precisions are left out.
    """
    raise_mistakes(_own_precisions(chosen))
    raise_mistakes(_own_variants(chosen))
    raise_mistakes(_known_to_none(chosen, asked), absolute=True)
    known = {name: _known_of(name, choice.precisions or asked) for name, choice in chosen.items()}
    if named:
        raise_mistakes(
            ((name,), f"knows none of the precisions asked for; it knows {either(RUNTIMES[name].precisions)}")
            for name in chosen
            if not known[name]
        )
    return {
        name: Choice(precisions=precisions, variants=_variants(name, chosen[name], asked))
        for name, precisions in known.items()
        if precisions
    }


def _variants(runtime: str, choice: Choice, asked: Any) -> list[str] | None:
    """The variants to take: those named; all where everything is asked for; None for the usual ones."""
    if choice.variants is None and (choice.precisions or asked) == "all":
        return list(RUNTIMES[runtime].known_variants)
    return choice.variants


def _known_of(runtime: str, asked: Any) -> list[str]:
    known = RUNTIMES[runtime].precisions
    return list(known) if asked == "all" else [precision for precision in asked if precision in known]


def _own_precisions(chosen: dict[str, Choice]) -> Iterator[Mistake]:
    """Precisions that were asked of one runtime, by its name, and that it does not know."""
    for name, choice in chosen.items():
        if choice.precisions is None or choice.precisions == "all":
            continue
        known = RUNTIMES[name].precisions
        for i, precision in enumerate(choice.precisions):
            if precision not in known:
                yield (name, "precisions", i), f"{name} does not know {precision}; give {either(known)}"


def _own_variants(chosen: dict[str, Choice]) -> Iterator[Mistake]:
    """Variants that were asked of a runtime and that none of its precisions has."""
    for name, choice in chosen.items():
        known = RUNTIMES[name].known_variants
        for i, variant in enumerate(choice.variants or []):
            if variant not in known:
                yield (name, "variants", i), f"{name} does not know {variant}; give {either(known)}"


def _known_to_none(chosen: dict[str, Choice], asked: Any) -> Iterator[Mistake]:
    """Precisions that were asked of all, and that none of those they hold for knows."""
    general = [RUNTIMES[name].precisions for name, choice in chosen.items() if choice.precisions is None]
    if asked == "all" or not general:
        return
    known = [precision for precision in PRECISIONS if any(precision in precisions for precisions in general)]
    for i, precision in enumerate(asked):
        if precision not in known:
            yield ("precisions", i), f"none of the runtimes chosen knows {precision}; give {either(known)}"
