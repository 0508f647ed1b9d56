"""The page's own arithmetic, beside refconv's: it convolves, writes im2col, counts and refuses."""

from dataclasses import replace

import numpy as np
import pytest
from browser import LARGEST, LAYER
from hypothesis import given, settings
from hypothesis import strategies as st

from refconv import Geometry, conv2d, count
from refconv.im2col import im2col
from refconv.oracle.strategies import geometries
from refconv.walk.lesson import LIMITS, lesson
from refconv.walk.page import OPTIONS


def as_options(g):
    return {name: getattr(g, name) for name in OPTIONS}


def in_limits(g):
    return all(getattr(g, name) <= most for name, most in LIMITS.items())


GEOMETRIES = geometries(max_room=5, max_dilation=2, max_groups=4).filter(in_limits)

CONVOLVE = """cases => cases.map(({options, x, weight}) => {
    const g = geometry(options);
    x = Int32Array.from(x);
    return {
        sizes: [g.OH, g.OW, g.Cg, g.Fg, g.K],
        y: [...convolve(x, Int32Array.from(weight), g)],
        im2col: [...im2col(x, g)],
        counts: count([g]),
        tally: tally(g),
    };
})"""


@settings(max_examples=40)
@given(st.lists(st.tuples(GEOMETRIES, st.integers(0, 2**16)), min_size=1, max_size=6))
def test_it_convolves_writes_im2col_and_counts_as_refconv_does(shared, drawn):
    cases = []
    for g, seed in drawn:
        rng = np.random.default_rng(seed)
        x, weight = (rng.integers(-9, 10, shape) for shape in (g.x_shape, g.weight_shape))
        cases.append((g, x, weight))
    answers = shared.evaluate(
        CONVOLVE,
        [
            {"options": as_options(g), "x": x.ravel().tolist(), "weight": w.ravel().tolist()}
            for g, x, w in cases
        ],
    )
    for (g, x, weight), answer in zip(cases, answers, strict=True):
        y = conv2d(
            x, weight, stride=g.stride, padding=g.padding, dilation=g.dilation, groups=g.G,
            method="im2col",
        )  # fmt: skip
        assert answer["sizes"] == [g.OH, g.OW, g.Cg, g.Fg, g.K]
        assert answer["y"] == y.ravel().tolist()
        assert answer["im2col"] == im2col(x, g).ravel().tolist()
        counts = count(g)
        no_copy = (g.KH, g.KW, g.stride) == (1, 1, (1, 1)) and not g.padded
        assert answer["counts"] == {
            "macs": counts.macs,
            "effective": counts.effective_macs,
            "parameters": counts.parameters,
            "bytes": counts.bytes("float32"),
            "im2colBytes": 0 if no_copy else 4 * counts.im2col_size,
        }
        assert answer["tally"] == {"macs": counts.macs, "effective": counts.effective_macs}


@settings(max_examples=40)
@given(GEOMETRIES, st.data())
def test_it_knows_every_output_that_uses_a_number(shared, g, data):
    """Backwards: convolve a one among zeros with ones, and see where it comes out."""
    for array, shape in (("x", g.x_shape), ("weight", g.weight_shape)):
        index = data.draw(st.integers(0, int(np.prod(shape)) - 1), label=array)
        alone = np.zeros(shape, np.int64)
        alone.flat[index] = 1
        x = alone if array == "x" else np.ones(g.x_shape, np.int64)
        weight = alone if array == "weight" else np.ones(g.weight_shape, np.int64)
        y = conv2d(
            x, weight, stride=g.stride, padding=g.padding, dilation=g.dilation, groups=g.G,
            pad_value=int(array == "weight"), method="im2col",
        )  # fmt: skip
        users = shared.evaluate(
            "([options, question]) => [...usersOf([{g: geometry(options)}], question)[0]]",
            [as_options(g), {"stage": 0, "array": array, "index": index}],
        )
        assert users == (y != 0).astype(int).ravel().tolist()


@settings(max_examples=40)
@given(GEOMETRIES, st.data())
def test_its_counter_leaves_out_padding_cells_at_every_step(shared, g, data):
    done = data.draw(st.integers(1, count(g).macs))
    inside = im2col(np.ones(g.x_shape, np.int64), g)  # (N, G, K, OH*OW)
    in_order = inside.transpose(0, 1, 3, 2)[:, :, None].repeat(g.Fg, axis=2)  # N G Fg OH*OW K
    assert shared.evaluate(
        "([options, done]) => effectiveAmong(geometry(options), done)", [as_options(g), done]
    ) == int(in_order.ravel()[:done].sum())


@st.composite
def options(draw):
    """Options within the page's limits, possible or not."""
    most = {**LIMITS, "H": 6, "W": 7, "G": 4}
    return {name: draw(st.integers(0 if name[0] == "p" else 1, most[name])) for name in OPTIONS}


@settings(max_examples=200)
@given(options())
def test_it_refuses_what_refconv_refuses_and_offers_the_groups_that_divide(shared, drawn):
    o = drawn
    try:
        g = Geometry.of(
            (o["N"], o["C"], o["H"], o["W"]),
            (o["F"], o["C"] // o["G"], o["KH"], o["KW"]),
            stride=(o["sh"], o["sw"]), dilation=(o["dh"], o["dw"]), groups=o["G"],
            padding=((o["pt"], o["pb"]), (o["pl"], o["pr"])),
        )  # fmt: skip
    except ValueError:
        g = None
    why, groups = shared.evaluate("o => [impossible(o, LESSON.limits), groupsOf(o)]", o)
    assert (why is None) == (g is not None)
    assert groups == [G for G in range(1, o["C"] + 1) if not o["C"] % G and not o["F"] % G]


@pytest.mark.parametrize("name", sorted(LIMITS))
def test_it_refuses_what_is_beyond_the_limits(shared, name):
    beyond = {**as_options(LAYER), name: LIMITS[name] + 1}
    why = shared.evaluate("o => impossible(o, LESSON.limits)", beyond)
    assert why == f"this page shows {name} up to {LIMITS[name]}"


@settings(max_examples=15)
@given(geometries(max_room=4, max_dilation=2, max_groups=3).filter(in_limits))
def test_it_works_every_structure_of_a_layer_on_the_lessons_numbers(shared, layer):
    layer = replace(layer, G=1)
    answers = shared.evaluate(
        """layer => structuresOf(layer).map(({name, G, separable, stages}) => ({
            name, promised: promise({...layer, G}, separable).value, counts: count(stages),
            stages: work(stages, POOLS).map(({x, weight, y}) => [[...x], [...weight], [...y]]),
        }))""",
        as_options(layer),
    )
    works = lesson(layer)
    assert [answer["name"] for answer in answers] == [work.structure.name for work in works]
    for answer, work in zip(answers, works, strict=True):
        structure, counts = work.structure, work.structure.counts
        assert answer["promised"] == str(structure.promised)
        assert answer["counts"]["macs"] == counts.macs
        assert answer["counts"]["im2colBytes"] == structure.im2col_bytes
        for mine, stage in zip(answer["stages"], work.stages, strict=True):
            assert mine == [a.ravel().tolist() for a in (stage.x, stage.weight, stage.y)]


@settings(max_examples=40)
@given(GEOMETRIES, st.data())
def test_a_place_is_the_loops_indices_and_steps_come_back(shared, g, data):
    """A place's numbers are those of im2col and of the weight, its sum the first terms' product."""
    done = data.draw(st.integers(1, count(g).macs))
    rng = np.random.default_rng(done)
    x, weight = (rng.integers(-9, 10, shape) for shape in (g.x_shape, g.weight_shape))
    sizes = (g.N, g.F, g.OH, g.OW, g.Cg, g.KH, g.KW)
    place, again, steps, at = shared.evaluate(
        """([options, done, x, weight]) => {
            const stages = [{g: geometry(options), x, weight}];
            const place = placeAfter(stages, 0, done);
            const steps = ["mac", "input", "output", "channel"].map((unit) => {
                const on = stepped(stages, {stage: 0, done}, unit, 1);
                return [lengthOf(stages[0].g, unit), on.done, stepped(stages, on, unit, -1).done];
            });
            const at = numbersAt(stages[0], place);
            return [place, doneAt(stages[0].g, place, place), steps, at];
        }""",
        [as_options(g), done, x.ravel().tolist(), weight.ravel().tolist()],
    )
    indices = np.unravel_index(done - 1, sizes)
    names = ("n", "f", "oh", "ow", "cg", "kh", "kw")
    assert {name: place[name] for name in names} == dict(zip(names, map(int, indices), strict=True))
    assert again == done
    n, f, *output, cg, kh, kw = indices
    column = im2col(x, g)[n, f // g.Fg, :, np.ravel_multi_index(output, (g.OH, g.OW))]
    tap = np.ravel_multi_index((cg, kh, kw), (g.Cg, g.KH, g.KW))
    taps = weight[f].ravel()
    assert (at["x"], at["weight"]) == (column[tap], taps[tap])
    assert at["sum"] == column[: tap + 1] @ taps[: tap + 1]
    assert at["before"] == column[: cg * g.KH * g.KW] @ taps[: cg * g.KH * g.KW]
    inside = im2col(np.ones_like(x), g)[n, f // g.Fg, tap].reshape(g.OH, g.OW)
    assert place["onPad"] == (inside[*output] == 0)
    for length, on, back in steps:
        if done < count(g).macs:
            assert on % length == 0
            assert done < on <= done + length
            assert back == max(1, on - length)


def test_no_output_needs_more_than_16_bits():
    most = LIMITS["C"] * LIMITS["KH"] * LIMITS["KW"] * 9 * 3
    assert max(most, LIMITS["KH"] * LIMITS["KW"] * 9 * 3 * LIMITS["C"] * 3) < 2**15
    assert max(int(np.abs(stage.y).max()) for w in lesson(LARGEST) for stage in w.stages) < 2**15
