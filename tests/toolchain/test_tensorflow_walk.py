"""Each operator that is carried over from ONNX to Keras, against ONNX's own reference of what it means."""

import json

WALK = """
import json, pathlib, sys
import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator
from scripts.core.verb import Unsupported
from scripts.tensorflow.walk import network

random = np.random.default_rng(0)
file = pathlib.Path(sys.argv[1]) / "model.onnx"

def weights(*shape):
    return random.standard_normal(shape).astype("float32")

def model(nodes, constants, shape):
    graph = helper.make_graph(
        nodes, "g", [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", *shape])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)]), file)

def error(nodes, constants, shape):
    model(nodes, constants, shape)
    x = weights(2, *shape)
    want = ReferenceEvaluator(str(file)).run(None, {"x": x})[0]
    given = x.transpose(0, 2, 3, 1) if x.ndim == 4 else x
    got = np.asarray(network(file)({"x": given})["y"])
    got = got.transpose(0, 3, 1, 2) if got.ndim == 4 else got
    return float(abs(got - want).max()) if got.shape == want.shape else [list(got.shape), list(want.shape)]

def one(kind, constants=(), shape=(4, 9, 12), **attributes):
    names = ["w%d" % place for place in range(len(constants))]
    return [helper.make_node(kind, ["x", *names], ["y"], **attributes)], dict(zip(names, constants)), shape

i8 = lambda *values: np.array(values, "int64")
f4 = lambda value: np.array(value, "float32")
AT_BATCH_NORM = [abs(weights(4)), weights(4), weights(4), abs(weights(4))]
CASES = {
    "convolution": one("Conv", [weights(6, 4, 3, 3), weights(6)], pads=[1, 1, 1, 1]),
    "strides on an even and an odd side": one("Conv", [weights(6, 4, 3, 3)], pads=[1, 1, 1, 1], strides=[2, 2]),
    "one-sided padding": one("Conv", [weights(6, 4, 3, 3)], pads=[0, 0, 1, 1], strides=[2, 2]),
    "uneven kernel": one("Conv", [weights(6, 4, 1, 5)], pads=[0, 2, 0, 2], strides=[1, 2]),
    "dilation": one("Conv", [weights(6, 4, 3, 3)], pads=[2, 2, 2, 2], dilations=[2, 2]),
    "groups": one("Conv", [weights(6, 2, 3, 3)], group=2, pads=[1, 1, 1, 1]),
    "depthwise": one("Conv", [weights(4, 1, 3, 3), weights(4)], group=4, pads=[1, 1, 1, 1], strides=[2, 2]),
    "depthwise, two filters each": one("Conv", [weights(8, 1, 5, 5)], group=4, pads=[2, 2, 2, 2]),
    "batch normalisation": one("BatchNormalization", AT_BATCH_NORM, epsilon=1e-3),
    "maximum, padded, of negative values": one("MaxPool", shape=(4, 10, 12), kernel_shape=[3, 3], pads=[1, 1, 1, 1],
                                               strides=[2, 2]),
    "mean": one("AveragePool", kernel_shape=[2, 2], strides=[2, 2]),
    "mean without its padding": one("AveragePool", kernel_shape=[3, 3], pads=[1, 1, 1, 1]),
    "mean with its padding": one("AveragePool", kernel_shape=[3, 3], pads=[1, 1, 1, 1], strides=[2, 2],
                                 count_include_pad=1),
    "mean of an image": one("ReduceMean", [i8(-1, -2)], keepdims=1),
    "mean of an image, flat": one("ReduceMean", [i8(2, 3)], keepdims=0),
    "global mean": one("GlobalAveragePool"),
    "flatten: channels first": one("Flatten"),
    "reshape: channels first": one("Reshape", [i8(-1, 432)]),
    "dense": one("Gemm", [weights(5, 7), weights(5)], shape=(7,), transB=1),
    "relu6": one("Clip", [f4(0), f4(6)]),
    "hard swish": one("HardSwish"),
    "hard sigmoid": one("HardSigmoid", alpha=1 / 6),
    "sigmoid": one("Sigmoid"),
    "tanh": one("Tanh"),
    "softmax": one("Softmax", shape=(7,)),
    "squeeze and excite": (
        [helper.make_node("GlobalAveragePool", ["x"], ["m"]),
         helper.make_node("HardSigmoid", ["m"], ["s"], alpha=1 / 6),
         helper.make_node("Mul", ["s", "x"], ["y"])], {}, (4, 9, 12),
    ),
    "concatenation of channels": (
        [helper.make_node("Relu", ["x"], ["r"]), helper.make_node("Concat", ["x", "r"], ["y"], axis=1)], {}, (4, 9, 12),
    ),
    "sum": ([helper.make_node("Relu", ["x"], ["r"]), helper.make_node("Add", ["x", "r"], ["y"])], {}, (4, 9, 12)),
}
REFUSED = {
    "unknown": one("CumSum", [np.array(1, "int64")]),
    "rounding up": one("MaxPool", kernel_shape=[2, 2], strides=[2, 2], ceil_mode=1),
    "mean over channels": one("ReduceMean", [i8(1)]),
    "below zero": one("Clip", [f4(-1), f4(1)]),
    "sound": one("Conv", [weights(6, 4, 3)], shape=(4, 20)),
}

def refusal(case):
    model(*case)
    try:
        network(file)
    except Unsupported as reason:
        return str(reason)

print(json.dumps({
    "errors": {name: error(*case) for name, case in CASES.items()},
    "refused": {name: refusal(case) for name, case in REFUSED.items()},
}))
"""


def test_operators_are_carried_over_exactly_or_refused_by_name(python, tmp_path):
    said = json.loads(python("tensorflow_convert", WALK, str(tmp_path)).stdout.splitlines()[-1])
    assert len(said["errors"]) >= 28
    assert {name: error for name, error in said["errors"].items() if not isinstance(error, float) or error > 2e-5} == {}
    begins = "Keras: the operator %s cannot be carried over from ONNX: "
    unknown = said["refused"].pop("unknown")
    assert unknown.startswith(begins % "CumSum (cumsum_0)" + "known are Add, AveragePool, ")
    assert said["refused"] == {
        "rounding up": begins % "MaxPool (maxpool_0)" + "it rounds up, is dilated or tells indices",
        "mean over channels": begins % "ReduceMean (reducemean_0)"
        + "its axes are [1], not an image's height and width",
        "below zero": begins % "Clip (clip_0)" + "it does not start at 0",
        "sound": begins % "Conv (conv_0)" + "it looks at 1 dimensions, not at an image's height and width",
    }
