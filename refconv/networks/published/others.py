"""What is printed of AlexNet, ResNet, ResNeXt and ShuffleNet, and of single layers."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from refconv.counts.closed import Counts, count
from refconv.geometry import Geometry
from refconv.networks.alexnet import alexnet
from refconv.networks.published.conventions import (
    conv_macs,
    conv_weights,
    figure,
    macs,
    trainable,
    weights_and_norms,
)
from refconv.networks.published.figure import Figure
from refconv.networks.resnet import resnet50, resnext50_32x4d
from refconv.networks.shufflenet import shufflenet_v1


def of_alexnet() -> Iterator[Figure]:
    """By those who count it; what the paper of MobileNetV1 quotes stands there."""
    grouped, ungrouped = alexnet(), alexnet(1)
    what = "AlexNet, 2 groups"
    yield figure("convnet-burden", what, "724", "M", grouped, macs)
    yield figure("Caffe", what, "60,965,224", "", grouped, trainable)
    yield figure("learnopencv", "AlexNet, ungrouped", "62,378,344", "", ungrouped, trainable)
    yield figure("Eyeriss ISSCC16", what, "666", "M", grouped, conv_macs)
    yield figure("Eyeriss ISSCC16", what, "2.3", "M", grouped, conv_weights)
    yield figure("usually quoted", "AlexNet, ungrouped", "1,135", "M", ungrouped, macs)


def of_resnet() -> Iterator[Figure]:
    """By the two papers, and by torchvision."""
    v1, v15, resnext = resnet50(stride_in_3x3=False), resnet50(), resnext50_32x4d()
    yield figure("ResNet T1", "ResNet-50, stride in 1x1", "3.8", "G", v1, macs)
    yield figure("ResNeXt T1", "ResNet-50, stride in 3x3", "4.1", "G", v15, macs)
    yield figure("ResNeXt T1", "ResNet-50", "25.5", "M", v15, trainable)
    yield figure("ResNeXt T1", "ResNeXt-50 32x4d", "4.2", "G", resnext, macs)
    yield figure("ResNeXt T1", "ResNeXt-50 32x4d", "25.0", "M", resnext, trainable)
    yield figure("torchvision", "resnet50", "25,557,032", "", v15, trainable)
    yield figure("torchvision", "resnet50", "4.089", "G", v15, macs)
    yield figure("torchvision", "resnext50_32x4d", "25,028,904", "", resnext, trainable)
    yield figure("torchvision", "resnext50_32x4d", "4.23", "G", resnext, macs)


def of_shufflenet() -> Iterator[Figure]:
    """By the paper, and by its authors' repository.

    The first layer has 24 channels where its scale is 1; which channels it has at another, they say
    nowhere. So each row states those that fit.
    """
    paper = "ShuffleNetV1"
    table_1 = ((1, "143"), (2, "140"), (3, "137"), (4, "133"), (8, "137"))
    for groups, printed in table_1:
        what, net = _groups(groups), shufflenet_v1(groups)
        yield figure(f"{paper} T1", what, printed, "M", net, conv_macs)
    for groups, printed in table_1:
        remark = "fits without the fully connected layer: above" if groups in (4, 8) else ""
        what, net = _groups(groups), shufflenet_v1(groups)
        yield figure(f"{paper} T1", what, printed, "M", net, macs, remark=remark)
    stated = "first layer as stated"
    for scale, first, mult_adds in ((2, 48, "524"), (1.5, 24, "292")):
        net, what = shufflenet_v1(3, scale, first=first), f"{scale}x, {_groups(3)}, first {first}"
        yield figure(f"{paper} T5", what, mult_adds, "M", net, macs, also=stated)
    for scale, groups, first, mult_adds, parameters in (
        (2, 3, 48, "524", "5.4"), (2, 8, 48, "522", "6.5"), (1.5, 3, 24, "292", "3.4"),
        (1.5, 8, 24, "290", "4.3"), (1, 3, 24, "138", "1.9"), (1, 8, 24, "138", "2.4"),
        (0.5, 3, 12, "38", "0.7"), (0.5, 8, 16, "40", "1.0"),
    ):  # fmt: skip
        net = shufflenet_v1(groups, scale, first=first)
        what = f"{scale}x, {_groups(groups)}, first {first}"
        remark = "137.46, and no convention fits" if (scale, groups) == (1, 3) else ""
        source = "megvii README"
        yield figure(source, what, mult_adds, "M", net, macs, also=stated, remark=remark)
        yield figure(source, what, parameters, "M", net, weights_and_norms, also=stated)


def _groups(number: int) -> str:
    return f"{number} group{'s' * (number > 1)}"


def of_single_layers() -> Iterator[Figure]:
    """By benchmarks, by reports about counters, and by a course."""
    first, small = resnet50().layers[0].counts, _same(1, 2, 2, 4)
    square, effective = _same(64, 64, 3, 56), "2 * effective MACs"
    conv1 = alexnet().layers[0].counts
    for source, what, printed, unit, ours, convention in (
        ("benchdnn, XLA", "ResNet conv1", "232.429", "M", 2 * first.effective_macs, effective),
        ("benchdnn, XLA", "64 -> 64, 3x3 at 56", "0.225739", "G",
         2 * square.effective_macs, effective),
        ("flax 3392 (XLA)", "4x4, two 2x2, SAME", "196", "", 2 * small.effective_macs, effective),
        ("flax 3392 (Keras)", "4x4, two 2x2, SAME", "256", "", small.flops, "2 * MACs"),
        ("CS231n", "AlexNet conv1", "1,098,075", "", conv1.im2col_size, "im2col elements"),
    ):  # fmt: skip
        yield Figure(source, what, printed, unit, Fraction(ours), convention)


def _same(C: int, F: int, kernel: int, size: int) -> Counts:
    return count(Geometry.of((1, C, size, size), (F, C, kernel, kernel), padding="same"))
