"""Layers that tools count in ways of their own, and what they add for a batch norm.

A transposed layer multiplies each input by each weight that it meets, so what counts is the size of
its input. Its geometry is that of the convolution the other way, so its input is y there, and its
output x.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

from refconv.networks.network import Layer
from refconv.networks.tools.tool import Quirk


def is_transposed(layer: Layer) -> bool:
    """Whether the layer is a transposed convolution."""
    return layer.form == "transposed"


def _by_output(layer: Layer) -> int:
    g = layer.geometry
    return g.N * g.H * g.W * g.F * g.K


BY_OUTPUT_SIZE = Quirk(
    is_transposed,
    _by_output,
    "counts a transposed layer by its output's size instead of its input's",
)
"""For each output, the taps of a convolution: too many, by the outputs over the inputs."""


def _by_output_channels(layer: Layer) -> int:
    g = layer.geometry
    return g.N * g.C * g.H * g.W * g.K


BY_OUTPUT_CHANNELS = Quirk(
    is_transposed,
    _by_output_channels,
    "counts a transposed layer's outputs, each with the taps of its output channels",
)
"""The weight is (input channels, output channels per group, KH, KW): its first axis is lost."""


def _by_output_over_stride(layer: Layer) -> Fraction:
    g = layer.geometry
    return Fraction(_by_output(layer), g.sh * g.sw)


BY_OUTPUT_OVER_STRIDE = Quirk(
    is_transposed,
    _by_output_over_stride,
    "counts a transposed layer by its output's size over the stride, not by its input's",
)
"""Right where the output is the input times the stride, as with padding "same"."""


def _groups_twice(layer: Layer) -> int:
    g = layer.geometry
    return g.N * g.OH * g.OW * g.F * (g.Cg // g.G) * g.KH * g.KW


def _bias_of_convolution(layer: Layer) -> int:
    g = layer.geometry
    rows = (g.OH + 2 * g.pt - g.dh * (g.KH - 1) - 1) // g.sh + 1
    columns = (g.OW + 2 * g.pl - g.dw * (g.KW - 1) - 1) // g.sw + 1
    return g.N * g.Cg * rows * columns


GROUPS_TWICE = Quirk(
    is_transposed,
    _groups_twice,
    "divides a transposed layer's channels by the groups twice, and counts its bias on a size "
    "that a convolution would have",
    _bias_of_convolution,
)
"""The fault of deepspeedai/DeepSpeed#8323: the weight's second axis is divided already."""


def _nothing(layer: Layer) -> None:
    return None


NO_TRANSPOSED = Quirk(is_transposed, _nothing, "does not count transposed layers")


def _is_dilated_depthwise(layer: Layer) -> bool:
    g = layer.geometry
    return layer.form == "convolution" and g.kind == "depthwise" and (g.dh, g.dw) != (1, 1)


def _over_blocks(layer: Layer) -> int | None:
    g = layer.geometry
    if (g.sh, g.sw) != (1, 1):
        return None
    rows = _block_outputs(g.H + g.pt + g.pb, g.KH, g.dh)
    columns = _block_outputs(g.W + g.pl + g.pr, g.KW, g.dw)
    return g.N * g.F * rows * columns * g.K


def _block_outputs(size: int, kernel: int, dilation: int) -> int:
    """Every `dilation`-th cell is an image of its own; the last cells are filled up."""
    return dilation * (-(-size // dilation) - kernel + 1)


SPACE_TO_BATCH = Quirk(
    _is_dilated_depthwise,
    _over_blocks,
    "cuts a dilated depthwise layer into images, filled up to a multiple of the dilation; "
    "refuses it with a stride",
)


def per_element(operations: int) -> Callable[[Layer], int]:
    """A batch norm that costs so many operations for each element of the layer's output."""
    return lambda layer: operations * layer.counts.output_size


def per_parameter(layer: Layer) -> int:
    """A batch norm that is counted as its parameters times the batch."""
    return 2 * layer.channels_out * layer.geometry.N
