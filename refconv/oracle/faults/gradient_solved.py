"""Faults of gradients with an unknown in them, which is solved for, as in `solved.py`.

Each function takes the right gradient `y` and the actual one, and yields what would come out, and
the unknown in words.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from refconv.oracle.faults.solved import SolvedFault, pad_value_of, scaled
from refconv.oracle.reference.adjoint import Adjoint

Array = np.ndarray[Any, Any]

MOST_TAPS = 16
"""Taps or channels of which it is tried whether one is missing, at most."""


def stride_phase_dropped(a: Adjoint, y: Array, actual: Array) -> Iterator[tuple[Array, str]]:
    """Cells of x that lie a stride apart are a phase: some of the phases are not computed."""
    sh, sw = a.convolution.stride
    empty = 0 if a.bias is None else a.bias[:, None, None]
    if actual.shape != y.shape or (sh, sw) == (1, 1):
        return
    rows, columns = np.arange(y.shape[2]) % sh, np.arange(y.shape[3]) % sw
    phase = rows[:, None] * sw + columns
    differs = (actual != y).any((0, 1))
    dropped = [int(p) for p in np.unique(phase) if differs[phase == p].any()]
    if not y[:, :, ~np.isin(phase, dropped)].any():  # none is left that tells it from nothing
        return
    words = ", ".join(f"h {p // sw} w {p % sw}" for p in dropped)
    for instead in (0, empty):
        yield np.where(np.isin(phase, dropped), instead, y), words


def grad_averaged(a: Adjoint, y: Array, actual: Array) -> Iterator[tuple[Array, str]]:
    """A mean, of images or places or both, where a sum is meant."""
    N, _, OH, OW = a.grad_y.shape
    counts = {"images": N, "places": OH * OW, "images and places": N * OH * OW}
    for words, count in counts.items():
        yield y / max(1, count), f"{words}, of which there are {count}"


def tap_dropped(a: Adjoint, y: Array, actual: Array) -> Iterator[tuple[Array, str]]:
    """A kernel cell, or a row or column of them, that no product is computed of."""
    KH, KW = a.convolution.weight.shape[2:]
    for kh, kw in np.ndindex(KH, KW) if 1 < KH * KW <= MOST_TAPS else ():
        yield _without(a, np.s_[:, :, kh, kw]), f"kh {kh}, kw {kw}"


def channel_dropped(a: Adjoint, y: Array, actual: Array) -> Iterator[tuple[Array, str]]:
    """Channels that no product is computed of: one of x in every group, or one of y in every group,
    or the last one of all.
    """
    F, Cg = a.convolution.weight.shape[:2]
    Fg = F // a.convolution.groups
    for cg in range(Cg) if 1 < Cg <= MOST_TAPS else ():
        yield _without(a, np.s_[:, cg]), f"cg {cg} of every group"
    for fg in range(Fg) if 1 < Fg <= MOST_TAPS else ():
        yield _without(a, np.s_[np.arange(F) % Fg == fg]), f"fg {fg} of every group"


def pad_value(a: Adjoint, y: Array, actual: Array) -> Iterator[tuple[Array, str]]:
    """The number in the pads, where cells of x are multiplied."""
    p = a.convolution
    if actual.shape == y.shape:
        pads = replace(a, convolution=replace(p, x=np.zeros_like(p.x), pad_value=1)).solve()
        for value in pad_value_of(pads, y, actual, p.pad_value):
            yield a.padded_with(value).solve(), f"{value:g}"


PAD_VALUE = SolvedFault("pad-value", "The pads hold {} instead of what they should.", pad_value)
PHASE = SolvedFault(
    "stride-phase-dropped",
    "Cells that lie a stride apart are not computed, from these on: {}.",
    stride_phase_dropped,
)
TAP = SolvedFault("tap-dropped", "A tap is missing from every sum: {}.", tap_dropped)
CHANNEL = SolvedFault(
    "channel-dropped", "Channels are missing from every sum: {}.", channel_dropped
)
AVERAGED = SolvedFault(
    "grad-averaged", "The gradient is a mean, and not a sum, over {}.", grad_averaged
)
SCALED = SolvedFault("scaled", "Everything is multiplied by {}.", scaled)

SOLVED_OF = {
    "input-grad": (PHASE, TAP, CHANNEL, AVERAGED, SCALED),
    "weight-grad": (PAD_VALUE, TAP, CHANNEL, AVERAGED, SCALED),
    "bias-grad": (AVERAGED, SCALED),
    "transpose": (PHASE, TAP, CHANNEL, SCALED),
}
"""Faults with an unknown in them, in the order in which they are tried."""


def _without(a: Adjoint, taps: Any) -> Array:
    """The gradient without the products of these weights."""
    weight = a.convolution.weight.copy()
    weight[taps] = 0  # where it holds indices, that is a weight whose gradient nobody asks for
    return replace(a, convolution=replace(a.convolution, weight=weight)).solve()
