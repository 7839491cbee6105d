"""The host, the toolchains and the conditions under which the figures came about."""

import datetime
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from scripts.core.catalogue import RUNTIMES
from scripts.report.evidence import Evidence
from scripts.report.palette import colour
from scripts.report.reading import Trial
from scripts.report.wording import known, number, runtime

CONDITIONS = {
    "cpu_mhz": ("CPU frequency", "MHz"),
    "governor": ("Frequency governor", ""),
    "temperature_c": ("CPU temperature", "\N{DEGREE SIGN}C"),
    "load_1m": ("Load average, 1 minute", ""),
    "steal_s": ("CPU time taken by the hypervisor during a trial", "s"),
    "busy_s": ("CPU time of all processes during a trial", "s"),
    "cpu_pressure_s": ("Time in which some process waited for a core, a trial", "s"),
    "throttle_events": ("Throttled against heat, times a trial", ""),
    "held_back": ("Stopped by a limit on CPU time, times a trial", ""),
    "held_back_s": ("Stopped by a limit on CPU time, a trial", "s"),
    "available_mb": ("Free memory", "MB"),
}
CUMULATIVE = ("steal_s", "busy_s", "cpu_pressure_s", "throttle_events", "held_back", "held_back_s")
UNTOLD = ("clock_s",)
UNREADABLE = "not readable here"
OWN = {
    "major_faults": "Pages read from disc, a trial",
    "involuntary_switches": "Times that a thread lost its core, a trial",
}


@dataclass(frozen=True)
class Toolchain:
    """One runtime: what it ran with."""

    name: str
    colour: str
    versions: str
    environment: str
    threads: str
    placement: str


def facts(evidence: Evidence, host: str) -> list[tuple[str, str]]:
    """The host in a few lines."""
    known_facts = evidence.host_facts(host)
    gpu = known_facts.get("gpu")
    memory = known_facts.get("memory_gb")
    pairs: list[tuple[str, Any]] = [
        ("CPU", known_facts.get("cpu_model")),
        ("Usable cores", known_facts.get("cores")),
        ("Instruction sets", ", ".join(known_facts.get("isa") or [])),
        ("Memory", f"{number(memory)} GB" if memory else None),
        ("GPU", f"{gpu['name']} (compute capability {gpu.get('capability')})" if gpu else "no NVIDIA GPU"),
        ("Driver", known_facts.get("driver")),
        ("System", known_facts.get("os")),
        ("Kernel", known_facts.get("kernel")),
    ]
    return [(name, str(value)) for name, value in pairs if value]


def toolchains(evidence: Evidence) -> list[Toolchain]:
    """One line per runtime of the plan, in the catalogue's order."""
    found = []
    for name, entry in ((each, place) for each in RUNTIMES for place in RUNTIMES[each].places):
        here = [row for row in evidence.rows.values() if row.host == evidence.host and row.runtime == name]
        rows = [row for row in here if row.device in entry.devices]
        if not rows:
            continue
        trials = [trial for row in rows for trial in evidence.trials[row.key]]
        versions = {package: version for row in rows for package, version in evidence.versions(row).items()}
        found.append(
            Toolchain(
                name=runtime(name), colour=colour(name), environment=entry.env, threads=_threads(trials),
                versions=", ".join(f"{package} {version}" for package, version in sorted(versions.items())),
                placement="; ".join(sorted(_texts(trial.record.text("placement", "summary") for trial in trials))),
            )
        )  # fmt: skip
    return found


def _texts(values: Iterable[str | None]) -> set[str]:
    return {value for value in values if value}


def _threads(trials: list[Trial]) -> str:
    """`2 (read back: 2)`, from what was asked and what the runtime says."""
    asked = sorted(_texts(trial.record.text("threads", "asked") for trial in trials))
    read = sorted(_texts(trial.record.text("threads", "read_back") for trial in trials))
    if not asked:
        return ""
    return f"{', '.join(asked)} (read back: {', '.join(read)})" if read else f"{', '.join(asked)} (cannot be read back)"


def conditions(evidence: Evidence) -> list[tuple[str, str]]:
    """The state of the host around the trials: its range over all of them."""
    trials = [trial for key, found in evidence.trials.items() if key[0] == evidence.host for trial in found]
    names = sorted({name for trial in trials for name in trial.record.get("conditions", "before") or {}})
    others = [name for name in names if name not in CONDITIONS and name not in UNTOLD]
    order = [*(name for name in CONDITIONS if name in names), *others]
    lines = [(*CONDITIONS.get(name, (name, "")), _range(trials, name)) for name in order]
    own = [(label, _spread([trial.record.number("conditions", "trial", name) for trial in trials]))
           for name, label in OWN.items()]  # fmt: skip
    disturbed = sum(bool(trial.record.get("disturbed")) for trial in trials)
    return [
        *((label, text if text == UNREADABLE else f"{text} {unit}".strip()) for label, unit, text in lines),
        *((label, text) for label, text in own if text),
        *([("Disturbed trials, which stay in", f"{disturbed} of {len(trials)}")] if trials else []),
    ]


def _range(trials: list[Trial], name: str) -> str:
    pairs = [
        (trial.record.get("conditions", "before", name), trial.record.get("conditions", "after", name))
        for trial in trials
    ]
    pairs = [(before, after) for before, after in pairs if known(before) and known(after)]
    if not pairs:
        return UNREADABLE
    if any(isinstance(value, str) for pair in pairs for value in pair):
        return ", ".join(sorted({str(value) for pair in pairs for value in pair}))
    values = [after - before for before, after in pairs] if name in CUMULATIVE else [v for pair in pairs for v in pair]
    return _spread(values)


def _spread(values: Sequence[float | None]) -> str:
    known_values = [value for value in values if value is not None]
    if not known_values:
        return ""
    low, high = number(min(known_values)), number(max(known_values))
    return low if low == high else f"{low} to {high}"


def measured_on(evidence: Evidence) -> str:
    """The day or days of this host's trials, UTC; empty where no trial says."""
    stamps = [
        started
        for key, trials in evidence.trials.items()
        if key[0] == evidence.host
        for trial in trials
        if (started := trial.record.number("started")) is not None
    ]
    days = (
        [datetime.datetime.fromtimestamp(stamp, datetime.UTC) for stamp in (min(stamps), max(stamps))] if stamps else []
    )
    texts = [f"{day.day} {day:%B %Y}" for day in days]
    return " to ".join(dict.fromkeys(texts))
