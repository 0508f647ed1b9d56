"""Kinds of cases, for tables and for `--only`: a case is of several."""

from __future__ import annotations

import numpy as np

from refconv.counts import count
from refconv.geometry import Geometry, same_pads
from refconv.oracle.cases.case import Array, Case

BIG_MACS = 5_000_000

KINDS = (
    "standard", "group", "depthwise", "pointwise", "separable",
    "strided", "dilated", "padded", "same",
    "uneven-pads", "batch", "no-bias", "empty", "big", "reals", "nonfinite",
    "float32", "float64", "float16", "bfloat16", "complex64", "complex128",
    "int8", "uint8", "int16", "uint16", "int32", "uint32", "int64",
)  # fmt: skip


def kinds_of(case: Case) -> tuple[str, ...]:
    """The kinds of this case, in the order of `KINDS`.

    >>> kinds_of(Case.from_descriptor("mb2ic3ih5iw6oc4kh3kw2sh2ph1pw0"))
    ('standard', 'strided', 'padded', 'same', 'batch', 'float32')
    """
    g = case.geometry
    holds = {
        case.kind: True,
        "strided": g.stride != (1, 1),
        "dilated": g.dilation != (1, 1),
        "padded": g.padded,
        "same": g.padded and is_same(g),
        "uneven-pads": (g.pt, g.pl) != (g.pb, g.pr),
        "batch": g.N > 1,
        "no-bias": case.bias is None and case.of in (None, "transpose"),
        "empty": 0 in (g.N, g.F, g.C),
        "big": count(g).macs >= BIG_MACS,
        "reals": not case.is_integral,
        "nonfinite": not all(_is_finite(array) for array in case.factors),
        case.factors[0].dtype.name: True,
    }
    return tuple(kind for kind in KINDS if holds.get(kind))


def is_same(g: Geometry) -> bool:
    """Whether the pads are SAME_UPPER's or SAME_LOWER's."""
    axes = ((g.H, g.KH, g.sh, g.dh), (g.W, g.KW, g.sw, g.dw))
    return any(
        g.padding == tuple(same_pads(*axis, lower=is_lower) for axis in axes)
        for is_lower in (False, True)
    )


def _is_finite(array: Array) -> bool:
    return array.dtype.kind in "iu" or bool(np.isfinite(array.astype(np.complex128)).all())
