"""ExecuTorch by its documentation: `Runtime`, `load_program`, `load_method`, `execute`."""

import torch
from executorch.extension.pybindings import portable_lib
from executorch.runtime import Runtime

from scripts.core.verb import Facts, Job, main
from scripts.trust.references import bare


def work(job: Job) -> Facts:
    """Time `execute` on the candidate's own program. The documented interface sets no threads: the pool's does."""
    options, arrays = bare.asked(job)
    portable_lib._unsafe_reset_threadpool(options["threads"])
    program = Runtime.get().load_program(job.sources["deployable"] / "model.pte")
    method = program.load_method("forward")
    tensors = [torch.from_numpy(arrays[name]) for name in options["inputs"]]
    return bare.loop(lambda: method.execute(tensors), options)


if __name__ == "__main__":
    raise SystemExit(main(work, __doc__))
