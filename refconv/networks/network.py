"""A network's layers that hold weights, with the counts of each: what convolves, and what follows.

Pooling, activations and additions have no weights and are not here. A fully connected layer is a
pointwise convolution of one pixel.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from refconv.counts.closed import Counts, count
from refconv.geometry import Geometry

KINDS = ("standard", "group", "depthwise", "pointwise", "fully connected")


@dataclass(frozen=True)
class Layer:
    """A convolution: its name, geometry, whether it has a bias, whether a batch norm follows.

    `of_vectors` says that it is a fully connected layer, or a product of matrices.
    """

    name: str
    geometry: Geometry
    bias: bool = False
    batch_norm: bool = False
    of_vectors: bool = False

    @property
    def kind(self) -> str:
        """One of `KINDS`; a pointwise convolution in groups is "group"."""
        return "fully connected" if self.of_vectors else self.geometry.kind

    @cached_property
    def counts(self) -> Counts:
        """Of the convolution itself, its bias included in the parameters."""
        return count(self.geometry, self.bias)

    @property
    def weights(self) -> int:
        """Elements of the weight alone."""
        return self.geometry.F * self.geometry.K

    @property
    def trainable(self) -> int:
        """Weights, biases, and a scale and a shift for each channel of a batch norm."""
        return self.counts.parameters + (2 * self.geometry.F if self.batch_norm else 0)


@dataclass(frozen=True)
class Network:
    """A name and its layers, in the order in which they are computed."""

    name: str
    layers: tuple[Layer, ...]

    @property
    def convolutions(self) -> tuple[Layer, ...]:
        """The layers but for the fully connected ones."""
        return tuple(layer for layer in self.layers if not layer.of_vectors)

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


class Builder:
    """Adds layers one behind the other, and knows the size of the image between them.

    >>> builder = Builder(channels=3, size=32)
    >>> builder.conv("first", 8, 3, stride=2)
    >>> builder.conv("second", 16, 1)
    >>> builder.channels, builder.size, builder.layers[1].geometry.kind
    (16, 16, 'pointwise')
    """

    def __init__(self, channels: int, size: int, *, bias: bool = False, norm: bool = True) -> None:
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
        padding = kernel // 2 if padding is None else padding
        geometry = Geometry.of(
            (1, self.channels, self.size, self.size),
            (F, self.channels // groups, kernel, kernel),
            stride=stride,
            padding=padding,
            groups=groups,
        )
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
        geometry = Geometry.of((1, C, 1, 1), (F, C, 1, 1))
        self.layers.append(Layer(name, geometry, bias=True, of_vectors=True))
        self.channels, self.size = F, 1
