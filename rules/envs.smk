# Environments: one per toolchain, from one hashed lock, in one of three ways.
#   snakemake --cores 8 all                  virtual environments by uv, in the user's cache, shared by checkouts
#   snakemake all --cores 8 --sdm conda      conda environments from envs/*.yaml (the same pins)
#   interpreters: {NAME: /path/to/python}    an existing Python
# Contract: `environment` leaves a record (ok, or which package failed); its content decides what depends on it.


def _uses_conda():
    methods = getattr(workflow.deployment_settings, "deployment_method", None) or ()
    return any(getattr(method, "name", str(method)).lower() == "conda" for method in methods)


USES_CONDA = _uses_conda()


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


rule host:
    """This machine: fingerprint and facts."""
    output:
        record=paths.host_record(ARTIFACTS, HOST),
    log:
        f"{ARTIFACTS}/hosts/{HOST}/host.log",
    conda:
        conda_of("report")
    message:
        "Reading what machine this is"
    shell:
        "exec {GUARD_PYTHON:q} -m scripts.core.host --name {HOST} --record {output.record:q} > {log:q} 2>&1"


rule environment:
    """One toolchain's environment, ready to use. A failed install is a record with the reason, and is tried again."""
    output:
        record=paths.environment_record(ARTIFACTS, HOST, "{name}"),
    log:
        f"{ARTIFACTS}/hosts/{HOST}/environments/{{name}}.log",
    wildcard_constraints:
        name="[a-z_]+",
    conda:
        lambda w: conda_of(w.name)
    params:
        lock=lambda w: os.path.relpath(lock_of(w.name)),
        key=lambda w: environment_key(w.name),
        way=environment_way,
    message:
        "Setting up the environment {wildcards.name}"
    shell:
        "exec {GUARD_PYTHON:q} -m scripts.core.environment --name {wildcards.name} --lock {params.lock:q}"
        " --record {output.record:q} {params.way} > {log:q} 2>&1"
