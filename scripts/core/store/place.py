"""Where the store lies, and whether it may be used. Light: the Snakefile imports it."""

import os
import stat
from pathlib import Path

VARIABLE = "ASSAY_STORE"
OFF = "off"
AUTO = "auto"


def default() -> Path:
    """`assay/store` in the user's cache."""
    home = os.environ.get("XDG_CACHE_HOME")
    return (Path(home) if home else Path.home() / ".cache") / "assay" / "store"


def chosen(asked: str = AUTO) -> Path | None:
    """The store's folder: what the config asks for, else ASSAY_STORE, else the user's cache; None where it is off."""
    named = os.environ.get(VARIABLE, AUTO) if asked == AUTO else asked
    if named == OFF:
        return None
    return default() if named == AUTO else Path(named).expanduser().absolute()


def objection(root: Path) -> str | None:
    """Why the store at `root` may not be used, in one sentence; None if it may. A new one is made, for its user alone.

    Its entries are executable code: a folder that another can write to is not trusted.
    """
    try:
        root.mkdir(parents=True, mode=0o700, exist_ok=True)
        found = root.stat()
    except OSError as error:
        return f"the store {root} cannot be made ({error.strerror}): nothing is reused or kept"
    if found.st_uid != os.geteuid():
        return f"the store {root} belongs to another user (uid {found.st_uid}): not used; name your own in {VARIABLE}"
    if found.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        return f"the store {root} can be written by others: not used; make it yours alone (chmod 700), or name another"
    return None
