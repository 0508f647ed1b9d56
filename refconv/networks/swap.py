"""What replacing convolutions would save: each eligible layer beside what stands in for it.

A separable replacement is a depthwise layer with the same kernel, stride and padding, then a
pointwise one. It does not compute the same: what it costs is the question here, not what it learns.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from fractions import Fraction

from refconv.counts.closed import Counts
from refconv.geometry import Geometry
from refconv.networks.network import Layer, Network

FIRST = "first"
"""In a list of layers to keep, the first one of the network, as papers do."""


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
    def promised(self) -> Fraction:
        """The MACs afterwards, over those before."""
        before, after = self.counts
        return after.ratio_to(before)


def sum_of(layers: Collection[Layer]) -> Counts:
    """The counts of all of them together."""
    total: Counts = sum((layer.counts for layer in layers), start=0)  # type: ignore[assignment]
    return total or Counts(0, 0, 0, 0, 0, 0, 0, 0, 0)


def swap(network: Network, how: str, keep: Collection[str] = (FIRST,)) -> list[Swapped]:
    """Each layer of the network with its replacement.

    how: "separable", "depthwise", or "group:G" with a number of groups.
    keep: names of layers that stay as they are; "first" is the first one.

    >>> from refconv.networks import NETWORKS
    >>> swapped = swap(NETWORKS["mobilenet_v1_fullconv"](), "separable")
    >>> sum(layer.counts.macs for s in swapped for layer in s.after) / 10**6
    568.740352

    Errors: `ValueError` for another way to swap, or a layer to keep that is not there.
    """
    kind, _, number = how.partition(":")
    is_group = kind == "group" and number.isdecimal() and int(number) > 1
    if how not in ("separable", "depthwise") and not is_group:
        raise ValueError(f"swap is {how!r}, but must be separable, depthwise or group:G")
    names = {layer.name for layer in network.layers}
    if missing := set(keep) - names - {FIRST}:
        raise ValueError(f"no layer is called {min(missing)!r}: it must be one of {network.name}'s")
    kept = {network.layers[0].name if name == FIRST and network.layers else name for name in keep}
    swapped = []
    for layer in network.layers:
        if layer.name in kept:
            swapped.append(Swapped(layer, reason="kept"))
        elif is_group:
            swapped.append(_grouped(layer, int(number)))
        else:
            swapped.append(_separated(layer, mixed=kind == "separable"))
    return swapped


def _separated(layer: Layer, *, mixed: bool) -> Swapped:
    g = layer.geometry
    if layer.form != "convolution":
        return Swapped(layer, reason=f"a {layer.kind} layer is none to separate")
    if g.KH == g.KW == 1:
        return Swapped(layer, reason="a 1x1 kernel has nothing to separate")
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
            Layer(f"{name}.dw", depthwise, batch_norm=layer.batch_norm),
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
