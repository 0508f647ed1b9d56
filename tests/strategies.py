"""Hypothesis strategies for whole calls: a geometry first, then data that fit it.

Data are small whole numbers in any type, so sums are exact, and two right answers have the same
bits. They come from a seed, which is cheap to draw and to print: `Case.of(geometry, seed=7)` is
also the way to make one by hand.

>>> g = Geometry.of((1, 2, 4, 5), (3, 2, 3, 2), padding="same")
>>> Case.of(g, "uint8", seed=7).run().shape
(1, 3, 4, 5)
"""

from __future__ import annotations

from dataclasses import dataclass

import ml_dtypes  # noqa: F401  # gives NumPy the name bfloat16; it comes with onnx
import numpy as np
from hypothesis import strategies as st

from refconv import Geometry, conv2d
from refconv.oracle.strategies import STRUCTURES as KINDS  # noqa: F401  # for other tests
from refconv.oracle.strategies import geometries

FLOATS = ("float32", "float64", "complex64", "complex128")
HALVES = ("float16", "bfloat16")
INTEGERS = ("int8", "uint8", "int16", "uint16", "int32", "uint32", "int64")
DTYPES = (*FLOATS, *HALVES, *INTEGERS)


@dataclass(frozen=True, slots=True)
class Case:
    """One call of `conv2d`: its arrays, and `options` for its keywords."""

    geometry: Geometry
    x: np.ndarray
    weight: np.ndarray
    bias: np.ndarray | None
    options: dict
    made_by: str

    @classmethod
    def of(cls, geometry, dtype="float32", *, seed=0, bound=9, bias=True, pad_value=0):
        """The case that these few values stand for."""
        made_by = f"{geometry.descriptor!r}, {dtype=}, {seed=}, {bound=}, {bias=}, {pad_value=}"
        rng = np.random.default_rng(seed)
        shapes = (geometry.x_shape, geometry.weight_shape, (geometry.F,))
        x, weight, b = (whole_numbers(rng, shape, dtype, bound) for shape in shapes)
        options = {
            "stride": geometry.stride,
            "padding": geometry.padding,
            "dilation": geometry.dilation,
            "groups": geometry.G,
            "pad_value": pad_value,
        }
        return cls(geometry, x, weight, b if bias else None, options, made_by)

    def run(self, **options):
        """The answer of `conv2d`, with some options more or other ones."""
        return conv2d(self.x, self.weight, self.bias, **{**self.options, **options})

    def __repr__(self):
        (pt, pb), (pl, pr) = self.geometry.padding
        return f"Case({self.made_by}, pads {pt} {pb} {pl} {pr})"

    def _repr_pretty_(self, printer, cycle):
        """What Hypothesis prints of a failing case: the same line, not the arrays."""
        printer.text(repr(self))


def whole_numbers(rng, shape, dtype, bound):
    """An array of whole numbers between -bound and bound, or what of that the type holds."""
    dtype = np.dtype(dtype)
    low, high = -bound, bound
    if dtype.kind in "iu":
        low, high = max(low, np.iinfo(dtype).min), min(high, np.iinfo(dtype).max)
    numbers = rng.integers(low, high, shape, endpoint=True)
    if dtype.kind == "c":
        numbers = numbers + 1j * rng.integers(low, high, shape, endpoint=True)
    return numbers.astype(dtype)


@st.composite
def cases(draw, drawn=None, *, dtypes=("float32",), bound=9, biases=(False, True), pad_values=(0,)):
    """Cases of the `drawn` geometries (by default any), each with a seed of its own.

    Sums stay exact in every type while K * bound**2 is below 2**23, a complex product being two.
    """
    return Case.of(
        draw(geometries() if drawn is None else drawn),
        draw(st.sampled_from(dtypes)),
        seed=draw(st.integers(0, 2**16)),
        bound=bound,
        bias=draw(st.sampled_from(biases)),
        pad_value=draw(st.sampled_from(pad_values)),
    )


def arrays(geometry, dtype="float32", bound=9):
    """Draws of (x, weight, bias) for one geometry."""
    return cases(st.just(geometry), dtypes=(dtype,), bound=bound, biases=(True,)).map(
        lambda case: (case.x, case.weight, case.bias)
    )
