"""How long layers take on this machine, each distinct geometry measured once."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

import numpy as np

from refconv.geometry import Geometry
from refconv.layer import Conv2d
from refconv.networks.network import Layer
from refconv.timing import medians


def seconds_of(layers: Iterable[Layer]) -> dict[Geometry, float]:
    """Seconds of the prepared float32 layer, by geometry; a median of several turns."""
    found: dict[Geometry, float] = {}
    for layer in layers:
        g = layer.geometry
        if g not in found:
            x = np.ones(g.x_shape, np.float32)
            weight = np.ones(g.weight_shape, np.float32)
            prepared = Conv2d(
                weight, stride=g.stride, padding=g.padding, dilation=g.dilation, groups=g.G
            )
            call = partial(prepared, x)
            found[g] = medians({"layer": call}, rounds=3, warm_up=0.01, turn=0.02)["layer"]
    return found
