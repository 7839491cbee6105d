"""What torch.compile and AOTInductor share: the C++ toolchain, private caches, what the compiler did."""

import os
import shutil
import sysconfig
import tempfile
from pathlib import Path
from typing import Any, Callable, Dict, List, Set

import torch

from scripts.core.verb import Unsupported

CACHE = "cache.bin"
KERNELS = "kernels"
SUMMARY = "inductor.json"


def require_toolchain(python_headers: bool) -> None:
    """Raise `Unsupported`, saying what is missing, where Inductor could not build kernels for the CPU.

    Kernels of torch.compile are Python extensions and need `python_headers`; AOTInductor's are not.
    """
    compiler = os.environ.get("CXX", "g++")
    missing: List[str] = []
    if shutil.which(compiler) is None:
        missing.append("a C++ compiler (%s)" % compiler)
    headers = Path(sysconfig.get_path("include"), "Python.h")
    if python_headers and not headers.is_file():
        missing.append("Python's headers (%s)" % headers)
    if missing:
        raise Unsupported("Inductor needs %s" % " and ".join(missing))


def private_cache(folder: Path, threads: int) -> None:
    """Let Inductor keep all it writes below `folder`, and build `threads` kernels at a time.

    With one thread it starts no pool of workers, which measured processes must not leave behind.
    """
    import torch._inductor.config

    folder.mkdir(parents=True, exist_ok=True)
    os.environ["TORCHINDUCTOR_CACHE_DIR"] = str(folder)
    torch._inductor.config.compile_threads = threads


def private_temporary(folder: Path) -> None:
    """Let this process keep its temporary files below `folder` (Inductor's precompiled headers among them)."""
    folder.mkdir(parents=True, exist_ok=True)
    os.environ["TMPDIR"] = str(folder)
    tempfile.tempdir = str(folder)


def built_kernels(folder: Path) -> Set[str]:
    """Names of the shared libraries in a cache folder, relative to it."""
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*.so")}


def compiled(network: torch.nn.Module) -> Callable[..., Any]:
    """`torch.compile` with its defaults, for one batch size."""
    function: Callable[..., Any] = torch.compile(network, dynamic=False)
    return function


def done() -> Dict[str, int]:
    """What Inductor did in this process: graphs, graph breaks, kernels it generated, and how often a graph came from
    the cache or was compiled. (It also counts calls of ready-made kernels, but one with three outputs as four.)"""
    import torch._inductor.metrics as metrics
    from torch._dynamo.utils import counters

    inductor = counters["inductor"]
    return {
        "graphs": int(counters["stats"]["unique_graphs"]),
        "graph_breaks": int(sum(counters["graph_break"].values())),
        "generated_kernels": int(metrics.generated_kernel_count),
        "cache_hits": int(inductor["fxgraph_cache_hit"]),
        "cache_misses": int(inductor["fxgraph_cache_miss"] + inductor["fxgraph_cache_bypass"]),
    }
