"""The records of one host as one file, to be shown beside another host's: `make records`, and `hosts:` in the config.

    python -m scripts.report.others --artifacts artifacts --host NAME --out records-NAME.tar.xz

Records and raw samples only: no artifact's bytes, no logs. Of the run in `artifacts` also its plan, if it is that
host's: what could not run there has no records but a row of it.
"""

import argparse
import hashlib
import io
import json
import lzma
import shutil
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

KEPT = (".json", ".npz")
WHOLE_NUMBERS = [{"id": lzma.FILTER_LZMA2, "preset": 9 | lzma.PRESET_EXTREME, "lc": 1, "lp": 3, "pb": 3}]
"""Most of an archive is nanoseconds, 8 bytes each: told so, LZMA makes it 3 to 6 % smaller."""
NOT_READ = ("answer.json", "leaders.json")
"""What finals leave for themselves."""
SUFFIX = ".tar.xz"
PLAN = "plan.json"
OWN = ("interpreters", "reports", "store")
"""Keys of a run's config that say where things are on its machine."""


def records_of(artifacts: Path, host: str) -> Iterator[Path]:
    """The files to take along: those of the host's own folder, and the records of what is the same for all hosts.

    Of artifacts' files only a network's description.
    """
    for folder in (artifacts / "hosts" / host, artifacts / "portable"):
        for path in sorted(folder.rglob("*")):
            is_bytes = "files" in path.relative_to(artifacts).parts and path.name != "model.json"
            if path.is_file() and path.suffix in KEPT and path.name not in NOT_READ and not is_bytes:
                yield path


def _plan(artifacts: Path, host: str) -> list[Path]:
    """The plan of the run in a folder, if it is this host's."""
    path = artifacts / PLAN
    return [path] if path.is_file() and json.loads(path.read_text())["host"] == host else []


def portable_plan(plan: dict[str, Any]) -> dict[str, Any]:
    """A plan whose paths start at the folder that it lies in, without what is its machine's own affair."""
    start = f"{plan['config']['artifacts']}/"

    def inside(value: Any) -> Any:
        return [each.removeprefix(start) for each in value] if isinstance(value, list) else value.removeprefix(start)

    config = {key: value for key, value in plan["config"].items() if key not in OWN} | {"artifacts": "."}
    rows = [row | {"paths": {name: inside(value) for name, value in row["paths"].items()}} for row in plan["rows"]]
    return plan | {"config": config, "rows": rows}


def _loose(raw: bytes) -> bytes:
    """The same arrays as an `.npz` that does not compress them: the archive as a whole does so better, by a fifth."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(raw)) as packed, zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as loose:
        for name in packed.namelist():
            loose.writestr(zipfile.ZipInfo(name), packed.read(name))
    return out.getvalue()


def _told(path: Path) -> bytes:
    """A file's content, without what is that machine's own affair: where its Pythons are, its store's ingredients."""
    if path.suffix == ".npz":
        return _loose(path.read_bytes())
    if path.name == PLAN:
        return json.dumps(portable_plan(json.loads(path.read_text())), sort_keys=True).encode()
    own = "python" if path.parent.name == "environments" else "ingredients" if path.name == "build.json" else None
    if own is None:
        return path.read_bytes()
    values = {name: value for name, value in json.loads(path.read_text()).items() if name != own}
    return json.dumps(values, indent=1, sort_keys=True).encode()


def pack(artifacts: Path, host: str, out: Path) -> int:
    """Write the archive; how many files it holds. The same records give the same bytes.

    Raises SystemExit where the host has no records.
    """
    # Samples beside samples, records beside records: another 1 %.
    files = sorted([*records_of(artifacts, host), *_plan(artifacts, host)], key=lambda path: path.suffix)
    if not (artifacts / "hosts" / host / "host.json").is_file():
        raise SystemExit(f"{artifacts} holds no records of a host {host!r}: run `make` first, or correct the name")
    out.parent.mkdir(parents=True, exist_ok=True)
    with lzma.open(out, "wb", filters=WHOLE_NUMBERS) as packed, tarfile.open(fileobj=packed, mode="w") as archive:
        for path in files:
            content = _told(path)
            entry = tarfile.TarInfo(path.relative_to(artifacts).as_posix())
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return len(files)


def opened(source: Path, artifacts: Path) -> Path:
    """The folder of another host's records: `source` itself, or what the archive holds, unpacked once beside ours.

    Raises SystemExit with one sentence for a file that is none.
    """
    if source.is_dir():
        return source
    digest = hashlib.sha256(source.read_bytes()).hexdigest()[:12]
    folder = artifacts / "others" / f"{source.name.removesuffix(SUFFIX)}-{digest}"
    if not folder.is_dir():
        partial = folder.with_name(f"{folder.name}.partial")
        shutil.rmtree(partial, ignore_errors=True)
        try:
            with tarfile.open(source) as archive:
                archive.extractall(partial, filter="data")
        except (tarfile.TarError, lzma.LZMAError, EOFError) as error:
            raise SystemExit(f"{source} is no archive of `make records` ({error}): fetch it again") from None
        partial.rename(folder)
    return folder


def _host_of(artifacts: Path) -> str:
    """The host of the run in a folder. Raises SystemExit where there was none."""
    try:
        return str(json.loads((artifacts / "plan.json").read_text())["host"])
    except (OSError, ValueError, KeyError):
        raise SystemExit(f"{artifacts} holds no finished run: run `make` first, or name a host with --host") from None


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--artifacts", type=Path, required=True)
    parser.add_argument("--host", help="whose records; by default those of the run in `artifacts`")
    parser.add_argument("--out", type=Path, help="the archive; by default records-HOST.tar.xz in the working directory")
    args = parser.parse_args(argv)
    host = args.host or _host_of(args.artifacts)
    out = args.out or Path(f"records-{host}{SUFFIX}")
    print(f"{pack(args.artifacts, host, out)} records of {host} in {out}, {out.stat().st_size / 1e6:.2f} MB")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
