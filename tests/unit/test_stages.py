"""Where the time went adds up."""

from scripts.core.estimate import sentence
from scripts.core.stages import shares


def test_moments_are_shared_and_add_up() -> None:
    jobs = [
        ("environment", 0.0, 10.0),
        ("convert_onnx", 5.0, 15.0),
        ("trial", 20.0, 30.0),
        ("compile_openvino", 30.0, 31.0),
    ]
    spent = shares(jobs)
    assert spent == {"measuring": 10.0, "installing": 7.5, "converting": 7.5, "Snakemake": 5.0, "compiling": 1.0}
    assert sum(spent.values()) == 31.0


class _Rule:
    def __init__(self, name: str) -> None:
        self.name = name


class _Job:
    def __init__(self, name: str) -> None:
        self.rule = _Rule(name)


def test_the_estimate_counts_trials_one_at_a_time() -> None:
    config = {
        "measure": {"seconds": 2.0, "warmup_seconds": 0.5}, "models": [{"image_size": 224}],
        "batches": [1, 8], "image_sizes": None, "modes": ["latency"],
        "finals": {"seconds": 0.5, "rounds": 10, "finalists": 3, "minutes": 5},
    }  # fmt: skip
    jobs = [*(_Job("trial") for _ in range(60)), *(_Job("convert_litert") for _ in range(2)), _Job("all")]
    said = sentence(jobs, config, cores=2)
    assert said == "62 jobs to do (60 of them measure, one at a time), about 5 minutes on 2 cores."
    assert "about 5 minutes" in sentence(jobs, config, cores=8)
    assert sentence([_Job("finals")], config, cores=2) == "1 job to do, about 2 minutes on 2 cores."
    assert sentence([_Job("report")], config, cores=1) == "1 job to do, under a minute on 1 core."
