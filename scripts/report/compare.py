"""What changed between two results files: `python -m scripts.report.compare OLD NEW`, CSV or Parquet.

Rows are paired by candidate and workload; how they are judged says `scripts.report.changes`. The exit status is 0
where nothing got worse, 3 where a row is slower by at least `--threshold` or no longer runs as asked and passes its
gate, 2 where the files or options make no sense. In CI: run `make`, then compare with a results file kept from before.
"""

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from scripts.report.changes import FASTER, SAME, SLOWER, UNCLEAR, Change
from scripts.report.columns import write_whole
from scripts.report.pairing import Comparison, Mistake, compare, read_table, title
from scripts.report.rows import KEY
from scripts.report.wording import FAILED_GATE, STATUS, count, known, number, slower_between, slower_by

REGRESSION, MISTAKE = 3, 2
LOCATION = {"p10": "p10 (fast location)", "median": "median"}
LIMIT = 25


def least_words(threshold: float) -> str:
    """`2 %`."""
    return f"{100 * threshold:g} %"


def about_shift(found: Comparison, threshold: float, absolute: bool) -> str:
    """How the table as a whole moved, and what was made of it."""
    shift, least = found.shift, least_words(threshold)
    moved = f"the median change of {count(shift.candidates, 'candidate')} is {slower_by(float(np.exp(shift.log)))}"
    if not shift.candidates:
        return "No row has an interval in both files."
    if absolute or "host" in found.pairs:
        return f"Rows are judged as they are: a whole interval must lie beyond {least}. In all, {moved}."
    if not shift.applied and shift.alike < shift.candidates and shift.candidates > 1:
        why = f"they did not move alike ({shift.alike} of {shift.candidates} did)"
    else:
        why = "they are too few to tell a change of the host from one of their own"
    if not shift.applied:
        return (
            f"Not corrected for a change of the host: {moved}, and {why}. A row counts where its whole interval lies"
            f" beyond {least}, which a host may drift by from one session to the next."
        )
    if not shift.resolved:
        return f"No change of the host is seen: {moved}, within their noise. Rows are judged against it."
    if abs(shift.log) < np.log1p(threshold):
        return f"The host hardly changed: {moved}. Rows are judged against it."
    return (
        f"EVERYTHING SHIFTED: {moved}, and {shift.alike} moved alike. The host probably changed, or something that all"
        " candidates share did: these files cannot tell which. Rows are judged against the shift; with --absolute, as"
        " they are."
    )


def _line(row: pd.Series, change: Change | None, location: str) -> str:
    if change is None:
        rates = [row[f"throughput_per_s_{when}"] for when in ("old", "new")]
        return f"  {title(row)}: {number(rates[0])} -> {number(rates[1])} per second, no interval in the files"
    is_latency = row["mode"] == "latency"
    figure, unit = (f"{location}_ms", "ms") if is_latency else ("throughput_per_s", "per second")
    before, after = (number(row[f"{figure}_{when}"]) for when in ("old", "new"))
    hashes = row["artifact_sha256_old"], row["artifact_sha256_new"]
    bytes_ = ", other bytes" if all(known(each) for each in hashes) and hashes[0] != hashes[1] else ""
    # Of a rate, what is said is how the rate changed: the other way round.
    by, *bounds = (ratio if is_latency else 1 / ratio for ratio in (change.ratio, change.lo, change.hi))
    return f"  {title(row)}: {before} -> {after} {unit}, {slower_by(by)} ({slower_between(*sorted(bounds))}){bytes_}"


def text(found: Comparison, threshold: float, absolute: bool) -> Iterator[str]:
    """The comparison for people, worst first."""
    lines = list(zip(found.pairs.iterrows(), found.changes, strict=True))
    yield f"{count(len(lines), 'row')} in both files, by {LOCATION[found.location]}. Intervals: 95 % for all (Holm)."
    yield from found.notes
    yield about_shift(found, threshold, absolute)
    against = ", against the shift" if found.shift.applied else ""
    least = least_words(threshold)
    heads = {
        SLOWER: f"Slower by at least {least}{against}", FASTER: f"Faster by at least {least}{against}",
        UNCLEAR: "Cannot be told", SAME: f"The same within {least}{against}",
    }  # fmt: skip
    for _, row in found.lost.iterrows():
        yield f"NO LONGER: {title(row)}: {_ending(row)}"
    for outcome, head in heads.items():
        chosen = [(row, change) for (_, row), change in lines if (change.outcome if change else UNCLEAR) == outcome]
        chosen.sort(key=lambda each: -each[1].ratio if each[1] else 0)
        if chosen or outcome == SLOWER:
            yield f"{head}: {len(chosen)}"
        yield from (_line(row, change, found.location) for row, change in chosen)
    for name, rows in (("OLD", found.only_old), ("NEW", found.only_new)):
        if len(rows):
            yield f"Only in {name}: {len(rows)}"
            yield from (f"  {title(row)}" for _, row in rows.head(LIMIT).iterrows())
            yield from [f"  and {len(rows) - LIMIT} more"] if len(rows) > LIMIT else []
    worse = f"{count(found.regressions, 'row')} got worse (exit status {REGRESSION})" if found.regressions else ""
    yield f"Result: {worse or 'nothing got worse'}."


def _ending(row: pd.Series) -> str:
    status = row["status_new"]
    what = FAILED_GATE if status == "ok" else STATUS[status]
    return f"{what}: {' '.join(str(row['reason_new']).split())}" if known(row["reason_new"]) else what


def as_json(found: Comparison, threshold: float) -> dict[str, Any]:
    """The comparison for programs. ratio, lo, hi: new over old, against the shift where it was applied."""
    return {
        "schema": 1, "location": found.location, "threshold": threshold, "notes": found.notes,
        "regressions": found.regressions,
        "shift": {"ratio": float(np.exp(found.shift.log)), **found.shift._asdict()},
        "rows": [
            _values(row) | {f"{when}_ms": _plain(row[f"{found.location}_ms_{when}"]) for when in ("old", "new")}
            | (change._asdict() if change else {"outcome": UNCLEAR, "ratio": None, "lo": None, "hi": None})
            for (_, row), change in zip(found.pairs.iterrows(), found.changes, strict=True)
        ],
        "lost": [_values(row) | {"ending": _ending(row)} for _, row in found.lost.iterrows()],
        "only_old": [_values(row) for _, row in found.only_old.iterrows()],
        "only_new": [_values(row) for _, row in found.only_new.iterrows()],
    }  # fmt: skip


def _values(row: pd.Series) -> dict[str, Any]:
    return {name: _plain(row[name]) for name in KEY if name in row.index}


def _plain(value: Any) -> Any:
    if not known(value):
        return None
    return value.item() if isinstance(value, np.generic) else value


def share(text: str) -> float:
    """`0.02`, or `2%`, as a share that is not negative."""
    value = float(text.rstrip("% ")) / (100 if text.rstrip().endswith("%") else 1)
    if not 0 <= value < 10:
        raise argparse.ArgumentTypeError(f"{text} is no share such as 0.02 or 2%")
    return value


def main(argv: list[str] | None = None) -> int:
    """Say what changed; 3 where something got worse, 2 on a mistake."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("old", type=Path, metavar="OLD")
    parser.add_argument("new", type=Path, metavar="NEW")
    parser.add_argument("--threshold", type=share, default=0.02, help="smallest change that counts (default 0.02)")
    parser.add_argument("--location", choices=LOCATION, default="p10", help="figure that is compared (default p10)")
    parser.add_argument("--absolute", action="store_true", help="do not judge rows against a shift of the whole table")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the comparison there, too")
    args = parser.parse_args(argv)
    try:
        old, new = read_table(args.old), read_table(args.new)
        found = compare(old, new, args.location, args.threshold, args.absolute)
    except Mistake as mistake:
        print(f"compare: {mistake}", file=sys.stderr)
        return MISTAKE
    print("\n".join(text(found, args.threshold, args.absolute)))
    if args.json:
        content = json.dumps(as_json(found, args.threshold), indent=1) + "\n"
        write_whole(args.json, lambda path: path.write_text(content))
    return REGRESSION if found.regressions else 0


if __name__ == "__main__":
    raise SystemExit(main())
