# The network: its weights, exported once, and what it says about real photos in fp32.
# Contract: every later stage starts from `checkpoint` and is held against `reference`.


rule prepare:
    """Load the checkpoint safely and export it once."""
    input:
        environment=environment_of("torch"),
        weights=lambda w: network_entry(w).get("file") or [],
        photos=lambda w: photo_files(w) if w.weights == "untrained" else [],
    output:
        **made(paths.checkpoint(ARTIFACTS)),
    log:
        f"{paths.checkpoint(ARTIFACTS)}/prepare.log",
    conda:
        conda_of("torch")
    resources:
        mem_mb=3000,
    params:
        options=prepare_options,
        code=code_hash("scripts.models.prepare"),
        user_code=lambda w: keys.user_code_key(network_entry(w)),
        env=environment_key("torch"),
    message:
        "Loading {wildcards.model} ({wildcards.weights} weights) and exporting it"
    shell:
        words(
            PREPARE,
            "--verb scripts.models.prepare",
        )


rule reference:
    """Run the network in fp32 on every photo: what all candidates are held against."""
    input:
        environment=environment_of("torch"),
        checkpoint=record(paths.checkpoint(ARTIFACTS)),
        photos=photo_files,
    output:
        **made(paths.reference(ARTIFACTS)),
    log:
        f"{paths.reference(ARTIFACTS)}/reference.log",
    conda:
        conda_of("torch")
    resources:
        mem_mb=3000,
    params:
        options=lambda w: options(model=network_entry(w), photos=CONFIG["photos"]),
        code=code_hash("scripts.models.reference"),
        env=environment_key("torch"),
    message:
        "Running {wildcards.model} in fp32 on the photos, the reference"
    shell:
        words(
            PREPARE,
            "--verb scripts.models.reference --source checkpoint={input.checkpoint:q}",
        )
