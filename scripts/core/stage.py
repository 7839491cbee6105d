"""Run one verb under guard and leave its record, whatever happens.

    python -m scripts.core.stage artifact --verb scripts.openvino.convert --artifact DIR/artifact.json ...
    python -m scripts.core.stage verify   --verb scripts.measure.verify   --record FILE ...

`artifact` leaves artifact.json, build.json and `files/` in one folder; `verify` leaves one record made from the
verb's facts. What has `--depends-on`, and every answer of `verify`, is kept in the store and served from it. Sources
are named by their artifact.json. A stage whose source or environment is not usable does not run: its record says why.
Rules call this in Snakemake's own Python; the verb runs in its toolchain's environment.
"""

import argparse
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from scripts.core import host, kept, records
from scripts.core.beside import Beside
from scripts.core.guard import End, become_guard, say, watch
from scripts.core.records import USABLE, Artifact, Build, File, Record, Status
from scripts.core.store import ingredients, reads

LIMITS_VARIABLE = "ASSAY_LIMITS"
NO_VARIABLES: Mapping[str, str] = MappingProxyType({})
PATIENT = MappingProxyType({"OMP_WAIT_POLICY": "PASSIVE"})
"""For what is not timed: stages run side by side, and a thread that waits for its core must not spin."""
LIMIT_OF = {
    "train": "train_s",
    "prepare": "convert_s",
    "convert": "convert_s",
    "compile": "compile_s",
    "verify": "verify_s",
    "measure": "trial_s",
}


def arguments(doc: str | None) -> argparse.ArgumentParser:
    """The arguments that every guarded stage shares."""
    parser = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--verb", required=True, help="module to run")
    parser.add_argument("--stage", required=True, help="the stage's name in records")
    parser.add_argument("--environment", help="record of the environment to run in; empty for Snakemake's own")
    parser.add_argument("--source", action="append", default=[], metavar="NAME=FILE", help="an artifact.json, by name")
    parser.add_argument("--options", default="{}", help="one JSON object")
    parser.add_argument("--log", required=True, type=Path)
    parser.add_argument("--absent", help="what this host lacks for it: do not run, and say so; empty if nothing")
    return parser


def sources(args: argparse.Namespace) -> dict[str, Path]:
    """Folders of the source artifacts, by name; a source that this job does without has no record."""
    named = (source.split("=", 1) for source in args.source)
    return {name: Path(record).parent for name, record in named if record}


def obstacle(args: argparse.Namespace) -> dict[str, Any] | None:
    """Why the stage cannot start: status, reason and stage of what stands in its way; None if nothing does.

    What failed before comes first: "not run here" is said of a candidate that was built.
    """
    upstream = [folder / "artifact.json" for folder in sources(args).values()]
    for path in [*([Path(args.environment)] if args.environment else []), *upstream]:
        record = records.load(path)
        if record["status"] not in USABLE:
            return {"status": record["status"], "reason": record["reason"], "stage": record["stage"]}
    if args.absent:
        return {"status": Status.NOT_RUN, "reason": args.absent, "stage": args.stage}
    return _foreign(args, upstream)


def _foreign(args: argparse.Namespace, upstream: list[Path]) -> dict[str, Any] | None:
    """Why a source must not be loaded here: it was compiled for another host."""
    for path in upstream:
        if said := ingredients.foreign(records.load(path).get("built_for") or {}):
            return {"status": Status.FAILED, "reason": said, "stage": args.stage}
    return None


def environment(args: argparse.Namespace) -> Path | None:
    """The record of the stage's environment; None for Snakemake's own."""
    return Path(args.environment) if args.environment else None


def interpreter(args: argparse.Namespace) -> str:
    """The Python of the stage's environment, which is made again if its folder is gone; Snakemake's own for none."""
    if not args.environment:
        return sys.executable
    recorded = records.load(Path(args.environment))
    python = str(recorded["python"])
    if recorded["mode"] == "uv" and not Path(python).exists():
        say(f"the environment {recorded['name']} is gone from the cache: making it again")
        kept = Path(args.environment).parents[3] / "torch_build.json"
        make = "import sys; from pathlib import Path; from scripts.core.environment import python_of; "
        make += "python_of(sys.argv[1], Path(sys.argv[2]))"
        subprocess.run([sys.executable, "-c", make, recorded["name"], str(kept)], check=False)
    return python


def limits(args: argparse.Namespace) -> tuple[float, float | None]:
    """Seconds and megabytes that the stage may take, from the config's `limits` in the job's environment."""
    values = json.loads(os.environ[LIMITS_VARIABLE])
    return values[LIMIT_OF[args.stage]], values["memory_mb"]


def run_verb(
    args: argparse.Namespace, out: Path, variables: Mapping[str, str] = NO_VARIABLES, cache: Path | None = None,
    **more: Any,
) -> tuple[End, dict[str, Any]]:  # fmt: skip
    """Run the verb into `out`; how it ended and its facts. Status and reason are settled between the two.

    cache: a folder that the compiler may keep what it likes in; from cold without one.
    """
    with tempfile.TemporaryDirectory(prefix="assay-") as scratch:
        facts_file = Path(scratch) / "facts.json"
        named = [f"--source={name}={folder / 'files'}" for name, folder in sources(args).items()]
        command = [
            interpreter(args),
            "-m",
            args.verb,
            *named,
            f"--out={out}",
            f"--options={args.options}",
            f"--facts={facts_file}",
            *([f"--cache={cache}"] if cache else []),
        ]
        seconds, memory_mb = limits(args)
        end = watch(command, args.log, seconds, memory_mb, environment={"TMPDIR": scratch, **variables}, **more)
        facts = json.loads(facts_file.read_text()) if facts_file.exists() else {}
    status, reason = end.status, facts.pop("reason", None) or end.reason
    claimed = Status(facts.pop("status", status))
    if status in (Status.OK, Status.UNSUPPORTED):
        status = claimed
    if status not in USABLE:
        say(f"{args.stage}: {status}: {reason} (log: {args.log})")
    return End(status, None if status is Status.OK else reason, end.wall_s, end.cpu_s, end.peak_rss_mb), facts


def _settle(partial: Path, final: Path) -> dict[str, File]:
    """Move a finished folder into place and hash it."""
    files = records.hash_files(partial)
    for path in partial.rglob("*"):
        if path.is_file():
            with path.open("rb") as stream:
                os.fsync(stream.fileno())
    partial.rename(final)
    return files


def make_artifact(args: argparse.Namespace) -> None:
    """Leave artifact.json, build.json and files/ of a converter or compiler: served from the store, or made."""
    folder: Path = args.artifact.parent
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("artifact.json", "build.json"):
        (folder / name).unlink(missing_ok=True)
    for leftover in [folder / "files", *folder.glob("*.partial")]:
        shutil.rmtree(leftover, ignore_errors=True)
    stopped = obstacle(args)
    if stopped is not None:
        artifact, build = _records(args, stopped, End(Status.NOT_RUN, None, 0.0, 0.0, 0.0), {}, {})
    elif args.depends_on is None:
        artifact, build = _made(args, folder)
    else:
        on = ingredients.of_artifact(
            args.verb, sources(args), json.loads(args.options), environment(args), args.depends_on
        )
        artifact, build = kept.artifact(on, folder, args.log, lambda: _made(args, folder))
    records.save(Build(**build), folder / "build.json")
    records.save(Artifact(**artifact), folder / "artifact.json")


def _made(args: argparse.Namespace, folder: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """Run the verb; the values of the artifact's record and of its cost's."""
    files: dict[str, File] = {}
    partial = folder / f"files.{os.getpid()}.partial"
    variables = NO_VARIABLES if args.stage == "measure" else PATIENT
    with kept.compiler_cache(_cache_ingredients(args), folder) as cache, Beside() as beside:
        end, facts = run_verb(args, partial, variables, cache)
    ending = {"status": end.status, "reason": end.reason, "stage": args.stage}
    if end.status in USABLE:
        files = _settle(partial, folder / "files")
    else:
        shutil.rmtree(partial, ignore_errors=True)
    artifact, build = _records(args, ending, end, files, facts)
    return artifact, build | beside.facts(end)


def _cache_ingredients(args: argparse.Namespace) -> dict[str, Any] | None:
    """What the compiler's own cache depends on; None where it keeps none."""
    if not getattr(args, "compiler_cache", None):
        return None
    return ingredients.of_cache(args.compiler_cache, environment(args), args.depends_on)


def _records(
    args: argparse.Namespace, ending: dict[str, Any], end: End, files: dict[str, File], facts: dict[str, Any]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """What is said of an artifact, and of what it cost, as plain values."""
    cost = Build(
        **ending, wall_s=round(end.wall_s, 3), cpu_s=round(end.cpu_s, 3), peak_rss_mb=round(end.peak_rss_mb, 1),
        warmth=facts.pop("warmth", "cold"), host=socket.gethostname(),
        date=records.now(), **facts.pop("cost", {}),
    )  # fmt: skip
    artifact = Artifact(
        **ending,
        sha256=records.identity(files) if files else None,
        bytes=sum(file.bytes for file in files.values()),
        files=files,
        sources=ingredients.sources_of(sources(args)),
        built_for=ingredients.host_parts([part for part in args.depends_on or [] if part in ingredients.BINDING]),
        **({"options": json.loads(args.options)} | facts),
    )
    return artifact.model_dump(mode="json", by_alias=True), cost.model_dump(mode="json", by_alias=True)


def make_verify(args: argparse.Namespace) -> None:
    """Leave the record of a verb that only looks, made from its facts: answered from the store, or done."""
    args.record.unlink(missing_ok=True)
    ending = obstacle(args)
    if ending is not None:
        records.save(Record(kind="verify", **ending), args.record)
        return
    on = answer_ingredients(args, [args.verb], reads.of_verify(sources(args)), host.fingerprint())
    if kept.answer(on, args.record, args.log):
        return
    with tempfile.TemporaryDirectory(prefix="assay-") as out:
        end, facts = run_verb(args, Path(out), PATIENT)
    ending = {"status": end.status, "reason": end.reason, "stage": args.stage}
    records.save(Record(kind="verify", **ending, **facts), args.record)
    kept.keep_answer(on, args.record)


def answer_ingredients(
    args: argparse.Namespace, modules: list[str], read: dict[str, Any], fingerprint: dict[str, Any], **more: Any
) -> dict[str, Any]:
    """What the answer to a verification or a trial depends on. read: what it reads of its sources."""
    options = json.loads(args.options)
    environments = [Path(name) for name in (args.environment, more.pop("loadgen", "")) if name]
    modules = [*modules, f"scripts.{options['room']}.session"]
    return ingredients.of_answer(args.stage, modules, read, options, environments, fingerprint, **more)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True)
    shared = arguments(None)
    artifact = commands.add_parser("artifact", parents=[shared], add_help=False, conflict_handler="resolve")
    artifact.add_argument("--artifact", required=True, type=Path, help="where the artifact's record goes")
    artifact.add_argument(
        "--depends-on",
        metavar="PART,...",
        type=ingredients.parts_of,
        help="keep it in the store; the parts of the host that its bytes depend on (nothing, or isa,toolchain,...)",
    )
    artifact.add_argument("--compiler-cache", metavar="NAME", help="hand the compiler its own cache, from the store")
    artifact.set_defaults(make=make_artifact)
    verify = commands.add_parser("verify", parents=[shared], add_help=False, conflict_handler="resolve")
    verify.add_argument("--record", required=True, type=Path)
    verify.set_defaults(make=make_verify)
    args = parser.parse_args()
    args.log.parent.mkdir(parents=True, exist_ok=True)
    args.log.unlink(missing_ok=True)
    become_guard()
    args.make(args)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
