"""After a failure, what was said for people is the last thing on the screen."""

import os
from pathlib import Path

from scripts.core.last_words import last_words


def write(path: Path, text: str, moment: float) -> None:
    path.write_text(text)
    os.utime(path, (moment, moment))


def test_the_newest_log_of_this_run_is_told(tmp_path: Path) -> None:
    write(tmp_path / "export.log", "an older run's\n", 50.0)
    assert last_words(tmp_path, 100.0) == ""
    write(tmp_path / "report.log", "", 103.0)
    write(tmp_path / "summarise.log", "some warning\n", 101.0)
    write(tmp_path / "check.log", "1 row failed:\n  a reason\n", 102.0)
    assert last_words(tmp_path, 100.0) == "\nWhat went wrong, once more:\n1 row failed:\n  a reason"


def test_a_run_that_got_to_no_log_has_none(tmp_path: Path) -> None:
    assert last_words(tmp_path / "absent", 0.0) == ""
