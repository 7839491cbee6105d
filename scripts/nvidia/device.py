"""How devices are named: `cpu`, `cuda:0`; and a variant on GPUs. Standard library only, Python 3.8 on."""

import os

GRAPHED = "cuda_graphs"
"""The variant whose requests are one CUDA graph."""


def is_gpu(device: str) -> bool:
    """Whether it is an NVIDIA GPU."""
    return device.startswith("cuda")


def number(device: str) -> int:
    """The GPU's number."""
    return int(device.split(":")[1])


def named(device: str) -> str:
    """What the driver's tools call the GPU: its index or UUID in CUDA_VISIBLE_DEVICES, else its number.

    CUDA counts what that variable shows, NVML and nvidia-smi count all (CUDA Programming Guide, its variables).
    """
    shown = [entry.strip() for entry in os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",")]
    index = number(device)
    return shown[index] if index < len(shown) and shown[index] else str(index)
