"""OpenVINO behind the door: imports the blob that `compile` exported and runs one request at a time.

The blob remembers neither precision nor threads, so both are asked for again and read back. Inputs are shared with
the runtime where they lie, outputs are views of the request's own tensors: no copies.
"""

from pathlib import Path
from typing import Any, Dict, List, Optional

import numpy as np
import openvino as ov

from scripts.core.door import Arrays, Options, Placement, Session
from scripts.core.quantised import Recipe, not_as_declared, with_quantised
from scripts.openvino.layers import FLOATS, Layer, int8_share, layers, summary
from scripts.openvino.properties import CPU, device_of, inference_precision, properties


def open(artifact: Path, options: Dict[str, Any]) -> Session:
    """Import `model.blob` from `artifact`. Raises Unsupported for a device or precision that is not there."""
    asked = Options.of(options)
    device = device_of(asked.device)
    wanted = properties(asked.precision, device, asked.threads, asked.streams)
    blob = ov.Tensor(np.memmap(str(artifact / "model.blob"), np.uint8, "r"))
    compiled = ov.Core().import_model(blob, device, wanted)
    return (OpenVino if asked.streams == 1 else Stream)(compiled, asked, blob, Recipe.read(artifact))


class OpenVino(Session):
    """One compiled model with its own request; a clone is another request on the same model."""

    def __init__(
        self, compiled: ov.CompiledModel, options: Options, blob: ov.Tensor, recipe: Optional[Recipe] = None
    ) -> None:
        self._compiled, self._options, self._recipe = compiled, options, recipe
        self._blob = blob  # mapped, not read: the weights may still lie there
        self._request = compiled.create_infer_request()
        self._inputs = {name: compiled.input(name) for name in options.inputs}
        self._outputs = {name: compiled.output(name) for name in options.outputs}

    def put(self, inputs: Arrays) -> None:
        self._held = [inputs[name] for name in self._inputs]  # read where they lie: kept alive here, not by OpenVINO
        for port, array in zip(self._inputs.values(), self._held):
            self._request.set_tensor(port, ov.Tensor(array, shared_memory=array.flags.writeable))

    def execute(self) -> None:
        self._request.infer(share_outputs=True)

    def get(self) -> Arrays:
        """Valid until the next `execute`, which writes into the same memory."""
        return {name: self._request.get_tensor(port).data for name, port in self._outputs.items()}

    def clone(self) -> Session:
        return type(self)(self._compiled, self._options, self._blob, self._recipe)

    def threads(self) -> Optional[int]:
        """OpenVINO splits the compiled model's threads among its streams; on a GPU it has none."""
        if device_of(self._options.device) != CPU:
            return None
        read = self._compiled.get_property
        return int(read("INFERENCE_NUM_THREADS")) // int(read("NUM_STREAMS"))

    def placement(self) -> Placement:
        """Kernels and their precisions, and the share of the multiplications that run in integers.

        Degraded if a floating-point kernel runs in another precision than was asked for (for other than f32, one that
        multiplies: OpenVINO converts in f32), if less is in integers than declared, or if no weights are in fp16.
        """
        precision = self._options.precision
        wanted = inference_precision(precision, device_of(self._options.device)).get_type_name()
        found = layers(self._compiled)
        judged = [layer for layer in found if layer.precision in FLOATS and (wanted == "f32" or layer.macs)]
        right = sum(layer.precision == wanted for layer in judged)
        hinted = self._compiled.get_property("INFERENCE_PRECISION_HINT").get_type_name()
        phrase = with_quantised(summary(found), precision, sum(layer.in_integers for layer in found))
        if precision == "fp16" and self._recipe:
            phrase = "%s; %s" % (self._recipe.method, phrase)
        reason = self._not_as_declared(found)
        if hinted != wanted or right < len(judged):
            reason = "asked for %s, OpenVINO took %s as its precision: %s" % (wanted, hinted, phrase)
        return Placement(phrase, right / len(judged) if judged else None, reason, int8_share(found))

    def _not_as_declared(self, found: List[Layer]) -> Optional[str]:
        """Why the model is not what the recipe declares; None if it is."""
        precision = self._options.precision
        if precision == "fp16" and self._recipe is None:
            return "asked for fp16, the weights are not stored in it"
        integers = sum(layer.in_integers for layer in found)
        return not_as_declared(precision, integers, int8_share(found), self._recipe)

    def close(self) -> None:
        del self._request, self._inputs, self._outputs, self._compiled, self._blob


class Stream(OpenVino):
    """One of several asynchronous requests in flight: the way that OpenVINO means for a model of several streams.

    (`infer` from as many callers did 4 % less per CPU second.)
    """

    def execute(self) -> None:
        self._request.start_async()
        self._request.wait()
