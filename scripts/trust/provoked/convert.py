"""Convert a checkpoint to an ExecuTorch program with no delegate: the converter as it is, XNNPACK's partitioner gone.

Source and options as for scripts.executorch.convert.
"""

from typing import Any

from executorch import exir

from scripts.core.verb import main

lower = exir.to_edge_transform_and_lower


def undelegated(program: Any, partitioner: Any) -> Any:
    """`to_edge_transform_and_lower` for nobody."""
    return lower(program, partitioner=None)


if __name__ == "__main__":
    exir.to_edge_transform_and_lower = undelegated
    from scripts.executorch.convert import work

    raise SystemExit(main(work, __doc__))
