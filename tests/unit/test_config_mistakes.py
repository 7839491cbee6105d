"""The config: every mistake is one sentence that names the key and what is allowed, and nothing is converted."""

import json
from pathlib import Path
from typing import Any, Literal

import pytest
import yaml
from pydantic import ValidationError, create_model

from scripts.core.config import ConfigError, load
from scripts.core.config_errors import sentences
from scripts.core.paths import ROOT
from tests.unit.config_cases import base, digest, mistakes, resolved

__all__ = ["base"]

TOP = (
    "host, models, precisions, runtimes, devices, batches, image_sizes, modes, threads, calibration, measure, "
    "rate_per_s, finals, serving, trust, rebuild, limits, tensorrt, tensorrt_rtx, photos, torch_build, interpreters, "
    "artifacts, reports, store, hosts, study, fresh, retry_failed"
)


# --- mistakes: the value's kind and bounds ---


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("modles: [resnet18]", f"modles: is not a key here (did you mean modes or models?); the keys here are {TOP}"),
        ("8: x", f"8: is not a key here; the keys here are {TOP}"),
        ("int: 3", f"int: is not a key here; the keys here are {TOP}"),
        ("batches: [0]", "batches[0]: 0 is not allowed; give a whole number from 1 to 1024"),
        ("batches: [1, 2000]", "batches[1]: 2000 is not allowed; give a whole number from 1 to 1024"),
        ('batches: ["8"]', 'batches[0]: "8" is text; give a whole number from 1 to 1024, without quotes'),
        ("batches: [true]", "batches[0]: true is not allowed; give a whole number from 1 to 1024"),
        ("batches: [1.0]", "batches[0]: 1.0 is not allowed; give a whole number from 1 to 1024"),
        ("batches: [1, null]", "batches[1]: is empty (null); give a whole number from 1 to 1024, or leave it out"),
        ("batches: []", "batches: is empty; give auto, or a list, each item a whole number from 1 to 1024"),
        ("batches: 8", "batches: 8 is not allowed; give auto, or a list, each item a whole number from 1 to 1024"),
        ("batches: [8, 1, 8]", "batches[2]: 8 is there twice; name it once"),
        (
            "batches:",
            "batches: is empty (null); give auto, or a list, each item a whole number from 1 to 1024, or leave it out "
            "for the default, [1, 8]",
        ),
        ("modes: [speed]", 'modes[0]: "speed" is not allowed; give latency, throughput or serving'),
        ("threads: 0", "threads: 0 is not allowed; give auto, or a whole number from 1 to 4096"),
        ('threads: "8"', 'threads: "8" is text; give auto, or a whole number from 1 to 4096, without quotes'),
        ("threads: true", "threads: true is not allowed; give auto, or a whole number from 1 to 4096"),
        (
            "threads: aut",
            'threads: "aut" is not allowed (did you mean auto?); give auto, or a whole number from 1 to 4096',
        ),
        (
            "artifacts: scripts/x",
            "artifacts: scripts/x is the project itself; name a folder for outputs alone, such as artifacts",
        ),
        ("artifacts: .", "artifacts: . is the project itself; name a folder for outputs alone, such as artifacts"),
        (
            "reports: config.yaml/x",
            "reports: config.yaml/x leads to or through a file; name a folder, which is made if it is not there",
        ),
        ("{artifacts: out, reports: ./out/}", "reports: ./out/ is the folder of artifacts, too; give each its own"),
        ("measure: {trials: 0}", "measure.trials: 0 is not allowed; give a whole number from 1 to 1000"),
        ("measure: {seconds: .inf}", "measure.seconds: Infinity is not allowed; give a number above 0 and up to 86400"),
        ("measure: {seconds: true}", "measure.seconds: true is not allowed; give a number above 0 and up to 86400"),
        (
            "measure: {seed: 1, seeds: 3}",
            "measure.seeds: is not a key here (did you mean seed or seconds?); the keys here are trials, seconds, "
            "min_samples, iterations, warmup_iterations, warmup_seconds, seed, location, peaks, resolution",
        ),
        (
            "measure: {seconds: 400}",
            "limits.trial_s: 300 is too short; give a number above 400.5 (measure.seconds and measure.warmup_seconds)",
        ),
        ("limits: {memory_mb: 3}", "limits.memory_mb: 3 is not allowed; give a number, 64 or more"),
        (
            "tensorrt_rtx: {target: sm90}",
            'tensorrt_rtx.target: "sm90" is not allowed (did you mean sm89 or sm80?); give sm75, sm80, sm86, '
            "sm89 or sm120",
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
            "trust, build, preprocess, inputs, outputs, labels, pruned, training, train, batches, image_sizes",
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
            'models[0].preprocess.interpolation: "cubic" is not allowed (did you mean bicubic?); give nearest, '
            "bilinear, bicubic or lanczos",
            "models[0].preprocess.mean: [1, 2] is not allowed; give a list of 3 numbers",
            "models[0].preprocess.std[1]: 0 is not allowed; give a number above 0",
            "models[0].preprocess.scale: 0 is not allowed; give a number above 0",
        ]),
        ({"name": "resnet18", "inputs": [{"name": "x", "shape": ["batch", 3]}]},
         ["models[0].inputs: is for a network of your own; give `build: package.module:function` too, "
          "or leave it out"]),
        ({"name": "m", "build": "nets:net", "weights": "untrained", "inputs": [{"name": "x", "shape": [1, 3]}]},
         ["models[0].inputs[0].shape: [1, 3] is not allowed; give batch first, then whole numbers, as in "
          "[batch, 16]"]),
        ({"name": "m", "build": "nets:net", "weights": "untrained", "preprocess": {"size": 9},
          "inputs": [{"name": "x", "shape": ["batch", 3]}]},
         ["models[0].preprocess: does not go with `inputs`: photos are preprocessed, arrays are not; leave one out"]),
        ({"name": "m", "build": "nets:net", "weights": "untrained", "image_sizes": [64],
          "inputs": [{"name": "x", "shape": ["batch", 3]}]},
         ["models[0].image_sizes: does not go with `inputs`: arrays have the shapes declared there; leave it out"]),
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


def test_no_number_is_not_a_number() -> None:
    text = "models: [{name: resnet18, preprocess: {mean: [.nan, 0, -.inf]}}]"
    assert mistakes(text) == [
        "models[0].preprocess.mean[0]: NaN is not allowed; give a number",
        "models[0].preprocess.mean[2]: -Infinity is not allowed; give a number",
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
        "litert_convert, litert_quantize, loadgen, onnxruntime, onnxruntime_gpu, onnxruntime_quantize, openvino, "
        "openvino_quantize, report, tensorflow, tensorflow_convert, tensorflow_gpu, tensorrt, tensorrt_quantize, "
        "tensorrt_rtx, torch",
        f"interpreters.openvino: there is no file {base}/no/python; put it there, or correct the path",
    ]


@pytest.mark.parametrize("kind", [Literal["all"] | list[int], list[int] | Literal["all"]])
def test_of_a_value_with_several_forms_the_one_that_was_meant_is_told(kind: Any) -> None:
    made = create_model("Made", key=(kind, ...))
    with pytest.raises(ValidationError) as caught:
        made.model_validate({"key": [1, "x"]})
    assert sentences(caught.value, made.model_json_schema()) == ['key[1]: "x" is not allowed; give a whole number']


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
