"""The public convolutions: each checks its call, then goes one way.

public function -> plan (types, geometry, everything that can be refused) -> method -> y

Standard, group, depthwise and pointwise are one convolution with different `groups`; separable is
two of them. Checking and running are `plan.py`.
"""

from __future__ import annotations

from typing import TypedDict, Unpack

from numpy.typing import ArrayLike

from refconv.arguments import Array, as_array, optional_array
from refconv.geometry import LAYOUTS, Layout, Padding, Pair
from refconv.plan import (
    METHODS,
    Method,
    Names,
    Plan,
)

__all__ = [
    "METHODS",
    "conv2d",
    "depthwise_conv2d",
    "depthwise_separable_conv2d",
    "group_conv2d",
    "pointwise_conv2d",
]


class Options(TypedDict, total=False):
    """The options that every convolution takes; `conv2d` says what they mean."""

    stride: Pair
    padding: Padding
    dilation: Pair
    layout: Layout
    pad_value: complex
    method: Method
    out: Array | None


def conv2d(
    x: ArrayLike,
    weight: ArrayLike,
    bias: ArrayLike | None = None,
    *,
    stride: Pair = 1,
    padding: Padding = 0,
    dilation: Pair = 1,
    groups: int = 1,
    layout: Layout = "NCHW",
    pad_value: complex = 0,
    method: Method = "auto",
    out: Array | None = None,
) -> Array:
    """Convolve images with kernels: standard, group or depthwise, by `groups`.

    x (N, C, H, W), weight (F, C//groups, KH, KW), bias (F,) -> y (N, F, OH, OW):

        y[n, f, oh, ow] = bias[f] + sum over cg, kh, kw of
            xp[n, g*Cg + cg, oh*sh + kh*dh, ow*sw + kw*dw] * weight[f, cg, kh, kw]

    with g = f // (F // groups), and `xp` the image with its pads filled in by `pad_value`. The
    kernel is not flipped.

    stride, dilation: an integer, or one for H and one for W; dilation 1 is dense.
    padding: an integer, (ph, pw), ((pt, pb), (pl, pr)), "valid", "same_upper" (or "same": the odd
        cell goes behind the data) or "same_lower".
    layout: "NCHW", or "NHWC" with weight (KH, KW, C//groups, F) and y (N, OH, OW, F).
    method: "loops" (the definition, in Python), "jit-loops" (the same, compiled), "im2col" (NumPy),
        "jit" (compiled for speed), "auto" (= "jit"). All give the same answer.
    out: the array to fill and return, of y's shape and type.

    Working memory of the compiled kernel for float32 and float64, beside x, weight and y: 4 MiB a
    thread at most. An x of another type, or whose columns do not follow one another in memory (NHWC
    is one), is copied before.

    float32, float64, complex64 and complex128 keep their type; float16 and bfloat16 are summed in
    float32 and rounded once; int8 and uint8 give int32, wider integers int64.

    >>> import numpy as np
    >>> x = np.arange(12).reshape(1, 1, 3, 4)
    >>> conv2d(x, [[[[1, 2]]]])[0, 0]
    array([[ 2,  5,  8],
           [14, 17, 20],
           [26, 29, 32]])
    >>> conv2d(x, [[[[1, 2, 3]]]], [100], padding=((0, 0), (1, 1)), stride=(2, 1))[0, 0]
    array([[103, 108, 114, 108],
           [143, 156, 162, 132]])

    Errors: `ValueError` for shapes and values, `TypeError` for types, `OverflowError` where an
    integer sum could leave its type. Nothing is computed or written then.
    """
    images = as_array(x, "x")
    options = (stride, padding, dilation, groups, layout, pad_value, method)
    plan = Plan.of(
        images.shape,
        images.dtype,
        as_array(weight, "weight"),
        optional_array(bias, "bias"),
        options,
    )
    return plan.run(images, out, {"x": images})


def group_conv2d(
    x: ArrayLike,
    weight: ArrayLike,
    bias: ArrayLike | None = None,
    *,
    groups: int,
    **options: Unpack[Options],
) -> Array:
    """Convolve each of `groups` groups of channels by itself, and concatenate the results.

    x (N, C, H, W), weight (F, C//groups, KH, KW), bias (F,) -> y (N, F, OH, OW). Options and errors
    are those of `conv2d`.

    >>> import numpy as np
    >>> x = np.arange(8).reshape(1, 4, 1, 2)
    >>> group_conv2d(x, np.array([[1, 1], [1, -1]]).reshape(2, 2, 1, 1), groups=2).tolist()
    [[[[2, 4]], [[-2, -2]]]]

    Source: Krizhevsky, Sutskever and Hinton, "ImageNet Classification with Deep Convolutional
    Neural Networks", 2012.
    """
    return conv2d(x, weight, bias, groups=groups, **options)


def depthwise_conv2d(
    x: ArrayLike,
    weight: ArrayLike,
    bias: ArrayLike | None = None,
    **options: Unpack[Options],
) -> Array:
    """Convolve each channel with kernels of its own: `conv2d` with as many groups as channels.

    x (N, C, H, W), weight (C*M, 1, KH, KW), bias (C*M,) -> y (N, C*M, OH, OW); output channel
    c*M + m reads input channel c alone. Options and errors are those of `conv2d`.

    >>> import numpy as np
    >>> x = np.arange(6).reshape(1, 2, 1, 3)
    >>> depthwise_conv2d(x, np.array([1, 10]).reshape(2, 1, 1, 1)).tolist()
    [[[[0, 1, 2]], [[30, 40, 50]]]]
    """
    images = as_array(x, "x")
    channels = channels_of(images, options.get("layout", "NCHW"))
    return conv2d(images, weight, bias, groups=channels, **options)


def pointwise_conv2d(
    x: ArrayLike,
    weight: ArrayLike,
    bias: ArrayLike | None = None,
    *,
    groups: int = 1,
    **options: Unpack[Options],
) -> Array:
    """Mix the channels of each pixel: `conv2d` with a kernel of 1x1, a matrix product.

    x (N, C, H, W), weight (F, C//groups, 1, 1), bias (F,) -> y (N, F, OH, OW). Options and errors
    are those of `conv2d`.

    >>> import numpy as np
    >>> x = np.arange(6).reshape(1, 2, 1, 3)
    >>> pointwise_conv2d(x, np.array([[1, 100]]).reshape(1, 2, 1, 1)).tolist()
    [[[[300, 401, 502]]]]
    """
    refuse_wide_kernel(as_array(weight, "weight"), "weight", options.get("layout", "NCHW"))
    return conv2d(x, weight, bias, groups=groups, **options)


def depthwise_separable_conv2d(
    x: ArrayLike,
    depthwise_weight: ArrayLike,
    pointwise_weight: ArrayLike,
    bias: ArrayLike | None = None,
    *,
    depthwise_bias: ArrayLike | None = None,
    stride: Pair = 1,
    padding: Padding = 0,
    dilation: Pair = 1,
    layout: Layout = "NCHW",
    pad_value: complex = 0,
    method: Method = "auto",
    out: Array | None = None,
) -> Array:
    """Depthwise, then pointwise: `pointwise_conv2d(depthwise_conv2d(x, ...), ...)`, and no more.

    x (N, C, H, W), depthwise_weight (C*M, 1, KH, KW), depthwise_bias (C*M,), pointwise_weight
    (F, C*M, 1, 1), bias (F,) -> y (N, F, OH, OW). stride, padding, dilation and pad_value belong to
    the depthwise stage only. The other options and the errors are those of `conv2d`.

    >>> import numpy as np
    >>> x = np.arange(12).reshape(1, 2, 2, 3)
    >>> dw, pw = np.ones((2, 1, 2, 2), int), np.array([[1, 100]]).reshape(1, 2, 1, 1)
    >>> depthwise_separable_conv2d(x, dw, pw).tolist()
    [[[[3208, 3612]]]]

    Source: Sifre, "Rigid-Motion Scattering for Image Classification", 2014; Howard et al.,
    "MobileNets", 2017.
    """
    images = as_array(x, "x")
    dw, dw_bias = (
        as_array(depthwise_weight, "depthwise_weight"),
        optional_array(depthwise_bias, "depthwise_bias"),
    )
    pw, pw_bias = as_array(pointwise_weight, "pointwise_weight"), optional_array(bias, "bias")
    refuse_wide_kernel(pw, "pointwise_weight", layout)
    channels = channels_of(images, layout)
    first = Plan.of(
        images.shape,
        images.dtype,
        dw,
        dw_bias,
        (stride, padding, dilation, channels, layout, pad_value, method),
        Names("x", "depthwise_weight", "depthwise_bias"),
    )
    second = Plan.of(
        first.y_shape,
        first.types.result,
        pw,
        pw_bias,
        (1, 0, 1, 1, layout, 0, method),
        Names("the depthwise output", "pointwise_weight", "bias"),
    )
    second.refuse_out(out, {"x": images, "depthwise_weight": dw, "depthwise_bias": dw_bias})
    return second.run(first.run(images, None, {}), out, {})


def channels_of(x: Array, layout: str) -> int:
    """The channels of `x`, at least 1; a wrong shape is left for `Geometry.of` to refuse."""
    shape = x.shape
    if len(shape) != 4 or layout not in LAYOUTS:
        return 1
    return max(1, int(shape[layout.index("C")]))


def refuse_wide_kernel(weight: Array, name: str, layout: str) -> None:
    if weight.ndim == 4 and layout in LAYOUTS:  # what else is wrong is for `Geometry.of`
        KH, KW = weight.shape[2:] if layout == "NCHW" else weight.shape[:2]
        if (KH, KW) != (1, 1):
            raise ValueError(f"{name} has a {KH}x{KW} kernel, but a pointwise one is 1x1")
