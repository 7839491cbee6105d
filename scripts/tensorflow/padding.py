"""How ONNX and TensorFlow pad images: the same zeros, said differently.

ONNX names how many rows and columns are added on each side; TensorFlow knows `valid` (none) and `same`, which adds
what the image's size asks for, the odd one at the end. Standard library only.
"""

from typing import Any, Dict, List, NamedTuple, Optional, Sequence, Tuple

Side = Tuple[int, int]
"""How much is added before and after, along one dimension."""


class Window(NamedTuple):
    """What a convolution or a pooling looks at, along height and width."""

    kernel: List[int]
    strides: List[int]
    dilations: List[int]
    pads: List[Side]

    @classmethod
    def of(cls, attributes: Dict[str, Any], kernel: Sequence[int]) -> "Window":
        """From an operator's attributes; what is absent has ONNX's default.

        Raises ValueError, with the reason, for what neither padding of TensorFlow's can say or its kernels cannot do.
        """
        sides = len(kernel)
        auto = attributes.get("auto_pad", b"NOTSET").decode()
        if sides != 2:
            raise ValueError("it looks at %d dimensions, not at an image's height and width" % sides)
        if auto not in ("NOTSET", "VALID"):
            raise ValueError("auto_pad is %s" % auto)
        pads = attributes.get("pads", [0] * 2 * sides)
        window = cls(
            list(kernel),
            list(attributes.get("strides", [1] * sides)),
            list(attributes.get("dilations", [1] * sides)),
            list(zip(pads[:sides], pads[sides:])),
        )
        if max(window.strides) > 1 and max(window.dilations) > 1:
            raise ValueError("it has both strides and dilations")
        return window

    @property
    def is_padded(self) -> bool:
        return any(before or after for before, after in self.pads)

    def is_same(self, sizes: Sequence[Optional[int]]) -> bool:
        """Whether TensorFlow's `same` pads alike for an image of these sizes (None: not known)."""
        reaches = [(kernel - 1) * dilation + 1 for kernel, dilation in zip(self.kernel, self.dilations)]
        return all(
            size is not None and same(size, reach, stride) == pad
            for size, reach, stride, pad in zip(sizes, reaches, self.strides, self.pads)
        )


def same(size: int, reach: int, stride: int) -> Side:
    """What TensorFlow's `same` adds before and after `size` pixels; reach: of the kernel, dilation included."""
    total = max((-(-size // stride) - 1) * stride + reach - size, 0)
    return total // 2, total - total // 2
