"""Checkpoint files: state dicts, exported programs, downloads, and which are refused."""

import hashlib
import http.server
import json
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.toolchain.conftest import TINY

TRAIN = """
import sys, torch
sys.path.insert(0, "tests/toolchain")
import tiny
torch.manual_seed(3)
state = tiny.build().state_dict()
torch.save({"plain": state, "wrapped": {"epoch": 3, "state_dict": {"module." + k: v for k, v in state.items()}},
            "short": {k: v for k, v in state.items() if "stem" not in k},
            "code": tiny.build()}[sys.argv[1]], sys.argv[2])
"""


def model_of(folder: Path) -> dict:
    return json.loads((folder / "model.json").read_text())


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.fixture
def trained(python, tmp_path):
    """A function: kind of file -> its path, as another program would have saved it."""

    def make(kind: str) -> Path:
        path = tmp_path / f"{kind}.pth"
        python("torch", TRAIN, kind, str(path))
        return path

    return make


def entry(path: Path, **changes: object) -> dict:
    return {**TINY, "weights": "file", "file": str(path), "sha256": sha256(path), **changes}


def test_a_state_dict_from_a_training_run(verb, trained, tmp_path):
    """Wrapped and with the prefix of DataParallel, it is the same checkpoint as the plain one."""
    weights = []
    for kind in ("plain", "wrapped"):
        result = verb("torch", "scripts.models.prepare", tmp_path / kind, options={"model": entry(trained(kind))})
        assert result.code == 0, result.stderr
        model = model_of(result.out)
        assert model["trained"] is True and model["source"]["file"] == f"{kind}.pth"
        weights.append((result.out / "weights.pt").read_bytes())
    assert weights[0] == weights[1]


@pytest.mark.parametrize(
    ("kind", "changes", "said"),
    [
        ("plain", {"sha256": "00"}, "the config says 00"),
        ("plain", {"sha256": None}, "the config gives none"),
        ("plain", {"build": "tiny:mixer"}, "missing (embed.weight, dense.weight, dense.bias, ...)"),
        ("short", {}, "missing (stem.0.weight, stem.1.weight, stem.1.bias, ...)"),
        ("code", {}, "would run code when loaded"),
    ],
)
def test_files_that_are_refused(verb, trained, tmp_path, kind, changes, said):
    model = entry(trained(kind), **changes)
    result = verb("torch", "scripts.models.prepare", tmp_path / "out", options={"model": model})
    assert result.code == 1 and said in result.facts["reason"]
    assert "Traceback" not in result.stderr
    assert not list(result.out.iterdir())


def test_an_exported_program_needs_trust(verb, tiny_checkpoint, tiny_reference, session, tmp_path):
    program = tiny_checkpoint / "program.pt2"
    model = {"name": "mine", "weights": "file", "file": str(program), "sha256": sha256(program)}
    model["preprocess"] = TINY["preprocess"]
    refused = verb("torch", "scripts.models.prepare", tmp_path / "refused", options={"model": model})
    assert refused.code == 1 and "trust: true" in refused.facts["reason"]
    taken = verb("torch", "scripts.models.prepare", tmp_path / "taken", options={"model": {**model, "trust": True}})
    assert taken.code == 0, taken.stderr
    opened = session("torch", "pytorch", taken.out, tiny_reference, runtime="pytorch", batch=8)
    assert opened.top1_agreement == 1.0 and opened.sqnr_db > 80
    script = verb("torch", "scripts.pytorch.convert", tmp_path / "script", {"checkpoint": taken.out})
    assert script.code == 0, script.stderr
    traced = session("torch", "pytorch", script.out, tiny_reference, runtime="torchscript", batch=8)
    assert traced.top1_agreement == 1.0 and traced.sqnr_db > 80


class _Counting(http.server.SimpleHTTPRequestHandler):
    requests: list[str] = []

    def do_GET(self) -> None:
        self.requests.append(self.path)
        super().do_GET()

    def log_message(self, *arguments: object) -> None:
        pass


@pytest.fixture
def server(tmp_path) -> Iterator[tuple[str, Path, list[str]]]:
    """A file server: its address, its folder, the paths asked for so far."""
    folder = tmp_path / "served"
    folder.mkdir()
    handler = type("Handler", (_Counting,), {"requests": []})
    with http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), lambda *arguments: handler(*arguments, directory=str(folder))
    ) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{running.server_address[1]}", folder, handler.requests
        running.shutdown()


FETCH = """
import sys
from scripts.models import checkpoints
print(checkpoints.fetched(sys.argv[1], sys.argv[2]))
"""


def test_published_weights_are_downloaded_once(python, server, trained, tmp_path):
    address, folder, requests = server
    content = trained("plain").read_bytes()
    digest = hashlib.sha256(content).hexdigest()
    (folder / "net-abc.pth").write_bytes(content)
    variables = {"XDG_CACHE_HOME": str(tmp_path / "cache")}
    for _ in range(2):
        done = python("torch", FETCH, f"{address}/net-abc.pth", digest[:8], variables=variables)
    path = Path(done.stdout.strip())
    assert path == tmp_path / "cache" / "assay" / "weights" / "net-abc.pth" and path.read_bytes() == content
    assert requests == ["/net-abc.pth"]
    path.write_bytes(b"damaged")
    python("torch", FETCH, f"{address}/net-abc.pth", digest[:8], variables=variables)
    assert path.read_bytes() == content and len(requests) == 2


def test_weights_from_a_mirror_must_be_those_published(verb, server, tmp_path):
    address, folder, requests = server
    (folder / "resnet18-f37072fd.pth").write_bytes(b"something else")
    variables = {"XDG_CACHE_HOME": str(tmp_path / "cache"), "ASSAY_WEIGHTS_URL": address + "/"}
    options = {"model": {"name": "resnet18", "weights": "torchvision"}}
    result = verb("torch", "scripts.models.prepare", tmp_path / "out", options=options, variables=variables)
    assert result.code == 1 and "should begin with f37072fd; not used" in result.facts["reason"]
    assert requests == ["/resnet18-f37072fd.pth"]
    assert not list((tmp_path / "cache" / "assay" / "weights").iterdir())


def test_without_a_network_the_sentence_says_what_to_do(verb, tmp_path):
    variables = {"XDG_CACHE_HOME": str(tmp_path / "cache"), "ASSAY_WEIGHTS_URL": "http://127.0.0.1:9"}
    options = {"model": {"name": "resnet18", "weights": "torchvision"}}
    result = verb("torch", "scripts.models.prepare", tmp_path / "out", options=options, variables=variables)
    assert result.code == 1 and "Traceback" not in result.stderr
    assert "cannot download http://127.0.0.1:9/resnet18-f37072fd.pth" in result.facts["reason"]
    assert "weights: untrained" in result.facts["reason"]


DENSENET = """
from scripts.models import checkpoints, torchvision_models
net = torchvision_models.build("densenet121")
old = {k.replace("norm1", "norm.1").replace("conv2", "conv.2") if "denselayer" in k else k: v
       for k, v in net.state_dict().items() if not k.endswith("num_batches_tracked")}  # as published in 2017
assert set(old) != set(net.state_dict())
checkpoints.fill(net, torchvision_models.renamed(old))
"""


def test_densenets_older_names_fit(python):
    python("torch", DENSENET)


MNASNET = """
import sys
import torch
from pathlib import Path
from scripts.models import export, torchvision_models
net = torchvision_models.build("mnasnet0_5")
export.save_state(net.state_dict(), Path(sys.argv[1]))
net.load_state_dict(torch.load(sys.argv[1], weights_only=True))
"""


def test_weights_keep_the_versions_of_their_modules(python, tmp_path):
    """MNASNet refuses weights that come without."""
    python("torch", MNASNET, str(tmp_path / "weights.pt"))
