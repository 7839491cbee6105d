"""What XNNPACK reaches at its best on this CPU: a large fully connected layer in LiteRT, by precision.

Options: {"threads": 2}. No sources. The facts hold `peaks`: operations per second by precision, two for each
multiplication. ExecuTorch, which brings XNNPACK too, is held against it. There is none for fp16: LiteRT computes such
networks in float32, ExecuTorch does not.
"""

from importlib.metadata import version
from typing import Any, Callable

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as tfl
from ai_edge_litert.interpreter import Interpreter

from scripts.core.verb import Facts, Job, Unsupported, main
from scripts.litert.layers import DELEGATE
from scripts.measure.products import Product, peaks

INPUT, WEIGHTS, OUTPUT = range(3)
TYPES = {"float32": tfl.TensorType.FLOAT32, "int8": tfl.TensorType.INT8}
VERSION = {"float32": 1, "int8": 4}
"""Of the operator FULLY_CONNECTED: what LiteRT's own converter writes for that type."""
IDENTIFIER = b"TFL3"


def _product(dtype: str, threads: int) -> Product:
    def product(side: int) -> Callable[[], Any]:
        interpreter = Interpreter(model_content=layer(dtype, side), num_threads=threads)
        interpreter.allocate_tensors()
        kinds = [operator["op_name"] for operator in interpreter._get_ops_details()]
        if DELEGATE not in kinds:
            raise Unsupported("XNNPACK does not take the layer: %s" % ", ".join(kinds))
        interpreter.set_tensor(INPUT, _matrix(dtype, side))
        return lambda: interpreter.invoke()

    return product


def layer(dtype: str, side: int) -> bytes:
    """A TFLite file of one fully connected layer without bias: as many inputs, outputs and rows as `side`."""
    quantised = None if dtype == "float32" else tfl.QuantizationParametersT(scale=[1.0], zeroPoint=[0])
    tensors = [
        tfl.TensorT(
            shape=[side, side], type=TYPES[dtype], buffer=buffer, name=name, quantization=quantised, hasRank=True
        )
        for buffer, name in ((0, "input"), (1, "weights"), (0, "output"))
    ]
    operator = tfl.OperatorT(
        opcodeIndex=0, inputs=[INPUT, WEIGHTS, -1], outputs=[OUTPUT],
        builtinOptionsType=tfl.BuiltinOptions.FullyConnectedOptions, builtinOptions=tfl.FullyConnectedOptionsT(),
    )  # fmt: skip
    code = tfl.BuiltinOperator.FULLY_CONNECTED
    model = tfl.ModelT(
        version=3, description="product",
        operatorCodes=[tfl.OperatorCodeT(deprecatedBuiltinCode=code, builtinCode=code, version=VERSION[dtype])],
        subgraphs=[tfl.SubGraphT(tensors=tensors, inputs=[INPUT], outputs=[OUTPUT], operators=[operator])],
        buffers=[tfl.BufferT(), tfl.BufferT(data=_matrix(dtype, side).view(np.uint8).ravel())],
    )  # fmt: skip
    builder = flatbuffers.Builder(side * side * 4)
    builder.Finish(model.Pack(builder), IDENTIFIER)
    return bytes(builder.Output())


def _matrix(dtype: str, side: int) -> np.ndarray:
    random = np.random.default_rng(0)
    if dtype == "int8":
        return random.integers(-127, 127, (side, side)).astype(np.int8)
    return random.standard_normal((side, side)).astype(np.float32)


def measure(job: Job) -> Facts:
    products = {"fp32": _product("float32", job.options["threads"]), "int8": _product("int8", job.options["threads"])}
    return {"versions": {"ai-edge-litert": version("ai-edge-litert")}, "peaks": peaks(products)}


if __name__ == "__main__":
    raise SystemExit(main(measure, __doc__))
