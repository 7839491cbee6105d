"""From the proofs' trials to `trust.json`: python -m scripts.trust.judge --live FILE ... --out reports/trust.json.

The figures come from the same functions that judge everybody: `scripts.stats` on the location that the config names.
Comparisons are windows of consecutive rounds, as many as finals have, drawn at random; within each round the labels of
`a` and `b` are swapped at random. Nothing is passed or failed here (`scripts.trust.verdict` does that).
"""

import argparse
import datetime
import json
from collections.abc import Hashable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from scripts.core.verb import write_json
from scripts.report.reading import Record, Trial, with_samples
from scripts.stats.best import best
from scripts.stats.comparison import paired_ratio
from scripts.stats.intervals import Array
from scripts.trust.ratios import ratios
from scripts.trust.simulate import coverage, family_false_winner_rate, flags

EQUIVALENCE = 0.90
"""Two one-sided tests at 5 % each are the 90 % interval lying inside the bounds (Schuirmann 1987)."""
PLANTED = {"5": "slower_5", "10": "slower_10"}

Values = dict[str, Any]


def logs_of(live: Path, location: str) -> dict[str, Array]:
    """Log location of each trial by entry, [rounds]. Raises SystemExit where samples cannot be read."""
    entries = json.loads(live.read_text())["entries"]
    return {entry: np.array([_log(live, trial, location) for trial in trials]) for entry, trials in entries.items()}


def _log(live: Path, trial: Values, location: str) -> float:
    record = Record(live, trial, trial["status"], trial.get("reason"), "measure")
    read = with_samples(record, live.parent / trial["raw"])
    if not isinstance(read, Trial):
        raise SystemExit(f"the proofs' trials cannot be read: {read.reason}")
    return read.log_location(location)


def noise_pct(*same: Array) -> float:
    """Noise between processes of one candidate: the standard deviation of its log locations, in percent.

    same: log locations [rounds] of entries that are the same candidate.
    """
    variances = [np.var(logs, ddof=1) for logs in same]
    return float(100 * np.expm1(np.sqrt(np.mean(variances))))


def noise_in_round_pct(a: Array, b: Array) -> float:
    """The part of it that is left between the two processes of a round, which comparisons see: how the host drifts from
    round to round is not in it.

    a, b: log locations [rounds] of two entries that are the same candidate.
    """
    return float(100 * np.expm1(np.std(a - b, ddof=1) / np.sqrt(2)))


def _windows(count: int, length: int, draws: int, rng: np.random.Generator) -> Sequence[slice]:
    starts = rng.integers(0, count - length + 1, draws)
    return [slice(start, start + length) for start in starts.tolist()]


def differences(a: Array, b: Array, length: int, draws: int, rng: np.random.Generator) -> int:
    """In how many of `draws` windows of `length` rounds one of two equal candidates is named the better."""
    named = 0
    for window in _windows(len(a), length, draws, rng):
        swap = rng.random(length) < 0.5
        first, second = np.where(swap, b[window], a[window]), np.where(swap, a[window], b[window])
        named += _winner(first, second) is not None
    return named


def power(a: Array, slower: Array, length: int, draws: int, rng: np.random.Generator) -> float:
    """The share of windows in which `a` is named as faster than `slower`."""
    found = [_winner(a[window], slower[window]) == "first" for window in _windows(len(a), length, draws, rng)]
    return float(np.mean(found))


def _winner(first: Array, second: Array) -> str | None:
    return best({"first": _rounds(first), "second": _rounds(second)}).winner


def sampler(watched: Array, unwatched: Array) -> Values:
    """How much longer a candidate takes while it is watched, with the interval of two one-sided tests."""
    ratio = paired_ratio(_rounds(watched), _rounds(unwatched), EQUIVALENCE)
    return {"ratio": ratio.point, "lo": ratio.lo, "hi": ratio.hi}


def _rounds(logs: Array) -> dict[Hashable, float]:
    return dict(enumerate(logs.tolist()))


def live_figures(logs: dict[str, Array], length: int, draws: int, rng: np.random.Generator) -> Values:
    """What the trials on this host prove."""
    a, b = logs["a"], logs["b"]
    pairs = np.stack([a, b], axis=1)
    return {
        "host_noise_pct": noise_pct(a, b),
        "host_noise_in_round_pct": noise_in_round_pct(a, b),
        "rounds": len(a),
        "aa": {
            "comparisons": draws,
            "differences": differences(a, b, length, draws, rng),
            "family_false_winner_rate": family_false_winner_rate(pairs, draws=2000, seed=int(rng.integers(2**31))),
        },
        "planted": {share: power(a, logs[entry], length, draws, rng) for share, entry in PLANTED.items()},
        "sampler": sampler(a, logs["unwatched"]),
    }


def main(argv: list[str] | None = None) -> int:
    """Write trust.json."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--live", type=Path, required=True)
    parser.add_argument("--fidelity", type=Path, required=True)
    parser.add_argument("--fallback", type=Path, required=True)
    parser.add_argument("--host", required=True)
    parser.add_argument("--location", required=True, help="p10 or median")
    parser.add_argument("--finals-rounds", type=int, required=True, help="rounds of a comparison")
    parser.add_argument("--comparisons", type=int, default=200)
    parser.add_argument("--draws", type=int, default=2000, help="draws of each simulation")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args(argv)
    rng = np.random.default_rng(args.seed)
    values = live_figures(logs_of(args.live, args.location), args.finals_rounds, args.comparisons, rng)
    print("simulating coverage and flags", flush=True)
    values |= {
        "coverage": coverage(draws=args.draws, seed=args.seed), "flags": flags(draws=args.draws, seed=args.seed),
        "fidelity": ratios(args.fidelity), "fallback": json.loads(args.fallback.read_text()),
        "schema": 1, "host": args.host, "location": args.location, "finals_rounds": args.finals_rounds,
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
    }  # fmt: skip
    args.out.parent.mkdir(parents=True, exist_ok=True)
    write_json(args.out, values)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
