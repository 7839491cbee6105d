"""Weights from where they are: a package, torchvision's server, a file, or none (untrained).

Nothing is unpickled beyond tensors (`weights_only=True`), and a file is read only once its sha256 is known.
"""

import hashlib
import os
import pickle
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any, Dict, NamedTuple, Optional, Tuple

import torch

from scripts.core.verb import Mistake
from scripts.models import efficientnet, torchvision_models

KINDS = ("package", "torchvision", "file", "untrained")
MIRROR = "ASSAY_WEIGHTS_URL"
WRAPPERS = ("state_dict", "model", "model_state_dict", "module")
TIMEOUT_S = 60

State = Dict[str, torch.Tensor]


class Weights(NamedTuple):
    """A state dict (None for fresh weights) and where it came from."""

    state: Optional[State]
    source: Dict[str, Any]


def read(entry: Dict[str, Any]) -> Weights:
    """The weights that a model entry asks for (keys: name, weights, file, sha256, trust).

    Raises `Mistake` where they are absent, changed, or of a kind that may not be loaded.
    """
    kind = entry.get("weights") or ("file" if entry.get("file") else "untrained")
    if kind == "package":
        if entry["name"] != efficientnet.NAME:
            raise Mistake("weights: package is known for %s only, not for %s" % (efficientnet.NAME, entry["name"]))
        path = efficientnet.weights_file()
        return Weights(_tensors(path), {"package": efficientnet.PACKAGE, "sha256": efficientnet.SHA256})
    if kind == "torchvision":
        path = _published(entry["name"])
        return Weights(torchvision_models.renamed(_tensors(path)), {"file": path.name, "sha256": _sha256(path)})
    if kind == "file":
        path, digest = checked_file(entry)
        return Weights(unwrapped(_tensors(path)), {"file": path.name, "sha256": digest})
    if kind == "untrained":
        return Weights(None, {})
    raise Mistake("weights: %r is not known; it can be %s" % (kind, ", ".join(KINDS)))


def checked_file(entry: Dict[str, Any]) -> Tuple[Path, str]:
    """The entry's file and its sha256, which must be the one that the entry gives."""
    path = Path(entry.get("file") or "")
    if not entry.get("file") or not path.is_file():
        raise Mistake("weights.file: %s does not exist" % (entry.get("file") or "(no file named)"))
    digest = _sha256(path)
    expected = str(entry.get("sha256") or "").lower()
    if expected != digest:
        said = "the config says %s" % expected if expected else "the config gives none"
        raise Mistake("weights.sha256: that of %s is %s, %s" % (path, digest, said))
    if path.suffix == ".pt2" and entry.get("trust") is not True:
        raise Mistake(
            "weights.file: %s is an exported program, and loading one can run code that it carries; "
            "if you trust where it came from, say so with trust: true" % path
        )
    return path, digest


def unwrapped(value: Any) -> State:
    """The state dict inside a training checkpoint: wrappers taken off, the prefix `module.` stripped."""
    for key in WRAPPERS:
        if isinstance(value, dict) and isinstance(value.get(key), dict):
            value = value[key]
    tensors = isinstance(value, dict) and all(isinstance(tensor, torch.Tensor) for tensor in value.values())
    if not tensors or not value:
        raise Mistake(
            "weights.file: no state dict in it (a dict of tensors, at most wrapped in %s)" % "/".join(WRAPPERS)
        )
    if all(key.startswith("module.") for key in value):
        torch.nn.modules.utils.consume_prefix_in_state_dict_if_present(value, "module.")
    state: State = value
    return state


def fill(network: torch.nn.Module, state: State) -> None:
    """Load `state` into `network`, exactly; a `Mistake` names the first keys that do not fit."""
    own = network.state_dict()
    shapes = [
        "%s: %s in the file, %s in the network" % (key, tuple(state[key].shape), tuple(own[key].shape))
        for key in own
        if key in state and state[key].shape != own[key].shape
    ]
    problems = [
        _first("missing", [key for key in own if key not in state and not key.endswith("num_batches_tracked")]),
        _first("unexpected", [key for key in state if key not in own]),
        _first("other shapes", shapes),
    ]
    if any(problems):
        raise Mistake("weights do not fit the network: %s" % "; ".join(filter(None, problems)))
    network.load_state_dict(state, strict=False)


def _first(what: str, keys: Any, count: int = 3) -> str:
    if not keys:
        return ""
    return "%d %s (%s%s)" % (len(keys), what, ", ".join(keys[:count]), ", ..." if len(keys) > count else "")


def _tensors(path: Path) -> Any:
    try:
        return torch.load(str(path), map_location="cpu", weights_only=True)
    except pickle.UnpicklingError:
        raise Mistake(
            "weights: %s holds more than tensors and would run code when loaded; save the network's state_dict() alone"
            % path
        ) from None
    except (RuntimeError, EOFError, ValueError, KeyError, IndexError, AttributeError) as error:  # of a file of any kind
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise Mistake("weights: %s cannot be read as a file of tensors (%s)" % (path, reason)) from None


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _cache() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    return Path(base) / "assay" / "weights"


def _published(name: str) -> Path:
    if name not in torchvision_models.names():
        raise Mistake("weights: torchvision publishes none for %s" % name)
    return fetched(*torchvision_models.published(name))


def fetched(url: str, prefix: str) -> Path:
    """The file at `url`, downloaded once to the user's cache; its sha256 must begin with `prefix`, each time.

    Raises `Mistake` where it cannot be had or is not what was published.
    """
    path = _cache() / url.rsplit("/", 1)[1]
    if path.is_file() and _sha256(path).startswith(prefix):
        return path
    if os.environ.get(MIRROR):
        url = "%s/%s" % (os.environ[MIRROR].rstrip("/"), path.name)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name("%s.%d.tmp" % (path.name, os.getpid()))
    try:
        _download(url, temporary)
        digest = _sha256(temporary)
        if not digest.startswith(prefix):
            raise Mistake("weights: %s has sha256 %s, which should begin with %s; not used" % (url, digest, prefix))
        os.replace(str(temporary), str(path))
    finally:
        if temporary.exists():
            temporary.unlink()
    return path


def _download(url: str, path: Path) -> None:
    try:
        with urllib.request.urlopen(url, timeout=TIMEOUT_S) as response, open(str(path), "wb") as stream:
            while True:
                block = response.read(1 << 20)
                if not block:
                    break
                stream.write(block)
            stream.flush()
            os.fsync(stream.fileno())
    except (urllib.error.URLError, OSError, ValueError) as error:
        reason = getattr(error, "reason", error)
        raise Mistake(
            "weights: cannot download %s (%s); put the file into %s, name a mirror's address in %s, "
            "or use weights: untrained" % (url, reason, path.parent, MIRROR)
        ) from None
