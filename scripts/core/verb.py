"""The frame of every verb (convert, compile, verify, ...): arguments in, files and facts out.

A verb is run as ``python -m scripts.ROOM.VERB --source NAME=DIR ... --out DIR --options JSON``
in its toolchain's own environment, under ``scripts.core.guard``. It writes its files below
``--out`` and returns facts (versions, operator counts, ...), which land in ``--facts FILE``.

Standard library only, Python 3.8 on: this runs inside every toolchain.
"""

import argparse
import json
import os
import sys
import traceback
from pathlib import Path
from typing import Any, Callable, Dict, List, NamedTuple, Optional

EXIT_UNSUPPORTED = 3


class Unsupported(Exception):
    """The toolchain cannot do what was asked; the message says what and why. Not a failure."""


class Mistake(Exception):
    """The user asked for something that cannot be: a failure whose message is one sentence for people, no traceback."""


class Job(NamedTuple):
    """What a verb is asked to do: named source folders, an empty output folder, its options.

    cache: a folder of the compiler's own, with what earlier runs left there; None to compile from cold.
    """

    sources: Dict[str, Path]
    out: Path
    options: Dict[str, Any]
    cache: Optional[Path] = None


Facts = Dict[str, Any]


def _parse(doc: Optional[str], argv: Optional[List[str]]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--source", action="append", default=[], metavar="NAME=DIR", help="an input folder, by name")
    parser.add_argument("--out", required=True, type=Path, metavar="DIR", help="where the files go; made if absent")
    parser.add_argument("--options", default="{}", metavar="JSON", help="one JSON object")
    parser.add_argument("--cache", type=Path, metavar="DIR", help="a folder for the compiler's own cache")
    parser.add_argument("--facts", type=Path, metavar="FILE", help="where the facts go (default: standard output)")
    return parser.parse_args(argv)


def write_json(path: Path, value: Any) -> None:
    """Write `value` as JSON so that `path` is whole or absent: temporary name, fsync, rename."""
    temporary = path.with_name("%s.%d.tmp" % (path.name, os.getpid()))
    with open(str(temporary), "w") as stream:
        json.dump(value, stream, indent=1, sort_keys=True)
        stream.write("\n")
        stream.flush()
        os.fsync(stream.fileno())
    os.replace(str(temporary), str(path))


def main(work: Callable[[Job], Facts], doc: Optional[str] = None, argv: Optional[List[str]] = None) -> int:
    """Run `work` on the command line's job; return the exit status (0, 1, or 3 for unsupported)."""
    args = _parse(doc, argv)
    job = Job(
        {k: Path(v) for k, v in (s.split("=", 1) for s in args.source)}, args.out, json.loads(args.options), args.cache
    )
    job.out.mkdir(parents=True, exist_ok=True)
    try:
        facts: Facts = work(job)
        status = 0
    except Unsupported as error:
        facts, status = {"status": "unsupported", "reason": str(error)}, EXIT_UNSUPPORTED
        print("unsupported: %s" % error, file=sys.stderr)
    except Mistake as error:
        facts, status = {"status": "failed", "reason": str(error)}, 1
        print("mistake: %s" % error, file=sys.stderr)
    except Exception as error:  # the boundary: whatever a toolchain throws becomes a record
        traceback.print_exc()
        lines = str(error).strip().splitlines()
        facts, status = {"status": "failed", "reason": "%s: %s" % (type(error).__name__, lines[0] if lines else "")}, 1
    if args.facts:
        write_json(args.facts, facts)
    else:
        print(json.dumps(facts, indent=1, sort_keys=True))
    return status
