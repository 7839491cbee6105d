"""PyTorch's runtimes on the small network: converted, compiled, opened through the door."""

import json
import os
import zipfile
from pathlib import Path

import pytest

from tests.toolchain.conftest import PHOTOS

PYTORCH = ("torch", "pytorch")


@pytest.fixture(scope="module")
def torchscript(verb, tiny_checkpoint, tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("torchscript") / "files"
    result = verb("torch", "scripts.pytorch.convert", out, {"checkpoint": tiny_checkpoint})
    assert result.code == 0, result.stderr
    assert result.facts["operators"]["_convolution:float32"] == 6
    assert "batch_norm:float32" not in result.facts["operators"]  # frozen: folded into the convolutions
    return out


def compiled(verb, runtime: str, portable: Path, out: Path, precision="fp32", variant="default", **variables: str):
    options = {"runtime": runtime, "batch": 2, "image_size": 32, "threads": 2, "device": "cpu"}
    options |= {"precision": precision, "variant": variant}
    sources = {"portable": portable}
    return verb("torch", "scripts.pytorch.compile", out, sources, options, variables=variables or None)


@pytest.fixture(scope="module")
def torch_compile(verb, tiny_checkpoint, tmp_path_factory) -> Path:
    """The compiled artifact; its source is gone when it is opened, and nothing else was written."""
    folder = tmp_path_factory.mktemp("torch_compile")
    (folder / "tmp").mkdir()
    result = compiled(verb, "torch_compile", tiny_checkpoint, folder / "files", TMPDIR=str(folder / "tmp"))
    assert result.code == 0, result.stderr
    assert result.facts["inductor"]["graphs"] == 1 and result.facts["inductor"]["graph_breaks"] == 0
    assert result.facts["inductor"]["generated_kernels"] > 0
    assert not list((folder / "tmp").iterdir())
    return folder / "files"


@pytest.fixture(scope="module")
def aotinductor(verb, tiny_checkpoint, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("aotinductor")
    (folder / "tmp").mkdir()
    result = compiled(verb, "aotinductor", tiny_checkpoint, folder / "files", TMPDIR=str(folder / "tmp"))
    assert result.code == 0, result.stderr
    assert not list((folder / "tmp").iterdir())
    return folder / "files"


def assert_agrees(opened) -> None:
    assert opened.top1_agreement == 1.0 and opened.sqnr_db > 80
    assert opened.threads == 2
    assert opened.placement["degraded"] is None and opened.placement["share"] == 1.0
    assert opened.children == []  # no pool of workers is left behind


@pytest.mark.parametrize("batch", [1, 8])
def test_eager(session, tiny_checkpoint, tiny_reference, batch):
    opened = session(*PYTORCH, tiny_checkpoint, tiny_reference, runtime="pytorch", batch=batch)
    assert_agrees(opened)
    if batch == 1:
        assert opened.max_abs_error == 0.0  # it is what made the reference


@pytest.mark.parametrize("batch", [1, 8])
def test_torchscript(session, torchscript, tiny_reference, batch):
    assert_agrees(session(*PYTORCH, torchscript, tiny_reference, runtime="torchscript", batch=batch))


def test_torchscript_holds_no_source_locations(torchscript):
    names = zipfile.ZipFile(torchscript / "model.ts").namelist()
    assert names and not [name for name in names if name.endswith(".debug_pkl")]


def test_torch_compile_opens_what_was_compiled(session, torch_compile, tiny_reference):
    """Neither graph nor kernel is compiled again: else the placement would say so."""
    opened = session(*PYTORCH, torch_compile, tiny_reference, runtime="torch_compile", batch=2)
    assert_agrees(opened)
    assert "generated kernels" in opened.placement["summary"]


def test_torch_compile_says_when_it_compiles_again(session, torch_compile, tiny_reference, tmp_path):
    without = tmp_path / "files"
    without.mkdir()
    for path in torch_compile.iterdir():
        if path.is_file():
            (without / path.name).write_bytes(path.read_bytes())
    opened = session(*PYTORCH, without, tiny_reference, runtime="torch_compile", batch=2)
    assert opened.top1_agreement == 1.0
    assert "compiled again (0 graphs" in opened.placement["degraded"]


def test_aotinductor(session, aotinductor, tiny_reference):
    assert sorted(path.name for path in aotinductor.iterdir()) == ["inductor.json", "kernels", "model.pt2"]
    assert_agrees(session(*PYTORCH, aotinductor, tiny_reference, runtime="aotinductor", batch=2))


@pytest.mark.parametrize("runtime", ["torch_compile", "aotinductor"])
@pytest.mark.parametrize(
    ("change", "said"), [({"threads": 1}, "for threads 2; asked for 1"), ({"batch": 4}, "batch 2")]
)
def test_compiled_code_is_not_used_for_what_it_was_not_made(python, request, runtime, change, said):
    options = {"runtime": runtime, "precision": "fp32", "variant": "default", "device": "cpu", "image_size": 32}
    options |= {"threads": 2, "batch": 2, "inputs": ["input"], "outputs": ["logits"], **change}
    code = "import json, pathlib, sys; from scripts.pytorch import session; "
    code += "session.open(pathlib.Path(sys.argv[1]), json.loads(sys.argv[2]))"
    artifact = request.getfixturevalue(runtime)
    done = python("torch", code, str(artifact), json.dumps(options), check=False)
    assert done.returncode == 1 and "Unsupported" in done.stderr and said in done.stderr


@pytest.mark.parametrize("runtime", ["torch_compile", "aotinductor"])
def test_without_a_compiler_the_reason_is_said(verb, tiny_checkpoint, tmp_path, runtime):
    result = compiled(verb, runtime, tiny_checkpoint, tmp_path / "files", PATH="/nowhere")
    assert result.code == 3 and result.facts["status"] == "unsupported"
    assert result.facts["reason"] == "Inductor needs a C++ compiler (g++)"


def test_a_compiler_with_a_cpp_library_of_its_own_is_named_before_pytorch_crashes(verb, tiny_checkpoint, tmp_path):
    compiler = tmp_path / "g++"
    compiler.write_text('#!/bin/sh\ncase "$*" in *-shared*) exec g++ "$@" -static-libstdc++ ;; esac\nexec g++ "$@"\n')
    compiler.chmod(0o755)
    result = compiled(verb, "aotinductor", tiny_checkpoint, tmp_path / "files", CXX=str(compiler))
    assert result.code == 3 and result.facts["status"] == "unsupported"
    assert f"({compiler}) links libstdc++ statically" in result.facts["reason"] and "CXX" in result.facts["reason"]


@pytest.mark.parametrize("runtime", ["torch_compile", "aotinductor"])
def test_opening_compiles_nothing(python, request, tmp_path, runtime):
    """Neither a kernel, nor a header, nor what Inductor tries the CPU with: whatever it builds lies in TMPDIR."""
    options = {"runtime": runtime, "precision": "fp32", "variant": "default", "device": "cpu", "image_size": 32}
    options |= {"threads": 2, "batch": 2, "inputs": ["input"], "outputs": ["logits"]}
    code = "import json, pathlib, sys, numpy as np; from scripts.pytorch import session; "
    code += "opened = session.open(pathlib.Path(sys.argv[1]), json.loads(sys.argv[2])); "
    code += "opened.put({'input': np.zeros((2, 3, 32, 32), 'f4')}); opened.execute(); "
    code += "print(json.dumps([path.name for path in pathlib.Path(sys.argv[3]).rglob('*')]))"
    artifact = request.getfixturevalue(runtime)
    arguments = (str(artifact), json.dumps(options), str(tmp_path))
    left = json.loads(python("torch", code, *arguments, variables={"TMPDIR": str(tmp_path)}).stdout)
    shipped = {path.name for path in (artifact / "kernels").rglob("*.so")}
    assert shipped and {name for name in left if name.endswith(".so") and not name.endswith(".wrapper.so")} <= shipped
    assert [name for name in left if name.endswith((".gch", ".o"))] == []


def test_opening_a_package_as_on_a_gpu_compiles_nothing(python, aotinductor, tmp_path):
    """PyTorch tries the CPU's instruction sets for a GPU's package, too: 10 s where it has to build them."""
    options = {"runtime": "aotinductor", "precision": "fp32", "variant": "default", "device": "cuda:0", "batch": 2}
    options |= {"threads": 2, "image_size": 32, "inputs": ["input"], "outputs": ["logits"]}
    code = "import json, pathlib, sys; from scripts.core.door import Options; from scripts.pytorch import on_gpu; "
    code += "on_gpu.number = lambda device: -1; "  # this package is for the CPU, which has no number
    code += "on_gpu._aotinductor(pathlib.Path(sys.argv[1]), Options.of(json.loads(sys.argv[2]))); "
    compiler, path = tmp_path / "g++", os.environ["PATH"]
    compiler.write_text(f'#!/bin/sh\necho "$*" >> "{tmp_path}/calls"\nPATH="{path}" exec g++ "$@"\n')
    compiler.chmod(0o755)
    variables = {"TMPDIR": str(tmp_path), "PATH": f"{tmp_path}:{path}"}
    python("torch", code, str(aotinductor), json.dumps(options), variables=variables)
    calls = (tmp_path / "calls").read_text().splitlines() if (tmp_path / "calls").exists() else []
    assert [call for call in calls if " -o " in call] == []


def test_measured_processes_import_no_more_than_they_need(session, tiny_checkpoint, tiny_reference):
    """Neither Pillow nor torchvision is in the process that measures a network without them."""
    opened = session(*PYTORCH, tiny_checkpoint, tiny_reference, runtime="pytorch")
    assert not {"PIL", "torchvision", "onnx"} & set(opened.modules) and "torch" in opened.modules


def test_torchscript_of_operators_with_a_newer_version(verb, session, tmp_path):
    """GELU raises the version of the archive, which is then recorded elsewhere in it."""
    (tmp_path / "newer.py").write_text(
        "from torch import nn\n\n\ndef build():\n"
        "    pool = [nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(16, 10)]\n"
        "    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.GELU(), *pool)\n"
    )
    model = {"name": "newer", "weights": "untrained", "build": "newer:build", "folder": str(tmp_path)}
    options = {"model": {**model, "preprocess": {"size": 32}}, "photos": str(PHOTOS / "labelled")}
    checkpoint = verb("torch", "scripts.models.prepare", tmp_path / "checkpoint", options=options)
    assert checkpoint.code == 0, checkpoint.stderr
    sources = {"checkpoint": checkpoint.out}
    reference = verb("torch", "scripts.models.reference", tmp_path / "reference", sources, options)
    script = verb("torch", "scripts.pytorch.convert", tmp_path / "script", sources)
    assert script.code == 0, script.stderr
    assert_agrees(session(*PYTORCH, script.out, reference.out, runtime="torchscript", batch=4))
