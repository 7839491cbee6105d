"""How devices are named: `cpu`, `cuda:0`. Standard library only, Python 3.8 on."""


def is_gpu(device: str) -> bool:
    """Whether it is an NVIDIA GPU."""
    return device.startswith("cuda")


def number(device: str) -> int:
    """The GPU's number."""
    return int(device.split(":")[1])
