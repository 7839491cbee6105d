"""The columns of the report's tables: what each is called, what it means, how it is filled."""

from dataclasses import replace

from scripts.report.views.cells import Column, accuracy, figure, gate, lost, mark, share, text

SIZE = Column("Size", "MB", "What is deployed, on disk", figure("artifact_bytes", 1e-6))
PEAK = Column("Memory", "MB", "Peak resident memory without the bare interpreter's", figure("peak_rss_mb"))
ACCURACY = Column("Accuracy", "", "Labelled photos whose first class is right; Wilson interval", accuracy)
FAST = "Fast location: a tenth of the requests took less"
LOST = Column("Lost", "photos", "Labelled photos that the reference has right, and the reverse", lost)
SQNR = Column("SQNR", "dB", "Size of the outputs over size of their error", figure("sqnr_db"))
IN_INT8 = Column("In int8", "", "Share of the multiplications that really run in integers", share("int8_share"))
GATE = Column("Gate", "", "Whether the outputs are right enough for its precision", gate, words=True)
TAILS = (
    Column("p90", "ms", "One request in ten took longer", figure("p90_ms")),
    Column("p99", "ms", "One request in a hundred took longer", figure("p99_ms")),
    Column("p99.9", "ms", "One request in a thousand took longer", figure("p999_ms")),
    Column("p99 / p50", "", "How much longer a slow request takes than a typical one", figure("tail_ratio")),
    Column("Mean", "ms", "Mean of the requests", figure("mean_ms")),
    Column("Trimmed", "ms", "Mean without the fastest and the slowest tenth", figure("trimmed_mean_ms")),
    Column("SD", "ms", "Standard deviation of the requests of a process", figure("std_ms")),
)
PHASES = (
    Column("Import", "MB", "Peak memory while importing the runtime", figure("peak_rss_import_mb")),
    Column("Load", "MB", "Peak memory while loading the artifact", figure("peak_rss_load_mb")),
    Column("Run", "MB", "Peak memory from the first call on", figure("peak_rss_run_mb")),
    Column("Import", "s", "Median over trials", figure("import_s", digits=2)),
    Column("Load", "s", "Median over trials", figure("load_s", digits=2)),
    Column("First call", "s", "Median over trials", figure("first_call_s", digits=2)),
)
OUTPUTS = (
    Column("Per second", "", "Batch over median: one request at a time", figure("throughput_per_s")),
    Column("Execute", "ms", "The runtime's own part, without handing arrays over", figure("execute_ms")),
    Column("Copies", "", "Share of the request spent handing arrays over", share("copy_share", 2)),
    Column("Pareto", "", "No other candidate is as fast, as accurate and as small", mark("pareto")),
    LOST,
    Column("Agreement", "", "Photos whose first class is the reference's", share("top1_agreement")),
    SQNR,
    IN_INT8,
    Column("Convert", "s", "From checkpoint to portable file", figure("convert_s", digits=2)),
    Column("Memory", "MB", "Greatest memory of the conversions, calibration included", figure("convert_rss_mb")),
    Column("Compile", "s", "From portable file to this host's artifact", figure("compile_s", digits=2)),
)
GPU_MEMORY = Column(
    "Memory",
    "MB",
    "Taken from opening to the last request; PyTorch's, TensorFlow's: their allocators' peak",
    figure("gpu_mem_mb"),
)
POWER = Column("Power", "W", "Mean under load, idle included", figure("power_w"))
ON_GPU = (
    Column("On the GPU", "ms", "From the first kernel to the last, by the GPU's own clock", figure("device_ms")),
    Column(
        "Speed-up", "x", "Of the time on the GPU, against eager PyTorch in fp32", figure("device_speedup", digits=3)
    ),
    Column("Copies", "", "Share of the request spent between host and GPU", share("copy_share", 2)),
    Column("Rate", "TFLOP/s", "Multiplying operators alone, over the time on the GPU", figure("tflops")),
    Column("Of reached", "", "Of what this GPU reached in a large matrix product of that type", share("peak_share", 3)),
    Column("Of promised", "", "Of what the GPU's data sheet says", share("peak_share_spec", 3)),
    Column("Bound by", "", "What the roofline says takes the time at least", text("bound"), words=True),
    GPU_MEMORY,
    POWER,
    Column("Energy", "J an item", "Of the whole request, idle subtracted", figure("energy_j", digits=3)),
    Column("Busy", "%", "As the driver says", figure("gpu_util_pct")),
)
ON_CPU = (
    Column("Execute", "ms", "A typical request's, without handing arrays over", figure("execute_ms")),
    Column("Rate", "TFLOP/s", "Multiplying operators alone, over a fast request's execution", figure("tflops")),
    Column(
        "Of reached", "", "Of what this library reached in a large matrix product of that type", share("peak_share", 3)
    ),
    Column("Bound by", "", "What the roofline says takes the time at least", text("bound"), words=True),
    Column("Power", "W", "Of the CPU package, mean under load, idle included", figure("power_w")),
    Column("Energy", "J an item", "Of the CPU package, idle subtracted", figure("energy_j", digits=3)),
)
STREAMS = Column("Streams", "", "Requests in flight that were best", figure("streams"))
KEPT_FULL = (
    STREAMS,
    replace(GPU_MEMORY, head="GPU memory"),
    POWER,
    Column("Energy", "J an item", "Idle subtracted", figure("energy_j", digits=3)),
)
HOW = (
    Column("Trials", "", "Fresh processes", figure("trials")),
    Column("Requests", "", "Samples of all trials", figure("samples")),
    Column("Disturbed", "trials", "Something else used the host meanwhile; they stay in", figure("disturbed_trials")),
    Column("Host", "", "Slow phases, found from the trials of all candidates", text("host_phase"), words=True),
    Column("Where the work ran", "", "As the runtime says", text("placement"), words=True),
)
