"""What `make trust` measures: rows of the plan, with one thread. Light: the Snakefile imports it."""

from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Any

from scripts.core.plan import Row

PROVED = ("onnxruntime", "openvino", "litert", "executorch", "pytorch")
"""Runtimes whose times are held against a tool of their vendor's, or a bare loop of their documented interface."""


def proof_rows(table: Sequence[Row], root: str) -> list[dict[str, Any]]:
    """The first network's rows at its smallest batch, in fp32 on the CPU, as in plan.json; in `PROVED`'s order."""
    asked = (table[0].network, table[0].image_size, "fp32", "cpu")
    first = [row for row in table if (row.network, row.image_size, row.precision, row.device) == asked]
    small = min((row.batch for row in first), default=0)
    found = {row.runtime: row for row in first if row.batch == small and row.variant == "default"}
    rows = [replace(found[name], threads=1, mode="latency", trials=0) for name in PROVED if name in found]
    return [asdict(row) | {"paths": row.paths(root)} for row in rows]
