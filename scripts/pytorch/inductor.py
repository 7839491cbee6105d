"""What torch.compile and AOTInductor share: the C++ toolchain, private caches, what the compiler did."""

import atexit
import json
import os
import shutil
import sysconfig
import tempfile
import zipfile
from pathlib import Path
from typing import Any, Callable, Dict, List, Optional, Set

import torch

from scripts.core.door import Options
from scripts.core.verb import Unsupported

CACHE = "cache.bin"
KERNELS = "kernels"
SUMMARY = "inductor.json"
HEADERS, PROBES = "headers", "probes"
FREEZING = "freezing"
"""The variant of fp32 with weights folded into what is compiled."""


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


def require_shared_library(package: Path) -> None:
    """Raise `Unsupported` where the libraries of AOTInductor's `package` bring a C++ standard library of their own.

    Some compilers link libstdc++ statically. PyTorch has the shared one, and what was built cannot be loaded beside it:
    it ends in `std::bad_cast` or a crash, since both look for the same locale's facets.
    """
    with zipfile.ZipFile(str(package)) as files:
        libraries = [name for name in files.namelist() if name.endswith(".so")]
        if all(b"libstdc++.so" in files.read(name) for name in libraries):
            return
    raise Unsupported(
        "the C++ compiler (%s) links libstdc++ statically, and PyTorch cannot load what it builds; unset CXX or name "
        "another compiler there" % os.environ.get("CXX", "g++")
    )


def require_kernels(precision: str) -> None:
    """Raise `Unsupported` where oneDNN has no convolutions in `precision`, bf16 or fp16, on this CPU.

    Inductor then leaves them to ATen's own, which take many times as long as in fp32.
    """
    needed = {"bf16": "AVX512", "fp16": "AVX512-FP16"}
    has = {"bf16": "_is_mkldnn_bf16_supported", "fp16": "_is_mkldnn_fp16_supported"}
    if precision in needed and not getattr(torch.ops.mkldnn, has[precision])():
        raise Unsupported(
            "oneDNN does %s on CPUs with %s only; without it Inductor has no kernels of convolutions for it"
            % (precision, needed[precision])
        )


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


def is_frozen(precision: str, variant: str) -> bool:
    """Whether weights are folded into what is compiled.

    In fp32 by default not, as in `torch.compile`. Lower precisions need it: weights would else be cast or dequantised
    at every request, and no integer kernel be made.
    """
    return precision != "fp32" or variant == FREEZING


def freeze() -> None:
    """Let Inductor fold weights into what it compiles: cast, quantised and packed for oneDNN once, not at each request.

    Its cache refuses graphs that hold packed weights, because such tensors cannot be pickled. They need not be: of a
    frozen graph it keeps the weights' names alone and takes their values from the network that it is opened with. So
    packed weights here get what it gives to other frozen weights: a key of type and shape, without values.
    """
    import torch._inductor.codecache as codecache
    import torch._inductor.config

    torch._inductor.config.freezing = True
    reduce_tensor = codecache.FxGraphCachePickler._reduce_tensor

    def reduce(pickler: Any, tensor: torch.Tensor) -> Any:
        if not tensor.is_mkldnn:
            return reduce_tensor(pickler, tensor)
        return codecache._ident, ((str(tensor.dtype), tuple(tensor.shape), "packed"),)

    codecache.FxGraphCachePickler._reduce_tensor = reduce
    codecache.CacheabilityValidator.check_tensor = staticmethod(lambda tensor: None)


def _headers() -> Path:
    """Where Inductor keeps headers that it has compiled: below the temporary folder, not in its cache."""
    import torch._inductor.codecache as codecache

    return Path(codecache._HEADER_DIR)


def warm(kept: Optional[Path], cache: Path) -> bool:
    """Take up what an earlier compilation left in `kept`: headers, tries of the CPU. Whether there is any."""
    if kept is None or not (kept / HEADERS).is_dir():
        return False
    shutil.copytree(str(kept / HEADERS), str(_headers()), dirs_exist_ok=True)
    shutil.copytree(str(kept / PROBES), str(cache), dirs_exist_ok=True)
    return True


def leave(kept: Optional[Path], cache: Path, probes: Set[str]) -> None:
    """Leave in `kept` what spares the next compilation time. What is there already stays: names say contents."""
    if kept is None:
        return
    keep(cache, probes, kept / PROBES)
    (kept / HEADERS).mkdir(exist_ok=True)
    for path in _headers().glob("*.h*"):
        if not (kept / HEADERS / path.name).exists():
            shutil.copyfile(str(path), str(kept / HEADERS / path.name))


def probe(cache: Path) -> Set[str]:
    """Let Inductor find out which instruction sets its compiler and this CPU share, by building a library for each.

    Returns their names in the cache. It asks the same again wherever it loads what it compiled, and builds them anew
    where they are not in its cache: 5 s.
    """
    from torch._inductor.cpu_vec_isa import pick_vec_isa

    pick_vec_isa()
    return built_kernels(cache)


def keep(cache: Path, names: Set[str], target: Path) -> None:
    """Copy libraries of a cache to the artifact, for `unpack`."""
    for name in sorted(names):
        if (target / name).exists():
            continue
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(str(cache / name), str(target / name))


def unpack(artifact: Path, scratch: Path) -> int:
    """Give this process a cache of its own in `scratch` that holds an artifact's libraries; how many.

    Nothing is compiled where all is there, so the header that compiling would include is not compiled before, either:
    Inductor does that first, in 4 s, and looks for the library then.
    """
    import torch._inductor.codecache as codecache

    codecache._precompile_header = lambda header, *_, **__: header
    private_cache(scratch, threads=1)
    if (artifact / KERNELS).is_dir():
        shutil.copytree(str(artifact / KERNELS), str(scratch), dirs_exist_ok=True)
    return len(built_kernels(scratch))


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


def scratch() -> Path:
    """A folder for Inductor, gone when this process ends."""
    folder = Path(tempfile.mkdtemp(prefix="assay-inductor-"))
    atexit.register(shutil.rmtree, str(folder), ignore_errors=True)
    return folder


def check_built_for(artifact: Path, options: Options) -> Dict[str, Any]:
    """What was built, from the artifact. Raises Unsupported where the generated code serves something else."""
    what: Dict[str, Any] = json.loads((artifact / SUMMARY).read_text())
    options.require_built_for(what)
    return what
