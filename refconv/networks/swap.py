"""What replacing convolutions would save: each eligible layer beside what stands in for it.

A separable replacement is a depthwise layer with the same kernel, stride and padding, then a
pointwise one. It does not compute the same: what it costs is the question here, not what it learns.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass, replace
from fractions import Fraction

from refconv.counts.closed import Counts
from refconv.geometry import Geometry
from refconv.networks.network import Layer, Network, sum_of


@dataclass(frozen=True)
class Swapped:
    """A layer and what replaces it; nothing, and the reason, where it stays."""

    layer: Layer
    by: tuple[Layer, ...] = ()
    reason: str = ""

    @property
    def after(self) -> tuple[Layer, ...]:
        """What is computed in the end."""
        return self.by or (self.layer,)

    @property
    def counts(self) -> tuple[Counts, Counts]:
        """Before, and after."""
        return self.layer.counts, sum_of(self.after)

    @property
    def promised(self) -> Fraction | None:
        """The MACs afterwards, over those before; None where there were none."""
        before, after = self.counts
        return after.ratio_to(before) if before.macs else None

    @property
    def costs_more(self) -> bool:
        """Whether the replacement has more MACs, as where it joins channels that were apart."""
        before, after = self.counts
        return after.macs > before.macs


def swap(network: Network, how: str, keep: Collection[str] | None = None) -> list[Swapped]:
    """Each layer of the network with its replacement.

    how: "separable", "depthwise", or "group:G" with a number of groups.
    keep: names of layers that stay as they are; left out, the first of several, as papers do.

    >>> from refconv.networks import NETWORKS
    >>> swapped = swap(NETWORKS["mobilenet_v1_fullconv"](), "separable")
    >>> sum(layer.counts.macs for s in swapped for layer in s.after) / 10**6
    568.740352

    Errors: `ValueError` for another way to swap, or a layer to keep that is not there.
    """
    in_groups = re.fullmatch("group:([0-9]{1,9})", how)
    groups = int(in_groups[1]) if in_groups else 1
    if how not in ("separable", "depthwise") and groups < 2:
        raise ValueError(f"swap is {how!r}, but must be separable, depthwise or group:G")
    if keep is None:
        keep = [layer.name for layer in network.layers[:1]] if len(network.layers) > 1 else ()
    elif missing := set(keep) - {layer.name for layer in network.layers}:
        raise ValueError(f"no layer is called {min(missing)!r}: it must be one of {network.name!r}")
    swapped = []
    for layer in network.layers:
        if layer.name in keep:
            swapped.append(Swapped(layer, reason="kept"))
        elif groups > 1:
            swapped.append(_grouped(layer, groups))
        else:
            swapped.append(_separated(layer, mixed=how == "separable"))
    return swapped


def _separated(layer: Layer, *, mixed: bool) -> Swapped:
    g = layer.geometry
    if layer.form != "convolution":
        return Swapped(layer, reason=f"a {layer.kind} layer is not separated")
    if g.KH == g.KW == 1:
        return Swapped(layer, reason="a 1x1 kernel has nothing to separate")
    if g.C <= 1:
        number = "one" if g.C else "no"
        return Swapped(layer, reason=f"with {number} input channel, there is nothing to separate")
    if g.G == g.C:
        return Swapped(layer, reason="it is depthwise already")
    if not mixed and g.F % g.C:
        return Swapped(layer, reason=f"{g.C} channels do not divide {g.F} outputs")
    depthwise = _convolution(g, F=g.C if mixed else g.F, groups=g.C)
    name = layer.name
    if not mixed:
        return Swapped(layer, (replace(layer, name=f"{name}.dw", geometry=depthwise),))
    pointwise = Geometry.of((g.N, g.C, g.OH, g.OW), (g.F, g.C, 1, 1))
    return Swapped(
        layer,
        (
            replace(layer, name=f"{name}.dw", geometry=depthwise, bias=False),
            replace(layer, name=f"{name}.pw", geometry=pointwise),
        ),
    )


def _grouped(layer: Layer, groups: int) -> Swapped:
    g = layer.geometry
    if layer.form != "convolution":
        return Swapped(layer, reason=f"a {layer.kind} layer has no groups")
    if g.G > 1:
        return Swapped(layer, reason=f"it has {g.G} groups already")
    if g.C % groups or g.F % groups:
        return Swapped(layer, reason=f"{groups} groups do not divide {g.C} -> {g.F} channels")
    geometry = _convolution(g, F=g.F, groups=groups)
    return Swapped(layer, (replace(layer, name=f"{layer.name}.g{groups}", geometry=geometry),))


def _convolution(g: Geometry, *, F: int, groups: int) -> Geometry:
    """The same kernel, stride, padding and dilation, with other channels."""
    return Geometry.of(
        g.x_shape,
        (F, g.C // groups, g.KH, g.KW),
        stride=g.stride,
        padding=g.padding,
        dilation=g.dilation,
        groups=groups,
    )
