"""TensorRT and TensorRT for RTX behind the door: an engine, its execution context, and page-locked buffers.

A sample is the host's array copied into page-locked memory and to the GPU (`put`), one run (`execute`), and the copy
back (`get`), each synchronised, so that each step's time is its own. It takes an NVIDIA GPU.
"""

from pathlib import Path
from typing import Any, Dict, Optional

from scripts.core.door import Options, Placement, Session
from scripts.core.quantised import Recipe
from scripts.core.verb import Unsupported
from scripts.nvidia import cuda, device
from scripts.nvidia.session import BufferedSession
from scripts.tensorrt import layers, versions

DTYPES = {
    "FLOAT": "float32",
    "HALF": "float16",
    "INT8": "int8",
    "INT32": "int32",
    "INT64": "int64",
    "UINT8": "uint8",
    "BOOL": "bool",
}
"""NumPy's names for TensorRT's dtypes. (Its own table fails in 8.6 with NumPy from 1.24 on.)"""
NARROW = ("float16", "bfloat16", "float8", "int8")


def open(artifact: Path, options: Dict[str, Any]) -> Session:
    """Load `model.engine` from `artifact`. Raises Unsupported without the library, a GPU, or the right GPU."""
    asked = Options.of(options)
    version = versions.require(asked.runtime)
    gpu = cuda.use(device.number(asked.device))  # first: without a GPU, TensorRT 8.6 does not refuse, it crashes
    log = versions.logger()
    runtime = versions.trt.Runtime(log)
    engine = runtime.deserialize_cuda_engine((artifact / "model.engine").read_bytes())
    if engine is None:
        raise Unsupported(
            "%s %s cannot run this engine on %s: %s"
            % (versions.TITLES[versions.library_of(asked.runtime)], version, gpu, versions.complaints(log))
        )
    return TensorRT(engine, asked, gpu, (runtime, log, artifact))


class TensorRT(BufferedSession):
    """One execution context with its own stream and buffers; clones share the engine.

    keep: what must outlive the engine (its runtime, the log), and the folder that it came from.
    """

    def __init__(self, engine: Any, options: Options, gpu: str, keep: Any) -> None:
        super().__init__()
        self._engine, self._options, self._gpu, self._keep = engine, options, gpu, keep
        self._context = engine.create_execution_context()
        if self._context is None:
            raise RuntimeError("TensorRT made no execution context: %s" % versions.complaints(keep[1]))
        self._graph: Optional[cuda.Graph] = None
        for name in options.inputs:
            self._settle(name)
        inputs, outputs = ({name: self._buffer(name) for name in names} for names in (options.inputs, options.outputs))
        self.take(inputs, outputs)

    def _settle(self, name: str) -> None:
        """Tell an engine that serves many batches which one comes."""
        shape = tuple(self._engine.get_tensor_shape(name))
        if shape[0] != -1:
            return
        if not self._context.set_input_shape(name, (self._options.batch,) + shape[1:]):
            least, _, most = (entry[0] for entry in self._engine.get_tensor_profile_shape(name, 0))
            raise Unsupported("this engine serves batches from %d to %d (tensorrt.profile)" % (least, most))

    def _buffer(self, name: str) -> cuda.Buffer:
        """A buffer for the tensor `name`, which the context will read or write."""
        shape = tuple(self._context.get_tensor_shape(name))
        buffer = cuda.Buffer(shape, DTYPES[self._engine.get_tensor_dtype(name).name])
        self._context.set_tensor_address(name, buffer.address)
        return buffer

    def execute(self) -> None:
        if self._options.variant == device.GRAPHED and self._graph is None:
            self._queue()  # what TensorRT sets up at the first run must be no part of the graph
            self._stream.wait()
            self._graph = cuda.Graph(self._stream, self._queue)
        super().execute()

    def run(self) -> None:
        if self._graph is not None:
            self._graph.launch()
        else:
            self._queue()

    def _queue(self) -> None:
        if not self._context.execute_async_v3(self._stream.handle):
            raise RuntimeError("TensorRT did not run the engine: %s" % versions.complaints(self._keep[1]))

    def clone(self) -> Session:
        if any(self._engine.get_tensor_shape(name)[0] == -1 for name in self._options.inputs):
            raise NotImplementedError("contexts of one engine cannot share an optimisation profile")
        return TensorRT(self._engine, self._options, self._gpu, self._keep)

    def placement(self) -> Placement:
        """The engine's layers by dtype; degraded if it multiplies less in what was asked for than the graph declares.

        An fp32 engine is degraded by any layer that computes in a narrower dtype.
        """
        precision, folder = self._options.precision, self._keep[2]
        found, table = layers.of_engine(self._engine, self._context), layers.load(folder)
        summary = "%s: %s" % (self._gpu, layers.summary(found))
        done = layers.shares(found, table)
        if precision in layers.FLOAT32:
            narrow = sum(layer.dtype in NARROW for layer in found)
            reason = "asked for float32, and %d layers are narrower: %s" % (narrow, summary) if narrow else None
        else:
            reason = layers.not_as_asked(precision, done, table, Recipe.read(folder))
        return Placement(summary, 1.0, reason, done.by_dtype.get("int8", 0.0))

    def close(self) -> None:
        if self._graph is not None:
            self._graph.close()
        super().close()
        del self._context, self._engine, self._keep
