"""The public gradients: each checks its call, then goes one way, as the convolutions do.

public function -> types, geometry, everything that can be refused -> method -> the gradient
"""

from __future__ import annotations

from collections.abc import Sequence

from numpy.typing import ArrayLike

from refconv.arguments import Array, as_array, pad_number, refuse_no_number, refuse_out
from refconv.dtypes import Types
from refconv.geometry import LAYOUTS, Layout, Padding, Pair
from refconv.gradients.call import Call, fill_bias_grad, fill_input_grad, fill_weight_grad
from refconv.layout import nchw
from refconv.plan import Method


def conv2d_input_grad(
    grad_y: ArrayLike,
    weight: ArrayLike,
    x_shape: Sequence[int],
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
    """The gradient of `conv2d` by its input: what each cell of x adds to sum(y * grad_y).

    grad_y (N, F, OH, OW), weight (F, C//groups, KH, KW), x_shape (N, C, H, W) -> (N, C, H, W):

        grad_x[n, c, h, w] = sum over the f, oh, ow, kh, kw whose product reads that cell of
            grad_y[n, f, oh, ow] * weight[f, c % Cg, kh, kw]

    so that sum(conv2d(x, weight) * grad_y) = sum(x * grad_x), with a pad value of 0, for every x.
    Options, types and methods are those of `conv2d`; the pad value changes nothing here. Complex
    numbers are not conjugated: the derivative is that of a sum of products.

    Working memory of the compiled kernel, for float32 and float64: a copy of the weight, in the
    order in which it is read; where the stride is above 1, a second copy of the gradient. Another
    type or layout is copied before. Integers and complex numbers run plain loops, on one thread
    where the stride is long.

    >>> conv2d_input_grad([[[[1, 10, 100]]]], [[[[2, 3]]]], (1, 1, 1, 4))[0, 0]
    array([[  2,  23, 230, 300]])

    Errors: `ValueError` for shapes and values, `TypeError` for types, `OverflowError` where an
    integer sum could leave its type: its bound is of all taps, though with a stride a cell may be
    reached by some of them only. Nothing is computed or written then.
    """
    gradients, kernels = as_array(grad_y, "grad_y"), as_array(weight, "weight")
    options = (stride, padding, dilation, groups, layout, pad_value, method)
    call = Call.of(x_shape, kernels.shape, options, x_name="x_shape")
    types = Types.of(gradients.dtype, kernels.dtype, x_name="grad_y")
    call.refuse_grad_y(gradients)
    refuse_no_number(pad_value, gradients.dtype)
    if out is not None:
        inputs = {"grad_y": gradients, "weight": kernels}
        refuse_out(out, call.x_shape, types.result, "the gradient of x", inputs)
    return fill_input_grad(call, types, gradients, kernels, None, out, "grad_y and weight")


def conv2d_weight_grad(
    grad_y: ArrayLike,
    x: ArrayLike,
    weight_shape: Sequence[int],
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
    """The gradient of `conv2d` by its weight: what each weight adds to sum(y * grad_y).

    grad_y (N, F, OH, OW), x (N, C, H, W), weight_shape (F, C//groups, KH, KW) -> that shape:

        grad_weight[f, cg, kh, kw] = sum over n, oh, ow of
            grad_y[n, f, oh, ow] * xp[n, g*Cg + cg, oh*sh + kh*dh, ow*sw + kw*dw]

    with g = f // (F // groups). Options, types, methods and errors are those of `conv2d`.

    Working memory of the compiled kernel, for float32 and float64, of each thread: the rows of x,
    with pads, that an output row or some of them read, of up to 8 channels; the sums of up to 32
    output channels, 1 MiB or those of one kernel of 8 channels. Another type or layout is copied
    before. Integers and complex numbers run plain loops, on one thread.

    >>> conv2d_weight_grad([[[[1, 10, 100]]]], [[[[5, 6, 7, 8]]]], (1, 1, 1, 2))[0, 0]
    array([[765, 876]])
    """
    gradients, images = as_array(grad_y, "grad_y"), as_array(x, "x")
    options = (stride, padding, dilation, groups, layout, pad_value, method)
    call = Call.of(images.shape, weight_shape, options, weight_name="weight_shape")
    types = Types.of(gradients.dtype, images.dtype, x_name="grad_y", weight_name="x")
    call.refuse_grad_y(gradients)
    padding_cell = pad_number(pad_value, images.dtype)
    if out is not None:
        inputs = {"grad_y": gradients, "x": images}
        refuse_out(out, call.weight_shape, types.result, "the gradient of weight", inputs)
    return fill_weight_grad(call, types, gradients, images, padding_cell, out, "grad_y and x")


def conv2d_bias_grad(
    grad_y: ArrayLike, *, layout: Layout = "NCHW", out: Array | None = None
) -> Array:
    """The gradient of `conv2d` by its bias: for each output channel, the sum of grad_y.

    grad_y (N, F, OH, OW), or as `layout` says -> (F,). Types are those of `conv2d`: a half is
    summed in float32 and rounded once, int8 and uint8 in int32, wider integers in int64.

    >>> conv2d_bias_grad([[[[1, 2, 3]], [[10, 20, 30]]]])
    array([ 6, 60])

    Errors: `ValueError` for shapes and values, `TypeError` for types, `OverflowError` where an
    integer sum could leave its type.
    """
    gradients = as_array(grad_y, "grad_y")
    if layout not in LAYOUTS:
        raise ValueError(f"layout is {layout!r}, but must be 'NCHW' or 'NHWC'")
    if gradients.ndim != 4:
        raise ValueError(f"grad_y has shape {gradients.shape}, but must have 4 axes ({layout})")
    types = Types.of(gradients.dtype, gradients.dtype, x_name="grad_y")
    channels = gradients.shape[layout.index("C")]
    if out is not None:
        refuse_out(out, (channels,), types.result, "the gradient of bias", {"grad_y": gradients})
    return fill_bias_grad(types, nchw(gradients, layout), out, "grad_y")
