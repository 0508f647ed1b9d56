"""What a photograph shows of the three structures: six experiments, computed and counted.

Each takes an image as an input `x` (1, 3, H, W) of uint8, channels red, green and blue, and pads it
with zeros so that the outputs have its size. All but the last are in integers, so "the same" means
equal. How it is drawn is `photo.py`.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import reduce
from operator import add
from typing import Any

import numpy as np

from refconv.conv import conv2d
from refconv.counts import Counts, count
from refconv.geometry import Geometry
from refconv.walk.lesson import Stage, weight_of
from refconv.walk.nearest import nearest_separable, product_of

Array = np.ndarray[Any, Any]

SMOOTH = np.array([1, 2, 1], np.int8)
SLOPE = np.array([1, 0, -1], np.int8)
SOBEL = np.outer(SMOOTH, SLOPE)  # across the columns; its transpose, down the rows
LAPLACE = np.array([[0, 1, 0], [1, -4, 1], [0, 1, 0]], np.int8)
EDGES = np.stack([SOBEL, SOBEL.T, LAPLACE])[:, None]  # (3, 1, 3, 3): one kernel a channel

YCOCG = np.array([[1, 2, 1], [2, 0, -2], [-1, 2, -1]], np.int8)[:, :, None, None]
"""Brightness, orange against blue, green against purple, each times 4 (Malvar and Sullivan,
"YCoCg-R: A color space with RGB reversibility", 2003)."""

BINOMIAL = np.array([1, 4, 6, 4, 1], np.int8)
BLUR = np.stack([np.outer(BINOMIAL, BINOMIAL)] * 3)[:, None]  # (3, 1, 5, 5), times 256
TINT = np.array([[50, 98, 24], [45, 88, 22], [35, 68, 17]], np.int8)[:, :, None, None]
TINT_SCALE = 128
"""What of red, green and blue each channel gets on an old photograph, times `TINT_SCALE`."""

RANDOM_F = 16
"""Output channels of the standard layer that does not factor."""


@dataclass(frozen=True, slots=True)
class Flow:
    """A structure on an image, and on the same image with one channel blanked."""

    whole: Stage
    blanked: Stage

    @property
    def difference(self) -> Array:
        """(F, OH, OW): what the blanked channel had given to each output."""
        found: Array = self.whole.y[0] - self.blanked.y[0]
        return found

    @property
    def changed(self) -> list[bool]:
        """By output channel: whether it knows that a channel went blank."""
        return [bool(plane.any()) for plane in self.difference]


@dataclass(frozen=True, slots=True)
class Factored:
    """One convolution, and several in a row that are to give the same."""

    one: Stage
    several: tuple[Stage, ...]

    @property
    def one_counts(self) -> Counts:
        return count(self.one.geometry)

    @property
    def several_counts(self) -> Counts:
        return reduce(add, (count(stage.geometry) for stage in self.several))

    @property
    def ratio(self) -> Fraction:
        """Multiply-accumulates of the several over those of the one."""
        return self.several_counts.ratio_to(self.one_counts)

    @property
    def difference(self) -> Array:
        """(F, OH, OW): the one's outputs less the outputs of the last."""
        found: Array = self.one.y[0] - self.several[-1].y[0]
        return found

    @property
    def relative_error(self) -> float:
        """The difference's root of squares over that of the one's outputs."""
        return float(np.linalg.norm(self.difference) / np.linalg.norm(self.one.y))


@dataclass(frozen=True, slots=True)
class Approximation:
    """A standard layer, and the nearest separable one with M kernels per channel."""

    M: int
    factored: Factored
    weight_error: float
    """The root of squares of what the weight lacks, over that of the weight."""


def same_size(x: Array, weight: Array, groups: int = 1) -> Stage:
    """A convolution with zero pads, whose outputs are as large as `x`."""
    geometry = Geometry.of(x.shape, weight.shape, padding="same", groups=groups)
    # im2col: on one photograph it is done before the fast kernel would be compiled.
    y = conv2d(x, weight, padding="same", groups=groups, method="im2col")
    return Stage(geometry, x, weight, y)


def edges(x: Array) -> Stage:
    """Depthwise: red across, green down, blue in all directions; no channel sees another."""
    return same_size(x, EDGES, groups=3)


def colours(x: Array) -> Stage:
    """Pointwise: brightness and two colour differences of each pixel; no pixel sees another."""
    return same_size(x, YCOCG)


def grey(x: Array) -> Array:
    """The brightness (1, 1, H, W) as uint8: (red + 2 green + blue) / 4, rounded down."""
    return (colours(x).y[:, :1] // 4).astype(np.uint8)


def flows(x: Array, blanked: int) -> list[Flow]:
    """Who hears of a blanked channel: in 1, 2 and 4 groups of four channels.

    The channels are red, green, blue and the brightness; the kernels are those of the walkthrough,
    of which each number of groups keeps its blocks.
    """
    whole = np.concatenate([x, grey(x)], axis=1)  # (1, 4, H, W)
    without = whole.copy()
    without[:, blanked] = 0
    found = []
    for G in (1, 2, 4):
        weight = weight_of(Geometry.of(whole.shape, (4, 4 // G, 3, 3), groups=G, padding="same"))
        found.append(Flow(same_size(whole, weight, G), same_size(without, weight, G)))
    return found


def separable(x: Array) -> Factored:
    """A blur of each channel, then a tint of each pixel; and the one standard layer that is both.

    Its kernels are the products: a number of the tint, times the blur.
    """
    blurred = same_size(x, BLUR, groups=3)
    tinted = same_size(blurred.y, TINT)
    product = product_of(BLUR.astype(np.int32), TINT.astype(np.int32), C=3)
    return Factored(same_size(x, product), (blurred, tinted))


def spatially_separable(x: Array) -> Factored:
    """Sobel's kernel on the brightness, and its column and its row one after the other.

    Another idea with nearly the same name: it takes a *kernel* apart, and no channels.
    """
    light = grey(x)
    down = same_size(light, SMOOTH.reshape(1, 1, 3, 1))
    across = same_size(down.y, SLOPE.reshape(1, 1, 1, 3))
    return Factored(same_size(light, SOBEL[None, None]), (down, across))


def approximations(x: Array) -> list[Approximation]:
    """A standard layer with random kernels, and the nearest separable ones, for each M.

    float64. Kernels that a network has learned are less random than these; a separable network
    is not made from them, but trained as it is.
    """
    weight = weight_of(Geometry.of(x.shape, (RANDOM_F, 3, 3, 3), padding="same")).astype(np.float64)
    standard = same_size(x.astype(np.float64), weight)
    found = []
    for M in range(1, min(RANDOM_F, 9) + 1):
        depthwise_weight, pointwise_weight = nearest_separable(weight, M)
        depthwise = same_size(standard.x, depthwise_weight, groups=3)
        pointwise = same_size(depthwise.y, pointwise_weight)
        lacking = weight - product_of(depthwise_weight, pointwise_weight, C=3)
        error = float(np.linalg.norm(lacking) / np.linalg.norm(weight))
        found.append(Approximation(M, Factored(standard, (depthwise, pointwise)), error))
    return found
