"""A network in another precision, with float32 at the door, before it is lowered; for any batch."""

from pathlib import Path
from typing import Any, Dict, Iterator, List, NamedTuple, Optional

import numpy as np
import torch
from torchao.quantization.pt2e.quantize_pt2e import convert_pt2e, prepare_pt2e
from torchao.quantization.pt2e.utils import _fuse_conv_bn_

from scripts.core.door import Arrays
from scripts.core.verb import Job, Unsupported
from scripts.executorch import quantizer
from scripts.measure.inputs import stored
from scripts.models import export

Inputs = List[Dict[str, Any]]
CHUNK = 10
"""Inputs that are calibrated on at a time, whatever the program's batch."""
RANGES = {"auto": "ranges of least squared error", "minmax": "ranges from minimum to maximum"}


class Scheme(NamedTuple):
    """One way to static int8. method: of calibration, in place of the config's; per_channel: scales of the weights."""

    method: Optional[str] = None
    per_channel: bool = True


SCHEMES = {"default": Scheme(), "minmax": Scheme(method="minmax"), "per_tensor": Scheme(per_channel=False)}


class Reduced(NamedTuple):
    """A network to lower.

    method:  for people; empty for the network as it is
    """

    network: torch.nn.Module
    method: str = ""


def reduced(program: torch.export.ExportedProgram, inputs: Inputs, precision: str, job: Job) -> Reduced:
    """`program` in another precision; inputs: as in `model.json`."""
    network = program.module(check_guards=False)
    if precision == "fp16":
        return Reduced(Half(network), "weights and activations in float16")
    if precision == "int8_dynamic":
        return Reduced(dynamic(network, inputs), "activations quantised while running, s8 weights per channel")
    if precision == "int8":
        scheme = SCHEMES[job.options.get("variant", "default")]
        method = scheme.method or job.options.get("calibration", "auto")
        if method == "percentile":
            raise Unsupported("PT2E has observers of minimum and maximum and of least squared error: no percentiles")
        batches = samples([tensor["name"] for tensor in inputs], job.sources["calibration"])
        unit = "channel" if scheme.per_channel else "tensor"
        words = "s8 activations (%s), s8 weights per %s" % (RANGES[method], unit)
        return Reduced(static(network, batches, method, scheme.per_channel), words)
    return Reduced(network)


class Half(torch.nn.Module):
    """A network in float16 that is given and returns what it was given and returned before."""

    def __init__(self, network: torch.fx.GraphModule) -> None:
        super().__init__()
        _fuse_conv_bn_(network)  # in float32: folded later, it would be in float16
        self.network = network.half()
        self.training = False

    def forward(self, *inputs: torch.Tensor) -> Any:
        results = self.network(*(x.half() if x.is_floating_point() else x for x in inputs))
        if isinstance(results, torch.Tensor):
            return results.float()
        return tuple(y.float() if y.is_floating_point() else y for y in results)


def static(
    network: torch.fx.GraphModule, batches: Iterator[Arrays], method: str, per_channel: bool = True
) -> torch.fx.GraphModule:
    """Weights and activations in int8, ranges found on `batches`.

    They are found before the batch is fixed, so that programs for every batch get the same; in one thread, since the
    number of threads orders sums.
    """
    torch.set_num_threads(1)
    prepared = prepare_pt2e(network, _quantizer(quantizer.static(method, per_channel)))
    with torch.no_grad():
        for arrays in batches:
            prepared(*map(torch.from_numpy, arrays.values()))
    return convert_pt2e(prepared)


def dynamic(network: torch.fx.GraphModule, inputs: Inputs) -> torch.fx.GraphModule:
    """Weights in int8, inputs quantised by the layers that read them: where XNNPACK has such."""
    prepared = prepare_pt2e(network, _quantizer(quantizer.dynamic()))
    with torch.no_grad():
        prepared(*export.example(inputs))  # what it is given does not matter: the weights are looked at in passing
    return convert_pt2e(prepared)


def _quantizer(config: Any) -> quantizer.ClampingQuantizer:
    chosen = quantizer.ClampingQuantizer()
    chosen.set_global(config)
    return chosen


def samples(names: List[str], calibration: Path) -> Iterator[Arrays]:
    """The calibration batch, CHUNK inputs at a time."""
    inputs = stored(calibration, "inputs", names)
    for start in range(0, len(next(iter(inputs.values()))), CHUNK):
        yield {name: np.array(values[start : start + CHUNK]) for name, values in inputs.items()}
