"""How far to trust the numbers: what `make trust` proved, each proof in a sentence with its bound."""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scripts.core.catalogue import RUNTIMES
from scripts.report.wording import number, runtime, sentence
from scripts.trust.verdict import NOISE_PCT, proofs


@dataclass(frozen=True)
class Line:
    """One proof: name, sentence with its bound, and a word for how it ended with a status for its colour."""

    name: str
    text: str
    word: str
    status: str


@dataclass(frozen=True)
class Trust:
    """All proofs. `about`: where, when and with which noise they were made; `problem`: why there are none."""

    about: str
    lines: tuple[Line, ...]
    problem: str


def trust(path: Path) -> Trust:
    """The proofs in the file at `path`, or why there are none."""
    try:
        values = json.loads(path.read_text())
    except FileNotFoundError:
        return Trust(
            "", (), "These proofs were not made here yet: `make trust` makes them, in about a quarter of an hour."
        )
    except (OSError, ValueError) as error:
        return Trust("", (), f"{path.name} cannot be read ({error}): delete it and run `make trust` again.")
    try:
        return Trust(_about(values), tuple(_lines(values)), "")
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        return Trust("", (), f"{path.name} is of another version ({error!r} is missing): run `make trust` again.")


def _about(values: dict[str, Any]) -> str:
    """Where, when, and with which noise of the host."""
    parts = (f"on {values['host']}" if values.get("host") else "", str(values.get("date") or "")[:10])
    where = " ".join(part for part in parts if part)
    noise = float(values["host_noise_pct"])
    in_round = number(float(values["host_noise_in_round_pct"]), 2)
    text = f"Processes of one candidate differ by {number(noise, 2)} % here, within a round by {in_round} %"
    if noise > NOISE_PCT:
        text += f". Above {NOISE_PCT:g} % the proofs on the live host neither hold nor fail"
    else:
        text += f"; up to {NOISE_PCT:g} % the proofs on the live host count"
    return f"Proved {where}. {text}." if where else f"{text}."


def _lines(values: dict[str, Any]) -> list[Line]:
    noisy = float(values["host_noise_pct"]) > NOISE_PCT
    found = []
    for proof in proofs(values):
        word, status = ("holds", "ok") if proof.holds else ("fails", "failed")
        if proof.live and noisy:
            word, status = "host too noisy", "warn"
        found.append(Line(named(proof.name), sentence(named(proof.sentence)), word, status))
    return found


def named(text: str) -> str:
    """`text` with runtimes as their makers write them: `openvino: our time ...` as `OpenVINO: our time ...`."""
    return re.sub(r"\b[a-z_]+\b", lambda word: runtime(word[0]) if word[0] in RUNTIMES else word[0], text)
