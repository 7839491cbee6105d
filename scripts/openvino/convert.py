"""ONNX to OpenVINO IR: `model.xml` and `model.bin`, batch left free.

Source: `onnx`, a folder with `model.onnx`. fp32 keeps the weights as they are; fp16 stores them in half (they are made
f32 when the model is loaded on a CPU without kernels in fp16). Equal bytes for equal networks: operators that OpenVINO
names with a running counter are numbered by their place in the graph.
"""

import openvino as ov

from scripts.core.quantised import Recipe
from scripts.core.verb import Facts, Job, Unsupported, main
from scripts.openvino.graph import name_by_place, operators, weighted
from scripts.openvino.properties import version


def work(job: Job) -> Facts:
    precision = job.options["precision"]
    if precision not in ("fp32", "fp16"):
        raise Unsupported("this converter writes IR in fp32 and fp16; %s is not among its precisions" % precision)
    model = ov.convert_model(str(job.sources["onnx"] / "model.onnx"))
    name_by_place(model)
    target = str(job.out / "model.xml")
    ov.save_model(model, target, compress_to_fp16=precision == "fp16")
    facts = {}
    if precision == "fp16":
        kept = [layer.name for layer in weighted(ov.Core().read_model(target)) if layer.stored != "f16"]
        Recipe("weights stored in fp16", 0.0, kept).write(job.out)
        facts = {"kept": kept}
    return {
        "versions": {"openvino": version()},
        "operators": operators(model),
        "options": dict(job.options, compress_to_fp16=precision == "fp16"),
        **facts,
    }


if __name__ == "__main__":
    raise SystemExit(main(work, __doc__))
