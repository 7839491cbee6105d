"""What a run is to hold: one row per candidate and workload of this host. Light: the Snakefile imports it.

    python -m scripts.core.plan --config JSON --host NAME --out artifacts/plan.json

The Snakefile asks for these rows to name its targets; `plan.json` says the same to the stages after measuring.
"""

import argparse
import hashlib
import json
from collections.abc import Collection, Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import product
from pathlib import Path
from typing import Any

from scripts.core import networks, paths
from scripts.core.capabilities import DEFAULT, Runtime
from scripts.core.catalogue import FORMATS, HARDWARE, RUNTIMES, on
from scripts.core.tuned import Kept, tries
from scripts.core.tuned import name as tuned_name
from scripts.core.tuned import read as read_tuned
from scripts.core.verb import write_json

Candidate = tuple[str, str, str, str]
"""Runtime, precision, variant, device."""

ORDER_SIZE = 10**4
PROTOCOL = ("seconds", "min_samples", "iterations", "warmup_iterations", "warmup_seconds")
"""Keys of `measure` that a trial's samples depend on."""


@dataclass(frozen=True)
class Row:
    """One candidate under one workload."""

    host: str
    model: str
    weights: str
    runtime: str
    precision: str
    variant: str
    device: str
    shape: str
    batch: int
    image_size: int | None
    mode: str
    threads: int
    trials: int
    own_size: int | None

    @property
    def network(self) -> str:
        return f"{self.model}.{self.weights}"

    @property
    def workload(self) -> str:
        return paths.shape_of(self.batch, self.image_size)

    def paths(self, root: str) -> dict[str, Any]:
        """Where the row's records lie."""
        folder = paths.candidate(
            root, self.host, network=self.network, runtime=self.runtime,
            kind=f"{self.precision}.{self.variant}.{self.device}", shape=self.shape,
        )  # fmt: skip
        asked = (self.runtime, self.precision, self.variant, self.device)
        portable = portable_of(root, asked, self.network, self.shape, self.own_size)
        other = paths.other_size(self.workload, self.own_size)
        return {
            "checkpoint": paths.checkpoint(root, self.network, other),
            "reference": paths.reference(root, self.network, other),
            "portable": portable,
            "deployable": f"{folder}/compiled" if on(self.runtime, self.device).compiles else portable,
            "verify": f"{folder}/verify/{self.workload}/verify.json",
            "trials": [
                f"{folder}/trials/{self.workload}.{self.mode}/trial-{n}.json" for n in range(1, self.trials + 1)
            ],
        }


def portable_of(root: str, candidate: Candidate, network: str, shape: str, own: int | None) -> str:
    """Folder of the portable artifact that a candidate starts from. own: the network's own image size."""
    runtime, precision, variant, device = candidate
    format = on(runtime, device).format_of(precision)
    return paths.portable(
        root, format, network=network, kind=FORMATS[format].kind(precision, variant),
        shape=paths.portable_shape(format, shape, own),
    )  # fmt: skip


def rows(config: dict[str, Any], host: str, threads: int, hardware: Collection[str], kept: Kept) -> list[Row]:
    """Every candidate and workload that the config asks for, in the order of the config and the catalogue.

    What this host cannot run (`hardware`: what it has of `HARDWARE`) is a row without trials. kept: the schemes that
    `tune` found better than the usual way, which are candidates beside it.
    """
    return [
        _row(config, host, threads, hardware, model, candidate, batch, size, mode)
        for model in config["models"]
        for candidate in [*candidates(config, hardware), *_kept(config, model, kept)]
        for size, batch, mode in product(sizes(config, model), batches(config, model), config["modes"])
    ]


def tune_rows(config: dict[str, Any], host: str, threads: int, hardware: Collection[str]) -> list[Row]:
    """What `tune` holds against each other: every scheme, one request at a time, at the smallest batch."""
    return [
        _row(
            config,
            host,
            threads,
            hardware,
            model,
            candidate,
            min(batches(config, model)),
            sizes(config, model)[0],
            "latency",
        )
        for model in config["models"]
        for candidate in tries(config)
    ]


def _row(
    config: dict[str, Any], host: str, threads: int, hardware: Collection[str], model: dict[str, Any],
    candidate: Candidate, batch: int, size: int | None, mode: str,
) -> Row:  # fmt: skip
    runtime, precision, variant, device = candidate
    own = model["image_size"]
    return Row(
        host, model["name"], networks.label(model), runtime, precision, variant, device,
        paths.deployable_shape(candidate, batch, size, own), batch, size, mode, threads,
        config["measure"]["trials"] if can_run(runtime, device, hardware) else 0, own,
    )  # fmt: skip


def batches(config: dict[str, Any], model: dict[str, Any]) -> list[int]:
    """Those of a network: its own, or the general ones."""
    found: list[int] = model.get("batches") or config["batches"]
    return found


def sizes(config: dict[str, Any], model: dict[str, Any]) -> list[int | None]:
    """Image sizes of a network, in pixels: its own list, or the general one, or the size that is its own."""
    if model["image_size"] is None:
        return [None]
    return model.get("image_sizes") or config["image_sizes"] or [model["image_size"]]


def _kept(config: dict[str, Any], model: dict[str, Any], kept: Kept) -> Iterator[Candidate]:
    """The schemes that `tune` kept for a network, where they are not the usual way."""
    network = f"{model['name']}.{networks.label(model)}"
    asked = [(runtime, precision) for runtime, own in config["runtimes"].items() for precision in own["precisions"]]
    for runtime, precision in asked:
        variant = kept.get(tuned_name(network, runtime, precision), DEFAULT)
        if variant != DEFAULT:
            yield runtime, precision, variant, RUNTIMES[runtime].devices[0]


def can_run(runtime: str, device: str, hardware: Collection[str]) -> bool:
    """Whether a host with this hardware can run the runtime there."""
    return on(runtime, device).needs in (None, *hardware)


def candidates(config: dict[str, Any], hardware: Collection[str]) -> Iterator[Candidate]:
    """What the config asks for and the catalogue knows; hardware: what this host has of `HARDWARE`."""
    for name, asked in config["runtimes"].items():
        for place, precision in product(_places(RUNTIMES[name], config["devices"], hardware), asked["precisions"]):
            for variant, device in product(place.variants_of(precision, asked["variants"]), place.devices):
                yield name, precision, variant, device


def _places(runtime: Runtime, devices: Any, hardware: Collection[str]) -> Iterator[Runtime]:
    """Where a runtime is to execute. `auto`: where it can here, and the first place of all, which may say why not."""
    for place in runtime.places:
        if isinstance(devices, list):
            is_meant = bool(set(place.devices) & set(devices))
        else:
            is_meant = devices == "all" or place.needs in hardware or place is runtime.places[0]
        if is_meant:
            yield place


def session_options(
    runtime: str, precision: str, variant: str, device: str, threads: int, batch: int | None, image_size: int | None
) -> dict[str, Any]:
    """What a session is opened with: one candidate, one workload."""
    return {
        "room": on(runtime, device).room, "runtime": runtime, "precision": precision, "variant": variant,
        "device": device, "threads": threads, "batch": batch, "image_size": image_size,
    }  # fmt: skip


def protocol(config: dict[str, Any], mode: str) -> dict[str, Any]:
    """How a trial of `mode` is measured: exactly the keys of the config that its samples depend on."""
    values = {key: config["measure"][key] for key in PROTOCOL}
    return values | (config["serving"] if mode == "serving" else {})


def order(seed: int, trial: int, what: str) -> int:
    """Place of `what` in the round `trial`: a seeded shuffle in which one row's place does not depend on the others."""
    return int.from_bytes(hashlib.sha256(f"{seed}:{trial}:{what}".encode()).digest()[:8], "big") % ORDER_SIZE


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--config", required=True, help="the resolved config, JSON")
    parser.add_argument("--host", required=True)
    parser.add_argument("--threads", required=True, type=int)
    parser.add_argument("--torch-build", required=True)
    parser.add_argument("--hardware", nargs="*", default=[], choices=HARDWARE, help="what this host has")
    parser.add_argument("--tune", action="store_true", help="the schemes that `tune` tries, not a run's rows")
    parser.add_argument("--out", required=True, type=Path)
    args = parser.parse_args(argv)
    config = json.loads(args.config)
    here = (config, args.host, args.threads, args.hardware)
    kept = read_tuned(Path(paths.tune_record(config["artifacts"], args.host)))
    found = tune_rows(*here) if args.tune else rows(*here, kept)
    table = [asdict(row) | {"paths": row.paths(config["artifacts"])} for row in found]
    write_json(
        args.out, {"schema": 1, "host": args.host, "torch_build": args.torch_build, "config": config, "rows": table}
    )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
