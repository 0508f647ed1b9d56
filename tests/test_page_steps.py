"""Steps on the page, forward and back: by keys, buttons and clicks, by itself, at any width."""

import numpy as np
import pytest
from browser import LAPTOP, LARGEST, LAYER, PHONE, WIDTHS, cell, marked, stages_of, sums_of, whole

from refconv import count

UNITS = {"mac": 1, "input": 3 * 2, "output": 2 * 3 * 2, "channel": 2 * 3 * 2 * 3 * 6}
PLAY_EVERY = 700  # milliseconds


@pytest.mark.parametrize("unit", UNITS)
def test_point_3_steps_forward_and_back_by_keys_and_buttons(tab, unit):
    length, total = UNITS[unit], count(LAYER).macs
    tab.select_option("#unit", unit)
    tab.click("[data-go=first]")
    tab.focus("[data-go=on]")
    steps = [length * (i + 1) for i in range(3)] if unit != "mac" else [2, 3, 4]
    for done in steps:
        tab.keyboard.press("ArrowRight")
        assert whole(tab.inner_text("#counter")) == done
    tab.keyboard.press("ArrowLeft")
    assert whole(tab.inner_text("#counter")) == steps[1]
    tab.click("[data-go=last]")
    assert whole(tab.inner_text("#counter")) == total
    tab.click("[data-go=on]")
    assert whole(tab.inner_text("#counter")) == total
    tab.click("[data-go=back]")
    assert whole(tab.inner_text("#counter")) == total - length
    tab.keyboard.press("Home")
    assert whole(tab.inner_text("#counter")) == 1


def test_point_3_steps_cross_from_one_stage_to_the_next_and_back(tab):
    tab.check("input[value=two]")
    depthwise, pointwise = (count(stage.geometry).macs for stage in stages_of("separable"))
    tab.select_option("#unit", "channel")
    tab.focus("[data-go=on]")
    for _ in range(2 * 4 + 1):  # images, channels
        tab.keyboard.press("ArrowRight")
    assert tab.inner_text("#stage-name") == "stage 2, pointwise:"
    assert whole(tab.inner_text("#counter-total")) == pointwise
    tab.keyboard.press("ArrowLeft")
    assert tab.inner_text("#stage-name") == "stage 1, depthwise:"
    assert whole(tab.inner_text("#counter")) == depthwise


def test_point_3_play_goes_on_by_itself_until_it_is_paused(pages, opened):
    tab = pages.new_tab()
    tab.clock.install(time=0)
    opened(LAYER, tab=tab)
    tab.clock.pause_at(10**6)
    tab.click("[data-go=play]")
    tab.clock.run_for(3 * PLAY_EVERY)
    assert whole(tab.inner_text("#counter")) == 4 * UNITS["output"]  # it began with one complete
    tab.click("[data-go=play]")
    tab.clock.run_for(3 * PLAY_EVERY)
    assert whole(tab.inner_text("#counter")) == 4 * UNITS["output"]
    tab.context.close()


def test_point_3_a_click_pins_what_the_pointer_only_looks_at(tab):
    (stage,) = stages_of("2 groups")
    first, second = ((0, 5, 1, 4), (0, 6, 2, 0))
    tab.click(cell("y", *first, shape=stage.y.shape))
    pinned = int(np.ravel_multi_index(first, stage.y.shape))
    assert marked(tab, "y", "now") == {pinned}
    box, words = tab.locator("#arrays").bounding_box(), tab.inner_text("#sum-panel")
    tab.hover(cell("y", *second, shape=stage.y.shape))
    assert marked(tab, "y", "now") == {int(np.ravel_multi_index(second, stage.y.shape))}
    assert tab.locator("#arrays").bounding_box()["height"] == box["height"]  # nothing moves away
    assert tab.inner_text("#sum-panel") == words
    tab.hover("h1")
    assert marked(tab, "y", "now") == {pinned}
    tab.focus(cell("y", *first, shape=stage.y.shape))
    tab.keyboard.press("ArrowDown")
    tab.keyboard.press("ArrowLeft")
    tab.keyboard.press("Enter")
    assert marked(tab, "y", "now") == {int(np.ravel_multi_index((0, 5, 2, 3), stage.y.shape))}
    assert sums_of(tab) == str(stage.y[0, 5, 2, 3])


@pytest.mark.parametrize("width", WIDTHS)
def test_point_3_cells_can_be_clicked_in_either_stage_at_any_width(opened, width):
    """Playwright waits until what it clicks stands still."""
    tab = opened(LAYER, window=(width, 900))
    tab.check("input[value=two]")
    depthwise, pointwise = stages_of("separable")
    for array, stage in (("y", pointwise), ("z", depthwise), ("y", pointwise)):
        tab.click(cell(array, 0, 2, 1, 3, shape=stage.y.shape))
        assert sums_of(tab) == str(stage.y[0, 2, 1, 3])


@pytest.mark.parametrize("window", [(320, 256), PHONE, LAPTOP])
def test_the_bar_of_steps_leaves_room_for_what_it_steps_through(opened, window):
    height = window[1]
    tab = opened(LAYER, window=window)
    tab.evaluate("scrollTo({ top: byId('matrix').offsetTop, behavior: 'instant' })")
    covered = tab.evaluate("Math.max(0, byId('stepper').getBoundingClientRect().bottom)")
    assert covered < height / 3


CUT_OFF = """selector => [...document.querySelectorAll(selector)].filter((cell) => {
    const { left, right } = cell.getBoundingClientRect();
    return [cell.closest(".scroll"), cell.closest(".planes")].some((frame) => {
        const room = frame?.getBoundingClientRect();
        return room && (left < room.left || right > room.right);
    });
}).map((cell) => cell.outerHTML)"""


@pytest.mark.parametrize(
    ("layer", "window"), [(LAYER, PHONE), (LARGEST, LAPTOP)], ids=["phone", "largest"]
)
def test_point_12_what_is_too_wide_is_scrolled_to_the_current_cell(opened, layer, window):
    tab = opened(layer, window=window)
    now = "#arrays td.now, #im2col tbody td.now[data-i]"
    for place in ("last", "first"):
        tab.click(f"[data-go={place}]")
        assert tab.locator(now).count() == 4  # of x, weight and y, and of im2col
        assert tab.evaluate(CUT_OFF, now) == []
