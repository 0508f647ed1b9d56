"""Replaying faults of gradients: what would come out of an implementation that has one."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from refconv.oracle.faults.gradient_faults import (
    BY_X,
    GRADIENT_FAULTS,
    resized,
    transposed_size_change,
)
from refconv.oracle.faults.gradient_solved import SOLVED_OF
from refconv.oracle.faults.plain import FAULTS, Fault
from refconv.oracle.reference.adjoint import Adjoint, indices
from refconv.oracle.reference.gather import Problem

Array = np.ndarray[Any, Any]

REARRANGING = (
    "groups-interleaved-output", "groups-first-only", "multiplier-order", "output-transposed",
)  # fmt: skip
"""Faults that put outputs of the convolution in other places, or leave some out: its gradient takes
each from where it was put."""

OF_RESULT = (
    "output-transposed", "output-cropped", "wraps-int8", "wraps-int16", "wraps-int32", "rectified",
    "nan-swallowed",
)  # fmt: skip
"""Faults that spoil whatever comes out."""

OF_IMAGES = ("batch-accumulated",)
"""Faults that spoil whatever comes out image by image."""

OF_BIAS = ("bias-missing", "bias-negated", "bias-doubled", "bias-restarts-per-group")

OF_OUTPUT = ("bias-by-batch", "groups-output-offset", "pitch-output")
"""Faults of where outputs are put: gradients have none, and a transpose has its own."""

OF_OPERAND = (
    "layout-input", "input-mirrored", "batch-repeated", "groups-all-read-first",
)  # fmt: skip
"""Faults that misread the image, which a transpose is given in the place of grad_y."""

EXCHANGED = {
    "groups-interleaved-input": "groups-interleaved-output",
    "groups-interleaved-output": "groups-interleaved-input",
    "groups-input-offset": "groups-output-offset",
    "groups-output-offset": "groups-input-offset",
    "pitch-input": "pitch-output",
    "pitch-output": "pitch-input",
}
"""What the convolution reads, its transpose writes, and the reverse."""

UNFIT = ("stride-in-pointwise", "output-size-ceil")
"""Faults of other convolutions, or that the size of grad_y leaves no room."""


class Replayed(NamedTuple):
    """A fault, its variant, and what would come out of it."""

    name: str
    sentence: str
    variant: int
    result: Array


def names_of(of: str) -> frozenset[str]:
    """The names of all faults that are replayed of this gradient."""
    own = {fault.name for fault in GRADIENT_FAULTS if of in fault.of}
    solved = {fault.name for fault in SOLVED_OF[of]}
    unfit = (*UNFIT, *(() if of == "transpose" else (*OF_BIAS, *OF_OUTPUT)))
    shared = FAULTS.keys() - {*unfit, *(() if of in BY_X else OF_IMAGES)}
    if of == "bias-grad":  # a sum of grad_y: the convolution has no part in it
        shared = {name for name in OF_RESULT if "output" not in name}
    return frozenset(own | solved | shared)


def sentence_of(name: str, of: str) -> str | None:
    """What a fault of this gradient is, in words; None of one with an unknown in it."""
    for fault in GRADIENT_FAULTS:
        if fault.name == name and of in fault.of:
            return fault.sentence
    return _said(FAULTS[name], of) if name in FAULTS else None


def _said(fault: Fault, of: str) -> str:
    if of == "transpose" or fault.name in OF_RESULT:
        return fault.sentence
    return f"As the gradient of a convolution with this fault: {fault.sentence}"


def gradient_replays(
    a: Adjoint, y: Array, shape: tuple[int, ...], names: Collection[str]
) -> Iterator[Replayed]:
    """Every variant of these faults, the gradients' own first; of those of convolutions, what has
    that shape.
    """
    for own in GRADIENT_FAULTS:
        if a.of in own.of and own.name in names:
            for variant, result in enumerate(own.replay(a, y)):
                yield Replayed(own.name, own.sentence, OWN + variant, result)
    known = names_of(a.of)
    for fault in FAULTS.values():
        name = EXCHANGED.get(fault.name, fault.name) if a.of == "transpose" else fault.name
        if name in names and name in known:
            sentence = _said(FAULTS[name], a.of)
            for variant, result in _of_convolution(a, y, shape, fault):
                yield Replayed(name, sentence, variant, result)
    if a.of in BY_X:
        for name in OF_OPERAND if a.of == "transpose" else ("batch-repeated",):
            if name in names:
                for variant, result in enumerate(_misread(a, FAULTS[name])):
                    yield Replayed(name, FAULTS[name].sentence, OWN + variant, result)


OWN, SIZE_FOLLOWS = 100, 200
"""The first variants of faults that gradients have in a way of their own; and of those where the
size of what comes out follows from what is misread, as a transpose's does."""


def _of_convolution(
    a: Adjoint, y: Array, shape: tuple[int, ...], fault: Fault
) -> Iterator[tuple[int, Array]]:
    """The gradients of convolutions with this fault, and results that it spoils."""
    p = a.convolution
    is_operand = a.of == "transpose" and fault.name in OF_OPERAND
    if fault.change is not None and not is_operand:
        is_bias = fault.name in OF_BIAS
        for variant, other in enumerate(fault.change(p if is_bias else replace(p, bias=None))):
            if other.shape[:2] != a.grad_y.shape[:2]:
                continue
            bias = other.bias if is_bias else p.bias
            changed = replace(a, convolution=replace(other, bias=bias, size=p.size))
            if shape == a.shape:
                yield variant, changed.solve()
            if a.of == "transpose" and other.x is p.x:
                rows, columns = transposed_size_change(a, changed)
                if shape == (*a.shape[:2], a.shape[2] + rows, a.shape[3] + columns):
                    yield SIZE_FOLLOWS + variant, resized(changed, (rows, columns))
    if fault.spoil is None:
        return
    if fault.name in REARRANGING:
        places = indices(a.grad_y.shape)
        for variant, put in enumerate(fault.spoil(replace(p, bias=None), places)):
            if put.shape == places.shape and np.isfinite(put).all():
                yield -1 - variant, replace(a, grad_y=_taken_back(a.grad_y, put)).solve()
    spoils_result = fault.name in OF_RESULT and (y.ndim == 4 or "output" not in fault.name)
    spoils_result |= fault.name in OF_IMAGES and a.of in BY_X
    if spoils_result or (fault.name == "bias-by-batch" and a.of == "transpose"):
        for variant, spoiled in enumerate(fault.spoil(p, y)):
            yield -OWN - variant, spoiled


def _taken_back(grad_y: Array, put: Array) -> Array:
    """The gradients of outputs that were put elsewhere: `put` says for each place what was there,
    from 1 on, or 0 for nothing.
    """
    sums = np.zeros(1 + grad_y.size, grad_y.dtype)
    np.add.at(sums, put.astype(np.int64).ravel(), grad_y.ravel())
    return sums[1:].reshape(grad_y.shape)


def _misread(a: Adjoint, fault: Fault) -> Iterator[Array]:
    """Transposes of images that are misread."""
    p = a.convolution
    image = Problem(
        a.grad_y, p.weight, None, p.stride, p.corner, p.ends, p.dilation, p.groups, p.size, 0
    )
    assert fault.change is not None  # for the type checker: those of OF_OPERAND change x
    for other in fault.change(image):
        yield replace(a, grad_y=other.x).solve()
