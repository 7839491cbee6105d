"""`--sdm conda` through the stand-in: environments from conda files, chosen by a function of the wildcards."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from scripts.core.paths import ROOT
from tests.unit import wheels

SNAKEFILE = f"""
rule all:
    input: expand("out/{{version}}.{{kind}}", version=["1.0", "2.0"], kind=["txt", "json"])

rule say:
    output: "out/{{version}}.txt"
    conda: lambda w: f"envs/{{w.version}}.yaml"
    shell: "python -c 'import assay_small, sys; print(assay_small.ANSWER, sys.prefix)' > {{output}}"

rule record:
    output: "out/{{version}}.json"
    conda: lambda w: f"envs/{{w.version}}.yaml"
    shell: '''PYTHONPATH={ROOT} exec {sys.executable} -m scripts.core.environment --name small \\
        --lock envs/small.lock.txt --record {{output}} --conda-python "$(command -v python)"'''
"""


def conda_file(folder: Path, version: str) -> None:
    (folder / "envs").mkdir(exist_ok=True)
    (folder / "envs" / f"{version}.yaml").write_text(
        "channels:\n  - conda-forge\ndependencies:\n  - python=3.11\n  - pip\n"
        f"  - pip:\n      - assay_small=={version}\n"
    )


class Workflow:
    """A small workflow with two conda environments that differ in one package."""

    def __init__(self, folder: Path, variables: dict[str, str]) -> None:
        self.folder = folder
        self.variables = {**variables, "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(folder / "wheels")}
        (folder / "Snakefile").write_text(SNAKEFILE)
        for version in ("1.0", "2.0"):
            made = wheels.wheel(folder / "wheels", "assay_small", version, code=f"ANSWER = {version!r}\n")
            conda_file(folder, version)
        wheels.lock(folder / "envs" / "small.lock.txt", made)

    def run(self, *more: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "snakemake", "all", "--cores", "2", "--sdm", "conda", *more]
        return subprocess.run(
            command, cwd=self.folder, env=self.variables, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )


@pytest.fixture
def workflow(tmp_path: Path, standin: dict[str, str]) -> Workflow:
    return Workflow(tmp_path, standin)


def test_each_rule_runs_in_its_own_environment(workflow: Workflow) -> None:
    done = workflow.run()
    assert done.returncode == 0, done.stdout
    prefixes = set()
    for version in ("1.0", "2.0"):
        answer, prefix = (workflow.folder / f"out/{version}.txt").read_text().split()
        record = json.loads((workflow.folder / f"out/{version}.json").read_text())
        assert answer == version
        assert ".snakemake/conda" in prefix
        assert (record["status"], record["mode"], record["packages"]["assay-small"]) == ("ok", "conda", version)
        assert record["python"].startswith(prefix)
        prefixes.add(prefix)
    assert len(prefixes) == 2

    assert "Nothing to be done" in workflow.run("--dry-run").stdout
    conda = workflow.folder / "envs" / "2.0.yaml"
    conda.write_text(conda.read_text() + "# changed\n")
    planned = workflow.run("--dry-run").stdout
    assert "Software environment definition has changed" in planned
    assert "version=2.0" in planned
    assert "version=1.0" not in planned


def test_a_package_that_cannot_be_had_ends_the_run(workflow: Workflow) -> None:
    conda_file(workflow.folder, "2.0")
    (workflow.folder / "wheels" / "assay_small-2.0-py3-none-any.whl").unlink()
    done = workflow.run()
    assert done.returncode != 0
    assert "assay_small==2.0" in done.stdout
