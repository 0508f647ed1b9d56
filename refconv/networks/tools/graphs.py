"""Tools that count a graph or a problem without running a module: ONNX, TensorFlow, XLA, oneDNN."""

from __future__ import annotations

from refconv.networks.tools import quirks
from refconv.networks.tools.tool import ALL_FORMS, Tool

ONNX_TOOL = Tool(
    name="onnx-tool",
    unit="MACs",
    prints="Forward_MACs",
    version="onnx-tool 1.0.1",
    compared="in each run of the tests",
    source="onnx_tool.node: ConvNode, ConvTransposeNode, GemmNode, BatchNormalizationNode",
    bias=ALL_FORMS,
    norm=quirks.per_element(31),
    quirks=(quirks.BY_OUTPUT_CHANNELS,),
    note="a batch norm costs 31 for each element, 24 of them for a square root",
)
"""Profiles the nodes of an ONNX graph; an addition of a bias is a MAC."""

ONNX_OPCOUNTER = Tool(
    name="onnx-opcounter",
    unit="MACs",
    prints="MACs",
    version="onnx-opcounter 0.0.4",
    compared="in each run of the tests",
    source="onnx_opcounter.calculate_macs: conv_macs, gemm_macs, bn_macs",
    norm=quirks.per_element(2),
    quirks=(quirks.BY_OUTPUT_SIZE,),
    note="a node that it does not know costs its output's size; a convolution without the "
    "attribute kernel_shape ends it",
)
"""Adds up the nodes of an ONNX graph, without biases."""

TENSORFLOW = Tool(
    name="tensorflow",
    unit="FLOPs",
    prints="float_ops",
    version="tensorflow 2.21.0",
    compared="once, by hand",
    source="tensorflow.python.profiler.internal.flops_registry and ops.nn_ops",
    bias=ALL_FORMS,
    quirks=(quirks.BY_OUTPUT_OVER_STRIDE, quirks.SPACE_TO_BATCH),
    note="where a size is unknown, one position of the kernel counts (tensorflow#50802); only "
    "NHWC is counted",
)
"""TensorFlow's profiler of float operations; a bias is an operator of its own, `BiasAdd`."""

XLA = Tool(
    name="xla",
    unit="FLOPs",
    prints="flops",
    version="jax 0.10.2",
    compared="in each run of the tests",
    source="jax.stages.Lowered.cost_analysis, which is XLA's HloCostAnalysis",
    bias=ALL_FORMS,
    leaves_out_padding=True,
    note="of the program as lowered: once compiled, it counts conversions of bfloat16, and the "
    "layers that the compiler rewrote",
)
"""XLA's cost analysis: 2 for each tap inside the image, in every type; 1 for each other result."""

BENCHDNN = Tool(
    name="benchdnn",
    unit="FLOPs",
    prints="ops",
    version="oneDNN, commit 5205300b",
    compared="from its text alone",
    source="oneDNN tests/benchdnn: count_ops of conv and deconv",
    leaves_out_padding=True,
    note="a fully connected layer is taken as a convolution of one pixel",
)
"""oneDNN's benchmark, from its text alone: 2 for each tap inside the image, the bias left out."""

TOOLS = (ONNX_TOOL, ONNX_OPCOUNTER, TENSORFLOW, XLA, BENCHDNN)
