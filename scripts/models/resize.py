"""The same network, with the same weights, for images of another size: exported once more.

Source: checkpoint, of the network's own size. Option: image_size, side of the square images in pixels; photos are
resized in proportion before they are cropped. Writes what `prepare` does: weights.pt, program.pt2 and model.json.
"""

import shutil

import torch

from scripts.core.verb import Facts, Job, Unsupported, main, write_json
from scripts.models import description, export, network, preprocess, registry, work


def resized(model: description.Description, size: int) -> description.Description:
    """The description of a network for images of `size` pixels."""
    spec = preprocess.resized(model["preprocess"], size)
    inputs = [dict(tensor, shape=["batch", 3, size, size]) for tensor in model["inputs"]]
    return dict(model, preprocess=spec, inputs=inputs)


def resize(job: Job) -> Facts:
    """Write the checkpoint for the other size. Raises Unsupported where the network takes its own size alone."""
    folder, size = job.sources["checkpoint"], job.options["image_size"]
    model = description.read(folder)
    if model["build"] == description.PROGRAM:
        raise Unsupported("an exported program takes images of one size: %d pixels" % model["preprocess"]["size"])
    other = resized(model, size)
    built = network.build(other)
    built.load_state_dict(torch.load(str(folder / description.WEIGHTS), map_location="cpu", weights_only=True))
    try:
        program = export.exported(built, other["inputs"])
    except (RuntimeError, AssertionError) as error:
        reason = str(error).strip().splitlines()[0]
        raise Unsupported("the network takes no images of %d pixels: %s" % (size, reason)) from error
    shutil.copyfile(str(folder / description.WEIGHTS), str(job.out / description.WEIGHTS))
    export.save_program(program, job.out / description.PROGRAM)
    write_json(job.out / description.FILE, other)
    return {
        "versions": registry.versions(),
        "operators": export.operators(program),
        "work": work.of(program.module(), export.example(other["inputs"], 1)),
        "options": {"batch": [1, export.MAX_BATCH], "image_size": size, "weights": model["weights"]},
    }


if __name__ == "__main__":
    raise SystemExit(main(resize, __doc__))
