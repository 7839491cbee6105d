"""From the records of all hosts to one table: `python -m scripts.report.summarise --plan ... --csv ... --parquet ...`.

One row per host, candidate and workload. A row's status is the worst in its chain (checkpoint, conversion,
compilation, verification, trials) and its reason is that stage's. Where only some trials ended badly the good
ones are kept and the reason counts the others. Rows of a degraded candidate carry its figures too; they cannot win.
"""

import argparse
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from scripts.core.catalogue import on
from scripts.report import ledger
from scripts.report.answers import PASSES
from scripts.report.columns import COLUMNS, frame, write_whole
from scripts.report.measured import timing, work_ms
from scripts.report.pareto import pareto
from scripts.report.payoff import payoffs
from scripts.report.reading import BAD, Record, Trial, read, read_if_any, read_trial, worst
from scripts.report.relations import all_finals, host_phases, speedups, standings
from scripts.report.roofline import roofline, size
from scripts.report.rows import KEY, Row, all_rows, conversions, read_plan, roots
from scripts.report.saturation import saturation
from scripts.report.wording import ENDED
from scripts.stats.intervals import share_interval

WEIGHTS, PROGRAM = "weights.pt", "program.pt2"
SIG_DIGITS = 6

Values = dict[str, Any]


def chain(row: Row) -> list[Record]:
    """The records a row rests on before its trials, upstream first."""
    artifacts = [read(folder / "artifact.json", stage) for folder, stage in _stages(row)]
    return [*artifacts, read(row.verify, "verify")]


def _stages(row: Row) -> list[tuple[Path, str]]:
    folders = [(row.checkpoint, "prepare"), (row.reference, "prepare"), (row.portable, "convert")]
    return [*folders, *([(row.deployable, "compile")] if row.compiled else [])]


def trials_of(row: Row) -> tuple[list[Trial], list[Record]]:
    """The trials that measured, and the records of those that did not."""
    read_all = [read_trial(path) for path in row.trials]
    return [t for t in read_all if isinstance(t, Trial)], [r for r in read_all if isinstance(r, Record)]


def _says(record: Record) -> str:
    """A record's reason; for a stage that went wrong, with the stage's name before it."""
    reason = record.reason or "no reason was recorded"
    return f"{record.stage}: {reason}" if record.status in BAD else reason


def verdict(stages: Sequence[Record], good: Sequence[Trial], bad: Sequence[Record]) -> tuple[str, str | None]:
    """Status and reason of a row; an ok row has no reason."""
    gravest = worst([*stages, *(trial.record for trial in good), *bad])
    if gravest.status == "ok":
        return "ok", None
    reason = _says(gravest)
    if bad and good and gravest in bad:
        total, ends = len(good) + len(bad), Counter(record.status for record in bad)
        counted = ", ".join(f"{count} of {total} trials {ENDED[status]}" for status, count in sorted(ends.items()))
        reason = f"{counted}; the figures are from the {len(good)} that measured. {reason}"
    return gravest.status, reason


def conversion_cost(row: Row) -> Values:
    """Wall seconds from the checkpoint to the portable file and the greatest memory on the way, MB.

    OpenVINO's IR is made from the ONNX file, so it costs both; so does what is quantised, with its calibration. A
    runtime that loads the checkpoint itself costs nothing. An export that compiles is told as compiling. Empty where a
    step did not finish.
    """
    folders = [folder for folder in conversions(row) if not ledger.is_compiled(row, folder)]
    steps = [read(folder / "build.json", "convert") for folder in folders]
    seconds = [build.number("wall_s") for build in steps]
    if not all(build.usable for build in steps) or None in seconds:
        return {}
    memory = [build.number("peak_rss_mb") or 0.0 for build in steps]
    return {"convert_s": float(sum(filter(None, seconds))), "convert_rss_mb": max(memory) if memory else None}


def correctness(checked: Record) -> Values:
    """What verify found, with the Wilson interval of the top-1 accuracy (Wilson 1927) over the labelled photos."""
    names = ("max_abs_error", "sqnr_db", "top1_agreement", "top1_accuracy", "labelled", "mcnemar_p")
    values: Values = {name: checked.number(name) for name in names}
    values |= {"photos_lost": checked.number("lost"), "photos_gained": checked.number("gained")}
    values |= {"gate": checked.text("gate"), "int8_share": checked.number("placement", "int8_share")}
    labelled, accuracy = checked.number("labelled"), checked.number("top1_accuracy")
    if labelled and accuracy is not None:
        low, high = share_interval(round(accuracy * labelled), int(labelled))
        values |= {"top1_accuracy_lo": low, "top1_accuracy_hi": high}
    return values


def unused_file(row: Row) -> str | None:
    """The file in a row's folder that its runtime does not read.

    A checkpoint holds the network twice, as weights and as a program for the converters; eager PyTorch reads one.
    """
    if row.compiled or on(row.runtime, row.device).format_of(row.precision) != "checkpoint":
        return None
    is_program = read_if_any(row.deployable / "files" / "model.json").get("build") == PROGRAM
    return WEIGHTS if is_program else PROGRAM


def deployed_bytes(row: Row, artifact: Record) -> int:
    """Bytes of what a deployment needs."""
    unused = unused_file(row)
    return int(artifact.number("bytes") or 0) - int((unused and artifact.number("files", unused, "bytes")) or 0)


def costs(row: Row) -> Values:
    """What the artifact is and what it took to make: seconds, bytes, sha256."""
    artifact = read(row.deployable / "artifact.json", "compile")
    values = conversion_cost(row) | ledger.costs(row)
    if artifact.usable:
        values |= {"artifact_bytes": deployed_bytes(row, artifact), "artifact_sha256": artifact.text("sha256")}
    return values


def summary(row: Row, good: Sequence[Trial], bad: Sequence[Record], torch_build: str | None, asked: Values) -> Values:
    """One row of the table, but for what it takes other rows to tell. `asked`: the config's `measure`."""
    stages = chain(row)
    status, reason = verdict(stages, good, bad)
    checked = stages[-1]
    sessions = sorted({str(session) for trial in good if (session := trial.record.get("session"))})
    builds = {trial.record.text("torch_build") for trial in good} - {None}
    measured = timing(row, good, asked["location"], asked["resolution"])
    return {
        **dict(zip(KEY, row.key, strict=True)),
        "threads": row.threads, "torch_build": next(iter(builds), torch_build), "session": " ".join(sessions) or None,
        "status": status, "reason": reason, "trials": len(good), "samples": 0,
        **size(row), **measured, **roofline(row, work_ms(row, good)), **costs(row),
        **(correctness(checked) if checked.usable else {}),
    }  # fmt: skip


def _rounded(value: Any) -> Any:
    """Floats to six significant digits: more is noise, and equal records give equal bytes."""
    return float(f"{value:.{SIG_DIGITS}g}") if isinstance(value, float) else value


def summarise(plan: dict[str, Any], artifacts: Path) -> list[Values]:
    """All rows of the table as dicts, with every column of the contract that is known."""
    here, asked = (plan["host"], plan.get("torch_build")), plan["config"]["measure"]
    rows = {row.key: row for row in all_rows(plan, artifacts)}
    finals = all_finals(roots(rows.values()))
    lost = {finalist.key: list(finalist.failed) for each in finals for finalist in each.finalists}
    measured = {key: trials_of(row) for key, row in rows.items()}
    table = {
        key: summary(
            row, measured[key][0], [*measured[key][1], *lost.get(key, [])],
            here[1] if row.host == here[0] else None, asked,
        )
        for key, row in rows.items()
    }  # fmt: skip
    trials = {key: good for key, (good, _) in measured.items()}
    can_win = {key for key, row in table.items() if row["status"] == "ok" and row["gate"] in PASSES}
    finals = [each.only(can_win) for each in finals]
    location = asked["location"]
    more = [
        speedups(table, trials, location),
        host_phases(trials),
        standings(finals, location),
        pareto(table, location),
        saturation(table),
    ]
    for found in more:
        _add(table, found)
    _add(table, payoffs(table, location))
    return [{name: _rounded(row.get(name)) for name in COLUMNS} for row in table.values()]


def _add(table: dict[tuple[Any, ...], Values], found: Mapping[tuple[Any, ...], Values]) -> None:
    for key, values in found.items():
        if key in table:
            table[key] |= values


def main(argv: list[str] | None = None) -> int:
    """Write the table as CSV and as Parquet, and what compiling cost."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--plan", type=Path, required=True)
    parser.add_argument("--artifacts", type=Path, required=True)
    parser.add_argument("--csv", type=Path, required=True)
    parser.add_argument("--parquet", type=Path, required=True)
    parser.add_argument("--compile-csv", type=Path, required=True, help="what compiling cost, by artifact")
    args = parser.parse_args(argv)
    plan = read_plan(args.plan)
    table = frame(summarise(plan, args.artifacts))
    compiled = ledger.frame(all_rows(plan, args.artifacts))
    write_whole(args.compile_csv, lambda path: compiled.to_csv(path, index=False, lineterminator="\n"))
    write_whole(args.csv, lambda path: table.to_csv(path, index=False, lineterminator="\n"))
    write_whole(args.parquet, lambda path: table.to_parquet(path, index=False))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
