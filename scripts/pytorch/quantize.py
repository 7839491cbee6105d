"""Quantise a checkpoint by PT2E for Inductor on x86 CPUs: option precision, int8 (static) or int8_dynamic.

Sources: checkpoint, and for int8 calibration. Options used: precision, calibration ("auto": histograms, torchao's own
choice for x86; "minmax"). Writes program.pt2, with a free batch size, model.json and quantised.json.

The program computes in floats what lies between its quantising and dequantising operators: Inductor makes integer
kernels of such groups.
"""

import dataclasses
import shutil
import warnings
from pathlib import Path
from typing import Any, Dict, List, Optional, Sequence, Tuple

import numpy as np
import torch
import torchao
import torchao.quantization.pt2e.quantizer.x86_inductor_quantizer as x86
from torchao.quantization.pt2e import MinMaxObserver
from torchao.quantization.pt2e.quantize_pt2e import convert_pt2e, prepare_pt2e

from scripts.core.quantised import Recipe, int8_share
from scripts.core.verb import Facts, Job, Unsupported, main
from scripts.measure.inputs import stored
from scripts.models import description, export
from scripts.pytorch import graphs
from scripts.pytorch.executed import multiplications

CALIBRATED_AT_A_TIME = 16
"""Samples of a calibration call; observers gather over calls. More only takes more memory."""

OBSERVERS = {"auto": "histogram", "minmax": "MinMax"}
EPS = 2**-12
"""The least scale of an activation, as in torchao's default for x86."""

WEIGHTED = ("conv1d", "conv2d", "conv3d", "conv_transpose1d", "conv_transpose2d", "conv_transpose3d", "linear")
"""Operators whose second argument is a weight."""


def work(job: Job) -> Facts:
    """Write the quantised program and its recipe; return what it is made of."""
    folder, precision = job.sources["checkpoint"], job.options["precision"]
    method = job.options.get("calibration", "auto")
    model = description.read(folder)
    static = precision == "int8"
    batch = calibration(job.sources["calibration"], model["inputs"]) if static else export.example(model["inputs"])
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        converted = quantised(torch.export.load(str(folder / description.PROGRAM)), quantizer(precision, method), batch)
        recipe = recipe_of(converted, export.example(model["inputs"], 1), precision, method)
        if not recipe.share:
            raise Unsupported("torchao's quantizer for x86 does no layer of this network in %s" % precision)
        program = export.exported(converted, model["inputs"])
    graphs.without_history(program)
    export.save_program(program, job.out / description.PROGRAM)
    shutil.copyfile(str(folder / description.FILE), str(job.out / description.FILE))
    recipe.write(job.out)
    return {
        "versions": {"torch": torch.__version__, "torchao": torchao.__version__},
        "operators": export.operators(program),
        "options": {"precision": precision, "calibration": method if static else None},
        "samples": len(batch[0]) if static else 0,
        "share": recipe.share,
        "kept": recipe.kept,
    }


def calibration(folder: Path, inputs: Sequence[Dict[str, Any]]) -> Tuple[torch.Tensor, ...]:
    """The calibration batch: a tensor [N, ...] per input, in the network's order."""
    names = [tensor["name"] for tensor in inputs]
    arrays = stored(folder, "inputs", names)
    return tuple(torch.from_numpy(np.array(arrays[name])) for name in names)


def quantizer(precision: str, method: str) -> x86.X86InductorQuantizer:
    """Torchao's quantizer for x86: u8 activations, s8 weights per channel.

    Dynamic for linear layers alone: Inductor makes no integer convolution of one whose range is found at run time.
    """
    if method not in OBSERVERS:
        raise Unsupported("torchao's quantizer for x86 has no %s calibration, only auto and minmax" % method)
    made = x86.X86InductorQuantizer()
    if precision == "int8_dynamic":
        made.set_module_type_qconfig(torch.nn.Linear, x86.get_default_x86_inductor_quantization_config(is_dynamic=True))
        return made
    config = x86.get_default_x86_inductor_quantization_config()
    if method == "minmax":
        spec = dataclasses.replace(
            config.input_activation, observer_or_fake_quant_ctr=MinMaxObserver.with_args(eps=EPS)
        )
        config = dataclasses.replace(config, input_activation=spec, output_activation=spec)
    made.set_global(config)
    return made


def quantised(
    program: torch.export.ExportedProgram, by: x86.X86InductorQuantizer, batch: Tuple[torch.Tensor, ...]
) -> torch.fx.GraphModule:
    """`program`, its BatchNorm folded, with quantising and dequantising operators where `by` wants them.

    batch: what ranges of activations are found on. Without a call those of weights would not be found either, and
    weights be rounded to 0: dynamic quantisation needs one as well, on whatever.
    """
    graph = program.module(check_guards=False)
    graphs.pad_inside(graph)
    graphs.from_plain_modules(graph)
    prepared = prepare_pt2e(graph, by)
    for parts in zip(*(tensor.split(CALIBRATED_AT_A_TIME) for tensor in batch)):
        prepared(*parts)
    converted: torch.fx.GraphModule = convert_pt2e(prepared)
    graphs.without_leftovers(converted)
    return converted


class _Layers(torch.fx.Interpreter):
    """Runs a quantised graph and writes down its multiplying layers: MACs, whether quantised, name of the weight."""

    def __init__(self, graph: torch.fx.GraphModule) -> None:
        super().__init__(graph)
        self.found: List[Tuple[float, bool, Optional[str]]] = []

    def run_node(self, n: torch.fx.Node) -> Any:
        result = super().run_node(n)
        if n.op == "call_function" and isinstance(n.target, torch._ops.OpOverload):
            args, _ = self.fetch_args_kwargs_from_env(n)
            name = n.target.overloadpacket.__name__
            count = multiplications(name, args, result)
            if count:
                weight = _weight_name(n.args[1]) if name in WEIGHTED else None
                self.found.append((count, all(map(_is_dequantised, n.args[:2])), weight))
        return result


def _is_dequantised(value: Any) -> bool:
    return isinstance(value, torch.fx.Node) and "dequantize_per" in str(value.target)


def _weight_name(value: Any) -> Optional[str]:
    """The attribute that an operand is made from: "classify.weight"."""
    while isinstance(value, torch.fx.Node) and value.op != "get_attr":
        value = value.args[0] if value.args else None
    return str(value.target) if isinstance(value, torch.fx.Node) else None


def recipe_of(graph: torch.fx.GraphModule, inputs: Sequence[torch.Tensor], precision: str, method: str) -> Recipe:
    """What is quantised in `graph`, found by running it on `inputs`."""
    layers = _Layers(graph)
    layers.run(*inputs)
    if precision == "int8_dynamic":
        words = "linear layers: u8 activations with the range of each request, s8 weights per channel"
    else:
        words = "u8 activations (%s), s8 weights per channel" % OBSERVERS[method]
    share = int8_share((count, integers) for count, integers, _ in layers.found)
    return Recipe(words, share or 0.0, [name for _, integers, name in layers.found if name and not integers])


if __name__ == "__main__":
    raise SystemExit(main(work, __doc__))
