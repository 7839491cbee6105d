"""What a candidate must hold to count as right, by precision. Standard library only, Python 3.8 on."""

from typing import Any, Dict, NamedTuple, Optional


class Floor(NamedTuple):
    """The least signal-to-quantisation-noise ratio in dB, and the least top-1 agreement with the fp32 reference."""

    sqnr_db: float
    top1_agreement: float


FLOORS = {"fp32": Floor(sqnr_db=80.0, top1_agreement=1.0)}
"""fp32 differs from the reference by rounding alone: re-ordered sums of these networks stay above 100 dB."""


def judge(precision: str, trained: bool, sqnr_db: Optional[float], top1_agreement: Optional[float]) -> Dict[str, Any]:
    """The verdict `gate` (pass, numeric, fail) and `gated`: each figure with its limit.

    Agreement of untrained weights means nothing: they are gated on numbers alone, and `numeric` says so.
    The same holds for a network that does not classify (`top1_agreement` is None).
    """
    floor = FLOORS[precision]
    gated = {"sqnr_db": _check(sqnr_db, floor.sqnr_db)}
    by_class = trained and top1_agreement is not None
    if by_class:
        gated["top1_agreement"] = _check(top1_agreement, floor.top1_agreement)
    right = all(check["ok"] for check in gated.values())
    return {"gate": ("pass" if by_class else "numeric") if right else "fail", "gated": gated}


def _check(value: Optional[float], limit: float) -> Dict[str, Any]:
    return {"value": value, "limit": limit, "ok": value is not None and value >= limit}
