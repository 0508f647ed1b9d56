"""The faults that the oracle knows: for each, what an implementation that has it would compute.

A fault is a stable name, a sentence, and a function that replays it. There are two kinds: one
changes the problem (`@changes`: operands, pads, strides ...), one changes the outputs (`@spoils`).
What it yields are its variants: an implementation may have any of them, but the same in every case,
so their order is fixed, and one that does not apply is the problem, or the outputs, as they were.
A change puts cells and weights elsewhere and computes nothing of them: for gradients it is replayed
on their indices. To add a fault is to write one such function; they are tried in the order of this
file.

Faults that have a number in them, like which tap is missing, are solved for: `solved.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from math import prod
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from refconv.geometry import same_pads
from refconv.oracle.faults.memory import (
    channels_at,
    offset_channels,
    pitched,
    rows_at_other_pitch,
    written,
)
from refconv.oracle.reference.gather import Problem

Array = np.ndarray[Any, Any]
Pads: TypeAlias = tuple[tuple[int, int], tuple[int, int]]
Change: TypeAlias = Callable[[Problem], Iterator[Problem]]
Spoil: TypeAlias = Callable[[Problem, Array], Iterator[Array]]


class Fault(NamedTuple):
    """A fault: `change` makes other problems of a problem, `spoil` other outputs of its outputs."""

    name: str
    sentence: str
    change: Change | None = None
    spoil: Spoil | None = None


FAULTS: dict[str, Fault] = {}
"""By stable name, in the order in which they are tried."""


def changes(name: str, sentence: str) -> Callable[[Change], Change]:
    """Add a fault that changes the problem."""

    def add(function: Change) -> Change:
        FAULTS[name] = FAULTS.get(name, Fault(name, sentence))._replace(change=function)
        return function

    return add


def spoils(name: str, sentence: str) -> Callable[[Spoil], Spoil]:
    """Add a fault that changes the outputs."""

    def add(function: Spoil) -> Spoil:
        FAULTS[name] = FAULTS.get(name, Fault(name, sentence))._replace(spoil=function)
        return function

    return add


# --- the bias ------------------------------------------------------------------------------------


@changes("bias-missing", "The bias is not added.")
def _(p: Problem) -> Iterator[Problem]:
    if p.bias is not None:
        yield replace(p, bias=None)


@changes("bias-negated", "The bias is subtracted.")
def _(p: Problem) -> Iterator[Problem]:
    if p.bias is not None:
        yield replace(p, bias=-p.bias)


@changes("bias-doubled", "The bias is added twice.")
def _(p: Problem) -> Iterator[Problem]:
    if p.bias is not None:
        yield replace(p, bias=2 * p.bias)


@changes("bias-restarts-per-group", "Every group reads the bias from its start: b[f % Fg].")
def _(p: Problem) -> Iterator[Problem]:
    if p.bias is not None and p.groups > 1:
        yield replace(p, bias=np.tile(p.bias[: len(p.bias) // p.groups], p.groups))


@spoils("bias-by-batch", "The bias is indexed by the image, b[n], and not by the output channel.")
def _(p: Problem, y: Array) -> Iterator[Array]:
    if p.bias is not None and p.bias.size:
        of_image = p.bias[np.arange(len(y)) % p.bias.size]
        yield y - p.bias[:, None, None] + of_image[:, None, None, None]


# --- the kernel ----------------------------------------------------------------------------------


@changes(
    "kernel-rotated-180",
    "The kernel is rotated by 180 degrees: a convolution as in mathematics, where the contract, as "
    "all deep learning, means cross-correlation.",
)
def _(p: Problem) -> Iterator[Problem]:
    yield replace(p, weight=p.weight[:, :, ::-1, ::-1])


@changes("kernel-flipped-h", "The kernel is flipped along its height, kh.")
def _(p: Problem) -> Iterator[Problem]:
    yield replace(p, weight=p.weight[:, :, ::-1])


@changes("kernel-flipped-w", "The kernel is flipped along its width, kw.")
def _(p: Problem) -> Iterator[Problem]:
    yield replace(p, weight=p.weight[:, :, :, ::-1])


@changes("kernel-transposed", "The kernel's height and width are exchanged.")
def _(p: Problem) -> Iterator[Problem]:
    F, Cg, KH, KW = p.weight.shape
    yield replace(p, weight=p.weight.reshape(F, Cg, KW, KH).swapaxes(2, 3))
    yield replace(p, weight=p.weight.swapaxes(2, 3).reshape(F, Cg, KH, KW))
    yield _resized(replace(p, weight=p.weight.swapaxes(2, 3)))


# --- strides and dilations -----------------------------------------------------------------------


@changes("stride-swapped", "The strides of height and width are exchanged.")
def _(p: Problem) -> Iterator[Problem]:
    yield _resized(p, stride=p.stride[::-1])


@changes("stride-ignored", "The stride is taken for 1.")
def _(p: Problem) -> Iterator[Problem]:
    yield _resized(p, stride=(1, 1))
    yield _resized(p, stride=(1, p.stride[1]))
    yield _resized(p, stride=(p.stride[0], 1))


@changes("stride-doubled", "The stride is doubled: applied twice, perhaps.")
def _(p: Problem) -> Iterator[Problem]:
    yield _resized(p, stride=(2 * p.stride[0], 2 * p.stride[1]))


@changes("stride-of-one-axis", "One axis's stride is used for both.")
def _(p: Problem) -> Iterator[Problem]:
    yield _resized(p, stride=(p.stride[0], p.stride[0]))
    yield _resized(p, stride=(p.stride[1], p.stride[1]))


@changes("dilation-of-one-axis", "One axis's dilation is used for both.")
def _(p: Problem) -> Iterator[Problem]:
    yield _resized(p, dilation=(p.dilation[0], p.dilation[0]))
    yield _resized(p, dilation=(p.dilation[1], p.dilation[1]))


@changes("dilation-swapped", "The dilations of height and width are exchanged.")
def _(p: Problem) -> Iterator[Problem]:
    yield _resized(p, dilation=p.dilation[::-1])


@changes("dilation-ignored", "The dilation is taken for 1: the kernel is dense.")
def _(p: Problem) -> Iterator[Problem]:
    yield _resized(p, dilation=(1, 1))
    yield _resized(p, dilation=(1, p.dilation[1]))
    yield _resized(p, dilation=(p.dilation[0], 1))


@changes(
    "dilation-off-by-one",
    "The dilation is off by one: some count from 0, where 0 is dense; here 1 is.",
)
def _(p: Problem) -> Iterator[Problem]:
    dh, dw = p.dilation
    yield _resized(p, dilation=(dh + 1, dw + 1))
    yield _resized(p, dilation=(dh - 1, dw - 1))
    yield _resized(p, dilation=(max(1, dh - 1), max(1, dw - 1)))


@changes("stride-dilation-exchanged", "Stride and dilation are exchanged.")
def _(p: Problem) -> Iterator[Problem]:
    yield _resized(p, stride=p.dilation, dilation=p.stride)


@changes("stride-in-pointwise", "The stride is applied in the pointwise stage too.")
def _(p: Problem) -> Iterator[Problem]:
    if p.pointwise is not None:
        yield replace(p, pointwise_stride=p.stride)


# --- padding -------------------------------------------------------------------------------------


@changes("pads-swapped-ends", "The pads before and behind the data are exchanged.")
def _(p: Problem) -> Iterator[Problem]:
    rows, columns = p.pads
    yield _repadded(p, (rows[::-1], columns[::-1]))
    yield _repadded(p, (rows[::-1], columns))
    yield _repadded(p, (rows, columns[::-1]))


@changes("pads-swapped-axes", "The pads of height and width are exchanged.")
def _(p: Problem) -> Iterator[Problem]:
    yield _repadded(p, p.pads[::-1])


@changes("pads-of-one-axis", "One axis's pads are used for both.")
def _(p: Problem) -> Iterator[Problem]:
    yield _repadded(p, (p.pads[0], p.pads[0]))
    yield _repadded(p, (p.pads[1], p.pads[1]))


@changes(
    "pads-order",
    "The four pads are read in another order: (top, left, bottom, right) and (top, bottom, left, "
    "right) are confused.",
)
def _(p: Problem) -> Iterator[Problem]:
    (pt, pb), (pl, pr) = p.pads
    yield _repadded(p, ((pt, pl), (pb, pr)))


@changes("pads-symmetric", "The pads are taken for the same before and behind the data.")
def _(p: Problem) -> Iterator[Problem]:
    rows, columns = p.pads
    for both in (
        lambda ends: (ends[0], ends[0]),
        lambda ends: (ends[1], ends[1]),
        lambda ends: (sum(ends) // 2,) * 2,
        lambda ends: (-(-sum(ends) // 2),) * 2,
    ):
        yield _repadded(p, (both(rows), both(columns)))


@changes(
    "pads-other-same",
    "SAME_UPPER is taken for SAME_LOWER, or the reverse: the odd padding cell is at the wrong end.",
)
def _(p: Problem) -> Iterator[Problem]:
    upper, lower = _same(p, lower=False), _same(p, lower=True)
    if upper != lower and p.pads in (upper, lower):
        yield _repadded(p, lower if p.pads == upper else upper)


@changes("pads-ignore-dilation", "SAME pads are computed from the kernel without its dilation.")
def _(p: Problem) -> Iterator[Problem]:
    for is_lower in (False, True):
        if p.pads == _same(p, lower=is_lower):
            yield _repadded(p, _same(p, lower=is_lower, dilation=(1, 1)))


@changes("padding-missing", "The image is not padded.")
def _(p: Problem) -> Iterator[Problem]:
    yield _repadded(p, ((0, 0), (0, 0)))
    yield _repadded(p, ((0, 0), p.pads[1]))
    yield _repadded(p, (p.pads[0], (0, 0)))


@changes("pads-off-by-one", "The pads are one cell too wide, or one too narrow.")
def _(p: Problem) -> Iterator[Problem]:
    (pt, pb), (pl, pr) = p.pads
    for more in (1, -1):
        rows, columns = (pt + more, pb + more), (pl + more, pr + more)
        yield _repadded(p, (rows, columns))
        yield _repadded(p, (rows, p.pads[1]))
        yield _repadded(p, (p.pads[0], columns))


@changes("padding-circular", "Padding wraps around: it is filled from the image's other end.")
def _(p: Problem) -> Iterator[Problem]:
    if p.x.size:
        yield _filled(p, p.pads, "wrap")
        # An index below zero that counts from the end, as Python's and Numba's do.
        (pt, pb), (pl, pr) = p.pads
        before = _filled(p, ((pt, 0), (pl, 0)), "wrap")
        yield replace(before, ends=(pb, pr))


@changes("padding-replicate", "Padding repeats the image's border instead of zeros.")
def _(p: Problem) -> Iterator[Problem]:
    if p.x.size:
        yield _filled(p, p.pads, "edge")


@changes("padding-reflect", "Padding mirrors the image instead of zeros.")
def _(p: Problem) -> Iterator[Problem]:
    if p.x.size:
        yield _filled(p, p.pads, "reflect")
        yield _filled(p, p.pads, "symmetric")


# --- groups --------------------------------------------------------------------------------------


@spoils(
    "groups-interleaved-output",
    "Output channels of the groups are interleaved: f = fg*G + g instead of g*Fg + fg.",
)
def _(p: Problem, y: Array) -> Iterator[Array]:
    if 1 < p.groups < y.shape[1]:
        yield from _interleaved(p, y)


@changes(
    "groups-interleaved-input",
    "The groups read interleaved input channels: cg*G + g instead of g*Cg + cg.",
)
def _(p: Problem) -> Iterator[Problem]:
    N, C, H, W = p.x.shape
    G = p.groups
    if 1 < G < C:
        for a, b in ((G, C // G), (C // G, G)):
            yield replace(p, x=p.x.reshape(N, a, b, H, W).swapaxes(1, 2).reshape(p.x.shape))


@changes("groups-all-read-first", "Every group reads the input channels of the first.")
def _(p: Problem) -> Iterator[Problem]:
    if p.groups > 1:
        first = p.x[:, : p.x.shape[1] // p.groups]
        yield replace(p, x=np.tile(first, (1, p.groups, 1, 1)))


@changes("groups-share-weights", "Every group uses the weights of the first.")
def _(p: Problem) -> Iterator[Problem]:
    if p.groups > 1:
        yield replace(p, weight=np.tile(p.weight[: len(p.weight) // p.groups], (p.groups, 1, 1, 1)))


@changes(
    "groups-weight-offset",
    "Weights of the groups are looked for at g*Cg + fg instead of g*Fg + fg.",
)
def _(p: Problem) -> Iterator[Problem]:
    G, Fg, Cg = p.groups, len(p.weight) // max(1, p.groups), p.weight.shape[1]
    if G > 1 and Fg != Cg:
        for weight in channels_at(p.weight[None], offset_channels(G, Cg, Fg)):
            yield replace(p, weight=weight[0])


@changes(
    "groups-input-offset",
    "Input channels of the groups are looked for at g*Fg + cg instead of g*Cg + cg.",
)
def _(p: Problem) -> Iterator[Problem]:
    G, Fg, Cg = p.groups, len(p.weight) // max(1, p.groups), p.weight.shape[1]
    if G > 1 and Fg != Cg:
        for x in channels_at(p.x, offset_channels(G, Fg, Cg)):
            yield replace(p, x=x)


@spoils(
    "groups-output-offset",
    "Output channels of the groups are written at g*Cg + fg instead of g*Fg + fg.",
)
def _(p: Problem, y: Array) -> Iterator[Array]:
    G, Cg = p.groups, p.weight.shape[1]
    Fg = y.shape[1] // max(1, G)
    if G > 1 and Fg != Cg:
        N, F = y.shape[:2]
        channels = offset_channels(G, Cg, Fg)
        flat = np.arange(N)[:, None] * F + channels
        for places in (flat, np.where(channels < F, flat, N * F)):
            yield written(y.reshape(N * F, -1), places.ravel(), N * F).reshape(y.shape)


@changes(
    "groups-ignored",
    "The groups are ignored: every output channel sums over all input channels.",
)
def _(p: Problem) -> Iterator[Problem]:
    if p.groups > 1:
        yield replace(p, weight=np.tile(p.weight, (1, p.groups, 1, 1)), groups=1)


@spoils("groups-first-only", "Only the first group is computed.")
def _(p: Problem, y: Array) -> Iterator[Array]:
    if p.groups > 1:
        Fg = y.shape[1] // p.groups
        bias = 0 if p.bias is None else p.bias[:, None, None]
        for others in (0, bias, np.nan):
            only = np.zeros(y.shape, np.result_type(y, np.asarray(others)))
            only += others
            only[:, :Fg] = y[:, :Fg]
            yield only
        yield np.tile(y[:, :Fg], (1, p.groups, 1, 1))


@changes(
    "multiplier-order",
    "The depthwise multiplier's order is wrong: output channel c*M + m is taken for m*C + c.",
)
def _(p: Problem) -> Iterator[Problem]:
    F, C = len(p.weight), p.x.shape[1]
    if p.groups == C and 1 < C < F:
        M = F // C
        interleaved = p.x[:, np.arange(F) % C]
        yield replace(p, x=interleaved, groups=F)
        for a, b in ((M, C), (C, M)):
            order = np.arange(F).reshape(a, b).T.ravel()
            bias = None if p.bias is None else p.bias[order]
            yield replace(p, weight=p.weight[order])
            yield replace(p, weight=p.weight[order], bias=bias)
            yield replace(p, weight=p.weight[order], bias=bias, x=interleaved, groups=F)


@spoils(
    "multiplier-order",
    "The depthwise multiplier's order is wrong: output channel c*M + m is taken for m*C + c.",
)
def _(p: Problem, y: Array) -> Iterator[Array]:
    if p.groups == p.x.shape[1] and len(p.weight) > p.groups:
        yield from _interleaved(p, y)


@changes("multiplier-ignored", "The depthwise multiplier is taken for 1.")
def _(p: Problem) -> Iterator[Problem]:
    F, C = len(p.weight), p.x.shape[1]
    if p.groups == C and 1 <= C < F:
        M = F // C
        for which in (np.arange(C) * M, np.arange(C)):
            bias = None if p.bias is None else p.bias[which]
            yield replace(p, weight=p.weight[which], bias=bias)
        yield replace(p, weight=p.weight[np.arange(F) // M * M])
        yield replace(p, weight=p.weight[np.arange(F) // M])


@spoils("multiplier-ignored", "The depthwise multiplier is taken for 1.")
def _(p: Problem, y: Array) -> Iterator[Array]:
    F, C = len(p.weight), p.x.shape[1]
    if p.groups == C and 1 <= C < F:
        bias = None if p.bias is None else p.bias[:C]
        first = replace(p, weight=p.weight[:C], bias=bias).solve()
        yield np.concatenate([first, np.zeros_like(y[:, C:])], 1)


# --- memory --------------------------------------------------------------------------------------


@changes("layout-input", "The image's memory is read as NHWC, or the reverse.")
def _(p: Problem) -> Iterator[Problem]:
    N, C, H, W = p.x.shape
    yield replace(p, x=p.x.reshape(N, H, W, C).transpose(0, 3, 1, 2))
    yield replace(p, x=p.x.transpose(0, 2, 3, 1).reshape(p.x.shape))


@changes("layout-weight", "The weight's memory is read in another order of its axes.")
def _(p: Problem) -> Iterator[Problem]:
    shape = p.weight.shape
    # (KH, KW, Cg, F), (F, KH, KW, Cg) and (Cg, F, KH, KW): of TensorFlow, TFLite and transposes.
    for axes in ((2, 3, 1, 0), (0, 2, 3, 1), (1, 0, 2, 3)):
        back = np.argsort(axes)
        yield replace(p, weight=p.weight.reshape([shape[a] for a in axes]).transpose(back))
        yield replace(p, weight=p.weight.transpose(axes).reshape(shape))


@changes("pitch-input", "Rows of the image are looked for H cells apart, and not W.")
def _(p: Problem) -> Iterator[Problem]:
    for x in rows_at_other_pitch(p.x):
        yield replace(p, x=x)


@changes("pitch-weight", "Rows of the kernel are looked for KH cells apart, and not KW.")
def _(p: Problem) -> Iterator[Problem]:
    for weight in rows_at_other_pitch(p.weight):
        yield replace(p, weight=weight)


@spoils("pitch-output", "Rows of the output are written OH cells apart, and not OW.")
def _(p: Problem, y: Array) -> Iterator[Array]:
    if y.shape[2] != y.shape[3]:
        for places in pitched(y.shape):
            yield written(y.reshape(-1), places.ravel(), y.size).reshape(y.shape)


@changes("input-mirrored", "The image is mirrored.")
def _(p: Problem) -> Iterator[Problem]:
    yield replace(p, x=p.x[:, :, :, ::-1])
    yield replace(p, x=p.x[:, :, ::-1])
    yield replace(p, x=p.x[:, :, ::-1, ::-1])


@changes(
    "batch-repeated", "Every image of the batch gives the outputs of the first, or of the last."
)
def _(p: Problem) -> Iterator[Problem]:
    if len(p.x) > 1:
        yield replace(p, x=np.repeat(p.x[:1], len(p.x), axis=0))
        yield replace(p, x=np.repeat(p.x[-1:], len(p.x), axis=0))


@spoils("batch-accumulated", "Sums are not cleared: every image adds to those before it.")
def _(p: Problem, y: Array) -> Iterator[Array]:
    if len(y) > 1:
        bias = 0 if p.bias is None else p.bias[:, None, None]
        yield np.cumsum(y, 0)
        yield np.cumsum(y - bias, 0) + bias


@spoils("output-transposed", "The output's axes are in another order.")
def _(p: Problem, y: Array) -> Iterator[Array]:
    for axes in ((0, 1, 3, 2), (0, 2, 3, 1), (1, 0, 2, 3)):
        turned = y.transpose(axes)
        yield turned
        if turned.shape != y.shape:
            yield turned.reshape(y.shape)


# --- the output's size ---------------------------------------------------------------------------


@changes("output-size-ceil", "The output's size is rounded up: there are rows or columns too many.")
def _(p: Problem) -> Iterator[Problem]:
    image, kernel = p.x.shape[2:], p.weight.shape[2:]
    axes = zip(image, kernel, p.pads, p.stride, p.dilation, strict=True)
    rows, columns = (-(-(i + sum(e) - d * (k - 1) - 1) // s) + 1 for i, k, e, s, d in axes)
    yield replace(p, size=(rows, columns))
    yield replace(p, size=(rows, p.size[1]))
    yield replace(p, size=(p.size[0], columns))


@spoils("output-cropped", "The output is cropped: rows or columns are missing at an end.")
def _(p: Problem, y: Array) -> Iterator[Array]:
    for rows in (0, 1, 2):
        for columns in (0, 1, 2):
            OH, OW = y.shape[2] - rows, y.shape[3] - columns
            if (rows or columns) and OH > 0 and OW > 0:
                yield y[:, :, :OH, :OW]
                yield y[:, :, rows:, columns:]


# --- number types --------------------------------------------------------------------------------


def _wraps(bits: int) -> Spoil:
    def spoil(p: Problem, y: Array) -> Iterator[Array]:
        if y.dtype.kind != "c" and np.isfinite(y).all() and (y == np.rint(y)).all():
            half = 1 << (bits - 1)
            yield (y + half) % (2 * half) - half
            yield y % (2 * half)
            b = 0 if p.bias is None else p.bias[:, None, None]
            yield (y - b + half) % (2 * half) - half + b  # the bias added in a wider type

    return spoil


for _bits in (8, 16, 32):
    _name = f"wraps-int{_bits}"
    _sentence = f"Sums wrap around at {_bits} bits: the accumulator or the output is an int{_bits}."
    FAULTS[_name] = Fault(_name, _sentence, spoil=_wraps(_bits))


@spoils("saturates-int16", "Sums stop at the ends of int16, -32768 and 32767.")
def _(p: Problem, y: Array) -> Iterator[Array]:
    low, high = -32768, 32767
    if y.dtype.kind == "c" or _largest_partial_sum(p) <= high:
        return
    yield np.clip(y, low, high)
    for channels_first in (True, False):
        for bias_first in (True, False):
            yield p.summed_one_by_one(
                partial(np.clip, a_min=low, a_max=high),
                channels_first=channels_first,
                bias_first=bias_first,
            )


def _largest_partial_sum(p: Problem) -> float:
    """What no partial sum is beyond, in any order."""
    x, weight, bias = (
        float(np.max(np.abs(a), initial=0))
        for a in (p.x, p.weight, 0 if p.bias is None else p.bias)
    )
    return float(prod(p.weight.shape[1:]) * max(x, abs(p.pad_value)) * weight + bias)


@spoils("rectified", "Negative outputs are zero: a ReLU is fused in.")
def _(p: Problem, y: Array) -> Iterator[Array]:
    # Of one or two outputs many a fault leaves zeros: they would all be this one.
    if y.dtype.kind != "c" and (y > 0).any() and np.count_nonzero(y < 0) > 1:
        yield np.maximum(y, 0)


@spoils("nan-swallowed", "NaN becomes zero.")
def _(p: Problem, y: Array) -> Iterator[Array]:
    yield np.where(np.isnan(y), 0, y)


# --- helpers -------------------------------------------------------------------------------------


def _resized(p: Problem, **options: Any) -> Problem:
    """With these options, and the size of output that follows."""
    other = replace(p, **options)
    if min(*other.stride, 1) < 1:
        return p
    return replace(other, size=other.natural_size())


def _repadded(p: Problem, pads: Pads) -> Problem:
    (pt, pb), (pl, pr) = pads
    return _resized(p, corner=(pt, pl), ends=(pb, pr))


def _interleaved(p: Problem, y: Array) -> Iterator[Array]:
    """The groups' output channels in turn, one way and the other."""
    G, Fg = p.groups, y.shape[1] // p.groups
    bias = 0 if p.bias is None else p.bias[:, None, None]
    for late in (0, bias):  # a bias that is added afterwards is not interleaved
        for a, b in ((G, Fg), (Fg, G)):
            parts = (y - late).reshape(len(y), a, b, *y.shape[2:])
            yield parts.swapaxes(1, 2).reshape(y.shape) + late


def _filled(p: Problem, pads: Pads, mode: Any) -> Problem:
    """The pads filled in from the image; those below 0, by a fault before, have no cells."""
    (pt, pb), (pl, pr) = (tuple(max(0, end) for end in ends) for ends in pads)
    corner = (p.corner[0] - pt, p.corner[1] - pl)
    x = np.pad(p.x, ((0, 0), (0, 0), (pt, pb), (pl, pr)), mode=mode)
    return replace(p, x=x, corner=corner, ends=(p.ends[0] - pb, p.ends[1] - pr))


def _same(p: Problem, *, lower: bool, dilation: tuple[int, int] | None = None) -> Pads:
    """The SAME pads of this problem."""
    image, kernel = p.x.shape[2:], p.weight.shape[2:]
    axes = zip(image, kernel, p.stride, dilation or p.dilation, strict=True)
    rows, columns = (same_pads(*axis, lower=lower) for axis in axes)
    return rows, columns
