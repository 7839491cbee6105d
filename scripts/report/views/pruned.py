"""What pruning did to a network, and whether it helped: sentences beside its table."""

from collections.abc import Hashable, Iterator
from typing import Any

import pandas as pd

from scripts.report.answers import CANDIDATE, Question
from scripts.report.evidence import Evidence, key_of
from scripts.report.wording import candidate, count, known, listed, megabytes, number, percent
from scripts.stats.comparison import paired_ratio

WORDS = {"magnitude": "the smallest weights are zero", "structured": "whole channels are gone"}


def pruned(question: Question, asked: list[Question], evidence: Evidence) -> list[str]:
    """What was taken, what that saves, and how it compares with the whole network; [] for networks that are whole."""
    facts = evidence.model(question.model, question.weights).get("pruned")
    if not facts:
        return []
    whole = next((each for each in asked if _is_whole(each, question)), None)
    return [_taken(facts), _trained(facts), *(_compared(question, whole, evidence) if whole else [])]


def _is_whole(other: Question, question: Question) -> bool:
    """Whether `other` is the network before pruning, under the same conditions."""
    same = (other.model, other.image_size, other.threads) == (question.model, question.image_size, question.threads)
    return same and other.weights == question.weights.partition("_")[0]


def _taken(facts: dict[str, Any]) -> str:
    def change(name: str, shown: Any) -> str:
        before, after = facts[name]["before"], facts[name]["after"]
        return f"{shown(after)} as before" if after == before else f"{shown(after)} instead of {shown(before)}"

    def millions(value: float) -> str:
        return f"{number(value / 1e6)} million"

    return (
        f"Pruned ({facts['method']}, {percent(facts['amount'])}): {WORDS[facts['method']]}."
        f" {percent(facts['sparsity'])} of the weights are zero; {change('macs', millions)} multiplications; the"
        f" weights take {change('bytes', megabytes)}, compressed {change('compressed', megabytes)}."
    )


def _trained(facts: dict[str, Any]) -> str:
    tuned = facts["fine_tuned"]
    if not tuned:
        return "Nothing was trained after pruning, since the config gives no labelled training photos."
    losses = tuned["losses"]
    spent = f"{count(tuned['epochs'], 'epoch')} on {count(tuned['photos'], 'photo')}"
    return f"Trained for {spent} after pruning: the mean loss went from {number(losses[0])} to {number(losses[-1])}."


def _compared(question: Question, whole: Question, evidence: Evidence) -> Iterator[str]:
    """Candidate by candidate at the smallest batch: who became faster beyond the noise, and what the labels say."""
    pairs = list(_pairs(question, whole))
    ratios = {candidate(own): _ratio(own, other, evidence) for own, other in pairs}
    told = {name: ratio for name, ratio in ratios.items() if ratio}
    faster = [name for name, (_, _, hi) in told.items() if hi < 1]
    if told and not faster:
        yield (
            f"Pruning does not help here: none of {count(len(told), 'candidate')} is faster than with the whole network"
            " beyond the noise. Dense kernels multiply zeros like other numbers."
        )
    elif faster:
        best = min(faster, key=lambda name: told[name][0])
        rest = "" if len(faster) == len(told) else f"; {len(told) - len(faster)} of {len(told)} are not"
        times = number(1 / told[best][0], 2)
        yield f"Faster than with the whole network: {listed(faster)}, at best {times} times{rest}."
    accuracies = [(own["top1_accuracy"], other["top1_accuracy"]) for own, other in pairs if known(own["top1_accuracy"])]
    if accuracies:
        own, other = accuracies[0]
        failed = all(cells["gate"] == "fail" for cells, _ in pairs if known(cells["gate"]))
        verdict = ": it fails its gate, so that no speed makes up for it" if failed else ""
        yield f"Accuracy on the labelled photos is {percent(own)} instead of {percent(other)}{verdict}."


def _pairs(question: Question, whole: Question) -> Iterator[tuple[pd.Series, pd.Series]]:
    """Rows of both networks with the same candidate, one request at a time, at the smallest batch."""
    names = list(CANDIDATE)
    batch = question.rows["batch"].min()
    for _, own in question.rows[(question.rows["batch"] == batch) & (question.rows["mode"] == "latency")].iterrows():
        rows = whole.rows[(whole.rows["batch"] == batch) & (whole.rows["mode"] == "latency")]
        same = rows[(rows[names] == own[names]).all(axis=1)]
        if len(same):
            yield own, same.iloc[0]


def _ratio(own: pd.Series, other: pd.Series, evidence: Evidence) -> tuple[float, float, float] | None:
    """Time with pruned over time with whole weights, paired over rounds; None without an interval."""
    logs: list[dict[Hashable, float]] = [
        {trial.round: trial.log_location(evidence.location) for trial in evidence.trials[key_of(cells)]}
        for cells in (own, other)
    ]
    if not logs[0].keys() & logs[1].keys():
        return None
    point, lo, hi = paired_ratio(logs[0], logs[1])
    return (point, lo, hi) if lo is not None and hi is not None else None
