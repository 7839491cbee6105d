"""Run a verb that measures what this host reaches at its best, alone on the machine as a trial is, and record it.

    python -m scripts.measure.peaks artifact --verb scripts.pytorch.peaks --stage measure --artifact FILE ...

Takes what `scripts.core.stage` takes. The store never answers: a peak belongs to the run whose rows are held against
it.
"""

from scripts.core import stage
from scripts.core.guard import become_guard
from scripts.measure.supervisor import machine_lock

if __name__ == "__main__":
    become_guard()  # before the wait for the machine: who waits dies with Snakemake, too
    with machine_lock():
        raise SystemExit(stage.main())
