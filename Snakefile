# Assay: one checkpoint in; every deployable artifact out, verified, timed and weighed; one report.
#
#   snakemake --cores 8 all       the whole line, to reports/report.html
#   snakemake --cores 8 export    the chosen candidate as a folder that runs on its own
#   snakemake --cores 8 tune      other ways to int8: tries them all, keeps the fastest that passes
#
# Nothing heavy is imported here: toolchains live in environments of their own (rules/envs.smk).
from snakemake.utils import min_version

min_version("9.20")


configfile: "config.yaml"


include: "rules/common.smk"
include: "rules/functions.smk"
include: "rules/envs.smk"
include: "rules/model.smk"
include: "rules/pytorch.smk"
include: "rules/onnxruntime.smk"
include: "rules/openvino.smk"
include: "rules/tensorrt.smk"
include: "rules/torch_tensorrt.smk"
include: "rules/litert.smk"
include: "rules/executorch.smk"
include: "rules/tensorflow.smk"
include: "rules/quantize.smk"
include: "rules/measure.smk"
include: "rules/roofline.smk"
include: "rules/finals.smk"
include: "rules/report.smk"
include: "rules/study.smk"
include: "rules/ledger.smk"
include: "rules/trust.smk"
include: "rules/tune.smk"


localrules:
    all,
    export,


rule all:
    """Everything the config asks for, judged, in one report. Fails, after the report, if a stage failed."""
    default_target: True
    input:
        f"{REPORTS}/report.html",
        f"{REPORTS}/results.csv",
        f"{REPORTS}/results.parquet",
        f"{REPORTS}/study.md" if CONFIG["study"] else [],
        f"{ARTIFACTS}/hosts/{HOST}/all-ok.txt",


rule export:
    """The chosen candidate of each model: artifact, preprocessing, labels, pins and a run.py."""
    input:
        expand(f"{REPORTS}/export/{HOST}/{{network}}/export.json", network=NETWORKS),


onstart:
    # Snakemake's limit of jobs a second wakes its scheduler once a second for each job that has ended: in the end a
    # tenth of a core, beside what is measured. Where jobs run on this machine there is nothing to limit.
    if workflow.local_exec:
        workflow.scheduler.job_rate_limiter = None
    if STORE and (objection := place.objection(STORE)):
        say(objection)
    say(estimate.sentence(workflow.dag.needrun_jobs(), CONFIG, workflow.cores))


onerror:
    if words_for_people := last_words(Path(REPORTS) / "logs", STARTED):
        say(words_for_people)
