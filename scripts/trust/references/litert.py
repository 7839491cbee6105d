"""LiteRT's own `litert-benchmark` on the candidate's file.

It takes no input but draws one: here it gets the trial's own. It reports the 5th percentile, to 0.01 ms, and times
`run_by_name` alone: it never reads the output.
"""

import sys
from typing import Any, Dict

from ai_edge_litert.tools import benchmark_litert_model as tool

from scripts.core.verb import Facts, Job, main
from scripts.trust.references import bare

PERCENT = 5


def work(job: Job) -> Facts:
    """Run the tool as its command line does."""
    options, arrays = bare.asked(job)
    inputs = iter(options["inputs"])

    def fill(tensor: Any, details: Dict[str, Any]) -> None:
        array = arrays[next(inputs)]
        if list(array.shape) != list(details["shape"]):  # a smaller one would be taken without a word
            raise RuntimeError("the file takes %s, a trial's input is %s" % (details["shape"], list(array.shape)))
        tensor.write(array)

    tool.fill_random_input = fill
    sys.argv = [
        "litert-benchmark",
        "--model=%s" % (job.sources["deployable"] / "model.tflite"),
        "--num_threads=%d" % options["threads"],
        "--warmup_runs=%d" % options["protocol"]["warmup_iterations"],
        "--num_runs=%d" % options["protocol"]["iterations"],
    ]
    results = tool.run_benchmark(tool.parse_args())
    return bare.said("linear", results["latency"]["p5_ms"], PERCENT)


if __name__ == "__main__":
    raise SystemExit(main(work, __doc__))
