"""What a published figure counts: fully connected layers or not, biases, batch norms."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

from refconv.networks.network import Network
from refconv.networks.published.figure import Figure

Convention = Callable[[Network], int]


def macs(net: Network) -> int:
    """Multiply-accumulates, fully connected layers too."""
    return net.macs


def conv_macs(net: Network) -> int:
    """Multiply-accumulates of convolutions only."""
    return sum(layer.counts.macs for layer in net.convolutions)


def macs_but_the_first(net: Network) -> int:
    """Multiply-accumulates of all layers but the first."""
    return net.macs - net.layers[0].counts.macs


def trainable(net: Network) -> int:
    """Weights, biases, scales and shifts."""
    return net.trainable


def weights_and_biases(net: Network) -> int:
    """Without batch norms."""
    return sum(layer.counts.parameters for layer in net.layers)


def conv_weights(net: Network) -> int:
    """Weights of convolutions only."""
    return sum(layer.weights for layer in net.convolutions)


def slim_parameters(net: Network) -> int:
    """Weights, biases, and three vectors of a batch norm: shift, mean and variance."""
    norms = sum(layer.channels_out for layer in net.layers if layer.batch_norm)
    return weights_and_biases(net) + 3 * norms


def weights_and_norms(net: Network) -> int:
    """Without biases."""
    return net.trainable - sum(layer.channels_out for layer in net.layers if layer.bias)


NAMES: dict[Convention, str] = {
    macs: "MACs",
    conv_macs: "MACs, convolutions only",
    macs_but_the_first: "MACs, without the first layer",
    trainable: "weights, biases, batch norms",
    weights_and_biases: "weights and biases",
    weights_and_norms: "weights and batch norms, no biases",
    conv_weights: "weights, convolutions only",
    slim_parameters: "weights, biases, 3 vectors a batch norm",
}


def figure(
    source: str, what: str, printed: str, unit: str, net: Network, how: Convention, *,
    also: str = "", remark: str = "", zeros: int = 0,
) -> Figure:  # fmt: skip
    """The figure of a network in a convention; `also` is what else belongs to the convention."""
    convention = f"{NAMES[how]}, {also}" if also else NAMES[how]
    return Figure(source, what, printed, unit, Fraction(how(net)), convention, remark, zeros)
