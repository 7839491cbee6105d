"""PyTorch by its documentation: the module called under `inference_mode`."""

import torch

from scripts.core.verb import Facts, Job, main
from scripts.models import network
from scripts.trust.references import bare


def work(job: Job) -> Facts:
    """Time calls of the candidate's own network."""
    options, arrays = bare.asked(job)
    torch.set_num_threads(options["threads"])
    module = network.load(job.sources["deployable"])
    tensors = [torch.from_numpy(arrays[name]) for name in options["inputs"]]
    with torch.inference_mode():
        return bare.loop(lambda: module(*tensors), options)


if __name__ == "__main__":
    raise SystemExit(main(work, __doc__))
