# The network: its weights, exported once, and what it says about real photos in fp32.
# Contract: every later stage starts from `checkpoint` and is held against `reference`.


rule train:
    """Fine-tune the network on a folder of classes. What a killed run did is kept in `unfinished`, which is no output."""
    input:
        environment=environment_of("torch"),
        weights=lambda w: network_entry(w).get("file") or [],
        photos=photo_files,
    output:
        **made(paths.tuned(ARTIFACTS)),
    log:
        f"{paths.tuned(ARTIFACTS)}/train.log",
    conda:
        conda_of("torch")
    threads: host.usable_cores()
    resources:
        mem_mb=6000,
    params:
        options=train_options,
        env=environment_key("torch"),
    message:
        "Fine-tuning {wildcards.model} ({wildcards.weights}); how far it is: {log}"
    shell:
        words(
            TRAIN,
            "--verb scripts.models.train",
        )


rule prepare:
    """Load the checkpoint safely and export it once."""
    input:
        environment=environment_of("torch"),
        weights=lambda w: network_entry(w).get("file") or [],
        tuned=tuned,
        photos=prepare_photos,
    output:
        **made(paths.checkpoint(ARTIFACTS)),
    log:
        f"{paths.checkpoint(ARTIFACTS)}/prepare.log",
    conda:
        conda_of("torch")
    resources:
        mem_mb=lambda w: 6000 if "training" in network_entry(w) else 3000,
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
            "--verb scripts.models.prepare --source tuned={input.tuned:q}",
        )


rule resize:
    """The same network for images of another size, exported once more."""
    input:
        environment=environment_of("torch"),
        checkpoint=record(paths.checkpoint(ARTIFACTS)),
    output:
        **made(paths.checkpoint(ARTIFACTS, size="{size}")),
    log:
        f"{paths.checkpoint(ARTIFACTS, size='{size}')}/resize.log",
    conda:
        conda_of("torch")
    resources:
        mem_mb=3000,
    params:
        options=lambda w: options(image_size=int(w.size)),
        code=code_hash("scripts.models.resize"),
        user_code=lambda w: keys.user_code_key(network_entry(w)),
        env=environment_key("torch"),
    message:
        "Exporting {wildcards.model} for images of {wildcards.size} pixels"
    shell:
        words(
            PREPARE,
            "--verb scripts.models.resize --source checkpoint={input.checkpoint:q}",
        )


rule reference:
    """Run the network in fp32 on every photo: what all candidates are held against."""
    input:
        environment=environment_of("torch"),
        checkpoint=checkpoint_at,
        original=whole_reference,
        photos=photo_files,
    output:
        **made(paths.reference(ARTIFACTS) + "{at}"),
    log:
        paths.reference(ARTIFACTS) + "{at}/reference.log",
    conda:
        conda_of("torch")
    resources:
        mem_mb=3000,
    params:
        options=lambda w: options(model=network_entry(w), photos=photos_of(w)),
        code=code_hash("scripts.models.reference"),
        env=environment_key("torch"),
    message:
        "Running {wildcards.model} in fp32 on the photos, the reference"
    shell:
        words(
            PREPARE,
            "--verb scripts.models.reference --source checkpoint={input.checkpoint:q}",
            "--source original={input.original:q}",
        )


rule calibration:
    """The inputs on which every runtime finds its integer ranges, the same for all; never validated on."""
    input:
        environment=environment_of("torch"),
        reference=record(paths.reference(ARTIFACTS) + "{at}"),
    output:
        **made(paths.calibration(ARTIFACTS) + "{at}"),
    log:
        paths.calibration(ARTIFACTS) + "{at}/calibration.log",
    conda:
        conda_of("torch")
    resources:
        mem_mb=1000,
    params:
        options=options(photos=CONFIG["calibration"]["photos"]),
        code=code_hash("scripts.models.calibration"),
        env=environment_key("torch"),
    message:
        "Choosing the calibration photos of {wildcards.model}"
    shell:
        words(
            PREPARE,
            "--verb scripts.models.calibration --source reference={input.reference:q}",
        )
