"""The question backwards, by clicks: which outputs use this input, or this weight?"""

import numpy as np
import pytest
from browser import LAPTOP, LARGEST, PHONE, SCREEN, cell, marked, stages_of

from refconv import conv2d
from refconv.walk.lesson import layer_of


def test_point_5_an_input_or_a_weight_lights_every_output_that_uses_it(tab):
    (stage,) = stages_of("2 groups")
    g = stage.geometry
    ones = np.zeros_like(stage.x)
    ones[0, 1, 2, 3] = 1
    users = conv2d(
        ones, np.ones_like(stage.weight), stride=g.stride, padding=g.padding, dilation=g.dilation,
        groups=g.G, method="im2col",
    )  # fmt: skip
    tab.click(cell("x", 0, 1, 2, 3, shape=stage.x.shape))
    assert marked(tab, "y", "lit") == set(np.flatnonzero(users).tolist())
    assert tab.inner_text("#back") == (
        f"x[0, 1, 2, 3] is used by {np.count_nonzero(users)} of {users.size} outputs of y."
    )
    tab.click(cell("weight", 0, 1, 2, 0, shape=stage.weight.shape))
    assert marked(tab, "y", "lit") == set(range(g.OH * g.OW))
    assert f"is used by {g.N * g.OH * g.OW} of" in tab.inner_text("#back")
    tab.keyboard.press("Escape")
    assert marked(tab, "y", "lit") == set()
    tab.check("input[value=two]")
    tab.click(cell("x", 0, 1, 2, 3, shape=stage.x.shape))
    between = np.count_nonzero(users[0, 0])
    assert f"{between} of" in tab.inner_text("#back")
    assert f"by {between * 8} of" in tab.inner_text("#back")


IN_VIEW = """selectors => {
    const bar = byId("stepper").getBoundingClientRect();
    const top = getComputedStyle(byId("stepper")).position === "sticky" ? bar.bottom : 0;
    return selectors.map((selector) => [...document.querySelectorAll(selector)].filter((cell) => {
        const box = cell.getBoundingClientRect();
        return box.width > 0 && box.top >= top && box.bottom <= innerHeight &&
            [cell.closest(".planes"), cell.closest(".scroll"), document.body].every((frame) => {
                const { left, right } = (frame ?? document.body).getBoundingClientRect();
                return left <= box.left && box.right <= right;
            });
    }).length);
}"""


@pytest.mark.parametrize("window", [PHONE, (800, 900), LAPTOP, SCREEN])
@pytest.mark.parametrize("groups", [1, 2, 4])
def test_point_5_the_answer_is_in_view_with_the_question(opened, window, groups):
    layer = layer_of(f"g{groups}ic4ih5iw6oc8kh3ph1")
    height = window[1]
    tab = opened(layer, window=window, reduced_motion="reduce")
    shape = layer.x_shape
    for c in range(layer.C):
        tab.click(cell("x", 0, c, 2, 3, shape=shape))
        asked, answered = tab.evaluate(IN_VIEW, ["td.asked", "#arrays td.lit"])
        assert asked == 1
        assert answered > 0
        words = tab.locator("#back").bounding_box()
        assert words["y"] >= 0
        assert words["y"] + words["height"] <= height


def test_point_5_what_a_chip_leads_to_is_marked_where_it_answers(opened):
    """Of many channels and images one is shown: chips of the others say where the answer is."""
    g = LARGEST
    tab = opened(g, reduced_motion="reduce")
    tab.click(cell("x", 0, 3, 8, 8, shape=g.x_shape))  # of group 0, whose last channel is shown
    in_group = [f // g.Fg == 0 for f in range(g.F)]
    for which, uses in (("channels", in_group), ("images", [True, False])):
        chips = tab.eval_on_selector_all(
            f"[data-array=y] .{which} button",
            "cs => cs.map(c => [c.matches('.lit'), /uses the number/.test(c.ariaLabel)])",
        )
        assert chips == [[use, use] for use in uses]
    tab.keyboard.press("Escape")
    assert tab.locator(".chip.lit").count() == 0
