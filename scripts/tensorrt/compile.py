"""Build a TensorRT engine for one batch: `model.engine`.

Source: `portable`, a folder with `model.onnx`. TensorRT builds on the GPU that will run the engine. TensorRT for RTX
builds for the GPU named by the option `target` ("sm86", ...), with or without a GPU here. Facts hold the engine's
`layers` (name, type, dtype) beside the usual.
"""

from collections import Counter
from pathlib import Path
from typing import Any, Dict, List, Tuple

from scripts.core.verb import Facts, Job, Unsupported, main
from scripts.tensorrt import cuda, versions

DEFAULT_TARGET = "sm86"


def parse(source: Path, network: Any, log: Any) -> None:
    """Read the ONNX file into `network`. Raises Unsupported for a node that is not taken, ValueError for a bad file."""
    parser = versions.trt.OnnxParser(network, log)
    if parser.parse(source.read_bytes()):
        return
    errors = [parser.get_error(index) for index in range(parser.num_errors)]
    reasons = "; ".join(versions.parser_error(error) for error in errors)
    if any(error.node() >= 0 for error in errors):
        raise Unsupported("TensorRT's ONNX parser refuses this graph at %s" % reasons)
    raise ValueError(
        "%s is no ONNX file that TensorRT can read: %s" % (source.name, reasons or versions.complaints(log))
    )


def fix_batch(network: Any, batch: int) -> None:
    """Set the free first dimension of every input to `batch`: all contexts may then share the one engine."""
    for index in range(network.num_inputs):
        tensor = network.get_input(index)
        shape = tuple(tensor.shape)
        tensor.shape = (batch,) + shape[1:] if shape[0] == -1 else shape


def configure(builder: Any, options: "Dict[str, Any]") -> "Tuple[Any, Dict[str, Any]]":
    """The builder's configuration for these options, and what was decided, for the record."""
    trt = versions.trt
    config = builder.create_builder_config()
    config.profiling_verbosity = trt.ProfilingVerbosity.DETAILED  # the report of layers; it costs no time at run time
    if options["precision"] != "fp32":
        raise Unsupported("this compiler builds fp32 engines; %s is not among them" % options["precision"])
    config.clear_flag(trt.BuilderFlag.TF32)
    target = None
    if versions.builds_without_gpu(options["runtime"]):
        target = options["target"] or DEFAULT_TARGET
        versions.set_target(config, target)
    used = {
        "target": target,
        "tf32": config.get_flag(trt.BuilderFlag.TF32),
        "strongly_typed": versions.strongly_typed(),
        "optimization_level": config.builder_optimization_level,
    }
    return config, used


def build(source: Path, options: "Dict[str, Any]") -> "Tuple[bytes, List[versions.Layer], Dict[str, Any]]":
    """The engine's bytes, its layers, and what was decided. Raises RuntimeError in TensorRT's words if it cannot."""
    log = versions.logger()
    builder = versions.trt.Builder(log)
    network = versions.create_network(builder)
    parse(source, network, log)
    fix_batch(network, options["batch"])
    config, used = configure(builder, options)
    engine = builder.build_serialized_network(network, config)
    if engine is None:
        raise RuntimeError("TensorRT built no engine: %s" % versions.complaints(log))
    data = bytes(engine)
    if versions.builds_without_gpu(options["runtime"]):
        return data, versions.layers_as_built(log), used
    loaded = versions.trt.Runtime(log).deserialize_cuda_engine(data)
    return data, versions.layers(loaded), used


def work(job: Job) -> Facts:
    runtime = job.options["runtime"]
    version = versions.require(runtime)
    if not versions.builds_without_gpu(runtime):
        cuda.require_gpu()  # without one, TensorRT 8.6 does not refuse: it crashes
    engine, layers, used = build(job.sources["portable"] / "model.onnx", job.options)
    (job.out / "model.engine").write_bytes(engine)
    return {
        "versions": {runtime: version},
        "operators": dict(Counter("%s:%s" % (layer.kind, layer.dtype) for layer in layers)),
        "options": dict(job.options, **used),
        "layers": [layer._asdict() for layer in layers],
    }


if __name__ == "__main__":
    raise SystemExit(main(work, __doc__))
