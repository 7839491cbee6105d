"""The calibration batch: the inputs on which every runtime finds its integer ranges, the same for all.

Source: reference, whose photos.json says which of its inputs are for calibration. Option: photos, how many to take at
most, spread evenly. None of them is ever validated on.
Writes inputs.npy float32 [N, 3, H, W] (inputs.NAME.npy [N, ...] for several inputs), logits.npy, what the network says
of them in fp32 (for methods that look at it), and photos.json.
"""

import json
from pathlib import Path
from typing import Any, Dict, List

import numpy as np

from scripts.core.verb import Facts, Job, Mistake, main, write_json
from scripts.models.photos import CALIBRATION

ARRAYS = ("inputs*.npy", "logits*.npy")


def work(job: Job) -> Facts:
    """Write the batch; return how many inputs it holds."""
    reference, most = job.sources["reference"], job.options["photos"]
    records: List[Dict[str, Any]] = json.loads((reference / "photos.json").read_text())
    rows = [i for i, record in enumerate(records) if record["split"] == CALIBRATION]
    if not rows:
        raise Mistake(
            "photos: none is for calibration; put some into a folder named calibration, or leave its class out"
        )
    taken = spread(rows, most)
    for path in sorted(path for pattern in ARRAYS for path in Path(reference).glob(pattern)):
        np.save(str(job.out / path.name), np.load(str(path), mmap_mode="r")[taken])
    write_json(job.out / "photos.json", [records[i] for i in taken])
    return {"versions": {"numpy": np.__version__}, "samples": len(taken), "options": {"photos": most}}


def spread(rows: List[int], most: int) -> List[int]:
    """At most `most` of `rows`, evenly spread over them."""
    count = min(most, len(rows))
    return [rows[i * len(rows) // count] for i in range(count)]


if __name__ == "__main__":
    raise SystemExit(main(work, __doc__))
