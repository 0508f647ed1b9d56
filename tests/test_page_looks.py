"""How the page looks: in every width, in light and dark, in print, in the reader's own colours."""

import os
import re
from pathlib import Path

import pytest
from browser import ALL_DRAWN, LARGEST, LAYER, WIDTHS, stages_of

from refconv.walk.lesson import layer_of


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", WIDTHS)
def test_point_12_it_fits_and_is_kept_as_a_picture(opened, tmp_path, width, scheme):
    kept = Path(os.environ.get("REFCONV_SCREENSHOTS", tmp_path))
    kept.mkdir(parents=True, exist_ok=True)
    tab = opened(LAYER, window=(width, 900), color_scheme=scheme)
    tab.add_style_tag(content=ALL_DRAWN)
    for name, act in (("group", None), ("separable", "input[value=two]")):
        if act:
            tab.check(act)
        assert tab.evaluate("document.documentElement.scrollWidth") == width  # none across
        picture = tab.screenshot(full_page=True, path=kept / f"walk-{name}-{width}-{scheme}.png")
        assert picture.startswith(b"\x89PNG")
    paper = tab.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (sum(map(int, re.findall(r"\d+", paper))) > 3 * 128) == (scheme == "light")


def test_point_12_nothing_glides_where_motion_is_not_wanted(opened):
    for motion, expected in (("reduce", "auto"), ("no-preference", "smooth")):
        tab = opened(LAYER, reduced_motion=motion)
        assert tab.evaluate("getComputedStyle(document.documentElement).scrollBehavior") == expected
        assert tab.evaluate("document.getAnimations().length") == 0


def test_point_12_in_print_the_numbers_stand_and_the_controls_go(opened):
    tab = opened(LAYER, color_scheme="dark")
    tab.emulate_media(media="print")
    assert not tab.is_visible("#stepper")
    assert tab.is_visible("[data-array=y] td[data-i]")
    assert tab.is_visible("[data-structure=separable] button")
    paper = tab.evaluate("getComputedStyle(document.body).backgroundColor")
    assert paper == "rgb(255, 255, 255)"


A4_WITHIN_MARGINS = {"width": 718, "height": 1047}  # in 96ths of an inch

TOO_WIDE = """() => [...document.querySelectorAll("body, body *:not(script)")]
    .filter((e) => e.checkVisibility() && getComputedStyle(e).display !== "inline")
    .filter((e) => e.scrollWidth > e.clientWidth + 1 && e.clientWidth > 0)
    .map((e) => [e.tagName, e.id, e.className, e.scrollWidth, e.clientWidth])"""

SHEETS = {
    "standard": ("ic4ih5iw6oc8kh3ph1", None, 2),
    "groups": ("g2ic4ih5iw6oc8kh3ph1", None, 2),
    "separable": ("g2ic4ih5iw6oc8kh3ph1", "input[value=two]", 3),
    "largest": (LARGEST.descriptor, None, 3),
}


@pytest.mark.parametrize("case", SHEETS)
def test_point_12_a_structure_prints_on_few_sheets_of_a4_and_nothing_is_cut(opened, case):
    descriptor, act, most = SHEETS[case]
    layer = layer_of(descriptor)
    tab = opened(layer)
    if act:
        tab.check(act)
    pages = re.findall(rb"/Type\s*/Page\b", tab.pdf(prefer_css_page_size=True))
    assert len(pages) <= most
    tab.emulate_media(media="print")
    tab.set_viewport_size(A4_WITHIN_MARGINS)
    assert tab.evaluate(TOO_WIDE) == []
    stages = (
        stages_of("separable", layer)
        if act
        else stages_of(f"{layer.G} groups" if layer.G > 1 else "standard", layer)
    )
    told = tab.eval_on_selector_all("#written b", "lines => lines.map(l => l.innerText)")
    assert told == [stage.geometry.descriptor for stage in stages]  # which layer a sheet is of
    assert tab.evaluate("getComputedStyle(document.querySelector('#im2col tfoot')).display") == (
        "table-row-group"
    )


def test_a_side_bar_with_more_below_shows_a_shadow_and_the_way_back_is_in_sight(opened):
    tab = opened(LAYER)
    tab.evaluate("scrollTo({ top: byId('grids').offsetTop, behavior: 'instant' })")
    height, room = tab.eval_on_selector("aside", "e => [e.scrollHeight, e.clientHeight]")
    assert height > room
    assert tab.eval_on_selector("aside", "e => getComputedStyle(e).backgroundAttachment") == (
        "local, scroll"
    )
    for control in ("#opening", "[data-name=N][data-by='1']"):
        box = tab.locator(control).bounding_box()
        assert box["y"] + box["height"] <= tab.eval_on_selector(
            "aside", "e => e.getBoundingClientRect().bottom"
        )
