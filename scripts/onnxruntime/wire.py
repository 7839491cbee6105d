"""An ONNX file of one node, written byte by byte: the environment that runs ONNX Runtime has no onnx package.

A message of protobuf is a row of fields, each a key (number and kind), then a number or a length and so many bytes.
Field numbers are those of onnx.proto3 (ONNX 1.16), element types those of its TensorProto.DataType.
"""

import numpy as np

INPUT, WEIGHTS, OUTPUT = "a", "b", "c"
IR_VERSION, OPSET = 8, 17
TYPES = {"float32": 1, "uint8": 2, "int8": 3, "int32": 6, "float16": 10}


def _varint(value: int) -> bytes:
    """Seven bits a byte, the lowest first; the eighth says that more follow."""
    found = bytearray()
    while value > 0x7F:
        found.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes(found) + bytes([value])


def _number(field: int, value: int) -> bytes:
    return _varint(field << 3) + _varint(value)


def _bytes(field: int, value: bytes) -> bytes:
    return _varint(field << 3 | 2) + _varint(len(value)) + value


def _text(field: int, value: str) -> bytes:
    return _bytes(field, value.encode())


def _value(name: str, dtype: str, side: int) -> bytes:
    """A ValueInfoProto: a square matrix."""
    dimension = _bytes(1, _number(1, side))
    tensor = _number(1, TYPES[dtype]) + _bytes(2, dimension * 2)
    return _text(1, name) + _bytes(2, _bytes(1, tensor))


def product(operator: str, given: str, weights: np.ndarray, made: str) -> bytes:
    """A model of one node: OUTPUT = `operator`(INPUT, WEIGHTS).

    given, made: element types of input and output, as NumPy names them; weights: a square matrix, kept in the file.
    """
    side = len(weights)
    node = _text(1, INPUT) + _text(1, WEIGHTS) + _text(2, OUTPUT) + _text(4, operator)
    kept = (
        _number(1, side) * 2 + _number(2, TYPES[weights.dtype.name]) + _text(8, WEIGHTS) + _bytes(9, weights.tobytes())
    )
    graph = _bytes(1, node) + _text(2, "product") + _bytes(5, kept)
    graph += _bytes(11, _value(INPUT, given, side)) + _bytes(12, _value(OUTPUT, made, side))
    return _number(1, IR_VERSION) + _bytes(8, _number(2, OPSET)) + _bytes(7, graph)
