"""What NVIDIA's data sheets promise: dense operations per second (no sparsity), and bytes per second of memory.

Sources: NVIDIA's data sheets of the H100 (2023), H200 (2024), A100 (2021), A10 (2021), L4 and L40S (2023). Where they
give figures with sparsity, half of these.
"""

from typing import NamedTuple


class Sheet(NamedTuple):
    """One GPU: operations per second by precision, bytes per second."""

    peaks: dict[str, float]
    bandwidth: float


def _sheet(bandwidth: float, fp32: float, tf32: float, fp16: float, int8: float, fp8: float | None = None) -> Sheet:
    """From terabytes and tera-operations per second; bf16 is as fast as fp16 on all of them."""
    said = {"fp32": fp32, "tf32": tf32, "fp16": fp16, "bf16": fp16, "int8": int8, "fp8": fp8}
    return Sheet({name: value * 1e12 for name, value in said.items() if value}, bandwidth * 1e12)


SHEETS = {
    "NVIDIA H100 80GB HBM3": _sheet(3.35, 67, 494.5, 989.5, 1979, 1979),
    "NVIDIA H100 PCIe": _sheet(2.0, 51, 378, 756.5, 1513, 1513),
    "NVIDIA H100 NVL": _sheet(3.9, 60, 417.5, 835.5, 1671, 1671),
    "NVIDIA H200": _sheet(4.8, 67, 494.5, 989.5, 1979, 1979),
    "NVIDIA A100-SXM4-80GB": _sheet(2.039, 19.5, 156, 312, 624),
    "NVIDIA A100-SXM4-40GB": _sheet(1.555, 19.5, 156, 312, 624),
    "NVIDIA A100 80GB PCIe": _sheet(1.935, 19.5, 156, 312, 624),
    "NVIDIA A10": _sheet(0.6, 31.2, 62.5, 125, 250),
    "NVIDIA L4": _sheet(0.3, 30.3, 60, 121, 242.5, 242.5),
    "NVIDIA L40S": _sheet(0.864, 91.6, 183, 362, 733, 733),
}
"""By the name that the driver gives."""
