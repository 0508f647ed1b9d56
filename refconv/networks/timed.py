"""How long layers take on this machine, each distinct geometry measured once."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from functools import partial

import numpy as np

from refconv.counts import count
from refconv.geometry import Geometry
from refconv.layer import Conv2d
from refconv.networks.network import Layer
from refconv.text import printable
from refconv.timing import medians

TURNS = 7
"""Of each layer: other work on the machine makes a turn slower, never faster."""


def is_timed(layer: Layer) -> bool:
    """Whether a prepared convolution does the layer's own work, so that its time is the layer's.

    It does not where a convolution is transposed, nor in a product of matrices without a weight of
    its own: of two computed ones, none can be prepared.
    """
    return layer.form == "convolution" or (layer.form == "matrix" and layer.owns_weight)


def seconds_of(
    layers: Iterable[Layer], say: Callable[[str], None] = lambda text: None
) -> dict[Geometry, float]:
    """Seconds of the prepared float32 layer, by geometry: the median of the best of its turns.

    Those for which `is_timed` does not hold are left out. `say` is told what is being measured.

    >>> from refconv.networks.network import matrix
    >>> layer = matrix("fc", rows=1, inputs=5, outputs=7)
    >>> seconds = seconds_of([layer, layer])
    >>> len(seconds), seconds[layer.geometry] > 0
    (1, True)

    Errors: `MemoryError` where a layer's arrays do not fit.
    """
    distinct = {layer.geometry: layer.name for layer in layers if is_timed(layer)}
    found: dict[Geometry, float] = {}
    for number, (g, name) in enumerate(distinct.items(), 1):
        say(f"measuring {printable(name)}, {number} of {len(distinct)}")
        if (size := count(g).bytes(np.float32)) > sys.maxsize:
            raise MemoryError(f"{printable(name)} has {size:,} bytes")
        x = np.ones(g.x_shape, np.float32)
        weight = np.ones(g.weight_shape, np.float32)
        prepared = Conv2d(
            weight, stride=g.stride, padding=g.padding, dilation=g.dilation, groups=g.G
        )
        call = partial(prepared, x)
        turns = (medians({"": call}, rounds=1, warm_up=0.005, turn=0.01) for _ in range(TURNS))
        found[g] = min(turn[""] for turn in turns)
    return found
