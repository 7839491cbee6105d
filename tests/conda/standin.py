"""Stands in for the `conda` command in tests: the subcommands that Snakemake 9 calls, on py-rattler.

py-rattler solves and links packages as conda does. What this leaves out: everything that Snakemake does not ask for.
Channel names are looked up below CONDA_CHANNEL_ALIAS, as real conda does. Run by bin/conda, in a Python of its own.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import yaml
from rattler import Channel, ChannelConfig, Gateway, MatchSpec, Platform, RepoDataRecord, VirtualPackage, install, solve

HERE = Path(__file__).resolve().parent
CLAIMED_VERSION = "24.7.1"  # the oldest that Snakemake accepts


async def create(prefix: str, specs: list[str], channels: list[str]) -> None:
    """Solve `specs` on `channels` and link the answer into `prefix`."""
    config = ChannelConfig(channel_alias=os.environ["CONDA_CHANNEL_ALIAS"].rstrip("/") + "/")
    records = await solve(
        sources=[Channel(name, config) for name in channels if name != "nodefaults"],
        specs=specs,
        platforms=[Platform.current(), Platform("noarch")],
        virtual_packages=VirtualPackage.detect(),
    )
    await _link(records, prefix)


async def create_explicit(prefix: str, urls: list[str]) -> None:
    """Link exactly the packages at `urls` into `prefix`."""
    records: list[RepoDataRecord] = []
    for url in urls:
        base, subdir, _ = url.rsplit("/", 2)
        answers = await Gateway().query(
            sources=[Channel(base)], platforms=[Platform(subdir)], specs=[MatchSpec.from_url(url)], recursive=False
        )
        found = [record for answer in answers for record in answer if record.url == url]
        if not found:
            raise SystemExit(f"PackagesNotFoundError: {url}")
        records.append(found[0])
    await _link(records, prefix)


async def _link(records: list[RepoDataRecord], prefix: str) -> None:
    cache = os.environ["CONDA_PKGS_DIRS"].split(",")[0]
    await install(records, target_prefix=prefix, cache_dir=cache, show_progress=False)


def env_create(file: Path, prefix: str) -> None:
    """`conda env create`: the conda packages of an environment file, then its pip section."""
    document = yaml.safe_load(file.read_text())
    dependencies = document.get("dependencies", [])
    specs = [item for item in dependencies if isinstance(item, str)]
    pip = [line for item in dependencies if isinstance(item, dict) for line in item.get("pip", [])]
    asyncio.run(create(prefix, specs, document.get("channels") or ["conda-forge"]))
    if pip:
        _pip_install(file.resolve().parent, prefix, pip)


def _pip_install(folder: Path, prefix: str, lines: list[str]) -> None:
    """As conda does it: a requirements file beside the environment file, the environment's pip, in that folder."""
    with tempfile.NamedTemporaryFile("w", prefix="condaenv.", suffix=".requirements.txt", dir=folder) as requirements:
        requirements.write("\n".join(lines) + "\n")
        requirements.flush()
        command = [f"{prefix}/bin/python", "-m", "pip", "install", "-U", "-r", requirements.name, "--exists-action=b"]
        if subprocess.run(command, check=False, cwd=folder).returncode:
            raise SystemExit("CondaEnvException: Pip failed")


def explicit_urls(file: Path) -> list[str]:
    lines = (line.strip() for line in file.read_text().splitlines())
    return [line.split("#")[0] for line in lines if line and line[0] not in "#@"]


def linked(prefix: Path) -> list[str]:
    return [json.loads(file.read_text())["url"] for file in sorted(prefix.glob("conda-meta/*.json"))]


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="conda")
    parser.add_argument("--version", action="version", version=f"conda {CLAIMED_VERSION}")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("info").add_argument("--json", action="store_true")
    config = commands.add_parser("config")
    config.add_argument("--get")
    config.add_argument("--set", nargs=2)
    config.add_argument("--json", action="store_true")
    clean = commands.add_parser("clean")
    clean.add_argument("--packages", action="store_true")
    clean.add_argument("--tarballs", action="store_true")
    clean.add_argument("-y", action="store_true")
    listing = commands.add_parser("list")
    listing.add_argument("--explicit", action="store_true")
    listing.add_argument("--prefix", type=Path)
    _add_create(commands)
    env = commands.add_parser("env").add_subparsers(dest="env_command", required=True)
    _add_create(env)
    export = env.add_parser("export")
    export.add_argument("--prefix")
    export.add_argument("--name")
    return parser.parse_args()


def _add_create(commands: Any) -> None:
    create_command = commands.add_parser("create")
    for flag in ("--quiet", "--no-default-packages", "--yes"):
        create_command.add_argument(flag, action="store_true")
    create_command.add_argument("--file", type=Path)
    create_command.add_argument("--prefix", required=True)


def main() -> None:
    args = parse()
    if args.command == "info":
        facts = {"conda_prefix": str(HERE), "platform": str(Platform.current()), "conda_version": CLAIMED_VERSION}
        print(json.dumps({**facts, "envs_dirs": []}))
    elif args.command == "config":
        print(json.dumps({"get": {"channel_priority": "strict"}, "success": True}))
    elif args.command == "list":
        print("\n".join(["@EXPLICIT", *linked(args.prefix)]))
    elif args.command == "create":
        asyncio.run(create_explicit(args.prefix, explicit_urls(args.file)))
    elif args.command == "env" and args.env_command == "create":
        env_create(args.file, args.prefix)
    elif args.command == "env":
        print(f"prefix: {args.prefix or args.name}")


if __name__ == "__main__":
    main()
