"""Compile a checkpoint for this host and one batch size: torch.compile or AOTInductor (options: runtime).

Source: portable (a checkpoint). Options used: runtime, batch, threads, device (the number of threads is part of
the generated code). Both leave a folder that a session can open alone, and inductor.json, which says what was built:

 - torch_compile: cache.bin (`torch.compiler.save_cache_artifacts`), kernels/ (the built C++ kernels, which that
   leaves out on the CPU: without them every start would call the C++ compiler again), weights.pt, model.json;
 - aotinductor: model.pt2, a package with weights.
"""

import os
import shutil
import tempfile
from pathlib import Path

import torch

from scripts.core.verb import Facts, Job, Unsupported, main, write_json
from scripts.models import description, export, network
from scripts.pytorch import inductor


def work(job: Job) -> Facts:
    """Compile; return versions, what Inductor built and the options used."""
    options = job.options
    if options.get("device", "cpu") != "cpu":
        raise Unsupported("Inductor is driven for the CPU only so far; asked for %s" % options["device"])
    inductor.require_toolchain(python_headers=options["runtime"] == "torch_compile")
    scratch = Path(tempfile.mkdtemp(prefix="assay-inductor-"))
    try:
        inductor.private_temporary(scratch / "tmp")
        inductor.private_cache(scratch / "cache", threads=len(os.sched_getaffinity(0)))
        torch.set_num_threads(options["threads"])
        compilers = {"torch_compile": torch_compile, "aotinductor": aotinductor}
        compilers[options["runtime"]](job, scratch / "cache")
        what = inductor.done()
    finally:  # compilers that a failure left running may still write there
        shutil.rmtree(str(scratch), ignore_errors=True)
    used = {"batch": options["batch"], "threads": torch.get_num_threads()}
    write_json(job.out / inductor.SUMMARY, dict(what, **used))
    return {"versions": {"torch": torch.__version__}, "inductor": what, "options": used}


def torch_compile(job: Job, cache: Path) -> None:
    """Compile by a first call and keep what came of it: graphs in cache.bin, libraries in kernels/."""
    folder = job.sources["portable"]
    model = description.read(folder)
    if model["build"] == description.PROGRAM:
        shutil.copyfile(str(folder / description.PROGRAM), str(job.out / description.PROGRAM))
    for name in (description.FILE, description.WEIGHTS):
        shutil.copyfile(str(folder / name), str(job.out / name))
    function = inductor.compiled(network.load(job.out))
    with torch.inference_mode():
        function(*export.example(model["inputs"], job.options["batch"]))
    saved = torch.compiler.save_cache_artifacts()
    if saved is None:
        raise RuntimeError("torch.compile left nothing to keep")
    (job.out / inductor.CACHE).write_bytes(saved[0])
    for name in sorted(inductor.built_kernels(cache)):
        target = job.out / inductor.KERNELS / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(str(cache / name), str(target))


def aotinductor(job: Job, cache: Path) -> None:
    """Specialise the exported program to the batch size and compile it into a package."""
    folder = job.sources["portable"]
    inputs = description.read(folder)["inputs"]
    with torch.no_grad():
        module = torch.export.load(str(folder / description.PROGRAM)).module()
        program = torch.export.export(module, export.example(inputs, job.options["batch"]))
        torch._inductor.aoti_compile_and_package(program, package_path=str(job.out / "model.pt2"))


if __name__ == "__main__":
    raise SystemExit(main(work, __doc__))
