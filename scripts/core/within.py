"""Run a module in an environment: ``python -m scripts.core.within ENVIRONMENT MODULE [ARGUMENT ...]``.

ENVIRONMENT is an environment's record, or the name of one, which is made if need be; its interpreter replaces this
process. Where the environment could not be made, its reason is said and the exit status is 1.
"""

import os
import sys
from pathlib import Path

from scripts.core.environment import Failed, python_of
from scripts.core.guard import clean_environment, die_with_parent, say
from scripts.core.records import USABLE, load


def python(environment: str) -> str | None:
    """The interpreter of an environment; None, once the reason is said, where it could not be made."""
    if not environment.endswith(".json"):
        try:
            return str(python_of(environment))
        except Failed as error:
            say(str(error))
            return None
    record = load(Path(environment))
    if record["status"] not in USABLE:
        say(record["reason"])
        return None
    return str(record["python"])


def main() -> int:
    found = python(sys.argv[1])
    if found is None:
        return 1
    die_with_parent()  # survives execve
    os.execve(found, [found, "-m", *sys.argv[2:]], clean_environment())


if __name__ == "__main__":
    raise SystemExit(main())
