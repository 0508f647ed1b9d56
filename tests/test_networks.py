"""The built-in networks: each row, each total, each published figure; and counts that are executed.

The rows of a network are told by a digest of (name, C, F, kernel, stride, padding, groups, size,
bias, batch norm), made from tables that papers and other projects print.
"""

import hashlib
import json
from fractions import Fraction

import numpy as np
import pytest

from refconv import Geometry, conv2d, count_by_ones
from refconv.networks import NETWORKS, Layer, Network
from refconv.networks.network import matrix
from refconv.networks.published import Figure, figures
from refconv.networks.shufflenet import shufflenet_v1
from refconv.networks.swap import swap

PUBLISHED = {
    "mobilenet_v1": ("6ce5eed83ece709f", 568740352, 567875744, 4209088, 4231976),
    "mobilenet_v1_fullconv": ("34c9b7577bd1d3be", 4867293184, 4492346464, 29281120, 29294088),
    "mobilenet_v1_shallow": ("7457e153ef7f55b9", 307323392, 306878624, 2875328, 2887976),
    "alexnet_g2": ("8d3cffb3d20662bd", 724406816, 671322656, 60954656, 60965224),
    "alexnet_g1": ("36d7e1caa48957b1", 1135256096, 1044029984, 62367776, 62378344),
    "resnet50_v1": ("d49d10d618374519", 3857973248, 3698805504, 25502912, 25557032),
    "resnet50_v1.5": ("f74d5060eaf688e5", 4089184256, 3948251904, 25502912, 25557032),
    "resnext50_32x4d": ("bf68ee050d219897", 4230479872, 4211288832, 24959680, 25028904),
    "shufflenet_v1_g1": ("149edfc4f6654786", 143078976, 142859700, 1516248, 1531936),
    "shufflenet_v1_g2": ("89331401591f129a", 140836512, 140550750, 1712448, 1733848),
    "shufflenet_v1_g3": ("97b665fadd8d3d30", 137460672, 137127420, 1840248, 1865728),
    "shufflenet_v1_g4": ("73a7ce976c34ed6a", 134339776, 133968532, 1939600, 1968344),
    "shufflenet_v1_g8": ("3aa55c44131f13ea", 138365952, 137861736, 2394600, 2434768),
}
"""Digest of the rows; MACs, effective MACs, weights, trainable parameters."""

DIFFERING = {
    ("MobileNetV1 T2", "3x3", "1.19"), ("MobileNetV1 T12", "width 0.25, 224", "45"),
    ("MobileNetV1 T12", "width 0.25, 128", "15"),
    ("slim mobilenet_v1.md", "width 0.75, 224", "317"),
    ("slim mobilenet_v1.md", "width 0.75, 192", "233"),
    ("slim mobilenet_v1.md", "width 0.75, 160", "162"),
    ("slim mobilenet_v1.md", "width 0.75, 128", "104"),
    ("slim mobilenet_v1.md", "width 0.5, 224", "150"),
    ("slim mobilenet_v1.md", "width 0.25, 192", "34"), ("megvii README", "1x, 3 groups", "138"),
}  # fmt: skip
"""Figures that no count gives in the convention they stand under; each has its remark."""


def rows_of(network):
    return [
        [layer.name, g.C, g.F, g.KH, g.sh, g.pt, g.G, g.H, layer.bias, layer.batch_norm]
        for layer in network.layers
        for g in [layer.geometry]
    ]


@pytest.mark.parametrize("name", PUBLISHED)
def test_every_row_and_total_is_the_published_one(name):
    network = NETWORKS[name]()
    digest, macs, effective_macs, weights, trainable = PUBLISHED[name]
    text = json.dumps(rows_of(network), separators=(",", ":"))
    assert hashlib.sha256(text.encode()).hexdigest()[:16] == digest
    assert network.name == name
    assert network.macs == macs
    assert sum(layer.counts.effective_macs for layer in network.layers) == effective_macs
    assert (network.weights, network.trainable) == (weights, trainable)


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
    assert {(f.source, f.what, f.printed) for f in found if not f.agrees} == DIFFERING
    assert all(f.remark for f in found if not f.agrees)
    assert sum(f.verdict == "exact" for f in found) == 16


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


def test_groups_that_the_paper_has_no_channels_for():
    with pytest.raises(ValueError, match="groups is 5, but must be one of 1, 2, 3, 4, 8"):
        shufflenet_v1(5)


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
        ("separable", ("conv99",), "no layer is called 'conv99'"),
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
