"""Tables in Markdown."""

from collections.abc import Sequence


def cell(text: str) -> str:
    """`text` on one line that ends no cell."""
    return " ".join(text.split()).replace("|", "\\|")


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table without the columns that are empty in all rows; nothing where there are no rows."""
    if not rows:
        return ""
    kept = [i for i in range(len(header)) if any(row[i] for row in rows)]
    lines = [[header[i] for i in kept], ["---"] * len(kept), *([row[i] for i in kept] for row in rows)]
    return "\n".join(f"| {' | '.join(cell(text) for text in line)} |" for line in lines)
