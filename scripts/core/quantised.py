"""Asked for int8: is anything quantised? The same words in every room. Standard library only, Python 3.8 on."""

from typing import Optional

INT8 = ("int8", "int8_dynamic")


def float_after_all(precision: str, quantised: int) -> Optional[str]:
    """Why an int8 request is degraded: none of the kernels compute in integers. None if some do, or none were asked.

    precision: as asked; quantised: how many kernels compute in integers.
    """
    if precision not in INT8 or quantised:
        return None
    return "asked for %s, nothing is quantised" % precision


def with_quantised(summary: str, precision: str, quantised: int) -> str:
    """A placement's phrase, and how many kernels are quantised where that was asked or is so."""
    return "%s, %d quantised" % (summary, quantised) if precision in INT8 or quantised else summary
