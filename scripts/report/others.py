"""The records of one host as one file, to be shown beside another host's: `make records`, and `hosts:` in the config.

    python -m scripts.report.others --artifacts artifacts --host NAME --out reports/records-NAME.zip

Records and raw samples only: no artifact's bytes, no logs.
"""

import argparse
import hashlib
import shutil
import zipfile
from collections.abc import Iterator
from pathlib import Path

KEPT = (".json", ".npz")
MOMENT = (1980, 1, 1, 0, 0, 0)
"""Of every file in the archive, so that the same records give the same bytes."""


def records_of(artifacts: Path, host: str) -> Iterator[Path]:
    """The files to take along: those of the host's own folder, and the records of what is the same for all hosts.

    Of artifacts' files only a network's description.
    """
    for folder in (artifacts / "hosts" / host, artifacts / "portable"):
        for path in sorted(folder.rglob("*")):
            is_bytes = "files" in path.relative_to(artifacts).parts and path.name != "model.json"
            if path.is_file() and path.suffix in KEPT and not is_bytes:
                yield path


def pack(artifacts: Path, host: str, out: Path) -> int:
    """Write the archive; how many files it holds. Raises SystemExit where the host has no records."""
    files = list(records_of(artifacts, host))
    if not (artifacts / "hosts" / host / "host.json").is_file():
        raise SystemExit(f"{artifacts} holds no records of a host {host!r}: run `make` first, or correct the name")
    out.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(out, "w", zipfile.ZIP_LZMA) as archive:
        for path in files:
            entry = zipfile.ZipInfo(path.relative_to(artifacts).as_posix(), MOMENT)
            entry.compress_type = zipfile.ZIP_LZMA
            archive.writestr(entry, path.read_bytes())
    return len(files)


def opened(source: Path, artifacts: Path) -> Path:
    """The folder of another host's records: `source` itself, or what the archive holds, unpacked once beside ours."""
    if source.is_dir():
        return source
    digest = hashlib.sha256(source.read_bytes()).hexdigest()[:12]
    folder = artifacts / "others" / f"{source.stem}-{digest}"
    if not folder.is_dir():
        partial = folder.with_name(f"{folder.name}.partial")
        shutil.rmtree(partial, ignore_errors=True)
        with zipfile.ZipFile(source) as archive:
            archive.extractall(partial)
        partial.rename(folder)
    return folder


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--artifacts", type=Path, required=True)
    parser.add_argument("--host", help="whose records; by default those of the run in `artifacts`")
    parser.add_argument("--out", type=Path, help="the archive; by default records-HOST.zip in the working directory")
    args = parser.parse_args(argv)
    host = args.host or (args.artifacts / "host.txt").read_text().strip()
    out = args.out or Path(f"records-{host}.zip")
    print(f"{pack(args.artifacts, host, out)} records of {host} in {out}, {out.stat().st_size / 1e6:.2f} MB")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
