"""Where things lie: the one place that spells the folders of `artifacts/`. Light: the Snakefile imports it."""

from pathlib import Path

from scripts.core.catalogue import DYNAMIC, FORMATS, on

ROOT = Path(__file__).resolve().parents[2]
"""The project: where `scripts` can be imported from."""

NETWORK = "{model}.{weights}"


def shape_of(batch: int, image_size: int | None) -> str:
    """`b8x224`; `b8` for a network without an image size."""
    return f"b{batch}x{image_size}" if image_size else f"b{batch}"


def deployable_shape(runtime: str, variant: str, device: str, batch: int, image_size: int | None) -> str:
    """The shape of what a runtime opens for this batch: `dyn` where one artifact serves all."""
    return shape_of(batch, image_size) if on(runtime, device).is_static(variant) else DYNAMIC


def portable(
    root: str, format: str, *, network: str = NETWORK, kind: str = "{precision}.{variant}", shape: str = "{shape}"
) -> str:
    """Folder of a portable artifact; by default with Snakemake's wildcards."""
    shape = shape if FORMATS[format].static else DYNAMIC
    return f"{root}/portable/{network}/{format}/{kind}/{shape}"


def quantized(root: str) -> str:
    """Folder of a file in a lower precision, whatever its format; with Snakemake's wildcards."""
    return f"{root}/portable/{NETWORK}/{{format}}/{{precision}}.{{variant}}/{DYNAMIC}"


def checkpoint(root: str, network: str = NETWORK) -> str:
    """Folder of the network itself: weights, exported program, description."""
    return portable(root, "checkpoint", network=network, kind="fp32.default")


def tuned(root: str, network: str = NETWORK) -> str:
    """Folder of weights that were fine-tuned on a folder of classes."""
    return f"{root}/portable/{network}/train"


def reference(root: str, network: str = NETWORK) -> str:
    """Folder of the real inputs and the fp32 outputs for them."""
    return f"{root}/portable/{network}/reference"


def calibration(root: str, network: str = NETWORK) -> str:
    """Folder of the real inputs that ranges are found on; none of them is in the reference."""
    return f"{root}/portable/{network}/calibration"


def candidate(
    root: str, host: str, *, network: str = NETWORK, runtime: str = "{runtime}",
    kind: str = "{precision}.{variant}.{device}", shape: str = "{shape}",
) -> str:  # fmt: skip
    """Folder of one candidate on one host; by default with Snakemake's wildcards."""
    return f"{root}/hosts/{host}/{network}/{runtime}/{kind}/{shape}"


def host_record(root: str, host: str) -> str:
    return f"{root}/hosts/{host}/host.json"


def peaks_record(root: str, host: str) -> str:
    """What a host's GPU reaches at its best."""
    return f"{root}/hosts/{host}/peaks/artifact.json"


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
