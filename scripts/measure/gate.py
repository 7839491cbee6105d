"""What a candidate must hold to count as right, by precision. Standard library only, Python 3.8 on."""

import math
from typing import Any, Dict, NamedTuple, Optional


class Floor(NamedTuple):
    """The limits of one precision.

    sqnr_db:         least signal-to-quantisation-noise ratio of the outputs, dB
    top1_agreement:  least share of photos on which the first class is the fp32 reference's
    loss:            greatest share of the labelled photos that it may get wrong, net, where the reference is right
    lossless:        no loss is expected of it: one that is shown to be more than chance fails, however small
    """

    sqnr_db: float
    top1_agreement: float
    loss: float
    lossless: bool


class Paired(NamedTuple):
    """Candidate against reference on the labelled photos: right only in the reference (lost), only here (gained)."""

    labelled: int
    lost: int
    gained: int

    @property
    def p_value(self) -> float:
        """Two-sided exact test of equal accuracy: lost and gained are then a fair coin's (McNemar 1947)."""
        changed, fewer = self.lost + self.gained, min(self.lost, self.gained)
        tail: float = sum(math.comb(changed, k) for k in range(fewer + 1)) / 2**changed
        return min(1.0, 2 * tail)

    @property
    def net(self) -> int:
        """Photos lost more than gained; 0 where more were gained."""
        return max(0, self.lost - self.gained)


SIGNIFICANT = 0.05
OF_59 = 1 / 59

FLOORS = {
    "fp32": Floor(sqnr_db=80.0, top1_agreement=1.0, loss=0.0, lossless=True),
    "tf32": Floor(sqnr_db=40.0, top1_agreement=0.96, loss=OF_59, lossless=True),
    "fp16": Floor(sqnr_db=40.0, top1_agreement=0.96, loss=OF_59, lossless=True),
    "bf16": Floor(sqnr_db=25.0, top1_agreement=0.93, loss=OF_59, lossless=True),
    "int8": Floor(sqnr_db=15.0, top1_agreement=0.90, loss=2 * OF_59, lossless=False),
    "int8_dynamic": Floor(sqnr_db=15.0, top1_agreement=0.90, loss=2 * OF_59, lossless=False),
    "fp8": Floor(sqnr_db=12.0, top1_agreement=0.88, loss=2 * OF_59, lossless=False),
}
"""Set once, with a margin below what known good artifacts of EfficientNet-Lite0 keep on the 59 labelled photos: fp32
114 dB and every class, fp16 45 dB, bf16 29 dB, int8 18 dB and 56 of 59 classes (a file with clipped ranges: 17 dB, 49),
fp8 14 dB and 56. fp32 differs by rounding alone: re-ordered sums stay above 100 dB."""

BELOW_ROUNDING_DB = 6.0
"""How far below what rounding to nearest costs untrained weights a candidate may be: twice the error, as rounding
towards zero makes it."""


def judge(
    precision: str,
    trained: bool,
    sqnr_db: Optional[float],
    top1_agreement: Optional[float] = None,
    paired: Optional[Paired] = None,
    pruned: bool = False,
    rounding_db: Optional[float] = None,
) -> Dict[str, Any]:
    """The verdict `gate` (pass, agreement, numeric, fail) and `gated`: each figure with its limit.

    Agreement of untrained weights means nothing: they are gated on numbers alone, and `numeric` says so; so is a
    network that does not classify (`top1_agreement` is None). Photos whose classes the weights do not know (`paired`
    is None) leave numbers and agreement: `agreement`. Pruned weights are held against the whole network's, and may
    lose what int8 may. rounding_db: what rounding to this precision alone costs untrained weights, where it is known.
    """
    floor = FLOORS[precision]
    if not trained and rounding_db is not None:
        floor = floor._replace(sqnr_db=min(floor.sqnr_db, rounding_db - BELOW_ROUNDING_DB))
    if pruned:
        floor = floor._replace(loss=FLOORS["int8"].loss, lossless=False)
    gated = {"sqnr_db": _least(sqnr_db, floor.sqnr_db)}
    name = "numeric"
    if trained and top1_agreement is not None:
        gated["top1_agreement"] = _least(top1_agreement, floor.top1_agreement)
        name = "agreement"
    if trained and paired is not None:
        allowed = math.floor(floor.loss * paired.labelled + 1e-9)
        gated["photos_lost"] = {"value": paired.net, "limit": allowed, "ok": paired.net <= allowed}
        if floor.lossless and paired.lost > paired.gained:
            gated["mcnemar_p"] = _least(paired.p_value, SIGNIFICANT)
        name = "pass"
    return {"gate": name if all(check["ok"] for check in gated.values()) else "fail", "gated": gated}


def _least(value: Optional[float], limit: float) -> Dict[str, Any]:
    return {"value": value, "limit": limit, "ok": value is not None and value >= limit}
