"""Where things lie: the one place that spells the folders of `artifacts/`. Light: the Snakefile imports it."""

from pathlib import Path

from scripts.core.capabilities import ANY, DYNAMIC
from scripts.core.catalogue import FORMATS, on

ROOT = Path(__file__).resolve().parents[2]
"""The project: where `scripts` can be imported from."""

ORIGINALS = "studies/originals"
"""What published studies asked and said, a file each."""

NETWORK = "{model}.{weights}"


def shape_of(batch: int, image_size: int | None) -> str:
    """`b8x224`; `b8` for a network without an image size."""
    return f"b{batch}x{image_size}" if image_size else f"b{batch}"


def of_size(image_size: int | str) -> str:
    """`dynx256`: every batch, of images in a size that is not the network's own."""
    return f"{DYNAMIC}x{image_size}"


def batch_and_size(shape: str) -> tuple[int | None, int | None]:
    """(8, 224) of `b8x224`, (None, 256) of `dynx256`, (None, None) of `dyn` and `any`."""
    batch, _, size = shape.partition("x")
    return int(batch[1:]) if batch[1:].isdigit() else None, int(size) if size else None


def other_size(shape: str, own: int | None) -> int | None:
    """The image size that a shape names, if it is known not to be the network's own."""
    size = batch_and_size(shape)[1]
    return None if own in (None, size) else size


def deployable_shape(candidate: tuple[str, str, str, str], batch: int, image_size: int | None, own: int | None) -> str:
    """The shape of what a candidate (runtime, precision, variant, device) opens for this batch and image size.

    `dyn` where one artifact serves all batches, `any` where it serves all image sizes too. own: the network's own size.
    """
    runtime, precision, variant, device = candidate
    place = on(runtime, device)
    if place.is_static(variant):
        return shape_of(batch, image_size)
    if image_size is None or image_size == own or place.resizes:
        return DYNAMIC
    return of_size(image_size) if place.static or FORMATS[place.format_of(precision)].sized else ANY


def portable_shape(format: str, shape: str, own: int | None) -> str:
    """The shape of the portable artifact that a candidate of `shape` starts from."""
    if FORMATS[format].static:
        return shape
    if shape == ANY:
        return source_shape(format, shape, own)
    size = other_size(shape, own)
    if size is None:
        return DYNAMIC
    return of_size(size) if FORMATS[format].sized else ANY


def source_shape(source: str, shape: str, own: int | None) -> str:
    """The shape of the file that a portable artifact of `shape` is made from: what serves one size from its like."""
    if shape == ANY:
        return DYNAMIC if FORMATS[source].sized else ANY
    size = other_size(shape, own)
    return of_size(size) if size else DYNAMIC


def portable(
    root: str, format: str, *, network: str = NETWORK, kind: str = "{precision}.{variant}", shape: str = "{shape}"
) -> str:
    """Folder of a portable artifact; by default with Snakemake's wildcards."""
    return f"{root}/portable/{network}/{format}/{kind}/{shape}"


def checkpoint(root: str, network: str = NETWORK, size: int | str | None = None) -> str:
    """Folder of the network itself: weights, exported program, description. size: of images, if not its own."""
    shape = of_size(size) if size else DYNAMIC
    return portable(root, "checkpoint", network=network, kind="fp32.default", shape=shape)


def reference(root: str, network: str = NETWORK, size: int | None = None) -> str:
    """Folder of the real inputs and the fp32 outputs for them. size: of images, if not the network's own."""
    return f"{root}/portable/{network}/reference{_sized(size)}"


def tuned(root: str, network: str = NETWORK) -> str:
    """Folder of weights that were fine-tuned on a folder of classes."""
    return f"{root}/portable/{network}/train"


def calibration(root: str, network: str = NETWORK, size: int | None = None) -> str:
    """Folder of the real inputs that ranges are found on; none of them is in the reference."""
    return f"{root}/portable/{network}/calibration{_sized(size)}"


def _sized(size: int | None) -> str:
    return f".x{size}" if size else ""


def candidate(
    root: str, host: str, *, network: str = NETWORK, runtime: str = "{runtime}",
    kind: str = "{precision}.{variant}.{device}", shape: str = "{shape}",
) -> str:  # fmt: skip
    """Folder of one candidate on one host; by default with Snakemake's wildcards."""
    return f"{root}/hosts/{host}/{network}/{runtime}/{kind}/{shape}"


def host_record(root: str, host: str) -> str:
    return f"{root}/hosts/{host}/host.json"


MEMORY = "memory"
"""In the place of a library: the host's memory."""


def peaks_record(root: str, host: str, library: str | None = None) -> str:
    """What a host reaches at its best: its GPU, or with a library (a room, or MEMORY) its CPU."""
    return f"{root}/hosts/{host}/peaks/{f'{library}/' if library else ''}artifact.json"


def finals_record(root: str, host: str, name: str = "finals") -> str:
    """The record of a host's finals, or of the trials that refined its screen (`refine`)."""
    return f"{root}/hosts/{host}/{name}/{name}.json"


def tune_record(root: str, host: str) -> str:
    """What `tune` tried on a host, and what it kept."""
    return f"{root}/hosts/{host}/tune/tune.json"


def ledger_record(root: str, host: str) -> str:
    """What `ledger` compiled again, alone."""
    return f"{root}/hosts/{host}/ledger/ledger.json"


def rebuild_record(root: str, host: str) -> str:
    """What `rebuild` compiled several times, and measured."""
    return f"{root}/hosts/{host}/rebuild/rebuild.json"


def environment_record(root: str, host: str, name: str) -> str:
    return f"{root}/hosts/{host}/environments/{name}.json"
