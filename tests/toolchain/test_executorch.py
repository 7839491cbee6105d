"""ExecuTorch on the small network: one program a shape, everything on XNNPACK."""

import json
import shutil
from pathlib import Path

import pytest

from tests.toolchain.door_case import check_door, make_arrays_model
from tests.toolchain.tiny_arrays import prepared

BATCHES = (1, 8)


@pytest.fixture(scope="module")
def results(verb, tiny_checkpoint, tmp_path_factory):
    folder, made = tmp_path_factory.mktemp("executorch"), {}
    for batch in BATCHES:
        out, options = folder / f"b{batch}" / "files", {"batch": batch}
        made[batch] = verb("executorch", "scripts.executorch.convert", out, {"checkpoint": tiny_checkpoint}, options)
        assert made[batch].code == 0, made[batch].stderr
    return made


@pytest.mark.parametrize("batch", BATCHES)
def test_it_agrees_and_everything_is_delegated(session, results, tiny_reference, batch):
    opened = session("executorch", "executorch", results[batch].out, tiny_reference, runtime="executorch", batch=batch)
    assert opened.samples >= 200 and opened.top1_agreement == 1.0 and opened.sqnr_db > 80
    assert opened.threads == 2
    assert opened.placement["share"] == 1.0 and opened.placement["degraded"] is None


@pytest.mark.parametrize("batch", BATCHES)
def test_the_door(python, results, tiny_reference, batch):
    check_door(
        python, "executorch", "executorch", results[batch].out, tiny_reference, runtime="executorch", batch=batch
    )


def test_equal_bytes_from_another_folder(verb, results, tiny_checkpoint, tmp_path):
    elsewhere = Path(shutil.copytree(tiny_checkpoint, tmp_path / "another" / "place"))
    sources = {"checkpoint": elsewhere}
    again = verb("executorch", "scripts.executorch.convert", tmp_path / "files", sources, {"batch": 1}, cwd=tmp_path)
    assert again.code == 0, again.stderr
    for name in ("model.pte", "delegation.json"):
        assert (again.out / name).read_bytes() == (results[1].out / name).read_bytes()


UNDELEGATED = """
import sys
from executorch import exir
lower = exir.to_edge_transform_and_lower
exir.to_edge_transform_and_lower = lambda program, partitioner: lower(program, partitioner=None)
from scripts.core.verb import main
from scripts.executorch.convert import work
sys.exit(main(work, None, sys.argv[1:]))
"""


def test_a_program_with_no_delegate_is_degraded(python, tiny_checkpoint, tiny_reference, session, tmp_path):
    facts = tmp_path / "facts.json"
    asked = [f"--source=checkpoint={tiny_checkpoint}", f"--out={tmp_path / 'files'}", f"--facts={facts}"]
    python("executorch", UNDELEGATED, *asked, '--options={"batch": 1}')
    said = json.loads(facts.read_text())
    assert said["status"] == "degraded" and "XNNPACK took none" in said["reason"]
    opened = session("executorch", "executorch", tmp_path / "files", tiny_reference, runtime="executorch", batch=1)
    assert opened.placement["share"] == 0 and opened.placement["degraded"]


def test_a_network_of_arrays(verb, python, tmp_path):
    _, reference, names = make_arrays_model(verb, tmp_path)
    sources, options = {"checkpoint": tmp_path / "checkpoint"}, {"batch": 4}
    made = verb("executorch", "scripts.executorch.convert", tmp_path / "files", sources, options)
    assert made.code == 0, made.stderr
    check_door(python, "executorch", "executorch", made.out, reference, runtime="executorch", batch=4, **names)


def test_what_xnnpack_leaves_is_told(verb, python, session, tmp_path):
    checkpoint, reference = prepared(verb, tmp_path)
    made = verb(
        "executorch", "scripts.executorch.convert", tmp_path / "files", {"checkpoint": checkpoint}, {"batch": 2}
    )
    assert made.code == 0 and "status" not in made.facts, made.stderr
    told = json.loads((made.out / "delegation.json").read_text())
    assert told["left"] == {"cumsum": 1} and made.facts["operators"]["cumsum:float32"] == 1
    opened = session("executorch", "executorch", made.out, reference, runtime="executorch", batch=2)
    assert opened.sqnr_db > 80
    assert 0 < opened.placement["share"] < 1 and opened.placement["degraded"] is None
    assert "the rest (cumsum) on ExecuTorch's own kernels" in opened.placement["summary"]
    # Of two steps, the second writes where the input lay: what was got must not be in that memory.
    check_door(python, "executorch", "executorch", made.out, reference, runtime="executorch", batch=2)
