"""What reruns when: the promise that an edit redoes its branch and nothing else."""

import os
import re
import subprocess
import time
from collections import Counter
from pathlib import Path

import pytest

from tests.plan.conftest import ask, lay

AFTERWARDS = {"plan", "finals", "summarise", "report", "check", "all"}


def rules(answer: dict[str, list[str]]) -> Counter[str]:
    return Counter(job.split()[0] for job in answer)


def runtimes(answer: dict[str, list[str]]) -> set[str]:
    """Runtimes whose trials would run."""
    return {found[1] for job in answer if (found := re.search(r"^trial .*?/hosts/[^/]+/[^/]+/([a-z_]+)/", job))}


def edit(file: Path, old: str, new: str) -> None:
    text = file.read_text()
    assert old in text, f"{file} does not hold {old!r}"
    file.write_text(text.replace(old, new, 1))


def append(file: Path, text: str) -> None:
    file.write_text(file.read_text() + text)


def test_nothing_is_to_be_done_after_a_run(finished: Path) -> None:
    assert ask(finished) == {}


def test_a_moved_folder_reruns_nothing(project: Path) -> None:
    assert ask(project) == {}


def test_a_touch_reruns_nothing(project: Path) -> None:
    for file in [*project.glob("scripts/**/*.py"), *project.glob("rules/*.smk"), *project.glob("data/photos/**/*")]:
        os.utime(file)
    for file in project.glob("artifacts/portable/**/*.json"):
        os.utime(file)
    assert ask(project) == {}


def test_a_fresh_checkout_reruns_nothing(project: Path) -> None:
    git = ["git", "-c", "user.name=t", "-c", "user.email=t@example.org"]
    subprocess.run([*git, "init", "-q"], cwd=project, check=True)
    subprocess.run([*git, "add", "scripts", "rules", "Snakefile", "data", "envs"], cwd=project, check=True)
    subprocess.run([*git, "commit", "-qm", "all"], cwd=project, check=True)
    subprocess.run("rm -rf scripts rules data envs && git checkout -q .", shell=True, cwd=project, check=True)
    assert ask(project) == {}


def test_a_comment_or_a_docstring_reruns_nothing(project: Path) -> None:
    converter = project / "scripts/openvino/convert.py"
    converter.write_text(
        "# a comment\n" + converter.read_text().replace('"""', '"""Said otherwise. ', 1) + "\n\n# more\n"
    )
    assert ask(project) == {}


def test_an_edit_to_a_converter_reruns_its_branch_and_the_report(project: Path) -> None:
    append(project / "scripts/openvino/convert.py", "\n\nADDED = 1\n")
    answer = ask(project)
    assert set(rules(answer)) == {"convert_openvino", "compile_openvino", "verify", "trial"} | AFTERWARDS
    assert runtimes(answer) == {"openvino"}
    assert rules(answer)["trial"] == 2 * 5
    first = next(reasons for job, reasons in answer.items() if job.startswith("convert_openvino"))
    assert "Params have changed" in " ".join(first)


def test_an_edit_to_a_helper_reruns_exactly_its_importers(project: Path) -> None:
    append(project / "scripts/pytorch/inductor.py", "\n\nADDED = 1\n")
    answer = ask(project)
    assert {rule for rule in rules(answer) if rule.startswith(("prepare", "reference", "convert", "compile"))} == {
        "compile_inductor"
    }
    assert runtimes(answer) == {"pytorch", "torchscript", "torch_compile", "aotinductor"}


def test_an_edit_to_the_gate_verifies_again_and_measures_nothing(project: Path) -> None:
    append(project / "scripts/measure/gate.py", "\n\nADDED = 1\n")
    assert set(rules(ask(project))) == {"verify"} | AFTERWARDS


def test_an_edit_to_the_statistics_measures_nothing(project: Path) -> None:
    append(project / "scripts/stats/intervals.py", "\n\nADDED = 1\n")
    assert set(rules(ask(project))) == {"finals", "summarise", "report", "check", "all"}


def test_an_edit_to_one_session_measures_its_runtimes_again(project: Path) -> None:
    append(project / "scripts/litert/session.py", "\n\nADDED = 1\n")
    answer = ask(project)
    assert runtimes(answer) == {"litert"}
    assert set(rules(answer)) == {"verify", "trial"} | AFTERWARDS


def test_a_new_batch_adds_only_its_own_trials(project: Path) -> None:
    answer = ask(project, "batches=[1, 4, 8]")
    measured = [job for job in answer if job.startswith(("trial", "verify"))]
    assert measured and all("/b4x224" in job for job in measured)
    converters = {job for job in answer if job.startswith(("convert", "compile"))}
    assert converters and all("/b4x224/" in job for job in converters)
    assert not rules(answer)["prepare"] and not rules(answer)["reference"]


def test_new_image_sizes_add_only_their_own(project: Path) -> None:
    """What a runtime builds for one shape is built for each size; what serves all sizes is built once for them."""
    answer = ask(project, "image_sizes=[224, 192, 160]")
    measured = [job for job in answer if job.startswith(("trial", "verify"))]
    assert len(measured) == 2 * 2 * 8 * (5 + 1) + 2 * 2 * 3  # sizes, batches, runtimes; TensorRT's rows have no trials
    assert all(re.search(r"/b[18]x(192|160)", job) for job in measured)
    made = rules(answer)
    assert not made["prepare"] and (made["resize"], made["reference"]) == (2, 2)
    once = {"convert_onnx": "/any/", "convert_openvino": "/any/", "compile_onnxruntime": "/any/"}
    for rule, shape in once.items():
        assert [shape in job for job in answer if job.startswith(rule + " ")] == [True], rule
    assert made["convert_torchscript"] == 0  # as it is, it serves all
    assert (made["convert_litert"], made["convert_executorch"], made["compile_openvino"]) == (2, 4, 4)


def test_more_trials_measure_only_those(project: Path) -> None:
    answer = ask(project, "measure={trials: 6}")
    assert all(job.endswith("trial-6.json") for job in answer if job.startswith("trial"))
    assert (rules(answer)["trial"], rules(answer)["verify"]) == (8 * 2, 0)


def peaks(answer: dict[str, list[str]]) -> set[str]:
    """Libraries whose peaks would be measured."""
    return {job.split("/")[-2] for job in answer if job.startswith(("cpu_peaks", "peaks"))}


def test_peaks_are_measured_of_the_libraries_of_rows_that_measure(tmp_path: Path) -> None:
    folder = lay(tmp_path / "new")
    assert peaks(ask(folder, "runtimes=[torchscript, executorch]")) == {"pytorch", "litert", "memory"}
    assert peaks(ask(folder, "runtimes=[tensorrt_rtx]", "devices=all")) == set()
    assert peaks(ask(folder, "measure={peaks: false}")) == set()


def test_another_runtime_measures_its_librarys_peaks_and_no_others_again(project: Path) -> None:
    assert peaks(ask(project, "runtimes=[onnxruntime, keras]")) == {"tensorflow"}


def test_a_changed_photo_is_noticed(project: Path) -> None:
    photo = next((project / "data/photos/labelled").glob("*.jpg"))
    photo.write_bytes(photo.read_bytes() + b"\0")
    os.utime(photo, (time.time() + 5, time.time() + 5))
    assert "reference" in rules(ask(project)) and "prepare" not in rules(ask(project))


def test_a_new_lock_reruns_what_uses_the_environment(project: Path) -> None:
    append(project / "envs/litert.lock.txt", "# another lock\n")
    answer = ask(project)
    assert rules(answer)["environment"] == 1
    assert runtimes(answer) == peaks(answer) == {"litert"}


def test_another_cpp_compiler_compiles_again_what_it_compiles(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A row that says which compiler is missing, or which cannot be used, is tried again where there is another."""
    compiler = tmp_path / "g++"
    compiler.touch(0o755)
    monkeypatch.setenv("CXX", str(compiler))
    answer = ask(project)
    assert {rule for rule in rules(answer) if rule.startswith(("compile", "convert"))} == {"compile_inductor"}
    assert runtimes(answer) == {"torch_compile", "aotinductor"}


def test_another_limit_reruns_nothing(project: Path) -> None:
    answer = ask(project, "limits={trial_s: 77}")
    assert not set(rules(answer)) & {"trial", "verify", "prepare", "convert_onnx"}


def test_more_finalists_measure_no_trial_again(project: Path) -> None:
    assert set(rules(ask(project, "finals={finalists: 5}"))) == {
        "finals",
        "plan",
        "summarise",
        "report",
        "check",
        "all",
    }


def test_refining_is_a_job_only_where_minutes_are_given_for_it(project: Path) -> None:
    assert "refine" in rules(ask(project, "finals={refine_minutes: 1}"))


def test_proofs_are_no_part_of_a_run(project: Path) -> None:
    (project / "reports" / "trust.json").write_text('{"host_noise_pct": 1}')
    assert set(rules(ask(project))) == {"report", "check", "all"}


def test_a_fine_tuned_network_is_trained_first_and_redoes_nothing_of_the_others(project: Path) -> None:
    tuned = "{name: resnet18, weights: untrained, train: {photos: data/five_classes}}"
    answer = ask(project, f"models=[efficientnet_lite0, {tuned}]")
    others = [job for job in answer if "resnet18.untrained_finetuned" not in job and job.split()[0] not in AFTERWARDS]
    assert others == []
    assert rules(answer)["train"] == rules(answer)["prepare"] == 1
