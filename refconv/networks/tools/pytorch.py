"""Tools that watch a PyTorch module run: hooks on layers, or on the operators below them.

Padding that no module states on both ends alike is a layer before it, so none of them sees it.
"""

from __future__ import annotations

from refconv.networks.tools import quirks
from refconv.networks.tools.tool import ALL_FORMS, Tool

TORCH = Tool(
    name="torch",
    unit="FLOPs",
    prints="flops",
    version="torch 2.13.0",
    compared="in each run of the tests",
    source="torch.utils.flop_counter: conv_flop_count, addmm_flop",
    note="the weight gradient of a grouped convolution counts groups times too much "
    "(pytorch#183405, still in 2.13.0); gradients of transposed layers were wrong before "
    "pytorch#119874",
)
"""torch's flop counter, `FlopCounterMode`: 2 FLOPs a MAC, by shapes, bias and norms left out."""

TORCH_PROFILER = Tool(
    name="torch-profiler",
    unit="FLOPs",
    prints="flops",
    version="torch 2.13.0",
    compared="in each run of the tests",
    source="torch.profiler with with_flops: computeFlops in util.cpp",
    quirks=(quirks.NO_TRANSPOSED,),
    note='a layer whose padding is the string "same" counts as 0, with a warning (2.13.0)',
)
"""torch's profiler: a formula for a few operators, without transposed convolution."""

FVCORE = Tool(
    name="fvcore",
    unit="MACs",
    prints="flops",
    version="fvcore 0.1.5.post20221221",
    compared="in each run of the tests",
    source="fvcore.nn.jit_handles: conv_flop_count, linear_flop_jit, batchnorm_flop_jit",
    norm=quirks.per_element(2),
    note="its flops are MACs (fvcore#69)",
)
"""Traces the module, counts the products of each operator, and calls them flops."""

THOP = Tool(
    name="thop",
    unit="MACs",
    prints="MACs",
    version="thop 0.1.1.post2209072238",
    compared="in each run of the tests",
    source="thop.vision.calc_func: calculate_conv2d_flops, calculate_linear, calculate_norm",
    norm=quirks.per_element(4),
    quirks=(quirks.BY_OUTPUT_SIZE,),
    note="an early version divided the output's size by the stride once more (pytorch-OpCounter#8)",
)
"""Hooks on modules; one formula for convolutions both ways."""

PTFLOPS = Tool(
    name="ptflops",
    unit="MACs",
    prints="MACs",
    version="ptflops 0.7.5",
    compared="in each run of the tests",
    source="ptflops.pytorch_ops: conv_flops_counter_hook, linear_flops_counter_hook",
    bias=ALL_FORMS,
    per_image=True,
    norm=quirks.per_element(2),
    note="a product's rows are taken to be of one image",
)
"""Hooks on modules (its default backend); an addition of a bias is a MAC."""

TORCHINFO = Tool(
    name="torchinfo",
    unit="MACs",
    prints="mult-adds",
    version="torchinfo 1.8.0",
    compared="in each run of the tests",
    source="torchinfo.layer_info: LayerInfo.calculate_macs",
    bias=ALL_FORMS,
    norm=quirks.per_parameter,
    quirks=(quirks.BY_OUTPUT_SIZE,),
    note="a linear layer counts once for each of the batch, whatever axes lie between",
)
"""Each parameter, bias or weight, times the positions of the output."""

DEEPSPEED = Tool(
    name="deepspeed",
    unit="FLOPs",
    prints="flops",
    version="deepspeed 0.19.8",
    compared="once, by hand",
    source="deepspeed.profiling.flops_profiler: _conv_flops_compute, _linear_flops_compute",
    bias=("convolution", "transposed"),
    norm=quirks.per_element(2),
    note="before DeepSpeed#8323 it divided a transposed layer's channels by the groups twice, "
    "as calflops does; a module used in three places counted three times over (DeepSpeed#7256)",
)
"""Patches PyTorch's functions; the bias counts in convolutions, not in linear layers."""

CALFLOPS = Tool(
    name="calflops",
    unit="FLOPs",
    prints="FLOPs",
    version="calflops 0.3.2",
    compared="once, by hand",
    source="calflops.pytorch_ops: _conv_flops_compute, _conv_trans_flops_compute",
    bias=("convolution", "transposed"),
    norm=quirks.per_element(2),
    quirks=(quirks.GROUPS_TWICE,),
)
"""DeepSpeed's formulas, from before they were mended."""

TOOLS = (TORCH, TORCH_PROFILER, FVCORE, THOP, PTFLOPS, TORCHINFO, DEEPSPEED, CALFLOPS)
