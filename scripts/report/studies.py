"""The pages of all studies and their overview, made from the archives in `studies/records`: `make studies`.

    python -m scripts.report.studies           write studies/NAME.md and studies/README.md
    python -m scripts.report.studies --check   say which of them is out of step (exit status 1)

An archive is what `scripts.report.others` packs after a run of studies/NAME.yaml: `make study NAME=...` does both.
Nothing is measured here.
"""

import argparse
import tempfile
from pathlib import Path

from scripts.core.paths import ORIGINALS, ROOT
from scripts.report import markdown
from scripts.report.columns import frame, write_whole
from scripts.report.evidence import Evidence
from scripts.report.originals import Original, read_original
from scripts.report.others import SUFFIX, opened
from scripts.report.rows import plan_in
from scripts.report.study import Study, study, template
from scripts.report.summarise import summarise

HEADER = ["study", "what the original found", "ratio", "original", "here", "machine", "page and records"]


def archive_of(root: Path, name: str) -> Path:
    """Where the records of a study lie."""
    return root / "studies" / "records" / f"{name}{SUFFIX}"


def from_archive(original: Original, archive: Path, scratch: Path, root: Path) -> Study:
    """A study from its packed records. scratch: a folder to unpack into; root: where its `hosts` are named from."""
    folder = opened(archive, scratch)
    plan = plan_in(folder)
    plan["config"]["hosts"] = [str(root / source) for source in plan["config"].get("hosts", [])]
    return study(original, frame(summarise(plan, folder)), Evidence(plan, folder))


def _overview(originals: list[Original], made: dict[str, Study]) -> str:
    rows = []
    for original in originals:
        found = made.get(original.name)
        links = f"[page]({original.name}.md), [records](records/{original.name}{SUFFIX})" if found else ""
        nothing = [("", "", "no records yet", "")]
        for first, headline in enumerate((found.headlines if found else nothing) or nothing):
            lead = (f"[{original.name}]({original.name}.yaml)", original.found) if not first else ("", "")
            rows.append([*lead, *headline, links if not first else ""])
    return template("studies.md.j2").render(table=markdown.table(HEADER, rows))


def pages(root: Path) -> dict[Path, str | None]:
    """What is to lie where: the overview, and a page for each study, None where it has no records."""
    originals = [read_original(path) for path in sorted((root / ORIGINALS).glob("*.toml"))]
    made: dict[str, Study] = {}
    with tempfile.TemporaryDirectory() as scratch:
        for original in originals:
            archive = archive_of(root, original.name)
            if archive.is_file():
                made[original.name] = from_archive(original, archive, Path(scratch), root)
    found: dict[Path, str | None] = {root / "studies" / "README.md": _overview(originals, made)}
    for original in originals:
        page = made[original.name].page if original.name in made else None
        found[root / "studies" / f"{original.name}.md"] = page
    return found


def stale(wanted: dict[Path, str | None]) -> list[Path]:
    """The files that are not as they should be."""
    return [path for path, text in wanted.items() if (path.read_text() if path.is_file() else None) != text]


def main(argv: list[str] | None = None) -> int:
    """Write the pages, or say which are out of step."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="write nothing; exit with 1 if a page is out of step")
    parser.add_argument("--root", type=Path, default=ROOT, help="the project that holds `studies`")
    args = parser.parse_args(argv)
    wanted = pages(args.root)
    changed = stale(wanted)
    if args.check:
        for path in changed:
            print(f"{path} is not what its records say: run `make studies`")
        return 1 if changed else 0
    for path in changed:
        text = wanted[path]
        if text is None:
            path.unlink()
        else:
            write_whole(path, lambda temporary, text=text: temporary.write_text(text))  # type: ignore[misc]
        print(f"{'removed' if text is None else 'wrote'} {path}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
