"""The page of a study: what the original said, and what the records say.

    python -m scripts.report.study --plan artifacts/plan.json --csv reports/results.csv --artifacts artifacts \\
        --study NAME --out reports/study.md

The original's figures come from studies/originals/NAME.toml, all others from the table, the trials and the finals.
"""

import argparse
from dataclasses import dataclass
from pathlib import Path

import jinja2
import pandas as pd

from scripts.core.paths import ORIGINALS, ROOT
from scripts.report import markdown, pruned_file
from scripts.report.answers import questions
from scripts.report.check import answer
from scripts.report.columns import read_results, write_whole
from scripts.report.evidence import Evidence
from scripts.report.originals import Original, read_original
from scripts.report.rows import read_plan
from scripts.report.study_cells import COLUMNS, interval, note, remarks, said, workload
from scripts.report.study_conditions import conditions, machine, untrained
from scripts.report.study_rows import Claim, Line, claims, lines
from scripts.report.wording import number

TEMPLATES = Path(__file__).parent / "templates"


@dataclass(frozen=True)
class Study:
    """What is found of a study. `headlines`: its lines of the overview, as (ratio, original, ours, machine)."""

    page: str
    headlines: list[tuple[str, str, str, str]]


def template(name: str) -> jinja2.Template:
    """One of the Markdown templates."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES), undefined=jinja2.StrictUndefined, trim_blocks=True,
        lstrip_blocks=True, keep_trailing_newline=True, autoescape=False,  # noqa: S701 (Markdown, of our own records)
    )  # fmt: skip
    return environment.get_template(name)


PLACE = ["network", "host", "device", "batch", "size"]
"""Where a figure comes from; the network is named where there are several."""
CLAIMS = ["ratio", *PLACE, "original", "here", "here, in the finals", ""]


def _place(each: Line | Claim, several: bool) -> list[str]:
    network = each.network if several else ""
    return [network, each.host, each.workload["device"], *workload(each.batches, each.sizes)]


def _joined(*texts: str) -> str:
    return "; ".join(text for text in texts if text)


def _claim_rows(found: list[Claim], several: bool) -> list[list[str]]:
    rows = []
    for claim in found:
        ours = [interval(claim.ours) or claim.reason, interval(claim.finals)]
        rows.append(
            [
                claim.compared.name,
                *_place(claim, several),
                number(claim.original),
                *ours,
                _joined(claim.verdict, claim.caveats),
            ]
        )
    return rows


def _line_rows(found: list[Line], columns: list[str], several: bool) -> list[list[str]]:
    rows = []
    for line in found:
        shown = [COLUMNS[name][1](line.cells) if line.cells is not None and not line.reason else "" for name in columns]
        rows.append([line.asked.name, *_place(line, several), *shown, said(line.said), note(line)])
    return rows


def study(original: Original, table: pd.DataFrame, evidence: Evidence) -> Study:
    """The page and the overview's lines of one study."""
    found = lines(original, table, evidence)
    told, facts = claims(original, found, evidence), pruned_file.facts_of(evidence)
    several = len({line.network for line in found}) > 1
    header = ["candidate", *PLACE, *(COLUMNS[name][0] for name in original.columns)]
    asked = list(questions(table, evidence.host, evidence.location))
    finals = [answer(question, asked) for question in asked]
    page = template("study.md.j2").render(
        original=original, host=evidence.host, location=evidence.location, untrained=untrained(found),
        claims=markdown.table(CLAIMS, _claim_rows(told, several)),
        lines=markdown.table([*header, "original", "note"], _line_rows(found, original.columns, several)),
        remarks=remarks(found, original.columns), finals=finals,
        conditions=markdown.table(*conditions(original, found, evidence)),
        pruned=markdown.table(pruned_file.HEADER, pruned_file.table(facts)) if facts else "",
        pruned_because=pruned_file.sentences(original, facts) if facts else [],
    )  # fmt: skip
    return Study(page, [*_headlines(told, several, evidence), *_pruned_headline(original, facts, evidence)])


def _headlines(told: list[Claim], several: bool, evidence: Evidence) -> list[tuple[str, str, str, str]]:
    """The ratios that a study is known for: what was measured of them, or why not what the original tells."""
    found = []
    for claim in told:
        if claim.is_headline and (claim.ours or claim.original):
            network, host, device, batch, size = _place(claim, several)
            place = [network, device, batch and f"batch {batch}", size and f"{size} px"]
            name = ", ".join(part for part in (claim.compared.name, *place) if part)
            ours = _joined(interval(claim.finals or claim.ours) or claim.reason, claim.caveats)
            found.append((name, number(claim.original), ours, machine(evidence, host)))
    return found


def _pruned_headline(
    original: Original, facts: pruned_file.Values | None, evidence: Evidence
) -> list[tuple[str, str, str, str]]:
    told = original.pruned_file_mb
    if not (facts and told):
        return []
    grew = f"{told['whole']} to {told['pruned']} MB"
    return [("file of the pruned network", grew, pruned_file.headline(facts), machine(evidence, evidence.host))]


def main(argv: list[str] | None = None) -> int:
    """Write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("--plan", "--csv", "--artifacts", "--out"):
        parser.add_argument(name, type=Path, required=True)
    parser.add_argument("--study", required=True, help="the name of its file in studies/originals")
    args = parser.parse_args(argv)
    evidence = Evidence(read_plan(args.plan), args.artifacts)
    made = study(read_original(ROOT / ORIGINALS / f"{args.study}.toml"), read_results(args.csv), evidence)
    write_whole(args.out, lambda path: path.write_text(made.page))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
