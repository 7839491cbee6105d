"""One colour per runtime, the same in every figure, told apart with any common colour blindness.

Hues after Okabe and Ito (2008) and Paul Tol's "muted" scheme, of middle lightness: they stand on white and on black.
The marked colours are replaced by the page's own where a figure is part of it, so that it follows a dark page.
"""

RUNTIME = {
    "pytorch": "#D55E00",
    "torchscript": "#E69F00",
    "torch_compile": "#CC6677",
    "aotinductor": "#AA4499",
    "onnxruntime": "#0072B2",
    "openvino": "#56B4E9",
    "litert": "#009E73",
    "executorch": "#999933",
    "tensorrt": "#44AA99",
    "tensorrt_typed": "#2E8074",
    "tensorrt_rtx": "#7BB661",
    "torch_tensorrt": "#8C6BB1",
    "tensorflow": "#B07D48",
    "tensorflow_xla": "#8A8F3C",
    "keras": "#C25B8A",
    "keras_xla": "#6F8FAF",
}
OTHER = "#7F7F7F"

INK, MUTED, GRID, PAPER = "#1B2129", "#5E6875", "#DFE3E8", "#FFFFFE"
PAGE = {INK: "var(--ink)", MUTED: "var(--muted)", GRID: "var(--line)", PAPER: "none"}


def colour(runtime: str) -> str:
    """The runtime's colour; grey for one that has none yet."""
    return RUNTIME.get(runtime, OTHER)
