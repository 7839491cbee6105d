"""How numbers, names and lists are written for people: the report, the terminal and an export use the same words."""

import re
from collections.abc import Iterable, Sequence
from typing import Any

import pandas as pd

from scripts.core.catalogue import RUNTIMES
from scripts.core.networks import FINETUNED

STATUS = {
    "ok": "ran",
    "degraded": "not as asked",
    "not_run": "not run here",
    "unsupported": "unsupported",
    "oom": "out of memory",
    "timeout": "timed out",
    "crashed": "crashed",
    "failed": "failed",
}
"""A status as a label."""
ENDED = STATUS | {
    "oom": "ran out of memory",
    "degraded": "did not run as asked",
    "not_run": "did not run here",
    "unsupported": "could not be done",
}
"""A status as what happened."""
WIDEST = 100
"""Interval ends further apart than this are not spelled out."""
FAILED_GATE = "failed its gate"
NUMBER = re.compile(r"\d+(?:\.\d+)?")
GATE = {"pass": "pass", "agreement": "agreement only", "numeric": "numeric only", "fail": "fail"}


def known(value: Any) -> bool:
    """Whether a cell of the table holds something."""
    return value is not None and not pd.isna(value)


def number(value: Any, digits: int = 3) -> str:
    """`value` to three significant digits, but never less than its whole part: 5.31, 41.2, 1,234."""
    if not known(value):
        return ""
    value = float(value)
    if value == 0:
        return "0"
    places = max(0, digits - 1 - _exponent(value))
    return f"{value:,.{places}f}"


def _exponent(value: float) -> int:
    return int(f"{value:e}".partition("e")[2])


def milliseconds(value: Any) -> str:
    """`5.31 ms`."""
    return f"{number(value)} ms" if known(value) else ""


def seconds(value: Any) -> str:
    """`1.24 s`, or `3 min 20 s` from two minutes on."""
    if not known(value):
        return ""
    if float(value) >= 120:
        minutes, rest = divmod(round(float(value)), 60)
        return f"{minutes} min {rest} s"
    return f"{number(value)} s"


def megabytes(value: Any) -> str:
    """Bytes as `18.7 MB` (10**6 bytes)."""
    return f"{number(float(value) / 1e6)} MB" if known(value) else ""


def span(lo: Any, hi: Any) -> str:
    """`5.21 to 5.43`, with as many digits as tell the two apart; nothing where there is no interval.

    Two or three trials can leave an interval over many powers of ten: its ends would say nothing.
    """
    if not (known(lo) and known(hi)):
        return ""
    return f"wider than {WIDEST} to 1" if hi > WIDEST * lo else " to ".join(_apart(lo, hi, 3))


def _apart(lo: float, hi: float, digits: int) -> tuple[str, str]:
    """Both numbers, to `digits` significant digits or up to three more."""
    texts = [(number(lo, more), number(hi, more)) for more in range(digits, digits + 4)]
    return next((each for each in texts if each[0] != each[1]), texts[0])


def percent(ratio: Any, digits: int = 3) -> str:
    """A share as a percentage: `3.1 %`."""
    return f"{number(100 * float(ratio), digits)} %" if known(ratio) else ""


def percents(lo: Any, hi: Any) -> str:
    """An interval of shares as percentages: `81.6 to 96.3 %`. One that begins at nothing is an interval like others."""
    return f"{' to '.join(_apart(100 * lo, 100 * hi, 3))} %" if known(lo) and known(hi) else ""


def slower_by(ratio: float) -> str:
    """How a ratio of times reads: `+4.2 %`; from twice on, `3.8 times`."""
    return f"{_percent_more(ratio)} %" if _is_near(ratio) else f"{_times(ratio)} times"


def slower_between(lo: float, hi: float) -> str:
    """How an interval of ratios reads: `−4.2 to +9.3 %`, `2.7 to 4.1 times`."""
    if _is_near(lo) and _is_near(hi):
        return f"{_percent_more(lo)} to {_percent_more(hi)} %"
    if lo >= 0.01 and hi <= 1000:
        return f"{' to '.join(_apart(lo, hi, 2))} times"
    return f"{_times(lo)} to {_times(hi)} times"


def _is_near(ratio: float) -> bool:
    return 0.5 <= ratio < 2


def _percent_more(ratio: float) -> str:
    return f"{(ratio - 1) * 100:+.1f}".replace("-", "\N{MINUS SIGN}")


def _times(ratio: float) -> str:
    return "over 1,000" if ratio > 1000 else number(ratio, 2) if ratio >= 0.01 else "under 0.01"


def listed(words: Sequence[str]) -> str:
    """`A`, `A and B`, `A, B and C`."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}" if words else ""


def merged(texts: Iterable[str]) -> dict[str, str]:
    """For each text what it says together with those that differ from it in numbers alone.

    `samples for 1.02 s` and `samples for 1.18 s` are both `samples for 1.02 to 1.18 s`.
    """
    alike: dict[str, list[str]] = {}
    for text in dict.fromkeys(texts):
        alike.setdefault(NUMBER.sub("#", text), []).append(text)
    return {text: _with_spans(those) for those in alike.values() for text in those}


def _with_spans(texts: Sequence[str]) -> str:
    numbers = zip(*(NUMBER.findall(text) for text in texts), strict=True)
    spans = iter([dict.fromkeys((min(each, key=float), max(each, key=float))) for each in numbers])
    return NUMBER.sub(lambda _: " to ".join(next(spans)), texts[0])


def count(amount: int, noun: str) -> str:
    """`1 trial`, `5 trials`, `5 processes`."""
    plural = f"{noun}es" if noun.endswith("s") else f"{noun}s"
    return f"{amount:,} {noun if amount == 1 else plural}"


def runtime(name: str) -> str:
    """A runtime's name as its makers write it."""
    return RUNTIMES[name].title if name in RUNTIMES else name


def kind(row: pd.Series) -> str:
    """What tells a candidate from its runtime's default on the CPU: `int8, per_channel`; empty for plain fp32."""
    precision = str(row["precision"])
    parts = [precision if precision != "fp32" else "", *(str(row[name]) for name in ("variant", "device"))]
    return ", ".join(part for part in parts if part and part not in ("default", "cpu"))


def candidate(row: pd.Series) -> str:
    """A candidate in a few words: `OpenVINO` for plain fp32, `OpenVINO (int8)` otherwise."""
    extra = kind(row)
    return f"{runtime(row['runtime'])} ({extra})" if extra else runtime(row["runtime"])


def network(row: pd.Series) -> str:
    """A model, with its weights where they are not its usual ones."""
    title = network_title(str(row["model"]), str(row["weights"]))
    return f"{title} (untrained weights)" if is_untrained(str(row["weights"])) else title


def network_title(model: str, weights: str) -> str:
    """`resnet18`; `resnet18, fine-tuned`, `resnet18, fine-tuned at 256 px`; `resnet18, pruned (structured 30 %)`."""
    if is_finetuned(weights):
        size = weights.rpartition(FINETUNED)[2]
        return f"{model}, fine-tuned at {size} px" if size else f"{model}, fine-tuned"
    found = re.fullmatch(r"[a-z]+_([a-z]+)(\d+)", weights)
    return f"{model}, pruned ({found[1]} {found[2]} %)" if found else model


def is_untrained(weights: str) -> bool:
    """Whether these are fresh weights, pruned or not."""
    return weights.partition("_")[0] == "untrained" and not is_finetuned(weights)


def is_finetuned(weights: str) -> bool:
    """Whether these were trained on a folder of classes, whose photos then are the only ones they are judged by."""
    return at_any_size(weights).partition("_")[2] == FINETUNED


def at_any_size(weights: str) -> str:
    """What weights are called without the image size at which they were fine-tuned."""
    return re.sub(rf"(?<=_{FINETUNED})\d+$", "", weights)


def sentence(text: str) -> str:
    """`text` on one line, with a capital and a full stop."""
    line = " ".join(text.split())
    return line[:1].upper() + line[1:] + ("" if line.endswith((".", "!", "?")) else ".")
