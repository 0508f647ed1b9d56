"""The reference of a case: the right values, what bounds need, and a certificate.

Two formulas that share no code compute each case: `gather.py` (of a gradient, `adjoint.py`), in
NumPy, and the seven loops of the definition, compiled. If they disagree, nothing is judged by
either.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np

from refconv.conv import conv2d
from refconv.gradients import conv2d_input_grad, conv2d_weight_grad, conv_transpose2d
from refconv.oracle.cases.case import Array, Case
from refconv.oracle.cases.gradient_case import GradientCase
from refconv.oracle.judging.bounds import accumulation
from refconv.oracle.reference.adjoint import Adjoint, Posed, posed
from refconv.oracle.reference.compensated import compensated
from refconv.oracle.reference.gather import INT64_END, Problem, largest_sum, working_type

LOOPED_MACS = 300_000_000
"""Of larger cases, the loops compute three rows of outputs: all would take more than a second."""


class UncertainError(Exception):
    """There is no reference: the two formulas disagree, or none is defined."""


@dataclass(frozen=True, slots=True)
class Reference:
    """The right outputs `y`; for each, `magnitude` = sum |x*w| + |bias| and `terms` = the taps
    that read a cell which is not a padding zero. `error` bounds what is wrong with `y` itself.

    `skipped_pads` are the outputs of those who leave padding cells out, where that matters: a zero
    times an infinite weight. Else it is None.
    """

    y: Array
    magnitude: Array
    terms: Array
    error: Array
    skipped_pads: Skipped | None


class Skipped(NamedTuple):
    """The outputs of those who leave padding cells out, and the magnitude of what is finite."""

    y: Array
    magnitude: Array


def reference_of(case: Case) -> Reference:
    """The reference of this case.

    Errors: `UncertainError` where the two formulas do not agree, or sums leave int64.
    """
    if case.types.accumulator.kind == "i" and largest_sum(case) >= INT64_END:
        raise UncertainError("sums of this case could leave int64, and nothing is defined then")
    problem = posed(case)
    exact = case.types.accumulator.kind == "i"
    y = problem.solve()
    magnitude = _magnitude(problem)
    terms = _terms(case, problem)
    rounding = accumulation(terms, magnitude, "float64")
    tolerance = 0 if exact else 2 * rounding
    if isinstance(case, GradientCase):
        _refuse_unlike(case, y, gradient_by_loops(case, working_type(case)), tolerance)
    else:
        _certify(case, y, tolerance)
    error = np.zeros(()) if exact or case.is_integral else rounding
    if isinstance(problem, Adjoint):
        return Reference(y, magnitude, terms, error, None)
    is_plain = case.pointwise_weight is None
    if is_plain and case.types.accumulator == np.float64 and not case.is_integral:
        y, error = compensated(problem, y, terms, magnitude)
    return Reference(y, magnitude, terms, error, _skipped_pads(case, problem))


def _magnitude(problem: Posed) -> Array:
    """Sum |x*w| + |bias| for each output; of complex numbers, a bound for either part."""

    def size(a: Array) -> Array:
        sizes: Array = np.abs(a.real) + np.abs(a.imag) if a.dtype.kind == "c" else np.abs(a)
        return sizes

    if isinstance(problem, Adjoint):
        problem = problem.padded_with(size(np.asarray(problem.convolution.pad_value))[()])
    else:
        pad_value: Any = size(np.asarray(problem.pad_value))[()]
        pointwise = None if problem.pointwise is None else size(problem.pointwise)
        problem = replace(problem, pad_value=pad_value, pointwise=pointwise)
    first, second, bias = problem.operands
    bias = None if bias is None else size(bias)
    return problem.with_operands(size(first), size(second), bias).solve()


def _terms(case: Case, problem: Posed) -> Array:
    """Products in each output's sum, (1, 1, OH, OW): padding zeros are none. Of a gradient, in the
    shape that it has.
    """
    if isinstance(problem, Adjoint):
        is_complex = case.types.accumulator.kind == "c"
        return problem.terms() * (2 if is_complex else 1)
    g = case.geometry
    if case.pad_value:
        return np.full((1, 1, g.OH, g.OW), float(g.K))
    inside = []
    for n, s, k, d, p, size in (
        (g.OH, g.sh, g.KH, g.dh, g.pt, g.H),
        (g.OW, g.sw, g.KW, g.dw, g.pl, g.W),
    ):
        cells = np.arange(n)[:, None] * s + np.arange(k) * d - p
        inside.append(((cells >= 0) & (cells < size)).sum(1))
    taps: Array = g.Cg * np.multiply.outer(*inside).astype(np.float64)
    if case.types.accumulator.kind == "c":
        taps *= 2  # a complex product is two of each part's
    if case.pointwise_weight is not None:
        taps += g.F + 1  # a sum of sums: their errors add up, whatever the order
    return taps[None, None]


def _certify(case: Case, y: Array, tolerance: Any) -> None:
    """Compare with the definition, looped; see `LOOPED_MACS`."""
    g = case.geometry
    if not y.size:
        return
    rows: Sequence[int] = range(g.OH)
    macs_of_row = g.N * g.F * g.OW * g.K
    if macs_of_row * g.OH > LOOPED_MACS and case.pointwise_weight is None:
        rows = sorted({0, g.OH // 2, g.OH - 1})
    tolerance = np.broadcast_to(tolerance, y.shape)
    for slab, looped in _looped(case, rows):
        _refuse_unlike(case, y[:, :, slab], looped, tolerance[:, :, slab])


def _refuse_unlike(case: Case, y: Array, looped: Array, tolerance: Any) -> None:
    with np.errstate(invalid="ignore"):
        close = np.abs(y - looped) <= tolerance
    same = close | (y == looped) | (np.isnan(y) & np.isnan(looped))
    if not same.all():
        raise UncertainError(f"the two reference formulas disagree on {case!r}: please report it")


def gradient_by_loops(case: GradientCase, wide: np.dtype[Any]) -> Array:
    """The gradient by the loops of its definition, compiled, in a wide type."""
    operands = [a.astype(wide) if isinstance(a, np.ndarray) else a for a in case.operands.values()]
    if case.of == "bias-grad":  # as a weight's, of a pixel that is 1 wherever it is read
        (grad_y,) = operands
        N, F, OH, OW = grad_y.shape
        ones = np.ones((N, 1, OH, OW), wide)
        return conv2d_weight_grad(grad_y, ones, (F, 1, 1, 1), method="jit-loops").reshape(F)
    functions = {"input-grad": conv2d_input_grad, "weight-grad": conv2d_weight_grad}
    function: Any = functions.get(str(case.of), conv_transpose2d)
    pads = {"pad_value": wide.type(case.pad_value).item()} if case.pad_value else {}
    y: Array = function(*operands, **case.options, **pads, method="jit-loops")
    return y


def _looped(case: Case, rows: Sequence[int]) -> Iterator[tuple[slice, Array]]:
    """Slices of output rows, and what the seven loops say of them."""
    g = case.geometry
    wide = working_type(case)
    x, weight = case.x.astype(wide), case.weight.astype(wide)
    bias = None if case.bias is None else case.bias.astype(wide)
    pad_value = wide.type(case.pad_value).item()
    slabs: list[tuple[slice, Array, Any]] = [(slice(None), x, g.padding)]
    if len(rows) < g.OH:
        slabs = [(slice(oh, oh + 1), *_window(x, g, oh)) for oh in rows]
    for slab, image, padding in slabs:
        y = conv2d(
            image, weight, bias if case.pointwise_weight is None else None, stride=g.stride,
            padding=padding, dilation=g.dilation, groups=g.G, pad_value=pad_value,
            method="jit-loops",
        )  # fmt: skip
        if case.pointwise_weight is not None:
            y = conv2d(y, case.pointwise_weight.astype(wide), bias, method="jit-loops")
        yield slab, y


def _window(x: Array, g: Any, oh: int) -> tuple[Array, Any]:
    """The rows of the image that output row `oh` reads, and the pads that go with them."""
    first = oh * g.sh - g.pt
    last = first + (g.KH - 1) * g.dh + 1
    above, below = max(0, -first), max(0, last - g.H)
    image = x[:, :, max(0, first) : max(0, min(g.H, last))]
    if image.shape[2] == 0:  # in the pads altogether
        above, below = last - first, 0
    return image, ((above, below), (g.pl, g.pr))


def _skipped_pads(case: Case, problem: Problem) -> Skipped | None:
    """What comes out where padding cells are left out instead of multiplied."""
    if np.isfinite(problem.weight).all() or case.pad_value or not case.geometry.padded:
        return None
    finite = np.isfinite(problem.weight)
    # A padded zero times an infinity is NaN. The weights that are not finite are added by hand, at
    # the cells inside the image only.
    tame = replace(problem, weight=np.where(finite, problem.weight, 0))
    wild = replace(problem, weight=np.where(finite, 0, problem.weight))
    with np.errstate(all="ignore"):
        return Skipped(tame.solve() + _inside_only(wild), _magnitude(tame))


def _inside_only(problem: Problem) -> Array:
    """The sums over taps inside the image, of weights that may be infinite or NaN."""
    F, Cg = problem.weight.shape[:2]
    total = np.zeros(problem.shape, problem.weight.dtype)
    _, _, H, W = problem.x.shape
    rows = np.arange(problem.size[0]) * problem.stride[0] - problem.corner[0]
    columns = np.arange(problem.size[1]) * problem.stride[1] - problem.corner[1]
    group = np.arange(F) // (F // problem.groups)
    for f, cg, kh, kw in np.argwhere(problem.weight != 0):
        r, c = rows + kh * problem.dilation[0], columns + kw * problem.dilation[1]
        inside = ((r >= 0) & (r < H))[:, None] & ((c >= 0) & (c < W))
        channel = problem.x[:, group[f] * Cg + cg]
        read = channel[:, np.clip(r, 0, H - 1)[:, None], np.clip(c, 0, W - 1)]
        with np.errstate(all="ignore"):
            total[:, f] += np.where(inside, read * problem.weight[f, cg, kh, kw], 0)
    return total
