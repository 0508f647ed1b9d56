"""What the paper of MobileNetV1 prints, table by table, and what other projects print of it."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from refconv.counts.closed import Counts, count
from refconv.geometry import Geometry
from refconv.networks.alexnet import alexnet
from refconv.networks.mobilenet import (
    mobilenet_v1,
    mobilenet_v1_fullconv,
    mobilenet_v1_shallow,
    mobilenet_v2,
)
from refconv.networks.network import Layer, Network
from refconv.networks.published.conventions import (
    NAMES,
    conv_macs,
    conv_weights,
    figure,
    macs,
    macs_but_the_first,
    slim_parameters,
    trainable,
    weights_and_biases,
)
from refconv.networks.published.figure import Figure

PAPER = "MobileNetV1"

FLOOR = "at least 16 channels (a guess)"
"""What makes figures of width 0.25 fit: neither the paper nor the table says so."""


def paper() -> Iterator[Figure]:
    """Howard et al., 2017."""
    net, full, shallow = mobilenet_v1(), mobilenet_v1_fullconv(), mobilenet_v1_shallow()
    yield _stride(net)
    yield from _shares(net)
    yield from _one_layer()
    yield figure(f"{PAPER} T4", "MobileNet", "569", "M", net, macs)
    yield figure(f"{PAPER} T4", "MobileNet", "4.2", "M", net, trainable)
    remark = "fits without the fully connected layer: below"
    yield figure(f"{PAPER} T4", "full convolution", "4,866", "M", full, macs, remark=remark)
    yield figure(f"{PAPER} T4", "full convolution", "4,866", "M", full, conv_macs)
    yield figure(f"{PAPER} T4", "full convolution", "29.3", "M", full, trainable)
    yield figure(f"{PAPER} T5", "shallow", "307", "M", shallow, macs)
    yield figure(f"{PAPER} T5", "shallow", "2.9", "M", shallow, trainable)
    for width, mult_adds, parameters in (
        (0.75, "325", "2.6"), (0.5, "149", "1.3"), (0.25, "41", "0.5"),
    ):  # fmt: skip
        net, what = mobilenet_v1(width), f"width {width}"
        yield figure(f"{PAPER} T6", what, mult_adds, "M", net, macs)
        yield figure(f"{PAPER} T6", what, parameters, "M", net, trainable)
    for resolution, mult_adds in ((192, "418"), (160, "290"), (128, "186")):
        net = mobilenet_v1(resolution=resolution)
        yield figure(f"{PAPER} T7", f"resolution {resolution}", mult_adds, "M", net, macs)
    half = mobilenet_v1(0.5, 160)
    yield figure(f"{PAPER} T9", "width 0.5, 160", "76", "M", half, macs)
    yield figure(f"{PAPER} T9", "width 0.5, 160", "1.32", "M", half, weights_and_biases)
    grouped, tens = alexnet(), "printed in tens of millions"
    what = "AlexNet, 2 groups"
    yield figure(f"{PAPER} T9", what, "720", "M", grouped, macs, also=tens, zeros=1)
    yield figure(f"{PAPER} T9", what, "60", "M", grouped, trainable, also=tens, zeros=1)
    yield from _table_12()


def _stride(net: Network) -> Figure:
    """Table 1: its last depthwise layer has 7x7 pixels before and after."""
    last = [layer.geometry for layer in net.layers if layer.kind == "depthwise"][-1]
    return Figure(
        f"{PAPER} T1", "last depthwise, stride", "2", "", Fraction(last.sh),
        "the stride that its sizes need",
        "a misprint of 1: the table has 7x7 pixels before that layer and after", misprint_of="1",
    )  # fmt: skip


def _shares(net: Network) -> Iterator[Figure]:
    """Table 2: what part each kind of layer has."""
    for kind, what, of_macs, of_weights in (
        ("pointwise", "1x1", "94.86", "74.59"),
        ("depthwise", "depthwise 3x3", "3.06", "1.06"),
        ("standard", "3x3", "1.19", "0.02"),
        ("fully connected", "fully connected", "0.18", "24.33"),
    ):
        layers = [layer for layer in net.layers if layer.kind == kind]
        is_misprint = what == "3x3"
        yield Figure(
            f"{PAPER} T2", what, of_macs, "%",
            Fraction(sum(layer.counts.macs for layer in layers), net.macs), "share of MACs",
            "a misprint of 1.91: the column sums to 99.29" if is_misprint else "",
            misprint_of="1.91" if is_misprint else "",
        )  # fmt: skip
        share = Fraction(sum(layer.weights for layer in layers), net.weights)
        yield Figure(f"{PAPER} T2", what, of_weights, "%", share, "share of weights")


def _one_layer() -> Iterator[Figure]:
    """Table 3: one layer of 512 channels, and what makes it smaller."""
    for what, C, size, is_separable, mult_adds, parameters in (
        ("convolution", 512, 14, False, "462", "2.36"),
        ("depthwise separable", 512, 14, True, "52.3", "0.27"),
        ("width 0.75", 384, 14, True, "29.6", "0.15"),
        ("resolution 0.714", 384, 10, True, "15.1", "0.15"),
    ):
        found = _separable(C, size) if is_separable else _standard(C, 3, size)
        yield Figure(f"{PAPER} T3", what, mult_adds, "M", Fraction(found.macs), NAMES[macs])
        yield Figure(f"{PAPER} T3", what, parameters, "M", Fraction(found.parameters), "weights")


def _standard(C: int, kernel: int, size: int) -> Counts:
    return count(Geometry.of((1, C, size, size), (C, C, kernel, kernel), padding=kernel // 2))


def _separable(C: int, size: int) -> Counts:
    depthwise = Geometry.of((1, C, size, size), (C, 1, 3, 3), padding=1, groups=C)
    return Layer("dw", depthwise).counts + _standard(C, 1, size)


def _table_12() -> Iterator[Figure]:
    source = f"{PAPER} T12"
    for width, resolution, mult_adds in (
        (1, 224, "568"), (0.5, 224, "149"), (1, 128, "185"), (0.5, 128, "48"),
    ):  # fmt: skip
        net = mobilenet_v1(width, resolution)
        yield figure(source, f"width {width}, {resolution}", mult_adds, "M", net, conv_macs)
    for resolution, mult_adds in ((224, "45"), (128, "15")):
        what = f"width 0.25, {resolution}"
        net = mobilenet_v1(0.25, resolution)
        remark = f"fits with {FLOOR}: below"
        yield figure(source, what, mult_adds, "M", net, conv_macs, remark=remark)
        net = mobilenet_v1(0.25, resolution, least_channels=16)
        yield figure(source, what, mult_adds, "M", net, conv_macs, also=FLOOR)


def slim() -> Iterator[Figure]:
    """TensorFlow's slim: a docstring to the digit, and a table of 1001 classes."""
    source = "slim mobilenet_v1.py"
    for width, resolution, mult_adds, weights in (
        (1, 224, "567,716,352", "3,185,088"), (0.75, 128, "106,002,432", "1,800,144"),
    ):  # fmt: skip
        net, what = mobilenet_v1(width, resolution), f"width {width}, {resolution}"
        yield figure(source, what, mult_adds, "", net, conv_macs)
        yield figure(source, what, weights, "", net, conv_weights)
    yield from _slim_table("slim mobilenet_v1.md")


def _slim_table(source: str) -> Iterator[Figure]:
    table: dict[float, tuple[str, str, str, str]] = {
        1: ("569", "418", "291", "186"), 0.75: ("317", "233", "162", "104"),
        0.5: ("150", "110", "77", "49"), 0.25: ("41", "34", "21", "14"),
    }  # fmt: skip
    remarks: dict[tuple[float, int], str] = {
        **{(0.75, size): "fits without the first layer: below" for size in (224, 192, 160, 128)},
        (0.5, 224): "149.50, and no convention fits",
        (0.25, 192): f"fits with {FLOOR}: below",
    }
    for width, row in table.items():
        for resolution, printed in zip((224, 192, 160, 128), row, strict=True):
            net = mobilenet_v1(width, resolution, classes=1001)
            what, remark = f"width {width}, {resolution}", remarks.get((width, resolution), "")
            yield figure(source, what, printed, "M", net, macs, remark=remark)
            if width == 0.75:
                yield figure(source, what, printed, "M", net, macs_but_the_first)
            if (width, resolution) == (0.25, 192):
                net = mobilenet_v1(width, resolution, classes=1001, least_channels=16)
                yield figure(source, what, printed, "M", net, macs, also=FLOOR)
    for width, printed in ((1, "4.24"), (0.75, "2.59"), (0.5, "1.34"), (0.25, "0.47")):
        net = mobilenet_v1(width, classes=1001)
        yield figure(source, f"width {width}", printed, "M", net, slim_parameters)


def elsewhere() -> Iterator[Figure]:
    """Two collections of models."""
    for width, printed in (
        (1, "4,231,976"), (0.75, "2,585,560"), (0.5, "1,331,592"), (0.25, "470,072"),
    ):  # fmt: skip
        net = mobilenet_v1(width)
        yield figure("imgclsmob", f"MobileNet x{width}", printed, "", net, trainable)
    yield figure("torchvision", "mobilenet_v2", "3,504,872", "", mobilenet_v2(), trainable)
    yield figure("torchvision", "mobilenet_v2", "0.301", "G", mobilenet_v2(), macs)
