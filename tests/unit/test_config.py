"""The config: what there is when nothing is said, the ways of writing it, the command."""

import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from scripts.core import config
from scripts.core.catalogue import RUNTIMES
from scripts.core.config_model import Config
from scripts.core.config_runtimes import ALL
from scripts.core.paths import ROOT
from scripts.core.plan import candidates
from tests.unit.config_cases import base, digest, resolved

__all__ = ["base"]

Entry = dict[str, Any]


# --- what there is when nothing is said ---


def test_the_defaults() -> None:
    found = resolved()
    assert [(m["name"], m["weights"], m["image_size"]) for m in found["models"]] == [
        ("efficientnet_lite0", "package", 224)
    ]
    assert found["runtimes"] == {name: {"precisions": ["fp32"], "variants": None} for name in ALL}
    assert set(RUNTIMES) - set(ALL) == {"tensorflow", "tensorflow_xla", "keras", "keras_xla", "tensorrt_typed"}
    assert found["batches"] == [1, 8] and found["modes"] == ["latency"] and found["threads"] == "auto"
    assert found["measure"] == {
        "trials": 5, "seconds": 1.5, "min_samples": 5, "iterations": None,
        "warmup_iterations": 20, "warmup_seconds": 0.5, "seed": 0, "location": "p10", "resolution": 0.05, "peaks": True,
    }  # fmt: skip
    assert found["limits"]["memory_mb"] is None and found["tensorrt_rtx"] == {"target": "sm86"}
    assert len(found["photo_files"]) == 1 + 59 + 147 and found["photo_files"][0] == "data/photos/photos.csv"


def test_the_config_that_comes_with_assay_is_the_defaults() -> None:
    assert resolved((ROOT / "config.yaml").read_text()) == resolved()


def test_each_default_written_out_is_the_default() -> None:
    schema = Config.model_json_schema()
    written = {key: node["default"] for key, node in schema["properties"].items() if "default" in node}
    assert {"models", "runtimes", "photos"} < set(written)
    assert resolved(json.dumps(written)) == resolved()


def test_quick_is_batch_1_without_the_slow_compilers() -> None:
    merged = yaml.safe_load((ROOT / "config.yaml").read_text()) | yaml.safe_load(
        (ROOT / "config.quick.yaml").read_text()
    )
    found = resolved(json.dumps(merged))
    assert found["batches"] == [1] and found["measure"]["trials"] == 3 and found["measure"]["seconds"] <= 1
    assert set(ALL) - set(found["runtimes"]) == {
        "torch_compile", "aotinductor", "tensorrt", "torch_tensorrt", "tensorrt_rtx",
    }  # fmt: skip


def test_no_store_may_be_written_as_yaml_has_it() -> None:
    assert resolved("store: off")["store"] == "off"


def test_auto_batches_double_and_a_network_may_have_its_own() -> None:
    found = resolved("batches: auto\nmodels: [{name: resnet18, batches: [3]}, {name: resnet50, batches: auto}]")
    assert found["batches"] == [1, 2, 4, 8, 16, 32, 64, 128, 256] == found["models"][1]["batches"]
    assert found["models"][0]["batches"] == [3]


def test_what_comes_out_is_plain_json_and_has_the_keys_in_a_fixed_order() -> None:
    found = resolved("models: [resnet18]\nbatches: [4]\n")
    assert json.loads(json.dumps(found)) == found
    assert list(found) == list(resolved("batches: [4]\nmodels: [resnet18]\n"))


# --- ways of writing ---


def test_a_model_is_a_name_or_a_name_with_weights_or_a_mapping() -> None:
    found = resolved(
        "models: [efficientnet_lite0, resnet18, resnet18.untrained, {name: inception_v3, weights: untrained}]"
    )
    assert [(m["name"], m["weights"], m["image_size"]) for m in found["models"]] == [
        ("efficientnet_lite0", "package", 224),
        ("resnet18", "torchvision", 224),
        ("resnet18", "untrained", 224),
        ("inception_v3", "untrained", 299),
    ]


def test_a_checkpoint_of_ones_own(base: Path) -> None:
    entry: Entry = {"name": "mine", "build": "nets:net", "weights": "file:mine.pt", "sha256": digest("mine.pt")}
    entry |= {"preprocess": {"size": 160, "mean": [0, 0.5, 1]}, "labels": ["cat", "dog"]}
    (model,) = resolved(json.dumps({"models": [entry]}), base)["models"]
    assert (model["weights"], model["file"], model["image_size"]) == ("file", "mine.pt", 160)
    assert model["preprocess"] == {"size": 160, "mean": [0.0, 0.5, 1.0]}
    assert model["labels"] == ["cat", "dog"] and not {"inputs", "trust"} & set(model)


def test_an_exported_program_and_labels_from_a_file(base: Path) -> None:
    (base / "labels.txt").write_text("cat\n\n dog \n")
    entry = {
        "name": "mine",
        "weights": "file:mine.pt2",
        "sha256": digest("mine.pt2"),
        "trust": True,
        "labels": "labels.txt",
    }
    (model,) = resolved(json.dumps({"models": [entry]}), base)["models"]
    assert model["file"] == "mine.pt2" and model["trust"] is True and model["labels"] == ["cat", "dog"]


def test_a_network_that_takes_arrays(base: Path) -> None:
    entry: Entry = {"name": "mlp", "build": "nets:net", "weights": "untrained", "outputs": ["y"]}
    entry |= {
        "inputs": [
            {"name": "x", "shape": ["batch", 16]},
            {"name": "i", "shape": ["batch"], "dtype": "int64", "high": 9},
        ]
    }
    (model,) = resolved(json.dumps({"models": [entry]}), base)["models"]
    assert model["image_size"] is None and model["outputs"] == ["y"]
    assert model["inputs"][0] == {"name": "x", "shape": ["batch", 16], "dtype": "float32", "high": 2}


def test_runtimes_are_all_or_a_list_or_a_mapping() -> None:
    assert resolved("runtimes: [openvino, pytorch]")["runtimes"] == {
        "openvino": {"precisions": ["fp32"], "variants": None},
        "pytorch": {"precisions": ["fp32"], "variants": None},
    }
    assert resolved("runtimes: {openvino: {precisions: all}, litert: }\nprecisions: all")["runtimes"] == {
        "openvino": {
            "precisions": list(RUNTIMES["openvino"].precisions),
            "variants": ["default", "accuracy_control"],
        },
        "litert": {"precisions": list(RUNTIMES["litert"].precisions), "variants": ["default"]},
    }
    chosen = resolved("{precisions: [fp32, bf16], runtimes: {pytorch: {variants: [channels_last]}}}")["runtimes"]
    assert chosen == {"pytorch": {"precisions": ["fp32", "bf16"], "variants": ["channels_last"]}}


def test_optional_runtimes_are_taken_where_they_are_named_whatever_the_precisions() -> None:
    assert "keras" not in resolved("{runtimes: all, precisions: all}")["runtimes"]
    assert list(resolved("runtimes: [keras, openvino]")["runtimes"]) == ["keras", "openvino"]
    named = resolved("runtimes: {keras: {variants: [predict]}, keras_xla: }")
    assert [(runtime, variant) for runtime, _, variant, _ in candidates(named, ())] == [
        ("keras", "predict"), ("keras_xla", "default"),
    ]  # fmt: skip


def test_a_runtime_stands_once_for_each_device_that_is_asked_for() -> None:
    def asked(text: str, here: tuple[str, ...] = ()) -> list[tuple[str, str, str]]:
        config = resolved(f"{{runtimes: [pytorch, openvino, tensorrt], precisions: [fp32, tf32], {text}}}")
        return [(runtime, precision, device) for runtime, precision, _, device in candidates(config, here)]

    on_gpu = [("pytorch", "fp32", "cuda:0"), ("pytorch", "tf32", "cuda:0")]
    cpu, openvino = ("pytorch", "fp32", "cpu"), ("openvino", "fp32", "cpu")
    tensorrt = [("tensorrt", "fp32", "cuda:0"), ("tensorrt", "tf32", "cuda:0")]
    on_intels = ("openvino", "fp32", "intel_gpu")
    assert asked("devices: auto", here=("nvidia",)) == [cpu, *on_gpu, openvino, *tensorrt]
    assert asked("devices: auto", here=("intel_gpu",)) == [cpu, openvino, on_intels, *tensorrt]
    assert asked("devices: all") == [cpu, *on_gpu, openvino, on_intels, *tensorrt]
    assert asked("devices: auto") == [cpu, openvino, *tensorrt]
    assert asked("devices: [cpu]", here=("nvidia",)) == [cpu, openvino]


def test_further_variants_are_taken_where_named_or_where_everything_is_asked_for() -> None:
    def fp32(text: str) -> list[str]:
        config = resolved(f"{{runtimes: {text}}}")
        return [variant for _, precision, variant, _ in candidates(config, ()) if precision == "fp32"]

    assert fp32("[torch_compile]") == ["default"]
    assert fp32("{torch_compile: {variants: [freezing]}}") == ["freezing"]
    assert fp32("{torch_compile: {precisions: all}}") == ["default", "freezing"]
    assert fp32("{torch_compile: {precisions: all, variants: [default]}}") == ["default"]


def test_photos_are_listed_but_not_read(base: Path) -> None:
    assert resolved("{}", base)["photo_files"] == ["data/photos/cat.jpg"]
    (base / "list.csv").write_text("file,classes\ndata/photos/cat.jpg,281\n")
    assert resolved("photos: list.csv", base)["photo_files"] == ["list.csv", "data/photos/cat.jpg"]
    outside = base / "data"
    assert resolved(f"photos: {outside}", base)["photo_files"] == [f"{outside}/photos/cat.jpg"]


# --- the command ---


def test_the_snakefile_can_read_it_with_pydantic_alone() -> None:
    code = "import sys, pathlib; from scripts.core.config import load; load({}, pathlib.Path()); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    loaded = {name.split(".")[0] for name in done.stdout.split()}
    assert "pydantic" in loaded and not loaded & {"yaml", "numpy", "psutil", "PIL", "torch", "jsonschema", "uv"}


def test_the_command_checks_files_as_snakemake_merges_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    one, two = tmp_path / "one.yaml", tmp_path / "two.yaml"
    one.write_text("batches: [1, 2]\nmeasure: {trials: 7, seconds: 1}\n")
    two.write_text("batches: [4]\nmeasure: {seconds: 3}\n")
    assert config.main(["--check", str(one), str(two)]) == 0
    assert capsys.readouterr().out == "ok\n"
    assert config.main(["--json", str(one), str(two)]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["batches"] == [4] and (found["measure"]["trials"], found["measure"]["seconds"]) == (7, 3)


def test_the_command_says_mistakes_and_exits_with_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr("sys.stdin", io.StringIO("batches: [0]"))
    assert config.main(["--json", "-"]) == config.EXIT_MISTAKES
    said = capsys.readouterr()
    assert said.out == "" and said.err.splitlines()[0] == "The config has a mistake:"
    assert config.main(["--check", str(tmp_path / "no.yaml")]) == config.EXIT_MISTAKES
    assert "no.yaml: there is no such file" in capsys.readouterr().err
    (tmp_path / "bad.yaml").write_text("a: [")
    assert config.main(["--check", str(tmp_path / "bad.yaml")]) == config.EXIT_MISTAKES
    assert "bad.yaml, line 1, column 5: expected the node content" in capsys.readouterr().err
