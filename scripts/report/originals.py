"""What a published study asked and said: `studies/originals/NAME.toml`, as the pages quote it.

    title, did, found   text: of the page, of what was compared, of what was reported
    network             the network of its figures
    different           sentences: what is done otherwise here and may make a ratio another
    columns             what the page's table shows of each row (`study_cells.COLUMNS`)
    conditions          what was stated of machine and software, as text; keys: of `study_conditions.OURS`, or packages
    candidates          id, name, runtime, precision, variant, pruned (a method), devices, said: its figures by workload
    comparisons         new, old: ids; said: ratios by workload; headline: the workloads that the overview shows
    pruned_file_mb      whole, pruned: sizes of its file
A workload is device, batch and image_size; one that is left out is any. TOML, since Python reads it by itself.
"""

import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from scripts.core.capabilities import DEFAULT

WORKLOAD = ("device", "batch", "image_size")

Values = dict[str, Any]


@dataclass(frozen=True)
class Asked:
    """One candidate of the original, and which rows here are the same. pruned: the method, None for a whole network."""

    id: str
    name: str
    runtime: str
    precision: str
    devices: list[str]
    variant: str = DEFAULT
    pruned: str | None = None
    said: list[Values] = field(default_factory=list)


@dataclass(frozen=True)
class Compared:
    """How many times as fast as `old` the candidate `new` is."""

    new: Asked
    old: Asked
    said: list[Values]
    headline: list[Values]

    @property
    def name(self) -> str:
        """`OpenVINO fp32 over PyTorch fp32`."""
        return f"{self.new.name} over {self.old.name}"

    @property
    def devices(self) -> list[str]:
        """Where both are asked for."""
        return [device for device in self.new.devices if device in self.old.devices]

    def original(self, workload: Values) -> float | None:
        """The original's ratio for a workload: as it was told, else of the times that were; None where it told none."""
        told = matching(self.said, workload)
        if told:
            return float(told[0]["ratio"])
        old, new = ([s["ms"] for s in matching(asked.said, workload) if "ms" in s] for asked in (self.old, self.new))
        return float(old[0] / new[0]) if old and new else None


@dataclass(frozen=True)
class Original:
    """A study, as it was published."""

    name: str
    title: str
    did: str
    found: str
    network: str
    columns: list[str]
    different: list[str]
    conditions: dict[str, str]
    candidates: list[Asked]
    comparisons: list[Compared]
    pruned_file_mb: dict[str, float] | None


def matching(said: list[Values], workload: Values) -> list[Values]:
    """Those of the original's figures that are for `workload`."""
    return [each for each in said if all(each.get(name, workload[name]) == workload[name] for name in WORKLOAD)]


def read_original(path: Path) -> Original:
    """The study in a file. Raises SystemExit with one sentence where it cannot be read."""
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
        asked = {each["id"]: Asked(**each) for each in values.pop("candidates")}
        compared = [
            Compared(asked[each["new"]], asked[each["old"]], each.get("said", []), each.get("headline", []))
            for each in values.pop("comparisons")
        ]
        return Original(
            name=path.stem, candidates=list(asked.values()), comparisons=compared,
            pruned_file_mb=values.pop("pruned_file_mb", None), different=values.pop("different", []), **values,
        )  # fmt: skip
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise SystemExit(f"{path} cannot be read ({error})") from None
    except (KeyError, TypeError) as error:
        raise SystemExit(
            f"{path} is no study ({error}): scripts/report/originals.py says what belongs into it"
        ) from None
