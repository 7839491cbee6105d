"""Compile IR for this host and keep the result as `model.blob`.

Source: `portable`, a folder with `model.xml` and `model.bin`. The blob serves one batch; it is bound to this
version of OpenVINO and to the CPU's instruction sets, and refuses to be imported elsewhere.
"""

from collections import Counter

import openvino as ov

from scripts.core.verb import Facts, Job, main
from scripts.openvino.layers import layers
from scripts.openvino.properties import DTYPES, device_of, properties, version


def fix_batch(model: ov.Model, batch: int) -> None:
    """Set the free first dimension of every input to `batch`."""
    shapes = {port: port.get_partial_shape() for port in model.inputs}
    for shape in shapes.values():
        if shape[0].is_dynamic:
            shape[0] = batch
    model.reshape(shapes)


def work(job: Job) -> Facts:
    options = job.options
    wanted = properties(options["precision"], options["threads"])
    model = ov.Core().read_model(str(job.sources["portable"] / "model.xml"))
    if options["batch"] is not None:
        fix_batch(model, options["batch"])
    compiled = ov.Core().compile_model(model, device_of(options["device"]), wanted)
    (job.out / "model.blob").write_bytes(compiled.export_model().getvalue())
    counts = Counter("%s:%s" % (layer.kind, DTYPES.get(layer.precision, layer.precision)) for layer in layers(compiled))
    used = {name: str(compiled.get_property(name)) for name in ("INFERENCE_PRECISION_HINT", "INFERENCE_NUM_THREADS")}
    return {"versions": {"openvino": version()}, "operators": dict(counts), "options": dict(options, **used)}


if __name__ == "__main__":
    raise SystemExit(main(work, __doc__))
