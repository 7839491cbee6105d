"""The rows of the results: which candidates and workloads there are, and where their records lie.

Rows of this host come from the plan, in its order. Rows of other hosts are found by their paths: below `hosts/` in
the folder of this run, and in the folders of other hosts' records that the config names.
"""

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scripts.core import paths
from scripts.core.catalogue import FORMATS, RUNTIMES, on
from scripts.core.plan import portable_of
from scripts.report.others import PLAN, opened
from scripts.report.reading import read, read_if_any

KEY = ("host", "model", "weights", "runtime", "precision", "variant", "device", "shape", "batch", "image_size", "mode")
WORKLOAD = re.compile(r"(?P<shape>b(?P<batch>\d+)(?:x(?P<image_size>\d+))?)\.(?P<mode>\w+)")
CANDIDATE = re.compile(r"(?P<precision>[^.]+)\.(?P<variant>.+)\.(?P<device>[^.]+)")


@dataclass(frozen=True)
class Row:
    """One host, candidate and workload, with the folders and files of its records.

    image_size is None for a network that takes no images, threads for another host's row that never measured.
    `trials` are paths, one per planned trial. `root` is the folder that all its records lie in.
    """

    root: Path

    host: str
    model: str
    weights: str
    runtime: str
    precision: str
    variant: str
    device: str
    shape: str
    batch: int
    image_size: int | None
    mode: str
    threads: int | None
    checkpoint: Path
    reference: Path
    portable: Path
    deployable: Path
    verify: Path
    trials: tuple[Path, ...]

    @property
    def key(self) -> tuple[Any, ...]:
        """What names the row, in the order of `KEY`."""
        return tuple(getattr(self, name) for name in KEY)

    @property
    def compiled(self) -> bool:
        """Whether a compiler stands between the portable file and what is measured."""
        return self.deployable != self.portable


def read_plan(path: Path) -> dict[str, Any]:
    """The plan of this run. Raises SystemExit with one sentence where it cannot be read."""
    try:
        plan: dict[str, Any] = json.loads(path.read_text())
    except FileNotFoundError:
        raise SystemExit(f"{path} does not exist: run `make` first") from None
    except ValueError as error:
        raise SystemExit(f"{path} is not JSON ({error}): delete it and run `make` again") from None
    missing = [key for key in ("host", "rows") if key not in plan]
    if missing:
        raise SystemExit(f"{path} lacks {missing[0]!r}: delete it and run `make` again")
    return plan


def plan_in(folder: Path) -> dict[str, Any]:
    """The plan that an archive brought along, with its paths in the folder that the archive was unpacked to.

    Raises SystemExit with one sentence where it brought none.
    """
    plan = read_plan(folder / PLAN)

    def inside(value: Any) -> Any:
        return [str(folder / each) for each in value] if isinstance(value, list) else str(folder / value)

    rows = [row | {"paths": {name: inside(value) for name, value in row["paths"].items()}} for row in plan["rows"]]
    return plan | {"config": plan["config"] | {"artifacts": str(folder)}, "rows": rows}


def planned(plan: dict[str, Any]) -> list[Row]:
    """The rows of the plan, in its order."""
    rows = []
    for values in plan["rows"]:
        fields: dict[str, Any] = {name: values[name] for name in (*KEY, "threads")}
        fields["root"] = Path(plan["config"]["artifacts"])
        for name in ("checkpoint", "reference", "portable", "deployable", "verify"):
            fields[name] = Path(values["paths"][name])
        rows.append(Row(**fields, trials=tuple(Path(path) for path in values["paths"]["trials"])))
    return rows


def own_size(artifacts: Path, network: str) -> int | None:
    """The image size that a network (`{model}.{weights}`) has of its own, in pixels; None where it is not known."""
    known = read_if_any(Path(paths.checkpoint(str(artifacts), network)) / "files" / "model.json")
    return (known.get("preprocess") or {}).get("size")


def conversions(row: Row) -> Iterator[Path]:
    """Folders of every conversion from the checkpoint to the row's portable file, the last first."""
    name, folder, network = (
        on(row.runtime, row.device).format_of(row.precision),
        row.portable,
        f"{row.model}.{row.weights}",
    )
    own = own_size(row.root, network)
    while (source := FORMATS[name].source) is not None:
        yield folder
        name, shape = source, paths.source_shape(source, folder.name, own)
        kind = FORMATS[name].kind(row.precision, row.variant)
        folder = Path(paths.portable(str(row.root), name, network=network, kind=kind, shape=shape))


def _trial_number(path: Path) -> int:
    return int(path.stem.rpartition("-")[2])


def _row(artifacts: Path, host: str, workload: Path) -> Row | None:
    """The row of one trials folder; None where its path is not one of ours."""
    network, runtime, candidate, shape = workload.parents[1].relative_to(artifacts / "hosts" / host).parts
    work, what = WORKLOAD.fullmatch(workload.name), CANDIDATE.fullmatch(candidate)
    if work is None or what is None or runtime not in RUNTIMES:
        return None
    model, _, weights = network.rpartition(".")
    root, home, own = str(artifacts), workload.parents[1], own_size(artifacts, network)
    asked = (runtime, what["precision"], what["variant"], what["device"])
    portable = Path(portable_of(root, asked, network, shape, own))
    other = paths.other_size(work["shape"], own)
    trials = tuple(sorted(workload.glob("trial-*.json"), key=_trial_number))
    threads = {read(path, "measure").get("threads", "asked") for path in trials} - {None}
    size = work["image_size"]
    return Row(
        root=artifacts, host=host, model=model, weights=weights, runtime=runtime, **what.groupdict(), shape=shape,
        batch=int(work["batch"]), image_size=int(size) if size else None, mode=work["mode"],
        threads=next(iter(sorted(threads)), None),
        checkpoint=Path(paths.checkpoint(root, network, other)), reference=Path(paths.reference(root, network, other)),
        portable=portable, deployable=home / "compiled" if on(runtime, what["device"]).compiles else portable,
        verify=home / "verify" / work["shape"] / "verify.json", trials=trials,
    )  # fmt: skip


def _by_number(path: Path) -> list[str | int]:
    """To sort by: batch 8 comes before 16. Text and numbers alternate, so that like meets like."""
    return [int(part) if part.isdigit() else part for part in re.split(r"(\d+)", str(path))]


def found(artifacts: Path, skip: str) -> Iterator[Row]:
    """The rows of every host below `hosts/` in `artifacts` but `skip`, sorted by path, numbers in it by size."""
    for folder in sorted((artifacts / "hosts").glob("*/*/*/*/*/trials/*"), key=_by_number):
        host = folder.relative_to(artifacts / "hosts").parts[0]
        row = _row(artifacts, host, folder) if host != skip else None
        if row is not None:
            yield row


def all_rows(plan: dict[str, Any], artifacts: Path) -> list[Row]:
    """This host's rows by the plan, then other hosts' as found; a host that is found twice counts where it is first."""
    rows = planned(plan)
    for root in [artifacts, *(opened(Path(source), artifacts) for source in plan["config"].get("hosts", []))]:
        present = {row.host for row in rows} | {plan["host"]}
        rows += [row for row in found(root, skip=plan["host"]) if row.host not in present]
    return rows


def roots(rows: Iterable[Row]) -> dict[str, Path]:
    """Each host's folder of records."""
    return {row.host: row.root for row in rows}
