"""What `make tune` tried: every scheme of a network as a row, and which were kept."""

from pathlib import Path

import pandas as pd

from scripts.core import tuned
from scripts.report.answers import Question
from scripts.report.columns import read_results
from scripts.report.palette import colour
from scripts.report.views.cells import Column, figure, gate, lost, share
from scripts.report.views.tables import Line, Table
from scripts.report.wording import FAILED_GATE, STATUS, candidate, known

COLUMNS = (
    Column("p10", "ms", "Fast location: a tenth of the requests took less", figure("p10_ms", kind="strong")),
    Column("Gate", "", "Whether the outputs are right enough for its precision", gate, words=True),
    Column("Accuracy", "", "Labelled photos whose first class is right; Wilson interval", share("top1_accuracy")),
    Column("Lost", "photos", "Labelled photos that the reference has right, and the reverse", lost),
    Column("SQNR", "dB", "Size of the outputs over size of their error", figure("sqnr_db")),
    Column("In int8", "", "Share of the multiplications that really run in integers", share("int8_share")),
    Column("Size", "MB", "What is deployed, on disk", figure("artifact_bytes", 1e-6)),
)
SAYS = (
    "Schemes of one runtime, one request at a time, from the screen. Marked: kept for the runs that follow, the fastest"
    " that passes its gate; the usual way stays where none is faster beyond the noise."
)


def tries(question: Question, csv: Path, kept: tuned.Kept) -> Table | None:
    """The schemes of one network, fastest first within a runtime; None where nothing was tuned."""
    if not csv.is_file():
        return None
    table = read_results(csv)
    rows = table[(table["model"] == question.model) & (table["weights"] == question.weights)]
    if rows.empty:
        return None
    ordered = rows.sort_values(["runtime", "precision", "p10_ms"], kind="stable")
    network = f"{question.model}.{question.weights}"
    lines = tuple(
        _line(cells, kept.get(tuned.name(network, cells["runtime"], cells["precision"])))
        for _, cells in ordered.iterrows()
    )
    return Table("What tuning tried", SAYS, COLUMNS, lines)


def _line(cells: pd.Series, kept: str | None) -> Line:
    status = "gate" if cells["status"] == "ok" and cells["gate"] == "fail" else cells["status"]
    return Line(
        name=candidate(cells), colour=colour(cells["runtime"]), batch=int(cells["batch"]), status=status,
        label=STATUS.get(status, FAILED_GATE), reason=str(cells["reason"]) if known(cells["reason"]) else "",
        apart=False, is_best=cells["variant"] == kept,
        cells=tuple(column.cell(cells) for column in COLUMNS) if known(cells["p10_ms"]) else (),
    )  # fmt: skip
