"""One small layer in every structure, with small integers that a reader can add by hand.

What is computed lives here: the operands, the outputs, the counts. How it is shown does not.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import numpy as np

from refconv.compare import Structure, structures
from refconv.conv import conv2d
from refconv.geometry import Geometry
from refconv.oracle.cases.draw import integers

Array = np.ndarray[Any, Any]

DEFAULT_LAYER = "g2ic4ih5iw6oc8kh3ph1"
SEED = 1

LIMITS = {
    "N": 2, "C": 16, "F": 24, "H": 16, "W": 16, "KH": 5, "KW": 5,
    "sh": 4, "sw": 4, "dh": 4, "dw": 4, "pt": 4, "pb": 4, "pl": 4, "pr": 4,
}  # fmt: skip
"""The largest of each size and option that a reader can still follow, and a page can hold."""

INPUTS = (0, 9)
WEIGHTS = (-3, 3)
"""The least and the largest number of the operands: one digit each."""


class TooLargeError(ValueError):
    """The layer is more than a walkthrough shows."""


@dataclass(frozen=True, slots=True)
class Stage:
    """One convolution of a structure, worked: `x` (N, C, H, W), `weight` (F, Cg, KH, KW), `y`."""

    geometry: Geometry
    x: Array
    weight: Array
    y: Array


@dataclass(frozen=True, slots=True)
class Worked:
    """A structure with its numbers: one stage, or depthwise and then pointwise."""

    structure: Structure
    stages: tuple[Stage, ...]


@cache
def pools() -> dict[str, Array]:
    """The numbers that operands are cut from, so that a layer that grows keeps those it had.

    `x` (N, C, H, W) and `weight` (F, C, KH, KW), as large as `LIMITS` allows; `mix` (F, C, 1, 1),
    the weight of the pointwise stage of a separable layer.
    """
    N, C, H, W, F, KH, KW = (LIMITS[name] for name in ("N", "C", "H", "W", "F", "KH", "KW"))
    return {
        "x": integers(SEED, 0, (N, C, H, W), *INPUTS),
        "weight": integers(SEED, 1, (F, C, KH, KW), *WEIGHTS),
        "mix": integers(SEED, 2, (F, C, 1, 1), *WEIGHTS),
    }


def layer_of(descriptor: str) -> Geometry:
    """The layer that a descriptor names, if it is small enough to be walked through.

    >>> layer_of("g2mb1ic4ih5oc6oh3kh3").weight_shape
    (6, 2, 3, 3)
    >>> layer_of("ic512ih14oc512kh3ph1")
    Traceback (most recent call last):
        ...
    refconv.walk.lesson.TooLargeError: C is 512, but a walkthrough shows at most 16

    Errors: `ValueError` for a descriptor that is none, or whose layer has nothing to show.
    """
    layer = Geometry.from_descriptor(descriptor)
    for name, most in LIMITS.items():
        if getattr(layer, name) > most:
            raise TooLargeError(
                f"{name} is {getattr(layer, name)}, but a walkthrough shows at most {most}"
            )
    for name in ("N", "C", "F", "H", "W"):
        if getattr(layer, name) == 0:
            raise ValueError(f"{name} is 0, but a walkthrough needs at least 1")
    return layer


def groups_of(layer: Geometry) -> list[int]:
    """Every number of groups that divides the layer's channels, 1 first.

    >>> groups_of(layer_of("ic4ih5oc6kh3"))
    [1, 2]
    """
    return [G for G in range(1, layer.C + 1) if layer.C % G == 0 and layer.F % G == 0]


def weight_of(stage: Geometry, pool: Array | None = None) -> Array:
    """The weight of a stage: of the standard layer's blocks, those that its groups leave.

    >>> standard, grouped = layer_of("ic4ih5oc6kh3"), layer_of("g2ic4ih5oc6kh3")
    >>> np.array_equal(weight_of(grouped)[3:], weight_of(standard)[3:, 2:])
    True
    """
    pool = pools()["weight"] if pool is None else pool
    channels = np.arange(stage.F)[:, None] // stage.Fg * stage.Cg + np.arange(stage.Cg)  # (F, Cg)
    return pool[np.arange(stage.F)[:, None], channels, : stage.KH, : stage.KW]


def worked(structure: Structure) -> Worked:
    """The structure on the lesson's numbers; a second stage reads what the first one gave."""
    N, C, H, W = structure.stages[0].x_shape
    return Worked(structure, tuple(_stages(structure, pools()["x"][:N, :C, :H, :W])))


def _stages(structure: Structure, x: Array) -> Iterator[Stage]:
    for place, g in enumerate(structure.stages):
        weight = weight_of(g, pools()["mix"] if place else None)
        y = conv2d(
            x, weight, stride=g.stride, padding=g.padding, dilation=g.dilation, groups=g.G,
            method="im2col",  # small: nothing to compile for
        )  # fmt: skip
        yield Stage(g, x, weight, y)
        x = y


def lesson(layer: Geometry) -> list[Worked]:
    """The layer worked with every number of groups that it can have, and then separable.

    >>> [w.structure.name for w in lesson(layer_of("ic4ih5oc4kh3ph1"))]
    ['standard', '2 groups', '4 groups', 'separable']
    """
    layer = replace(layer, G=1)
    found = structures(layer, groups_of(layer))
    return [worked(s) for s in found if s.name not in ("depthwise", "pointwise")]
