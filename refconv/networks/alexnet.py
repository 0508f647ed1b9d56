"""AlexNet (Krizhevsky, Sutskever and Hinton, 2012), as Caffe has it: 227 pixels, two groups."""

from __future__ import annotations

from refconv.networks.network import Builder, Network


def alexnet(groups: int = 2) -> Network:
    """With two groups in the second, fourth and fifth layer, for two GPUs; or ungrouped, with 1.

    >>> alexnet().macs, alexnet(1).macs
    (724406816, 1135256096)

    Errors: `ValueError` for groups that do not divide its channels.
    """
    net = Builder(3, 227, bias=True, norm=False)
    net.conv("conv1", 96, 11, stride=4, padding=0)
    net.pool(3, 2)
    net.conv("conv2", 256, 5, groups=groups)
    net.pool(3, 2)
    net.conv("conv3", 384, 3)
    net.conv("conv4", 384, 3, groups=groups)
    net.conv("conv5", 256, 3, groups=groups)
    net.pool(3, 2)
    net.linear("fc6", 4096, inputs=net.channels * net.size**2)
    net.linear("fc7", 4096)
    net.linear("fc8", 1000)
    return Network(f"alexnet_g{groups}", tuple(net.layers))
