"""The report: `python -m scripts.report.report --plan ... --csv ... --artifacts ... --html ... --figures DIR`.

One page that holds everything it needs and asks nothing of a network, and its figures as files. The answer comes first.
The same records give the same bytes.
"""

import argparse
import shutil
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import jinja2
import pandas as pd

from scripts.core import paths, tuned
from scripts.report import wording
from scripts.report.answers import Question, apart, questions
from scripts.report.columns import read_results, write_whole
from scripts.report.evidence import Evidence
from scripts.report.figures import standalone
from scripts.report.rebuilt import sentences
from scripts.report.rows import read_plan
from scripts.report.views import host
from scripts.report.views.answer import Answer, answer
from scripts.report.views.caveats import caveats
from scripts.report.views.charts import Chart, charts
from scripts.report.views.finetuned import finetuned
from scripts.report.views.machines import Machines, machines
from scripts.report.views.payoff import payoff
from scripts.report.views.power import power
from scripts.report.views.pruned import pruned
from scripts.report.views.scaling import scaling
from scripts.report.views.tables import Table, details, loaded, main_table, verdicts
from scripts.report.views.trouble import counts, troubles
from scripts.report.views.trust import trust
from scripts.report.views.tuned import tries
from scripts.stats.quantiles import MIN_TRIALS, MIN_TRIALS_INTERVAL, samples_needed
from scripts.stats.verdicts import Verdict

TEMPLATES = Path(__file__).parent / "templates"


@dataclass(frozen=True)
class Section:
    """All that the page says of one network on this host."""

    anchor: str
    title: str
    untrained: bool
    about: str
    answer: Answer
    caveats: list[str]
    table: Table | None
    loaded: list[Table]
    details: list[Table]
    tuned: Table | None
    verdicts: list[tuple[str, int, Verdict]]
    charts: list[Chart]
    payoff: list[str]
    rebuilt: list[str]


def sections(table: pd.DataFrame, evidence: Evidence, tune_csv: Path) -> list[Section]:
    """One section per network, in the plan's order. tune_csv: where `make tune` leaves what it tried."""
    asked = list(questions(table, evidence.host, evidence.location))
    made = [_section(number, question, asked, evidence, tune_csv) for number, question in enumerate(asked, 1)]
    return [_with_power(each, question, table, evidence) for each, question in zip(made, asked, strict=True)]


def _with_power(section: Section, question: Question, table: pd.DataFrame, evidence: Evidence) -> Section:
    """A network that no other host has tells of power here; else hosts are told of side by side, as machines."""
    same = table[(table["model"] == question.model) & (table["weights"] == question.weights)]
    if set(same["host"]) != {evidence.host}:
        return section
    rows = question.rows[question.rows["mode"] == "latency"]
    more = power(rows, evidence.noun(question.model, question.weights))
    return replace(section, charts=[*section.charts, *more])


def _section(number: int, question: Question, asked: list[Question], evidence: Evidence, tune_csv: Path) -> Section:
    shown = main_table(question, evidence)
    kept = tuned.read(Path(paths.tune_record(str(evidence.artifacts), evidence.host)))
    title = wording.network_title(question.model, question.weights) + apart(question, asked)
    paid = payoff(question, evidence)
    return Section(
        anchor=f"network-{number}", title=title, untrained=wording.is_untrained(question.weights),
        about=_about(question, evidence), answer=answer(question, evidence),
        caveats=[
            *finetuned(question, evidence), *pruned(question, asked, evidence), *caveats(question, evidence, shown),
        ],
        table=shown,
        loaded=loaded(question, evidence),
        details=details(question, evidence),
        tuned=tries(question, tune_csv, kept), verdicts=verdicts(question, evidence), 
        charts=[*charts(question, evidence), *scaling(question, asked, evidence), *([paid.chart] if paid else [])],
        payoff=paid.sentences if paid else [],
        rebuilt=sentences(
            Path(paths.rebuild_record(str(evidence.artifacts), evidence.host)), evidence.location,
            f"{question.model}.{question.weights}",
        ),
    )  # fmt: skip


def _about(question: Question, evidence: Evidence) -> str:
    """Weights, parameters, input size, threads: what was measured."""
    model = evidence.model(question.model, question.weights)
    parameters, tuned, base = model.get("parameters"), model.get("fine_tuned"), question.weights.partition("_")[0]
    weights = {
        "package": "weights from a package",
        "torchvision": "torchvision's weights",
        "file": "weights from a file",
    }.get(base, "fresh weights" if tuned else f"{base} weights")
    parts = [
        f"{weights}, fine-tuned on {wording.count(tuned['photos'], 'photo')}" if tuned else weights,
        _amount(parameters) if parameters else "",
        f"{question.image_size} x {question.image_size} pixels" if question.image_size else "",
        wording.count(question.threads, "thread") if question.threads else "",
    ]
    return ", ".join(part for part in parts if part)


def _amount(parameters: int) -> str:
    return (
        f"{wording.number(parameters / 1e6)} million parameters" if parameters >= 1e6 else f"{parameters:,} parameters"
    )


LIMITS = {
    "sqnr_db": "SQNR of at least {limit} dB",
    "top1_agreement": "top-1 agreement of at least {limit}",
    "photos_lost": "at most {limit} of {labelled} labelled photos lost, net",
    "mcnemar_p": "no loss that is more than chance (exact McNemar test, p below {limit})",
}


def gate_limits(table: pd.DataFrame, evidence: Evidence) -> list[tuple[str, str]]:
    """What each precision's gate asks for, as the verify records say; it may differ from network to network."""
    found: dict[str, dict[str, dict[str, None]]] = {}
    for _, cells in table[table["gate"].notna()].iterrows():
        verified = evidence.verified(cells)
        for name, check in (verified.get("gated") or {}).items():
            labelled = int(verified.number("labelled") or 0)
            said = LIMITS[name].format(limit=wording.number(check.get("limit"), 2), labelled=labelled)
            found.setdefault(cells["precision"], {}).setdefault(name, {})[said] = None
    return [
        (precision, wording.listed([" or ".join(said[name]) for name in LIMITS if name in said]))
        for precision, said in found.items()
    ]


def context(table: pd.DataFrame, evidence: Evidence, reports: Path, proofs: Path) -> dict[str, Any]:
    """Everything the templates show. reports: the page's folder; proofs: where `make trust` leaves its figures."""
    here = table[table["host"] == evidence.host]
    networks = table[["model", "weights"]].drop_duplicates()
    elsewhere = set(table[table["host"] != evidence.host][["model", "weights"]].itertuples(index=False, name=None))
    compared: list[Machines] = [
        machines(table, model, weights, evidence.location, evidence.noun(model, weights))
        for model, weights in networks.itertuples(index=False, name=None)
        if (model, weights) in elsewhere
    ]
    hosts = list(table["host"].drop_duplicates())
    return {
        "host": evidence.host, "study": evidence.config("study"), "measured_on": host.measured_on(evidence),
        "sections": sections(table, evidence, reports / "tune.csv"),
        "counts": counts(here), "troubles": troubles(table, evidence), "location": evidence.location,
        "several_hosts": len(hosts) > 1, "machines": compared,
        "hosts": [(name, host.facts(evidence, name)) for name in hosts or [evidence.host]],
        "toolchains": host.toolchains(evidence), "environments": list(evidence.environments()),
        "conditions": host.conditions(evidence), "gates": gate_limits(table, evidence),
        "torch_build": evidence.plan.get("torch_build"), "needed": samples_needed, "min_trials": MIN_TRIALS,
        "min_trials_interval": MIN_TRIALS_INTERVAL, "trust": trust(proofs),
        "resolution": evidence.config("measure", "resolution"),
        "trials": max((len(row.trials) for row in evidence.rows.values()), default=0),
    }  # fmt: skip


def render(values: dict[str, Any]) -> str:
    """The page."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES), autoescape=jinja2.select_autoescape(["html", "j2"]),
        undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    return environment.get_template("report.html.j2").render(values)


def write_figures(folder: Path, made: list[Chart]) -> None:
    """The figures as files in `folder`, which is replaced as a whole."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f"{folder.name}.") as scratch:
        fresh = Path(scratch) / "figures"
        fresh.mkdir()
        for chart in made:
            (fresh / f"{chart.name}.svg").write_text(standalone(chart.svg))
        if folder.exists():
            shutil.rmtree(folder)
        fresh.rename(folder)


def main(argv: list[str] | None = None) -> int:
    """Write the page and the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("--plan", "--csv", "--artifacts", "--html", "--figures"):
        parser.add_argument(name, type=Path, required=True)
    parser.add_argument("--trust", type=Path, help="what `make trust` found (default: trust.json beside the page)")
    args = parser.parse_args(argv)
    evidence = Evidence(read_plan(args.plan), args.artifacts)
    reports = args.html.parent
    values = context(read_results(args.csv), evidence, reports, args.trust or reports / "trust.json")
    page = render(values)
    made = [chart for each in values["sections"] for chart in [*each.answer.charts, *each.charts]]
    write_figures(args.figures, made + [chart for each in values["machines"] for chart in each.charts])
    write_whole(args.html, lambda path: path.write_text(page))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
