"""A layer's data, the outputs it must give, and refconv's own calls of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from refconv.conv import conv2d
from refconv.geometry import Geometry
from refconv.layer import Conv2d
from refconv.plan import Method

Array = np.ndarray[Any, Any]
Call = Callable[[], Any]

DTYPE = "float32"
LARGEST_INTEGER = 4


class Operands(NamedTuple):
    """A layer with its input and its weight."""

    geometry: Geometry
    x: Array
    weight: Array

    @classmethod
    def integers(cls, g: Geometry) -> Operands:
        """Small integers: every sum is exact in float32, so equal means equal to the bit."""
        generator = np.random.default_rng(0)
        most = LARGEST_INTEGER
        x, weight = (
            generator.integers(-most, most, shape, endpoint=True).astype(DTYPE)
            for shape in (g.x_shape, g.weight_shape)
        )
        return cls(g, x, weight)

    @classmethod
    def normal(cls, g: Geometry) -> Operands:
        """Real numbers of a standard normal distribution."""
        generator = np.random.default_rng(0)
        x, weight = (
            generator.standard_normal(shape, np.float32) for shape in (g.x_shape, g.weight_shape)
        )
        return cls(g, x, weight)

    @property
    def options(self) -> dict[str, Any]:
        """The layer's options as refconv's functions take them."""
        g = self.geometry
        return {
            "stride": g.stride, "padding": g.padding, "dilation": g.dilation, "groups": g.G,
        }  # fmt: skip

    def convolve(self, method: Method = "auto") -> Array:
        """The outputs, by refconv."""
        return conv2d(self.x, self.weight, method=method, **self.options)

    def prepared(self) -> Call:
        """The call of a layer whose weight was packed before."""
        layer = Conv2d(self.weight, **self.options)
        return lambda: layer(self.x)

    def exact(self, dtype: str) -> Array:
        """The outputs in another type, by the definition compiled: it shares no code with what is
        timed.
        """
        wide = Operands(self.geometry, self.x.astype(dtype), self.weight.astype(dtype))
        return wide.convolve("jit-loops")
