"""What the page tells of a sum: its indices, the loops, im2col beside them, counts and ratio."""

import re

import numpy as np
import pytest
from browser import (
    LAYER,
    MINUS,
    TIMES,
    cell,
    counted,
    figure,
    marked,
    stage_index,
    stages_of,
    sums_of,
    whole,
)

from refconv.im2col import im2col
from refconv.walk.lesson import layer_of, lesson


def test_point_4_the_index_arithmetic_has_its_numbers_and_tells_padding_cells(tab):
    (stage,) = stages_of("2 groups")
    g = stage.geometry
    total = 0
    tab.click("[data-go=first]")
    tab.select_option("#unit", "mac")
    for k in range(g.K):
        cg, kh, kw = np.unravel_index(k, (g.Cg, g.KH, g.KW))
        h, w = -g.pt + kh * g.dh, -g.pl + kw * g.dw  # of output (0, 0, 0, 0)
        inside = 0 <= h < g.H and 0 <= w < g.W
        x = int(stage.x[0, cg, h, w]) if inside else 0
        weight = int(stage.weight[0, cg, kh, kw])
        total += x * weight
        text = re.sub(r"\s+", " ", tab.inner_text("#index"))
        assert f"x[0, {cg}, {h}, {w}] = {x} {TIMES} weight[0, {cg}, {kh}, {kw}] = {weight}" in text
        assert f"= 0·{g.sh} {MINUS} {g.pt} + {kh}·{g.dh} = {h}" in text
        assert ("padding: not in" in text) == (not inside)
        assert sums_of(tab) == str(total)
        note = "" if inside else " (a padding cell)"
        assert f" = {x * weight}{note}; the sum is {total}" in tab.inner_text("#sentence")
        tab.click("[data-go=on]")
    assert total == stage.y[0, 0, 0, 0]


def test_point_6_the_im2col_matrix_is_refconvs_and_lit_where_the_loops_are(tab):
    (stage,) = stages_of("2 groups")
    g = stage.geometry
    tab.click(cell("y", 0, 5, 1, 4, shape=stage.y.shape))
    shown = tab.eval_on_selector_all(
        "#im2col tbody tr",
        "rows => rows.map(r => [...r.querySelectorAll('td')].map(c => +c.textContent))",
    )
    matrix = im2col(stage.x, g)[0, 1]  # the group of channel 5
    assert [row[1:] for row in shown] == matrix.tolist()
    assert [row[0] for row in shown] == stage.weight[5].ravel().tolist()
    feet = tab.eval_on_selector_all("#im2col tfoot td", "cells => cells.map(c => +c.textContent)")
    assert feet == stage.y[0, 5].ravel().tolist() == (stage.weight[5].ravel() @ matrix).tolist()
    tab.click(f"#im2col td[data-i='{7 * g.OH * g.OW + 9}']")  # tap 7 of output 9
    assert whole(tab.inner_text("#counter")) == stage_index(stage, (0, 5, 1, 3), 7) + 1
    assert tab.inner_text("#im2col tbody td.now[data-i]") == str(matrix[7, 9])
    now = marked(tab, "x", "now")
    assert [stage.x.flat[i] if i >= 0 else 0 for i in now] == [matrix[7, 9]]
    assert tab.locator("#blocks .input").count() == 2
    tab.click("#divisors button:nth-child(3)")
    assert tab.locator("#blocks .input").count() == 4  # C skinny ones
    tab.check("input[value=two]")
    tab.click(cell("y", 0, 5, 1, 4, shape=stage.y.shape))
    assert "Nothing is copied: 0 bytes" in tab.inner_text("#im2col-words")


@pytest.mark.parametrize("place", [(0, 5, 1, 4, 7), (0, 0, 0, 0, 0)], ids=["inside", "padding"])
def test_point_6_the_innermost_lines_of_the_loops_are_lit_with_their_numbers(tab, place):
    (stage,) = stages_of("2 groups")
    g = stage.geometry
    *output, tap = place
    n, f, oh, ow = output
    cg, kh, kw = np.unravel_index(tap, (g.Cg, g.KH, g.KW))
    tab.click(cell("y", *output, shape=stage.y.shape))
    tab.click(f"#im2col td[data-i='{tap * g.OH * g.OW + oh * g.OW + ow}']")
    text = tab.inner_text("#loops")
    scope = {"Fg": g.Fg, "Cg": g.Cg, "x": {}, "weight": {}}
    for name, value in zip(
        ("n", "f", "oh", "ow", "cg", "kh", "kw"), (*output, cg, kh, kw), strict=True
    ):
        scope[name] = int(value)
    scope |= {"sh": g.sh, "dh": g.dh, "pt": g.pt, "sw": g.sw, "dw": g.dw, "pl": g.pl}
    for line in re.findall(r"^ +[chw] = .*$", text, re.MULTILINE):  # they are Python, and are told
        exec(line.strip(), scope)
        assert line.endswith(f"# {scope[line.strip()[0]]}")
    c, h, w = (scope[name] for name in "chw")
    inside = 0 <= h < g.H and 0 <= w < g.W
    x = f"{stage.x[n, c, h, w]}" if inside else "0, a padding cell"
    lit = [" ".join(line.split()) for line in tab.inner_text("#loops mark").splitlines()]
    assert lit == [
        "y[n, f, oh, ow] += \\",
        f"x[n, c, h, w] * # {x}",
        f"weight[f, cg, kh, kw] # {stage.weight[f, cg, kh, kw]}",
    ]
    background = "e => getComputedStyle(e).backgroundColor"
    assert tab.eval_on_selector("#loops mark", background) == tab.eval_on_selector(
        "#im2col tbody td.now[data-i]", background
    )


def test_point_7_a_counter_runs_into_the_closed_formula(tab):
    for work in lesson(LAYER):
        tab.click(f"[data-structure='{work.structure.name}'] button")
        counts = work.structure.counts
        factors = tab.eval_on_selector_all(
            "#formula .line:has(.factor)",
            "lines => lines.map(l => [...l.querySelectorAll('.size')].map(s => +s.textContent))",
        )
        assert sum(int(np.prod(line)) for line in factors) == counts.macs
        tab.click("[data-go=first]")
        assert figure(tab, "done") == f"1 of {counts.macs:,}"
        assert figure(tab, "inside") == f"0 of {counts.effective_macs:,}"  # the corner is a pad
        tab.click("[data-go=last]")
        assert figure(tab, "done") == f"{counts.macs:,} of {counts.macs:,}"
        assert figure(tab, "inside") == f"{counts.effective_macs:,} of {counts.effective_macs:,}"
        assert (
            figure(tab, "counted")
            == f"{counts.macs:,} MACs, {counts.effective_macs:,} on data: equal"
        )
        assert figure(tab, "parameters") == f"{counts.parameters:,}"
        assert figure(tab, "bytes") == f"{counts.bytes('float32'):,} bytes"
        assert figure(tab, "im2colBytes") == f"{work.structure.im2col_bytes:,} bytes"


def test_point_8_the_promised_ratio_stands_beside_the_counted_one(tab):
    for work in lesson(LAYER):
        tab.click(f"[data-structure='{work.structure.name}'] button")
        structure = work.structure
        counted(tab)
        text = tab.inner_text("#ratio")
        assert figure(tab, "ratio") == str(structure.promised)
        if structure.promised.denominator > 1:
            assert f"= {float(structure.promised):.4f}" in text
        assert structure.promise in text
        assert text.endswith("equal.")
        row = tab.eval_on_selector_all(
            f"[data-structure='{structure.name}'] td", "cells => cells.map(c => c.textContent)"
        )
        counts = structure.counts
        assert row == [
            f"{counts.macs:,}", f"{counts.effective_macs:,}", str(structure.promised),
            structure.promise, f"{counts.parameters:,}", f"{counts.bytes('float32'):,}",
            f"{structure.im2col_bytes:,}",
        ]  # fmt: skip


def test_one_channel_is_not_all_channels_and_a_whole_ratio_has_no_decimals(opened):
    tab = opened(layer_of("ic1ih4iw5oc1kh1"))
    assert "reads the one input channel" in tab.inner_text("#wiring-words")
    tab.check("input[value=two]")
    counted(tab)
    assert "it reads the one channel" in tab.inner_text("#wiring-words")
    assert tab.text_content("#ratio").endswith("40 / 20 = 2, equal.")
