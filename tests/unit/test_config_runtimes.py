"""Runtimes, precisions and variants in the config: mistakes are said in a sentence, and what is left has work to do."""

import pytest

from scripts.core.catalogue import PRECISIONS, RUNTIMES
from scripts.core.config_errors import either
from tests.unit.config_cases import mistakes, resolved

RUNTIME_NAMES = ", ".join(RUNTIMES)


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
            "runtimes.litert.precision: is not a key here (did you mean precisions?); the keys here are precisions, "
            "variants",
        ),
        (
            "runtimes: {pytorch: {precisions: [fp8]}}",
            "runtimes.pytorch.precisions[0]: pytorch does not know fp8; give {pytorch}",
        ),
        (
            "runtimes: {openvino: {variants: [default, accuracy]}}",
            "runtimes.openvino.variants[1]: openvino does not know accuracy; give {openvino}",
        ),
        (
            "calibration: {method: entropy}",
            'calibration.method: "entropy" is not allowed; give auto, minmax or percentile',
        ),
        (
            "{precisions: [fp32, fp8], runtimes: [torchscript, pytorch]}",
            "precisions[1]: none of the runtimes chosen knows fp8; give {pytorch}",
        ),
        (
            "precisions: [fp31]",
            'precisions[0]: "fp31" is not allowed (did you mean fp32 or fp16?); give fp32, tf32, fp16, bf16, int8, '
            "int8_dynamic or fp8",
        ),
        (
            "precisions: fp32",
            'precisions: "fp32" is not allowed; give all, or a list of fp32, tf32, fp16, bf16, int8, int8_dynamic, fp8',
        ),
    ],
)
def test_runtimes_and_precisions(text: str, sentence: str) -> None:
    said = sentence.replace("{openvino}", either(RUNTIMES["openvino"].known_variants))
    if "none of the runtimes" in said:  # in the order of all precisions, not of the runtime's own
        known = [precision for precision in PRECISIONS if precision in RUNTIMES["pytorch"].precisions]
        said = said.replace("{pytorch}", either(known))
    assert mistakes(text) == [said.replace("{pytorch}", either(RUNTIMES["pytorch"].precisions))]


def test_a_named_runtime_must_have_something_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(RUNTIMES["litert"].variants, "tf32", ("default",))
    known = either(RUNTIMES["openvino"].precisions)
    assert mistakes("{precisions: [tf32], runtimes: [litert, openvino]}") == [
        f"runtimes.openvino: knows none of the precisions asked for; it knows {known}"
    ]
    assert resolved("{precisions: [tf32, fp32], runtimes: [litert, openvino]}")["runtimes"] == {
        "litert": {"precisions": ["tf32", "fp32"], "variants": None},
        "openvino": {"precisions": ["fp32"], "variants": None},
    }
    everything = resolved("{precisions: [tf32], runtimes: all}")["runtimes"]
    assert everything["litert"] == {"precisions": ["tf32"], "variants": None} and "openvino" not in everything
