"""Torch-TensorRT behind the door: a compiled program, called as PyTorch calls a network on a GPU."""

import json
from pathlib import Path
from typing import Any, Dict

import torch

from scripts.core.door import Options, Placement, Session
from scripts.nvidia.device import GRAPHED
from scripts.pytorch import gpu
from scripts.torch_tensorrt import library
from scripts.torch_tensorrt.compile import FILE, PARTS


def open(artifact: Path, options: Dict[str, Any]) -> Session:  # noqa: A001 - the name that every room shares
    """Load `model.ep`. Raises Unsupported without the library or a GPU."""
    asked, trt = Options.of(options), library.require()
    gpu.require(asked.device)
    gpu.arithmetic(asked.precision)
    torch.set_num_threads(asked.threads_each)
    function = trt.load(str(artifact / FILE)).module()
    parts = json.loads((artifact / PARTS).read_text())
    seen = gpu.placed(function, asked.precision)

    def placed(inputs: gpu.Inputs) -> Placement:
        """What ran on the GPU; degraded where nothing of the network is an engine."""
        found = seen(inputs)
        kept = ", ".join("%s (%d)" % each for each in sorted(parts["kept"].items()))
        summary = "%d engines%s; %s" % (parts["engines"], kept and "; PyTorch keeps " + kept, found.summary)
        degraded = found.degraded or (None if parts["engines"] else "no part of the network became an engine")
        return found._replace(summary=summary, degraded=degraded)

    return gpu.GpuSession(function, asked, placed, asked.variant == GRAPHED)
