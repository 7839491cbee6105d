"""OpenVINO's own `benchmark_app` on the IR that the candidate was compiled from, like for like.

By itself it runs in bf16 where the CPU has it, and feeds bytes; the flags ask for what the candidate is. (It refuses
blobs: 2026.4 takes the precisions that nobody gave for given ones.) It fills the input once and times each request by
the request's own clock. It prints the percentile that was asked for, to 0.01 ms (of means below 1 ms to 0.01 us).
Source, besides a trial's: portable, a folder with `model.xml`.
"""

import re
import subprocess
import sys
from pathlib import Path
from typing import List

import numpy as np

from scripts.core.verb import Facts, Job, main
from scripts.measure.inputs import read_model
from scripts.trust.references import bare

LINE = re.compile(r"%d percentile: +([\d.]+) (ms|us)" % bare.PERCENT)


def work(job: Job) -> Facts:
    """Run the tool as a program of its own; its output goes to this process's log."""
    options, arrays = bare.asked(job)
    files: List[str] = []
    shapes: List[str] = []
    for tensor in read_model(job.sources["checkpoint"])["inputs"]:
        file = job.out / (tensor["name"] + ".npy")
        np.save(str(file), arrays[tensor["name"]])
        files.append("%s:%s" % (tensor["name"], file))
        shapes.append("%s[%s]" % (tensor["name"], ",".join(map(str, [options["batch"], *tensor["shape"][1:]]))))
    program, model = Path(sys.executable).with_name("benchmark_app"), job.sources["portable"] / "model.xml"
    command = [str(program), "-m", str(model), "-shape", ",".join(shapes), "-i", *files]
    command += ["-hint", "none", "-nstreams", "1", "-nthreads", str(options["threads"]), "-api", "sync"]
    command += ["-infer_precision", "f32", "-ip", "f32", "-latency_percentile", str(bare.PERCENT)]
    command += ["-niter", str(options["protocol"]["iterations"])]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    print(done.stdout, flush=True)
    found = LINE.search(done.stdout)
    if done.returncode or found is None:
        raise RuntimeError("benchmark_app gave no percentile (exit status %d)" % done.returncode)
    value, unit = float(found.group(1)), found.group(2)
    return bare.said("inverted_cdf", value / 1000 if unit == "us" else value)


if __name__ == "__main__":
    raise SystemExit(main(work, __doc__))
