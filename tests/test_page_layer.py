"""The page's structure and layer, by slider, chips, switch and buttons: all that can be chosen."""

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from browser import LAYER, assert_shows, stage_index, stages_of

from refconv import Geometry
from refconv.compare import structures
from refconv.walk.lesson import groups_of, layer_of, worked
from refconv.walk.page import OPTIONS

sys.path.append(str(Path(__file__).resolve().parents[1] / "benchmarks"))

import page as measured


def test_point_1_a_slider_over_the_groups_and_a_switch_to_separable(tab):
    assert tab.inner_text("#structure-name") == "Group, 2 groups"
    tab.focus("#groups")
    for key, G, kind in (("Home", 1, "Standard"), ("ArrowRight", 2, "Group, 2 groups"),
                         ("End", 4, "Depthwise, 4 groups")):  # fmt: skip
        tab.keyboard.press(key)
        assert tab.inner_text("#structure-name") == kind
        (stage,) = stages_of("standard" if G == 1 else f"{G} groups")
        for array in ("x", "weight", "y"):
            assert_shows(tab, array, getattr(stage, array))
    tab.click("text=depthwise separable: two stages")
    depthwise, pointwise = stages_of("separable")
    assert tab.inner_text("#structure-name") == "Depthwise separable"
    assert_shows(tab, "x", depthwise.x)
    assert_shows(tab, "depthwise_weight", depthwise.weight)
    assert_shows(tab, "z", depthwise.y)  # the array between them
    assert_shows(tab, "pointwise_weight", pointwise.weight)
    assert_shows(tab, "y", pointwise.y)
    assert tab.is_disabled("#groups")


def test_point_2_the_wiring_is_full_block_diagonal_diagonal_then_full(tab):
    def wired(stage):
        return tab.eval_on_selector_all(
            f"#wiring > .grid:nth-child({stage + 1}) tbody tr",
            "rows => rows.map(r => [...r.querySelectorAll('td')].map(c => +c.matches('.wired')))",
        )

    for G in groups_of(LAYER):
        tab.click(f"#divisors button:nth-child({groups_of(LAYER).index(G) + 1})")
        g = replace(LAYER, G=G)
        assert wired(0) == np.kron(np.eye(G, dtype=int), np.ones((g.Fg, g.Cg), int)).tolist()
    tab.check("input[value=two]")
    assert wired(0) == np.eye(4, dtype=int).tolist()
    assert wired(1) == np.ones((8, 4), int).tolist()
    tab.click("#wiring > .grid:nth-child(2) tbody tr:nth-child(6) td:nth-child(4)")  # f 5, c 2
    assert (
        tab.inner_text("#counter")
        == f"{stage_index(stages_of('separable')[1], (0, 5, 0, 0), 2) + 1:,}"
    )


STEPS = {
    "C": 4, "F": 4, "N": -1, "H": 2, "W": -1, "KH": 1, "KW": 2, "sh": -1, "sw": 1,
    "dh": 1, "dw": -1, "pt": 1, "pb": 1, "pl": 2, "pr": 1,
}  # fmt: skip


def test_point_10_every_option_can_be_chosen(tab):
    layer = {name: getattr(LAYER, name) for name in OPTIONS}
    for name, by in STEPS.items():
        for _ in range(abs(by)):
            tab.click(f"[data-name={name}][data-by='{1 if by > 0 else -1}']")
        layer[name] += by
        assert tab.inner_text(f"[data-value={name}]") == str(layer[name])
    g = Geometry(**layer)
    assert tab.inner_text("#sizes").endswith(f"→ y {g.y_shape}")
    stage = worked(structures(replace(g, G=1), [g.G])[1]).stages[0]
    assert_shows(tab, "y", stage.y)
    tab.click("#opening")
    assert_shows(tab, "y", stages_of("2 groups")[0].y)


IMPOSSIBLE = {
    "a kernel beyond the input": (
        [("KH", 1, 2)], ("dh", 1), "KH 5 with dilation 2 spans 9 cells, but x has 7"
    ),
    "nothing": ([("C", -1, 3)], ("C", -1), "C is at least 1"),
    "more than is shown": ([], ("N", 1), "this page shows N up to 2"),
}  # fmt: skip


@pytest.mark.parametrize("case", IMPOSSIBLE)
def test_point_10_what_is_impossible_is_greyed_out_and_says_why(opened, case):
    tab = opened(replace(LAYER, pb=1, pt=1))
    before, (name, by), reason = IMPOSSIBLE[case]
    for other, step, times in before:
        for _ in range(times):
            tab.click(f"[data-name={other}][data-by='{step}']")
    button = f"[data-name={name}][data-by='{by}']"
    assert tab.get_attribute(button, "aria-disabled") == "true"
    value = tab.inner_text(f"[data-value={name}]")
    tab.click(button, force=True)  # it can be clicked, to ask why
    assert reason in tab.inner_text("#why")
    assert tab.inner_text(f"[data-value={name}]") == value


def test_point_10_groups_that_do_not_divide_the_outputs_are_greyed_out(opened):
    tab = opened(layer_of("ic6ih5oc8kh3"))
    chips = tab.eval_on_selector_all(
        "#divisors button", "chips => chips.map(c => [c.textContent, c.title])"
    )
    assert chips == [
        ["1 standard", ""],
        ["2", ""],
        ["3", "3 groups do not divide 8 output channels"],
        ["6 depthwise", "6 groups do not divide 8 output channels"],
    ]
    tab.click("#divisors button:nth-child(3)", force=True)
    assert "3 groups do not divide" in tab.inner_text("#why")
    assert tab.inner_text("#structure-name") == "Standard"


@pytest.mark.parametrize("layer", measured.LAYERS.values(), ids=measured.LAYERS)
def test_every_control_leads_back_where_arrays_are_large(pages, opened, layer):
    """As the benchmark goes round, which says otherwise what does not come back."""
    found = {"large": measured.measure(pages, layer, rounds=1)}
    assert max(map(len, measured.lines({**found, "largest": found["large"]}))) <= 80
