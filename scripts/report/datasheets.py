"""What NVIDIA's data sheets promise: dense operations per second by precision, without sparsity.

Sources: NVIDIA's data sheets of the H100 (2023), H200 (2024), A100 (2021), A10 (2021), L4 and L40S (2023). Where they
give figures with sparsity, half of these.
"""


def _peaks(fp32: float, tf32: float, fp16: float, int8: float, fp8: float | None = None) -> dict[str, float]:
    """From tera-operations per second; bf16 is as fast as fp16 on all of them."""
    said = {"fp32": fp32, "tf32": tf32, "fp16": fp16, "bf16": fp16, "int8": int8, "fp8": fp8}
    return {name: value * 1e12 for name, value in said.items() if value}


SHEETS = {
    "NVIDIA H100 80GB HBM3": _peaks(67, 494.5, 989.5, 1979, 1979),
    "NVIDIA H100 PCIe": _peaks(51, 378, 756.5, 1513, 1513),
    "NVIDIA H100 NVL": _peaks(60, 417.5, 835.5, 1671, 1671),
    "NVIDIA H200": _peaks(67, 494.5, 989.5, 1979, 1979),
    "NVIDIA A100-SXM4-80GB": _peaks(19.5, 156, 312, 624),
    "NVIDIA A100-SXM4-40GB": _peaks(19.5, 156, 312, 624),
    "NVIDIA A100 80GB PCIe": _peaks(19.5, 156, 312, 624),
    "NVIDIA A10": _peaks(31.2, 62.5, 125, 250),
    "NVIDIA L4": _peaks(30.3, 60, 121, 242.5, 242.5),
    "NVIDIA L40S": _peaks(91.6, 183, 362, 733, 733),
}
"""By the name that the driver gives."""
