"""Read a config file, or a value of Snakemake's `--config`: whatever is wrong is one sentence with its place.

    check(["all", "--configfile", "mine.yaml"])     raises Unreadable for what Snakemake would end in a traceback

Snakemake reads the files itself, keeps the last of two equal keys without a word, and blames JSON and tabs for any
mistake.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import yaml

DEFAULT = "config.yaml"
FILES, VALUES = ("--configfile", "--configfiles"), ("--config", "-C")


class Unreadable(Exception):
    """A file or value that is no YAML; the message is for people."""


class _Once(yaml.SafeLoader):
    """Takes each key once."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if str(key.value) in seen:
                problem = f"`{key.value}` stands there twice; keep one of the two"
                raise yaml.constructor.ConstructorError(None, None, problem, key.start_mark)
            seen.add(str(key.value))
        return super().construct_mapping(node, deep)


def parsed(text: str, name: str) -> Any:
    """The value that `text` is in YAML; `name` is what a mistake is said of. Raises Unreadable."""
    try:
        return yaml.load(text, Loader=_Once)  # noqa: S506 - a SafeLoader
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        where = f", line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        raise Unreadable(f"{name}{where}: {error.problem or 'is no YAML'}") from None
    except yaml.YAMLError as error:
        raise Unreadable(f"{name}: is no YAML ({' '.join(str(error).split())})") from None


def read(path: Path) -> Any:
    """The content of a YAML or JSON file. Raises Unreadable."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise Unreadable(f"{path}: there is no such file; correct its name") from None
    except OSError as error:
        raise Unreadable(f"{path}: cannot be read ({error.strerror}); name a file that can") from None
    except UnicodeDecodeError as error:
        raise Unreadable(f"{path}: is not in UTF-8 (byte {error.start + 1}); save it as UTF-8") from None
    return parsed(text, str(path))


def _after(options: Sequence[str], arguments: Sequence[str]) -> Iterator[str]:
    """The words that follow one of `options` on a command line, up to the next option."""
    taking = False
    for word in arguments:
        option, is_joined, value = word.partition("=")
        if word.startswith("-"):
            taking = option in options
            if taking and is_joined:
                yield value
        elif taking:
            yield word


def check(arguments: Sequence[str], folder: Path = Path()) -> None:
    """Read all that a command line of Snakemake's names. Raises Unreadable for the first that cannot be."""
    for name in (DEFAULT, *_after(FILES, arguments)):
        read(folder / name)
    for word in _after(VALUES, arguments):
        key, equals, value = word.partition("=")
        if not equals:
            raise Unreadable(f"--config {word}: give a key and a value, such as --config 'batches=[1, 8]'")
        parsed(value, f"--config {key}")
