"""TensorFlow's `same` is taken for ONNX's padding exactly where both add the same rows and columns."""

from typing import Any

import pytest

from scripts.tensorflow.padding import Window, same


def window(kernel: int = 3, **attributes: Any) -> Window:
    return Window.of(attributes, [kernel, kernel])


@pytest.mark.parametrize("size", range(1, 12))
@pytest.mark.parametrize("reach", [1, 2, 3, 5, 7])
@pytest.mark.parametrize("stride", [1, 2, 3])
def test_same_gives_one_output_per_stride_and_adds_no_more_than_that_takes(size: int, reach: int, stride: int) -> None:
    before, after = same(size, reach, stride)
    outputs = (size + before + after - reach) // stride + 1
    assert outputs == -(-size // stride)
    assert before <= after <= before + 1
    if before + after:  # a row less would lose an output
        assert (size + before + after - 1 - reach) // stride + 1 < outputs


@pytest.mark.parametrize(
    ("pads", "stride", "size", "alike"),
    [
        ([1, 1, 1, 1], 1, 56, True),
        ([1, 1, 1, 1], 2, 56, False),  # PyTorch's padding: `same` would add nothing at the top and left
        ([1, 1, 1, 1], 2, 57, True),
        ([0, 0, 1, 1], 2, 56, True),  # TensorFlow's own, which EfficientNet-Lite has
        ([0, 0, 1, 1], 2, 57, False),
        ([1, 1, 1, 1], 1, None, False),  # a size that is not known: the zeros are added, which is always right
    ],
)
def test_same_is_taken_where_it_pads_alike(pads: list[int], stride: int, size: int | None, alike: bool) -> None:
    assert window(pads=pads, strides=[stride, stride]).is_same([size, size]) is alike


def test_height_and_width_are_told_apart() -> None:
    uneven = Window.of({"pads": [1, 0, 1, 0]}, [3, 1])  # top, left, bottom, right
    assert uneven.pads == [(1, 1), (0, 0)] and uneven.is_padded and uneven.is_same([8, 8])
    assert not Window.of({"pads": [0, 1, 0, 1]}, [3, 1]).is_same([8, 8])


def test_a_dilated_kernel_reaches_further() -> None:
    assert window(pads=[2, 2, 2, 2], dilations=[2, 2]).is_same([16, 16])
    assert not window(pads=[1, 1, 1, 1], dilations=[2, 2]).is_same([16, 16])


@pytest.mark.parametrize(
    ("kernel", "attributes", "reason"),
    [
        ([3], {}, "it looks at 1 dimensions, not at an image's height and width"),
        ([3, 3], {"auto_pad": b"SAME_LOWER"}, "auto_pad is SAME_LOWER"),
        ([3, 3], {"strides": [2, 2], "dilations": [2, 2]}, "it has both strides and dilations"),
    ],
)
def test_what_tensorflow_cannot_do_is_refused(kernel: list[int], attributes: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValueError) as caught:
        Window.of(attributes, kernel)
    assert str(caught.value) == reason
