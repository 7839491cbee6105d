"""Say what `reports/trust.json` proves and what it does not: python -m scripts.trust.verdict reports/trust.json.

Exit status 0 if every proof holds, 1 if one fails, 4 if the host is too noisy for the live ones: then they are neither
passed nor failed. Standard library only.
"""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

NOISE_PCT = 3.0
DIFFERENCES, COMPARISONS = 15, 200
FAMILY = 0.05
POWER = {"5": 0.90, "10": 0.95}
COVERAGE = (0.93, 0.97)
FLAGGED, FALSE_ALARM = 0.95, 0.05
FIDELITY, FIDELITY_INTERVAL = (0.98, 1.02), (0.96, 1.04)
SAMPLER = (0.99, 1.01)
FAILED, TOO_NOISY = 1, 4


class Proof(NamedTuple):
    """One proof: what it found, in a sentence with its bound; whether it holds; whether the host's noise touches it."""

    name: str
    sentence: str
    holds: bool
    live: bool


def _inside(lo: float, hi: float, bounds: tuple[float, float]) -> bool:
    return bounds[0] <= lo and hi <= bounds[1]


def proofs(trust: dict[str, Any]) -> Iterator[Proof]:
    """Every proof, in the order of trust.json."""
    aa = trust["aa"]
    most = DIFFERENCES * aa["comparisons"] // COMPARISONS
    yield Proof(
        "A against A",
        f"{aa['differences']} of {aa['comparisons']} comparisons of a candidate with itself declared a difference"
        f" (at most {most})", aa["differences"] <= most, True,
    )  # fmt: skip
    yield Proof(
        "Ten equal candidates",
        f"finals of ten equal candidates named a single winner in {aa['family_false_winner_rate']:.1%} of draws"
        f" (at most {FAMILY:.0%})", aa["family_false_winner_rate"] <= FAMILY, True,
    )  # fmt: skip
    for share, found in trust["planted"].items():
        yield Proof(
            f"Planted {share} %",
            f"finals told a candidate from itself slowed by {share} % in {found:.1%} of draws"
            f" (at least {POWER[share]:.0%})", found >= POWER[share], True,
        )  # fmt: skip
    covered = [cell["coverage"] for cell in trust["coverage"]]
    yield Proof(
        "Coverage",
        f"95 % intervals held the true value in {min(covered):.1%} to {max(covered):.1%} of draws, over"
        f" {len(covered)} kinds of data ({COVERAGE[0]:.0%} to {COVERAGE[1]:.0%})",
        _inside(min(covered), max(covered), COVERAGE), False,
    )  # fmt: skip
    flags = trust["flags"]
    yield Proof(
        "Verdicts",
        f"drifting data were called so in {flags['drifting']:.1%}, bimodal in {flags['bimodal']:.1%} (at least"
        f" {FLAGGED:.0%}), steady data falsely in {flags['false_alarm']:.1%} (at most {FALSE_ALARM:.0%})",
        min(flags["drifting"], flags["bimodal"]) >= FLAGGED and flags["false_alarm"] <= FALSE_ALARM, False,
    )  # fmt: skip
    for runtime, found in trust["fidelity"].items():
        lo, hi = found["lo"], found["hi"]
        yield Proof(
            f"Fidelity, {runtime}",
            f"{runtime}: our time is {found['ratio']:.3f} of the reference's, interval {lo:.3f} to {hi:.3f} (within"
            f" {FIDELITY[0]} to {FIDELITY[1]}, interval inside {FIDELITY_INTERVAL[0]} to {FIDELITY_INTERVAL[1]})",
            _inside(found["ratio"], found["ratio"], FIDELITY) and _inside(lo, hi, FIDELITY_INTERVAL), True,
        )  # fmt: skip
    for drill, flagged in trust["fallback"].items():
        said = "was flagged" if flagged else "went unnoticed"
        yield Proof(f"Silent fallback, {drill}", f"{drill} {said}", bool(flagged), False)
    found = trust["sampler"]
    yield Proof(
        "Own cost",
        f"a candidate that is watched takes {found['ratio']:.4f} of the time it takes unwatched, interval"
        f" {found['lo']:.4f} to {found['hi']:.4f} (inside {SAMPLER[0]} to {SAMPLER[1]})",
        _inside(found["lo"], found["hi"], SAMPLER), True,
    )  # fmt: skip


def main() -> int:
    path = Path(sys.argv[1])
    if not path.exists():
        print(f"{path} does not exist: run `make trust`", file=sys.stderr)
        return FAILED
    try:
        trust = json.loads(path.read_text())
        noisy, found = trust["host_noise_pct"] > NOISE_PCT, list(proofs(trust))
    except (ValueError, KeyError, TypeError):
        print(f"{path} is no trust.json of this version: run `make trust` again", file=sys.stderr)
        return FAILED
    for proof in found:
        word = "host too noisy" if proof.live and noisy else "holds" if proof.holds else "FAILS"
        print(f"{word:>14}  {proof.sentence}")
    print(
        f"Noise between processes of one candidate: {trust['host_noise_pct']:.1f} % (at most {NOISE_PCT:g} %), within a"
        f" round {trust['host_noise_in_round_pct']:.1f} %."
    )
    if any(not proof.holds and not (proof.live and noisy) for proof in found):
        return FAILED
    return TOO_NOISY if noisy else 0


if __name__ == "__main__":
    raise SystemExit(main())
