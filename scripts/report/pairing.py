"""Two results files, paired row by row: what both hold, what only one does, what no longer runs."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from scripts.report.changes import SLOWER, Change, Shift, Side, common_shift, judge, side
from scripts.report.columns import COLUMNS
from scripts.report.reading import BAD
from scripts.report.rows import KEY
from scripts.report.wording import candidate, known, listed, network

PAIRED = tuple(name for name in KEY if name != "host")
WHO = ("model", "weights", "runtime", "precision", "variant", "device")
LOST = (*BAD, "degraded")
"""Endings that are worse than having run; a machine that lacks something, or a toolchain that cannot, is not."""


class Mistake(Exception):
    """What is wrong with the files or options, in one sentence."""


@dataclass(frozen=True)
class Comparison:
    """Both tables, paired. `pairs` has a line per row that measured in both, with columns `_old` and `_new`."""

    location: str
    notes: list[str]
    pairs: pd.DataFrame
    shift: Shift
    changes: list[Change | None]
    lost: pd.DataFrame
    only_old: pd.DataFrame
    only_new: pd.DataFrame

    @property
    def regressions(self) -> int:
        """Rows that are slower or lost."""
        slower = sum(change is not None and change.outcome == SLOWER for change in self.changes)
        return slower + int(self.lost["_regression"].sum())


def read_table(path: Path) -> pd.DataFrame:
    """A results file; columns that it lacks are empty. Raises Mistake where it cannot be read or is none."""
    try:
        if path.suffix == ".parquet":
            table = pd.read_parquet(path)
        else:
            table = pd.read_csv(path, dtype=COLUMNS, keep_default_na=False, na_values=[""])
    except (OSError, ValueError) as error:
        raise Mistake(f"{path} cannot be read as a results file: {error}") from None
    missing = [name for name in (*KEY, "status", "trials", "median_ms") if name not in table.columns]
    if missing:
        raise Mistake(f"{path} is no results file: it lacks the column {missing[0]!r}")
    try:
        return table.reindex(columns=list(COLUMNS)).astype(COLUMNS)
    except (ValueError, TypeError) as error:
        raise Mistake(f"{path} is no results file: {error}") from None


def location_of(asked: str, old: pd.DataFrame, new: pd.DataFrame) -> tuple[str, list[str]]:
    """The location that both tables have, and what is to be said of it."""
    lacking = [name for name, table in (("OLD", old), ("NEW", new)) if table["p10_lo_ms"].isna().all()]
    if asked == "p10" and lacking:
        return "median", [
            f"No p10 with its interval in {listed(lacking)}, so medians are compared. They move with the host more"
            " than a candidate's fast location does."
        ]
    return asked, []


def pair(old: pd.DataFrame, new: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """Every row of both tables, paired, with what is to be said of hosts and settings; `_merge` says who has it."""
    hosts = [list(table["host"].drop_duplicates()) for table in (old, new)]
    keys, notes = list(PAIRED), []
    if [len(each) for each in hosts] != [1, 1]:
        keys = list(KEY)
        if not set(hosts[0]) & set(hosts[1]):
            raise Mistake(f"OLD holds the hosts {listed(hosts[0])}, NEW {listed(hosts[1])}: none is in both")
        notes.append("There are several hosts, so no shift of a host is taken off.")
    elif hosts[0] != hosts[1]:
        notes.append(f"OLD was measured on {hosts[0][0]}, NEW on {hosts[1][0]}: machines are compared, too.")
    for name, table in (("OLD", old), ("NEW", new)):
        twice = table[table.duplicated(keys)]
        if len(twice):
            raise Mistake(f"{name} holds {title(twice.iloc[0])} twice")
    merged = old.merge(new, on=keys, how="outer", suffixes=("_old", "_new"), indicator=True, sort=False)
    both = merged[merged["_merge"] == "both"]
    if both.empty:
        raise Mistake("the two files have no row in common")
    for name, words in (("threads", "thread counts"), ("torch_build", "builds of PyTorch")):
        pairs = both[[f"{name}_old", f"{name}_new"]].dropna()
        if (pairs.iloc[:, 0] != pairs.iloc[:, 1]).any():
            notes.append(f"The {words} differ between the files.")
    return merged, notes


def compare(old: pd.DataFrame, new: pd.DataFrame, asked: str, threshold: float, absolute: bool) -> Comparison:
    """Judge every row that both tables hold. threshold: the smallest change that counts, a share."""
    location, notes = location_of(asked, old, new)
    merged, more = pair(old, new)
    both = merged[merged["_merge"] == "both"]
    passed_old, passed_new = ((both[f"status_{when}"] == "ok") & ~_failed_gate(both, when) for when in ("old", "new"))
    ran = both[(both["status_old"] == "ok") & (both["status_new"] == "ok")]
    lost = both[passed_old & ~passed_new]
    lost = lost.assign(_regression=lost["status_new"].isin(LOST) | _failed_gate(lost, "new"))
    least = float(np.log1p(threshold))
    before, after, whole = _sides(ran, location)
    who = list(ran.loc[whole, list(WHO)].itertuples(index=False, name=None))
    several = "host" in merged.columns
    shift = common_shift(before, after, who, list(ran.loc[whole, "runtime"]), least, absolute or several)
    judged = iter(judge(before, after, shift, least) if whole.any() else [])
    changes = [next(judged) if measured else None for measured in whole]
    absent = (merged[merged["_merge"] == side] for side in ("left_only", "right_only"))
    return Comparison(location, notes + more, ran, shift, changes, lost, *absent)


def _failed_gate(rows: pd.DataFrame, when: str) -> pd.Series:
    return (rows[f"gate_{when}"] == "fail").fillna(False)


def _sides(rows: pd.DataFrame, location: str) -> tuple[Side, Side, pd.Series]:
    """Both sides' figures of the rows that have intervals in both, and which rows these are."""
    tables = [_times(rows, location, when) for when in ("old", "new")]
    whole = pd.concat(tables, axis=1).notna().all(axis=1)
    figures = [table[whole].to_numpy(dtype=float).T for table in tables]
    return side(*figures[0]), side(*figures[1]), whole


def _times(rows: pd.DataFrame, location: str, when: str) -> pd.DataFrame:
    """Each row's time a request with its interval, ms, and its trials: under load, what its rate comes to."""
    is_latency = rows["mode"] == "latency"
    times = {}
    for end, of_rate in (("", ""), ("_lo", "_hi"), ("_hi", "_lo")):
        under_load = 1e3 * rows["batch"].astype(float) / rows[f"throughput{of_rate}_per_s_{when}"].astype(float)
        times[end] = rows[f"{location}{end}_ms_{when}"].astype(float).where(is_latency, under_load)
    return pd.DataFrame(times | {"trials": rows[f"trials_{when}"]})


def title(row: pd.Series) -> str:
    """Network, candidate, workload in a few words."""
    mode = "" if row["mode"] == "latency" else f", {row['mode']}"
    size = f", {row['image_size']} px" if known(row["image_size"]) and row["image_size"] != 224 else ""
    host = f"{row['host']}: " if known(row.get("host")) else ""
    return f"{host}{network(row)}, {candidate(row)}, batch {row['batch']}{size}{mode}"
