"""XNNPACK's quantiser for PT2E, taught what ExecuTorch's own one leaves out.

It pairs a layer with ReLU alone. Where ReLU6 follows, the layer's output gets a range of its own, from before the
clamp, and ReLU6 shares it: of 255 steps a dozen may be left for its 0 to 6. EfficientNet-Lite0 (logits up to 13.3, 59
photos) then has errors up to 4.1, 7 dB, and 51 photos right; paired, 0.9, 19 dB and 56 (fp32: 54).
"""

import dataclasses
from typing import Any, Iterator, Tuple

import torch
from executorch.backends.xnnpack.quantizer.xnnpack_quantizer import (
    CONV_TARGETS,
    LINEAR_TARGETS,
    XNNPACKQuantizer,
    get_symmetric_quantization_config,
)
from torchao.quantization.pt2e import MinMaxObserver
from torchao.quantization.pt2e.quantizer import QuantizationAnnotation, QuantizationConfig
from torchao.quantization.pt2e.quantizer.quantizer import Q_ANNOTATION_KEY

aten = torch.ops.aten
CLAMPS = (aten.hardtanh.default, aten.hardtanh_.default, aten.relu6.default, aten.relu6_.default)
"""ReLU6 and its like, all `hardtanh` once lowered: XNNPACK clamps in the layer before them."""
PADS = (aten.pad.default, aten.constant_pad_nd.default)
LAYERS = CONV_TARGETS | LINEAR_TARGETS
SMALLEST_SCALE = 2.0**-12
"""As the vendor's quantiser has it."""


def static(method: str, per_channel: bool = True) -> QuantizationConfig:
    """int8 activations with a zero point per tensor, symmetric int8 weights per output channel (or per tensor).

    method: "auto" for the vendor's observer, which narrows a range where that makes the squared error smaller;
    "minmax" for ranges from the least to the greatest value seen.
    """
    config = get_symmetric_quantization_config(is_per_channel=per_channel)
    if method == "auto":
        return config
    observer = MinMaxObserver.with_args(eps=SMALLEST_SCALE)
    activations = dataclasses.replace(config.input_activation, observer_or_fake_quant_ctr=observer)
    return dataclasses.replace(config, input_activation=activations, output_activation=activations)


def dynamic() -> QuantizationConfig:
    """Inputs of a layer quantised while it runs, outputs in floats; weights as in `static`."""
    return get_symmetric_quantization_config(is_per_channel=True, is_dynamic=True)


class ClampingQuantizer(XNNPACKQuantizer):  # type: ignore[misc]
    """ExecuTorch's quantiser for XNNPACK, with layer and ReLU6 as one, and padding done in integers."""

    def annotate(self, model: torch.fx.GraphModule) -> torch.fx.GraphModule:
        config = self.global_config
        assert config is not None
        if config.output_activation is None:
            # A padded input that XNNPACK is to quantise while it runs makes the finished program fail.
            self.set_filter_function(lambda node: not (node.op == "call_function" and _pad(node.args[0])))
            return super().annotate(model)
        for layer, clamp in clamped(model):
            specs = {layer.args[0]: config.input_activation, layer.args[1]: config.weight}
            layer.meta[Q_ANNOTATION_KEY] = QuantizationAnnotation(input_qspec_map=specs, _annotated=True)
            annotation = QuantizationAnnotation(output_qspec=config.output_activation, _annotated=True)
            clamp.meta[Q_ANNOTATION_KEY] = annotation
        model = super().annotate(model)
        for layer, pad in padded(model):
            # Ranges belong before the padding: with them after it XNNPACK would pad in floats, between two casts.
            specs = {pad.args[0]: layer.meta[Q_ANNOTATION_KEY].input_qspec_map.pop(pad)}
            pad.meta[Q_ANNOTATION_KEY] = QuantizationAnnotation(input_qspec_map=specs, _annotated=True)
        return model


def clamped(model: torch.fx.GraphModule) -> Iterator[Tuple[torch.fx.Node, torch.fx.Node]]:
    """Layers and the clamps that alone read them."""
    for clamp in list(model.graph.nodes):
        if clamp.op == "call_function" and clamp.target in CLAMPS:
            layer = clamp.args[0]
            if layer.op == "call_function" and layer.target in LAYERS and len(layer.users) == 1:
                yield layer, clamp


def padded(model: torch.fx.GraphModule) -> Iterator[Tuple[torch.fx.Node, torch.fx.Node]]:
    """Quantised layers and the zero padding that they alone read."""
    for layer in list(model.graph.nodes):
        if layer.op != "call_function" or layer.target not in CONV_TARGETS or Q_ANNOTATION_KEY not in layer.meta:
            continue
        pad = layer.args[0]
        if not _pad(pad) or pad not in layer.meta[Q_ANNOTATION_KEY].input_qspec_map:
            continue
        mode, value = (list(pad.args[2:]) + [None, None])[:2]
        zeros = mode in (None, "constant") and not value and min(pad.args[1]) >= 0
        if zeros and len(pad.users) == 1 and len(pad.args[1]) <= 4:
            yield layer, pad


def _pad(node: Any) -> bool:
    return isinstance(node, torch.fx.Node) and node.target in PADS
