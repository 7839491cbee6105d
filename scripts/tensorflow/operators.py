"""What each operator of ONNX is in Keras: a function of the walk and the operator, which gives the output's tensor.

Each raises Unsupported for a form of its operator that Keras has not, or that no network here needed.
"""

from typing import Any, Callable, Dict

import numpy as np
from onnx import numpy_helper

from scripts.tensorflow.graph import Node, Walk, unsupported
from scripts.tensorflow.libraries import keras, layers
from scripts.tensorflow.padding import Window

IMAGE = 4
"""Dimensions of a batch of images."""
CHANNELS_LAST = {0: 0, 1: 3, 2: 1, 3: 2}
"""Where a dimension of [N, C, H, W] lies in [N, H, W, C]."""


def _window(node: Node, kernel: Any) -> Window:
    try:
        return Window.of(node.attributes, kernel)
    except ValueError as error:
        raise unsupported(node, str(error)) from error


def _with_weights(layer: Any, value: Any, *weights: Any) -> Any:
    """A layer's output on `value`; its weights are those that are not None."""
    made = layer(value)
    layer.set_weights([each for each in weights if each is not None])
    return made


def conv(walk: Walk, node: Node) -> Any:
    value, weights, bias = walk.tensor(node, 0), walk.constant(node, 1), walk.optional(node, 2)
    window = _window(node, weights.shape[2:])
    groups, channels = node.attributes.get("group", 1), value.shape[-1]
    padding = "same" if window.is_padded and window.is_same(value.shape[1:3]) else "valid"
    if window.is_padded and padding == "valid":
        value = layers.ZeroPadding2D(window.pads, name=node.name + "_pad")(value)
    common = dict(
        strides=window.strides, padding=padding, dilation_rate=window.dilations, use_bias=bias is not None,
        name=node.name,
    )  # fmt: skip
    if groups == channels and groups > 1:
        if len(set(window.strides)) > 1:
            raise unsupported(node, "it is depthwise with strides of %s" % window.strides)
        layer = layers.DepthwiseConv2D(window.kernel, depth_multiplier=weights.shape[0] // groups, **common)
        weights = weights.reshape(groups, -1, *window.kernel).transpose(2, 3, 0, 1)
    else:
        layer = layers.Conv2D(weights.shape[0], window.kernel, groups=groups, **common)
        weights = weights.transpose(2, 3, 1, 0)
    return _with_weights(layer, value, weights, bias)


def gemm(walk: Walk, node: Node) -> Any:
    if any(node.attributes.get(name, 1.0) != 1.0 for name in ("alpha", "beta")) or node.attributes.get("transA"):
        raise unsupported(node, "alpha, beta or transA is set")
    weights, bias = walk.constant(node, 1), walk.optional(node, 2)
    weights = weights.T if node.attributes.get("transB") else weights
    layer = layers.Dense(weights.shape[1], use_bias=bias is not None, name=node.name)
    return _with_weights(layer, walk.tensor(node, 0), weights, bias)


def batch_normalization(walk: Walk, node: Node) -> Any:
    layer = layers.BatchNormalization(epsilon=node.attributes.get("epsilon", 1e-5), name=node.name)
    made = layer(walk.tensor(node, 0), training=False)
    layer.set_weights([walk.constant(node, place) for place in range(1, 5)])
    return made


def clip(walk: Walk, node: Node) -> Any:
    low, high = (walk.optional(node, place) for place in (1, 2))
    if low is None or float(low) != 0.0:
        raise unsupported(node, "it does not start at 0")
    most = None if high is None else float(high)
    return layers.ReLU(max_value=most, name=node.name)(walk.tensor(node, 0))


def activation(name: str) -> Callable[[Walk, Node], Any]:
    """An operator that is one of Keras's activations."""
    return lambda walk, node: layers.Activation(name, name=node.name)(walk.tensor(node, 0))


def hard_sigmoid(walk: Walk, node: Node) -> Any:
    alpha, beta = node.attributes.get("alpha", 0.2), node.attributes.get("beta", 0.5)
    if abs(alpha - 1 / 6) > 1e-6 or beta != 0.5:
        raise unsupported(node, "Keras has it with alpha 1/6 and beta 1/2, here they are %g and %g" % (alpha, beta))
    return activation("hard_sigmoid")(walk, node)


def softmax(walk: Walk, node: Node) -> Any:
    value = walk.tensor(node, 0)
    if len(value.shape) == IMAGE or node.attributes.get("axis", -1) not in (-1, len(value.shape) - 1):
        raise unsupported(node, "it is not over the last dimension")
    return layers.Softmax(name=node.name)(value)


def merge(kind: Any) -> Callable[[Walk, Node], Any]:
    """An operator of two computed tensors, which Keras has as a layer."""
    return lambda walk, node: kind(name=node.name)([walk.tensor(node, place) for place in range(len(node.inputs))])


def concat(walk: Walk, node: Node) -> Any:
    values = [walk.tensor(node, place) for place in range(len(node.inputs))]
    sides = len(values[0].shape)
    axis = node.attributes["axis"] % sides
    return layers.Concatenate(CHANNELS_LAST[axis] if sides == IMAGE else axis, name=node.name)(values)


def mean(walk: Walk, node: Node) -> Any:
    value = walk.tensor(node, 0)
    if node.kind == "ReduceMean":
        given = walk.optional(node, 1)
        axes = list(node.attributes.get("axes", [])) if given is None else given.tolist()
        if len(value.shape) != IMAGE or sorted(axis % IMAGE for axis in axes) != [2, 3]:
            raise unsupported(node, "its axes are %s, not an image's height and width" % axes)
    keeps = bool(node.attributes.get("keepdims", 1))
    return layers.GlobalAveragePooling2D(keepdims=keeps, name=node.name)(value)


def max_pool(walk: Walk, node: Node) -> Any:
    """Padding never wins: where `same` pads otherwise, the least float is added."""
    value, window = walk.tensor(node, 0), _pooled(node)
    padding = "same" if window.is_padded and window.is_same(value.shape[1:3]) else "valid"
    if window.is_padded and padding == "valid":
        value = keras.ops.pad(value, [(0, 0), *window.pads, (0, 0)], constant_values=float(np.finfo("float32").min))
    return layers.MaxPooling2D(window.kernel, window.strides, padding, name=node.name)(value)


def average_pool(walk: Walk, node: Node) -> Any:
    """`same` leaves the padding out of the mean; zeros that are added before are counted."""
    value, window = walk.tensor(node, 0), _pooled(node)
    padding = "valid"
    if window.is_padded and node.attributes.get("count_include_pad"):
        value = layers.ZeroPadding2D(window.pads, name=node.name + "_pad")(value)
    elif window.is_padded:
        if not window.is_same(value.shape[1:3]):
            raise unsupported(node, "it pads by %s, and TensorFlow otherwise" % window.pads)
        padding = "same"
    return layers.AveragePooling2D(window.kernel, window.strides, padding, name=node.name)(value)


def _pooled(node: Node) -> Window:
    """What a pooling looks at."""
    window = _window(node, node.attributes["kernel_shape"])
    if node.attributes.get("ceil_mode") or max(window.dilations) > 1 or len(node.outputs) > 1:
        raise unsupported(node, "it rounds up, is dilated or tells indices")
    return window


def flatten(walk: Walk, node: Node) -> Any:
    """Everything but the batch in one dimension, in ONNX's order: channels before height and width."""
    value = walk.tensor(node, 0)
    target = walk.constant(node, 1).tolist() if node.kind == "Reshape" else [-1, -1]
    axis = node.attributes.get("axis", 1)
    if len(target) != 2 or target[0] > 0 or axis not in (1, 1 - len(value.shape)):
        raise unsupported(node, "it does more than to make each sample flat")
    if len(value.shape) == IMAGE and tuple(value.shape[1:3]) != (1, 1):
        value = layers.Permute((3, 1, 2), name=node.name + "_order")(value)
    return layers.Flatten(name=node.name)(value)


def identity(walk: Walk, node: Node) -> Any:
    return walk.values[node.inputs[0]]


def constant(walk: Walk, node: Node) -> Any:
    if "value" not in node.attributes:
        raise unsupported(node, "it is no tensor")
    return numpy_helper.to_array(node.attributes["value"])


OPERATORS: Dict[str, Callable[[Walk, Node], Any]] = {
    "Add": merge(layers.Add), "AveragePool": average_pool, "BatchNormalization": batch_normalization, "Clip": clip,
    "Concat": concat, "Constant": constant, "Conv": conv, "Dropout": identity, "Flatten": flatten, "Gemm": gemm,
    "GlobalAveragePool": mean, "HardSigmoid": hard_sigmoid, "HardSwish": activation("hard_silu"),
    "Identity": identity, "MaxPool": max_pool, "Mul": merge(layers.Multiply), "ReduceMean": mean,
    "Relu": activation("relu"), "Reshape": flatten, "Sigmoid": activation("sigmoid"), "Softmax": softmax,
    "Tanh": activation("tanh"),
}  # fmt: skip
