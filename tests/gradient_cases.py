"""Calls of the gradients, drawn: a convolution's case, and a gradient of its output.

>>> g = Geometry.of((1, 2, 4, 5), (3, 2, 3, 2), padding="same")
>>> GradientCase.of(g, "int64", seed=7).by_x().shape
(1, 2, 4, 5)
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from hypothesis import strategies as st
from strategies import Case, whole_numbers

from refconv import Geometry, conv2d, conv2d_input_grad, conv2d_weight_grad
from refconv.oracle.strategies import geometries


@dataclass(frozen=True, slots=True)
class GradientCase:
    """The arrays of one convolution, x, weight and grad_y, and its options."""

    geometry: Geometry
    x: np.ndarray
    weight: np.ndarray
    grad_y: np.ndarray
    options: dict
    made_by: str

    @classmethod
    def of(cls, geometry, dtype="float32", *, seed=0, bound=5, pad_value=0):
        """The case that these few values stand for."""
        case = Case.of(geometry, dtype, seed=seed, bound=bound, pad_value=pad_value)
        grad_y = whole_numbers(np.random.default_rng(seed + 1), geometry.y_shape, dtype, bound)
        return cls(geometry, case.x, case.weight, grad_y, case.options, repr(case))

    def y(self, x=None, weight=None, **options):
        """The convolution, of these or of other operands."""
        x = self.x if x is None else x
        weight = self.weight if weight is None else weight
        return conv2d(x, weight, **{**self.options, **options})

    def by_x(self, grad_y=None, **options):
        """The gradient by x."""
        grad_y = self.grad_y if grad_y is None else grad_y
        shape = self.geometry.x_shape
        return conv2d_input_grad(grad_y, self.weight, shape, **{**self.options, **options})

    def by_weight(self, grad_y=None, **options):
        """The gradient by the weight."""
        grad_y = self.grad_y if grad_y is None else grad_y
        shape = self.geometry.weight_shape
        return conv2d_weight_grad(grad_y, self.x, shape, **{**self.options, **options})

    def __repr__(self):
        return self.made_by

    def _repr_pretty_(self, printer, cycle):
        printer.text(repr(self))


@st.composite
def gradient_cases(draw, drawn=None, *, dtypes=("int64",), pad_values=(0,)):
    """Cases of the `drawn` geometries, by default any; sums are exact in every type."""
    return GradientCase.of(
        draw(geometries() if drawn is None else drawn),
        draw(st.sampled_from(dtypes)),
        seed=draw(st.integers(0, 2**16)),
        pad_value=draw(st.sampled_from(pad_values)),
    )
