"""Hypothesis strategies: geometries, and whole cases for the oracle.

>>> from hypothesis import find
>>> case = find(cases(biases=(True,)), lambda case: case.geometry.sh > 1)    # made small
>>> case.x.size, case.geometry.sh, case.bias.shape
(2, 2, (1,))
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import permutations
from typing import Any

from hypothesis import strategies as st

from refconv.geometry import Geometry
from refconv.oracle.cases.case import BOUND, Case
from refconv.oracle.cases.gradient_case import GradientCase, output_padding

STRUCTURES = ("standard", "group", "depthwise", "pointwise")

SMALL = st.integers(0, 99)
"""Larger integers Hypothesis draws from the constants of whatever modules are imported, too: then
one seed would not draw the same cases everywhere."""

REACHES: tuple[dict[str, int], ...] = (
    *({},) * 8,
    {"max_images": 17},
    {"max_stride": 33, "max_room": 70},
    {"max_dilation": 18},
    {"max_kernel": 7},
)
"""Limits of geometries that are drawn by default: most are small, and now and then one thing is
not, for an implementation may have a way of its own from some size on."""

Draw = Any
"""What Hypothesis hands to a composite strategy."""


@st.composite
def geometries(
    draw: Draw,
    *,
    kinds: tuple[str, ...] = STRUCTURES,
    max_images: int = 2,
    max_groups: int = 3,
    max_channels: int = 3,
    max_kernel: int = 4,
    max_stride: int = 4,
    max_dilation: int = 3,
    max_pad: int = 3,
    max_room: int = 12,
) -> Geometry:
    """Geometries that are legal by construction, with H != W, and KH != KW unless both are 1.

    `max_channels` bounds Cg and Fg, and so the multiplier of a depthwise one. The padded image is
    up to `max_room` cells longer than the dilated kernel along each axis.
    """
    kind = draw(st.sampled_from(kinds))
    G = draw(st.integers(2, max_groups)) if kind in ("group", "depthwise") else 1
    Cg = 1 if kind == "depthwise" else draw(st.integers(1 + (kind == "group"), max_channels))
    Fg = draw(st.integers(1, max_channels))
    KH, KW = draw(st.sampled_from(_kernels(kind, max_kernel)))
    sh, sw = draw(_pairs(1, max_stride))
    dh, dw = draw(_pairs(1, max_dilation))
    pad = draw(st.sampled_from((0, max_pad, max_pad)))  # one geometry in three has none at all
    (pt, pb), (pl, pr) = draw(_pairs(0, pad)), draw(_pairs(0, pad))
    least_H = max(1, dh * (KH - 1) + 1 - pt - pb)
    least_W = max(1, dw * (KW - 1) + 1 - pl - pr)
    H = draw(st.integers(least_H, least_H + max_room))
    W = draw(st.integers(least_W, least_W + max_room))
    W += W == H
    return Geometry.of(
        (draw(st.integers(1, max_images)), G * Cg, H, W),
        (G * Fg, Cg, KH, KW),
        stride=(sh, sw),
        padding=((pt, pb), (pl, pr)),
        dilation=(dh, dw),
        groups=G,
    )


@st.composite
def far_geometries(draw: Draw, *, kinds: tuple[str, ...] = STRUCTURES) -> Geometry:
    """Small geometries, and now and then one of many images, or of wide steps or kernels."""
    limits = draw(st.sampled_from(REACHES))
    geometry: Geometry = draw(geometries(kinds=kinds, **limits))
    return geometry


def cases(
    drawn: Any = None,
    *,
    dtypes: tuple[str, ...] = ("float32",),
    data: tuple[str, ...] = ("integers",),
    bound: int = BOUND,
    biases: tuple[bool, ...] = (False, True),
    separable: bool = False,
    of: str | None = None,
) -> st.SearchStrategy[Case]:
    """Cases of the `drawn` geometries (by default any), each with a seed of its own.

    They are made of a descriptor, so each prints as the line that makes it again. `separable` ones
    are of depthwise geometries. `of` a gradient, they are `GradientCase`s.

    Errors: `ValueError` for a gradient of separable cases.
    """
    if separable and of is not None:
        raise ValueError(f"separable is True, but the {of} is asked of one convolution")
    kinds = ("depthwise",) if separable else STRUCTURES
    drawn = far_geometries(kinds=kinds) if drawn is None else drawn
    return _cases(drawn, dtypes, data, bound, biases, separable, of)


@st.composite
def _cases(
    draw: Draw,
    drawn: st.SearchStrategy[Geometry],
    dtypes: tuple[str, ...],
    data: tuple[str, ...],
    bound: int,
    biases: tuple[bool, ...],
    separable: bool,
    of: str | None,
) -> Case:
    geometry = draw(drawn)
    seed = 100 * draw(SMALL) + draw(SMALL)
    values = {
        "dtype": draw(st.sampled_from(dtypes)),
        "data": draw(st.sampled_from(data)),
        "bound": bound,
        "bias": draw(st.sampled_from(biases if of in (None, "transpose") else (True,))),
    }
    if of is not None:
        more = output_padding(geometry) if of == "transpose" else None
        return GradientCase.from_descriptor(
            geometry.descriptor, seed, of=of, output_padding=more, **values
        )
    pointwise = draw(st.integers(1, 5)) if separable else 0
    return Case.from_descriptor(geometry.descriptor, seed, **values, pointwise=pointwise)


def _kernels(kind: str, max_kernel: int) -> Sequence[tuple[int, ...]]:
    """Every (KH, KW) of the kind: with one group, 1x1 is pointwise and nothing else is."""
    if kind == "pointwise":
        return [(1, 1)]
    oblong = list(permutations(range(1, max_kernel + 1), 2))
    return oblong if kind == "standard" else [(1, 1)] * max_kernel + oblong


def _pairs(least: int, most: int) -> st.SearchStrategy[tuple[int, int]]:
    return st.tuples(st.integers(least, most), st.integers(least, most))
