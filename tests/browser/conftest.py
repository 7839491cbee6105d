"""A real browser over the report: Chromium without a window, driven by a script inside the page.

ASSAY_BROWSER names the browser; otherwise the first one on the PATH is taken. Where there is none, these tests are
skipped and say so; with ASSAY_BROWSER=required (as in CI) that is a failure.
"""

import html
import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from scripts.report import report, summarise
from tests.unit.records_factory import build_tree

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update", "--hide-scrollbars",
    "--allow-file-access-from-files",
)  # fmt: skip
# The page lies in a frame of the asked width: a window cannot be as narrow as a phone.
FRAME = """<!doctype html><body style="margin:0"><iframe id="page" src="{page}"
 style="border:0;width:{width}px;height:1200px"></iframe><pre id="result"></pre><script>
document.getElementById("page").addEventListener("load", (event) => {{
  const page = event.target.contentDocument, view = event.target.contentWindow;
  let result;
  try {{ result = (() => {{ {script} }})(); }} catch (error) {{ result = {{error: String(error)}}; }}
  document.getElementById("result").textContent = JSON.stringify(result);
}});
</script>"""

Ask = Callable[..., Any]


@pytest.fixture(scope="session")
def browser() -> str:
    """Path of the browser."""
    asked = os.environ.get("ASSAY_BROWSER", "")
    if asked and asked != "required":
        return asked
    found = next((path for name in NAMES if (path := shutil.which(name))), None)
    if found is None:
        reason = "no browser here: install Chromium (Debian: apt-get install chromium) or name one in ASSAY_BROWSER"
        pytest.fail(reason) if asked == "required" else pytest.skip(reason)
    return found


@pytest.fixture(scope="session")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of the synthetic tree, with a mode under load."""
    root = tmp_path_factory.mktemp("report")
    plan = build_tree(root, modes=("latency", "throughput"))
    artifacts, csv = root / "artifacts", root / "results.csv"
    shared = ["--plan", str(plan), "--artifacts", str(artifacts), "--csv", str(csv)]
    more = ["--parquet", str(root / "results.parquet"), "--compile-csv", str(root / "compile.csv")]
    assert summarise.main([*shared, *more]) == 0
    assert report.main([*shared, "--html", str(root / "report.html"), "--figures", str(root / "figures")]) == 0
    return root / "report.html"


@pytest.fixture
def ask(browser: str, page: Path, tmp_path: Path) -> Ask:
    """`ask(script, width=1400)`: what `script` returns inside the page, where `page` is its document."""

    def run(script: str, width: int = 1400, *flags: str) -> Any:
        frame = tmp_path / "frame.html"
        frame.write_text(FRAME.format(page=page.as_uri(), width=width, script=script))
        profile = f"--user-data-dir={tmp_path / 'profile'}"
        command = [
            browser,
            *FLAGS,
            *flags,
            profile,
            f"--window-size={max(width, 600)},1300",
            "--dump-dom",
            frame.as_uri(),
        ]
        done = subprocess.run(command, capture_output=True, text=True, timeout=90)
        _, _, rest = done.stdout.partition('<pre id="result">')
        text = html.unescape(rest.partition("</pre>")[0])
        assert text, f"the page gave no answer:\n{done.stderr[-2000:]}"
        return json.loads(text)

    return run
