"""What disturbed a trial is said in plain words, and a quiet trial is not marked."""

from typing import Any

import pytest

from scripts.measure import disturbance

QUIET: dict[str, Any] = {
    "clock_s": 100.0, "busy_s": 50.0, "steal_s": 1.0, "throttle_events": 7, "held_back": 3, "held_back_s": 0.2,
    "cpu_s": 5.0, "waited_s": 0.5, "major_faults": 20, "involuntary_switches": 9, "core_mhz": 3100.0,
}  # fmt: skip
WALL_S = 4.0


def after(**moved: float) -> dict[str, Any]:
    """The readings 4 s later: one thread worked, and `moved` happened besides."""
    ran = QUIET | {"clock_s": 104.0, "busy_s": 54.0, "cpu_s": 9.0}
    return ran | {name: ran[name] + by for name, by in moved.items()}


def reasons(last: dict[str, Any], threads: int = 1, cores: int = 2) -> list[str]:
    return disturbance.reasons(QUIET, last, WALL_S, last["cpu_s"] - QUIET["cpu_s"], threads, cores)


def test_a_quiet_trial_is_not_marked() -> None:
    assert reasons(after()) == []
    assert reasons(after(busy_s=0.1, waited_s=0.02, major_faults=1, involuntary_switches=50, core_mhz=-100)) == []


@pytest.mark.parametrize(
    ("moved", "words"),
    [
        ({"busy_s": 5.2}, "other processes used 1.3 of 2 cores"),
        ({"waited_s": 0.48}, "its threads waited for a core 12 % of the time"),
        ({"steal_s": 0.32}, "the hypervisor took the cores 4 % of the time (steal)"),
        ({"held_back": 2, "held_back_s": 0.31}, "held back 0.3 s by the container's CPU limit"),
        ({"throttle_events": 1}, "CPU throttled against heat"),
        ({"major_faults": 37}, "37 major page faults"),
        ({"core_mhz": -900}, "clock fell from 3.1 to 2.2 GHz"),
    ],
)
def test_each_disturbance_has_its_words(moved: dict[str, float], words: str) -> None:
    assert reasons(after(**moved)) == [words]


def test_others_matter_where_they_crowd_the_trial() -> None:
    """Two busy cores beside one thread crowd a machine of 2 cores, and are nothing on one of 64."""
    busy = after(busy_s=2 * WALL_S)
    assert reasons(busy, threads=1, cores=2) == ["other processes used 2.0 of 2 cores"]
    assert reasons(busy, threads=1, cores=64) == []
    assert reasons(busy, threads=64, cores=64) == ["other processes used 2.0 of 64 cores"]


def test_more_threads_than_cores_wait_for_each_other() -> None:
    assert reasons(after(waited_s=3.0), threads=4) == []


def test_what_was_not_read_disturbs_nothing() -> None:
    nothing = {name: None for name in QUIET}
    assert disturbance.reasons(nothing, nothing, WALL_S, 4.0, 1, 2) == []
    assert disturbance.reasons({}, {}, WALL_S, 4.0, 1, 2) == []


def test_the_record_holds_differences() -> None:
    run = disturbance.run(QUIET | {"energy_uj": {}}, after(busy_s=6.0) | {"energy_uj": {}})
    assert run["wall_s"] == 4.0 and run["others_cores"] == 1.5 and run["steal_s"] == 0.0
    assert (run["mhz_before"], run["mhz_after"]) == (3100.0, 3100.0)
    assert "energy_uj" not in run
