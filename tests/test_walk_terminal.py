"""`refconv walk` in a terminal, in a pipe, and as a print of all its steps."""

import io
import os
import re
import signal
import subprocess
import sys
import termios
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pseudo_terminal import Session
from strategies import geometries

import refconv
from refconv import Geometry, count, tally
from refconv.cli import main
from refconv.walk import screens, summary, terminal
from refconv.walk.canvas import HEIGHT, WIDTH, Canvas
from refconv.walk.lesson import DEFAULT_LAYER, LIMITS, layer_of
from refconv.walk.printed import outputs_of, printed
from refconv.walk.steps import PACES, Closing, Position, Tap, Walk, Wiring, parts_of

LAYER = "g2mb1ic4ih5oc6oh3kh3"
STANDARD = LAYER.replace("g2", "g1")  # the walk of it begins at the first screen
RIGHT, LEFT, UP, DOWN = "\x1b[C", "\x1b[D", "\x1b[A", "\x1b[B"
NUMBER_OF_PACE = {name: number for number, name in enumerate(PACES)}

LARGE = {
    "all sizes at their limits": "mb2ic16ih16iw16oc24oh20ow20kh5ph4",
    "as dilated as can be": "mb2ic16ih16iw15oc24oh8ow7kh5dh3dw3ph4pw4",
    "as strided as can be": "mb2ic16ih15iw16oc24oh5ow5kh5sh4sw4ph4",
    "the most structures": "mb2ic12ih16oc24oh18kh5ph3",
    "one number": "ic1ih1oc1kh1",
    "pads only, nearly": "ic2ih1iw2oc4oh8ow9kh2ph4",
    "a multiplier": "g3ic3ih4iw6oc12kh2kw5pw4",
}


@st.composite
def layers(draw):
    """Layers that a walk takes."""
    drawn = draw(
        geometries(
            max_groups=4, max_channels=4, max_kernel=5, max_dilation=4, max_pad=4, max_room=6
        )
    )
    small = drawn.descriptor
    within = all(getattr(drawn, name) <= most for name, most in LIMITS.items())
    # A descriptor tells the pads behind the data by the output alone: they may come back wider.
    return layer_of(small) if within and fits(small) else layer_of(DEFAULT_LAYER)


def fits(descriptor):
    g = Geometry.from_descriptor(descriptor)
    return all(getattr(g, name) <= most for name, most in LIMITS.items())


def walked(*arguments, **environment):
    """The finished process of `refconv walk` in a pipe."""
    folder = os.path.dirname(os.path.dirname(refconv.__file__))
    return subprocess.run(
        [sys.executable, "-m", "refconv", "walk", *arguments],
        capture_output=True, text=True, stdin=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": folder, **environment},
    )  # fmt: skip


# Steps


@settings(max_examples=25)
@given(layers())
def test_the_taps_are_those_of_the_seven_loops(layer):
    for part in parts_of(Walk(layer).lesson):
        stage = part.stage
        g, y = stage.geometry, np.zeros(stage.y.shape, int)
        places = list(np.ndindex(*part.taps_shape))
        padding_taps = 0
        for index in range(len(places)) if len(places) < 400 else range(0, len(places), 97):
            tap = Tap(part, index)
            n, f, oh, ow, cg, kh, kw = tap.place
            assert tap.place == places[index]
            assert (tap.c, tap.number) == (f // g.Fg * g.Cg + cg, index % g.K + 1)
            assert (tap.ih, tap.iw) == (oh * g.sh - g.pt + kh * g.dh, ow * g.sw - g.pl + kw * g.dw)
            outside = not (0 <= tap.ih < g.H and 0 <= tap.iw < g.W)
            assert tap.on_padding == outside
            assert tap.x == (0 if outside else stage.x[n, tap.c, tap.ih, tap.iw])
            assert tap.weight == stage.weight[f, cg, kh, kw]
            assert tap.after == tap.before + tap.x * tap.weight
            if len(places) < 400:
                assert tap.before == y[n, f, oh, ow]
                y[n, f, oh, ow] = tap.after
                padding_taps += outside
                assert tap.padding_taps == padding_taps
        if len(places) < 400:
            assert np.array_equal(y, stage.y)
        last, counts = Tap(part, part.macs - 1), count(g)
        assert last.after == stage.y[-1, -1, -1, -1]
        assert (last.index + 1, last.padding_taps) == (
            counts.macs, counts.macs - counts.effective_macs
        )  # fmt: skip


@settings(max_examples=15)
@given(layers(), st.sampled_from(range(1, len(PACES))))
def test_a_walk_goes_through_all_and_back_the_same_way(layer, pace):
    walk = Walk(layer)
    way = [walk.first]
    while len(way) < 3000 and (ahead := walk.after(way[-1], pace)) != way[-1]:
        assert ahead > way[-1]
        way.append(ahead)
    for here, ahead in pairwise(way):
        assert walk.before(ahead, pace) == here
    taps = [walk.step(position) for position in way if isinstance(walk.step(position), Tap)]
    if pace == NUMBER_OF_PACE["output cell"]:
        assert all(tap.number == tap.part.stage.geometry.K for tap in taps)
    else:
        for tap in taps:
            OH, OW = tap.part.stage.y.shape[2:]
            assert tap.place[2:4] == (OH - 1, OW - 1)
    if len(way) < 3000:
        assert way[-1] == walk.last
        assert len(taps) == sum(_stops(part, pace) for part in parts_of(walk.lesson))


def _stops(part, pace):
    N, F, OH, OW = part.stage.y.shape
    return {"output cell": N * F * OH * OW, "output channel": N * F, "whole stage": 1}[PACES[pace]]


def test_the_finest_pace_is_one_tap():
    walk = Walk(layer_of("ic2ih2iw3oc2kh2"))
    position, seen = walk.first, []
    while (step := walk.step(position)) and not isinstance(step, Closing):
        seen.append(step)
        position = walk.after(position, 0)
    indices = [step.index for step in seen if isinstance(step, Tap)]
    expected = [index for part in parts_of(walk.lesson) for index in range(part.macs)]
    assert indices == expected


def test_structures_are_found_forwards_and_back():
    walk = Walk(layer_of(DEFAULT_LAYER))
    begins, position = [walk.first], walk.first
    while (ahead := walk.next_structure(position)) != position:
        begins.append(ahead)
        position = ahead
    names = [walk.step(p).part.title for p in begins if isinstance(walk.step(p), Wiring)]
    assert names == [
        "standard", "2 groups", "4 groups = depthwise", "separable, stage 1 of 2: depthwise",
    ]  # fmt: skip
    assert begins[-1] == walk.last
    for earlier, later in pairwise(begins):
        assert walk.structure_before(later) == earlier
        inside = Position(earlier.section + 1, 0)
        if inside < later:
            assert walk.structure_before(inside) == earlier
    assert walk.structure_before(walk.first) == walk.first


# Screens


def fits_the_screen(canvas):
    lines = canvas.lines(colour=False)
    assert len(lines) == HEIGHT == 24
    assert max(map(len, lines)) <= WIDTH == 80
    bare = [re.sub(r"\x1b\[[0-9;]*m", "", line) for line in canvas.lines(colour=True)]
    assert bare == lines
    return "\n".join(lines)


def some_positions(walk):
    """The first and the last step of every section, and some between."""
    for number, section in enumerate(walk.sections):
        for part in range(13):
            yield Position(number, (section.length - 1) * part // 12)


@pytest.mark.parametrize("descriptor", LARGE.values(), ids=LARGE)
def test_every_screen_fits_80x24_up_to_the_limits(descriptor):
    walk = Walk(layer_of(descriptor))
    for position in some_positions(walk):
        for pace in range(len(PACES)):
            fits_the_screen(screens.screen(walk, position, pace))
    fits_the_screen(screens.help_screen())


@settings(max_examples=25)
@given(layers(), st.data())
def test_a_screen_shows_the_step(layer, data):
    walk = Walk(layer)
    number = data.draw(st.sampled_from(
        [n for n, s in enumerate(walk.sections) if isinstance(s.at(0), Tap)]
    ))  # fmt: skip
    tap = Tap(walk.step(Position(number, 0)).part, data.draw(st.integers(0, 2**31)) %
              walk.sections[number].length)  # fmt: skip
    text = fits_the_screen(screens.screen(walk, Position(number, tap.index), 0))
    p, product = tap.place, tap.x * tap.weight
    factor, term = (f"({v})" if v < 0 else f"{v}" for v in (tap.weight, product))
    assert f"= x[{p.n}, {tap.c}, {tap.ih}, {tap.iw}] * weight[{p.f}, {p.cg}, {p.kh}, {p.kw}] = " \
           f"{tap.x} * {factor} = {product}" in text  # fmt: skip
    assert ("a padding cell" in text) == tap.on_padding
    complete = tap.number == tap.part.stage.geometry.K
    assert f"sum: {tap.before} + {term} = {tap.after}{', complete ' if complete else ' '}" in text
    assert f"MACs {tap.index + 1:,} of " in text
    marked = re.findall(r"\[ *(-?\d+|\.)\]", "\n".join(text.splitlines()[3:17]))
    read = "." if tap.on_padding else str(tap.x)
    assert sorted(marked) == sorted([read, str(tap.weight), str(tap.after)])
    formula = re.search(r"MACs [\d,]+ of ([\d*]+) = ([\d,]+)", text)
    assert np.prod([int(v) for v in formula[1].split("*")]) == tap.part.macs
    assert int(formula[2].replace(",", "")) == tap.part.macs


@settings(max_examples=25)
@given(layers(), st.data())
@example(layer_of(LARGE["as dilated as can be"]), None)
def test_the_tables_on_a_screen_are_the_arrays(layer, data):
    walk = Walk(layer)
    for number, section in enumerate(walk.sections):
        if not isinstance(section.at(0), Tap):
            continue
        index = data.draw(st.integers(0, section.length - 1)) if data else section.length // 3
        tap = section.at(index)
        lines = screens.screen(walk, Position(number, index), 0).lines(colour=False)
        stage, g, p = tap.part.stage, tap.part.stage.geometry, tap.place
        window = {(p.oh * g.sh - g.pt + kh * g.dh, p.ow * g.sw - g.pl + kw * g.dw)
                  for kh in range(g.KH) for kw in range(g.KW)}  # fmt: skip
        read = set()
        for (ih, iw), (sign, word) in table_of(line[:40] for line in lines[4:17]).items():
            inside = 0 <= ih < g.H and 0 <= iw < g.W
            assert word == (str(stage.x[p.n, tap.c, ih, iw]) if inside else ".")
            is_tap, is_read = (ih, iw) == (tap.ih, tap.iw), (ih, iw) in window
            assert sign == ("[" if is_tap else "(" if is_read else " ")
            read |= {(ih, iw)} & window
        assert read == window
        kernel = [re.findall(CELL, f"{line[40:]:40}") for line in lines[4 : 4 + g.KH]]
        assert [[int(word) for _, word in row] for row in kernel] == (
            stage.weight[p.f, p.cg].tolist()
        )
        shown = table_of(line[40:] for line in lines[11:17])
        assert shown[p.oh, p.ow] == ("[", str(tap.after))
        for (oh, ow), (_, word) in shown.items():
            if (oh, ow) != (p.oh, p.ow):
                known = (oh, ow) < (p.oh, p.ow)
                assert word == (str(stage.y[p.n, p.f, oh, ow]) if known else "?")


CELL = r"([\[( ]) *(-?\d+|[.?])[\]) ]"


def table_of(lines):
    """{(row, column): (sign, word)} of a table with its indices above and to the left."""
    header, *rows = lines
    columns = [int(word) for word in header.split()]
    found = {}
    for row in rows:
        if row.strip():
            cells = re.findall(CELL, f"{row[4:]} ")
            assert len(cells) == len(columns), row
            found |= {(int(row[:4]), c): cell for c, cell in zip(columns, cells, strict=True)}
    return found


@given(st.integers(1, 24), st.integers(1, 24), st.data())
def test_what_is_read_is_among_what_is_shown(size, room, data):
    room = max(room, 5)  # kernels have five rows and columns at most
    count_ = data.draw(st.integers(1, min(5, size)))
    gap = data.draw(st.integers(1, max(1, (size - 1) // max(1, count_ - 1))))
    start = data.draw(st.integers(0, size - 1 - gap * (count_ - 1)))
    read = [start + gap * k for k in range(count_)]
    found = screens.shown(size, read, room)
    assert set(read) <= set(found) <= set(range(size))
    assert found == sorted(set(found))
    assert len(found) <= room
    assert len(found) == min(size, room) or found == read


def test_the_wiring_screen_is_the_block():
    walk = Walk(layer_of("ic4ih3iw5oc14kh2"))
    for number, section in enumerate(walk.sections):
        step = section.at(0)
        if isinstance(step, Wiring):
            text = fits_the_screen(screens.screen(walk, Position(number, 0), 1))
            g = step.part.stage.geometry
            rows = dict(re.findall(rf"f +(\d+) ((?: [#.]){{{g.C}}})", text))
            assert sorted(map(int, rows)) == list(range(g.F))
            for f, row in rows.items():
                group = int(f) // g.Fg
                reads = [c for c, sign in enumerate(row.split()) if sign == "#"]
                assert reads == list(range(group * g.Cg, (group + 1) * g.Cg))


def test_a_text_that_leaves_the_screen_or_covers_another_is_refused():
    canvas = Canvas()
    canvas.put(5, 10, "first")
    with pytest.raises(ValueError, match="'second' at row 5, column 14 covers another text"):
        canvas.put(5, 14, "second")
    for row, column, text in ((24, 0, "a"), (0, 79, "ab"), (-1, 0, "a"), (3, -1, "a")):
        with pytest.raises(ValueError, match="leaves the screen"):
            Canvas().put(row, column, text)


# All steps as text, and the summary

MAC = re.compile(
    r"  x\[(\d), +(\d+), +(-?\d+), +(-?\d+)\] \* weight\[ *(\d+), +(\d+), (\d), (\d)\] = "
    r" *(-?\d+) \* +(-?\d+) = +(-?\d+)  sum +(-?\d+)(  pad)?"
)


@settings(max_examples=25)
@given(layers())
@example(layer_of("ic2ih2iw16oc2kh1pw4"))  # rows of outputs too long for a line
def test_the_printed_sums_are_the_outputs_and_all_outputs_are_printed(layer):
    walk = Walk(layer)
    lines = list(printed(walk))
    assert max(map(len, lines)) <= 80
    parts = {part.title: part for part in parts_of(walk.lesson)}
    sections = re.split(r"^== (.+)$", "\n".join(lines), flags=re.MULTILINE)
    found = dict(zip(sections[1::2], sections[2::2], strict=True))
    assert [title for title in found if title in parts] == list(parts)
    for title, part in parts.items():
        g, stage, text = part.stage.geometry, part.stage, found[title]
        heads = re.findall(r"^y\[(\d), (\d+), (\d+), (\d+)\], an output", text, re.MULTILINE)
        assert [tuple(map(int, head)) for head in heads] == list(outputs_of(part).values())
        macs = MAC.findall(text)
        assert len(macs) == len(heads) * g.K
        for place, head in enumerate(heads):
            sum_ = 0
            for mac in macs[place * g.K : (place + 1) * g.K]:
                n, c, ih, iw, f, cg, kh, kw, a, b, product, after = map(int, mac[:-1])
                inside = 0 <= ih < g.H and 0 <= iw < g.W
                assert (mac[-1] == "") == inside
                assert a == (stage.x[n, c, ih, iw] if inside else 0)
                assert b == stage.weight[f, cg, kh, kw]
                assert product == a * b
                sum_ += product
                assert after == sum_
            assert sum_ == stage.y[tuple(map(int, head))]
        numbers = text[text.index("all outputs") :]
        channels = re.split(r"  y\[\d, \d+\]\n", numbers)[1:]
        values = [int(v) for channel in channels for v in re.findall(r"-?\d+", channel)]
        assert np.array_equal(np.array(values).reshape(stage.y.shape), stage.y)


@settings(max_examples=25)
@given(layers())
def test_one_printed_output_is_inside_as_far_as_any_and_one_at_the_border(layer):
    for part in parts_of(Walk(layer).lesson):
        inside = part.inside.sum(axis=(2, 3))
        found = outputs_of(part)
        _, _, oh, ow = found["an output inside"]
        assert inside[oh, ow] == inside.max()
        assert ("an output at the border" in found) == (inside.min() < inside.max())
        if "an output at the border" in found:
            _, _, oh, ow = found["an output at the border"]
            assert inside[oh, ow] == inside.min()


def test_what_a_structure_costs_is_what_executing_the_definition_costs():
    walk = Walk(layer_of("mb2ic4ih5iw6oc8kh3kw2ph1pw1"))
    for worked in walk.lesson:
        text = "\n".join(summary.costs(worked, walk.lesson[0]))
        tallied = sum(
            tally(s.x, s.weight, stride=s.geometry.stride, padding=s.geometry.padding,
                  dilation=s.geometry.dilation, groups=s.geometry.G)
            for s in worked.stages
        )  # fmt: skip
        assert text.count(f" = {tallied.macs:,}\n") == 1
        assert text.count(f"  {tallied.macs:,} equal\n") == 1
        assert text.count(f"  {tallied.effective_macs:,} equal\n") == 1
        assert re.search(rf"parameters .*\b{tallied.parameters}\n", text)
        assert f" {tallied.bytes('float32'):,} bytes of x, weight and y" in text
        assert f" {worked.structure.im2col_bytes:,} bytes\n" in text
        assert f"on padding            {tallied.macs - tallied.effective_macs:,}\n" in text
        assert "NOT EQUAL" not in text


def test_a_count_that_differs_is_told(monkeypatch):
    monkeypatch.setattr(summary, "counted", lambda worked: (7, 8))
    lesson = Walk(layer_of(DEFAULT_LAYER)).lesson
    assert "\n".join(summary.costs(lesson[1], lesson[0])).count("NOT EQUAL") == 2
    assert "\n".join(summary.summary(lesson, asked=1)).count("NOT EQUAL") == 2 * len(lesson)


@pytest.mark.parametrize("descriptor", [LAYER, *LARGE.values()])
def test_the_summary_in_a_pipe_has_every_structure(descriptor, capsys):
    assert main(["walk", descriptor]) == 0
    text = capsys.readouterr().out
    assert "\x1b" not in text
    assert max(map(len, text.splitlines())) <= 80
    layer = layer_of(descriptor)
    assert layer.descriptor in text
    for worked in Walk(layer).lesson:
        structure = worked.structure
        counts, G = structure.counts, structure.stages[0].G
        is_depthwise = len(worked.stages) == 1 and G == layer.C > 1
        name = "depthwise" if is_depthwise else structure.name
        asked = len(worked.stages) == 1 and layer.G == G
        name = rf"{name} \*" if asked else name
        row = rf"^{name} +{re.escape(structure.formula)} +"
        assert re.search(rf"{row}{counts.macs:,} +{counts.macs:,} equal$", text, re.MULTILINE)
        figures = (f"{counts.effective_macs:,}", f"{counts.effective_macs:,} equal",
                   f"{counts.parameters:,}", f"{counts.bytes('float32'):,}", structure.promise,
                   f"{structure.promised}")  # fmt: skip
        row = " +".join(map(re.escape, figures))
        assert re.search(rf"^{name} +{row}$", text, re.MULTILINE)


def test_in_a_pipe_as_a_shell_runs_it():
    done = walked(LAYER)
    assert (done.returncode, done.stderr) == (0, "")
    assert "standard    3*3*3*3*4*6                 1,944  1,944 equal" in done.stdout
    steps = walked(LAYER, "--steps")
    assert (steps.returncode, steps.stderr) == (0, "")
    assert steps.stdout.splitlines() == list(printed(Walk(layer_of(LAYER))))


def test_it_needs_nothing_that_is_optional():
    code = "import sys; sys.modules['rich'] = None; from refconv.cli import main; sys.exit(main())"
    done = subprocess.run(
        [sys.executable, "-c", code, "walk", LAYER, "--steps"], capture_output=True, text=True,
        env={**os.environ, "PYTHONPATH": os.path.dirname(os.path.dirname(refconv.__file__))},
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert "== all structures" in done.stdout


# In a terminal


def expected(position, pace="output cell"):
    """The screen at a position of the walk through `STANDARD`."""
    canvas = screens.screen(Walk(layer_of(STANDARD)), position, NUMBER_OF_PACE[pace])
    return "\n".join(canvas.lines(colour=False))


def test_a_walk_by_keys_from_the_first_screen_to_the_last():
    with Session("walk", STANDARD) as session:
        session.shows(expected(Position(0, 0)))
        session.press(RIGHT)
        session.shows(expected(Position(1, 0)))
        session.press("\r")
        session.shows(expected(Position(2, 35)))
        session.press(DOWN + "\n")
        session.shows(expected(Position(2, 36), "multiply-accumulate"))
        session.press("b")
        session.see("y[0, 0, 0, 0], tap 36 of 36")
        session.press(UP + UP + RIGHT)
        session.shows(expected(Position(2, 36 * 9 - 1), "output channel"))
        session.press("?")
        session.see("Keys", "the next structure")
        session.press("x")
        session.see("y[0, 0, 2, 2], tap 36 of 36")
        session.press("n")
        session.see("2 groups: who reads whom")
        session.press("\x1bOD")
        session.see("standard: what it costs", "1,944 equal")
        session.press("nnn")
        session.shows(expected(Walk(layer_of(STANDARD)).last, "output channel"))
        session.press(RIGHT + "p")
        session.see("separable, stage 1 of 2: depthwise: who reads whom")
        session.press("q")
        assert session.ended() == 0
        assert session.is_as_before
        assert session.screen.colours >= {"0;36", "0;33", "0;32", "0;7"}


@pytest.mark.parametrize(
    ("arguments", "begins"),
    [
        ((), "one layer, three structures"),  # of 2 groups, but nobody asked for them
        (("g2ic4ih5iw6oc8kh3ph1",), "2 groups: who reads whom"),
        (("g4ic4ih5iw6oc8kh3ph1",), "4 groups = depthwise: who reads whom"),
        (("ic4ih5iw6oc8kh3ph1",), "one layer, three structures"),
    ],
)
def test_it_begins_at_the_structure_that_was_asked_for(arguments, begins):
    with Session("walk", *arguments) as session:
        session.see(begins)
        session.press("q")
        assert session.ended() == 0


@pytest.mark.parametrize("groups", [1, 2, 4])
def test_the_tables_mark_the_structure_that_was_asked_for(groups, capsys):
    assert main(["walk", f"g{groups}ic4ih5iw6oc8kh3ph1"]) == 0
    lines = capsys.readouterr().out.splitlines()
    name = {1: "standard", 2: "2 groups", 4: "depthwise"}[groups]
    assert [line.split("  ")[0] for line in lines if "*  " in line] == [f"{name} *"] * 2
    assert "* the layer that was asked for" in lines
    assert "formula: N*OH*OW * KH*KW * Cg * F, N = 1 left out" in lines


@pytest.mark.parametrize("descriptor", [LARGE["as dilated as can be"], LARGE["one number"]])
def test_no_screen_scrolls_or_wraps_in_the_terminal(descriptor):
    with Session("walk", descriptor) as session:
        session.see("one layer, three structures")
        session.press(DOWN)
        for pace in PACES:
            session.see(f"pace: {pace}")
            session.press(RIGHT * 5 + "nn" + RIGHT * 3 + "p" + "?x" + UP)
        session.press("nnnnnnnnn")
        session.see("All structures of this layer")
        session.press("q")
        assert session.ended() == 0


def test_a_resize_redraws_and_a_small_terminal_is_told():
    with Session("walk", STANDARD, rows=30, columns=100) as session:
        session.press(RIGHT)
        session.shows(expected(Position(1, 0)))
        session.resize(20, 60)
        session.see("needs 80 x 24; here 60 x 20")
        session.resize(5, 8)
        session.see("needs 80", " x 24; h")
        session.resize(24, 80)
        session.shows(expected(Position(1, 0)))
        session.press("?")
        session.see("Keys")
        session.resize(40, 120)
        session.see("Keys")
        session.press("q")  # leaves the help
        session.see("standard: who reads whom")
        session.press("q")
        assert session.ended() == 0


def test_an_escape_alone_is_a_key_that_does_nothing_but_leave_the_help():
    with Session("walk", STANDARD) as session:
        session.press("n?")
        session.see("Keys")
        session.press("\x1b")
        session.see("standard: who reads whom")
        session.press("\x1b[")  # half an arrow; the other half comes late
        session.press("C")
        session.see("y[0, 0, 0, 0], tap 36 of 36")
        session.press("\x1b[5~z")  # page up, and a letter that means nothing
        session.press("q")
        assert session.ended() == 0


def test_ctrl_c_ends_it_and_the_terminal_is_as_before():
    with Session("walk", STANDARD) as session:
        session.see("one layer, three structures")
        session.press("\x03")
        assert session.ended() == 128 + signal.SIGINT
        assert session.is_as_before


def test_a_signal_to_end_leaves_the_terminal_as_before():
    with Session("walk", STANDARD) as session:
        session.see("one layer, three structures")
        session.process.send_signal(signal.SIGTERM)
        assert session.ended() == 128 + signal.SIGTERM
        assert session.is_as_before


def test_ctrl_z_gives_the_terminal_back_until_it_goes_on():
    with Session("walk", STANDARD) as session:
        session.press("n")
        session.shows(expected(Position(1, 0)))
        session.press("\x1a")
        session.wait(lambda: session.is_as_before, "terminal as before")
        session.wait(lambda: session.state() == "T", "stop")
        session.carry_on()
        session.shows(expected(Position(1, 0)))
        session.press("q")
        assert session.ended() == 0


def test_no_color_asks_for_none():
    with Session("walk", STANDARD, NO_COLOR="1") as session:
        session.press("n" + RIGHT)
        session.see("y[0, 0, 0, 0], tap 36 of 36", "[")
        session.press("q")
        assert session.ended() == 0
        assert session.screen.colours <= {"0"}
        assert session.is_as_before


def test_a_terminal_that_can_do_nothing_gets_the_summary():
    with Session("walk", STANDARD, TERM="dumb") as session:
        assert session.ended() == 0
        assert not session.screen.alternate


def test_the_terminal_is_given_back_when_a_step_raises(monkeypatch):
    master, slave = os.openpty()  # for standard input and output of this process
    before = termios.tcgetattr(slave)
    with (
        open(slave, "r+b", buffering=0, closefd=False) as raw,
        monkeypatch.context() as patched,
    ):
        stream = io.TextIOWrapper(raw)
        patched.setattr(sys, "stdin", stream)
        patched.setattr(sys, "stdout", stream)
        patched.setenv("TERM", "xterm")

        def broken(*_):
            raise ArithmeticError("a fault in a screen")

        patched.setattr(terminal, "screen", broken)
        with pytest.raises(ArithmeticError, match="a fault in a screen"):
            terminal.walk(layer_of(STANDARD), step_by_step=True, from_first=True)
        assert termios.tcgetattr(slave) == before
        written = ""
        while len(written) < len(terminal.ENTER + terminal.LEAVE):
            written += os.read(master, 4096).decode()
        assert written == terminal.ENTER + terminal.LEAVE
        stream.detach()
    os.close(master)
    os.close(slave)
