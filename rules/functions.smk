# Input and parameter functions of the rules, by the file that uses them.

# Environments: envs.smk


def _uses_conda():
    methods = getattr(workflow.deployment_settings, "deployment_method", None) or ()
    return any(getattr(method, "name", str(method)).lower() == "conda" for method in methods)


def environment_of(name):
    """The record of an environment, as an input."""
    return paths.environment_record(ARTIFACTS, HOST, name)


def environment_key(name):
    """What an environment holds, as a parameter of every job that uses it."""
    if name in CONFIG["interpreters"]:
        return keys.interpreter_key(CONFIG["interpreters"][name])
    return keys.lock_key(lock_of(name))


def lock_of(name):
    return ROOT / "envs" / f"{environment.lock_name(name, TORCH_BUILD)}.lock.txt"


def conda_of(name):
    """The conda file with the same pins."""
    return str(ROOT / "envs" / f"{environment.lock_name(name, TORCH_BUILD)}.yaml")


def environment_way(w):
    """How the environment is had, as arguments."""
    if w.name in CONFIG["interpreters"]:
        return f"--interpreter {CONFIG['interpreters'][w.name]}"
    return '--conda-python "$(command -v python)"' if USES_CONDA else f"--torch-choice {ARTIFACTS}/torch_build.json"


# Networks: model.smk


def photos_of(w):
    """The photos that a network is held against: of one that is fine-tuned here, those of its own folder."""
    entry = network_entry(w)
    return entry["train"]["photos"] if "train" in entry else CONFIG["photos"]


def train_options(w):
    """With what decides the weights beside the entry: an interrupted training goes on only where all is the same."""
    entry = network_entry(w)
    return options(model=entry, code=code_hash("scripts.models.train"), user_code=keys.user_code_key(entry))


def tuned(w):
    """The weights that were fine-tuned here; none for other networks."""
    return record(paths.tuned(ARTIFACTS, f"{w.model}.{w.weights}")) if "train" in network_entry(w) else []


def prepare_options(w):
    """Fresh weights are settled on photos; what trains must know the photos that it may not see."""
    entry = network_entry(w)
    is_settled = entry["weights"] == "untrained" and "train" not in entry
    photos = {"photos": CONFIG["photos"]} if is_settled or "training" in entry else {}
    return options(model=entry, **photos)


def prepare_photos(w):
    """The photos whose bytes matter to the weights."""
    entry = network_entry(w)
    if "train" in entry:
        return []
    trained_on = CONFIG["training_files"][entry["training"]["photos"]] if "training" in entry else []
    return [*(photo_files(w) if entry["weights"] == "untrained" or trained_on else []), *trained_on]


def whole_reference(w):
    """The reference of the network that pruned weights come from; none for whole ones."""
    entry = network_entry(w)
    size = size_at(w)
    return record(paths.reference(ARTIFACTS, f"{w.model}.{entry['weights']}", size)) if "pruned" in entry else []


def size_at(w):
    """The image size in a folder's name, `reference.x256`; None for the network's own."""
    return int(w.at[2:]) if w.at else None


def checkpoint_at(w):
    """The network for the images that its reference holds."""
    return record(paths.checkpoint(ARTIFACTS, size=size_at(w)).format(**w))


def checkpoint_of(w):
    """The network for a workload's images."""
    return record(paths.checkpoint(ARTIFACTS, size=paths.other_size(w.workload, own_size(w))).format(**w))


def reference_of(w):
    """The inputs of a workload, and what is right for them."""
    return record(paths.reference(ARTIFACTS, size=paths.other_size(w.workload, own_size(w))).format(**w))


def photo_files(w):
    """The photos whose bytes matter: all of them, where the stage reads them."""
    entry = network_entry(w)
    return CONFIG["training_files"][entry["train"]["photos"]] if "train" in entry else CONFIG["photo_files"]


# TensorRT: tensorrt.smk


def tensorrt_options(w):
    """How hard the builder tries, the batches of an engine that serves several, how its calibrator finds ranges.

    Other variants say how an engine is run: they take the default's, which the store then answers.
    """
    names = ["optimization_level", "workspace_mb", *(["profile"] if w.variant == PROFILE else [])]
    calibration = {"calibration": CONFIG["calibration"]["method"]} if w.variant == CALIBRATOR else {}
    variant = w.variant if w.variant in (PROFILE, CALIBRATOR) else DEFAULT
    return {name: CONFIG["tensorrt"][name] for name in names} | calibration | {"variant": variant}


# Verifying and measuring: measure.smk


def session_environment(w):
    """The environment that runs a candidate; none where this host cannot run it."""
    return [] if cannot_run(w) else environment_of(on(w.runtime, w.device).env)


def session_conda(w):
    """The conda file of that environment; where this host cannot run the candidate, one that is there in any case."""
    return conda_of("report" if cannot_run(w) else on(w.runtime, w.device).env)


def cannot_run(w):
    """Why this host cannot run a candidate; empty if it can."""
    if plan.can_run(w.runtime, w.device, HERE):
        return ""
    place = on(w.runtime, w.device)
    why = f"not run here: no {HARDWARE[place.needs]}"
    return f"built; {why}" if place.builds_without_device else why


def loadgen_of(modes):
    """The record of LoadGen's environment, for serving mode."""
    return [environment_of("loadgen")] if "serving" in modes else []


def deployable(w):
    """What a session opens: the compiled artifact, or the portable one where nothing compiles."""
    if on(w.runtime, w.device).compiles:
        return record(f"{candidate().format(**w)}/compiled")
    return portable_of(None)(w)


def session_options(w):
    """What a session is opened with: one candidate, one workload."""
    batch, size = paths.batch_and_size(w.workload)
    return plan.session_options(w.runtime, w.precision, w.variant, w.device, THREADS, batch, size)


def verify_options(w):
    return options(**session_options(w))


def trial_options(w):
    names = ("model", "weights", "runtime", "precision", "variant", "device", "shape")
    return options(
        mode=w.mode,
        protocol=plan.protocol(CONFIG, w.mode),
        candidate={name: w[name] for name in names},
        torch_build=TORCH_BUILD,
        **session_options(w),
    )


def round_order(w):
    """Place of this trial in its round."""
    candidate = f"{w.model}.{w.weights}/{w.runtime}/{w.precision}.{w.variant}.{w.device}"
    return plan.order(CONFIG["measure"]["seed"], int(w.trial), f"{candidate}/{w.workload}.{w.mode}")


def trial_priority(w):
    """Below every builder, round by round, shuffled within the round."""
    return -(int(w.trial) * plan.ORDER_SIZE + round_order(w))


# Peaks: roofline.smk


def peaks_records():
    """What this host reaches at its best, by the rows that measure: its GPU, and each library on its CPU."""
    if not CONFIG["measure"]["peaks"]:
        return []
    libraries = [*LIBRARIES, paths.MEMORY] if LIBRARIES else []
    return [paths.peaks_record(ARTIFACTS, HOST, library) for library in [*([None] if GPUS else []), *libraries]]


def peaks_environment(w):
    """The environment that a library's peaks are measured in; the memory's are in one that has NumPy and is there."""
    return "report" if w.library == paths.MEMORY else env_of_room(w.library)


def peaks_verb(w):
    return "scripts.measure.bandwidth" if w.library == paths.MEMORY else f"scripts.{w.library}.peaks"


# Finals: finals.smk


def refined_screen(w):
    """The record of more trials, where the config gives minutes for them."""
    return paths.finals_record(ARTIFACTS, HOST, "refine") if CONFIG["finals"]["refine_minutes"] else []


# Proofs: trust.smk


def trust_records(rows):
    """What the proofs on these rows read."""
    folders = {row["paths"][name] for row in rows for name in ("deployable", "portable", "reference", "checkpoint")}
    environments = {environment_of(on(row["runtime"], row["device"]).env) for row in rows}
    return sorted({record(folder) for folder in folders} | environments)


def trust_config():
    """The part of the config that a proof's trials depend on."""
    return options(measure=CONFIG["measure"], serving=CONFIG["serving"], artifacts=ARTIFACTS)


def reference_modules():
    """What our times are held against, by the rows that are proved."""
    return [f"scripts.trust.references.{on(row['runtime'], row['device']).room}" for row in TRUST_ROWS]


# Reporting: report.smk


def others_key():
    """The records of other hosts that the report shows."""
    return [
        keys.file_key(Path(name)) if Path(name).is_file() else keys.files_key(Path(name)) for name in CONFIG["hosts"]
    ]


def all_records(w):
    """Every record that the rows of a run refer to."""
    return records_of(ROWS)


def tune_records(w):
    """Every record that the schemes refer to."""
    return records_of(TUNE_ROWS)


def records_of(rows):
    found = []
    for row in rows:
        where = row.paths(ARTIFACTS)
        found += [record(where["deployable"]), where["verify"], *where["trials"]]
    return sorted(set(found))


# The plan, and tuning: report.smk, tune.smk


def plan_config():
    """The config as the plan records it. The photos' names are left out: their bytes are inputs where they matter."""
    named = ("photo_files", "training_files")
    return options(**{key: value for key, value in CONFIG.items() if key not in named})


def plan_here():
    """This host, as arguments of the plan."""
    return words(f"--host {HOST} --threads {THREADS} --torch-build {TORCH_BUILD} --hardware", *HERE)
