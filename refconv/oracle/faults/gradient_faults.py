"""The faults of gradients, and of transposed convolutions, beside those of the convolution itself.

A fault of the convolution (`plain.py`) is one of its gradient as well: that of a convolution which
has it. `gradient_replay.py` replays those. Here are the faults that only a gradient can have. Each
is a stable name, a sentence, what it may be found in, and a function that yields what would come
out instead, in each variant. Those with an unknown in them are in `gradient_solved.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import product
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from refconv.oracle.faults.memory import channels_at, offset_channels, rows_at_other_pitch
from refconv.oracle.faults.plain import FAULTS
from refconv.oracle.reference.adjoint import Adjoint, indices

Array = np.ndarray[Any, Any]
Replay: TypeAlias = Callable[[Adjoint, Array], Iterator[Array]]

BY_X = ("input-grad", "transpose")
BY_PARAMETERS = ("weight-grad", "bias-grad")
GRADIENTS = ("input-grad", *BY_PARAMETERS)


class GradientFault(NamedTuple):
    """A fault that only gradients have: `replay` yields what would come out, variant by variant."""

    name: str
    sentence: str
    of: tuple[str, ...]
    replay: Replay


GRADIENT_FAULTS: list[GradientFault] = []
"""In the order in which they are tried."""


def gradient_fault(name: str, sentence: str, *of: str) -> Callable[[Replay], Replay]:
    """Add a fault of these gradients."""

    def add(function: Replay) -> Replay:
        GRADIENT_FAULTS.append(GradientFault(name, sentence, of, function))
        return function

    return add


# --- sums ----------------------------------------------------------------------------------------


@gradient_fault(
    "grad-overwrites-overlaps",
    "Where windows overlap, the last product is left: they are assigned to the cells of x, and not "
    "added up.",
    *BY_X,
)
def _(a: Adjoint, y: Array) -> Iterator[Array]:
    Fg = a.grad_y.shape[1] // a.convolution.groups
    last = a.convolution.weight.copy()  # of a loop over output channels, the last one's product
    last[np.arange(len(last)) % max(1, Fg) < Fg - 1] = 0
    for weight in (a.convolution.weight, last):
        terms = replace(a, convolution=replace(a.convolution, weight=weight)).products()
        KH, KW = a.convolution.weight.shape[2:]
        cells = {(n // KW, n % KW): term for n, term in enumerate(terms)}
        # The last one is of the largest kernel cell, or of the last window: of the smallest.
        for down, across in product((1, -1), repeat=2):
            sums = np.zeros(1 + y.size, y.dtype)
            for kh, kw in product(range(KH)[::down], range(KW)[::across]):
                read, products = cells[kh, kw]
                sums[read.ravel()] = products.ravel()
            yield _with_bias(a, sums[1:].reshape(a.shape))


@gradient_fault(
    "grad-overlaps-averaged",
    "Where windows overlap, the mean of what they add is taken, and not the sum.",
    *BY_X,
)
def _(a: Adjoint, y: Array) -> Iterator[Array]:
    sums = np.zeros(1 + y.size)
    for cells, _ in a.products():
        np.add.at(sums, cells.ravel(), 1)
    windows = np.maximum(sums[1:].reshape(a.shape), 1)
    yield _with_bias(a, replace(a, convolution=replace(a.convolution, bias=None)).solve() / windows)


@gradient_fault(
    "sums-overwritten",
    "Products are assigned, and not added up: the last one is all that is left of a sum.",
    *BY_PARAMETERS,
)
def _(a: Adjoint, y: Array) -> Iterator[Array]:
    if a.grad_y.size:
        one = np.zeros_like(a.grad_y)
        one[-1, :, -1, -1] = a.grad_y[-1, :, -1, -1]
        yield replace(a, grad_y=one).solve()


@gradient_fault(
    "batch-not-summed",
    "The gradient of one image is returned, of the first or the last, and not the sum of all.",
    *BY_PARAMETERS,
)
def _(a: Adjoint, y: Array) -> Iterator[Array]:
    if len(a.grad_y) > 1:
        for n in (0, len(a.grad_y) - 1):
            one = np.zeros_like(a.grad_y)
            one[n] = a.grad_y[n]
            yield replace(a, grad_y=one).solve()


# --- the bias ------------------------------------------------------------------------------------


@gradient_fault(
    "bias-summed-over-batch-only",
    "The gradient of the bias is summed over the images only, and not over the places.",
    "bias-grad",
)
def _(a: Adjoint, y: Array) -> Iterator[Array]:
    yield a.grad_y.sum(0)
    yield a.grad_y.sum(0, keepdims=True)
    yield a.grad_y[:, :, :1, :1].sum((0, 2, 3))


@gradient_fault(
    "bias-summed-over-space-only",
    "The gradient of the bias is summed over the places only, and not over the images.",
    "bias-grad",
)
def _(a: Adjoint, y: Array) -> Iterator[Array]:
    yield a.grad_y.sum((2, 3))
    yield a.grad_y.sum((2, 3), keepdims=True)


@gradient_fault(
    "bias-summed-over-one-axis",
    "The gradient of the bias is summed over one of the axes OH and OW, and not over both.",
    "bias-grad",
)
def _(a: Adjoint, y: Array) -> Iterator[Array]:
    for axes in ((0, 2), (0, 3), 2, 3):
        yield a.grad_y.sum(axes)
    if a.grad_y.size:
        yield a.grad_y[:, :, :, 0].sum((0, 2))
        yield a.grad_y[:, :, 0].sum((0, 2))


@gradient_fault(
    "bias-summed-over-channels",
    "The gradient of the bias is summed over the output channels, and not one of each.",
    "bias-grad",
)
def _(a: Adjoint, y: Array) -> Iterator[Array]:
    for axes in ((1, 2, 3), (0, 1, 3), (0, 1, 2)):
        yield a.grad_y.sum(axes)
    total = a.grad_y.sum()
    yield np.asarray(total)
    yield np.full(a.shape, total)


@gradient_fault(
    "bias-summed-by-blocks",
    "grad_y is cut into F equal blocks, as if the batch came after the channels, and each is "
    "summed.",
    "bias-grad",
)
def _(a: Adjoint, y: Array) -> Iterator[Array]:
    if a.grad_y.size:
        yield a.grad_y.reshape(a.shape[0], -1).sum(1)


@gradient_fault(
    "sums-end-early",
    "The sums end early: the last row, column, image or place of grad_y is left out, or what is "
    "behind the last whole vector of its places.",
    *GRADIENTS,
)
def _(a: Adjoint, y: Array) -> Iterator[Array]:
    N, _F, OH, OW = a.grad_y.shape
    place = np.arange(OH * OW).reshape(OH, OW)
    is_last_row, is_last_column = place // max(1, OW) == OH - 1, place % max(1, OW) == OW - 1
    is_last = np.arange(N)[:, None, None, None] == N - 1
    left_out = [is_last_row, is_last_column, is_last_row | is_last_column]
    left_out += [is_last, is_last & is_last_row & is_last_column]
    for width in (4, 8, 16):
        tail = place >= OH * OW // width * width
        left_out += [tail & (width <= OH * OW), tail]
    for part in left_out:
        yield replace(a, grad_y=np.where(part, 0, a.grad_y)).solve()


# --- strides, pads and sizes ---------------------------------------------------------------------


@gradient_fault(
    "stride-remainder-unchecked",
    "A cell takes part in windows that do not reach it: whether (h + p - kh*d) is a multiple of "
    "the stride is not asked before it is divided by it.",
    *BY_X,
)
def _(a: Adjoint, y: Array) -> Iterator[Array]:
    if a.convolution.stride == (1, 1):  # everything is a multiple of it
        return
    for unchecked in ((True, True), (True, False), (False, True)):
        for towards_zero in (False, True):
            yield _with_bias(a, _gathered(a, unchecked, towards_zero=towards_zero))


def _gathered(a: Adjoint, unchecked: tuple[bool, bool], *, towards_zero: bool) -> Array:
    """The gradient cell by cell of x: from all windows that reach it, and more where remainders of
    the division by the stride are unchecked; C divides towards zero, Python down.
    """
    p = a.convolution
    N, (F, Cg, KH, KW), groups = len(a.grad_y), p.weight.shape, p.groups
    sums = np.zeros(a.shape, np.result_type(a.grad_y, p.weight))
    if not a.grad_y.size:
        return sums

    def windows(axis: int, k: int) -> tuple[Array, Array]:
        """The window that each cell is read from at kernel cell k, and whether there is one."""
        s, size = p.stride[axis], p.size[axis]
        ahead = np.arange(a.shape[2 + axis]) + p.corner[axis] - k * p.dilation[axis]
        window = np.where(towards_zero & (ahead < 0), -(-ahead // s), ahead // s)
        is_one = (window >= 0) & (window < size) & (unchecked[axis] | (ahead % s == 0))
        return np.clip(window, 0, size - 1), is_one

    for kh, kw in product(range(KH), range(KW)):
        (rows, is_row), (columns, is_column) = windows(0, kh), windows(1, kw)
        read = a.grad_y[:, :, rows[:, None], columns]
        read = np.where(is_row[:, None] & is_column, read, 0).reshape(N, groups, F // groups, -1)
        weights = p.weight[:, :, kh, kw].reshape(groups, F // groups, Cg).swapaxes(1, 2)
        sums += (weights @ read).reshape(a.shape)
    return sums


@gradient_fault(
    "zeros-before-cells",
    "The zeros between the cells of what is spread out are put before each cell, and not behind.",
    *BY_X,
)
def _(a: Adjoint, y: Array) -> Iterator[Array]:
    p = a.convolution
    (pt, pl), (sh, sw) = p.corner, p.stride
    yield replace(a, convolution=replace(p, corner=(pt - (sh - 1), pl - (sw - 1)))).solve()


@gradient_fault(
    "stride-phases-swapped",
    "Cells that lie a stride apart, the phases, are put together in the order (w, h), and not "
    "(h, w).",
    *BY_X,
)
def _(a: Adjoint, y: Array) -> Iterator[Array]:
    sh, sw = a.convolution.stride
    H, W = y.shape[2] // sh * sh, y.shape[3] // sw * sw
    shuffled = y.copy()
    for h, w in product(range(sh), range(sw)):
        from_h, from_w = divmod(w * sh + h, sw)
        shuffled[:, :, h:H:sh, w:W:sw] = y[:, :, from_h:H:sh, from_w:W:sw]
    yield shuffled


@gradient_fault(
    "output-times-stride",
    "The output has as many rows and columns as the image, times the stride: the kernel, the pads "
    "and the output padding have no part in its size.",
    "transpose",
)
def _(a: Adjoint, y: Array) -> Iterator[Array]:
    p = a.convolution
    rows, columns = (n * s - m for n, s, m in zip(p.size, p.stride, a.shape[2:], strict=True))
    yield resized(a, (rows, columns))


@gradient_fault(
    "grad-not-cropped",
    "As a convolution dilated by the stride: rows and columns that the stride leaves over are not "
    "cropped off the kernel, or are at the wrong end.",
    "weight-grad",
)
def _(a: Adjoint, y: Array) -> Iterator[Array]:
    p = a.convolution
    axes = zip(p.x.shape[2:], p.pads, p.size, p.stride, p.dilation, strict=True)
    KH, KW = ((n + sum(e) - (o - 1) * s - 1) // d + 1 for n, e, o, s, d in axes)
    if a.shape[2:] != (KH, KW):
        shape = (*a.shape[:2], KH, KW)
        whole = replace(a, convolution=replace(p, weight=indices(shape)), shape=shape).solve()
        yield whole
        yield whole[:, :, KH - a.shape[2] :, KW - a.shape[3] :]


@gradient_fault("saturates-int16", FAULTS["saturates-int16"].sentence, *GRADIENTS, "transpose")
def _(a: Adjoint, y: Array) -> Iterator[Array]:
    if y.dtype.kind != "c":
        yield np.clip(y, -32768, 32767)


@gradient_fault(
    "grad-of-padding-kept",
    "The gradient is that of the padded image: what falls on the pads is not cut off.",
    "input-grad",
)
def _(a: Adjoint, y: Array) -> Iterator[Array]:
    yield _with_pads(a)


@gradient_fault(
    "pads-not-complemented",
    "The pads p of the convolution are used as they are, where the transpose, as a convolution of "
    "grad_y with zeros between its cells, needs d*(k-1)-p.",
    *BY_X,
)
def _(a: Adjoint, y: Array) -> Iterator[Array]:
    p = a.convolution
    axes = zip(p.weight.shape[2:], p.dilation, p.pads, strict=True)
    (pt, pb), (pl, pr) = ([d * (k - 1) - end for end in ends] for k, d, ends in axes)
    changed = replace(a, convolution=replace(p, corner=(pt, pl), ends=(pb, pr)))
    yield changed.solve()
    yield resized(changed, transposed_size_change(a, changed))


@gradient_fault("padding-missing", "The padding is not cut off from the output.", "transpose")
def _(a: Adjoint, y: Array) -> Iterator[Array]:
    yield _with_pads(a)


@gradient_fault(
    "output-padding-ignored",
    "The output padding is left out: its rows and columns are missing, or were not computed.",
    "transpose",
)
def _(a: Adjoint, y: Array) -> Iterator[Array]:
    rows, columns = _output_padding(a)
    if rows or columns:
        yield resized(a, (-rows, -columns))
        kept = np.zeros(a.shape[2:], bool)
        kept[: a.shape[2] - rows, : a.shape[3] - columns] = True
        yield np.where(kept, y, 0)
        yield np.where(kept, y, 0 if a.bias is None else a.bias[:, None, None])


@gradient_fault(
    "output-padding-wrong-end",
    "The output padding is before the data, and not behind.",
    "transpose",
)
def _(a: Adjoint, y: Array) -> Iterator[Array]:
    rows, columns = _output_padding(a)
    if rows or columns:
        yield resized(a, (0, 0), (rows, columns))
        ends = ((0, 0), (0, 0), (rows, 0), (columns, 0))
        short = y[:, :, : y.shape[2] - rows, : y.shape[3] - columns]
        yield np.pad(short, ends)
        if a.bias is not None:
            b = a.bias[:, None, None]
            yield np.pad(short - b, ends) + b


@gradient_fault(
    "output-padding-swapped",
    "The output paddings of height and width are exchanged.",
    "transpose",
)
def _(a: Adjoint, y: Array) -> Iterator[Array]:
    rows, columns = _output_padding(a)
    if rows != columns:
        yield resized(a, (columns - rows, rows - columns))


@gradient_fault(
    "groups-ignored",
    "The groups are ignored: there are weights for all input channels, (F, C, KH, KW).",
    "weight-grad",
)
def _(a: Adjoint, y: Array) -> Iterator[Array]:
    p = a.convolution
    shape = (a.shape[0], p.x.shape[1], *a.shape[2:])
    if p.groups > 1:
        yield replace(
            a, convolution=replace(p, weight=indices(shape), groups=1), shape=shape
        ).solve()


@gradient_fault(
    "groups-first-repeated",
    "The gradient of the first group's weights is returned for every group.",
    "weight-grad",
)
def _(a: Adjoint, y: Array) -> Iterator[Array]:
    G = a.convolution.groups
    if G > 1:
        yield np.tile(y[: len(y) // G], (G, 1, 1, 1))


@gradient_fault(
    "gradient-groups-all-read-first",
    "Every group reads the channels of grad_y of the first.",
    "input-grad",
    "weight-grad",
)
def _(a: Adjoint, y: Array) -> Iterator[Array]:
    G = a.convolution.groups
    if G > 1:
        first = a.grad_y[:, : a.grad_y.shape[1] // G]
        yield replace(a, grad_y=np.tile(first, (1, G, 1, 1))).solve()


def _offset(a: Adjoint, y: Array) -> Iterator[Array]:
    G, (F, Cg) = a.convolution.groups, a.convolution.weight.shape[:2]
    Fg = F // max(1, G)
    if G > 1 and Fg != Cg:
        for grad_y in channels_at(a.grad_y, offset_channels(G, Cg, Fg)):
            yield replace(a, grad_y=grad_y).solve()


gradient_fault(
    "gradient-groups-offset",
    "Channels of grad_y of the groups are looked for at g*Cg + fg instead of g*Fg + fg.",
    "input-grad",
    "weight-grad",
)(_offset)
gradient_fault(
    "groups-input-offset",
    FAULTS["groups-input-offset"].sentence,
    "transpose",
)(_offset)


# --- memory --------------------------------------------------------------------------------------


@gradient_fault(
    "layout-gradient", "The memory of grad_y is read as NHWC, or the reverse.", *GRADIENTS
)
def _(a: Adjoint, y: Array) -> Iterator[Array]:
    N, F, OH, OW = a.grad_y.shape
    yield replace(a, grad_y=a.grad_y.reshape(N, OH, OW, F).transpose(0, 3, 1, 2)).solve()
    yield replace(a, grad_y=a.grad_y.transpose(0, 2, 3, 1).reshape(N, F, OH, OW)).solve()


def _pitched(a: Adjoint, y: Array) -> Iterator[Array]:
    for grad_y in rows_at_other_pitch(a.grad_y):
        yield replace(a, grad_y=grad_y).solve()


gradient_fault(
    "pitch-gradient", "Rows of grad_y are looked for OH cells apart, and not OW.", *GRADIENTS
)(_pitched)
gradient_fault("pitch-input", FAULTS["pitch-input"].sentence, "transpose")(_pitched)


# --- helpers -------------------------------------------------------------------------------------


def _with_bias(a: Adjoint, sums: Array) -> Array:
    return sums if a.bias is None else sums + a.bias[:, None, None]


def _output_padding(a: Adjoint) -> tuple[int, int]:
    """The rows and columns behind what the windows reach."""
    p = a.convolution
    axes = zip(a.shape[2:], p.pads, p.size, p.stride, p.weight.shape[2:], p.dilation, strict=True)
    rows, columns = (n + sum(e) - (o - 1) * s - d * (k - 1) - 1 for n, e, o, s, k, d in axes)
    return rows, columns


def transposed_size_change(a: Adjoint, changed: Adjoint) -> tuple[int, int]:
    """How many rows and columns more a transpose has whose options are changed so."""
    before, after = (
        [
            (o - 1) * s + d * (k - 1) - sum(e)
            for o, s, d, k, e in zip(
                p.size, p.stride, p.dilation, p.weight.shape[2:], p.pads, strict=True
            )
        ]
        for p in (a.convolution, changed.convolution)
    )
    return after[0] - before[0], after[1] - before[1]


def resized(a: Adjoint, more: tuple[int, int], before: tuple[int, int] = (0, 0)) -> Array:
    """The gradient for so many more cells along each axis, so many of them before the data."""
    N, C, H, W = a.shape
    shape = (N, C, max(0, H + more[0]), max(0, W + more[1]))
    p = a.convolution
    corner = (p.corner[0] - before[0], p.corner[1] - before[1])
    convolution = replace(p, x=indices(shape), corner=corner)
    return replace(a, convolution=convolution, shape=shape).solve()


def _with_pads(a: Adjoint) -> Array:
    """The gradient of the padded image."""
    (pt, pb), (pl, pr) = a.convolution.pads
    return resized(a, (pt + pb, pl + pr), (pt, pl))
