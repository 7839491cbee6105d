"""How devices are named: `cpu`, `cuda:0`; and a variant on GPUs. Standard library only, Python 3.8 on."""

GRAPHED = "cuda_graphs"
"""The variant whose requests are one CUDA graph."""


def is_gpu(device: str) -> bool:
    """Whether it is an NVIDIA GPU."""
    return device.startswith("cuda")


def number(device: str) -> int:
    """The GPU's number."""
    return int(device.split(":")[1])
