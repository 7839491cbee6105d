"""Where PyTorch's runtimes really run a network: read from what they loaded and ran, for the door's `placement`."""

import json
import re
import zipfile
from collections import Counter
from pathlib import Path
from typing import Dict, Iterable, Optional, Sequence

import torch

from scripts.core.door import Placement
from scripts.core.quantised import SLACK, Recipe, not_as_declared, with_quantised
from scripts.pytorch import inductor, reduced
from scripts.pytorch.executed import Executed, total

PYTHON_CALL = re.compile(r"\b(?:extern_kernels|torch\.ops\.\w+)\.(\w+)(?:\.\w+)*\(")
"""A ready-made kernel called by Python that Inductor wrote: `extern_kernels.addmm(`, `torch.ops.aten.sort.stable(`."""
CPP_CALL = re.compile(r"\baoti_torch_(?:cpu|cuda)_(\w+?)(?:_out)?\(")
"""The same in C++ that it wrote: `aoti_torch_cpu_addmm_out(`."""
INTEGER_CALL = re.compile(r"qconv|qlinear|quantized|int_mm|int8", re.IGNORECASE)
SHOWN = 3
FLOATS = {"bf16": "bfloat16", "fp16": "float16"}


def proven(
    placed: Placement, precision: str, calls: Optional[Sequence[Executed]], macs: float, recipe: Optional[Recipe]
) -> Placement:
    """`placed`, held against what was seen to run.

    calls: multiplications that ran, with their element types; None if they could not be seen
    macs:  multiplications of the whole network in such a request
    """
    if calls is None or not macs:
        return placed
    share = min(1.0, total(calls, "int8") / macs)
    integers = sum(call.dtype == "int8" for call in calls)
    degraded = placed.degraded or not_as_declared(precision, integers, share, recipe)
    return placed._replace(int8_share=share, degraded=degraded or _not_lowered(precision, calls, macs))


def _not_lowered(precision: str, calls: Sequence[Executed], macs: float) -> Optional[str]:
    """Why a request for bf16 or fp16 is degraded: multiplications ran in another type. None if they did not."""
    if precision not in reduced.AUTOCAST:
        return None
    share = min(1.0, total(calls, FLOATS[precision]) / macs)
    if share >= 1.0 - SLACK:
        return None
    return "asked for %s, %.1f %% of the multiplications run in it" % (precision, 100 * share)


def eager(module: torch.nn.Module, precision: str) -> Placement:
    """Every operator is a kernel of ATen's or oneDNN's; quantised are those modules that hold quantised weights."""
    summary = "eager on the CPU, oneDNN %s" % ("on" if torch.backends.mkldnn.is_available() else "absent")
    return _with_precision(summary, precision, reduced.quantised(module))


def scripted(module: torch.jit.ScriptModule, precision: str) -> Placement:
    """TorchScript calls quantised kernels by name."""
    integers = len(re.findall(r"= quantized::\w+\(", str(module.inlined_graph)))
    placed = _with_precision("TorchScript interpreter on the CPU", precision, integers)
    return placed if integers else placed._replace(int8_share=0.0)


def compiled(cache: Path, shipped: int, precision: str) -> Placement:
    """torch.compile, after the first call; `shipped` kernels were in the artifact. Degraded if it compiled again."""
    what = inductor.done()
    rebuilt = len(inductor.built_kernels(cache)) - shipped
    again = not_as_compiled(what, rebuilt)
    if not what["graphs"]:
        return Placement("nothing was compiled", 0.0, again)
    calls = called_by_python(path.read_text() for path in cache.rglob("*.py"))
    summary = "%s in %d graph(s)" % (_described(what["generated_kernels"], calls), what["graphs"])
    share = None if what["graph_breaks"] else 1.0
    return _with_precision(summary, precision, _integers(calls), share, again)


def not_as_compiled(what: Dict[str, int], rebuilt: int = 0) -> Optional[str]:
    """Why what torch.compile runs is not what was compiled; None if it is.

    what: as `inductor.done` tells; rebuilt: kernels that were built anew.
    """
    if not what["graphs"]:
        return "torch.compile left the whole network to eager PyTorch"
    if what["cache_misses"] or not what["cache_hits"] or rebuilt:
        words = "the compiled artifact did not fit and was compiled again (%d graphs, %d kernels)"
        return words % (what["cache_misses"], rebuilt)
    return None


def packaged(package: Path, generated: int, precision: str) -> Placement:
    """AOTInductor's package holds the C++ that it was built from; `generated` kernels, as its compiler counted."""
    calls = called_by_cpp(package)
    return _with_precision(_described(generated, calls), precision, _integers(calls))


def called_by_python(codes: Iterable[str]) -> Dict[str, int]:
    """Ready-made kernels that generated Python calls, by name: {"convolution": 49, "addmm": 1}."""
    return dict(Counter(name for code in codes for name in PYTHON_CALL.findall(code)))


def called_by_cpp(package: Path) -> Dict[str, int]:
    """Ready-made kernels that a package's C++ calls, by name; those without a C interface are named in its JSON."""
    calls: "Counter[str]" = Counter()
    with zipfile.ZipFile(str(package)) as archive:
        for name in archive.namelist():
            if name.endswith(".wrapper.cpp"):
                calls.update(CPP_CALL.findall(archive.read(name).decode()))
            elif name.endswith(".wrapper.json"):
                nodes = json.loads(archive.read(name).decode())["nodes"]
                calls.update(node["node"]["target"].split("::")[-1] for node in nodes)
    return dict(calls)


def _described(generated: int, calls: Dict[str, int]) -> str:
    """One phrase, such as "53 generated kernels and 50 library calls (49 convolution, 1 addmm)"."""
    ordered = sorted(calls.items(), key=lambda call: (-call[1], call[0]))
    others = sum(count for _, count in ordered[SHOWN:])
    named = ["%d %s" % (count, name) for name, count in ordered[:SHOWN]] + (["%d more" % others] if others else [])
    listed = " (%s)" % ", ".join(named) if named else ""
    return "%d generated kernels and %d library calls%s" % (generated, sum(calls.values()), listed)


def _integers(calls: Dict[str, int]) -> int:
    return sum(count for name, count in calls.items() if INTEGER_CALL.search(name))


def _with_precision(
    summary: str, precision: str, integers: int, share: Optional[float] = 1.0, degraded: Optional[str] = None
) -> Placement:
    return Placement(
        with_quantised(summary, precision, integers), share, degraded or not_as_declared(precision, integers)
    )
