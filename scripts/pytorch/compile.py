"""Compile a network for this host and one batch size: torch.compile or AOTInductor (options: runtime).

Source: portable, a checkpoint, or for int8 what `quantize` made of one. Options used: runtime, precision, variant,
batch, threads, device (the number of threads is part of the generated code). bf16 and fp16 are autocast within what is
compiled. Both leave a folder that a session can open alone, quantised.json where the source has one, and
inductor.json, which says what was built:

 - torch_compile: cache.bin (`torch.compiler.save_cache_artifacts`), kernels/ (the built C++ kernels, which that
   leaves out on the CPU: without them every start would call the C++ compiler again), model.json, and what the network
   is built from, weights.pt or program.pt2;
 - aotinductor: model.pt2, a package with weights; kernels/ holds only what Inductor tries the CPU with.
"""

import os
import shutil
import tempfile
from pathlib import Path
from typing import Tuple

import torch

from scripts.core.quantised import carry
from scripts.core.verb import Facts, Job, main, write_json
from scripts.models import description, export
from scripts.nvidia.device import is_gpu
from scripts.pytorch import executed, gpu, inductor, on_gpu, reduced


def work(job: Job) -> Facts:
    """Compile; return versions, what Inductor built and the options used."""
    options = job.options
    on_nvidia = is_gpu(options["device"])
    inductor.require_toolchain(python_headers=on_nvidia or options["runtime"] == "torch_compile")
    if on_nvidia:
        gpu.require(options["device"])
    else:
        inductor.require_kernels(options["precision"])
    scratch = Path(tempfile.mkdtemp(prefix="assay-inductor-"))
    try:
        inductor.private_temporary(scratch / "tmp")
        inductor.private_cache(scratch / "cache", threads=len(os.sched_getaffinity(0)))
        torch.set_num_threads(options["threads"])
        if not on_nvidia and inductor.is_frozen(options["precision"], options["variant"]):
            inductor.freeze()
        was_warm = inductor.warm(job.cache, scratch / "cache")
        probes = inductor.probe(scratch / "cache")
        compilers = GPU_COMPILERS if on_nvidia else COMPILERS
        macs = compilers[options["runtime"]](job, scratch / "cache")
        inductor.keep(scratch / "cache", probes, job.out / inductor.KERNELS)
        inductor.leave(job.cache, scratch / "cache", probes)
        what = inductor.done()
    finally:  # compilers that a failure left running may still write there
        shutil.rmtree(str(scratch), ignore_errors=True)
    used = {"batch": options["batch"], "threads": torch.get_num_threads()}
    write_json(job.out / inductor.SUMMARY, dict(what, macs=macs, **used))
    carry(job.sources["portable"], job.out)
    warmth = "warm" if was_warm else "cold"
    return {"versions": {"torch": torch.__version__}, "inductor": what, "options": used, "warmth": warmth}


def begin(job: Job, is_program: bool) -> None:
    """Copy what the network is built from to the artifact: its program or its weights, and the description."""
    for name in (description.FILE, description.PROGRAM if is_program else description.WEIGHTS):
        shutil.copyfile(str(job.sources["portable"] / name), str(job.out / name))


def save(job: Job) -> None:
    """Keep what torch.compile made in this process."""
    saved = torch.compiler.save_cache_artifacts()
    if saved is None:
        raise RuntimeError("torch.compile left nothing to keep")
    (job.out / inductor.CACHE).write_bytes(saved[0])


def package(job: Job, module: torch.nn.Module, inputs: Tuple[torch.Tensor, ...]) -> None:
    """Export `module` for these inputs and compile it into AOTInductor's package."""
    with torch.no_grad():
        program = torch.export.export(module, inputs)
        torch._inductor.aoti_compile_and_package(program, package_path=str(job.out / "model.pt2"))
    inductor.require_shared_library(job.out / "model.pt2")


def torch_compile(job: Job, cache: Path) -> float:
    """Compile by a first call and keep what came of it: graphs in cache.bin, libraries in kernels/.

    Returns the network's multiplications (MACs) of a request, as does `aotinductor`.
    """
    folder, precision = job.sources["portable"], job.options["precision"]
    model = description.read(folder)
    begin(job, reduced.is_program(precision, model["build"]))
    module, inputs = reduced.built(job.out, precision), export.example(model["inputs"], job.options["batch"])
    macs = executed.total(executed.asked(module, inputs))
    function = inductor.compiled(module)
    with torch.inference_mode():
        function(*inputs)
    save(job)
    inductor.keep(cache, inductor.built_kernels(cache), job.out / inductor.KERNELS)
    return macs


def aotinductor(job: Job, cache: Path) -> float:
    """Specialise the exported program to the batch size and compile it into a package."""
    folder = job.sources["portable"]
    inputs = export.example(description.read(folder)["inputs"], job.options["batch"])
    module = reduced.program(folder, job.options["precision"])
    macs = executed.total(executed.asked(module, inputs))
    package(job, module, inputs)
    return macs


def torch_compile_for_gpu(job: Job, cache: Path) -> float:
    """Compile by a first call on the GPU; what came of it is in cache.bin. MACs are not counted."""
    folder, options = job.sources["portable"], job.options
    model = description.read(folder)
    begin(job, model["build"] == description.PROGRAM)
    function = on_gpu.compiled(job.out, options["precision"], options["variant"], options["device"])
    inputs = [tensor.to(options["device"]) for tensor in export.example(model["inputs"], options["batch"])]
    with torch.inference_mode():
        function(*inputs)
        torch.cuda.synchronize()
    save(job)
    return 0.0


def aotinductor_for_gpu(job: Job, cache: Path) -> float:
    """Specialise the exported program to the batch size on the GPU and compile it into a package."""
    folder, options = job.sources["portable"], job.options
    module = gpu.program(folder, options["precision"], options["device"])
    given = export.example(description.read(folder)["inputs"], options["batch"])
    inputs = tuple(tensor.to(options["device"]) for tensor in given)
    package(job, module, inputs)
    return 0.0


COMPILERS = {"torch_compile": torch_compile, "aotinductor": aotinductor}
GPU_COMPILERS = {"torch_compile": torch_compile_for_gpu, "aotinductor": aotinductor_for_gpu}


if __name__ == "__main__":
    raise SystemExit(main(work, __doc__))
