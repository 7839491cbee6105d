"""The schema, `config.schema.json` and the README's table say the same."""

import json
from pathlib import Path

import jsonschema
import pytest
import yaml

from scripts.core import config_docs
from scripts.core.config_model import Config
from scripts.core.paths import ROOT

SCHEMA = config_docs.json_schema()


def accepts(text: str) -> bool:
    return bool(jsonschema.Draft202012Validator(SCHEMA).is_valid(yaml.safe_load(text)))


def test_both_files_are_in_step(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    assert config_docs.main(["--check"]) == 0


def test_a_file_out_of_step_is_noticed_and_made_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    readme = (ROOT / "README.md").read_text()
    Path("README.md").write_text(readme.replace("| `measure.trials`", "| `measure.tries`") + "\nkept\n")
    assert config_docs.main(["--check"]) == 1
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == ["config.schema.json", "README.md"]
    assert config_docs.main([]) == 0
    assert config_docs.main(["--check"]) == 0
    assert Path("README.md").read_text() == readme + "\nkept\n"
    assert Path("config.schema.json").read_text() == (ROOT / "config.schema.json").read_text()


def test_a_readme_without_markers_is_an_error() -> None:
    with pytest.raises(ValueError, match="markers"):
        config_docs.with_tables("# Assay\n")


def test_every_key_has_a_row_and_a_description() -> None:
    rows = [line.split(" | ") for line in config_docs.table().splitlines()[2:]]
    keys = [cells[0].strip("| `") for cells in rows]
    assert all(len(cells) == 4 and cells[3].strip(" |") for cells in rows)
    assert len(keys) == len(set(keys))
    tops = {key.split(".")[0].removesuffix("[]") for key in keys}
    assert tops == set(Config.model_fields)
    assert {"models[].preprocess.size", "runtimes.NAME.precisions", "limits.memory_mb", "measure.trials"} <= set(keys)
    assert "measure" not in keys


def test_the_schema_is_one_that_editors_can_use() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    assert json.loads(json.dumps(SCHEMA)) == SCHEMA
    for name in ("config.yaml", "config.quick.yaml"):
        assert accepts((ROOT / name).read_text())
    for text in (
        "models: [resnet18, resnet18.untrained, {name: mine, weights: 'file:a.pt', build: 'a.b:c'}]",
        "runtimes: all",
        "runtimes: {openvino: {precisions: all}, litert: }",
        "threads: 2",
    ):
        assert accepts(text), text
    for text in (
        "modles: []",
        "models: [a/b]",
        "models: [{name: resnet18, weights: torch}]",
        "runtimes: [openvno]",
        "runtimes: {openvno: {}}",
        "batches: [0]",
        "threads: auto8",
        "measure: {trails: 3}",
    ):
        assert not accepts(text), text
