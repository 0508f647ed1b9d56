"""Layouts: the order of axes in memory, and how arrays and shapes go from one to the other.

Every method works on N C H W and F Cg KH KW; a caller may have them the other way round.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np

from refconv.geometry import Layout

Array: TypeAlias = np.ndarray[Any, Any]
Order: TypeAlias = tuple[int, ...] | None
"""The axes in another order; None is the same one."""

NHWC_TO_NCHW = (0, 3, 1, 2)
NCHW_TO_NHWC = (0, 2, 3, 1)
HWIO_TO_OIHW = (3, 2, 0, 1)
OIHW_TO_HWIO = (2, 3, 1, 0)


def nchw(images: Array, layout: Layout) -> Array:
    """Images or outputs of a layout with their axes in the order N C H W: a view.

    >>> nchw(np.ones((1, 4, 5, 3)), "NHWC").shape
    (1, 3, 4, 5)
    """
    return images if layout == "NCHW" else images.transpose(NHWC_TO_NCHW)


def oihw(weight: Array, layout: Layout) -> Array:
    """A weight of a layout with its axes in the order F Cg KH KW: a view.

    >>> oihw(np.ones((4, 5, 3, 2)), "NHWC").shape
    (2, 3, 4, 5)
    """
    return weight if layout == "NCHW" else weight.transpose(HWIO_TO_OIHW)


def image_order(layout: Layout) -> Order:
    """How N C H W become the layout's."""
    return None if layout == "NCHW" else NCHW_TO_NHWC


def weight_order(layout: Layout) -> Order:
    """How F Cg KH KW become the layout's."""
    return None if layout == "NCHW" else OIHW_TO_HWIO


def reordered(shape: tuple[int, ...], order: Order) -> tuple[int, ...]:
    """The shape with its axes in that order.

    >>> reordered((1, 3, 4, 5), image_order("NHWC"))
    (1, 4, 5, 3)
    """
    return shape if order is None else tuple(shape[axis] for axis in order)
