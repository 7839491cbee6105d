"""The report of a synthetic tree, written and parsed."""

from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path

import pytest

from scripts.report import report, summarise
from tests.unit.records_factory import build_tree

VOID = {"meta", "link", "input", "br", "img"}


@dataclass
class Table:
    """A table of the page: its class, its caption, the text of its cells by row."""

    kind: str
    caption: str = ""
    rows: list[list[str]] = field(default_factory=list)


class Page(HTMLParser):
    """What the tests look at: tables, ids, references, text before each heading; and whether every tag is closed."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.html, self.stack = html, []  # type: ignore[var-annotated]
        self.tables: list[Table] = []
        self.ids: list[str] = []
        self.references: list[str] = []
        self.text = ""
        self.feed(html)
        assert self.stack == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        self.references += [values[name] for name in ("src", "href", "data", "action") if name in values]
        self.ids += [values["id"]] if "id" in values else []
        if tag not in VOID:
            self.stack.append(tag)
        if tag == "table":
            self.tables.append(Table(values.get("class", "")))
        elif tag == "tr":
            self.tables[-1].rows.append([])
        elif tag in ("td", "th"):
            self.tables[-1].rows[-1].append("")
        elif tag == "small" and {"td", "th"} & set(self.stack):
            self.tables[-1].rows[-1][-1] += "|"

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.stack.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.stack.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" in self.stack or "script" in self.stack:
            return
        self.text += data
        if "caption" in self.stack:
            self.tables[-1].caption += data
        elif "td" in self.stack or "th" in self.stack:
            self.tables[-1].rows[-1][-1] += data


def table_of(page: Page, caption: str) -> list[dict[str, str]]:
    """The rows of the only table whose caption begins so, by heading; what is below a figure is after its `|`."""
    (found,) = (table for table in page.tables if table.caption.strip().startswith(caption))
    head = [cell.strip() for cell in found.rows[0]]
    return [dict(zip(head, (cell.strip() for cell in row), strict=False)) for row in found.rows[1:]]


def write(root: Path) -> Path:
    """Summarise and report the tree below `root`; the page."""
    reports, plan = root / "reports", root / "artifacts/plan.json"
    shared = ["--plan", str(plan), "--artifacts", str(root / "artifacts"), "--csv", str(reports / "results.csv")]
    more = ["--parquet", str(reports / "results.parquet"), "--compile-csv", str(reports / "compile.csv")]
    assert summarise.main([*shared, *more]) == 0
    html = reports / "report.html"
    assert report.main([*shared, "--html", str(html), "--figures", str(reports / "figures")]) == 0
    return html


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of the whole synthetic tree."""
    root = tmp_path_factory.mktemp("tree")
    build_tree(root)
    return write(root)
