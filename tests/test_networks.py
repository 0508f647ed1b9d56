"""The built-in networks: each row, each total, each published figure; and counts that are executed.

The rows of a network stand in `published_layers.txt`.
"""

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from refconv import Geometry, conv2d, count_by_ones
from refconv.networks import NETWORKS, Layer, Network
from refconv.networks.mobilenet import mobilenet_v1
from refconv.networks.network import Builder, matrix, of_batch, scaled
from refconv.networks.published import Figure, figures
from refconv.networks.resnet import resnet50
from refconv.networks.shufflenet import shufflenet_v1
from refconv.networks.swap import swap

DIFFERING = {
    ("MobileNetV1 T4", "full convolution", "4,866"),
    ("MobileNetV1 T12", "width 0.25, 224", "45"), ("MobileNetV1 T12", "width 0.25, 128", "15"),
    ("slim mobilenet_v1.md", "width 0.75, 224", "317"),
    ("slim mobilenet_v1.md", "width 0.75, 192", "233"),
    ("slim mobilenet_v1.md", "width 0.75, 160", "162"),
    ("slim mobilenet_v1.md", "width 0.75, 128", "104"),
    ("slim mobilenet_v1.md", "width 0.5, 224", "150"),
    ("slim mobilenet_v1.md", "width 0.25, 192", "34"),
    ("ShuffleNetV1 T1", "4 groups", "133"), ("ShuffleNetV1 T1", "8 groups", "137"),
    ("megvii README", "1x, 3 groups, first 24", "138"),
}  # fmt: skip
"""Figures that no count gives in the convention they stand under; each has its remark."""


def published_layers():
    """By network: the line of totals, and a line for each layer, with single spaces."""
    text = Path(__file__).with_name("published_layers.txt").read_text(encoding="utf-8")
    tables = {}
    for block in text.split("\n== ")[1:]:
        name, totals, *rows = (" ".join(line.split()) for line in block.strip().split("\n"))
        tables[name] = totals, rows
    return tables


PUBLISHED = published_layers()


def line_of(layer):
    """The layer as a line of that file; its image and kernel are square, its pads alike."""
    g = layer.geometry
    assert (g.H, g.KH, g.sh) == (g.W, g.KW, g.sw)
    assert g.pt == g.pb == g.pl == g.pr
    kind = layer.kind.removeprefix("fully ")
    marks = " +bias" * layer.bias + " +norm" * layer.batch_norm
    return f"{layer.name} {kind} {g.C} > {g.F} {g.KH}/{g.sh}+{g.pt} g{g.G} @{g.H}{marks}"


@pytest.mark.parametrize("name", PUBLISHED)
def test_every_row_and_total_is_the_published_one(name):
    network = NETWORKS[name]()
    totals, rows = PUBLISHED[name]
    effective = sum(layer.counts.effective_macs for layer in network.layers)
    assert network.name == name
    assert [line_of(layer) for layer in network.layers] == rows
    assert totals == (
        f"{network.macs} MACs, {effective} effective, "
        f"{network.weights} weights, {network.trainable} trainable"
    )


def test_every_network_that_has_published_rows_is_compared():
    assert len(PUBLISHED) == 13
    assert {make().name for make in NETWORKS.values()} - PUBLISHED.keys() == {"mobilenet_v2"}


def test_every_network_has_distinct_names_in_it():
    for name, make in NETWORKS.items():
        names = [layer.name for layer in make().layers]
        assert len(names) == len(set(names)), name


def test_executed_counts_equal_the_closed_forms_at_full_size():
    """Ones counting ones, of every layer of every network."""
    layers = {layer.geometry: layer for make in NETWORKS.values() for layer in make().layers}
    assert len(layers) > 150
    for geometry, layer in layers.items():
        counted = count_by_ones(geometry, dtype=np.float32)
        assert counted == (layer.counts.macs, layer.counts.effective_macs), layer


def test_published_figures_agree_but_for_those_that_are_known_not_to():
    found = figures()
    assert len(found) > 115
    by_verdict = {verdict: [] for verdict in ("exact", "rounded", "cut off", "misprint", "differs")}
    for f in found:
        by_verdict[f.verdict].append((f.source, f.what, f.printed))
    assert sorted(by_verdict["differs"]) == sorted(DIFFERING)
    assert by_verdict["misprint"] == [
        ("MobileNetV1 T1", "last depthwise, stride", "2"),
        ("MobileNetV1 T2", "3x3", "1.19"),
    ]
    assert {verdict: len(them) for verdict, them in by_verdict.items()} == {
        "exact": 16, "rounded": 91, "cut off": 7, "misprint": 2, "differs": 12,
    }  # fmt: skip
    assert all(f.is_known for f in found)
    assert not any(f.remark for f in found if f.agrees), "what belongs to a convention stands there"


def published(source, what, printed):
    (found,) = [f for f in figures() if (f.source, f.what, f.printed) == (source, what, printed)]
    return found


def test_the_parameters_of_megvii_have_no_bias():
    figure = published("megvii README", "2x, 3 groups, first 48", "5.4")
    assert (figure.ours, figure.verdict) == (5_449_776, "rounded")
    assert figure.convention == "weights and batch norms, no biases, first layer as stated"
    assert published("megvii README", "0.5x, 8 groups, first 16", "1.0").ours == 1_010_448


def test_a_remark_names_what_fits():
    remarks = {f.remark for f in figures() if f.verdict == "differs"}
    assert remarks == {
        "fits without the fully connected layer: below",
        "fits without the fully connected layer: above",
        "fits without the first layer: below",
        "fits with at least 16 channels (a guess): below",
        "149.50, and no convention fits", "137.46, and no convention fits",
    }  # fmt: skip
    conventions = {f.convention for f in figures() if f.agrees}
    assert {
        "MACs, convolutions only, at least 16 channels (a guess)", "MACs, without the first layer",
        "MACs, printed in tens of millions", "MACs, first layer as stated",
    } <= conventions  # fmt: skip


@pytest.mark.parametrize(
    ("printed", "ours", "verdict"),
    [
        ("12", 12_000_000, "exact"), ("12", 12_400_000, "rounded"), ("12", 12_500_000, "cut off"),
        ("13", 12_500_000, "rounded"), ("11", 12_000_000, "differs"), ("1.2", 1_249_999, "rounded"),
        ("1,234", 1_234_400_000, "rounded"),
    ],
)  # fmt: skip
def test_how_figures_compare(printed, ours, verdict):
    assert Figure("", "", printed, "M", Fraction(ours), "").verdict == verdict


def test_a_misprint_needs_that_the_right_digits_fit():
    ours = Fraction(191, 100)
    assert Figure("", "", "1.19", "", ours, "", misprint_of="1.91").verdict == "misprint"
    assert Figure("", "", "1.19", "", ours, "", misprint_of="1.90").verdict == "differs"
    assert Figure("", "", "1.91", "", ours, "", misprint_of="1.19").verdict == "exact"


def test_a_figure_that_differs_without_a_remark_is_not_known():
    assert not Figure("", "", "2", "", Fraction(1), "").is_known
    assert Figure("", "", "2", "", Fraction(1), "", remark="nobody knows").is_known


def test_a_transposed_layer_counts_its_own_inputs_and_outputs():
    """4 -> 6 channels, 5x7 -> 9x13, kernel 3x3, stride 2: a tap of each input cell."""
    geometry = Geometry.of((1, 6, 9, 13), (4, 6, 3, 3), stride=2, padding=1)
    layer = Layer("up", geometry, bias=True, form="transposed")
    counts = layer.counts
    assert (geometry.OH, geometry.OW) == (5, 7)
    assert counts.macs == 4 * 5 * 7 * 6 * 9
    assert (counts.input_size, counts.output_size) == (4 * 5 * 7, 6 * 9 * 13)
    assert counts.parameters == 4 * 6 * 9 + 6
    assert (layer.kind, layer.channels_out, layer.weights) == ("transposed", 6, 4 * 6 * 9)


def test_a_shared_weight_is_counted_once_and_a_bias_is_not_shared():
    own = matrix("own", rows=3, inputs=5, outputs=7, bias=True)
    shared = matrix("shared", rows=3, inputs=5, outputs=7, bias=True, owns_weight=False)
    assert own.counts.macs == shared.counts.macs == 3 * 5 * 7
    assert (own.counts.parameters, shared.counts.parameters) == (35 + 7, 7)
    assert (own.weights, shared.weights) == (35, 0)


def test_a_scale_is_the_decimal_number_that_is_written():
    """200 * 0.29 is a little less than 58 in binary: it was 57."""
    assert 200 * 0.29 < 58
    assert shufflenet_v1(1, 1.1).layers[3].geometry.F == 158 - 24
    assert [scaled(200, factor, "scale") for factor in (0.29, 0.57, 1, 2)] == [58, 114, 200, 400]


def test_a_name_has_what_is_not_usual():
    assert mobilenet_v1(0.75, 160).name == "mobilenet_v1_0.75x_160"
    assert NETWORKS["mobilenet_v1_fullconv"](resolution=192).name == "mobilenet_v1_fullconv_192"
    assert resnet50(resolution=64).name == "resnet50_v1.5_64"
    assert shufflenet_v1(3, 2).name == "shufflenet_v1_g3_2x"


INFINITE, NOT_A_NUMBER = float("inf"), float("nan")


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: shufflenet_v1(5), "groups is 5, but must be one of 1, 2, 3, 4, 8"),
        (
            lambda: shufflenet_v1(2, 0.29),
            "s3_1.gpw1: weight has 29 output channels, which 2 groups",
        ),
        (lambda: shufflenet_v1(3, INFINITE), "scale is inf, but must be a finite number above 0"),
        (lambda: shufflenet_v1(3, 0.01), "s2_1.gpw1 would have 0 output channels"),
        (lambda: mobilenet_v1(0), "width is 0, but must be a finite number above 0"),
        (lambda: mobilenet_v1(-1.0), "width is -1.0, but must be a finite number above 0"),
        (lambda: mobilenet_v1(NOT_A_NUMBER), "width is nan, but must be a finite number above 0"),
        (lambda: mobilenet_v1(resolution=0), "resolution is 0, but must be at least 1"),
        (lambda: Builder(3, -4), "resolution is -4, but must be at least 1"),
        (lambda: of_batch(mobilenet_v1(), 0), "batch is 0, but must be at least 1"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_networks_that_cannot_be(call, message):
    with pytest.raises(ValueError, match=message):
        call()


# --- swaps ---------------------------------------------------------------------------------------


def test_the_full_convolution_swapped_is_mobilenet():
    swapped = swap(NETWORKS["mobilenet_v1_fullconv"](), "separable")
    after = [layer for one in swapped for layer in one.after]
    expected = NETWORKS["mobilenet_v1"]()
    assert [layer.geometry for layer in after] == [layer.geometry for layer in expected.layers]
    assert sum(layer.trainable for layer in after) == expected.trainable
    assert swapped[0].reason == "kept"


def test_promises_are_the_formulas():
    g = Geometry.of((1, 12, 9, 11), (18, 12, 3, 2), padding=1)
    network = Network("one", (Layer("first", g), Layer("second", g)))
    separable, grouped = (swap(network, how)[1] for how in ("separable", "group:6"))
    depthwise = swap(Network("two", (Layer("a", g), Layer("b", _wide(g)))), "depthwise")[1]
    assert separable.promised == Fraction(1, 18) + Fraction(1, 6)
    assert grouped.promised == Fraction(1, 6)
    assert depthwise.promised == Fraction(1, 12)
    assert [layer.name for layer in separable.by] == ["second.dw", "second.pw"]


def test_what_shares_a_weight_shares_that_of_its_replacement():
    """Three layers with one weight, separated, have one of 8*9 and one of 8*8: not 280."""
    g = Geometry.of((1, 8, 5, 6), (8, 8, 3, 3), padding=1)
    shared = Network("shared", tuple(Layer(name, g, owns_weight=name == "a") for name in "abc"))
    for how, parameters in (("separable", 72 + 64), ("depthwise", 72), ("group:2", 8 * 4 * 9)):
        after = [layer for one in swap(shared, how, ()) for layer in one.after]
        assert sum(layer.counts.parameters for layer in after) == parameters, how


def test_the_first_of_several_is_kept_and_not_one_alone():
    g = Geometry.of((1, 12, 9, 11), (18, 12, 3, 2), padding=1)
    several = Network("several", (Layer("other", g), Layer("first", g)))
    assert [one.reason for one in swap(several, "separable")] == ["kept", ""]
    assert [one.reason for one in swap(several, "separable", ["first"])] == ["", "kept"]
    assert [one.reason for one in swap(several, "separable", [])] == ["", ""]
    assert swap(Network("one", (Layer("only", g),)), "separable")[0].by
    assert swap(Network("none", ()), "separable") == []


def test_a_replacement_may_cost_more():
    """A layer of 32 groups: its pointwise replacement joins all channels."""
    found = {one.layer.name: one for one in swap(NETWORKS["resnext50_32x4d"](), "separable")}
    assert found["conv4_2.b"].costs_more
    assert found["conv4_2.b"].promised == Fraction(52_283_392, 14_450_688)
    assert not any(one.costs_more for one in swap(NETWORKS["resnet50"](), "separable"))


def test_of_nothing_there_is_no_ratio():
    for x, weight in (((0, 4, 5, 6), (3, 4, 3, 2)), ((1, 4, 5, 6), (0, 4, 3, 2))):
        network = Network("empty", (Layer("a", Geometry.of(x, weight)),))
        (one,) = swap(network, "separable")
        assert one.by
        assert one.promised is None
        assert one.costs_more == (weight[0] == 0), "its depthwise layer computes, for nobody"


def _wide(g):
    return Geometry.of(g.x_shape, (24, 12, 3, 2), padding=1)


def test_a_replacement_has_the_shape_of_what_it_replaces():
    for how in ("separable", "depthwise", "group:4"):
        for name in ("resnet50", "alexnet_g1", "shufflenet_v1_g1"):
            for one in swap(NETWORKS[name](), how, keep=()):
                x = one.layer.geometry.x_shape
                for layer in one.by:
                    assert layer.geometry.x_shape == x
                    x = layer.geometry.y_shape
                assert not one.by or x == one.layer.geometry.y_shape


@pytest.mark.parametrize(
    ("how", "layer", "reason"),
    [
        (
            "separable",
            Geometry.of((1, 6, 5, 4), (8, 6, 1, 1)),
            "1x1 kernel has nothing to separate",
        ),
        ("separable", Geometry.of((1, 6, 5, 4), (6, 1, 3, 2), groups=6), "depthwise already"),
        (
            "depthwise",
            Geometry.of((1, 6, 5, 4), (8, 6, 3, 2)),
            "6 channels do not divide 8 outputs",
        ),
        ("separable", Geometry.of((1, 1, 9, 9), (8, 1, 3, 3)), "with one input channel"),
        ("separable", Geometry.of((1, 0, 9, 9), (8, 0, 3, 3)), "with no input channel"),
        ("group:4", Geometry.of((1, 6, 5, 4), (8, 6, 3, 2)), "4 groups do not divide 6 -> 8"),
        ("group:2", Geometry.of((1, 6, 5, 4), (6, 3, 3, 2), groups=2), "2 groups already"),
    ],
)
def test_why_a_layer_stays(how, layer, reason):
    network = Network("one", (Layer("first", layer), Layer("second", layer)))
    found = swap(network, how)[1]
    assert found.by == ()
    assert reason in found.reason


@pytest.mark.parametrize(
    ("how", "keep", "message"),
    [
        ("seperable", (), "swap is 'seperable', but must be separable, depthwise or group:G"),
        ("group:1", (), "swap is 'group:1'"),
        ("group:x", (), "swap is 'group:x'"),
        ("group:2:3", (), "swap is 'group:2:3'"),
        ("group:" + "9" * 5000, (), "swap is 'group:9999"),
        ("separable", ("conv99",), "no layer is called 'conv99': it must be one of 'alexnet_g2'"),
    ],
)
def test_swaps_that_are_none(how, keep, message):
    with pytest.raises(ValueError, match=message):
        swap(NETWORKS["alexnet"](), how, keep)


def test_a_separable_layer_of_the_swap_runs():
    """It is a network of this library's own layers, so it can be computed."""
    g = Geometry.of((1, 4, 7, 6), (5, 4, 3, 2), stride=(2, 1), padding=1)
    swapped = swap(Network("one", (Layer("a", g), Layer("b", g))), "separable")[1]
    y = np.ones(g.x_shape, np.int64)
    for layer in swapped.by:
        h = layer.geometry
        y = conv2d(
            y, np.ones(h.weight_shape, np.int64), stride=h.stride, padding=h.padding, groups=h.G
        )
    assert y.shape == g.y_shape
