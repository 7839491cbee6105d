"""What `tune` has kept: the scheme by which a runtime is quantised, by network. Light: the Snakefile imports it."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from scripts.core.capabilities import DEFAULT
from scripts.core.catalogue import FORMATS, RUNTIMES

Kept = Mapping[str, str]
"""`network/runtime/precision` -> variant."""


def name(network: str, runtime: str, precision: str) -> str:
    """What a kept scheme is filed under."""
    return f"{network}/{runtime}/{precision}"


def read(record: Path) -> Kept:
    """What the record of the last tuning keeps; {} where there was none. What no catalogue knows is left out."""
    if not record.exists():
        return {}
    kept: dict[str, str] = json.loads(record.read_text()).get("kept", {})
    return {key: variant for key, variant in kept.items() if variant in schemes(*key.split("/")[1:])}


def schemes(runtime: str, precision: str) -> tuple[str, ...]:
    """The variants that `tune` tries beside the usual ones."""
    known = RUNTIMES.get(runtime)
    return FORMATS[known.format_of(precision)].schemes.get(precision, ()) if known else ()


def tries(config: Mapping[str, Any]) -> Iterator[tuple[str, str, str, str]]:
    """(runtime, precision, variant, device) of all that `tune` holds against each other: the usual way and the schemes.

    Only where there is a choice, and only on the CPU, where it can be measured without more.
    """
    for runtime, asked in config["runtimes"].items():
        for precision in asked["precisions"]:
            others = schemes(runtime, precision)
            for variant in (DEFAULT, *others) if others else ():
                yield runtime, precision, variant, RUNTIMES[runtime].devices[0]
