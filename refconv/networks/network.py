"""A network's layers that multiply, and the counts of each: convolutions and products of matrices.

Pooling, activations and additions are not here. A fully connected layer is a pointwise convolution
of one pixel; a transposed convolution is the convolution whose input gradient it computes.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from typing import Literal, TypeAlias

from refconv.counts.closed import Counts, count
from refconv.geometry import Geometry

Form: TypeAlias = Literal["convolution", "transposed", "matrix"]

KINDS = (
    "standard", "group", "depthwise", "pointwise", "transposed", "fully connected",
)  # fmt: skip


@dataclass(frozen=True)
class Layer:
    """A layer: its name, its geometry, whether it has a bias, whether a batch norm follows.

    The geometry of a "transposed" layer is that of the convolution the other way: its x is this
    layer's output. `owns_weight` is false where another layer has the same weight, or where both
    factors of a product are computed: then its bias is all that it has of its own.
    """

    name: str
    geometry: Geometry
    bias: bool = False
    batch_norm: bool = False
    form: Form = "convolution"
    owns_weight: bool = True

    @property
    def kind(self) -> str:
        """One of `KINDS`; a pointwise convolution in groups is "group"."""
        if self.form == "matrix":
            return "fully connected"
        return "transposed" if self.form == "transposed" else self.geometry.kind

    @cached_property
    def counts(self) -> Counts:
        """Of the layer as it is, its bias included in the parameters."""
        counts = count(self.geometry, self.bias)
        if self.form == "transposed":
            outputs = counts.input_size
            counts = replace(
                counts,
                input_size=counts.output_size,
                output_size=outputs,
                bias_additions=outputs if self.bias else 0,
                parameters=self.weights + (self.channels_out if self.bias else 0),
            )
        if not self.owns_weight:
            counts = replace(counts, parameters=self.channels_out if self.bias else 0)
        return counts

    @property
    def channels_out(self) -> int:
        """Output channels."""
        return self.geometry.C if self.form == "transposed" else self.geometry.F

    @property
    def weights(self) -> int:
        """Elements of its weight alone."""
        return self.geometry.F * self.geometry.K if self.owns_weight else 0

    @property
    def trainable(self) -> int:
        """Weights, biases, and a scale and a shift for each channel of a batch norm."""
        return self.counts.parameters + (2 * self.channels_out if self.batch_norm else 0)


@dataclass(frozen=True)
class Network:
    """A name and its layers, in the order in which they are computed."""

    name: str
    layers: tuple[Layer, ...]

    @property
    def convolutions(self) -> tuple[Layer, ...]:
        """The layers but for the fully connected ones."""
        return tuple(layer for layer in self.layers if layer.form != "matrix")

    @property
    def macs(self) -> int:
        """Multiply-accumulates of all layers; those of padding cells are counted."""
        return sum(layer.counts.macs for layer in self.layers)

    @property
    def weights(self) -> int:
        """Elements of all weights, without biases and batch norms."""
        return sum(layer.weights for layer in self.layers)

    @property
    def trainable(self) -> int:
        """Weights, biases, scales and shifts."""
        return sum(layer.trainable for layer in self.layers)


def sum_of(layers: Iterable[Layer]) -> Counts:
    """The counts of all of them together; zeros where there are none.

    >>> sum_of([matrix("a", rows=1, inputs=5, outputs=7), matrix("b", rows=2, inputs=3, outputs=2)])
    ... # doctest: +ELLIPSIS
    Counts(macs=47, ...parameters=41, input_size=11, output_size=11, ...)
    """
    return sum((layer.counts for layer in layers), start=Counts(0, 0, 0, 0, 0, 0, 0, 0, 0))


def of_batch(network: Network, batch: int) -> Network:
    """The same network for so many images at once, where it is one for a single image.

    >>> net = Network("one", (matrix("fc", rows=1, inputs=5, outputs=7),))
    >>> of_batch(net, 3).macs, of_batch(net, 3).trainable
    (105, 35)

    Errors: `ValueError` for a batch below 1.
    """
    if batch < 1:
        raise ValueError(f"batch is {batch}, but must be at least 1")
    layers = (replace(layer, geometry=replace(layer.geometry, N=batch)) for layer in network.layers)
    return Network(network.name, tuple(layers))


def scaled(channels: int, factor: float, name: str) -> int:
    """So many times the channels, a fraction cut off; `name` is what a message calls the factor.

    The factor is the decimal number that it prints as: 200 * 0.29 is 58, not 57.99...

    >>> scaled(200, 0.29, "scale"), scaled(32, 0.75, "width")
    (58, 24)

    Errors: `ValueError` for a factor that is not finite, or not above 0.
    """
    if not (math.isfinite(factor) and factor > 0):
        raise ValueError(f"{name} is {factor}, but must be a finite number above 0")
    return int(channels * Fraction(str(float(factor))))


def variant(name: str, factor: float = 1, resolution: int = 224) -> str:
    """The name of a network with other channels, or for other images.

    >>> variant("mobilenet_v1", 0.75, 160), variant("mobilenet_v1")
    ('mobilenet_v1_0.75x_160', 'mobilenet_v1')
    """
    width = "" if factor == 1 else f"_{factor:g}x"
    return name + width + ("" if resolution == 224 else f"_{resolution}")


class Builder:
    """Adds layers one behind the other, and knows the size of the image between them.

    >>> builder = Builder(channels=3, size=32)
    >>> builder.conv("first", 8, 3, stride=2)
    >>> builder.conv("second", 16, 1)
    >>> builder.channels, builder.size, builder.layers[1].geometry.kind
    (16, 16, 'pointwise')

    Errors: `ValueError` for an image without pixels, and for a layer that cannot be; it names it.
    """

    def __init__(self, channels: int, size: int, *, bias: bool = False, norm: bool = True) -> None:
        if size < 1:
            raise ValueError(f"resolution is {size}, but must be at least 1")
        self.channels, self.size = channels, size
        self.layers: list[Layer] = []
        self._bias, self._norm = bias, norm

    def conv(
        self,
        name: str,
        F: int,
        kernel: int,
        *,
        stride: int = 1,
        padding: int | None = None,
        groups: int = 1,
    ) -> None:
        """Add a convolution; left out, the padding keeps the size at stride 1."""
        if F < 1:
            raise ValueError(f"{name} would have {F} output channels, but must have at least 1")
        padding = kernel // 2 if padding is None else padding
        try:
            geometry = Geometry.of(
                (1, self.channels, self.size, self.size),
                (F, self.channels // groups, kernel, kernel),
                stride=stride,
                padding=padding,
                groups=groups,
            )
        except ValueError as error:
            raise ValueError(f"{name}: {error}") from error
        self.layers.append(Layer(name, geometry, self._bias, self._norm))
        self.channels, self.size = F, geometry.OH

    def depthwise(self, name: str, *, stride: int = 1) -> None:
        """Add a depthwise 3x3 convolution."""
        self.conv(name, self.channels, 3, stride=stride, groups=self.channels)

    def pool(self, kernel: int, stride: int, padding: int = 0) -> None:
        """Shrink the image as pooling does."""
        self.size = (self.size + 2 * padding - kernel) // stride + 1

    def linear(self, name: str, F: int, inputs: int | None = None) -> None:
        """Add a fully connected layer, with a bias; left out, its inputs are the channels."""
        C = self.channels if inputs is None else inputs
        self.layers.append(matrix(name, rows=1, inputs=C, outputs=F, bias=True))
        self.channels, self.size = F, 1


def matrix(
    name: str, *, rows: int, inputs: int, outputs: int, bias: bool = False, owns_weight: bool = True
) -> Layer:
    """A product of a (rows, inputs) matrix and an (inputs, outputs) weight."""
    geometry = Geometry.of((rows, inputs, 1, 1), (outputs, inputs, 1, 1))
    return Layer(name, geometry, bias, form="matrix", owns_weight=owns_weight)
