"""OpenVINO IR to int8 IR by NNCF: `model.xml` and `model.bin`, batch left free.

Sources: `ir`, a folder with the fp32 `model.xml`; `calibration`, a folder with inputs.npy and logits.npy.
Symmetric s8 weights per channel, activations per tensor. Four settings are other than NNCF's defaults, each since it
kept the logits of EfficientNet-Lite0 closer to fp32, on photos that it was and was not calibrated on (22.9 and 21.8 dB
instead of 17.2 and 15.7):
 - overflow_fix off: by default the first convolutions get weights of 7 bits, which costs 2 to 5 dB. It is for CPUs
   without VNNI, where sums of that layer may overflow; the gate on such a host tells whether they do;
 - biases corrected by running the quantised network, instead of each layer by itself (3 to 4 dB after that);
 - ranges that minimise the error on a histogram, instead of the mean of every sample's extremes (about 1 dB);
 - preset mixed: asymmetric activations (0.2 dB).

Variant `accuracy_control`: layers go back to f32, those first that harm most, until the classes of at most MAX_DROP of
the calibration inputs differ from the fp32 reference's, or RESTORING ends it: the recipe says how far it came.
Validation photos are never looked at.
"""

from typing import Any, Dict, Iterable, List, Tuple

import nncf
import numpy as np
import openvino as ov
from nncf.quantization.advanced_parameters import (
    AdvancedAccuracyRestorerParameters,
    AdvancedQuantizationParameters,
    OverflowFix,
)
from nncf.quantization.range_estimator import (
    AggregatorType,
    RangeEstimatorParameters,
    RangeEstimatorParametersSet,
    StatisticsCollectorParameters,
    StatisticsType,
)

from scripts.core.quantised import Recipe, int8_share
from scripts.core.verb import Facts, Job, Unsupported, main
from scripts.measure.inputs import batch_of, stored
from scripts.openvino.graph import name_by_place, operators, weighted
from scripts.openvino.properties import properties, version


def quantiles(outliers: float) -> RangeEstimatorParameters:
    """Ranges that leave out the share `outliers` of every sample's activations on either side.

    The widest of all samples counts: the mean of them, which NNCF has a name for, left 4 dB.
    """
    sides = [
        StatisticsCollectorParameters(StatisticsType.QUANTILE, aggregator, quantile_outlier_prob=outliers)
        for aggregator in (AggregatorType.MIN, AggregatorType.MAX)
    ]
    return RangeEstimatorParameters(*sides)


METHODS: Dict[str, RangeEstimatorParameters] = {
    "auto": RangeEstimatorParametersSet.HISTOGRAM,
    "minmax": RangeEstimatorParametersSet.MINMAX,
    "percentile": quantiles(1e-5),
}
SETTINGS: Dict[str, Any] = {
    "preset": nncf.QuantizationPreset.MIXED,
    "target_device": nncf.TargetDevice.CPU,
    "fast_bias_correction": False,
}
SCHEMES: Dict[str, Dict[str, Any]] = {
    "default": {},
    "accuracy_control": {},
    "minmax": {"calibration": "minmax"},
    "percentile": {"calibration": "percentile"},
    "symmetric": {"preset": nncf.QuantizationPreset.PERFORMANCE},
    "fast_bias": {"fast_bias_correction": True},
}
"""What the variants change: of `SETTINGS`, and of the method of calibration that the config asks for."""
OVERFLOW_FIX = OverflowFix.DISABLE
MAX_DROP = 0.01
RESTORING = {"max_num_iterations": 5, "ranking_subset_size": 20, "num_ranking_workers": 1}
"""What bounds the time of `accuracy_control`, which compiles the model once for every layer whenever it ranks them:
layers it may take back, and inputs (those with the greatest error) that it ranks them on. With as many workers as it
finds cores and memory for, it would depend on the machine.
"""
Item = Tuple[Dict[str, np.ndarray], int]


def items(job: Job, model: ov.Model) -> List[Item]:
    """The calibration inputs one at a time, by input name, each with the class that the fp32 reference gives it."""
    folder = job.sources["calibration"]
    inputs = stored(folder, "inputs", [port.get_any_name() for port in model.inputs])
    logits = stored(folder, "logits", [port.get_any_name() for port in model.outputs])
    first = next(iter(logits.values()))
    classes = first.argmax(1) if first.ndim == 2 else np.full(len(first), -1)
    return [(batch_of(inputs, 1, start), int(classes[start])) for start in range(len(first))]


def agreement(model: ov.CompiledModel, given: Iterable[Item]) -> Tuple[float, List[float]]:
    """Share of inputs that `model` gives the reference's class, and 1 or 0 for each."""
    each = [float(next(iter(model(inputs).values())).argmax() == expected) for inputs, expected in given]
    return float(np.mean(each)), each


def settings(variant: str) -> Dict[str, Any]:
    """NNCF's settings for a variant."""
    return {name: SCHEMES[variant].get(name, usual) for name, usual in SETTINGS.items()}


def quantised(model: ov.Model, given: List[Item], options: Dict[str, Any]) -> ov.Model:
    """The int8 model, calibrated on all of `given`."""
    dataset = nncf.Dataset(given, lambda item: item[0])
    how = dict(settings(options["variant"]), subset_size=len(given))
    advanced = AdvancedQuantizationParameters(
        overflow_fix=OVERFLOW_FIX, activations_range_estimator_params=METHODS[options["calibration"]]
    )
    if options["variant"] != "accuracy_control":
        return nncf.quantize(model, dataset, advanced_parameters=advanced, **how)
    if given[0][1] < 0:
        raise Unsupported("accuracy control compares classes, and this network gives none")
    return nncf.quantize_with_accuracy_control(
        model,
        dataset,
        dataset,
        agreement,
        max_drop=MAX_DROP,
        advanced_quantization_parameters=advanced,
        advanced_accuracy_restorer_parameters=AdvancedAccuracyRestorerParameters(**RESTORING),
        **how,
    )


def declared(model: ov.Model, samples: int, method: str) -> Recipe:
    """What the quantised model means to do in integers. Raises Unsupported where that is nothing."""
    found = weighted(model)
    share = int8_share((layer.macs, layer.integers) for layer in found)
    if not share:
        raise Unsupported("nothing to quantise: NNCF leaves all of this network in floating point")
    words = "u8 activations (NNCF, %s of %d samples), s8 weights per channel"
    return Recipe(words % (method, samples), share, [layer.name for layer in found if not layer.integers])


def kept_classes(model: ov.Model, given: List[Item]) -> int:
    """On how many of `given` the quantised model takes the reference's class, with the rest of it in f32."""
    return int(sum(agreement(ov.Core().compile_model(model, "CPU", properties("int8", "CPU", 0)), given)[1]))


def work(job: Job) -> Facts:
    variant = job.options["variant"]
    options = dict(job.options, calibration=SCHEMES[variant].get("calibration", job.options["calibration"]))
    if options["precision"] != "int8":
        raise Unsupported("NNCF makes int8 of OpenVINO IR here; %s is not among its precisions" % options["precision"])
    if options["calibration"] not in METHODS:
        words = "NNCF is calibrated here by %s; %s is not among them"
        raise Unsupported(words % (", ".join(METHODS), options["calibration"]))
    model = ov.Core().read_model(str(job.sources["ir"] / "model.xml"))
    given = items(job, model)
    made = quantised(model, given, options)
    name_by_place(made)
    recipe = declared(made, len(given), {"auto": "histogram"}.get(options["calibration"], options["calibration"]))
    if options["variant"] == "accuracy_control":
        words = "%s; accuracy control kept %d of %d classes"
        recipe = recipe._replace(method=words % (recipe.method, kept_classes(made, given), len(given)))
    recipe.write(job.out)
    ov.save_model(made, str(job.out / "model.xml"), compress_to_fp16=False)
    return {
        "versions": {"openvino": version(), "nncf": nncf.__version__, "numpy": np.__version__},
        "operators": operators(made),
        "recipe": recipe._asdict(),
        "options": dict(
            options,
            preset=settings(variant)["preset"].value,
            fast_bias_correction=settings(variant)["fast_bias_correction"],
            overflow_fix=OVERFLOW_FIX.value,
            subset_size=len(given),
        ),
    }


if __name__ == "__main__":
    raise SystemExit(main(work, __doc__))
