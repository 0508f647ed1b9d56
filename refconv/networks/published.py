"""What papers and projects print of these networks, beside what we count: figure by figure.

Each figure names its convention, for they are mixed: whether fully connected layers are counted,
or biases, or batch norms. A figure agrees if ours rounds, or is cut off, to the digits that are
printed. Where it does not agree, the remark says what is known of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

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
from refconv.networks.resnet import resnet50, resnext50_32x4d
from refconv.networks.shufflenet import shufflenet_v1

SCALES = {"": Fraction(1), "M": Fraction(10**6), "G": Fraction(10**9), "%": Fraction(1, 100)}

AGREEING = ("exact", "rounded", "cut off")


@dataclass(frozen=True)
class Figure:
    """A printed number: by whom, of what, its digits and unit, our number, and its convention."""

    source: str
    what: str
    printed: str
    unit: str
    ours: Fraction
    convention: str
    remark: str = ""
    zeros: int = 0
    """Zeros at the end of what is printed that are no digits."""

    @property
    def verdict(self) -> str:
        """How the two compare: "exact", "rounded", "cut off" or "differs".

        >>> Figure("", "", "569", "M", Fraction(568_740_352), "").verdict
        'rounded'
        >>> Figure("", "", "1.19", "%", Fraction(10_838_016, 568_740_352), "").verdict
        'differs'
        """
        digits = self.printed.replace(",", "")
        places = len(digits.partition(".")[2]) - self.zeros
        scaled = self.ours / SCALES[self.unit] * Fraction(10) ** places
        printed = int(digits.replace(".", "")) // 10**self.zeros
        if scaled == printed:
            return "exact"
        if int(scaled + Fraction(1, 2)) == printed:
            return "rounded"
        return "cut off" if int(scaled) == printed else "differs"

    @property
    def agrees(self) -> bool:
        """Whether what is printed follows from our count."""
        return self.verdict in AGREEING


# --- conventions ---------------------------------------------------------------------------------

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


NAMES: dict[Convention, str] = {
    macs: "MACs",
    conv_macs: "MACs, convolutions only",
    macs_but_the_first: "MACs, without the first layer",
    trainable: "weights, biases, batch norms",
    weights_and_biases: "weights and biases",
    conv_weights: "weights, convolutions only",
    slim_parameters: "weights, biases, 3 vectors a batch norm",
}


# --- the figures ---------------------------------------------------------------------------------


def figures() -> list[Figure]:
    """All of them, paper by paper."""
    return [
        *_mobilenet_paper(), *_slim(), *_mobilenet_elsewhere(), *_alexnet(), *_resnet(),
        *_shufflenet(), *_single_layers(),
    ]  # fmt: skip


def _of(
    source: str, what: str, printed: str, unit: str, net: Network, how: Convention,
    remark: str = "", zeros: int = 0,
) -> Figure:  # fmt: skip
    return Figure(source, what, printed, unit, Fraction(how(net)), NAMES[how], remark, zeros)


def _mobilenet_paper() -> Iterator[Figure]:
    paper, net, full = "MobileNetV1", mobilenet_v1(), mobilenet_v1_fullconv()
    yield _of(f"{paper} T4", "MobileNet", "569", "M", net, macs)
    yield _of(f"{paper} T4", "MobileNet", "4.2", "M", net, trainable)
    yield _of(f"{paper} T4", "full convolution", "4,866", "M", full, conv_macs)
    yield _of(f"{paper} T4", "full convolution", "29.3", "M", full, trainable)
    yield from _shares(f"{paper} T2", net)
    yield from _one_layer(f"{paper} T3")
    shallow = mobilenet_v1_shallow()
    yield _of(f"{paper} T5", "shallow", "307", "M", shallow, macs)
    yield _of(f"{paper} T5", "shallow", "2.9", "M", shallow, trainable)
    for width, mult_adds, parameters in (
        (0.75, "325", "2.6"), (0.5, "149", "1.3"), (0.25, "41", "0.5"),
    ):  # fmt: skip
        yield _of(f"{paper} T6", f"width {width}", mult_adds, "M", mobilenet_v1(width), macs)
        yield _of(f"{paper} T6", f"width {width}", parameters, "M", mobilenet_v1(width), trainable)
    for resolution, mult_adds in ((192, "418"), (160, "290"), (128, "186")):
        net = mobilenet_v1(resolution=resolution)
        yield _of(f"{paper} T7", f"resolution {resolution}", mult_adds, "M", net, macs)
    half = mobilenet_v1(0.5, 160)
    yield _of(f"{paper} T9", "width 0.5, 160", "76", "M", half, macs)
    yield _of(f"{paper} T9", "width 0.5, 160", "1.32", "M", half, weights_and_biases)
    for width, resolution, mult_adds in (
        (1, 224, "568"), (0.5, 224, "149"), (1, 128, "185"), (0.5, 128, "48"),
    ):  # fmt: skip
        net = mobilenet_v1(width, resolution)
        what = f"width {width}, {resolution}"
        yield _of(f"{paper} T12", what, mult_adds, "M", net, conv_macs)
    for resolution, mult_adds in ((224, "45"), (128, "15")):
        for least, remark in ((8, "the next line fits"), (16, "at least 16 channels: a guess")):
            net = mobilenet_v1(0.25, resolution, least_channels=least)
            what = f"width 0.25, {resolution}" + (", floor 16" if least == 16 else "")
            yield _of(f"{paper} T12", what, mult_adds, "M", net, conv_macs, remark)


def _shares(source: str, net: Network) -> Iterator[Figure]:
    """Table 2: what part each kind of layer has."""
    for kind, what, of_macs, of_weights in (
        ("pointwise", "1x1", "94.86", "74.59"),
        ("depthwise", "depthwise 3x3", "3.06", "1.06"),
        ("standard", "3x3", "1.19", "0.02"),
        ("fully connected", "fully connected", "0.18", "24.33"),
    ):
        layers = [layer for layer in net.layers if layer.kind == kind]
        share = Fraction(sum(layer.counts.macs for layer in layers), net.macs)
        remark = "a misprint of 1.91: the column sums to 99.29" if what == "3x3" else ""
        yield Figure(source, what, of_macs, "%", share, "share of MACs", remark)
        share = Fraction(sum(layer.weights for layer in layers), net.weights)
        yield Figure(source, what, of_weights, "%", share, "share of weights")


def _one_layer(source: str) -> Iterator[Figure]:
    """Table 3: one layer of 512 channels, and what makes it smaller."""
    for what, C, size, separable, mult_adds, parameters in (
        ("convolution", 512, 14, False, "462", "2.36"),
        ("depthwise separable", 512, 14, True, "52.3", "0.27"),
        ("width 0.75", 384, 14, True, "29.6", "0.15"),
        ("resolution 0.714", 384, 10, True, "15.1", "0.15"),
    ):
        found = _separable(C, size) if separable else _square(C, C, 3, size)
        yield Figure(source, what, mult_adds, "M", Fraction(found.macs), NAMES[macs])
        yield Figure(source, what, parameters, "M", Fraction(found.parameters), "weights")


def _slim() -> Iterator[Figure]:
    """TensorFlow's slim: a docstring to the digit, and a table of 1001 classes."""
    source = "slim mobilenet_v1.py"
    for width, resolution, mult_adds, weights in (
        (1, 224, "567,716,352", "3,185,088"), (0.75, 128, "106,002,432", "1,800,144"),
    ):  # fmt: skip
        net, what = mobilenet_v1(width, resolution), f"width {width}, {resolution}"
        yield _of(source, what, mult_adds, "", net, conv_macs)
        yield _of(source, what, weights, "", net, conv_weights)
    source = "slim mobilenet_v1.md"
    table: dict[float, tuple[str, str, str, str]] = {
        1: ("569", "418", "291", "186"), 0.75: ("317", "233", "162", "104"),
        0.5: ("150", "110", "77", "49"), 0.25: ("41", "34", "21", "14"),
    }  # fmt: skip
    for width, row in table.items():
        for resolution, printed in zip((224, 192, 160, 128), row, strict=True):
            net, what = (
                mobilenet_v1(width, resolution, classes=1001),
                f"width {width}, {resolution}",
            )
            if width == 0.75:
                yield _of(source, what, printed, "M", net, macs, "the next line fits")
                yield _of(source, what, printed, "M", net, macs_but_the_first)
            elif (width, resolution) == (0.25, 192):
                yield _of(source, what, printed, "M", net, macs, "the next line fits")
                net = mobilenet_v1(width, resolution, classes=1001, least_channels=16)
                remark = "at least 16 channels: a guess"
                yield _of(source, f"{what}, floor 16", printed, "M", net, macs, remark)
            else:
                remark = (
                    "149.50, and no convention fits" if (width, resolution) == (0.5, 224) else ""
                )
                yield _of(source, what, printed, "M", net, macs, remark)
    for width, printed in ((1, "4.24"), (0.75, "2.59"), (0.5, "1.34"), (0.25, "0.47")):
        net = mobilenet_v1(width, classes=1001)
        yield _of(source, f"width {width}", printed, "M", net, slim_parameters)


def _mobilenet_elsewhere() -> Iterator[Figure]:
    for width, printed in (
        (1, "4,231,976"), (0.75, "2,585,560"), (0.5, "1,331,592"), (0.25, "470,072"),
    ):  # fmt: skip
        net = mobilenet_v1(width)
        yield _of("imgclsmob", f"MobileNet x{width}", printed, "", net, trainable)
    yield _of("torchvision", "mobilenet_v2", "3,504,872", "", mobilenet_v2(), trainable)
    yield _of("torchvision", "mobilenet_v2", "0.301", "G", mobilenet_v2(), macs)


def _alexnet() -> Iterator[Figure]:
    grouped, ungrouped = alexnet(), alexnet(1)
    yield _of("convnet-burden", "AlexNet, 2 groups", "724", "M", grouped, macs)
    yield _of("Caffe", "AlexNet, 2 groups", "60,965,224", "", grouped, trainable)
    yield _of("learnopencv", "AlexNet, ungrouped", "62,378,344", "", ungrouped, trainable)
    yield _of("Eyeriss ISSCC16", "AlexNet, 2 groups", "666", "M", grouped, conv_macs)
    yield _of("Eyeriss ISSCC16", "AlexNet, 2 groups", "2.3", "M", grouped, conv_weights)
    yield _of("usually quoted", "AlexNet, ungrouped", "1,135", "M", ungrouped, macs)
    source = "MobileNetV1 T9"
    yield _of(source, "AlexNet, 2 groups", "720", "M", grouped, macs, "in tens", zeros=1)
    yield _of(source, "AlexNet, 2 groups", "60", "M", grouped, trainable, "in tens", zeros=1)


def _resnet() -> Iterator[Figure]:
    v1, v15, resnext = resnet50(stride_in_3x3=False), resnet50(), resnext50_32x4d()
    yield _of("ResNet T1", "ResNet-50, stride in 1x1", "3.8", "G", v1, macs)
    yield _of("ResNeXt T1", "ResNet-50, stride in 3x3", "4.1", "G", v15, macs)
    yield _of("ResNeXt T1", "ResNet-50", "25.5", "M", v15, trainable)
    yield _of("ResNeXt T1", "ResNeXt-50 32x4d", "4.2", "G", resnext, macs)
    yield _of("ResNeXt T1", "ResNeXt-50 32x4d", "25.0", "M", resnext, trainable)
    yield _of("torchvision", "resnet50", "25,557,032", "", v15, trainable)
    yield _of("torchvision", "resnet50", "4.089", "G", v15, macs)
    yield _of("torchvision", "resnext50_32x4d", "25,028,904", "", resnext, trainable)
    yield _of("torchvision", "resnext50_32x4d", "4.23", "G", resnext, macs)


def _shufflenet() -> Iterator[Figure]:
    paper = "ShuffleNetV1"
    for groups, printed in ((1, "143"), (2, "140"), (3, "137"), (4, "133"), (8, "137")):
        net = shufflenet_v1(groups)
        yield _of(f"{paper} T1", f"{groups} groups", printed, "M", net, conv_macs)
    wide, wider = shufflenet_v1(3, 1.5), shufflenet_v1(3, 2, first=48)
    yield _of(f"{paper} T5", "2x, 3 groups", "524", "M", wider, macs, "first layer doubled")
    yield _of(f"{paper} T5", "1.5x, 3 groups", "292", "M", wide, macs, "first layer kept")
    table: dict[tuple[float, int], tuple[str, str]] = {
        (2, 3): ("524", "5.4"), (2, 8): ("522", "6.5"), (1.5, 3): ("292", "3.4"),
        (1.5, 8): ("290", "4.3"), (1, 3): ("138", "1.9"), (1, 8): ("138", "2.4"),
        (0.5, 3): ("38", "0.7"), (0.5, 8): ("40", "1.0"),
    }  # fmt: skip
    firsts = {(2, 3): 48, (2, 8): 48, (0.5, 3): 12, (0.5, 8): 16}
    for (scale, groups), (mult_adds, parameters) in table.items():
        net = shufflenet_v1(groups, scale, first=firsts.get((scale, groups), 24))
        what = f"{scale}x, {groups} groups"
        remark = "137.46, and no convention fits" if (scale, groups) == (1, 3) else ""
        yield _of("megvii README", what, mult_adds, "M", net, macs, remark)
        yield _of("megvii README", what, parameters, "M", net, trainable)


def _single_layers() -> Iterator[Figure]:
    first, second = resnet50().layers[0].counts, _square(64, 64, 3, 56)
    effective = "2 * effective MACs"
    yield Figure(
        "benchdnn, XLA", "ResNet conv1", "232.429", "M", 2 * Fraction(first.effective_macs),
        effective,
    )  # fmt: skip
    yield Figure(
        "benchdnn, XLA", "64 -> 64, 3x3 at 56", "0.225739", "G",
        2 * Fraction(second.effective_macs), effective,
    )  # fmt: skip
    small = count(Geometry.of((1, 1, 4, 4), (2, 1, 2, 2), padding="same"))
    what = "4x4, two 2x2, SAME"
    yield Figure("flax 3392 (XLA)", what, "196", "", 2 * Fraction(small.effective_macs), effective)
    yield Figure("flax 3392 (Keras)", what, "256", "", Fraction(small.flops), "2 * MACs")
    conv1 = alexnet().layers[0].counts
    yield Figure(
        "CS231n", "AlexNet conv1", "1,098,075", "", Fraction(conv1.im2col_size), "im2col elements"
    )


def _square(C: int, F: int, kernel: int, size: int) -> Counts:
    padding = kernel // 2
    return count(Geometry.of((1, C, size, size), (F, C, kernel, kernel), padding=padding))


def _separable(C: int, size: int) -> Counts:
    depthwise = Geometry.of((1, C, size, size), (C, 1, 3, 3), padding=1, groups=C)
    return Layer("dw", depthwise).counts + _square(C, C, 1, size)


def document() -> list[dict[str, Any]]:
    """As plain data, for JSON."""
    return [
        {
            "source": f.source, "what": f.what, "printed": f.printed, "unit": f.unit,
            "ours": float(f.ours / SCALES[f.unit]), "convention": f.convention,
            "verdict": f.verdict, "remark": f.remark,
        }
        for f in figures()
    ]  # fmt: skip
