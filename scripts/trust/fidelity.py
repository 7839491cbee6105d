"""Our times against vendors' own tools, or a bare loop of the documented interface: python -m scripts.trust.fidelity.

A round is our trial and the reference's of every runtime: the same artifact, threads, batch, input values and number
of samples, each in a fresh process, in random order. Ours goes through the supervisor and the worker that measure
everybody; the reference runs in the same environment, alone on the machine, with nothing of ours around it. Writes
what was measured; `scripts.trust.ratios` makes ratios of it. Runs in Snakemake's own Python.
"""

import contextlib
import json
import os
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from scripts.core import plan
from scripts.core.catalogue import on
from scripts.core.guard import become_guard, say
from scripts.core.records import USABLE
from scripts.core.stage import obstacle, run_verb
from scripts.core.verb import write_json
from scripts.measure.supervisor import machine_lock, measure
from scripts.measure.trials import Setting, trial_arguments
from scripts.trust.arguments import arguments, setting

STEPS = {
    "openvino": ("execute",),
    "litert": ("execute",),
    "onnxruntime": ("put", "execute", "get"),
    "executorch": ("put", "execute", "get"),
    "pytorch": ("execute",),
}
"""The steps of our samples that a reference's call covers: those that take arrays and give arrays cover all."""

STEADY = {
    "MALLOC_MMAP_THRESHOLD_": str(2**25),
    "MALLOC_TRIM_THRESHOLD_": str(2**30),
    "GLIBC_TUNABLES": "glibc.malloc.hugetlb=1",
}
"""Memory of both sides: what was freed is kept, in huge pages where the kernel gives them.

By itself glibc gives the end of its heap back or not as the heap happens to lie: an eager PyTorch process takes
thousands of page faults per call or none, and is 40 % slower or is not. In small pages, the order in which a process
allocates (input before or after the network) then still decides over 5 %: a proof about how we measure would be one
about that (Mytkowicz et al., ASPLOS 2009).
"""

Values = dict[str, Any]


@contextlib.contextmanager
def steady_memory() -> Iterator[None]:
    """Processes started meanwhile keep what they freed."""
    before = dict(os.environ)
    os.environ.update(STEADY)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def ours(row: Values, setting: Setting, raw: Path) -> Values:
    """One trial of ours, its samples in `raw`: its facts. Raises SystemExit where it fails: a proof needs all."""
    args = trial_arguments(row, setting)
    ending, facts = obstacle(args), Values()
    if ending is None:
        ending, facts = measure(args, raw)
    _require(row, ending)
    return facts


def theirs(row: Values, setting: Setting) -> Values:
    """What the reference says of the same: percent, method, ms. Raises SystemExit where it fails."""
    args = trial_arguments(row, setting)
    args.source.append(f"portable={row['paths']['portable']}/artifact.json")
    args.verb = f"scripts.trust.references.{on(row['runtime'], row['device']).room}"
    with machine_lock() as lock, tempfile.TemporaryDirectory(prefix="reference-") as out:
        end, facts = run_verb(args, Path(out), pass_fds=(lock,), poll_s=None)
    _require(row, {"status": end.status, "reason": end.reason})
    return facts


def _require(row: Values, ending: Values) -> None:
    if ending["status"] not in USABLE:
        raise SystemExit(f"{row['runtime']} could not be measured, so nothing is proved: {ending['reason']}")


def with_iterations(setting: Setting, iterations: int) -> Setting:
    """So many samples, however long they take: references know no budget of time, and both sides get as many."""
    measured = setting.config["measure"] | {"iterations": iterations}
    return setting._replace(config=setting.config | {"measure": measured})


def one_round(row: Values, number: int, setting: Setting, seed: int, folder: Path) -> Values:
    """Both sides of one runtime, in random order."""
    raw = folder / f"{row['runtime']}.{number}.npz"
    order = sorted(("ours", "theirs"), key=lambda side: plan.order(seed, number, f"{row['runtime']}/{side}"))
    said: Values = {}
    for side in order:
        if side == "ours":
            ours(row, setting, raw)
        else:
            said = theirs(row, setting)
    return {"round": number, "first": order[0], "raw": str(raw.relative_to(folder.parent)), "theirs": said}


def rounds(rows: Sequence[Values], count: int, seed: int, setting: Setting, folder: Path) -> dict[str, Values]:
    """`count` rounds of every row. A first trial finds how many samples the budget of time gives."""
    with steady_memory():
        return _rounds(rows, count, seed, setting, folder)


def _rounds(rows: Sequence[Values], count: int, seed: int, setting: Setting, folder: Path) -> dict[str, Values]:
    runtimes: dict[str, Values] = {}
    for row in rows:
        samples = ours(row, setting, folder / "first.npz")["samples"]
        runtimes[row["runtime"]] = {"steps": STEPS[row["runtime"]], "iterations": samples, "rounds": []}
    for number in range(1, count + 1):
        for row in rows:
            entry = runtimes[row["runtime"]]
            counted = with_iterations(setting, entry["iterations"])
            entry["rounds"].append(one_round(row, number, counted, seed, folder))
        say(f"proofs against vendors' tools and bare loops: round {number} of {count}")
    return runtimes


def main() -> int:
    parser = arguments(__doc__)
    parser.add_argument("--rows", required=True, type=json.loads, help="rows of the plan, one a runtime, JSON")
    args = parser.parse_args()
    become_guard()
    seed, folder = args.config["measure"]["seed"], args.out.parent / "fidelity"
    measured = rounds(args.rows, args.rounds, seed, setting(args, args.seconds), folder)
    write_json(args.out, {"schema": 1, "rounds": args.rounds, "runtimes": measured})
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
