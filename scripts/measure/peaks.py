"""Run a verb that measures what this host reaches at its best, alone on the machine as a trial is, and record it.

    python -m scripts.measure.peaks artifact --verb scripts.pytorch.peaks --stage measure --artifact FILE ...

Takes what `scripts.core.stage` takes. The store never answers: a peak belongs to the run whose rows are held against
it.
"""

from scripts.core import stage
from scripts.measure.supervisor import machine_lock

if __name__ == "__main__":
    with machine_lock():
        raise SystemExit(stage.main())
