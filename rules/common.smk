# What all rules share: the config, the host, folders, wildcards, the table of candidates, the guarded command.
import json
import os
import shlex
import sys
import time
from pathlib import Path

sys.path.insert(0, workflow.basedir)

from snakemake.utils import update_config

from scripts.core import bootstrap, environment, estimate, host, keys, networks, paths, plan, retry, tuned
from scripts.core.capabilities import ANY, DEFAULT
from scripts.core.catalogue import (
    CALIBRATED,
    CALIBRATOR,
    FORMATS,
    HARDWARE,
    PROFILE,
    QUANTIZED,
    RUNTIMES,
    env_of_room,
    on,
)
from scripts.core.codehash import code_hash
from scripts.core.last_words import last_words
from scripts.core.store import place
from scripts.nvidia.device import is_gpu
from scripts.trust.rows import proof_rows

ROOT, STARTED = Path(workflow.basedir), time.time()
update_config(config, bootstrap.typed(workflow.config_settings.config))
GUARD_PYTHON = bootstrap.python(ROOT, config)
CONFIG = bootstrap.load_config(config, GUARD_PYTHON, ROOT)

ARTIFACTS = CONFIG["artifacts"]
REPORTS = CONFIG["reports"]
HOST = host.resolve(CONFIG["host"], Path(ARTIFACTS) / "host.txt")
THREADS = host.usable_cores() if CONFIG["threads"] == "auto" else CONFIG["threads"]
TORCH_BUILD = bootstrap.torch_build(CONFIG, GUARD_PYTHON, ROOT)
HERE = host.hardware()
ROWS = plan.rows(CONFIG, HOST, THREADS, HERE, tuned.read(Path(paths.tune_record(ARTIFACTS, HOST))))
TUNE_ROWS = plan.tune_rows(CONFIG, HOST, THREADS, HERE)
TRUST_ROWS = proof_rows(ROWS, ARTIFACTS)
GPUS = sorted({row.device for row in ROWS if row.trials and is_gpu(row.device)})
LIBRARIES = sorted({on(row.runtime, row.device).library for row in ROWS if row.trials and row.device == "cpu"})
NETWORKS = sorted({row.network for row in ROWS})
TRIALS = CONFIG["measure"]["trials"]
STORE = place.chosen(CONFIG["store"])
os.environ.setdefault("ASSAY_SESSION", time.strftime("%Y%m%dT%H%M%S", time.gmtime()) + f"-{os.getpid()}")


wildcard_constraints:
    model="[a-z0-9_]+",
    weights="[a-z0-9_]+",
    runtime="|".join(RUNTIMES),
    precision="[a-z0-9_]+",
    variant="[a-z0-9_]+",
    device="[a-z0-9_:]+",
    shape=r"any|dyn(x\d+)?|b\d+(x\d+)?",
    at=r"(\.x\d+)?",
    size=r"\d+",
    workload=r"b\d+(x\d+)?",
    mode="[a-z]+",
    trial=r"\d+",


# What failed is tried again if the config says so; a failed install always is.
# With `fresh`, all that is compiled and measured is.
if not workflow.dryrun and workflow.is_main_process:
    if CONFIG["fresh"]:
        retry.forget_all(Path(ARTIFACTS), HOST)
    retry.forget(Path(ARTIFACTS), HOST, everything=CONFIG["retry_failed"])

# Builders run side by side as far as memory allows, unless `--resources mem_mb=` says otherwise.
if "mem_mb" not in workflow.global_resources:
    workflow.register_resource("mem_mb", host.memory_mb() * 8 // 10)


def job_prefix(python):
    """What every job's command starts with: `scripts` importable, guard's Python, what guard dies with, the limits.

    Limits and the store are no parameters: another limit, or what is served, makes no other bytes.
    """
    variables = {
        "PYTHONPATH": str(ROOT),
        "ASSAY_PYTHON": python,
        "ASSAY_PARENT": str(os.getpid()),
        "ASSAY_LIMITS": json.dumps(CONFIG["limits"]),
        "ASSAY_STORE": str(STORE or place.OFF),
        "ASSAY_FRESH": "1" if CONFIG["fresh"] else "",
    }
    assignments = " ".join(f"{name}={shlex.quote(value)}" for name, value in variables.items())
    return f"set -euo pipefail; export {assignments}; ".replace("{", "{{").replace("}", "}}")  # Snakemake formats it


shell.prefix(job_prefix(GUARD_PYTHON))

# Every stage runs under guard in Snakemake's own Python, and guard runs the verb in the toolchain's environment.
# `exec`, so that guard is Snakemake's own child and dies with it.
GUARDED = 'exec "$ASSAY_PYTHON" -m scripts.core.stage'
TO_ARTIFACT = (
    "--artifact {output.artifact:q} --environment={input.environment:q} --options {params.options:q} --log {log:q}"
)


def words(*parts):
    """One command line from its parts."""
    return " ".join(parts)


TRAIN = words(GUARDED, "artifact --stage train", TO_ARTIFACT)
PREPARE = words(GUARDED, "artifact --stage prepare", TO_ARTIFACT)
CONVERT = words(GUARDED, "artifact --stage convert", TO_ARTIFACT)
# What a rule says that its compiler's bytes depend on of the host is part of their key in the store.
COMPILE = words(GUARDED, "artifact --stage compile", TO_ARTIFACT, "--depends-on")


def options(**values):
    """A job's options as one JSON text: exactly the keys that it uses."""
    return json.dumps(values, sort_keys=True)


def record(folder):
    """The record that names an artifact folder."""
    return f"{folder}/artifact.json"


def made(folder):
    """What the making of an artifact leaves: its identity and its cost. The files lie in `files/` beside them."""
    return {"artifact": f"{folder}/artifact.json", "build": f"{folder}/build.json"}


def portable(format):
    return paths.portable(ARTIFACTS, format)


def candidate(runtime="{runtime}", kind="{precision}.{variant}.{device}"):
    return paths.candidate(ARTIFACTS, HOST, runtime=runtime, kind=kind)


def portable_of(runtime):
    """Input function: the portable artifact that a candidate of `runtime` starts from."""

    def folder(w):
        asked = (runtime or w.runtime, w.precision, w.variant, w.device)
        return record(plan.portable_of(ARTIFACTS, asked, f"{w.model}.{w.weights}", w.shape, own_size(w)))

    return folder


def source_of(format):
    """Input function: what a converter to `format` starts from."""

    def folder(w):
        source = FORMATS[format].source
        kind = FORMATS[source].kind(w.precision, w.variant)
        shape = paths.source_shape(source, w.shape, own_size(w))
        return record(paths.portable(ARTIFACTS, source, network=f"{w.model}.{w.weights}", kind=kind, shape=shape))

    return folder


def calibration_of(w):
    """Input function: the calibration batch, for precisions whose ranges are found on it."""
    if w.precision not in CALIBRATED:
        return []
    return record(paths.calibration(ARTIFACTS, f"{w.model}.{w.weights}", paths.other_size(w.shape, own_size(w))))


def own_size(w):
    """The image size that a network has of its own; None for one that takes arrays."""
    return network_entry(w)["image_size"]


def build_options(w):
    """Options of a converter."""
    method = {"calibration": CONFIG["calibration"]["method"]} if w.precision in CALIBRATED else {}
    own = FORMATS[w.format].options if w.get("format") else {}
    return build_options_with(w, **method, **own)


def build_options_with(w, **more):
    """Options of a converter or compiler that uses more than the rest."""
    batch, size = paths.batch_and_size(w.shape)
    asked = {"precision": w.precision, "variant": w.variant, "batch": batch}
    asked["image_size"] = ANY if w.shape == ANY else size
    return options(**asked | more)


def network_entry(w):
    """The config's entry of a network."""
    return networks.entry_of(CONFIG["models"], w.model, w.weights)


def say(text):
    print(text, file=sys.stderr, flush=True)
