"""Run a module in an environment: ``python -m scripts.core.within RECORD MODULE [ARGUMENT ...]``.

RECORD is an environment's record; its interpreter replaces this process. Where the environment could not be
made, its reason is said and the exit status is 1.
"""

import os
import sys
from pathlib import Path

from scripts.core.guard import clean_environment, die_with_parent, say
from scripts.core.records import USABLE, load


def main() -> int:
    record = load(Path(sys.argv[1]))
    if record["status"] not in USABLE:
        say(record["reason"])
        return 1
    die_with_parent()  # survives execve
    os.execve(record["python"], [record["python"], "-m", *sys.argv[2:]], clean_environment())


if __name__ == "__main__":
    raise SystemExit(main())
