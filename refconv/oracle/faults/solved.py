"""Faults with an unknown in them, which is solved for: which tap, which channel, what number.

Each function takes the right outputs `y` and the actual ones, proposes an unknown, and yields what
would come out with it, and the unknown in words. Whether that is what did come out, `diagnosis.py`
decides.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from refconv.oracle.reference.adjoint import Posed
from refconv.oracle.reference.gather import Problem

Array = np.ndarray[Any, Any]
Solve: TypeAlias = Callable[[Any, Array, Array], Iterator[tuple[Array, str]]]

PROPOSALS = 12
"""Taps or channels that are tried, at most: many may fit one output by chance."""


class SolvedFault(NamedTuple):
    """A fault whose sentence has a place, {}, for what was solved for."""

    name: str
    sentence: str
    solve: Solve


def pad_value(p: Problem, y: Array, actual: Array) -> Iterator[tuple[Array, str]]:
    """The number in the pads: the error is that number times the weights over them."""
    over_pads = replace(p, x=np.zeros_like(p.x), bias=None, pad_value=1).solve()
    for value in pad_value_of(over_pads, y, actual, p.pad_value):
        yield replace(p, pad_value=value).solve(), f"{value:g}"


def pad_value_of(over_pads: Array, y: Array, actual: Array, meant: Any) -> Iterator[float]:
    """The number; `over_pads` is what a 1 in the pads adds to each output, and `meant` is what
    should be there. None where it does not show.
    """
    error = _error(y, actual)
    over_pads = np.where(np.isfinite(over_pads) & (error != 0), over_pads, 0)
    square = float((np.abs(over_pads) ** 2).sum())
    if square > 0 and y.dtype.kind != "c":
        yield _simple(meant + float((error * over_pads).sum()) / square)


def scaled(p: Posed, y: Array, actual: Array) -> Iterator[tuple[Array, str]]:
    """A common factor, with or without the bias."""
    biases = [0] if p.bias is None else [0, p.bias[:, None, None]]
    usable = np.isfinite(y) & np.isfinite(actual)
    for bias in biases:
        right, found = (y - bias)[usable], (actual - bias)[usable]
        square = float((np.abs(right) ** 2).sum())
        if square > 0 and y.dtype.kind != "c":
            factor = _simple(float((right * found).sum()) / square)
            if factor != 0:
                yield factor * (y - bias) + bias, f"{factor:g}"


def tap_dropped(p: Problem, y: Array, actual: Array) -> Iterator[tuple[Array, str]]:
    """A kernel cell missing, in all input channels or in one; or a whole row or column of cells."""
    error = _error(y, actual)
    Cg, KH, KW = p.weight.shape[1:]
    if not error.any() or KH * KW * Cg < 2 or p.pointwise is not None:
        return
    products = _products(p, error)
    every = slice(None)
    if KH * KW > 1:
        for kh, kw in _likely(products.sum(0), error):
            yield _without(p, (every, kh, kw)), f"kh {kh}, kw {kw}, in every channel"
    for cg, kh, kw in _likely(products, error):
        yield _without(p, (cg, kh, kw)), f"cg {cg}, kh {kh}, kw {kw}"
    if KH > 1 and KW > 1:
        for (kh,) in _likely(products.sum((0, 2)), error):
            yield _without(p, (every, kh, every)), f"all of kh {kh}"
        for (kw,) in _likely(products.sum((0, 1)), error):
            yield _without(p, (every, every, kw)), f"all of kw {kw}"


def tap_doubled(p: Problem, y: Array, actual: Array) -> Iterator[tuple[Array, str]]:
    """A kernel cell counted twice, in all input channels or in one."""
    mirrored = 2 * y - actual  # in which that tap is missing
    for without, unknown in tap_dropped(p, y, mirrored):
        yield 2 * y - without, unknown


def channel_dropped(p: Problem, y: Array, actual: Array) -> Iterator[tuple[Array, str]]:
    """Input channels missing: one of every group, one of all, or the last ones of every group."""
    error = _error(y, actual)
    Cg = p.weight.shape[1]
    if not error.any() or Cg * p.groups < 2 or p.pointwise is not None:
        return
    by_channel = _products(p, error).sum((1, 2))
    every = slice(None)
    for (cg,) in _likely(by_channel, error):
        yield _without(p, (cg, every, every)), f"cg {cg} of every group"
        first = _worst(error)[1] // (len(p.weight) // p.groups) * Cg
        image = p.x.copy()
        image[:, first + cg] = 0
        yield replace(p, x=image).solve(), f"c {first + cg}"
    for (cg,) in _likely(np.cumsum(by_channel[::-1])[::-1], error):
        yield _without(p, (slice(cg, None), every, every)), f"cg {cg} to {Cg - 1} of every group"


SOLVED = (
    SolvedFault("pad-value", "The pads hold {} instead of what they should.", pad_value),
    SolvedFault("tap-dropped", "A tap is missing from every sum: {}.", tap_dropped),
    SolvedFault("tap-doubled", "A tap is counted twice in every sum: {}.", tap_doubled),
    SolvedFault(
        "channel-dropped", "Input channels are missing from every sum: {}.", channel_dropped
    ),
    SolvedFault("scaled", "Everything is multiplied by {}.", scaled),
)


def _error(y: Array, actual: Array) -> Array:
    """What is off, where it can be said: 0 at NaN and infinity."""
    error: Array = np.where(np.isfinite(y) & np.isfinite(actual), actual - y, 0)
    return error


def _worst(error: Array) -> tuple[int, ...]:
    return tuple(int(i) for i in np.unravel_index(np.argmax(np.abs(error)), error.shape))


def _products(p: Problem, error: Array) -> Array:
    """(Cg, KH, KW): the products of the output whose error is the largest."""
    n, f, oh, ow = _worst(error)
    _, Cg, KH, KW = p.weight.shape
    g = f // (len(p.weight) // p.groups)
    one = replace(
        p,
        x=p.x[n : n + 1, g * Cg : (g + 1) * Cg],
        corner=(p.corner[0] - oh * p.stride[0], p.corner[1] - ow * p.stride[1]),
        size=(1, 1),
    )
    products = np.empty((Cg, KH, KW), np.result_type(p.x, p.weight))
    for kh, kw, read in one.reads():
        products[:, kh, kw] = read[0, :, 0, 0] * p.weight[f, :, kh, kw]
    return products


def _likely(products: Array, error: Array) -> list[tuple[int, ...]]:
    """The indices of products that are nearest to what is missing from the worst output."""
    missing = -error[_worst(error)]
    with np.errstate(all="ignore"):
        distance = np.abs(products - missing)
    order = np.argsort(distance, axis=None, kind="stable")[:PROPOSALS]
    nearest = distance.ravel()[order[0]]
    close = [flat for flat in order if distance.ravel()[flat] <= 2 * nearest + 1e-3 * abs(missing)]
    return [tuple(int(i) for i in np.unravel_index(flat, products.shape)) for flat in close]


def _without(p: Problem, taps: tuple[Any, Any, Any]) -> Array:
    """The outputs without these taps."""
    weight = p.weight.copy()
    weight[:, *taps] = 0
    return replace(p, weight=weight).solve()


def _simple(number: float) -> float:
    """The whole number, or the simple fraction, that is meant."""
    for denominator in (1, 2, 3, 4, 8, 16, 255, 256):
        nearest = round(number * denominator) / denominator
        if abs(number - nearest) <= 1e-6 * max(1.0, abs(number)):
            return nearest
    return number
