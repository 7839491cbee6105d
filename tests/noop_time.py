"""How long a no-op run takes, against a bare Snakemake workflow with as many jobs: interleaved, as a ratio.

    make noop-time

Exit status 1 if the median of the ratios is above the limit. Both workflows are finished first; in Assay's the
guarded commands go to the plan tests' stand-in, since only Snakemake's own time is looked at. Both run in the
environment that `make` makes: the tests' packages are left out, since Snakemake imports pandas where it finds it.
"""

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.plan.conftest import lay, run

LIMIT, ROUNDS = 1.5, 11
REQUIREMENTS = Path(__file__).parents[1] / "requirements.txt"
BARE = """
N = {jobs}

rule all:
    input:
        expand("out/{{n}}.txt", n=range(N)),

rule one:
    output:
        "out/{{n}}.txt",
    shell:
        "touch {{output}}"
"""


def environment(folder: Path) -> str:
    """A Python with what `requirements.txt` names and nothing else."""
    uv = [sys.executable, "-m", "uv", "--quiet"]
    python = str(folder / "bin" / "python")
    subprocess.run([*uv, "venv", "--python", sys.executable, str(folder)], check=True)
    subprocess.run(
        [*uv, "pip", "sync", "--compile-bytecode", "--require-hashes", "--python", python, str(REQUIREMENTS)],
        check=True,
    )
    return python


def noop(python: str, folder: Path) -> float:
    """Seconds that a run with nothing to do takes."""
    start = time.perf_counter()
    done = subprocess.run(
        [python, "-m", "snakemake", "--cores", "2", "all"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "Nothing to be done" in done.stdout + done.stderr
    return time.perf_counter() - start


def jobs_of(folder: Path) -> int:
    """Jobs in the whole graph, `all` not counted."""
    done = subprocess.run(
        [sys.executable, "-m", "snakemake", "--cores", "2", "all", "-n", "--forceall", "--quiet", "rules"],
        cwd=folder, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return (
        next(int(line.split()[1]) for line in (done.stdout + done.stderr).splitlines() if line.startswith("total")) - 1
    )


def compare() -> float:
    """The median ratio, Assay over bare."""
    with tempfile.TemporaryDirectory() as place:
        python = environment(Path(place) / "venv")
        ours, bare = lay(Path(place) / "assay"), Path(place) / "bare"
        run(ours)
        bare.mkdir()
        (bare / "Snakefile").write_text(BARE.format(jobs=jobs_of(ours)))
        subprocess.run(
            [sys.executable, "-m", "snakemake", "--cores", "2", "--quiet", "all", "--", "all"], cwd=bare, check=True
        )
        noop(python, ours), noop(python, bare)
        pairs = [(noop(python, ours), noop(python, bare)) for _ in range(ROUNDS)]
    ratio = statistics.median(a / b for a, b in pairs)
    first, second = (statistics.median(column) for column in zip(*pairs, strict=True))
    print(
        f"no-op {first:.2f} s, a bare workflow with as many jobs {second:.2f} s: ratio {ratio:.2f}, median of {ROUNDS}"
    )
    return ratio


if __name__ == "__main__":
    raise SystemExit(int(compare() > LIMIT))
