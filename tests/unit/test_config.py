"""The config: every mistake is one sentence that names the key and what is allowed, and nothing is converted."""

import hashlib
import io
import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from scripts.core import config
from scripts.core.catalogue import RUNTIMES
from scripts.core.config import ConfigError, load
from scripts.core.paths import ROOT

RUNTIME_NAMES = ", ".join(RUNTIMES)
TOP = (
    "host, models, precisions, runtimes, batches, modes, threads, measure, limits, tensorrt_rtx, photos, torch_build, "
    "interpreters, artifacts, reports, retry_failed"
)
OWN = "scripts.core.verb:main"


def resolved(text: str = "{}", base: Path = ROOT) -> dict[str, Any]:
    return load(yaml.safe_load(text), base).model_dump(mode="json")


def mistakes(text: str, base: Path = ROOT) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load(yaml.safe_load(text), base)
    return caught.value.mistakes


@pytest.fixture
def base(tmp_path: Path) -> Path:
    """A folder with photos, a state dict, an exported program and a user's module; nothing of it is ever opened."""
    (tmp_path / "data/photos").mkdir(parents=True)
    (tmp_path / "data/photos/cat.jpg").write_bytes(b"jpg")
    for name in ("mine.pt", "mine.pt2"):
        (tmp_path / name).write_bytes(name.encode())
    (tmp_path / "nets.py").write_text("raise RuntimeError('imported')\n")
    return tmp_path


def digest(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()


# --- what there is when nothing is said ---


def test_the_defaults() -> None:
    found = resolved()
    assert [(m["name"], m["weights"], m["image_size"]) for m in found["models"]] == [
        ("efficientnet_lite0", "package", 224)
    ]
    assert found["runtimes"] == {name: {"precisions": ["fp32"]} for name in RUNTIMES}
    assert found["batches"] == [1, 8] and found["modes"] == ["latency"] and found["threads"] == "auto"
    assert found["measure"] == {
        "trials": 5, "seconds": 2.0, "min_samples": 5, "iterations": None,
        "warmup_iterations": 20, "warmup_seconds": 0.5, "seed": 0,
    }  # fmt: skip
    assert found["limits"]["memory_mb"] is None and found["tensorrt_rtx"] == {"target": "sm86"}
    assert len(found["photo_files"]) == 1 + 59 + 147 and found["photo_files"][0] == "data/photos/photos.csv"


def test_the_config_that_comes_with_assay_is_the_defaults() -> None:
    assert resolved((ROOT / "config.yaml").read_text()) == resolved()


def test_each_default_written_out_is_the_default() -> None:
    schema = config.Config.model_json_schema()
    written = {key: node["default"] for key, node in schema["properties"].items() if "default" in node}
    assert {"models", "runtimes", "photos"} < set(written)
    assert resolved(json.dumps(written)) == resolved()


def test_quick_is_batch_1_without_the_slow_compilers() -> None:
    merged = yaml.safe_load((ROOT / "config.yaml").read_text()) | yaml.safe_load(
        (ROOT / "config.quick.yaml").read_text()
    )
    found = resolved(json.dumps(merged))
    assert found["batches"] == [1] and found["measure"]["trials"] == 3 and found["measure"]["seconds"] <= 1
    assert set(RUNTIMES) - set(found["runtimes"]) == {"torch_compile", "aotinductor", "tensorrt", "tensorrt_rtx"}


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
    entry = {"name": "mine", "build": "nets:net", "weights": "file:mine.pt", "sha256": digest("mine.pt")}
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
    entry = {"name": "mlp", "build": "nets:net", "weights": "untrained", "outputs": ["y"]}
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
        "openvino": {"precisions": ["fp32"]},
        "pytorch": {"precisions": ["fp32"]},
    }
    assert resolved("runtimes: {openvino: {precisions: all}, litert: }\nprecisions: all")["runtimes"] == {
        "openvino": {"precisions": list(RUNTIMES["openvino"].precisions)},
        "litert": {"precisions": list(RUNTIMES["litert"].precisions)},
    }


def test_photos_are_listed_but_not_read(base: Path) -> None:
    assert resolved("{}", base)["photo_files"] == ["data/photos/cat.jpg"]
    (base / "list.csv").write_text("file,classes\ndata/photos/cat.jpg,281\n")
    assert resolved("photos: list.csv", base)["photo_files"] == ["list.csv", "data/photos/cat.jpg"]
    outside = base / "data"
    assert resolved(f"photos: {outside}", base)["photo_files"] == [f"{outside}/photos/cat.jpg"]


# --- mistakes: the value's kind and bounds ---


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("modles: [resnet18]", f"modles: is not a key here (did you mean modes or models?); the keys here are {TOP}"),
        ("8: x", f"8: is not a key here; the keys here are {TOP}"),
        ("int: 3", f"int: is not a key here (did you mean limits?); the keys here are {TOP}"),
        ("batches: [0]", "batches[0]: 0 is not allowed; give a whole number from 1 to 1024"),
        ("batches: [1, 2000]", "batches[1]: 2000 is not allowed; give a whole number from 1 to 1024"),
        ('batches: ["8"]', 'batches[0]: "8" is text; give a whole number from 1 to 1024, without quotes'),
        ("batches: [true]", "batches[0]: true is not allowed; give a whole number from 1 to 1024"),
        ("batches: [1.0]", "batches[0]: 1.0 is not allowed; give a whole number from 1 to 1024"),
        ("batches: [1, null]", "batches[1]: is empty (null); give a whole number from 1 to 1024, or leave it out"),
        ("batches: []", "batches: is empty; give a list, each item a whole number from 1 to 1024"),
        ("batches: 8", "batches: 8 is not allowed; give a list, each item a whole number from 1 to 1024"),
        ("batches: [8, 1, 8]", "batches[2]: 8 is there twice; name it once"),
        (
            "batches:",
            "batches: is empty (null); give a list, each item a whole number from 1 to 1024, or leave it out for the "
            "default, [1, 8]",
        ),
        ("modes: [throughput]", 'modes[0]: "throughput" is not allowed; give latency'),
        ("threads: 0", "threads: 0 is not allowed; give auto, or a whole number from 1 to 4096"),
        ('threads: "8"', 'threads: "8" is text; give auto, or a whole number from 1 to 4096, without quotes'),
        ("threads: true", "threads: true is not allowed; give auto, or a whole number from 1 to 4096"),
        (
            "threads: aut",
            'threads: "aut" is not allowed (did you mean auto?); give auto, or a whole number from 1 to 4096',
        ),
        ("measure: {trials: 0}", "measure.trials: 0 is not allowed; give a whole number from 1 to 1000"),
        ("measure: {seconds: .inf}", "measure.seconds: Infinity is not allowed; give a number above 0 and up to 86400"),
        ("measure: {seconds: true}", "measure.seconds: true is not allowed; give a number above 0 and up to 86400"),
        (
            "measure: {seed: 1, seeds: 3}",
            "measure.seeds: is not a key here (did you mean seed or seconds?); the keys here are trials, seconds, "
            "min_samples, iterations, warmup_iterations, warmup_seconds, seed",
        ),
        (
            "measure: {seconds: 400}",
            "limits.trial_s: 300 is too short; give a number above 400.5 (measure.seconds and measure.warmup_seconds)",
        ),
        ("limits: {memory_mb: 3}", "limits.memory_mb: 3 is not allowed; give a number, 64 or more"),
        (
            "tensorrt_rtx: {target: sm90}",
            'tensorrt_rtx.target: "sm90" is not allowed (did you mean sm89 or sm80?); give sm75, sm80, sm86, sm89 or sm120',
        ),
        ("torch_build: gpu", 'torch_build: "gpu" is not allowed (did you mean cpu?); give auto, cpu or cuda'),
        ("host: A_B", 'host: "A_B" is not allowed; give auto, or a short name of lower-case letters, digits and -'),
        ("artifacts: a b", 'artifacts: "a b" is not allowed; give a path without spaces, quotes and braces'),
        ("retry_failed: 1", "retry_failed: 1 is not allowed; give true or false"),
        ("[1]", "the config: [1] is not a mapping; write keys and values, such as `batches: [1, 8]`"),
        ("text", 'the config: "text" is not a mapping; write keys and values, such as `batches: [1, 8]`'),
        ("", "the config: null is not a mapping; write keys and values, such as `batches: [1, 8]`"),
    ],
)
def test_a_mistake_is_one_sentence(text: str, sentence: str) -> None:
    assert mistakes(text) == [sentence]


# --- mistakes: runtimes and precisions ---


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (
            "runtimes: [onnxruntme]",
            'runtimes[0]: "onnxruntme" is not allowed (did you mean onnxruntime?); give '
            + " or ".join(RUNTIME_NAMES.rsplit(", ", 1)),
        ),
        (
            "runtimes: openvino",
            f'runtimes: "openvino" is not allowed; give all, or a list or mapping of {RUNTIME_NAMES}',
        ),
        ("runtimes: {}", f"runtimes: is empty; give all, or a list or mapping of {RUNTIME_NAMES}"),
        ("runtimes: [openvino, openvino]", 'runtimes[1]: "openvino" is there twice; name it once'),
        (
            "runtimes: {opnvino: {}}",
            f"runtimes.opnvino: is not a key here (did you mean openvino?); the keys here are {RUNTIME_NAMES}",
        ),
        (
            "runtimes: {litert: {precision: [fp32]}}",
            "runtimes.litert.precision: is not a key here (did you mean precisions?); the keys here are precisions",
        ),
        (
            "runtimes: {pytorch: {precisions: [fp8]}}",
            "runtimes.pytorch.precisions[0]: pytorch does not know fp8; give {pytorch}",
        ),
        (
            "{precisions: [fp32, fp8], runtimes: [torchscript, pytorch]}",
            "precisions[1]: none of the runtimes chosen knows fp8; give {pytorch}",
        ),
        (
            "precisions: [fp31]",
            'precisions[0]: "fp31" is not allowed (did you mean fp32 or fp8?); give fp32, tf32, fp16, bf16, int8, '
            "int8_dynamic or fp8",
        ),
        (
            "precisions: fp32",
            'precisions: "fp32" is not allowed; give all, or a list of fp32, tf32, fp16, bf16, int8, int8_dynamic, fp8',
        ),
    ],
)
def test_runtimes_and_precisions(text: str, sentence: str) -> None:
    known = RUNTIMES["pytorch"].precisions
    words = known[0] if len(known) == 1 else f"{', '.join(known[:-1])} or {known[-1]}"
    assert mistakes(text) == [sentence.replace("{pytorch}", words)]


def test_a_named_runtime_must_have_something_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(RUNTIMES["litert"].variants, "int8", ("default",))
    text = "{precisions: [int8], runtimes: [litert, openvino]}"
    assert mistakes(text) == ["runtimes.openvino: knows none of the precisions asked for; it knows fp32"]
    assert resolved("{precisions: [int8], runtimes: all}")["runtimes"] == {"litert": {"precisions": ["int8"]}}
    assert resolved("{precisions: [int8, fp32], runtimes: [litert, openvino]}")["runtimes"] == {
        "litert": {"precisions": ["int8", "fp32"]},
        "openvino": {"precisions": ["fp32"]},
    }


# --- mistakes: models ---


@pytest.mark.parametrize(
    ("entry", "sentences"),
    [
        ("a/b", ['models[0].name: "a/b" is not allowed; give lower-case letters, digits and _']),
        ("resnet18.untraned", ['models[0].weights: "untraned" is not allowed (did you mean untrained?); give package, '
                               "torchvision, untrained or file:PATH"]),
        ("resnet81", ['models[0].name: "resnet81" is not known (did you mean resnet18 or resnet152?); give '
                      "efficientnet_lite0, a torchvision classification model, or for a network of your own "
                      "`build: package.module:function`"]),
        ({"nmae": "resnet18"}, [
            "models[0].name: is missing; give lower-case letters, digits and _",
            "models[0].nmae: is not a key here (did you mean name?); the keys here are name, weights, file, sha256, "
            "trust, build, preprocess, inputs, outputs, labels",
        ]),
        ({"name": "resnet18", "weights": "package"},
         ['models[0].weights: "package" has none for resnet18; give torchvision, untrained or file:PATH']),
        ({"name": "mine", "build": "nets:net"},
         ["models[0].weights: is missing; give package, torchvision, untrained or file:PATH"]),
        ({"name": "resnet18", "build": "nets:net", "weights": "torchvision"},
         ['models[0].weights: "torchvision" does not go with `build`; give untrained or file:PATH']),
        ({"name": "mine", "build": "nets", "weights": "untrained"},
         ['models[0].build: "nets" is not allowed; give package.module:function']),
        ({"name": "mine", "build": "net:net", "weights": "untrained"},
         ["models[0].build: there is no module BASE/net.py; put it there, or correct the path to the function"]),
        ({"name": "resnet18", "weights": "file:no.pt", "sha256": "0" * 64},
         ["models[0].file: there is no file BASE/no.pt; put it there, or correct the path"]),
        ({"name": "resnet18", "weights": "file"}, ["models[0].file: is missing; write `weights: file:PATH`"]),
        ({"name": "resnet18", "weights": "file:mine.pt"},
         ["models[0].sha256: is missing; if mine.pt is the file you mean, write "
          f'`sha256: "{digest("mine.pt")}"`']),
        ({"name": "resnet18", "weights": "file:mine.pt", "sha256": "ABC"},
         ['models[0].sha256: "ABC" is not allowed; give 64 lower-case hexadecimal digits, in quotes']),
        ({"name": "mine", "weights": "file:mine.pt2", "sha256": digest("mine.pt2")},
         ["models[0].trust: mine.pt2 is an exported program, and loading one can run code that it carries; if you "
          "trust where it came from, write `trust: true`"]),
        ({"name": "resnet18", "weights": "file:mine.pt", "sha256": digest("mine.pt"), "trust": True},
         ["models[0].trust: goes only with an exported program (.pt2); leave it out"]),
        ({"name": "mine", "build": "nets:net", "weights": "file:mine.pt2", "sha256": digest("mine.pt2"), "trust": True},
         ["models[0].build: does not go with an exported program, which is a network by itself; leave it out"]),
        ({"name": "resnet18", "sha256": "0" * 64},
         ["models[0].sha256: goes only with `weights: file:PATH`; leave it out"]),
        ({"name": "resnet18", "preprocess": {"size": 300, "resize": 200}},
         ["models[0].preprocess.resize: 200 is smaller than the crop; give size (300) or more"]),
        ({"name": "resnet18", "preprocess": {"interpolation": "cubic", "mean": [1, 2], "std": [1, 0, 1], "scale": 0}}, [
            'models[0].preprocess.interpolation: "cubic" is not allowed (did you mean bicubic?); give nearest, bilinear, '
            "bicubic or lanczos",
            "models[0].preprocess.mean: [1, 2] is not allowed; give a list of 3 numbers",
            "models[0].preprocess.std[1]: 0 is not allowed; give a number above 0",
            "models[0].preprocess.scale: 0 is not allowed; give a number above 0",
        ]),
        ({"name": "resnet18", "inputs": [{"name": "x", "shape": ["batch", 3]}]},
         ["models[0].inputs: is for a network of your own; give `build: package.module:function` too, or leave it out"]),
        ({"name": "m", "build": "nets:net", "weights": "untrained", "inputs": [{"name": "x", "shape": [1, 3]}]},
         ["models[0].inputs[0].shape: [1, 3] is not allowed; give batch first, then whole numbers, as in [batch, 16]"]),
        ({"name": "m", "build": "nets:net", "weights": "untrained", "preprocess": {"size": 9},
          "inputs": [{"name": "x", "shape": ["batch", 3]}]},
         ["models[0].preprocess: does not go with `inputs`: photos are preprocessed, arrays are not; leave one out"]),
        ({"name": "resnet18", "outputs": ["y"]}, ["models[0].outputs: goes only with `inputs`; leave it out"]),
        ({"name": "resnet18", "labels": "no.txt"},
         ["models[0].labels: BASE/no.txt cannot be read; give a text file with a class per line"]),
    ],
)  # fmt: skip
def test_models(entry: Any, sentences: list[str], base: Path) -> None:
    assert mistakes(json.dumps({"models": [entry]}), base) == [text.replace("BASE", str(base)) for text in sentences]


def test_the_same_model_with_the_same_weights_is_there_once(base: Path) -> None:
    assert mistakes("models: [resnet18, resnet18.untrained, resnet18]", base) == [
        "models[2]: resnet18 with torchvision weights is models[0] already; leave one out"
    ]
    entry = {"name": "mine", "build": "nets:net", "weights": "file:mine.pt", "sha256": digest("mine.pt")}
    assert mistakes(json.dumps({"models": [entry, entry]}), base) == [
        "models[1]: mine with file weights is models[0] already; leave one out, or give it another name"
    ]


# --- mistakes: what is not there ---


def test_missing_photos(base: Path) -> None:
    assert mistakes("photos: nowhere", base) == [
        f"photos: there is no {base}/nowhere; name a folder of photos or a CSV that lists them"
    ]
    (base / "empty").mkdir()
    assert mistakes("photos: empty", base)[0].startswith(
        "photos: empty holds no photos; the kinds that count are .bmp,"
    )
    (base / "list.csv").write_text("file,classes\ndata/photos/cat.jpg,281\na.jpg,1\nb.jpg,2\n")
    assert mistakes("photos: list.csv", base) == [
        "photos: list.csv lists a.jpg (and 1 more), which is not there; put it there or take it off the list"
    ]
    (base / "list.csv").write_text("name\ncat\n")
    assert mistakes("photos: list.csv", base) == [
        "photos: list.csv lists no photos; give it a column `file` with a path from its folder in each row"
    ]
    (base / "list.csv").write_bytes(b"\xff\xfe\x00")
    assert mistakes("photos: list.csv", base)[0].startswith("photos: list.csv is no CSV in UTF-8;")


def test_missing_default_photos(tmp_path: Path) -> None:
    assert mistakes("{}", tmp_path) == [
        f"photos: there is no {tmp_path}/data/photos; name a folder of photos or a CSV that lists them"
    ]


def test_interpreters(base: Path) -> None:
    (base / "python").touch()
    assert resolved("interpreters: {torch: python}", base)["interpreters"] == {"torch": "python"}
    assert mistakes("interpreters: {torhc: python, openvino: no/python}", base) == [
        "interpreters.torhc: is not a key here (did you mean torch?); the keys here are executorch, litert, "
        "litert_convert, onnxruntime, openvino, report, tensorrt, tensorrt_rtx, torch",
        f"interpreters.openvino: there is no file {base}/no/python; put it there, or correct the path",
    ]


def test_all_mistakes_are_said_at_once() -> None:
    text = """
        models: [a/b, {name: resnet18, weights: "file:no.pt"}]
        batches: [0]
        photos: nowhere
        measure: {seconds: 2, trails: 3}
        runtimes: [openvno]
    """
    found = mistakes(text)
    paths = ["models[0].name", "models[1].file", "runtimes[0]", "batches[0]", "measure.trails", "photos"]
    assert [sentence.split(": ")[0] for sentence in found] == paths
    with pytest.raises(ConfigError) as caught:
        load(yaml.safe_load(text), ROOT)
    assert str(caught.value).splitlines() == ["The config has 6 mistakes:", *(f"  {sentence}" for sentence in found)]


# --- the command ---


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
    assert "no.yaml: cannot be read (No such file or directory)" in capsys.readouterr().err
    (tmp_path / "bad.yaml").write_text("a: [")
    assert config.main(["--check", str(tmp_path / "bad.yaml")]) == config.EXIT_MISTAKES
    assert "bad.yaml: is no YAML" in capsys.readouterr().err
