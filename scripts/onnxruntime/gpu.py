"""ONNX Runtime on an NVIDIA GPU: its CUDA provider, or TensorRT or TensorRT for RTX within it.

Inputs and outputs are bound where they lie on the GPU; a sample is copied there from page-locked memory, run in a
stream of the session's own, and copied back, each step synchronised.
"""

import re
from collections import Counter
from pathlib import Path
from typing import Any, Callable, Dict, List, Optional, Tuple

import onnxruntime as ort

from scripts.core.door import Options, Placement, Session
from scripts.core.verb import Unsupported
from scripts.nvidia import cuda, device
from scripts.nvidia.session import BufferedSession
from scripts.onnxruntime.kernels import filled
from scripts.onnxruntime.settings import DTYPES, provider_of, settings

FILE = "model.onnx"
CUDA, TENSORRT = "CUDAExecutionProvider", "TensorrtExecutionProvider"
WITHIN = {"tensorrt": TENSORRT, "tensorrt_rtx": "NvTensorRTRTXExecutionProvider"}
"""Providers by the variant that asks for them."""
TOO_LARGE = ("CUDNN_STATUS_NOT_SUPPORTED", "cudnnSetTensorNdDescriptor")
"""cuDNN's answer, and to what, where it is to describe an array of 2**31 elements or more."""


def open(artifact: Path, options: Options) -> Session:  # noqa: A001 - the name that every room shares
    """Load `model.onnx` from `artifact` on the GPU. Raises Unsupported where the provider or the GPU is not there."""
    asked = provider_of(options.device)
    if options.variant in WITHIN:
        asked = WITHIN[options.variant]
        if asked not in ort.get_available_providers():
            raise Unsupported("ONNX Runtime %s here has no %s" % (ort.__version__, asked))
    ort.preload_dlls()  # CUDA's libraries from NVIDIA's wheels, where they are
    name = cuda.use(device.number(options.device))
    return OnnxRuntimeGpu(artifact, options, asked, name)


def providers(asked: str, options: Options, stream: cuda.Stream) -> "List[Tuple[str, Dict[str, str]]]":
    """The provider that was asked for, with its settings; beside TensorRT also CUDA, which takes what it leaves."""
    own = {"device_id": str(device.number(options.device)), "user_compute_stream": str(stream.handle)}
    tf32 = "1" if options.precision == "tf32" else "0"
    on_cuda = dict(own, use_tf32=tf32, enable_cuda_graph="1" if options.variant == device.GRAPHED else "0")
    if asked == CUDA:
        return [(CUDA, on_cuda)]
    more = {"trt_fp16_enable": "1" if options.precision == "fp16" else "0"} if asked == TENSORRT else {}
    return [(asked, dict(own, **more)), (CUDA, on_cuda)]


def said(error: RuntimeError) -> str:
    """An error's first line without the place in ONNX Runtime's source that it begins with."""
    line = str(error).splitlines()[0]
    return re.sub(r"^/\S+\.(cc|h):\d+ [^()]*\([^()]*\) ", "", line)


def too_large(error: RuntimeError) -> str:
    """A sentence for an array that cuDNN does not take, with the node that it is for (ONNX Runtime's issue 15715)."""
    node = re.search(r"running (\w+) node\. Name:'([^']*)'", str(error))
    where = " (%s %s)" % node.groups() if node else ""
    return "an array of this batch and size is larger than cuDNN takes%s: ask for a smaller batch" % where


class OnnxRuntimeGpu(BufferedSession):
    """One loaded graph with its own stream, buffers and bindings."""

    def __init__(self, artifact: Path, options: Options, asked: str, gpu: str) -> None:
        super().__init__()
        self._artifact, self._options, self._asked, self._gpu = artifact, options, asked, gpu
        how = settings(options.threads_each)
        how.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_ALL  # nothing has compiled it
        chosen = providers(asked, options, self._stream)
        try:
            self._session = ort.InferenceSession(str(artifact / FILE), how, providers=chosen, enable_fallback=0)
        except RuntimeError as error:
            if asked == CUDA:
                raise
            raise Unsupported(  # it is in the list of those there are wherever it was built, with its library or not
                "ONNX Runtime %s here cannot load %s: %s" % (ort.__version__, asked, said(error))
            ) from None
        taken = self._session.get_providers()
        if asked not in taken:  # it claims more than it has, and leaves out what it cannot load
            raise Unsupported(
                "asked for %s, ONNX Runtime %s took %s in its place" % (asked, ort.__version__, " and ".join(taken))
            )
        self._binding = self._session.io_binding()
        inputs = self._bound(self._binding.bind_input, self._session.get_inputs(), options.inputs)
        self.take(inputs, self._bound(self._binding.bind_output, self._session.get_outputs(), options.outputs))

    def _bound(self, bind: Callable[..., None], nodes: List[Any], names: List[str]) -> Dict[str, cuda.Buffer]:
        """A buffer for each tensor in `names`, bound where it lies on the GPU. Batch and image size may be free."""
        found: Dict[str, cuda.Buffer] = {}
        for node in (node for name in names for node in nodes if node.name == name):
            shape = tuple(filled(node.shape, self._options.batch, self._options.image_size))
            found[node.name] = buffer = cuda.Buffer(shape, DTYPES[node.type])
            number = device.number(self._options.device)
            bind(node.name, "cuda", number, buffer.array.dtype, shape, buffer.address)
        return found

    def run(self) -> None:
        try:
            self._session.run_with_iobinding(self._binding)
        except RuntimeError as error:
            if not all(word in str(error) for word in TOO_LARGE):
                raise
            raise Unsupported(too_large(error)) from None

    def clone(self) -> Session:
        return OnnxRuntimeGpu(self._artifact, self._options, self._asked, self._gpu)

    def threads(self) -> Optional[int]:
        return int(self._session.get_session_options().intra_op_num_threads)

    def placement(self) -> Placement:
        """Nodes by the provider that runs them; degraded if any of them runs elsewhere than asked."""
        nodes: "Counter[str]" = Counter()
        for subgraph in self._session.get_provider_graph_assignment_info():
            nodes[subgraph.ep_name] += len(subgraph.get_nodes())
        total = sum(nodes.values())
        summary = "%d of %d nodes on %s, %s" % (nodes[self._asked], total, self._asked, self._gpu)
        elsewhere = ", ".join("%d on %s" % (n, name) for name, n in sorted(nodes.items()) if name != self._asked)
        degraded = "%s; %s" % (summary, elsewhere) if elsewhere or not total else None
        return Placement(summary, nodes[self._asked] / total if total else None, degraded)

    def close(self) -> None:
        del self._binding, self._session
        super().close()
