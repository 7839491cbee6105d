"""Build a TensorRT engine for one batch, or with `profile` for a range of them: `model.engine`.

Source: `portable`, a folder with `model.onnx`, whose dtypes are the engine's: it is strongly typed. TensorRT builds on
the GPU that will run the engine. TensorRT for RTX builds for the GPU named by the option `target` ("sm86", ...), with
or without a GPU here. Beside the engine lie the network's multiplications by layer, for the session, and the recipe of
a quantised one. Facts hold the engine's `layers` and the share of `multiplications` by dtype beside the usual.
"""

from collections import Counter
from pathlib import Path
from time import monotonic
from typing import Any, Dict, List, NamedTuple, Optional, Tuple

from scripts.core import quantised
from scripts.core.verb import Facts, Job, Unsupported, main
from scripts.nvidia import cuda
from scripts.tensorrt import calibrator, layers, ranges, versions

TIMING = "timing.cache"
"""In the compiler's own cache: how fast kernels were when an earlier build tried them on this GPU."""
DEFAULT_TARGET = "sm86"
LEAST = {"bf16": 80, "fp8": 89}
"""The least compute capability, times ten, that computes in a precision at all."""


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


def free_inputs(network: Any) -> List[Any]:
    """The inputs whose first dimension, the batch, is free."""
    inputs = [network.get_input(index) for index in range(network.num_inputs)]
    return [tensor for tensor in inputs if tensor.shape[0] == -1]


def fix_size(network: Any, image_size: Optional[int]) -> None:
    """Set the sides of images where they are free: an engine serves one size."""
    for tensor in free_inputs(network):
        tensor.shape = (-1,) + tuple(image_size if side == -1 else side for side in tuple(tensor.shape)[1:])


def fix_batch(network: Any, batch: int) -> None:
    """Set the free first dimension of every input to `batch`: all contexts may then share the one engine."""
    for tensor in free_inputs(network):
        tensor.shape = (batch,) + tuple(tensor.shape)[1:]


def profiled(builder: Any, network: Any, batches: "List[int]") -> Any:
    """An optimisation profile for the least, the usual and the greatest batch; kernels are chosen for the usual one."""
    profile = builder.create_optimization_profile()
    for tensor in free_inputs(network):
        profile.set_shape(tensor.name, *((batch,) + tuple(tensor.shape)[1:] for batch in batches))
    return profile


def configure(builder: Any, options: "Dict[str, Any]") -> "Tuple[Any, Dict[str, Any]]":
    """The builder's configuration for these options, and what was decided, for the record."""
    trt = versions.trt
    config = builder.create_builder_config()
    config.profiling_verbosity = trt.ProfilingVerbosity.DETAILED  # the report of layers; it costs no time at run time
    config.builder_optimization_level = options.get("optimization_level", config.builder_optimization_level)
    if options.get("workspace_mb"):
        config.set_memory_pool_limit(trt.MemoryPoolType.WORKSPACE, int(options["workspace_mb"] * 1e6))
    versions.allow(config, options["runtime"], options["precision"])
    target = None
    if versions.builds_without_gpu(options["runtime"]):
        target = options["target"] or DEFAULT_TARGET
        require_precision(options["precision"], target)
        versions.set_target(config, target)
    used = {
        "target": target,
        "tf32": config.get_flag(trt.BuilderFlag.TF32),
        "strongly_typed": versions.strongly_typed(options["runtime"]),
        "optimization_level": config.builder_optimization_level,
        "workspace_bytes": config.get_memory_pool_limit(trt.MemoryPoolType.WORKSPACE),
    }
    return config, used


def require_precision(precision: str, target: str) -> None:
    """Raises Unsupported, saying which targets can, where a GPU like `target` does not compute in `precision`."""
    least = LEAST.get(precision, 0)
    if int(target[2:]) < least:
        able = ", ".join(name for name in versions.targets() if int(name[2:]) >= least)
        raise Unsupported(
            "%s takes a GPU of compute capability %.1f or newer, and the target is %s; set tensorrt_rtx.target to one "
            "of %s" % (precision, least / 10, target, able)
        )


def warm(config: Any, kept: Optional[Path]) -> bool:
    """Let the builder look up what an earlier build timed and left in `kept`; whether it can.

    TensorRT refuses times of another GPU, driver or version: it then starts anew.
    """
    if kept is None:
        return False
    known = (kept / TIMING).read_bytes() if (kept / TIMING).is_file() else b""
    timing = config.create_timing_cache(known) if known else None
    is_known = timing is not None and config.set_timing_cache(timing, False)
    if not is_known:
        config.set_timing_cache(config.create_timing_cache(b""), False)
    return bool(is_known)


def leave(config: Any, kept: Optional[Path]) -> None:
    """Leave what was timed in `kept`, for the next build."""
    if kept is not None:
        (kept / TIMING).write_bytes(bytes(config.get_timing_cache().serialize()))


class Told:
    """Prints what was reached, and how long it took since the last time: where a build's time goes, for its log."""

    def __init__(self) -> None:
        self._last = monotonic()

    def __call__(self, what: str) -> None:
        now = monotonic()
        print("%s: %.1f s" % (what, now - self._last), flush=True)
        self._last = now


class Built(NamedTuple):
    """An engine's bytes, its layers, the network's multiplications, and what was decided."""

    engine: bytes
    found: "List[layers.Layer]"
    table: layers.Table
    used: "Dict[str, Any]"
    was_warm: bool


def build(source: Path, options: "Dict[str, Any]", kept: Optional[Path] = None) -> Built:
    """Build it. Raises RuntimeError in TensorRT's words if it cannot."""
    log, told = versions.logger(), Told()
    builder = versions.trt.Builder(log)
    told("the builder is there")
    network = versions.create_network(builder, options["runtime"])
    parse(source, network, log)
    fix_size(network, options.get("image_size"))
    batches = options.get("profile")
    usual = {tensor.name: (batches[1],) + tuple(tensor.shape)[1:] for tensor in free_inputs(network)} if batches else {}
    if not batches:
        fix_batch(network, options["batch"])
    table = layers.multiplications(network)
    config, used = configure(builder, options)
    if batches:
        config.add_optimization_profile(profiled(builder, network, batches))
    finder = None
    if options.get("variant") == ranges.VARIANT:
        config.int8_calibrator = finder = calibrator.calibrator(source.parent, network, options)
        used["calibrator"] = ranges.kind_of(options["calibration"])
    was_warm = warm(config, kept)
    told("the graph is read")
    engine = builder.build_serialized_network(network, config)
    if finder:
        finder.close()
    if engine is None:
        raise RuntimeError("TensorRT built no engine: %s" % versions.complaints(log))
    told("the engine is built")
    leave(config, kept)
    data = bytes(engine)
    if versions.builds_without_gpu(options["runtime"]):
        return Built(data, layers.as_built(log), table, used, was_warm)
    runtime = versions.trt.Runtime(log)  # it must outlive its engines
    loaded = runtime.deserialize_cuda_engine(data)
    context = loaded.create_execution_context()
    for name, shape in usual.items():
        context.set_input_shape(name, shape)
    for index in range(loaded.num_io_tensors if usual else 0):
        context.get_tensor_shape(loaded.get_tensor_name(index))  # 8.6 works shapes out when it is asked for them
    found = layers.of_engine(loaded, context)
    told("its layers are listed")
    del context, loaded
    return Built(data, found, table, used, was_warm)


def work(job: Job) -> Facts:
    runtime = job.options["runtime"]
    version = versions.require(runtime)
    if not versions.builds_without_gpu(runtime):
        cuda.require_gpu()  # without one, TensorRT 8.6 does not refuse: it crashes
    source = job.sources["portable"]
    built = build(source / "model.onnx", job.options, job.cache)
    (job.out / "model.engine").write_bytes(built.engine)
    layers.save(built.table, job.out)
    quantised.carry(source, job.out)
    done, recipe = layers.shares(built.found, built.table), quantised.Recipe.read(source)
    precision = job.options["precision"]
    # Of a range of batches an engine may not tell its layers' types: then the session judges, which asks for one batch.
    is_open = precision in layers.FLOAT32 or not any(layer.dtype in layers.KNOWN for layer in built.found)
    degraded = None if is_open else layers.not_as_asked(precision, done, built.table, recipe)
    return {
        "versions": {runtime: version},
        "warmth": "warm" if built.was_warm else "cold",
        "operators": dict(Counter("%s:%s" % (layer.kind, layer.dtype) for layer in built.found)),
        "options": dict(job.options, **built.used),
        "layers": [layer._asdict() for layer in built.found],
        "multiplications": done.by_dtype,
        **({"status": "degraded", "reason": degraded} if degraded else {}),
    }


if __name__ == "__main__":
    raise SystemExit(main(work, __doc__))
