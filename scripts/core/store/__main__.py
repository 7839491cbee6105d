"""What was compiled and measured on this machine: look at it, check it, tidy it, take it along.

    python -m scripts.core.store list                     every entry: key, what, size, last use, what it cost
    python -m scripts.core.store show KEY                 what it depended on and holds (the start of a key will do)
    python -m scripts.core.store explain KEY KEY          which ingredients differ
    python -m scripts.core.store verify                   read all of it; drop what is damaged (exit status 1)
    python -m scripts.core.store prune --older-than 30    remove what was not used for 30 days and is not in use
    python -m scripts.core.store export FILE.tar [KEY..]  take entries to another machine
    python -m scripts.core.store import FILE.tar          and take them in; compiled entries are executable code

The store is the one that --store or ASSAY_STORE names, else the one in your cache.
"""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

from scripts.core.store import ingredients, place, upkeep
from scripts.core.store.entries import Store

MB = 1e6


def _list(store: Store, _args: argparse.Namespace) -> int:
    total = 0
    for entry in upkeep.listed(store):
        cost = f"{entry.cost_s:8.1f} s" if entry.cost_s is not None else " " * 10
        print(f"{entry.key[:12]}  {entry.bytes / MB:9.2f} MB  {cost}  {entry.used:%Y-%m-%d %H:%M}  {entry.what}")
        total += entry.bytes
    print(f"{len(store.every_key())} entries, {total / MB:.1f} MB in {store.root}")
    return 0


def _show(store: Store, args: argparse.Namespace) -> int:
    print(upkeep.shown(upkeep.manifest_of(store, args.key)), end="")
    return 0


def _explain(store: Store, args: argparse.Namespace) -> int:
    one, other = (upkeep.manifest_of(store, key)["ingredients"] for key in (args.key, args.other))
    lines = ingredients.differences(one, other)
    print("\n".join(lines) or "they are the same entry")
    return 0


def _verify(store: Store, _args: argparse.Namespace) -> int:
    found = upkeep.verify(store)
    speed = f", {found.bytes / MB / found.seconds:.0f} MB/s" if found.seconds > 0 else ""
    print(f"{found.entries} entries are whole: {found.bytes / MB:.1f} MB in {found.seconds:.2f} s{speed}")
    if found.damaged:
        print(f"{len(found.damaged)} were damaged and are dropped: they will be made again when asked for")
    return bool(found.damaged)


def _prune(store: Store, args: argparse.Namespace) -> int:
    removed, leftovers = upkeep.prune(store, args.older_than * upkeep.DAY_S)
    print(f"removed {removed} entries and {leftovers} leftovers of ended processes; {len(store.every_key())} are left")
    return 0


def _export(store: Store, args: argparse.Namespace) -> int:
    keys = [upkeep.of_prefix(store, key) for key in args.keys] or store.every_key()
    print(f"exported {upkeep.export(store, keys, args.file)} entries to {args.file}")
    return 0


def _import(store: Store, args: argparse.Namespace) -> int:
    print(
        "Compiled entries are executable code: import only what comes from a machine that you trust.", file=sys.stderr
    )
    new, known = upkeep.import_(store, args.file)
    print(f"took {new} entries, each verified; {known} were there")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m scripts.core.store", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--store", default=place.AUTO, metavar="DIR")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(name: str, run: Callable[[Store, argparse.Namespace], int]) -> argparse.ArgumentParser:
        made = commands.add_parser(name)
        made.set_defaults(run=run)
        return made

    command("list", _list)
    command("show", _show).add_argument("key")
    explain = command("explain", _explain)
    explain.add_argument("key")
    explain.add_argument("other")
    command("verify", _verify)
    command("prune", _prune).add_argument("--older-than", type=float, required=True, metavar="DAYS")
    export = command("export", _export)
    export.add_argument("file", type=Path)
    export.add_argument("keys", nargs="*")
    command("import", _import).add_argument("file", type=Path)
    return parser


def main(argv: list[str] | None = None) -> int:
    args = _parser().parse_args(argv)
    root = place.chosen(args.store)
    if root is None:
        raise SystemExit(f"the store is off ({place.VARIABLE})")
    if said := place.objection(root):
        raise SystemExit(said)
    status: int = args.run(Store(root, lambda text: print(text, file=sys.stderr)), args)
    return status


if __name__ == "__main__":
    raise SystemExit(main())
