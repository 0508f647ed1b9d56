"""Pictures of networks: what stands in them, by the text of the SVG."""

import pytest

from refconv import Geometry, timing
from refconv.bench.measure import LIMIT
from refconv.networks import Layer, Network
from refconv.networks.network import matrix
from refconv.networks.swap import swap
from refconv.networks.timed import seconds_of

plot = pytest.importorskip(
    "refconv.networks.plot", reason="needs matplotlib: pip install 'refconv[plot]'"
)

NETWORK = Network(
    "small",
    (
        Layer("a", Geometry.of((1, 4, 9, 8), (6, 4, 3, 2))),
        Layer("b", Geometry.of((1, 6, 7, 7), (4, 6, 3, 2))),
        Layer("up", Geometry.of((1, 4, 9, 8), (6, 4, 3, 2)), form="transposed"),
        matrix("fc", rows=1, inputs=50, outputs=7),
    ),
)


@pytest.fixture
def drawn(tmp_path, monkeypatch):
    """Draws under a roof that is given, each layer of a millisecond; the text of the picture."""
    monkeypatch.setattr(plot, "seconds_of", None)

    def draw(swapped=None, roof=(1e6, 1e6)):
        monkeypatch.setattr(plot, "_peak_and_copy", lambda: roof)
        after = [layer for one in swapped or () for layer in one.after]
        seconds = {layer.geometry: 1e-3 for layer in (*NETWORK.layers, *after)}
        plot.save(tmp_path / "a.svg", NETWORK, swapped, seconds)
        return (tmp_path / "a.svg").read_text(encoding="utf-8")

    return draw


def test_what_follows_a_swap_is_split_by_kind(drawn):
    text = drawn(swap(NETWORK, "separable"))
    assert text.count("before the swap") == 1
    for kind in ("standard", "depthwise", "pointwise", "fully connected"):
        assert text.count(f">{kind}<") == 2, "in the legend of the bars, and of the roofline"
    assert "before the swap" not in drawn()


def test_a_point_above_the_roof_is_told(drawn):
    assert "5 of 5 above the roof" in drawn(swap(NETWORK, "separable"), roof=(1e-9, 1e-9))
    assert "above the roof" not in drawn()


def test_axes_have_plain_numbers(drawn):
    text = drawn()
    assert "GFLOP/s" in text
    assert "10^" not in text
    assert "mathdefault" not in text


def test_what_is_not_measured_is_told(drawn):
    assert "1 layer not measured" in drawn()


def test_times_that_are_not_given_are_measured(tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr(
        plot, "seconds_of", lambda layers: asked.extend(layers) or seconds_of(layers)
    )
    plot.save(tmp_path / "a.png", NETWORK)
    assert {layer.name for layer in asked} == {"a", "b", "up", "fc"}


def test_the_roof_is_the_best_of_its_turns(monkeypatch):
    """A slow turn says that something else ran; so does a second one."""
    turns = iter([4.0, 2.0, 8.0] * 6)
    monkeypatch.setattr(timing, "medians", lambda calls, **_: {LIMIT: next(turns)})
    peak, copy = plot._peak_and_copy()
    monkeypatch.setattr(timing, "medians", lambda calls, **_: {LIMIT: 2.0})
    assert (peak, copy) == plot._peak_and_copy()


@pytest.mark.parametrize(
    ("name", "network", "message"),
    [
        ("a.gif", NETWORK, "the plot is a.gif, but must end with .svg or .png"),
        ("a.svg", Network("bare", ()), "'bare' has no operations to draw"),
    ],
)
def test_what_cannot_be_drawn(tmp_path, name, network, message):
    with pytest.raises(ValueError, match=message):
        plot.save(tmp_path / name, network)
