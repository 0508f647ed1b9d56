"""The compiled gradients, for every option and type of the contract.

The input gradient is the compiled convolution itself, on grad_y, once for each phase of the stride
(`gradients/phases.py`). The weight gradient has kernels of its own, `weight_grads.py`.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from refconv.geometry import Geometry
from refconv.gradients import loops
from refconv.gradients.phases import Axis, Phase, phases
from refconv.jit import convolve
from refconv.jit.loops import compiled_input_grad_loops, compiled_weight_grad_loops

Array = np.ndarray[Any, Any]

_phases = lru_cache(maxsize=1024)(phases)


def input_grad(
    grad_y: Array, weight: Array, bias: Array | None, grad_x: Array, geometry: Geometry
) -> None:
    """Fill `grad_x` (N, C, H, W), C-contiguous as all arrays are; `bias` (C,) is added to it."""
    g = geometry
    found = _phases(g)
    for phase in found:
        whole = len(found) == 1
        target = grad_x if whole else grad_x[_cells(g, phase)]
        if phase.geometry is None:
            target[...] = 0 if bias is None else bias[:, None, None]
            continue
        y = target if whole else np.empty(phase.geometry.y_shape, grad_x.dtype)
        rows, columns = phase.rows, phase.columns
        x = grad_y[:, :, rows.start : rows.end, columns.start : columns.end]
        convolve(x, transposed(weight, g, rows, columns), bias, y, phase.geometry, 0)
        if not whole:
            target[...] = y
    if _padded(found) and not _finite(weight, grad_x):
        # A pad cell times an infinite weight is NaN, and no such product is in the definition.
        loops.input_grad(grad_y, weight, bias, grad_x, g, compiled_input_grad_loops)


def _cells(g: Geometry, phase: Phase) -> tuple[slice, ...]:
    """Where the phase lies in grad_x."""
    rows, columns = slice(phase.rows.first, None, g.sh), slice(phase.columns.first, None, g.sw)
    return slice(None), slice(None), rows, columns


def transposed(weight: Array, g: Geometry, rows: Axis, columns: Axis) -> Array:
    """The kernel cells of a phase, with inputs and outputs exchanged: (C, Fg, KH', KW')."""
    blocks = weight.reshape(g.G, g.Fg, g.Cg, g.KH, g.KW)
    cells = blocks[:, :, :, rows.cells][..., columns.cells]
    shape = (g.C, g.Fg, len(rows.cells), len(columns.cells))
    return np.ascontiguousarray(cells.swapaxes(1, 2)).reshape(shape)


def _padded(found: list[Phase]) -> bool:
    return any(phase.geometry is not None and phase.geometry.padded for phase in found)


def _finite(weight: Array, grad_x: Array) -> bool:
    """Whether the weight is finite, or else it does not show: told by the smaller array."""
    if weight.dtype.kind == "i":
        return True
    return bool(np.isfinite(weight if weight.size < grad_x.size else grad_x).all())


def weight_grad(
    grad_y: Array, x: Array, grad_weight: Array, geometry: Geometry, pad_value: Any
) -> None:
    """Fill `grad_weight` (F, Cg, KH, KW), C-contiguous as grad_y is."""
    loops.weight_grad(grad_y, x, grad_weight, geometry, pad_value, compiled_weight_grad_loops)
