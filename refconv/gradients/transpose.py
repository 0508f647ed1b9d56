"""The transposed convolution: the input gradient of a convolution, called by its own sizes."""

from __future__ import annotations

from numpy.typing import ArrayLike

from refconv.arguments import Array, as_array, optional_array, refuse_out
from refconv.dtypes import Types
from refconv.geometry import Geometry, Layout, Padding, Pair
from refconv.gradients.call import Call, fill_input_grad
from refconv.plan import Method, refuse_method


def conv_transpose2d(
    x: ArrayLike,
    weight: ArrayLike,
    bias: ArrayLike | None = None,
    *,
    stride: Pair = 1,
    padding: Padding = 0,
    output_padding: Pair = 0,
    dilation: Pair = 1,
    groups: int = 1,
    layout: Layout = "NCHW",
    method: Method = "auto",
    out: Array | None = None,
) -> Array:
    """The transposed convolution: the input gradient of `conv2d`, under its own name.

    x (N, C, H, W), weight (C, F//groups, KH, KW), bias (F,) -> y (N, F, OH, OW):

        OH = (H - 1)*sh - pt - pb + dh*(KH - 1) + 1 + output_padding

    Each cell of x adds its kernel, `sh` and `sw` cells from its neighbour's, to y; `padding` is
    what is cut off again. The convolution that this transposes maps y to x: several sizes of y give
    the same H, and `output_padding` (below the stride) says which is meant; the cells go after the
    data. torch also takes one that is below the dilation only, which is refused here: it adds
    cells that no kernel reaches, and a size that the convolution does not map back to H. With
    padding "same_upper" or "same_lower", OH = H*sh, where the stride is longer than the kernel
    too: the cells that no kernel reaches are the bias, and onnxruntime leaves them out. With layout
    "NHWC" the weight is (KH, KW, F//groups, C).

    >>> conv_transpose2d([[[[1, 10]]]], [[[[1, 2, 3]]]], stride=2)[0, 0]
    array([[ 1,  2, 13, 20, 30]])

    Types, methods and errors are those of `conv2d`; there is no pad value.
    Source: Zeiler, Krishnan, Taylor and Fergus, "Deconvolutional Networks", 2010.
    """
    images, kernels = as_array(x, "x"), as_array(weight, "weight")
    offsets = optional_array(bias, "bias")
    refuse_method(method)
    geometry = Geometry.transposing(
        images.shape,
        kernels.shape,
        stride=stride,
        padding=padding,
        dilation=dilation,
        groups=groups,
        output_padding=output_padding,
        layout=layout,
    )
    call = Call(geometry, layout, method)
    types = Types.of(images.dtype, kernels.dtype, None if offsets is None else offsets.dtype)
    F = geometry.C
    if offsets is not None and offsets.shape != (F,):
        raise ValueError(
            f"bias has shape {offsets.shape}, but weight has {F} output channels: it must be ({F},)"
        )
    if out is not None:
        inputs = {"x": images, "weight": kernels, "bias": offsets}
        refuse_out(out, call.x_shape, types.result, "y", inputs)
    return fill_input_grad(call, types, images, kernels, offsets, out, "x and weight")
