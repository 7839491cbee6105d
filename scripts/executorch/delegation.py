"""What of an ExecuTorch program runs on XNNPACK, as its converter counted it. Standard library only."""

import json
from pathlib import Path
from typing import Dict, NamedTuple, Optional

FILE = "delegation.json"


class Delegation(NamedTuple):
    """How a program was divided.

    taken:      how many operators XNNPACK took
    left:       which others run on ExecuTorch's own kernels: {"cat": 4}
    quantised:  how many layers XNNPACK computes in integers
    int8_share, fp16_share:  share of the multiplications that it does in integers, in float16; None without layers
    """

    taken: int
    left: Dict[str, int]
    quantised: int = 0
    int8_share: Optional[float] = None
    fp16_share: Optional[float] = None

    @classmethod
    def read(cls, folder: Path) -> "Delegation":
        """From the folder of the program."""
        return cls(**json.loads((folder / FILE).read_text()))

    @property
    def total(self) -> int:
        """All operators."""
        return self.taken + sum(self.left.values())

    @property
    def share(self) -> float:
        """Share of operators that XNNPACK took, 0 to 1."""
        return self.taken / self.total

    @property
    def summary(self) -> str:
        """One phrase for people."""
        said = "%d of %d operators on XNNPACK" % (self.taken, self.total)
        said += ", %.0f %% of the multiplications in float16" % (100 * self.fp16_share) if self.fp16_share else ""
        names = ", ".join(sorted(self.left))
        return "%s, the rest (%s) on ExecuTorch's own kernels" % (said, names) if self.left else said

    @property
    def degraded(self) -> Optional[str]:
        """Why this is not what was asked for: nothing was delegated. None if it is."""
        return None if self.taken else "XNNPACK took none of the %d operators" % self.total
