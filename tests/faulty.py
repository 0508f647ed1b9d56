"""Wrong convolutions, as somebody could have written them: what the oracle is tested with.

Each is a target, called as `target(x, weight, bias, stride=(sh, sw), padding=((pt, pb), (pl, pr)),
dilation=(dh, dw), groups=G)`, and stands in `SEEDS` under the stable name of its fault. They are
built on a small right convolution that is here too, and on nothing of the oracle: a fault that were
replayed by the code that seeded it would prove nothing.

`RIGHT` are implementations that differ in nothing but rounding: no false alarm may come of them.
`UNNAMED` are wrong in ways that the oracle has no name for: they must be found, and not misnamed.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable
from math import ceil
from typing import Any, NamedTuple

import ml_dtypes
import numpy as np

Array = np.ndarray[Any, Any]
Target = Callable[..., Any]

SUMMED_IN = {"float16": "float32", "bfloat16": "float32", "int8": "int32", "uint8": "int32"}
INTEGERS = "iu"


class Seed(NamedTuple):
    """A wrong implementation: the stable name of its fault, which form of it, and the target."""

    name: str
    form: str
    target: Target

    def __str__(self) -> str:
        return f"{self.name}: {self.form}" if self.form else self.name


Misreading = Callable[..., tuple[Array, Array, Any, Any]]
"""Takes (x, weight, bias, options) for others: what it returns."""

SEEDS: list[Seed] = []
MISREADINGS: list[tuple[Seed, Misreading]] = []
"""Those of the seeds that only misread: any other seed can go with one."""

OF_SEVERAL_CALLS = ("output-not-cleared", "answers-differ")

UNNAMED: list[Seed] = []
RIGHT: list[Seed] = []


def seed(name: str, form: str = "", *, among: list[Seed] = SEEDS) -> Callable[[Target], Target]:
    """Add an implementation to a list."""

    def add(target: Target) -> Target:
        among.append(Seed(name, form, target))
        return target

    return add


def misread(name: str, form: str = "") -> Callable[[Misreading], Misreading]:
    """Add an implementation that is right, but for taking its arguments for others."""

    def add(reading: Misreading) -> Misreading:
        def target(x, weight, bias, **o):
            x, weight, bias, o = reading(x, weight, bias, o)
            return convolve(x, weight, bias, **o)

        found = Seed(name, form, target)
        SEEDS.append(found)
        MISREADINGS.append((found, reading))
        return reading

    return add


class Pair(NamedTuple):
    """Two faults at once: arguments are misread, and then given to another wrong implementation."""

    first: Seed
    second: Seed
    reading: Misreading

    def target(self, x: Array, weight: Array, bias: Array | None, **o: Any) -> Any:
        """Both of it."""
        x, weight, bias, o = self.reading(x, weight, bias, o)
        return self.second.target(x, weight, bias, **o)

    def __str__(self) -> str:
        return f"{self.first} + {self.second}"


def pairs(count: int) -> list[Pair]:
    """Drawn pairs, always the same; none of one family, for such may undo each other, and none with
    a fault of several calls, which is told only where it is the only one.
    """
    rng = random.Random(0)
    drawn: list[Pair] = []
    seconds = [seed for seed in SEEDS if seed.name not in OF_SEVERAL_CALLS]
    while len(drawn) < count:
        (first, reading), second = rng.choice(MISREADINGS), rng.choice(seconds)
        if first.name.split("-")[0] != second.name.split("-")[0]:
            drawn.append(Pair(first, second, reading))
    return drawn


# --- a right convolution -------------------------------------------------------------------------


def convolve(
    x: Array, weight: Array, bias: Array | None, *,
    stride: Any, padding: Any, dilation: Any, groups: int, fill: Any = 0, size: Any = None,
) -> Array:  # fmt: skip
    """The convolution: pads filled in, then a matrix product for each kernel cell.

    fill: what the pads hold. size: (OH, OW), where it is not the one that follows from the rest;
    cells behind the padded image are read as pads then.
    """
    return rounded_to_result(
        x, sums(padded(x, padding, fill), weight, bias, stride, dilation, groups, size, fill)
    )


def sums(
    xp: Array, weight: Array, bias: Array | None,
    stride: Any, dilation: Any, groups: int, size: Any = None, fill: Any = 0,
) -> Array:  # fmt: skip
    """Of an image with its pads: y, in the type that sums are kept in."""
    wide = type_of_sums(xp)
    N, C, _, _ = xp.shape
    F, Cg, KH, KW = weight.shape
    OH, OW = size or room(xp, weight, stride, dilation)
    y = np.zeros((N, groups, F // groups, OH * OW), wide)
    with np.errstate(all="ignore"):  # of infinities and NaN, which are ordinary data
        for kh, kw, read in cells(xp, (KH, KW), stride, dilation, (OH, OW), fill):
            weights = weight[:, :, kh, kw].reshape(groups, F // groups, Cg).astype(wide)
            y += weights @ read.reshape(N, groups, C // groups, OH * OW).astype(wide)
        y = y.reshape(N, F, OH, OW)
        return y if bias is None else y + bias.astype(wide)[:, None, None]


def cells(xp: Array, kernel: Any, stride: Any, dilation: Any, size: Any, fill: Any = 0) -> Any:
    """For each kernel cell kh, kw: what it reads for all outputs, (N, C, OH, OW)."""
    (sh, sw), (dh, dw), (OH, OW), (KH, KW) = stride, dilation, size, kernel
    rows, columns = (OH - 1) * sh + (KH - 1) * dh + 1, (OW - 1) * sw + (KW - 1) * dw + 1
    behind = (0, max(0, rows - xp.shape[2])), (0, max(0, columns - xp.shape[3]))
    xp = padded(xp, behind, fill)
    for kh in range(KH):
        for kw in range(KW):
            top, left = kh * dh, kw * dw
            yield (
                kh,
                kw,
                xp[:, :, top : top + (OH - 1) * sh + 1 : sh, left : left + (OW - 1) * sw + 1 : sw],
            )


def padded(x: Array, padding: Any, fill: Any = 0) -> Array:
    """`x` with its pads."""
    (pt, pb), (pl, pr) = padding
    N, C, H, W = x.shape
    xp = np.full((N, C, pt + H + pb, pl + W + pr), fill, x.dtype if fill == 0 else type_of_sums(x))
    xp[:, :, pt : pt + H, pl : pl + W] = x
    return xp


def room(xp: Array, weight: Array, stride: Any, dilation: Any) -> tuple[int, int]:
    """(OH, OW), of an image with its pads."""
    spans = zip(xp.shape[2:], weight.shape[2:], stride, dilation, strict=True)
    OH, OW = ((size - d * (k - 1) - 1) // s + 1 for size, k, s, d in spans)
    if min(OH, OW) < 1:
        raise ValueError("kernel is larger than the image")
    return OH, OW


def size_of(x: Array, weight: Array, o: Any) -> tuple[int, int]:
    """(OH, OW), with the options of the call."""
    return room(padded(x, o["padding"]), weight, o["stride"], o["dilation"])


def type_of_sums(x: Array) -> np.dtype[Any]:
    """What sums of these operands are kept in."""
    usual = "int64" if x.dtype.kind in INTEGERS else x.dtype.name
    return np.dtype(SUMMED_IN.get(x.dtype.name, usual))


def rounded_to_result(x: Array, y: Array) -> Array:
    """The outputs in the type that is returned; sums of integers stay as they are."""
    if x.dtype.kind in INTEGERS:
        return y
    with np.errstate(all="ignore"):
        return y.astype(x.dtype)


def stepwise(
    x: Array, weight: Array, bias: Array | None, *,
    stride: Any, padding: Any, dilation: Any, groups: int,
    add: Callable[[Array, Array], Array], start: Any = 0, order: str = "channels first",
) -> Array:  # fmt: skip
    """Every sum term by term: `add(total, product)` makes the next total. Bias first."""
    F, Cg, KH, KW = weight.shape
    xp = padded(x, padding)
    size = room(xp, weight, stride, dilation)
    reads = list(cells(xp, (KH, KW), stride, dilation, size))
    taps = [(cg, cell) for cg in range(Cg) for cell in reads]
    if order == "cells first":
        taps = [(cg, cell) for cell in reads for cg in range(Cg)]
    if order == "backwards":
        taps.reverse()
    channels = np.arange(F) // max(1, F // groups) * Cg
    total = np.zeros((len(x), F, *size)) + start
    if bias is not None:
        total = total + bias.astype(np.float64)[:, None, None]
    with np.errstate(all="ignore"):
        for cg, (kh, kw, read) in taps:
            weights = weight[:, cg, kh, kw].astype(np.float64)[:, None, None]
            total = add(total, read[:, channels + cg].astype(np.float64) * weights)
    return total


def is_whole(*arrays: Array | None) -> bool:
    """Whether all numbers are whole: other data no integer code can be given."""
    return all(
        a is None or a.dtype.kind in INTEGERS
        or (a.dtype.kind == "f" and np.isfinite(a).all() and (a == np.rint(a)).all())
        for a in arrays
    )  # fmt: skip


# --- right ones ----------------------------------------------------------------------------------


@seed("a product for each kernel cell", among=RIGHT)
def _(x, weight, bias, **o):
    return convolve(x, weight, bias, **o)


@seed("one product, of all columns (im2col)", among=RIGHT)
def _(x, weight, bias, *, stride, padding, dilation, groups):
    F, Cg, KH, KW = weight.shape
    xp = padded(x, padding)
    OH, OW = room(xp, weight, stride, dilation)
    wide = type_of_sums(x)
    columns = [read for *_, read in cells(xp, (KH, KW), stride, dilation, (OH, OW))]
    columns = np.stack(columns, 2).reshape(len(x), groups, Cg * KH * KW, OH * OW)
    with np.errstate(all="ignore"):
        y = weight.reshape(groups, F // groups, -1).astype(wide) @ columns.astype(wide)
        y = y.reshape(len(x), F, OH, OW)
        y = y if bias is None else y + bias.astype(wide)[:, None, None]
    return rounded_to_result(x, y)


@seed("channels last inside", among=RIGHT)
def _(x, weight, bias, **o):
    wide = type_of_sums(x)
    last = np.ascontiguousarray(x.transpose(0, 2, 3, 1)).transpose(0, 3, 1, 2)
    y = convolve(last, weight, bias, **o).transpose(0, 2, 3, 1)
    return rounded_to_result(x, np.ascontiguousarray(y.astype(wide)).transpose(0, 3, 1, 2))


@seed("wide sums, rounded once", among=RIGHT)
def _(x, weight, bias, **o):
    wide = {"f": np.float64, "V": np.float64, "c": np.complex128}.get(x.dtype.kind, np.int64)
    y = convolve(
        x.astype(wide), weight.astype(wide), bias if bias is None else bias.astype(wide), **o
    )
    return rounded_to_result(x, y.astype(type_of_sums(x)))


for _order in ("channels first", "cells first", "backwards"):

    @seed(f"term by term, {_order}", among=RIGHT)
    def _(x, weight, bias, _order=_order, **o):
        wide = type_of_sums(x)
        if wide.kind != "f":
            return convolve(x, weight, bias, **o)
        # float64 products, as a fused multiply-add has them
        y = stepwise(x, weight, bias, **o, order=_order, add=lambda t, p: (t + p).astype(wide))
        return rounded_to_result(x, y)


@seed("groups one by one, bias last", among=RIGHT)
def _(x, weight, bias, *, groups, **o):
    Cg, Fg = weight.shape[1], len(weight) // groups
    parts = [
        convolve(
            x[:, g * Cg : (g + 1) * Cg].astype(type_of_sums(x)),
            weight[g * Fg : (g + 1) * Fg].astype(type_of_sums(x)), None, **o, groups=1,
        )
        for g in range(groups)
    ]  # fmt: skip
    y = np.concatenate(parts, axis=1)
    with np.errstate(all="ignore"):
        y = y if bias is None else y + bias.astype(y.dtype)[:, None, None]
    return rounded_to_result(x, y)


def winograd(x: Array, weight: Array, bias: Array | None, **o: Any) -> Array:
    """F(2x2, 3x3) (Lavin and Gray, 2016) where it applies; right, with larger rounding errors."""
    if weight.shape[2:] != (3, 3) or o["stride"] != (1, 1) or o["dilation"] != (1, 1):
        return convolve(x, weight, bias, **o)
    if o["groups"] > 1 or x.dtype != np.float32 or not is_wide(x, weight):
        return convolve(x, weight, bias, **o)
    OH, OW = size_of(x, weight, o)
    tiles = -(-OH // 2), -(-OW // 2)
    xp = padded(padded(x, o["padding"]), ((0, OH % 2), (0, OW % 2)))
    d = np.stack([
        xp[:, :, i : i + 2 * tiles[0] - 1 : 2, j : j + 2 * tiles[1] - 1 : 2]
        for i in range(4) for j in range(4)
    ]).reshape(4, 4, len(x), x.shape[1], *tiles)  # fmt: skip
    B = np.array([[1, 0, -1, 0], [0, 1, 1, 0], [0, -1, 1, 0], [0, 1, 0, -1]], np.float32)
    G = np.array([[1, 0, 0], [0.5, 0.5, 0.5], [0.5, -0.5, 0.5], [0, 0, 1]], np.float32)
    A = np.array([[1, 1, 1, 0], [0, 1, -1, -1]], np.float32)
    transformed = np.einsum("ai,bj,ijncyx->abncyx", B, B, d)
    kernels = np.einsum("ai,bj,fcij->abfc", G, G, weight)
    products = np.einsum("abncyx,abfc->abnfyx", transformed, kernels)
    y = np.einsum("ia,jb,abnfyx->nfyixj", A, A, products)
    y = y.reshape(len(x), len(weight), 2 * tiles[0], 2 * tiles[1])[:, :, :OH, :OW]
    return y if bias is None else y + bias[:, None, None]


# --- the kernel ----------------------------------------------------------------------------------


@misread("kernel-rotated-180", "as in mathematics")
def _(x, weight, bias, o):
    return x, weight[:, :, ::-1, ::-1], bias, o


@misread("kernel-flipped-h")
def _(x, weight, bias, o):
    return x, weight[:, :, ::-1], bias, o


@misread("kernel-flipped-w")
def _(x, weight, bias, o):
    return x, weight[..., ::-1], bias, o


@misread("kernel-transposed", "by its strides: the size follows")
def _(x, weight, bias, o):
    return x, weight.swapaxes(2, 3), bias, o


@misread("kernel-transposed", "in memory: the shape stays")
def _(x, weight, bias, o):
    F, Cg, KH, KW = weight.shape
    return x, weight.reshape(F, Cg, KW, KH).swapaxes(2, 3), bias, o


@misread("kernel-transposed", "packed column by column, read row by row")
def _(x, weight, bias, o):
    return x, weight.swapaxes(2, 3).reshape(weight.shape), bias, o


# --- strides and dilations -----------------------------------------------------------------------


def misread_options(name: str, form: str, change: Callable[[Any], Any]) -> None:
    """Two faults: options are misread before the size is computed, and after it."""

    @misread(name, form)
    def _(x, weight, bias, o):
        return x, weight, bias, o | change(o)

    @seed(name, f"{form}, the size is right" if form else "the size is right")
    def _(x, weight, bias, **o):
        return convolve(x, weight, bias, **(o | change(o)), size=size_of(x, weight, o))


misread_options("stride-swapped", "", lambda o: {"stride": o["stride"][::-1]})
misread_options("stride-ignored", "both", lambda o: {"stride": (1, 1)})
misread_options("stride-ignored", "of columns", lambda o: {"stride": (o["stride"][0], 1)})
misread_options("stride-doubled", "", lambda o: {"stride": tuple(2 * s for s in o["stride"])})
misread_options("dilation-swapped", "", lambda o: {"dilation": o["dilation"][::-1]})
misread_options("dilation-ignored", "both", lambda o: {"dilation": (1, 1)})
misread_options("dilation-ignored", "of rows", lambda o: {"dilation": (1, o["dilation"][1])})
misread_options(
    "dilation-off-by-one", "1 too many", lambda o: {"dilation": tuple(d + 1 for d in o["dilation"])}
)
misread_options(
    "dilation-off-by-one", "1 too few, but at least 1",
    lambda o: {"dilation": tuple(max(1, d - 1) for d in o["dilation"])},
)  # fmt: skip
misread_options(
    "stride-dilation-exchanged", "", lambda o: {"stride": o["dilation"], "dilation": o["stride"]}
)


misread_options("stride-of-one-axis", "rows", lambda o: {"stride": (o["stride"][0],) * 2})
misread_options("stride-of-one-axis", "columns", lambda o: {"stride": (o["stride"][1],) * 2})
misread_options("dilation-of-one-axis", "rows", lambda o: {"dilation": (o["dilation"][0],) * 2})


# --- pads ----------------------------------------------------------------------------------------


def same(x: Array, weight: Array, o: Any, *, lower: bool = False, dense: bool = False) -> Any:
    """The pads of SAME; `dense` leaves the dilation out."""
    pads = []
    for axis in (0, 1):
        size, k, s = x.shape[2 + axis], weight.shape[2 + axis], o["stride"][axis]
        d = 1 if dense else o["dilation"][axis]
        total = max(0, (ceil(size / s) - 1) * s + d * (k - 1) + 1 - size)
        few, many = total // 2, total - total // 2
        pads.append((many, few) if lower else (few, many))
    return tuple(pads)


misread_options(
    "pads-swapped-ends", "both axes", lambda o: {"padding": tuple(p[::-1] for p in o["padding"])}
)
misread_options(
    "pads-swapped-ends", "columns", lambda o: {"padding": (o["padding"][0], o["padding"][1][::-1])}
)
misread_options("pads-swapped-axes", "", lambda o: {"padding": o["padding"][::-1]})
misread_options(
    "pads-symmetric",
    "half of both",
    lambda o: {"padding": tuple((sum(p) // 2,) * 2 for p in o["padding"])},
)
misread_options("padding-missing", "both axes", lambda o: {"padding": ((0, 0), (0, 0))})
misread_options("padding-missing", "of columns", lambda o: {"padding": (o["padding"][0], (0, 0))})


misread_options(
    "pads-off-by-one", "1 too many",
    lambda o: {"padding": tuple((a + 1, b + 1) for a, b in o["padding"])},
)  # fmt: skip
misread_options(
    "pads-off-by-one", "1 too many rows",
    lambda o: {"padding": (tuple(n + 1 for n in o["padding"][0]), o["padding"][1])},
)  # fmt: skip


@seed("pads-off-by-one", "1 too few, the size is right")
def _(x, weight, bias, **o):
    size = size_of(x, weight, o)
    xp = padded(x, tuple((a, b + 1) for a, b in o["padding"]))[:, :, 1:, 1:]
    y = sums(xp, weight, bias, o["stride"], o["dilation"], o["groups"], size)
    return rounded_to_result(x, y)


# With the right size these would be no fault at all, and the same as exchanged ends.
@misread("pads-symmetric", "as before the data")
def _(x, weight, bias, o):
    return x, weight, bias, o | {"padding": tuple((p[0], p[0]) for p in o["padding"])}


@misread("pads-symmetric", "as behind the data")
def _(x, weight, bias, o):
    return x, weight, bias, o | {"padding": tuple((p[1], p[1]) for p in o["padding"])}


@misread("pads-of-one-axis", "rows")
def _(x, weight, bias, o):
    return x, weight, bias, o | {"padding": (o["padding"][0],) * 2}


@misread("pads-of-one-axis", "columns")
def _(x, weight, bias, o):
    return x, weight, bias, o | {"padding": (o["padding"][1],) * 2}


@misread("pads-order", "ONNX's (top, left, bottom, right) taken for pairs")
def _(x, weight, bias, o):
    (pt, pb), (pl, pr) = o["padding"]
    return x, weight, bias, o | {"padding": ((pt, pl), (pb, pr))}


@misread("pads-other-same")
def _(x, weight, bias, o):
    upper, lower = same(x, weight, o), same(x, weight, o, lower=True)
    other = {upper: lower, lower: upper}.get(o["padding"], o["padding"])
    return x, weight, bias, o | {"padding": other}


@misread("pads-ignore-dilation")
def _(x, weight, bias, o):
    is_same = o["padding"] == same(x, weight, o)
    pads = same(x, weight, o, dense=True) if is_same else o["padding"]
    return x, weight, bias, o | {"padding": pads}


@seed("pads-ignore-dilation", "the size is right")
def _(x, weight, bias, **o):
    is_same = o["padding"] == same(x, weight, o)
    pads = same(x, weight, o, dense=True) if is_same else o["padding"]
    return convolve(x, weight, bias, **(o | {"padding": pads}), size=size_of(x, weight, o))


for _value in (1, 7, -128):

    @seed("pad-value", f"{_value}")
    def _(x, weight, bias, _value=_value, **o):
        return convolve(x, weight, bias, **o, fill=_value)


def filled(x: Array, padding: Any, mode: str) -> Array:
    """The pads filled in from the image, as `numpy.pad` does it."""
    return np.pad(x, ((0, 0), (0, 0), *padding), mode=mode) if x.size else padded(x, padding)


for _name, _mode in (
    ("padding-circular", "wrap"), ("padding-replicate", "edge"), ("padding-reflect", "reflect"),
):  # fmt: skip

    @seed(_name, _mode)
    def _(x, weight, bias, *, padding, _mode=_mode, **o):
        return convolve(filled(x, padding, _mode), weight, bias, **o, padding=((0, 0), (0, 0)))


@seed("padding-circular", "an index below 0 counts from the end")
def _(x, weight, bias, *, padding, **o):
    (pt, pb), (pl, pr) = padding
    before = filled(x, ((pt, 0), (pl, 0)), "wrap")
    return convolve(before, weight, bias, **o, padding=((0, pb), (0, pr)))


# --- the border, a pixel -------------------------------------------------------------------------


def taps_inside(x: Array, weight: Array, o: Any) -> Array:
    """(OH, OW): how many kernel cells lie inside the image."""
    ones = np.ones((1, 1, *x.shape[2:]))
    return convolve(ones, np.ones((1, 1, *weight.shape[2:])), None, **(o | {"groups": 1}))[0, 0]


@seed("border-only", "a mean over what is inside, as partial convolutions have it")
def _(x, weight, bias, **o):
    y = convolve(x, weight, None, **o)
    inside = taps_inside(x, weight, o)
    with np.errstate(all="ignore"):
        more = np.where(inside > 0, weight[0, 0].size / np.maximum(inside, 1), 1)
        y = (y * more).astype(y.dtype)
        return y if bias is None else rounded_to_result(x, y + bias.astype(y.dtype)[:, None, None])


@seed("border-only", "without the bias")
def _(x, weight, bias, **o):
    y = convolve(x, weight, bias, **o)
    border = taps_inside(x, weight, o) < weight[0, 0].size
    return np.where(border, convolve(x, weight, None, **o), y)


@seed("border-only", "its last kernel column is left out")
def _(x, weight, bias, **o):
    y = convolve(x, weight, bias, **o)
    border = taps_inside(x, weight, o) < weight[0, 0].size
    without = weight.copy()
    without[..., -1] = 0
    return np.where(border, convolve(x, without, bias, **o), y)


@seed("single-pixel", "index 40 holds its neighbour's value")
def _(x, weight, bias, **o):
    y = convolve(x, weight, bias, **o)
    flat = y.reshape(*y.shape[:2], y.shape[2] * y.shape[3])
    flat[..., 40:41] = flat[..., 39:40]
    return y


@seed("single-pixel", "the last one is summed twice")
def _(x, weight, bias, **o):
    y = convolve(x, weight, bias, **o)
    with np.errstate(all="ignore"):
        y[:, :, -1, -1] += convolve(x, weight, None, **o)[:, :, -1, -1]
    return y


# --- not finite ----------------------------------------------------------------------------------


@seed("nonfinite-convention", "taps in the pads are skipped")
def _(x, weight, bias, **o):
    if np.isfinite(weight.astype(np.complex128)).all():
        return convolve(x, weight, bias, **o)
    y = convolve(x, np.nan_to_num(weight, nan=0, posinf=0, neginf=0), bias, **o)
    inside = padded(np.ones_like(x[:1, :1]), o["padding"])
    xp = padded(x, o["padding"])
    F, Cg, KH, KW = weight.shape
    with np.errstate(all="ignore"):
        for (kh, kw, read), (*_, is_inside) in zip(
            cells(xp, (KH, KW), o["stride"], o["dilation"], y.shape[2:]),
            cells(inside, (KH, KW), o["stride"], o["dilation"], y.shape[2:]),
            strict=True,
        ):
            for f, cg in np.argwhere(~np.isfinite(weight[:, :, kh, kw])):
                c = f // (F // o["groups"]) * Cg + cg
                y[:, f] += np.where(is_inside[0, 0] > 0, read[:, c] * weight[f, cg, kh, kw], 0)
    return y


@seed("nan-swallowed", "by a comparison with it")
def _(x, weight, bias, **o):
    y = convolve(x, weight, bias, **o)
    return np.where(np.isnan(y), np.zeros((), y.dtype), y)


@seed("rectified", "a ReLU is fused in")
def _(x, weight, bias, **o):
    y = convolve(x, weight, bias, **o)
    return y if y.dtype.kind == "c" else np.maximum(y, 0)


def flushed(a: Array) -> Array:
    """Subnormal numbers taken for zero."""
    if a.dtype.kind != "f":
        return a
    return np.where(np.abs(a) < np.finfo(a.dtype).tiny, np.zeros((), a.dtype), a)


@seed("subnormals-flushed", "operands and sums, as fast modes have it")
def _(x, weight, bias, **o):
    biases = bias if bias is None else flushed(bias)
    return flushed(convolve(flushed(x), flushed(weight), biases, **o))


# --- groups --------------------------------------------------------------------------------------


def interleaved(a: Array, axis_sizes: tuple[int, int]) -> Array:
    """Channels (axis 1) taken as so many by so many, and exchanged."""
    N, _, *space = a.shape
    return a.reshape(N, *axis_sizes, *space).swapaxes(1, 2).reshape(a.shape)


def written_elsewhere(
    x: Array, weight: Array, bias: Array | None, o: Any, order: tuple[int, int]
) -> Array:
    """Sums stored in another order of the channels; then the bias, where it belongs."""
    xp = padded(x, o["padding"])
    y = interleaved(sums(xp, weight, None, o["stride"], o["dilation"], o["groups"]), order)
    with np.errstate(all="ignore"):
        y = y if bias is None else y + bias.astype(y.dtype)[:, None, None]
    return rounded_to_result(x, y)


@seed("groups-interleaved-output", "the bias with it")
def _(x, weight, bias, **o):
    y = convolve(x, weight, bias, **o)
    return interleaved(y, (o["groups"], len(weight) // o["groups"]))


@seed("groups-interleaved-output", "the other way round")
def _(x, weight, bias, **o):
    y = convolve(x, weight, bias, **o)
    return interleaved(y, (len(weight) // o["groups"], o["groups"]))


@seed("groups-interleaved-output", "the bias added later, where it belongs")
def _(x, weight, bias, **o):
    order = (o["groups"], len(weight) // o["groups"])
    return written_elsewhere(x, weight, bias, o, order)


@misread("groups-interleaved-input", "cg*G + g")
def _(x, weight, bias, o):
    return interleaved(x, (weight.shape[1], o["groups"])), weight, bias, o


@misread("groups-interleaved-input", "the other way round")
def _(x, weight, bias, o):
    return interleaved(x, (o["groups"], weight.shape[1])), weight, bias, o


def first_group(x: Array, weight: Array, bias: Array | None, o: Any) -> tuple[Array, Array]:
    """All outputs, and a view of those that are not of the first group."""
    y = convolve(x, weight, bias, **o)
    return y, y[:, len(weight) // o["groups"] :]


@seed("groups-first-only", "zeros else")
def _(x, weight, bias, **o):
    y, others = first_group(x, weight, bias, o)
    others[...] = 0
    return y


@seed("groups-first-only", "the bias else")
def _(x, weight, bias, **o):
    y, others = first_group(x, weight, bias, o)
    Fg = len(weight) // o["groups"]
    others[...] = 0 if bias is None else bias[Fg:, None, None]
    return y


@seed("groups-first-only", "NaN else")
def _(x, weight, bias, **o):
    y, others = first_group(x, weight, bias, o)
    others[...] = np.nan if y.dtype.kind not in INTEGERS else 0
    return y


@seed("groups-first-only", "repeated")
def _(x, weight, bias, **o):
    y, _others = first_group(x, weight, bias, o)
    return np.tile(y[:, : len(weight) // o["groups"]], (1, o["groups"], 1, 1))


@misread("groups-all-read-first")
def _(x, weight, bias, o):
    first = x[:, : weight.shape[1]]
    return np.tile(first, (1, o["groups"], 1, 1)), weight, bias, o


@misread("groups-ignored", "the weights again for each group's channels")
def _(x, weight, bias, o):
    dense = np.tile(weight, (1, o["groups"], 1, 1))
    return x, dense, bias, o | {"groups": 1}


@misread("groups-share-weights")
def _(x, weight, bias, o):
    first = weight[: len(weight) // o["groups"]]
    return x, np.tile(first, (o["groups"], 1, 1, 1)), bias, o


def channels_from(a: Array, starts: Any, count: int, behind: str) -> Array:
    """So many channels from each of these on; what is behind the last one is `behind`: zeros, or
    the memory of the next image, or the first channel again.
    """
    N, C = a.shape[:2]
    found = np.zeros((N, len(starts) * count, *a.shape[2:]), a.dtype)
    for n, to in np.ndindex(found.shape[:2]):
        c = starts[to // count] + to % count
        image, channel = divmod(n * C + c, C) if behind == "memory" else (n, c)
        if behind == "the first":
            channel = c % C
        if image < N and channel < C:
            found[n, to] = a[image, channel]
    return found


for _behind in ("zeros", "memory", "the first"):

    @misread("groups-input-offset", f"{_behind} behind the last channel")
    def _(x, weight, bias, o, _behind=_behind):
        Fg = len(weight) // o["groups"]
        starts = [g * Fg for g in range(o["groups"])]
        return channels_from(x, starts, weight.shape[1], _behind), weight, bias, o


for _behind in ("zeros", "the first"):

    @misread("groups-weight-offset", f"{_behind} behind the last one")
    def _(x, weight, bias, o, _behind=_behind):
        F, Cg = weight.shape[:2]
        starts = [g * Cg for g in range(o["groups"])]
        rows = channels_from(weight[None], starts, F // o["groups"], _behind)
        return x, rows[0], bias, o


@seed("groups-output-offset", "as far as memory goes")
def _(x, weight, bias, **o):
    y = convolve(x, weight, bias, **o)
    N, F, G, Cg = *y.shape[:2], o["groups"], weight.shape[1]
    rows = np.zeros_like(y).reshape(N * F, *y.shape[2:])
    for n in range(N):
        for f in range(F):
            g, fg = divmod(f, F // G)
            if n * F + g * Cg + fg < N * F:
                rows[n * F + g * Cg + fg] = y[n, f]
    return rows.reshape(y.shape)


# --- depthwise -----------------------------------------------------------------------------------


def multiplier(x: Array, weight: Array, o: Any) -> int:
    """M of a depthwise call with more outputs than inputs, else 1."""
    C, F = x.shape[1], len(weight)
    return F // C if o["groups"] == C and F > C else 1


@seed("multiplier-order", "channel f reads x[f % C]")
def _(x, weight, bias, **o):
    M = multiplier(x, weight, o)
    if M == 1:
        return convolve(x, weight, bias, **o)
    return convolve(np.tile(x, (1, M, 1, 1)), weight, bias, **(o | {"groups": len(weight)}))


@misread("multiplier-order", "the weight is taken for (M, C)")
def _(x, weight, bias, o):
    M = multiplier(x, weight, o)
    weights = weight.reshape(M, -1, *weight.shape[1:]).swapaxes(0, 1).reshape(weight.shape)
    return x, weights, bias, o


@misread("multiplier-order", "weight and bias are taken for (M, C)")
def _(x, weight, bias, o):
    M = multiplier(x, weight, o)
    weights = weight.reshape(M, -1, *weight.shape[1:]).swapaxes(0, 1).reshape(weight.shape)
    biases = bias if bias is None else bias.reshape(M, -1).T.ravel()
    return x, weights, biases, o


@seed("multiplier-order", "written as (M, C)")
def _(x, weight, bias, **o):
    M = multiplier(x, weight, o)
    return written_elsewhere(x, weight, bias, o, (len(weight) // M, M))


@misread("multiplier-ignored", "M filters of a channel are its first")
def _(x, weight, bias, o):
    M = multiplier(x, weight, o)
    return x, weight[np.arange(len(weight)) // M * M], bias, o


@misread("multiplier-ignored", "filter c for all of channel c")
def _(x, weight, bias, o):
    M = multiplier(x, weight, o)
    return x, weight[np.arange(len(weight)) // M], bias, o


@misread("multiplier-ignored", "C outputs, of the first C filters")
def _(x, weight, bias, o):
    F = len(weight) // multiplier(x, weight, o)
    return x, weight[:F], bias if bias is None else bias[:F], o


@seed("multiplier-ignored", "zeros from channel C on")
def _(x, weight, bias, **o):
    M = multiplier(x, weight, o)
    if M == 1:
        return convolve(x, weight, bias, **o)
    C = x.shape[1]
    y = convolve(x, weight[:C], bias if bias is None else bias[:C], **o)
    return np.concatenate([y, np.zeros_like(y[:, :1]).repeat(len(weight) - C, 1)], 1)


# --- the bias ------------------------------------------------------------------------------------


@misread("bias-missing")
def _(x, weight, bias, o):
    return x, weight, None, o


@seed("bias-negated")
def _(x, weight, bias, **o):
    y = convolve(x, weight, None, **o)
    return y if bias is None else rounded_to_result(x, y - bias.astype(y.dtype)[:, None, None])


@seed("bias-doubled", "in the first total, and once more at the end")
def _(x, weight, bias, **o):
    y = convolve(x, weight, bias, **o)
    return y if bias is None else rounded_to_result(x, y + bias.astype(y.dtype)[:, None, None])


@misread("bias-restarts-per-group")
def _(x, weight, bias, o):
    f = np.arange(len(weight)) % (len(weight) // o["groups"])
    return x, weight, bias if bias is None else bias[f], o


@seed("bias-by-batch")
def _(x, weight, bias, **o):
    y = convolve(x, weight, None, **o)
    if bias is None:
        return y
    of_image = bias.astype(y.dtype)[np.arange(len(x)) % len(bias)]
    return rounded_to_result(x, y + of_image[:, None, None, None])


# --- memory --------------------------------------------------------------------------------------


@misread("layout-input", "NHWC was meant")
def _(x, weight, bias, o):
    N, C, H, W = x.shape
    return x.reshape(N, H, W, C).transpose(0, 3, 1, 2), weight, bias, o


@misread("layout-input", "was made NHWC")
def _(x, weight, bias, o):
    return x.transpose(0, 2, 3, 1).reshape(x.shape), weight, bias, o


for _form, _axes in (
    ("(KH, KW, Cg, F)", (2, 3, 1, 0)),
    ("(F, KH, KW, Cg)", (0, 2, 3, 1)),
    ("(Cg, F, KH, KW)", (1, 0, 2, 3)),
):  # fmt: skip

    @misread("layout-weight", f"{_form} was meant")
    def _(x, weight, bias, o, _axes=_axes):
        memory = weight.reshape([weight.shape[a] for a in _axes])
        return x, memory.transpose(np.argsort(_axes)), bias, o

    @misread("layout-weight", f"was made {_form}")
    def _(x, weight, bias, o, _axes=_axes):
        return x, weight.transpose(_axes).reshape(weight.shape), bias, o


def pitched(a: Array, *, wrap: bool = False) -> Array:
    """(A, B, rows, columns) of a memory in which a row is taken to be as long as there are rows;
    `wrap` starts again in the plane where another would go on in the next one.
    """
    _A, B, rows, columns = a.shape
    flat = a.ravel()
    found = np.zeros_like(a)
    for i, j, row, column in np.ndindex(a.shape):
        place = row * rows + column
        place = place % (rows * columns) if wrap else place
        place += (i * B + j) * rows * columns
        found[i, j, row, column] = flat[place] if place < a.size else 0
    return found


@misread("pitch-input", "memory goes on")
def _(x, weight, bias, o):
    return pitched(x), weight, bias, o


@misread("pitch-input", "modulo the plane")
def _(x, weight, bias, o):
    return pitched(x, wrap=True), weight, bias, o


@misread("pitch-weight")
def _(x, weight, bias, o):
    return x, pitched(weight), bias, o


@misread("pitch-weight", "in the index of channels too, ((f*Cg + cg)*KH + kh)*KH + kw")
def _(x, weight, bias, o):
    (_F, Cg, KH, _KW), flat = weight.shape, weight.ravel()
    f, cg, kh, kw = np.indices(weight.shape)
    places = ((f * Cg + cg) * KH + kh) * KH + kw
    return x, np.append(flat, 0)[np.minimum(places, flat.size)].astype(flat.dtype), bias, o


@seed("pitch-output")
def _(x, weight, bias, **o):
    y = convolve(x, weight, bias, **o)
    OH, OW = y.shape[2:]
    flat = np.zeros(y.size, y.dtype)
    for plane, outputs in enumerate(y.reshape(-1, OH, OW)):
        for oh, row in enumerate(outputs):
            start = plane * OH * OW + oh * OH
            flat[start : start + OW] = row[: max(0, y.size - start)]
    return flat.reshape(y.shape)


@misread("input-mirrored", "a negative stride along W is lost")
def _(x, weight, bias, o):
    return x[..., ::-1], weight, bias, o


@misread("input-mirrored", "upside down, as bitmaps are")
def _(x, weight, bias, o):
    return x[:, :, ::-1], weight, bias, o


@misread("batch-repeated", "the pointer stays at image 0")
def _(x, weight, bias, o):
    return np.repeat(x[:1], len(x), axis=0), weight, bias, o


@misread("batch-repeated", "the last image in every place")
def _(x, weight, bias, o):
    return np.repeat(x[-1:], len(x), axis=0), weight, bias, o


@seed("batch-accumulated", "the sums, to which the bias is added afterwards")
def _(x, weight, bias, *, padding, stride, dilation, groups):
    y = sums(padded(x, padding), weight, None, stride, dilation, groups)
    with np.errstate(all="ignore"):
        y = np.cumsum(y, 0)
        y = y if bias is None else y + bias.astype(y.dtype)[:, None, None]
    return rounded_to_result(x, y)


@seed("batch-accumulated", "the outputs, with their bias")
def _(x, weight, bias, *, padding, stride, dilation, groups):
    y = sums(padded(x, padding), weight, bias, stride, dilation, groups)
    with np.errstate(all="ignore"):
        return rounded_to_result(x, np.cumsum(y, 0))


def kept_by_shape() -> Callable[[Array], Array]:
    """Adds what it is given to what it was given before of that shape and type: of memory that is
    not cleared between calls.
    """
    kept: dict[Any, Array] = {}

    def add(y: Array) -> Array:
        key = y.shape, y.dtype
        with np.errstate(all="ignore"):
            kept[key] = (kept.get(key, 0) + y).astype(y.dtype)
        return kept[key].copy()

    return add


def kept_in_one_place() -> Callable[[Array], Array]:
    """The same, of one piece of memory for all shapes."""
    place = np.zeros(1 << 16, np.float32)

    def add(y: Array) -> Array:
        if y.dtype != place.dtype or y.size > place.size or not np.isfinite(y).all():
            return y
        place[: y.size] += y.ravel()
        return place[: y.size].reshape(y.shape).copy()

    return add


def counts_calls(every: int) -> Callable[[], bool]:
    """Whether it is called for one of so many times."""
    calls = itertools.count(1)
    return lambda: next(calls) % every == 0


KEPT, KEPT_SUMS, OF_SEVEN = kept_by_shape(), kept_in_one_place(), counts_calls(7)


@seed("output-not-cleared", "outputs of a shape")
def _(x, weight, bias, **o):
    return KEPT(convolve(x, weight, bias, **o))


@seed("output-not-cleared", "sums in one place, to which the bias is added afterwards")
def _(x, weight, bias, **o):
    y = KEPT_SUMS(convolve(x, weight, None, **o))
    return y if bias is None else (y + bias[:, None, None]).astype(y.dtype)


@seed("answers-differ", "one more at every seventh call")
def _(x, weight, bias, **o):
    y = convolve(x, weight, bias, **o)
    return y + y.dtype.type(1) if OF_SEVEN() else y


@seed("tail-of-batch", "the second image, and those behind it, are of numbers of their own")
def _(x, weight, bias, **o):
    y = convolve(x, weight, bias, **o)
    y[1:] = np.arange(y[1:].size).reshape(y[1:].shape)
    return y


@seed("input-modified", "the image is centred in place, and not put back")
def _(x, weight, bias, **o):
    y = convolve(x, weight, bias, **o)
    x += np.ones((), x.dtype)
    return y


@seed("output-transposed", "(N, F, OW, OH)")
def _(x, weight, bias, **o):
    return convolve(x, weight, bias, **o).swapaxes(2, 3)


@seed("output-transposed", "in memory: the shape is right")
def _(x, weight, bias, **o):
    y = convolve(x, weight, bias, **o)
    return y.swapaxes(2, 3).reshape(y.shape)


@seed("output-transposed", "(N, OH, OW, F)")
def _(x, weight, bias, **o):
    return convolve(x, weight, bias, **o).transpose(0, 2, 3, 1)


@seed("output-transposed", "(N, OH, OW, F) in memory: the shape is right")
def _(x, weight, bias, **o):
    y = convolve(x, weight, bias, **o)
    return y.transpose(0, 2, 3, 1).reshape(y.shape)


@seed("output-unwritten", "the last channel, 0")
def _(x, weight, bias, **o):
    y = convolve(x, weight, bias, **o)
    y[:, -1:] = 0
    return y


@seed("output-unwritten", "all, 0")
def _(x, weight, bias, **o):
    return np.zeros_like(convolve(x, weight, bias, **o))


@seed("output-unwritten", "images after the first, -1")
def _(x, weight, bias, **o):
    y = convolve(x, weight, bias, **o)
    y[1:] = -1
    return y


@seed("output-unwritten", "the rows of the second of four threads, NaN")
def _(x, weight, bias, **o):
    y = convolve(x, weight, bias, **o)
    rows = -(-y.shape[2] // 4)
    y[:, :, rows : 2 * rows] = 0 if y.dtype.kind in INTEGERS else np.nan
    return y


# --- the output's size ---------------------------------------------------------------------------


def size_up(x: Array, weight: Array, o: Any) -> tuple[int, int]:
    """(OH, OW), rounded up."""
    spans = zip(
        x.shape[2:], weight.shape[2:], o["stride"], o["dilation"], o["padding"], strict=True
    )
    OH, OW = (ceil((n + sum(p) - d * (k - 1) - 1) / s) + 1 for n, k, s, d, p in spans)
    return OH, OW


@seed("output-size-ceil", "both")
def _(x, weight, bias, **o):
    return convolve(x, weight, bias, **o, size=size_up(x, weight, o))


@seed("output-size-ceil", "rows")
def _(x, weight, bias, **o):
    size = (size_up(x, weight, o)[0], size_of(x, weight, o)[1])
    return convolve(x, weight, bias, **o, size=size)


@seed("output-cropped", "the last row and column")
def _(x, weight, bias, **o):
    return convolve(x, weight, bias, **o)[:, :, :-1, :-1]


@seed("output-cropped", "the last column")
def _(x, weight, bias, **o):
    return convolve(x, weight, bias, **o)[..., :-1]


@seed("output-cropped", "the first row")
def _(x, weight, bias, **o):
    return convolve(x, weight, bias, **o)[:, :, 1:]


@seed("output-reshaped", "one axis more")
def _(x, weight, bias, **o):
    return convolve(x, weight, bias, **o)[None]


@seed("output-reshaped", "flat")
def _(x, weight, bias, **o):
    return convolve(x, weight, bias, **o).ravel()


# --- narrow integers -----------------------------------------------------------------------------


def exactly(x: Array, weight: Array, bias: Array | None, o: Any) -> Array:
    """The outputs in int64."""
    return convolve(
        *(a if a is None else a.astype(np.int64) for a in (x, weight, bias)), **o
    )  # fmt: skip


def whole_bits(dtype: np.dtype[Any]) -> int:
    """Of the integers that a type holds all of."""
    return {"float16": 11, "float32": 24, "float64": 53}.get(dtype.name, 64)


for _bits in (8, 16, 32):

    @seed(f"wraps-int{_bits}", "sums")
    def _(x, weight, bias, _bits=_bits, **o):
        y = convolve(x, weight, bias, **o)
        if not is_whole(x, weight, bias):
            return y
        return exactly(x, weight, bias, o).astype(f"int{_bits}").astype(y.dtype)

    @seed(f"wraps-int{_bits}", "sums, then the bias")
    def _(x, weight, bias, _bits=_bits, **o):
        y = convolve(x, weight, bias, **o)
        if not is_whole(x, weight, bias):
            return y
        narrow = exactly(x, weight, None, o).astype(f"int{_bits}").astype(y.dtype)
        return narrow if bias is None else narrow + bias.astype(y.dtype)[:, None, None]

    @seed(f"wraps-int{_bits}", "unsigned sums")
    def _(x, weight, bias, _bits=_bits, **o):
        y = convolve(x, weight, bias, **o)
        if not is_whole(x, weight, bias) or _bits > whole_bits(y.dtype):
            return y
        return exactly(x, weight, bias, o).astype(f"uint{_bits}").astype(y.dtype)


@seed("wraps-int8", "sums in the operands' type, as that of int8 is")
def _(x, weight, bias, **o):
    y = convolve(x, weight, bias, **o)
    return y.astype(x.dtype).astype(y.dtype) if x.dtype.itemsize == 1 else y


@seed("saturates-int16", "at the end")
def _(x, weight, bias, **o):
    y = convolve(x, weight, bias, **o)
    return np.clip(y, -32768, 32767).astype(y.dtype) if is_whole(x, weight, bias) else y


for _order in ("channels first", "cells first"):

    @seed("saturates-int16", f"at every step, {_order}, the bias first")
    def _(x, weight, bias, _order=_order, **o):
        y = convolve(x, weight, bias, **o)
        if not is_whole(x, weight, bias):
            return y
        stepped = stepwise(
            x, weight, bias, **o, order=_order, add=lambda t, p: np.clip(t + p, -32768, 32767)
        )
        return stepped.astype(y.dtype)


# --- narrow floats -------------------------------------------------------------------------------


def narrow_sums(type_: Any) -> Callable[[Array, Array], Array]:
    """Add, products rounded too."""
    return lambda total, product: (
        (total + product.astype(type_).astype(np.float64)).astype(type_).astype(np.float64)
    )


def fused_sums(type_: Any) -> Callable[[Array, Array], Array]:
    """Add, the product unrounded."""
    return lambda total, product: (total + product).astype(type_).astype(np.float64)


def is_float(x: Array) -> bool:
    """Whether narrow floats are an issue."""
    return x.dtype.kind not in "iuc"


for _name, _type in (
    ("accumulator-float32", np.float32),
    ("accumulator-float16", np.float16), ("accumulator-bfloat16", ml_dtypes.bfloat16),
):  # fmt: skip
    for _form, _add, _order in (
        ("", narrow_sums, "channels first"),
        ("", narrow_sums, "cells first"),
        ("", narrow_sums, "backwards"),
        (", fused", fused_sums, "channels first"),
    ):

        @seed(_name, _order + _form)
        def _(x, weight, bias, _type=_type, _add=_add, _order=_order, **o):
            if not is_float(x):
                return convolve(x, weight, bias, **o)
            return rounded_to_result(
                x, stepwise(x, weight, bias, **o, add=_add(_type), order=_order)
            )

    @seed(_name, "a total for each kernel row, added up pairwise")
    def _(x, weight, bias, _type=_type, **o):
        if not is_float(x):
            return convolve(x, weight, bias, **o)
        size, KH = size_of(x, weight, o), weight.shape[2]
        xp, dh = padded(x, o["padding"]), o["dilation"][0]
        o["padding"] = ((0, 0), (0, 0))
        rows = [
            stepwise(
                xp[:, :, kh * dh :], weight[:, :, kh : kh + 1], None, **o, add=narrow_sums(_type)
            )[:, :, : size[0]]
            for kh in range(KH)
        ]  # fmt: skip
        with np.errstate(all="ignore"):
            while len(rows) > 1:
                pairs = (sum(rows[i : i + 2]) for i in range(0, len(rows), 2))
                rows = [pair.astype(_type).astype(np.float64) for pair in pairs]
        y = rows[0] if bias is None else rows[0] + bias.astype(np.float64)[:, None, None]
        with np.errstate(over="ignore"):
            return rounded_to_result(x, y.astype(_type))


@seed("result-float16", "sums of float32 are stored as float16")
def _(x, weight, bias, **o):
    y = convolve(x, weight, bias, **o)
    return half_precision(y) if y.dtype in (np.float32, np.float64) else y


@seed("result-float32", "sums of float64 are stored as float32")
def _(x, weight, bias, **o):
    y = convolve(x, weight, bias, **o)
    return y.astype(np.float32).astype(y.dtype) if y.dtype == np.float64 else y


@seed("result-bfloat16", "sums of float32 are stored as bfloat16")
def _(x, weight, bias, **o):
    y = convolve(x, weight, bias, **o)
    return y.astype(ml_dtypes.bfloat16).astype(y.dtype) if y.dtype == np.float32 else y


def cut(a: Array, bits: int, nearest: bool = True) -> Array:
    """Floats with so many bits of significand left."""
    narrow = a.astype(np.float32).view(np.uint32)
    rest = np.uint32(24 - bits)
    if nearest:
        half = ((narrow >> rest) & np.uint32(1)) + np.uint32((1 << (24 - bits - 1)) - 1)
        narrow = narrow + half
    return (narrow >> rest << rest).view(np.float32).astype(a.dtype)


def is_wide(x: Array, weight: Array) -> bool:
    """Whether operands are finite numbers of a type that they can be rounded from."""
    wide = x.dtype in (np.float32, np.float64)
    return wide and bool(np.isfinite(x).all() and np.isfinite(weight).all())


def half_precision(a: Array) -> Array:
    """Rounded to float16."""
    with np.errstate(all="ignore"):
        return a.astype(np.float16).astype(a.dtype)


for _name, _forms in {
    "operands-bfloat16": {"": lambda a: cut(a, 8), ", cut off": lambda a: cut(a, 8, nearest=False)},
    "operands-tf32": {"": lambda a: cut(a, 11), ", cut off": lambda a: cut(a, 11, nearest=False)},
    "operands-float16": {"": half_precision},
    "operands-float32": {"": lambda a: a.astype(np.float32).astype(a.dtype)},
}.items():
    for _how, _round in _forms.items():

        @seed(_name, f"weights{_how}")
        def _(x, weight, bias, _round=_round, **o):
            return convolve(x, _round(weight) if is_wide(x, weight) else weight, bias, **o)

        @seed(_name, f"both{_how}")
        def _(x, weight, bias, _round=_round, **o):
            if not is_wide(x, weight):
                return convolve(x, weight, bias, **o)
            return convolve(_round(x), _round(weight), bias, **o)


@seed("operands-bfloat16", "the bias too")
def _(x, weight, bias, **o):
    if not is_wide(x, weight):
        return convolve(x, weight, bias, **o)
    return convolve(cut(x, 8), cut(weight, 8), bias if bias is None else cut(bias, 8), **o)


# --- taps, channels, factors ---------------------------------------------------------------------


def without(weight: Array, taps: Any) -> Array:
    """The weights, these taps (Cg, KH, KW) left out."""
    weights = weight.copy()
    weights[:, *taps] = 0
    return weights


ALL = slice(None)


@misread("tap-dropped", "the last kernel cell")
def _(x, weight, bias, o):
    return x, without(weight, (ALL, -1, -1)), bias, o


@misread("tap-dropped", "the first kernel cell")
def _(x, weight, bias, o):
    return x, without(weight, (ALL, 0, 0)), bias, o


@misread("tap-dropped", "the last of all taps")
def _(x, weight, bias, o):
    return x, without(weight, (-1, -1, -1)), bias, o


@misread("tap-dropped", "one in the middle")
def _(x, weight, bias, o):
    return x, without(weight, tuple(n // 2 for n in weight.shape[1:])), bias, o


@misread("tap-dropped", "the last kernel row")
def _(x, weight, bias, o):
    return x, without(weight, (ALL, -1, ALL)), bias, o


@misread("tap-dropped", "the last kernel column, of an odd number")
def _(x, weight, bias, o):
    KW = weight.shape[3]
    return x, without(weight, (ALL, ALL, slice(KW - KW % 2, KW))), bias, o


@misread("tap-doubled", "the first kernel cell")
def _(x, weight, bias, o):
    weights = weight.copy()
    weights[:, :, 0, 0] *= 2
    return x, weights, bias, o


@misread("channel-dropped", "the last of each group")
def _(x, weight, bias, o):
    return x, without(weight, (-1, ALL, ALL)), bias, o


@misread("channel-dropped", "the last of all")
def _(x, weight, bias, o):
    image = x.copy()
    image[:, -1:] = 0
    return image, weight, bias, o


@misread("channel-dropped", "those behind the last whole vector of 4")
def _(x, weight, bias, o):
    Cg = weight.shape[1]
    return x, without(weight, (slice(Cg - Cg % 4, Cg), ALL, ALL)), bias, o


def scaled(form: str, factor: Callable[[Array], float], *, bias_too: bool) -> None:
    """A seed that multiplies."""

    @seed("scaled", form)
    def _(x, weight, bias, **o):
        if x.dtype.kind in INTEGERS:
            return convolve(x, weight, bias, **o)
        y = convolve(x, weight, bias if bias_too else None, **o)
        with np.errstate(all="ignore"):
            y = (y * factor(weight)).astype(y.dtype)
            return y if bias is None or bias_too else y + bias.astype(y.dtype)[:, None, None]


scaled("twice", lambda _: 2, bias_too=True)
scaled("by a quarter, the bias not", lambda _: 0.25, bias_too=False)
scaled("a mean over the kernel's cells", lambda w: 1 / w[0, 0].size, bias_too=False)
scaled("by 1/255, as images are", lambda _: 1 / 255, bias_too=False)


# --- faults that show at size only ---------------------------------------------------------------


@seed("past-flat-index", "outputs from 997 on hold others")
def _(x, weight, bias, **o):
    y = convolve(x, weight, bias, **o)
    flat = y.reshape(-1)
    flat[997:] = flat[: max(0, flat.size - 997)].copy()
    return y


@seed("tail-of-groups", "groups after the first have the weights of the one before, turned")
def _(x, weight, bias, **o):
    weights, Fg = weight.copy(), len(weight) // o["groups"]
    weights[Fg:] = weight[: len(weight) - Fg, :, ::-1, ::-1] + np.ones((), weight.dtype)
    return convolve(x, weights, bias, **o)


@seed("an index into x that wraps around at 512", among=UNNAMED)
def _(x, weight, bias, **o):
    image = x.reshape(-1)[np.arange(x.size) % 512].reshape(x.shape)
    return convolve(image, weight, bias, **o)


@seed("tail-of-row", "columns behind the last whole vector of 8 get the bias twice")
def _(x, weight, bias, **o):
    y = convolve(x, weight, bias, **o)
    first = y.shape[3] // 8 * 8
    if bias is not None and first:
        y[..., first:] += bias.astype(y.dtype)[:, None, None]
    return y


@seed("tail-of-row", "columns behind the last whole vector of 4 are those before it")
def _(x, weight, bias, **o):
    y = convolve(x, weight, bias, **o)
    first = y.shape[3] // 4 * 4
    if first:
        y[..., first:] = y[..., first - 1 : first]
    return y


@seed("tail-of-channels", "channels behind the last whole block of 4 read the block's last filter")
def _(x, weight, bias, **o):
    F = len(weight)
    if o["groups"] > 1 or F < 4:
        return convolve(x, weight, bias, **o)
    f = np.minimum(np.arange(F), F // 4 * 4 - 1)
    return convolve(x, weight[f], bias if bias is None else bias[f], **o)


@seed("output-unwritten", "the last third of the rows, of a thread that was lost")
def _(x, weight, bias, **o):
    y = convolve(x, weight, bias, **o)
    if y.size > 1000:
        y[:, :, -(y.shape[2] // 3) or y.shape[2] :] = 0
    return y


# --- without a name ------------------------------------------------------------------------------


@seed("absolute values", among=UNNAMED)
def _(x, weight, bias, **o):
    return np.abs(convolve(x, weight, bias, **o)).astype(type_of_sums(x))


@seed("1 too many everywhere", among=UNNAMED)
def _(x, weight, bias, **o):
    y = convolve(x, weight, bias, **o)
    return y + np.ones((), y.dtype)


@seed("the kernel is rolled by a cell", among=UNNAMED)
def _(x, weight, bias, **o):
    rolled = np.roll(weight.reshape(*weight.shape[:2], -1), 1, axis=2)
    return convolve(x, rolled.reshape(weight.shape), bias, **o)


@seed("odd rows are those before them", among=UNNAMED)
def _(x, weight, bias, **o):
    y = convolve(x, weight, bias, **o)
    return y[:, :, np.arange(y.shape[2]) // 2 * 2]


@seed("the kernels of the second group are flipped", among=UNNAMED)
def _(x, weight, bias, **o):
    weights = weight.copy()
    Fg = len(weight) // o["groups"]
    weights[Fg : 2 * Fg] = weights[Fg : 2 * Fg, :, ::-1]
    return convolve(x, weights, bias, **o)
