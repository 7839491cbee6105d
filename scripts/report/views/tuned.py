"""What `make tune` tried: every scheme of a network as a row, and which were kept."""

from pathlib import Path

from scripts.core import tuned
from scripts.report.answers import Question
from scripts.report.columns import read_results
from scripts.report.views.cells import Column, figure
from scripts.report.views.columns import ACCURACY, FAST, GATE, IN_INT8, LOST, SIZE, SQNR
from scripts.report.views.tables import Table, line, usual_session

COLUMNS = (Column("p10", "ms", FAST, figure("p10_ms", kind="strong")), GATE, ACCURACY, LOST, SQNR, IN_INT8, SIZE)
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
    network, usual = f"{question.model}.{question.weights}", usual_session(rows)
    lines = []
    for _, cells in rows.sort_values(["runtime", "precision", "p10_ms"], kind="stable").iterrows():
        name = tuned.name(network, cells["runtime"], cells["precision"])
        lines.append(line(cells, COLUMNS, cells["variant"] == kept.get(name), usual))
    return Table("What tuning tried", SAYS, COLUMNS, tuple(lines))
