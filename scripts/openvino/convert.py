"""ONNX to OpenVINO IR: `model.xml` and `model.bin`, weights in fp32, batch left free.

Source: `onnx`, a folder with `model.onnx`. Equal bytes for equal networks: operators that OpenVINO names with a
running counter are numbered by their place in the graph.
"""

import re
from collections import Counter
from typing import Dict

import openvino as ov

from scripts.core.verb import Facts, Job, Unsupported, main
from scripts.openvino.properties import DTYPES, version

COUNTED = re.compile(r"[A-Z][A-Za-z]*_\d+")
"""A name OpenVINO made up: an operator's type and a counter that runs over all networks of the process."""


def name_by_place(model: ov.Model) -> None:
    """Give operators with made-up names one that follows from the graph alone. Tensor names stay."""
    for place, operator in enumerate(model.get_ordered_ops()):
        if COUNTED.fullmatch(operator.get_friendly_name()):
            operator.set_friendly_name("%s.%d" % (operator.get_type_name(), place))


def operators(model: ov.Model) -> Dict[str, int]:
    """Operators counted by type and dtype of their first output, constants and the graph's ends left out."""
    ends = ("Constant", "Parameter", "Result")
    kinds = [operator for operator in model.get_ordered_ops() if operator.get_type_name() not in ends]
    names = [(operator.get_type_name(), operator.get_output_element_type(0).get_type_name()) for operator in kinds]
    return dict(Counter("%s:%s" % (kind, DTYPES.get(dtype, dtype)) for kind, dtype in names))


def work(job: Job) -> Facts:
    if job.options["precision"] != "fp32":
        raise Unsupported("this converter writes fp32 IR; %s is not among its precisions" % job.options["precision"])
    model = ov.convert_model(str(job.sources["onnx"] / "model.onnx"))
    name_by_place(model)
    ov.save_model(model, str(job.out / "model.xml"), compress_to_fp16=False)
    return {
        "versions": {"openvino": version()},
        "operators": operators(model),
        "options": dict(job.options, compress_to_fp16=False),
    }


if __name__ == "__main__":
    raise SystemExit(main(work, __doc__))
