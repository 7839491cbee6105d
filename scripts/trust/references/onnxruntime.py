"""ONNX Runtime by its documentation: `InferenceSession.run`, arrays in and arrays out."""

import onnxruntime as ort

from scripts.core.verb import Facts, Job, main
from scripts.trust.references import bare


def work(job: Job) -> Facts:
    """Time `run` on the candidate's own file."""
    options, arrays = bare.asked(job)
    settings = ort.SessionOptions()
    settings.intra_op_num_threads = options["threads"]
    file = str(job.sources["deployable"] / "model.onnx")
    session = ort.InferenceSession(file, settings, providers=["CPUExecutionProvider"])
    return bare.loop(lambda: session.run(None, arrays), options)


if __name__ == "__main__":
    raise SystemExit(main(work, __doc__))
