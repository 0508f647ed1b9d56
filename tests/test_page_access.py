"""The page for who does not point, or does not see its colours: keys, what is said, forms, axe."""

import os

import pytest
from browser import ALL_DRAWN, LAYER, cell, marked, stages_of


def test_the_sentence_is_silent_while_it_plays(tab):
    assert tab.get_attribute("#sentence", "aria-live") == "polite"
    tab.click("[data-go=play]")
    assert tab.get_attribute("#sentence", "aria-live") == "off"
    tab.click("[data-go=play]")
    assert tab.get_attribute("#sentence", "aria-live") == "polite"


def test_the_steps_are_the_first_link(tab):
    tab.keyboard.press("Tab")
    assert tab.evaluate("document.activeElement.textContent") == "Steps"
    tab.keyboard.press("Enter")
    tab.keyboard.press("Tab")
    assert tab.evaluate("document.activeElement.dataset.go") == "first"


def test_the_slider_says_as_many_groups_as_there_are(tab):
    for act, said in (
        ("#divisors button:nth-child(1)", "1 group"),
        ("#divisors button:nth-child(2)", "2 groups"),
        ("input[value=two]", "4 groups"),
    ):
        tab.click(act)
        assert tab.get_attribute("#groups", "aria-valuetext") == said
        assert tab.inner_text("#groups-value") == said.split()[0]


def test_focus_stays_on_a_structures_button(tab):
    tab.focus("[data-structure='4 groups'] button")
    for key in ("Enter", "ArrowRight", "ArrowLeft"):
        tab.keyboard.press(key)
        assert tab.evaluate("document.activeElement.textContent") == "4 groups"
    assert tab.inner_text("#structure-name") == "Depthwise, 4 groups"
    assert tab.get_attribute("[data-structure='4 groups']", "aria-current") == "true"
    assert tab.locator("#structures [aria-current]").count() == 1


def test_point_5_the_answer_is_said_and_not_only_coloured(tab):
    (stage,) = stages_of("2 groups")
    tab.click(cell("x", 0, 1, 2, 3, shape=stage.x.shape))
    lit = marked(tab, "y", "lit")
    named = tab.eval_on_selector_all(
        "[data-array=y] td[aria-label]", "cells => cells.map(c => [+c.dataset.i, c.ariaLabel])"
    )
    assert dict(named) == {i: f"{stage.y.flat[i]}, uses it" for i in lit}
    asked = cell("x", 0, 1, 2, 3, shape=stage.x.shape)
    assert tab.get_attribute(asked, "aria-label") == f"{stage.x[0, 1, 2, 3]}, asked about"
    tab.keyboard.press("Escape")
    assert tab.locator("[data-array=y] td[aria-label]").count() == 0
    assert tab.get_attribute(asked, "aria-label") is None
    pads = tab.eval_on_selector_all("[data-array=x] td.pad", "cells => cells.map(c => c.ariaLabel)")
    assert set(pads) == {"0, padding"}


FORM = """selector => {
    const { borderTopStyle, backgroundColor, color, fontStyle } = getComputedStyle(
        document.querySelector(selector));
    return [borderTopStyle, backgroundColor, color, fontStyle];
}"""


def test_where_the_system_chooses_the_colours_every_mark_has_a_form(opened):
    tab = opened(LAYER, forced_colors="active")
    (stage,) = stages_of("2 groups")
    tab.click(cell("x", 0, 1, 2, 3, shape=stage.x.shape))
    plain = tab.evaluate(FORM, "[data-array=y] tbody td:not(.lit):not(.now)")
    marks = [
        "[data-array=x] td.window:not(.pad):not(.now)", "[data-array=x] td.asked",
        "[data-array=x] td.pad:not(.window)", "[data-array=y] td.lit:not(.now)",
        "[data-array=y] td.now",
    ]  # fmt: skip
    forms = [tuple(tab.evaluate(FORM, mark)) for mark in marks]
    assert len({tuple(plain), *forms}) == len(marks) + 1  # no two look alike
    pressed = tab.evaluate(FORM, "#divisors [aria-pressed=true]")
    assert pressed[1] != tab.evaluate(FORM, "#divisors [aria-pressed=false]")[1]


# Of what passes axe need not tell every place: that took three quarters of its time.
FAULTS = "async () => (await axe.run({ resultTypes: ['violations'] })).violations"


@pytest.mark.parametrize(("scheme", "width"), [("light", 1600), ("dark", 360)])
def test_axe_finds_no_serious_fault(opened, scheme, width):
    script = os.environ.get("REFCONV_AXE")
    if script is None:
        pytest.skip("REFCONV_AXE does not name axe-core's axe.min.js")
    tab = opened(LAYER, color_scheme=scheme, window=(width, 900))
    tab.add_script_tag(path=script)
    tab.add_style_tag(content=ALL_DRAWN)
    tab.eval_on_selector("#options", "details => { details.open = true; }")
    for act in (None, "input[value=two]", "#predicting"):
        if act:
            tab.check(act)
        found = tab.evaluate(FAULTS)
        assert [
            (fault["id"], fault["help"], [node["html"] for node in fault["nodes"]][:3])
            for fault in found
            if fault["impact"] in ("serious", "critical")
        ] == []
