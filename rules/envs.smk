# Environments: one per toolchain, from one hashed lock, in one of three ways.
#   snakemake --cores 8 all                  virtual environments by uv, in the user's cache, shared by checkouts
#   snakemake all --cores 8 --sdm conda      conda environments from envs/*.yaml (the same pins)
#   interpreters: {NAME: /path/to/python}    an existing Python
# Contract: `environment` leaves a record (ok, or which package failed); its content decides what depends on it.


USES_CONDA = _uses_conda()
if USES_CONDA:
    # pip inside conda's environments has to find PyTorch where set-up found it.
    links = os.environ.get("PIP_FIND_LINKS", "").split() + bootstrap.find_links(CONFIG)
    os.environ.update(PIP_FIND_LINKS=" ".join(dict.fromkeys(links)))


rule host:
    """This machine: fingerprint and facts."""
    output:
        record=paths.host_record(ARTIFACTS, HOST),
    log:
        f"{ARTIFACTS}/hosts/{HOST}/host.log",
    conda:
        conda_of("report")
    params:
        name=HOST,
    message:
        "Reading what machine this is"
    shell:
        'exec "$ASSAY_PYTHON" -m scripts.core.host --name {params.name} --record {output.record:q} > {log:q} 2>&1'


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
        'exec "$ASSAY_PYTHON" -m scripts.core.environment --name {wildcards.name} --lock {params.lock:q}'
        " --record {output.record:q} {params.way} > {log:q} 2>&1"
