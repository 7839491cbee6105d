"""The networks that are known by name, as a list: the Snakefile reads it where no PyTorch is installed.

Any other network is the user's own: `build: package.module:function`, or an exported program.
"""

from collections.abc import Sequence
from typing import Any

PACKAGED = ("efficientnet_lite0",)
"""Networks whose trained weights come in a package."""

_TORCHVISION = """
    alexnet convnext_base convnext_large convnext_small convnext_tiny densenet121 densenet161 densenet169 densenet201
    efficientnet_b0 efficientnet_b1 efficientnet_b2 efficientnet_b3 efficientnet_b4 efficientnet_b5 efficientnet_b6
    efficientnet_b7 efficientnet_v2_l efficientnet_v2_m efficientnet_v2_s googlenet inception_v3 maxvit_t mnasnet0_5
    mnasnet0_75 mnasnet1_0 mnasnet1_3 mobilenet_v2 mobilenet_v3_large mobilenet_v3_small regnet_x_16gf regnet_x_1_6gf
    regnet_x_32gf regnet_x_3_2gf regnet_x_400mf regnet_x_800mf regnet_x_8gf regnet_y_128gf regnet_y_16gf regnet_y_1_6gf
    regnet_y_32gf regnet_y_3_2gf regnet_y_400mf regnet_y_800mf regnet_y_8gf resnet101 resnet152 resnet18 resnet34
    resnet50 resnext101_32x8d resnext101_64x4d resnext50_32x4d shufflenet_v2_x0_5 shufflenet_v2_x1_0 shufflenet_v2_x1_5
    shufflenet_v2_x2_0 squeezenet1_0 squeezenet1_1 swin_b swin_s swin_t swin_v2_b swin_v2_s swin_v2_t vgg11 vgg11_bn
    vgg13 vgg13_bn vgg16 vgg16_bn vgg19 vgg19_bn vit_b_16 vit_b_32 vit_h_14 vit_l_16 vit_l_32 wide_resnet101_2
    wide_resnet50_2
"""
TORCHVISION = tuple(_TORCHVISION.split())
"""torchvision's classification models (`list_models(module=torchvision.models)` of the pinned version)."""

KNOWN = PACKAGED + TORCHVISION

FINETUNED = "finetuned"
"""What is added to the name of the weights from which a network was trained on a folder of classes."""

MEASURED = ("batches", "image_sizes")
"""Keys of a config's entry that say how a network is measured, not what it is."""

USUAL_SIZE = 224
OTHER_SIZES = {
    "efficientnet_b1": 240, "efficientnet_b2": 288, "efficientnet_b3": 300, "efficientnet_b4": 380,
    "efficientnet_b5": 456, "efficientnet_b6": 528, "efficientnet_b7": 600, "efficientnet_v2_l": 480,
    "efficientnet_v2_m": 480, "efficientnet_v2_s": 384, "inception_v3": 299, "regnet_y_128gf": 384,
    "swin_v2_b": 256, "swin_v2_s": 256, "swin_v2_t": 256, "vit_h_14": 518,
}  # fmt: skip
"""Side of the square input, in pixels, that a network's published preprocessing crops, where it is not the usual."""


def trained_weights(name: str) -> str | None:
    """Where the trained weights of a network known by name come from; None for any other name."""
    if name in PACKAGED:
        return "package"
    return "torchvision" if name in TORCHVISION else None


def image_size(name: str) -> int:
    """Side of the square input, in pixels, that a network takes unless its preprocessing is changed."""
    return OTHER_SIZES.get(name, USUAL_SIZE)


def label(entry: dict[str, Any]) -> str:
    """What the weights of a config's entry are called in folders and tables: `package`, `package_finetuned`."""
    return str(entry.get("label") or entry["weights"])


def entry_of(entries: Sequence[dict[str, Any]], name: str, weights: str) -> dict[str, Any]:
    """The config's entry with this name and label, without what says only how it is measured.

    What is there only pruned is wanted whole too, to be held against: then it is the same entry without pruning.
    """
    for entry in entries:
        if (entry["name"], label(entry)) == (name, weights):
            return _without(entry, MEASURED)
    pruned = next(e for e in entries if e.get("pruned") and (e["name"], e["weights"]) == (name, weights))
    return whole(pruned)


def whole(entry: dict[str, Any]) -> dict[str, Any]:
    """The entry without pruning, and without what says only how it is measured."""
    return _without(entry, ("pruned", "training", "label", *MEASURED))


def _without(entry: dict[str, Any], keys: Sequence[str]) -> dict[str, Any]:
    return {key: value for key, value in entry.items() if key not in keys}
