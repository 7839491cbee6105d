"""Compile IR for this host and keep the result as `model.blob`.

Source: `portable`, a folder with `model.xml` and `model.bin`. The blob serves one batch; it is bound to this
version of OpenVINO and to the CPU's instruction sets, and refuses to be imported elsewhere.
"""

from collections import Counter

import openvino as ov

from scripts.core.quantised import carry
from scripts.core.verb import Facts, Job, main
from scripts.openvino.graph import fix_shape
from scripts.openvino.layers import int8_share, layers
from scripts.openvino.properties import CPU, DTYPES, device_of, properties, version


def work(job: Job) -> Facts:
    options = job.options
    device = device_of(options["device"])
    wanted = properties(options["precision"], device, options["threads"])
    model = ov.Core().read_model(str(job.sources["portable"] / "model.xml"))
    if options["batch"] is not None:
        fix_shape(model, options["batch"], options.get("image_size"))
    compiled = ov.Core().compile_model(model, device, wanted)
    (job.out / "model.blob").write_bytes(compiled.export_model().getvalue())
    carry(job.sources["portable"], job.out)
    found = layers(compiled)
    counts = Counter("%s:%s" % (layer.kind, DTYPES.get(layer.precision, layer.precision)) for layer in found)
    told = ("INFERENCE_PRECISION_HINT", *(["INFERENCE_NUM_THREADS"] if device == CPU else []))
    used = {name: str(compiled.get_property(name)) for name in told}
    return {
        "versions": {"openvino": version()},
        "operators": dict(counts),
        "int8_share": int8_share(found),
        "options": dict(options, **used),
    }


if __name__ == "__main__":
    raise SystemExit(main(work, __doc__))
