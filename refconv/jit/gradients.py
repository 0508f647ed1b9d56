"""The compiled gradients, for every option and type of the contract.

The input gradient is the compiled convolution itself, on grad_y, once for each phase of the stride
(`gradients/phases.py`); or, where those would do much more than the definition, `scatter.py`. The
weight gradient has kernels of its own, `outer.py` and `dots.py`.
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import Any

import numpy as np

from refconv.counts import count
from refconv.geometry import Geometry
from refconv.gradients import loops
from refconv.gradients.phases import Phase, phases
from refconv.jit import VECTOR_TYPES, convolve, dots, is_product, no_bias, outer, read_only, scatter
from refconv.jit.interleave import interleave
from refconv.jit.loops import compiled_input_grad_loops, compiled_weight_grad_loops
from refconv.jit.transposed import pack_transposed, transposed
from refconv.pad import ready
from refconv.threads import get_threads

Array = np.ndarray[Any, Any]


def input_grad(
    grad_y: Array, weight: Array, bias: Array | None, grad_x: Array, geometry: Geometry
) -> None:
    """Fill `grad_x` (N, C, H, W), C-contiguous as all arrays are; `bias` (C,) is added to it."""
    g = geometry
    grad_y, weight = read_only(grad_y), read_only(weight)
    found = phases_of(g)
    if found and not (_padded(found) and _has_infinities(weight)):
        parts = [_part(phase, grad_y, weight, bias, grad_x, g) for phase in found]
        if len(parts) > 1:
            interleave(parts, grad_x, g.stride)
    elif grad_x.dtype in VECTOR_TYPES:
        # Also where a pad cell would meet an infinite weight, a product that the definition lacks.
        offsets = no_bias(g.C, grad_x.dtype) if bias is None else read_only(bias)
        scatter.input_grad(grad_y, weight, offsets, grad_x, g, get_threads())
    else:
        loops.input_grad(grad_y, weight, bias, grad_x, g, compiled_input_grad_loops)


@lru_cache(maxsize=1024)
def phases_of(g: Geometry) -> list[Phase]:
    """The phases; none where to scatter takes less time, by about what each executes.

    Of one image: which way it goes, and so the order of its sums, is the same in every batch.
    """
    one = replace(g, N=1)
    most = scatter.cost(one)
    if scatter.CALL_MACS * min(g.sh, g.H) * min(g.sw, g.W) > most:
        return []  # known before they are made: there may be a million
    found = phases(g)
    executed = sum(
        count(replace(phase.geometry, N=1)).macs for phase in found if phase.geometry is not None
    )
    return found if executed + scatter.CALL_MACS * len(found) <= most else []


def _part(
    phase: Phase, grad_y: Array, weight: Array, bias: Array | None, grad_x: Array, g: Geometry
) -> Array:
    """The cells of one phase, in an array of their own; in `grad_x`, if they are all there are."""
    rows, columns = phase.rows, phase.columns
    shape = (g.N, g.C, rows.count, columns.count)
    part = grad_x if shape == grad_x.shape else np.empty(shape, grad_x.dtype)
    if phase.geometry is None:
        part[...] = 0 if bias is None else bias[:, None, None]
        return part
    x = grad_y[:, :, rows.start : rows.end, columns.start : columns.end]
    if is_product(phase.geometry, grad_x.dtype):
        packed = pack_transposed(weight, g, rows, columns, get_threads())
        convolve(x, packed, bias, part, phase.geometry, 0, lambda: packed)
    else:
        convolve(x, transposed(weight, g, rows, columns), bias, part, phase.geometry, 0)
    return part


def _padded(found: list[Phase]) -> bool:
    return any(phase.geometry is not None and phase.geometry.padded for phase in found)


def _has_infinities(weight: Array) -> bool:
    """Whether some weight is infinite, or none. The sum tells it where it is finite."""
    if weight.dtype.kind == "i":
        return False
    with np.errstate(all="ignore"):
        return not (np.isfinite(weight.sum()) or np.isfinite(weight).all())


def weight_grad(
    grad_y: Array, x: Array, grad_weight: Array, geometry: Geometry, pad_value: Any
) -> None:
    """Fill `grad_weight` (F, Cg, KH, KW), C-contiguous as grad_y is."""
    g = geometry
    if grad_weight.dtype in VECTOR_TYPES:
        kernel = dots if dots.suits(g) else outer
        grad_y, x = read_only(grad_y), read_only(ready(x, grad_y.dtype))
        kernel.weight_grad(grad_y, x, grad_weight, g, pad_value, get_threads())
    else:
        loops.weight_grad(grad_y, x, grad_weight, g, pad_value, compiled_weight_grad_loops)
