"""Wrong gradients and transposed convolutions, as somebody could have written them.

As `faulty.py`, of which the helpers come: each stands under the stable name of its fault, and under
what it is asked for, and nothing is built on the oracle's code. `Seed.target` is called as
`GradientCase` says.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from typing import Any, NamedTuple

import ml_dtypes
import numpy as np
from faulty import (
    cells,
    channels_from,
    counts_calls,
    cut,
    half_precision,
    kept_by_shape,
    kept_in_one_place,
    padded,
    pitched,
    rounded_to_result,
    same,
    type_of_sums,
)
from faulty import sums as convolved

Array = np.ndarray[Any, Any]
Target = Callable[..., Any]

BY_X = ("input-grad", "transpose")
PLAIN = {"stride": (1, 1), "padding": ((0, 0), (0, 0)), "dilation": (1, 1), "groups": 1}


class Seed(NamedTuple):
    """A wrong implementation: of what, the stable name of its fault, which form of it, the target.

    A target that is asked for the same is right beside it: `RIGHT[of]`.
    """

    of: str
    name: str
    form: str
    target: Target

    def __str__(self) -> str:
        return f"{self.of} {self.name}: {self.form}" if self.form else f"{self.of} {self.name}"


SEEDS: list[Seed] = []
UNNAMED: list[Seed] = []


def seed(
    of: str, name: str, form: str = "", *, among: list[Seed] = SEEDS
) -> Callable[[Target], Target]:
    """Add an implementation to a list."""

    def add(target: Target) -> Target:
        among.append(Seed(of, name, form, target))
        return target

    return add


# --- right ones ----------------------------------------------------------------------------------


def scattered(
    grad_y: Array, weight: Array, x_shape: Any, o: Any, *, put: str = "add", kept: bool = False
) -> Array:
    """The input gradient, in the type that sums are kept in: for each kernel cell a product, added
    where it was read. `put` says how, `kept` whether the pads are not cut off.
    """
    wide = type_of_sums(grad_y)
    (sh, sw), (dh, dw), G = o["stride"], o["dilation"], o["groups"]
    (pt, pb), (pl, pr) = o["padding"]
    (N, F, OH, OW), (_, Cg, KH, KW) = grad_y.shape, weight.shape
    _, C, H, W = x_shape
    rows, columns = (OH - 1) * sh + (KH - 1) * dh + 1, (OW - 1) * sw + (KW - 1) * dw + 1
    sums = np.zeros((N, C, max(rows, pt + H + pb), max(columns, pl + W + pr)), wide)
    count = np.zeros(sums.shape[2:], int)
    of_group = grad_y.astype(wide).reshape(N, G, F // G, OH * OW)
    with np.errstate(all="ignore"):
        for kh, kw in product(range(KH), range(KW)):
            w = weight[:, :, kh, kw].astype(wide).reshape(G, F // G, Cg).swapaxes(1, 2)
            part = (w @ of_group).reshape(N, C, OH, OW)
            there = (
                slice(kh * dh, kh * dh + (OH - 1) * sh + 1, sh),
                slice(kw * dw, kw * dw + (OW - 1) * sw + 1, sw),
            )
            if put == "add":
                sums[:, :, *there] += part
            else:
                sums[:, :, *there] = part
            count[there] += 1
    if put == "mean":
        sums = scattered(grad_y, weight, x_shape, o, kept=True)
        count = np.maximum(count[: sums.shape[2], : sums.shape[3]], 1)
        sums = (sums / count).astype(wide)
    if kept:
        return sums[:, :, : pt + H + pb, : pl + W + pr]
    return sums[:, :, pt : pt + H, pl : pl + W]


def size_of(x: Array, weight: Array, o: Any, output_padding: Any) -> tuple[int, ...]:
    """The shape that a transposed convolution gives."""
    axes = zip(
        x.shape[2:], weight.shape[2:], o["stride"], o["dilation"], o["padding"], output_padding,
        strict=True,
    )  # fmt: skip
    OH, OW = ((n - 1) * s + d * (k - 1) + 1 - sum(p) + more for n, k, s, d, p, more in axes)
    return len(x), weight.shape[1] * o["groups"], OH, OW


def with_bias(y: Array, bias: Array | None) -> Array:
    """`y` (N, F, OH, OW) plus `bias` (F,)."""
    with np.errstate(all="ignore"):
        return y if bias is None else y + bias.astype(y.dtype)[:, None, None]


def input_grad(grad_y: Array, weight: Array, x_shape: Any, **o: Any) -> Array:
    """Right."""
    return rounded_to_result(grad_y, scattered(grad_y, weight, x_shape, o))


def transpose(x: Array, weight: Array, bias: Array | None, *, output_padding: Any, **o: Any) -> Any:
    """Right."""
    shape = size_of(x, weight, o, output_padding)
    return rounded_to_result(x, with_bias(scattered(x, weight, shape, o), bias))


def gathered(grad_y: Array, xp: Array, weight_shape: Any, o: Any) -> Array:
    """The weight gradient of a padded image, in the type that sums are kept in."""
    wide = type_of_sums(grad_y)
    N, F, OH, OW = grad_y.shape
    _, Cg, KH, KW = weight_shape
    G = o["groups"]
    sums = np.zeros(weight_shape, wide)
    of_group = grad_y.astype(wide).reshape(N, G, F // G, OH * OW)
    with np.errstate(all="ignore"):
        for kh, kw, read in cells(xp, (KH, KW), o["stride"], o["dilation"], (OH, OW)):
            columns = read.astype(wide).reshape(N, G, Cg, OH * OW).swapaxes(2, 3)
            sums[:, :, kh, kw] = (of_group @ columns).sum(0).reshape(F, Cg)
    return sums


def weight_grad(grad_y: Array, x: Array, weight_shape: Any, *, fill: Any = 0, **o: Any) -> Array:
    """Right, where the pads are filled with zeros."""
    xp = padded(x, o["padding"], fill)
    return rounded_to_result(grad_y, gathered(grad_y, xp, weight_shape, o))


def bias_grad(grad_y: Array) -> Array:
    """Right."""
    with np.errstate(all="ignore"):
        return rounded_to_result(grad_y, grad_y.astype(type_of_sums(grad_y)).sum((0, 2, 3)))


RIGHT: dict[str, Target] = {
    "input-grad": input_grad,
    "weight-grad": weight_grad,
    "bias-grad": bias_grad,
    "transpose": transpose,
}


def seed_by_x(name: str, form: str = "") -> Callable[[Callable[..., Any]], None]:
    """Two implementations that misread: of the input gradient, and of the transpose.

    The function takes (grad_y, weight, options) for others. The sizes are right.
    """

    def add(reading: Callable[..., Any]) -> None:
        @seed("input-grad", name, form)
        def _(grad_y, weight, x_shape, **o):
            grad_y, weight, o = reading(grad_y, weight, o)
            return input_grad(grad_y, weight, x_shape, **o)

        @seed("transpose", name, form)
        def _(x, weight, bias, *, output_padding, **o):
            shape = size_of(x, weight, o, output_padding)
            image, weight, o = reading(x, weight, o)
            return rounded_to_result(x, with_bias(scattered(image, weight, shape, o), bias))

    return add


def misread_options(
    name: str, form: str, change: Callable[[Any], Any], *, size: bool = True
) -> None:
    """Options taken for others: in both gradients, and in the transpose, whose size then is right,
    or, with `size`, follows from them as well.
    """
    seed_by_x(name, form)(lambda grad_y, weight, o: (grad_y, weight, o | change(o)))

    @seed("weight-grad", name, form)
    def _(grad_y, x, weight_shape, **o):
        return weight_grad(grad_y, x, weight_shape, **(o | change(o)))

    if size:

        @seed("transpose", name, f"{form}; the size follows" if form else "the size follows")
        def _(x, weight, bias, *, output_padding, **o):
            return transpose(x, weight, bias, output_padding=output_padding, **(o | change(o)))


# --- strides, dilations, pads --------------------------------------------------------------------


misread_options("stride-swapped", "", lambda o: {"stride": o["stride"][::-1]})
misread_options("stride-ignored", "both", lambda o: {"stride": (1, 1)})
misread_options("stride-ignored", "of columns", lambda o: {"stride": (o["stride"][0], 1)})
misread_options("stride-doubled", "", lambda o: {"stride": tuple(2 * s for s in o["stride"])})
misread_options("stride-of-one-axis", "rows", lambda o: {"stride": (o["stride"][0],) * 2})
misread_options("dilation-swapped", "", lambda o: {"dilation": o["dilation"][::-1]})
misread_options("dilation-ignored", "", lambda o: {"dilation": (1, 1)})
misread_options(
    "dilation-off-by-one", "", lambda o: {"dilation": tuple(d + 1 for d in o["dilation"])}
)
misread_options("dilation-of-one-axis", "rows", lambda o: {"dilation": (o["dilation"][0],) * 2})
misread_options(
    "stride-dilation-exchanged", "", lambda o: {"stride": o["dilation"], "dilation": o["stride"]}
)
misread_options(
    "pads-swapped-ends", "", lambda o: {"padding": tuple(p[::-1] for p in o["padding"])},
    size=False,
)  # fmt: skip
misread_options("pads-swapped-axes", "", lambda o: {"padding": o["padding"][::-1]})
misread_options("padding-missing", "", lambda o: {"padding": ((0, 0), (0, 0))}, size=False)
misread_options("padding-missing", "of rows", lambda o: {"padding": ((0, 0), o["padding"][1])})
misread_options("pads-of-one-axis", "rows", lambda o: {"padding": (o["padding"][0],) * 2})


misread_options(
    "pads-off-by-one", "1 too many",
    lambda o: {"padding": tuple((a + 1, b + 1) for a, b in o["padding"])}, size=False,
)  # fmt: skip


def ungathered(
    grad_y: Array, weight: Array, x_shape: Any, o: Any, *, rows: bool, cut: bool = False
) -> Array:
    """The input gradient cell by cell, a window found by a division by the stride whose remainder
    is not looked at: along W, and with `rows` along H. `cut` divides towards zero.
    """
    wide, G = type_of_sums(grad_y), o["groups"]
    (sh, sw), (dh, dw), ((pt, _), (pl, _)) = o["stride"], o["dilation"], o["padding"]
    (N, F, OH, OW), (_, Cg, KH, KW), (_, C, H, W) = grad_y.shape, weight.shape, x_shape
    sums = np.zeros(x_shape, wide)
    g = grad_y.astype(wide).reshape(N, G, F // G, OH, OW)
    w = weight.astype(wide).reshape(G, F // G, Cg, KH, KW)

    def window(ahead: int, s: int) -> int:
        return int(ahead / s) if cut else ahead // s

    with np.errstate(all="ignore"):
        for h, v, kh, kw in product(range(H), range(W), range(KH), range(KW)):
            down, across = h + pt - kh * dh, v + pl - kw * dw
            if not rows and down % sh:
                continue
            oh, ow = window(down, sh), window(across, sw)
            if 0 <= oh < OH and 0 <= ow < OW:
                part = np.einsum("ngf,gfc->ngc", g[..., oh, ow], w[..., kh, kw])
                sums[:, :, h, v] += part.reshape(N, C)
    return sums


for _form, _how in (
    ("both", {"rows": True}), ("columns", {"rows": False}), ("cut off", {"rows": True, "cut": True})
):  # fmt: skip

    @seed("input-grad", "stride-remainder-unchecked", _form)
    def _(grad_y, weight, x_shape, _how=_how, **o):
        return rounded_to_result(grad_y, ungathered(grad_y, weight, x_shape, o, **_how))

    @seed("transpose", "stride-remainder-unchecked", _form)
    def _(x, weight, bias, *, output_padding, _how=_how, **o):
        shape = size_of(x, weight, o, output_padding)
        return rounded_to_result(x, with_bias(ungathered(x, weight, shape, o, **_how), bias))


def shifted(sums: Array, rows: int, columns: int) -> Array:
    """Everything so many cells further on; zeros before."""
    H, W = sums.shape[2:]
    return np.pad(sums, ((0, 0), (0, 0), (rows, 0), (columns, 0)))[:, :, :H, :W]


def with_zeros_before(grad_y: Array, weight: Array, x_shape: Any, o: Any) -> Array:
    """The input gradient whose zeros between cells come before each one."""
    (pt, _pb), (pl, _pr) = o["padding"]
    whole = scattered(grad_y, weight, x_shape, o, kept=True)
    H, W = x_shape[2:]
    rows, columns = (s - 1 for s in o["stride"])
    return shifted(whole, rows, columns)[:, :, pt : pt + H, pl : pl + W]


@seed("input-grad", "zeros-before-cells")
def _(grad_y, weight, x_shape, **o):
    return rounded_to_result(grad_y, with_zeros_before(grad_y, weight, x_shape, o))


@seed("transpose", "zeros-before-cells")
def _(x, weight, bias, *, output_padding, **o):
    shape = size_of(x, weight, o, output_padding)
    return rounded_to_result(x, with_bias(with_zeros_before(x, weight, shape, o), bias))


def reshuffled(y: Array, o: Any) -> Array:
    """Each block of stride x stride cells, of (h, w), written as if of (w, h)."""
    sh, sw = o["stride"]
    N, C, H, W = y.shape
    rows, columns = H // sh, W // sw
    blocks = y[:, :, : rows * sh, : columns * sw].reshape(N, C, rows, sh, columns, sw)
    blocks = blocks.transpose(0, 1, 2, 4, 3, 5).reshape(N, C, rows, columns, sw, sh)
    z = y.copy()
    z[:, :, : rows * sh, : columns * sw] = blocks.transpose(0, 1, 2, 5, 3, 4).reshape(
        N, C, rows * sh, columns * sw
    )
    return z


@seed("input-grad", "stride-phases-swapped")
def _(grad_y, weight, x_shape, **o):
    return reshuffled(input_grad(grad_y, weight, x_shape, **o), o)


@seed("transpose", "stride-phases-swapped")
def _(x, weight, bias, **o):
    return reshuffled(transpose(x, weight, bias, **o), o)


@seed("transpose", "output-times-stride")
def _(x, weight, bias, *, output_padding, **o):
    size = (n * s for n, s in zip(x.shape[2:], o["stride"], strict=True))
    shape = (len(x), weight.shape[1] * o["groups"], *size)
    (pt, pb), (pl, pr) = o["padding"]
    H, W = shape[2:]
    far = o | {"padding": ((pt, max(0, pb) + H), (pl, max(0, pr) + W))}
    return rounded_to_result(x, with_bias(scattered(x, weight, shape, far), bias))


def uncropped(grad_y: Array, x: Array, weight_shape: Any, o: Any) -> Array:
    """The weight gradient for all kernel cells that the image leaves room for."""
    axes = zip(x.shape[2:], o["padding"], grad_y.shape[2:], o["stride"], o["dilation"], strict=True)
    kernel = ((n + sum(p) - (size - 1) * s - 1) // d + 1 for n, p, size, s, d in axes)
    return weight_grad(grad_y, x, (*weight_shape[:2], *kernel), **o)


@seed("weight-grad", "grad-not-cropped")
def _(grad_y, x, weight_shape, **o):
    return uncropped(grad_y, x, weight_shape, o)


@seed("weight-grad", "grad-not-cropped", "at the wrong end")
def _(grad_y, x, weight_shape, **o):
    KH, KW = weight_shape[2:]
    return uncropped(grad_y, x, weight_shape, o)[:, :, -KH:, -KW:]


def spread_and_convolved(grad_y: Array, weight: Array, size: Any, o: Any) -> Array:
    """The transpose as a convolution with the turned kernel, of grad_y with zeros between its
    cells, which is padded by p where d*(k - 1) - p would be right.
    """
    (sh, sw), (pt, _), (pl, _) = o["stride"], *o["padding"]
    G, (F, Cg, KH, KW), (N, _, OH, OW) = o["groups"], weight.shape, grad_y.shape
    rows, columns = pt + (OH - 1) * sh + 1, pl + (OW - 1) * sw + 1
    spread = np.zeros((N, F, rows, columns), grad_y.dtype)
    spread[:, :, pt::sh, pl::sw] = grad_y
    turned = weight[:, :, ::-1, ::-1].reshape(G, F // G, Cg, KH, KW).swapaxes(1, 2)
    turned = turned.reshape(G * Cg, F // G, KH, KW)
    return convolved(spread, turned, None, (1, 1), o["dilation"], G, size)


@seed("input-grad", "pads-not-complemented", "as a convolution of the spread-out grad_y")
def _(grad_y, weight, x_shape, **o):
    return rounded_to_result(grad_y, spread_and_convolved(grad_y, weight, x_shape[2:], o))


@seed("transpose", "pads-not-complemented", "as a convolution of the spread-out x")
def _(x, weight, bias, *, output_padding, **o):
    shape = size_of(x, weight, o, output_padding)
    y = spread_and_convolved(x, weight, shape[2:], o)
    return rounded_to_result(x, with_bias(y, bias))


@seed("transpose", "pads-not-complemented", "the size follows")
def _(x, weight, bias, *, output_padding, **o):
    reach = zip(weight.shape[2:], o["dilation"], o["padding"], output_padding, strict=True)
    ends = [(sum(p) + more, d * (k - 1)) for k, d, p, more in reach]
    size = [
        (n - 1) * s + 1 + more - less
        for n, s, (more, less) in zip(x.shape[2:], o["stride"], ends, strict=True)
    ]
    if min(size) < 1:
        raise ValueError("the kernel is larger than the padded image")
    y = spread_and_convolved(x, weight, size, o)
    return rounded_to_result(x, with_bias(y, bias))


@seed("transpose", "pads-symmetric", "as before the data; the size follows")
def _(x, weight, bias, *, output_padding, **o):
    pads = tuple((p[0], p[0]) for p in o["padding"])
    return transpose(x, weight, bias, output_padding=output_padding, **(o | {"padding": pads}))


@seed("transpose", "pads-order", "ONNX's (top, left, bottom, right) taken for pairs")
def _(x, weight, bias, *, output_padding, **o):
    (pt, pb), (pl, pr) = o["padding"]
    pads = ((pt, pl), (pb, pr))
    return transpose(x, weight, bias, output_padding=output_padding, **(o | {"padding": pads}))


@seed("input-grad", "grad-of-padding-kept")
def _(grad_y, weight, x_shape, **o):
    return rounded_to_result(grad_y, scattered(grad_y, weight, x_shape, o, kept=True))


@seed("transpose", "padding-missing", "nothing is cut off")
def _(x, weight, bias, *, output_padding, **o):
    shape = size_of(x, weight, o, output_padding)
    return rounded_to_result(x, with_bias(scattered(x, weight, shape, o, kept=True), bias))


def folded(grad_xp: Array, padding: Any, where: Callable[..., Any]) -> Array:
    """The gradients of pads added to the cells of the image that they were copied from."""
    for axis, (before, after) in zip((2, 3), padding, strict=True):
        size = grad_xp.shape[axis] - before - after
        cell = where(np.arange(-before, size + after), size)
        folded_up = np.zeros(
            (*grad_xp.shape[:axis], size, *grad_xp.shape[axis + 1 :]), grad_xp.dtype
        )
        np.add.at(np.moveaxis(folded_up, axis, 0), cell, np.moveaxis(grad_xp, axis, 0))
        grad_xp = folded_up
    return grad_xp


@seed("input-grad", "padding-circular", "an index that wraps around")
def _(grad_y, weight, x_shape, **o):
    whole = scattered(grad_y, weight, x_shape, o, kept=True)
    sums = folded(whole, o["padding"], lambda cell, size: cell % size)
    return rounded_to_result(grad_y, sums)


@seed("input-grad", "padding-replicate", "an index that is clipped")
def _(grad_y, weight, x_shape, **o):
    whole = scattered(grad_y, weight, x_shape, o, kept=True)
    sums = folded(whole, o["padding"], lambda cell, size: np.clip(cell, 0, size - 1))
    return rounded_to_result(grad_y, sums)


for _name, _mode in (
    ("padding-circular", "wrap"), ("padding-replicate", "edge"), ("padding-reflect", "reflect"),
):  # fmt: skip

    @seed("weight-grad", _name, _mode)
    def _(grad_y, x, weight_shape, *, padding, _mode=_mode, **o):
        xp = np.pad(x, ((0, 0), (0, 0), *padding), mode=_mode) if x.size else padded(x, padding)
        return rounded_to_result(grad_y, gathered(grad_y, xp, weight_shape, o))


@seed("weight-grad", "pads-other-same")
def _(grad_y, x, weight_shape, **o):
    upper, lower = (same(x, np.empty(weight_shape), o, lower=lower) for lower in (False, True))
    pads = {upper: lower, lower: upper}.get(o["padding"], o["padding"])
    return weight_grad(grad_y, x, weight_shape, **(o | {"padding": pads}))


@seed("weight-grad", "pads-ignore-dilation")
def _(grad_y, x, weight_shape, **o):
    weight = np.empty(weight_shape)
    is_same = o["padding"] == same(x, weight, o)
    pads = same(x, weight, o, dense=True) if is_same else o["padding"]
    return weight_grad(grad_y, x, weight_shape, **(o | {"padding": pads}))


@seed("weight-grad", "pad-value", "1")
def _(grad_y, x, weight_shape, **o):
    return weight_grad(grad_y, x, weight_shape, fill=1, **o)


# --- the kernel ----------------------------------------------------------------------------------


def turned_memory(weight: Array) -> Array:
    """The kernel's memory read column by column."""
    F, Cg, KH, KW = weight.shape
    return weight.reshape(F, Cg, KW, KH).swapaxes(2, 3)


KERNELS: tuple[tuple[str, str, Callable[[Array], Array]], ...] = (
    ("kernel-rotated-180", "", lambda w: w[:, :, ::-1, ::-1]),
    ("kernel-flipped-h", "", lambda w: w[:, :, ::-1]),
    ("kernel-flipped-w", "", lambda w: w[:, :, :, ::-1]),
    ("kernel-transposed", "in memory", turned_memory),
    ("kernel-transposed", "packed column by column", lambda w: w.swapaxes(2, 3).reshape(w.shape)),
    ("layout-weight", "(Cg, F, KH, KW)", lambda w: w.swapaxes(0, 1).reshape(w.shape)),
    ("layout-weight", "(KH, KW, Cg, F)", lambda w: w.transpose(2, 3, 1, 0).reshape(w.shape)),
)

for _name, _form, _change in KERNELS:
    seed_by_x(_name, _form)(lambda grad_y, weight, o, _change=_change: (grad_y, _change(weight), o))

    @seed("weight-grad", _name, f"{_form} of the result" if _form else "the result")
    def _(grad_y, x, weight_shape, _change=_change, **o):
        return _change(weight_grad(grad_y, x, weight_shape, **o))


# --- groups --------------------------------------------------------------------------------------


def interleaved(a: Array, G: int, axis: int = 1) -> Array:
    """Channels of G groups one by one in turn."""
    rows = np.moveaxis(a, axis, 0)
    rows = rows.reshape(G, len(rows) // G, *rows.shape[1:]).swapaxes(0, 1).reshape(rows.shape)
    return np.moveaxis(rows, 0, axis)


@seed("input-grad", "groups-interleaved-output", "grad_y's channels")
def _(grad_y, weight, x_shape, **o):
    return input_grad(interleaved(grad_y, o["groups"]), weight, x_shape, **o)


@seed("input-grad", "groups-interleaved-input", "the result's channels")
def _(grad_y, weight, x_shape, **o):
    return interleaved(input_grad(grad_y, weight, x_shape, **o), o["groups"])


@seed("transpose", "groups-interleaved-input", "x's channels")
def _(x, weight, bias, **o):
    return transpose(interleaved(x, o["groups"]), weight, bias, **o)


@seed("transpose", "groups-interleaved-output", "before the bias is added")
def _(x, weight, bias, *, output_padding, **o):
    shape = size_of(x, weight, o, output_padding)
    sums = interleaved(scattered(x, weight, shape, o), o["groups"])
    return rounded_to_result(x, with_bias(sums, bias))


@seed("weight-grad", "groups-interleaved-output", "grad_y's channels")
def _(grad_y, x, weight_shape, **o):
    return weight_grad(interleaved(grad_y, o["groups"]), x, weight_shape, **o)


@seed("weight-grad", "groups-interleaved-input", "x's channels")
def _(grad_y, x, weight_shape, **o):
    return weight_grad(grad_y, interleaved(x, o["groups"]), weight_shape, **o)


@seed("weight-grad", "groups-all-read-first")
def _(grad_y, x, weight_shape, **o):
    first = np.tile(x[:, : weight_shape[1]], (1, o["groups"], 1, 1))
    return weight_grad(grad_y, first, weight_shape, **o)


@seed("input-grad", "groups-all-read-first", "all add to the first group's channels")
def _(grad_y, weight, x_shape, **o):
    sums = scattered(grad_y, weight, x_shape, o)
    N, _, H, W = x_shape
    sums[:, : weight.shape[1]] = sums.reshape(N, o["groups"], weight.shape[1], H, W).sum(1)
    sums[:, weight.shape[1] :] = 0
    return rounded_to_result(grad_y, sums)


@seed("transpose", "groups-all-read-first")
def _(x, weight, bias, **o):
    first = np.tile(x[:, : x.shape[1] // o["groups"]], (1, o["groups"], 1, 1))
    return transpose(first, weight, bias, **o)


seed_by_x("groups-ignored", "every output channel counts for every input channel")(
    lambda grad_y, weight, o: (
        grad_y, np.tile(weight, (1, o["groups"], 1, 1)), o | {"groups": 1}
    )
)  # fmt: skip

seed_by_x("groups-first-only", "zeros else")(
    lambda grad_y, weight, o: (
        np.where(np.arange(len(weight))[:, None, None] < len(weight) // o["groups"], grad_y, 0)
        .astype(grad_y.dtype), weight, o,
    )
)  # fmt: skip


@seed("weight-grad", "groups-first-only", "zeros else")
def _(grad_y, x, weight_shape, **o):
    y = weight_grad(grad_y, x, weight_shape, **o)
    y[len(y) // o["groups"] :] = 0
    return y


@seed("weight-grad", "groups-ignored", "the weights of all channels, (F, C, KH, KW)")
def _(grad_y, x, weight_shape, **o):
    F, Cg, KH, KW = weight_shape
    return weight_grad(grad_y, x, (F, Cg * o["groups"], KH, KW), **(o | {"groups": 1}))


seed_by_x("groups-share-weights")(
    lambda grad_y, weight, o: (
        grad_y, np.tile(weight[: len(weight) // o["groups"]], (o["groups"], 1, 1, 1)), o
    )
)  # fmt: skip


def weights_at_offset(weight: Array, G: int, behind: str) -> Array:
    """The groups' weights as far apart as their input channels are."""
    starts = [g * weight.shape[1] for g in range(G)]
    return channels_from(weight[None], starts, len(weight) // G, behind)[0]


for _behind in ("zeros", "the first"):
    seed_by_x("groups-weight-offset", f"{_behind} behind the last one")(
        lambda grad_y, weight, o, _behind=_behind: (
            grad_y, weights_at_offset(weight, o["groups"], _behind), o
        )
    )  # fmt: skip


@seed("weight-grad", "groups-first-repeated")
def _(grad_y, x, weight_shape, **o):
    y = weight_grad(grad_y, x, weight_shape, **o)
    return np.tile(y[: len(y) // o["groups"]], (o["groups"], 1, 1, 1))


def first_of_groups(grad_y: Array, G: int) -> Array:
    """The first group's channels for all groups."""
    return np.tile(grad_y[:, : grad_y.shape[1] // G], (1, G, 1, 1))


def at_offset(grad_y: Array, weight_shape: Any, G: int, behind: str) -> Array:
    """The groups' channels as far apart as those of x are."""
    starts = [g * weight_shape[1] for g in range(G)]
    return channels_from(grad_y, starts, grad_y.shape[1] // G, behind)


@seed("input-grad", "gradient-groups-all-read-first")
def _(grad_y, weight, x_shape, **o):
    return input_grad(first_of_groups(grad_y, o["groups"]), weight, x_shape, **o)


@seed("weight-grad", "gradient-groups-all-read-first")
def _(grad_y, x, weight_shape, **o):
    return weight_grad(first_of_groups(grad_y, o["groups"]), x, weight_shape, **o)


for _behind in ("zeros", "memory", "the first"):

    @seed("input-grad", "gradient-groups-offset", f"{_behind} behind the last channel")
    def _(grad_y, weight, x_shape, _behind=_behind, **o):
        read = at_offset(grad_y, weight.shape, o["groups"], _behind)
        return input_grad(read, weight, x_shape, **o)

    @seed("weight-grad", "gradient-groups-offset", f"{_behind} behind the last channel")
    def _(grad_y, x, weight_shape, _behind=_behind, **o):
        read = at_offset(grad_y, weight_shape, o["groups"], _behind)
        return weight_grad(read, x, weight_shape, **o)

    @seed("transpose", "groups-input-offset", f"{_behind} behind the last channel")
    def _(x, weight, bias, _behind=_behind, **o):
        return transpose(at_offset(x, weight.shape, o["groups"], _behind), weight, bias, **o)

    @seed("weight-grad", "groups-input-offset", f"{_behind} behind the last channel")
    def _(grad_y, x, weight_shape, _behind=_behind, **o):
        Fg = weight_shape[0] // o["groups"]
        starts = [g * Fg for g in range(o["groups"])]
        read = channels_from(x, starts, weight_shape[1], _behind)
        return weight_grad(grad_y, read, weight_shape, **o)


@seed("input-grad", "groups-input-offset", "added there; what is behind the last channel is lost")
def _(grad_y, weight, x_shape, **o):
    sums = scattered(grad_y, weight, x_shape, o)
    G, Cg = o["groups"], weight.shape[1]
    elsewhere = np.zeros_like(sums)
    for g in range(G):
        first = g * (len(weight) // G)
        room = elsewhere[:, first : first + Cg]
        room += sums[:, g * Cg : g * Cg + room.shape[1]]
    return rounded_to_result(grad_y, elsewhere)


@seed("transpose", "groups-output-offset", "added there; what is behind the last channel is lost")
def _(x, weight, bias, *, output_padding, **o):
    sums = scattered(x, weight, size_of(x, weight, o, output_padding), o)
    G, Cg = o["groups"], weight.shape[1]
    elsewhere = np.zeros_like(sums)
    for g in range(G):
        first = g * (len(weight) // G)
        room = elsewhere[:, first : first + Cg]
        room += sums[:, g * Cg : g * Cg + room.shape[1]]
    return rounded_to_result(x, with_bias(elsewhere, bias))


def for_m_c(weight: Array, o: Any) -> Array:
    """A depthwise weight, of several outputs a channel, whose rows are taken for (M, C)."""
    F, G = len(weight), o["groups"]
    M = F // G if weight.shape[1] == 1 and F > G else 1
    return interleaved(weight, M, axis=0)


seed_by_x("multiplier-order", "the weight is taken for (M, C)")(
    lambda grad_y, weight, o: (grad_y, for_m_c(weight, o), o)
)


def first_filters(weight: Array, o: Any) -> Array:
    """A depthwise weight in which all filters of a channel are its first."""
    F, G = len(weight), o["groups"]
    M = F // G if weight.shape[1] == 1 and F > G else 1
    return weight[np.arange(F) // M * M]


seed_by_x("multiplier-ignored", "M filters of a channel are its first")(
    lambda grad_y, weight, o: (grad_y, first_filters(weight, o), o)
)


# --- sums ----------------------------------------------------------------------------------------


@seed("input-grad", "grad-overwrites-overlaps", "kernel cell by kernel cell")
def _(grad_y, weight, x_shape, **o):
    return rounded_to_result(grad_y, scattered(grad_y, weight, x_shape, o, put="assign"))


@seed("transpose", "grad-overwrites-overlaps", "kernel cell by kernel cell")
def _(x, weight, bias, *, output_padding, **o):
    shape = size_of(x, weight, o, output_padding)
    return rounded_to_result(x, with_bias(scattered(x, weight, shape, o, put="assign"), bias))


def window_by_window(grad_y: Array, weight: Array, x_shape: Any, o: Any, *, loops: bool) -> Array:
    """Windows assigned one after the other; with `loops`, channel by channel too."""
    wide = type_of_sums(grad_y)
    (sh, sw), (dh, dw), G = o["stride"], o["dilation"], o["groups"]
    (pt, pb), (pl, pr) = o["padding"]
    (N, F, OH, OW), (_, Cg, KH, KW) = grad_y.shape, weight.shape
    _, C, H, W = x_shape
    sums = np.zeros((N, C, pt + H + pb, pl + W + pr), wide)
    w = weight.astype(wide).reshape(G, F // G, Cg, KH, KW)
    if loops:
        w = w * (np.arange(F // G) == F // G - 1)[:, None, None, None]
    for oh, ow in product(range(OH), range(OW)):
        g = grad_y[:, :, oh, ow].astype(wide).reshape(N, G, F // G)
        window = np.einsum("ngf,gfchw->ngchw", g, w).reshape(N, C, KH, KW)
        top, left = oh * sh, ow * sw
        sums[:, :, top : top + (KH - 1) * dh + 1 : dh, left : left + (KW - 1) * dw + 1 : dw] = (
            window
        )
    return sums[:, :, pt : pt + H, pl : pl + W]


for _form, _loops in (("window by window", False), ("in plain loops, = instead of +=", True)):

    @seed("input-grad", "grad-overwrites-overlaps", _form)
    def _(grad_y, weight, x_shape, _loops=_loops, **o):
        sums = window_by_window(grad_y, weight, x_shape, o, loops=_loops)
        return rounded_to_result(grad_y, sums)


@seed("input-grad", "grad-overlaps-averaged")
def _(grad_y, weight, x_shape, **o):
    if grad_y.dtype.kind in "iu":
        return input_grad(grad_y, weight, x_shape, **o)
    return rounded_to_result(grad_y, scattered(grad_y, weight, x_shape, o, put="mean"))


@seed("transpose", "grad-overlaps-averaged")
def _(x, weight, bias, *, output_padding, **o):
    put = "add" if x.dtype.kind in "iu" else "mean"
    shape = size_of(x, weight, o, output_padding)
    return rounded_to_result(x, with_bias(scattered(x, weight, shape, o, put=put), bias))


def dropped(sums: Array, o: Any, phases: Callable[[int, int], bool]) -> Array:
    """Zeros where the phase, the place along each axis modulo the stride, is one of those."""
    sh, sw = o["stride"]
    for a, b in product(range(sh), range(sw)):
        if phases(a, b) and (sh, sw) != (1, 1):
            sums[:, :, a::sh, b::sw] = 0
    return sums


for _form, _phases in (
    ("all but the first", lambda a, b: (a, b) != (0, 0)),
    ("the last column's", lambda a, b: b == 1),
):

    @seed("input-grad", "stride-phase-dropped", _form)
    def _(grad_y, weight, x_shape, _phases=_phases, **o):
        sums = dropped(scattered(grad_y, weight, x_shape, o), o, _phases)
        return rounded_to_result(grad_y, sums)

    @seed("transpose", "stride-phase-dropped", _form)
    def _(x, weight, bias, *, output_padding, _phases=_phases, **o):
        shape = size_of(x, weight, o, output_padding)
        sums = dropped(scattered(x, weight, shape, o), o, _phases)
        return rounded_to_result(x, with_bias(sums, bias))


def of_gradient(name: str, form: str, change: Callable[[Array], Array]) -> None:
    """Weight and bias gradients that take grad_y for another."""

    @seed("weight-grad", name, form)
    def _(grad_y, x, weight_shape, **o):
        return weight_grad(change(grad_y), x, weight_shape, **o)

    @seed("bias-grad", name, form)
    def _(grad_y):
        return bias_grad(change(grad_y))


def only(grad_y: Array, kept: Any) -> Array:
    """Zeros but there."""
    one = np.zeros_like(grad_y)
    one[kept] = grad_y[kept]
    return one


of_gradient("batch-not-summed", "the first image's", lambda g: only(g, np.s_[:1]))
of_gradient("batch-not-summed", "the last image's", lambda g: only(g, np.s_[-1:]))
of_gradient("sums-overwritten", "", lambda g: only(g, np.s_[-1:, :, -1:, -1:]))


def without(grad_y: Array, part: Any) -> Array:
    """Zeros there."""
    rest = grad_y.copy()
    rest[part] = 0
    return rest


def whole_vectors(grad_y: Array) -> Array:
    """Zeros at the places behind the last whole vector of 8, if there is one."""
    N, F, OH, OW = grad_y.shape
    rest = grad_y.reshape(N, F, OH * OW).copy()
    rest[:, :, OH * OW // 8 * 8 or OH * OW :] = 0
    return rest.reshape(grad_y.shape)


of_gradient("sums-end-early", "without the last row", lambda g: without(g, np.s_[:, :, -1:]))
of_gradient("sums-end-early", "without the last column", lambda g: without(g, np.s_[..., -1:]))
of_gradient(
    "sums-end-early", "without the last image, of more than one",
    lambda g: without(g, np.s_[max(1, len(g) - 1) :]),
)  # fmt: skip
of_gradient(
    "sums-end-early", "without the last place", lambda g: without(g, np.s_[-1:, :, -1:, -1:])
)
of_gradient("sums-end-early", "whole vectors of 8 places only", whole_vectors)


for _form, _part in (
    ("without the last row", np.s_[:, :, -1:]), ("without the last column", np.s_[..., -1:]),
):  # fmt: skip

    @seed("input-grad", "sums-end-early", _form)
    def _(grad_y, weight, x_shape, _part=_part, **o):
        return input_grad(without(grad_y, _part), weight, x_shape, **o)


def averaged(form: str, count: Callable[[Any], int], *gradients: str) -> None:
    """Gradients that are means."""
    for of in gradients:

        @seed(of, "grad-averaged", form)
        def _(grad_y, *others, _of=of, **o):
            y = RIGHT[_of](grad_y, *others, **o)
            if y.dtype.kind in "iu":
                return y
            return (y / np.asarray(max(1, count(grad_y.shape)), y.dtype)).astype(y.dtype)


averaged("over images", lambda s: s[0], "input-grad", "weight-grad", "bias-grad")
averaged("over places", lambda s: s[2] * s[3], "weight-grad", "bias-grad")
averaged("over both", lambda s: s[0] * s[2] * s[3], "weight-grad", "bias-grad")


for _of, _factor in product(RIGHT, (-1, 0.5)):

    @seed(_of, "scaled", f"by {_factor}")
    def _(grad_y, *others, _of=_of, _factor=_factor, **o):
        y = RIGHT[_of](grad_y, *others, **o)
        return y if y.dtype.kind in "iu" else (y * np.asarray(_factor, y.dtype)).astype(y.dtype)


def zeroed(weight: Array, taps: Any) -> Array:
    """The weights, some of them 0."""
    weight = weight.copy()
    weight[taps] = 0
    return weight


TAPS = (
    ("tap-dropped", "the last kernel cell", np.s_[:, :, -1, -1]),
    ("tap-dropped", "the first kernel cell", np.s_[:, :, 0, 0]),
    ("channel-dropped", "the last of each group", np.s_[:, -1:]),
)

for _name, _form, _taps in TAPS:
    seed_by_x(_name, _form)(
        lambda grad_y, weight, o, _taps=_taps: (grad_y, zeroed(weight, _taps), o)
    )

    @seed("weight-grad", _name, _form)
    def _(grad_y, x, weight_shape, _taps=_taps, **o):
        return zeroed(weight_grad(grad_y, x, weight_shape, **o), _taps)


def last_of_group(weight: Array, o: Any) -> Any:
    """The last output channel of each group."""
    Fg = len(weight) // o["groups"]
    return np.s_[Fg - 1 :: Fg] if Fg else np.s_[:0]


seed_by_x("channel-dropped", "the last output channel of each group")(
    lambda grad_y, weight, o: (grad_y, zeroed(weight, last_of_group(weight, o)), o)
)


# --- memory --------------------------------------------------------------------------------------


def as_nhwc(a: Array) -> Array:
    """The memory read as NHWC."""
    N, C, H, W = a.shape
    return a.reshape(N, H, W, C).transpose(0, 3, 1, 2)


def made_nhwc(a: Array) -> Array:
    """The memory written as NHWC."""
    return a.transpose(0, 2, 3, 1).reshape(a.shape)


of_gradient("layout-gradient", "NHWC was meant", as_nhwc)
of_gradient("layout-gradient", "was made NHWC", made_nhwc)


for _form, _how in (("NHWC was meant", as_nhwc), ("was made NHWC", made_nhwc)):

    @seed("input-grad", "layout-gradient", _form)
    def _(grad_y, weight, x_shape, _how=_how, **o):
        return input_grad(_how(grad_y), weight, x_shape, **o)

    @seed("weight-grad", "layout-input", _form)
    def _(grad_y, x, weight_shape, _how=_how, **o):
        return weight_grad(grad_y, _how(x), weight_shape, **o)

    @seed("transpose", "layout-input", _form)
    def _(x, weight, bias, _how=_how, **o):
        return transpose(_how(x), weight, bias, **o)


of_gradient("pitch-gradient", "", pitched)


@seed("input-grad", "pitch-gradient")
def _(grad_y, weight, x_shape, **o):
    return input_grad(pitched(grad_y), weight, x_shape, **o)


@seed("weight-grad", "pitch-input")
def _(grad_y, x, weight_shape, **o):
    return weight_grad(grad_y, pitched(x), weight_shape, **o)


@seed("transpose", "pitch-input")
def _(x, weight, bias, **o):
    return transpose(pitched(x), weight, bias, **o)


seed_by_x("pitch-weight", "modulo the plane")(
    lambda grad_y, weight, o: (grad_y, pitched(weight, wrap=True), o)
)


def added_with_pitch(sums: Array) -> Array:
    """Rows added to memory as far apart as there are rows, starting again in each plane."""
    N, C, H, W = sums.shape
    added = np.zeros((N, C, H * W), sums.dtype)
    for h, w in np.ndindex(H, W):
        added[:, :, (h * H + w) % (H * W)] += sums[:, :, h, w]
    return added.reshape(sums.shape)


@seed("input-grad", "pitch-input", "rows are added with it")
def _(grad_y, weight, x_shape, **o):
    sums = added_with_pitch(scattered(grad_y, weight, x_shape, o))
    return rounded_to_result(grad_y, sums)


@seed("transpose", "pitch-output", "rows are added with it")
def _(x, weight, bias, *, output_padding, **o):
    shape = size_of(x, weight, o, output_padding)
    sums = added_with_pitch(scattered(x, weight, shape, o))
    return rounded_to_result(x, with_bias(sums, bias))


@seed("weight-grad", "input-mirrored", "upside down")
def _(grad_y, x, weight_shape, **o):
    return weight_grad(grad_y, x[:, :, ::-1], weight_shape, **o)


@seed("input-grad", "input-mirrored", "the result upside down")
def _(grad_y, weight, x_shape, **o):
    return input_grad(grad_y, weight, x_shape, **o)[:, :, ::-1]


@seed("transpose", "input-mirrored", "upside down")
def _(x, weight, bias, **o):
    return transpose(x[:, :, ::-1], weight, bias, **o)


@seed("weight-grad", "batch-repeated", "the pointer to x stays at image 0")
def _(grad_y, x, weight_shape, **o):
    return weight_grad(grad_y, np.repeat(x[:1], len(x), axis=0), weight_shape, **o)


seed_by_x("batch-repeated", "the pointer stays at image 0")(
    lambda grad_y, weight, o: (np.repeat(grad_y[:1], len(grad_y), axis=0), weight, o)
)


for _of in BY_X:

    @seed(_of, "batch-accumulated", "")
    def _(grad_y, *others, _of=_of, **o):
        y = RIGHT[_of](grad_y, *others, **o)
        return np.cumsum(y, 0, dtype=y.dtype)

    @seed(_of, "tail-of-batch", "")
    def _(grad_y, *others, _of=_of, **o):
        y = RIGHT[_of](grad_y, *others, **o)
        y[1:] = np.arange(y[1:].size).reshape(y[1:].shape)
        return y

    @seed(_of, "output-transposed", "in memory")
    def _(grad_y, *others, _of=_of, **o):
        y = RIGHT[_of](grad_y, *others, **o)
        return y.swapaxes(2, 3).reshape(y.shape)

    @seed(_of, "output-cropped", "the last row")
    def _(grad_y, *others, _of=_of, **o):
        return RIGHT[_of](grad_y, *others, **o)[:, :, :-1]

    @seed(_of, "single-pixel", "")
    def _(grad_y, *others, _of=_of, **o):
        y = RIGHT[_of](grad_y, *others, **o)
        y[:, :, -1:, -1:] += y[:, :, -1:, -1:] + np.ones((), y.dtype)
        return y

    @seed(_of, "tail-of-row", "columns behind the last whole vector of 4")
    def _(grad_y, *others, _of=_of, **o):
        y = RIGHT[_of](grad_y, *others, **o)
        first = y.shape[3] // 4 * 4
        if first:
            y[..., first:] = y[..., first - 1 : first]
        return y


for _of in RIGHT:

    @seed(_of, "input-modified", "grad_y is scaled in place")
    def _(grad_y, *others, _of=_of, **o):
        y = RIGHT[_of](grad_y, *others, **o)
        grad_y += np.ones((), grad_y.dtype)
        return y

    @seed(_of, "output-unwritten", "the last channel")
    def _(grad_y, *others, _of=_of, **o):
        y = RIGHT[_of](grad_y, *others, **o)
        if _of == "bias-grad":
            y[::2] = 0
        else:
            y[:, -1:] = -1
        return y

    @seed(_of, "output-reshaped", "one axis more")
    def _(grad_y, *others, _of=_of, **o):
        return RIGHT[_of](grad_y, *others, **o)[None]

    @seed(_of, "rectified", "")
    def _(grad_y, *others, _of=_of, **o):
        return np.maximum(RIGHT[_of](grad_y, *others, **o), 0)

    @seed(_of, "result-bfloat16", "")
    def _(grad_y, *others, _of=_of, **o):
        y = RIGHT[_of](grad_y, *others, **o)
        return y.astype(ml_dtypes.bfloat16).astype(y.dtype) if y.dtype == np.float32 else y

    @seed(_of, "result-float16", "")
    def _(grad_y, *others, _of=_of, **o):
        y = RIGHT[_of](grad_y, *others, **o)
        return half_precision(y) if y.dtype in (np.float32, np.float64) else y

    @seed(_of, "result-float32", "")
    def _(grad_y, *others, _of=_of, **o):
        y = RIGHT[_of](grad_y, *others, **o)
        return y.astype(np.float32).astype(y.dtype) if y.dtype == np.float64 else y


@seed("weight-grad", "output-unwritten", "rows behind the last whole block of 4")
def _(grad_y, x, weight_shape, **o):
    y = weight_grad(grad_y, x, weight_shape, **o)
    first = len(y) // 4 * 4
    if first:
        y[first:] = 0
    return y


# --- rounding and wrapping -----------------------------------------------------------------------


def is_whole(*arrays: Any) -> bool:
    """Whether all numbers are whole."""
    return all(
        a.dtype.kind in "iu" or bool((a == np.rint(a)).all())
        for a in arrays
        if isinstance(a, np.ndarray)
    )


for _of, _bits in product(RIGHT, (8, 16, 32)):
    if (_of, _bits) == ("bias-grad", 32):
        continue  # no sum of the suite is so large

    @seed(_of, f"wraps-int{_bits}", "sums")
    def _(grad_y, *others, _of=_of, _bits=_bits, **o):
        y = RIGHT[_of](grad_y, *others, **o)
        if not is_whole(grad_y, *others):
            return y
        exact = RIGHT[_of](
            *(a.astype(np.int64) if isinstance(a, np.ndarray) else a for a in (grad_y, *others)),
            **o,
        )
        return exact.astype(f"int{_bits}").astype(y.dtype)


for _of in RIGHT:

    @seed(_of, "saturates-int16", "at the end")
    def _(grad_y, *others, _of=_of, **o):
        y = RIGHT[_of](grad_y, *others, **o)
        return np.clip(y, -32768, 32767) if is_whole(grad_y, *others) else y


NARROW: dict[str, Callable[[Array], Array]] = {
    "operands-bfloat16": lambda a: cut(a, 8),
    "operands-tf32": lambda a: cut(a, 11),
    "operands-float16": half_precision,
    "operands-float32": lambda a: a.astype(np.float32).astype(a.dtype),
}

for _of, (_name, _round) in product(RIGHT, NARROW.items()):

    @seed(_of, _name, "all")
    def _(grad_y, *others, _of=_of, _round=_round, **o):
        if grad_y.dtype not in (np.float32, np.float64):
            return RIGHT[_of](grad_y, *others, **o)
        rounded = (_round(a) if isinstance(a, np.ndarray) else a for a in (grad_y, *others))
        return RIGHT[_of](*rounded, **o)


def narrow_sum(terms: Array, type_: Any) -> Array:
    """Along the last axis, one after the other, every total in that type."""
    total = np.zeros(terms.shape[:-1])
    with np.errstate(all="ignore"):
        for n in range(terms.shape[-1]):
            total = (total + terms[..., n]).astype(type_).astype(np.float64)
    return total


for _name, _type in (
    ("accumulator-float16", np.float16), ("accumulator-bfloat16", ml_dtypes.bfloat16),
    ("accumulator-float32", np.float32),
):  # fmt: skip

    @seed("bias-grad", _name, "one after the other")
    def _(grad_y, _type=_type):
        if grad_y.dtype.kind in "iu":
            return bias_grad(grad_y)
        rows = grad_y.swapaxes(0, 1).reshape(grad_y.shape[1], -1).astype(np.float64)
        return rounded_to_result(grad_y, narrow_sum(rows, _type))

    @seed("weight-grad", _name, "one after the other")
    def _(grad_y, x, weight_shape, _type=_type, **o):
        y = weight_grad(grad_y, x, weight_shape, **o)
        if y.dtype.kind in "iu":
            return y
        N, F, OH, OW = grad_y.shape
        _, Cg, KH, KW = weight_shape
        G, xp = o["groups"], padded(x, o["padding"])
        rows = grad_y.astype(np.float64).reshape(N, G, F // G, 1, OH * OW)
        for kh, kw, read in cells(xp, (KH, KW), o["stride"], o["dilation"], (OH, OW)):
            terms = rows * read.astype(np.float64).reshape(N, G, 1, Cg, OH * OW)
            terms = np.moveaxis(terms, 0, 3).reshape(F, Cg, N * OH * OW)
            y[:, :, kh, kw] = narrow_sum(terms, _type).astype(y.dtype)
        return y


# --- the bias ------------------------------------------------------------------------------------


def wrong_axes(name: str, form: str, change: Callable[[Array], Array]) -> None:
    """A bias gradient summed in another way, in the type that sums are kept in."""

    @seed("bias-grad", name, form)
    def _(grad_y):
        return rounded_to_result(grad_y, change(grad_y.astype(type_of_sums(grad_y))))


wrong_axes("bias-summed-over-batch-only", "(F, OH, OW)", lambda g: g.sum(0))
wrong_axes(
    "bias-summed-over-batch-only", "the first place's", lambda g: g[:, :, :1, :1].sum((0, 2, 3))
)
wrong_axes("bias-summed-over-space-only", "(N, F)", lambda g: g.sum((2, 3)))
wrong_axes("bias-summed-over-one-axis", "the first column", lambda g: g[:, :, :, :1].sum((0, 2, 3)))
wrong_axes("bias-summed-over-one-axis", "(F, OW)", lambda g: g.sum((0, 2)))
wrong_axes("bias-summed-over-channels", "(OW,)", lambda g: g.sum((0, 1, 2)))
wrong_axes(
    "bias-summed-over-channels", "everything, for each", lambda g: np.full(g.shape[1], g.sum())
)
wrong_axes("bias-summed-by-blocks", "", lambda g: g.reshape(g.shape[1], g[:, :1].size).sum(1))


def transposed_bias(name: str, change: Callable[[Array, Any], Array | None]) -> None:
    """A transposed convolution with another bias."""

    @seed("transpose", name)
    def _(x, weight, bias, **o):
        y = transpose(x, weight, None, **o)
        if bias is None:
            return y
        return rounded_to_result(x, with_bias(transpose_sums(x, weight, **o), change(bias, o)))


def transpose_sums(x: Array, weight: Array, *, output_padding: Any, **o: Any) -> Array:
    """Without the bias, in the type that sums are kept in."""
    return scattered(x, weight, size_of(x, weight, o, output_padding), o)


transposed_bias("bias-missing", lambda b, o: None)
transposed_bias(
    "bias-negated", lambda b, o: -b.astype(np.int64 if b.dtype.kind == "u" else b.dtype)
)
transposed_bias(
    "bias-doubled", lambda b, o: 2 * b.astype(np.int64 if b.dtype.kind in "iu" else b.dtype)
)
transposed_bias(
    "bias-restarts-per-group", lambda b, o: np.tile(b[: len(b) // o["groups"]], o["groups"])
)


@seed("transpose", "bias-by-batch")
def _(x, weight, bias, **o):
    sums = transpose_sums(x, weight, **o)
    if bias is not None and bias.size:
        sums = sums + bias.astype(sums.dtype)[np.arange(len(x)) % len(bias)][:, None, None, None]
    return rounded_to_result(x, sums)


@seed("bias-grad", "output-reshaped", "(1, F, 1, 1), as sums keep their axes")
def _(grad_y):
    return bias_grad(grad_y)[:, None, None][None]


# --- output padding ------------------------------------------------------------------------------


@seed("transpose", "output-padding-ignored", "the size follows")
def _(x, weight, bias, *, output_padding, **o):
    return transpose(x, weight, bias, output_padding=(0, 0), **o)


@seed("transpose", "output-padding-ignored", "zeros are appended")
def _(x, weight, bias, *, output_padding, **o):
    y = transpose(x, weight, bias, output_padding=(0, 0), **o)
    return np.pad(y, ((0, 0), (0, 0), (0, output_padding[0]), (0, output_padding[1])))


@seed("transpose", "output-padding-wrong-end", "it is cut off less before the data")
def _(x, weight, bias, *, output_padding, **o):
    (pt, _), (pl, _) = o["padding"]
    rows, columns = output_padding
    N, C, H, W = size_of(x, weight, o, output_padding)
    whole = scattered(x, weight, (N, C, H, W), o, kept=True)
    wide = np.pad(whole, ((0, 0), (0, 0), (rows, 0), (columns, 0)))
    return rounded_to_result(x, with_bias(wide[:, :, pt : pt + H, pl : pl + W], bias))


@seed("transpose", "output-padding-wrong-end", "zeros are put before")
def _(x, weight, bias, *, output_padding, **o):
    y = transpose(x, weight, bias, output_padding=(0, 0), **o)
    return np.pad(y, ((0, 0), (0, 0), (output_padding[0], 0), (output_padding[1], 0)))


@seed("transpose", "output-padding-swapped")
def _(x, weight, bias, *, output_padding, **o):
    return transpose(x, weight, bias, output_padding=output_padding[::-1], **o)


# --- calls before --------------------------------------------------------------------------------


KEPT = {of: kept_by_shape() for of in RIGHT}
KEPT_IN_ONE_PLACE = {of: kept_in_one_place() for of in RIGHT}
OF_SEVEN = {of: counts_calls(7) for of in RIGHT}


for _of in RIGHT:

    @seed(_of, "output-not-cleared", "outputs of a shape")
    def _(grad_y, *others, _of=_of, **o):
        return KEPT[_of](RIGHT[_of](grad_y, *others, **o))

    @seed(_of, "output-not-cleared", "outputs in one place")
    def _(grad_y, *others, _of=_of, **o):
        return KEPT_IN_ONE_PLACE[_of](RIGHT[_of](grad_y, *others, **o))

    @seed(_of, "answers-differ", "one more at every seventh call")
    def _(grad_y, *others, _of=_of, **o):
        y = RIGHT[_of](grad_y, *others, **o)
        return y + y.dtype.type(1) if OF_SEVEN[_of]() else y


# --- without a name ------------------------------------------------------------------------------


for _of in RIGHT:

    @seed(_of, "absolute values", among=UNNAMED)
    def _(grad_y, *others, _of=_of, **o):
        return np.abs(RIGHT[_of](grad_y, *others, **o))


for _of in RIGHT:

    @seed(_of, "1 too many everywhere", among=UNNAMED)
    def _(grad_y, *others, _of=_of, **o):
        y = RIGHT[_of](grad_y, *others, **o)
        return y + np.ones((), y.dtype)


@seed("input-grad", "odd rows are those before them", among=UNNAMED)
def _(grad_y, weight, x_shape, **o):
    y = input_grad(grad_y, weight, x_shape, **o)
    return y[:, :, np.arange(y.shape[2]) // 2 * 2]
