"""A config that is no YAML is told by file, line and column, before Snakemake starts."""

from pathlib import Path

import pytest

from scripts.core.config_files import Unreadable, check


def said(folder: Path, *arguments: str) -> str:
    with pytest.raises(Unreadable) as caught:
        check(arguments, folder)
    return str(caught.value).replace(f"{folder}/", "")


def write(folder: Path, content: str | bytes, name: str = "config.yaml") -> None:
    (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("batches: [1]\nmeasure:\n  trials: 2\nbatches: [8]\n", "config.yaml, line 4, column 1: `batches` stands"),
        ("measure:\n  trials: 2\n  trials: 3\n", "config.yaml, line 3, column 3: `trials` stands there twice"),
        ("models: [a, b\nbatches: [1]\n", "config.yaml, line 2, column 8: expected ',' or ']', but got ':'"),
        ("measure:\n\ttrials: 2\n", "config.yaml, line 2, column 1: found character '\\t' that cannot start any token"),
        ("photos: fü\n".encode("latin-1"), "config.yaml: is not in UTF-8 (byte 10); save it as UTF-8"),
    ],
)
def test_a_file_that_is_no_yaml(tmp_path: Path, content: str | bytes, sentence: str) -> None:
    write(tmp_path, content)
    assert said(tmp_path, "all").startswith(sentence)


def test_files_and_values_of_the_command_line(tmp_path: Path) -> None:
    write(tmp_path, "batches: [1]\n")
    write(tmp_path, "batches: [1\n", "mine.yaml")
    check(["all", "--config", "measure={trials: 1}", "batches=[1, 4]", "--cores", "2"], tmp_path)
    assert said(tmp_path, "all", "--configfile", "config.yaml", "mine.yaml").startswith("mine.yaml, line 2")
    assert said(tmp_path, "--configfile=absent.yaml") == "absent.yaml: there is no such file; correct its name"
    assert said(tmp_path, "all", "--config", "measure={trials: 1").startswith("--config measure, line 1")
    assert "give a key and a value" in said(tmp_path, "--config", "batches")


def test_a_byte_order_mark_and_an_empty_file_are_no_mistakes(tmp_path: Path) -> None:
    write(tmp_path, b"\xef\xbb\xbfbatches: [1]\n")
    write(tmp_path, "", "mine.yaml")
    check(["--configfile", "mine.yaml"], tmp_path)
