"""Ask Snakemake's own API what would run, and why: prints {job: [reasons]} as JSON.

python tests/plan/ask.py FOLDER [KEY=VALUE ...]
"""

import json
import sys
from contextlib import redirect_stdout
from pathlib import Path

import yaml
from snakemake.api import SnakemakeApi
from snakemake.settings.types import ConfigSettings, DAGSettings, OutputSettings, Quietness, ResourceSettings


def would_run(folder: Path, config: dict[str, object], target: str = "all") -> dict[str, list[str]]:
    """Jobs by name and first output, with Snakemake's reasons."""
    with SnakemakeApi(OutputSettings(dryrun=True, quiet={Quietness.ALL})) as api:
        workflow = api.workflow(
            resource_settings=ResourceSettings(cores=2),
            config_settings=ConfigSettings(config=config),
            snakefile=folder / "Snakefile",
            workdir=folder,
        )
        dag = workflow.dag(DAGSettings(targets={target}, max_checksum_file_size=10**7))
        dag.execute_workflow(executor="dryrun")
        graph = workflow._workflow.dag
        return {
            f"{job.rule.name} {next(iter(job.output), '')}": [
                line for line in str(graph.reason(job)).split("; ") if line
            ]
            for job in graph.needrun_jobs(exclude_finished=False)
        }


if __name__ == "__main__":
    with redirect_stdout(sys.stderr):
        answer = would_run(
            Path(sys.argv[1]), {k: yaml.safe_load(v) for k, v in (a.split("=", 1) for a in sys.argv[2:])}
        )
    print(json.dumps(answer))
