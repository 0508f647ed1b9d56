"""Networks as small tables: a few lines of structure each, from which every layer follows.

`network.py` says what a layer and a network are; each family has a file; `published` holds what
papers print of them, `tools` what other counters would. `NETWORKS` finds them by name.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from refconv.networks.alexnet import alexnet
from refconv.networks.mobilenet import (
    mobilenet_v1,
    mobilenet_v1_fullconv,
    mobilenet_v1_shallow,
    mobilenet_v2,
)
from refconv.networks.network import KINDS, Layer, Network
from refconv.networks.resnet import resnet50, resnext50_32x4d
from refconv.networks.shufflenet import STAGE_2, shufflenet_v1

__all__ = ["KINDS", "NETWORKS", "Layer", "Network"]

NETWORKS: dict[str, Callable[..., Network]] = {
    "mobilenet_v1": mobilenet_v1,
    "mobilenet_v1_fullconv": mobilenet_v1_fullconv,
    "mobilenet_v1_shallow": mobilenet_v1_shallow,
    "mobilenet_v2": mobilenet_v2,
    "alexnet": alexnet,
    "alexnet_g2": partial(alexnet, 2),
    "alexnet_g1": partial(alexnet, 1),
    "resnet50": resnet50,
    "resnet50_v1.5": resnet50,
    "resnet50_v1": partial(resnet50, stride_in_3x3=False),
    "resnext50_32x4d": resnext50_32x4d,
    **{f"shufflenet_v1_g{groups}": partial(shufflenet_v1, groups) for groups in STAGE_2},
}
"""By name. What takes `width`, `resolution` or `scale` says so by its arguments."""
