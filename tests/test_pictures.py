"""The notes' pictures: the committed files are what the code draws; numbers, edges and colours."""

import re
import tomllib
import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from strategies import geometries

from refconv import compare, conv2d, count, count_by_ones, tally
from refconv.cli import main
from refconv.walk.pictures import PICTURES, counting, definition, measured, ratio, separable, svg
from refconv.walk.wiring import wiring

ROOT = Path(__file__).parent.parent
COMMITTED = ROOT / "notes" / "pictures"
SVG = "{http://www.w3.org/2000/svg}"

PALETTE = {
    *(svg.BLUE, svg.ORANGE, svg.GREEN, svg.PURPLE, svg.AMBER, svg.SKY, svg.INK, svg.QUIET),
    *(svg.FAINT, svg.PAPER, svg.INPUT, svg.WEIGHT, svg.OUTPUT, svg.PADDING),
    *(svg.WEIGHT_INK, svg.OUTPUT_INK, svg.FRAME_INK),
    "none",
}

PLAIN, MONO, BOLD = 0.55, 0.61, 0.64
"""The width of a letter over its height, on average over a line, in a wide font (DejaVu's)."""


@pytest.fixture(scope="module")
def drawn():
    return {name: draw() for name, draw in PICTURES.items()}


def test_the_committed_files_are_the_pictures():
    assert {path.name for path in COMMITTED.glob("*.svg")} == {f"{name}.svg" for name in PICTURES}


@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_is_drawn_again_to_the_byte(name, drawn):
    assert (COMMITTED / f"{name}.svg").read_text(encoding="utf-8") == drawn[name], (
        "run: refconv walk --pictures notes/pictures"
    )


@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_tells_what_it_is_and_stays_inside_its_edges(name, drawn):
    root = ET.fromstring(drawn[name])
    width, height = float(root.get("width")), float(root.get("height"))
    assert root.get("viewBox") == f"0 0 {width:.0f} {height:.0f}"
    title, description = root.find(f"{SVG}title").text, root.find(f"{SVG}desc").text
    assert 10 < len(title) < len(description)
    background = root.find(f"{SVG}rect")
    assert (background.get("fill"), background.get("width")) == (svg.PAPER, f"{width - 1:.0f}")
    for text in root.iter(f"{SVG}text"):
        letter = MONO if text.get("font-family") else BOLD if text.get("font-weight") else PLAIN
        reach = len(text.text) * letter * float(text.get("font-size", 14))
        before = {None: 0, "middle": 0.5, "end": 1}[text.get("text-anchor")] * reach
        start = float(text.get("x")) - before
        assert start >= 0, text.text
        assert start + reach <= width, text.text
        assert 10 <= float(text.get("y")) <= height - 6, text.text
    for rect in root.iter(f"{SVG}rect"):
        assert float(rect.get("x")) + float(rect.get("width")) <= width
        assert float(rect.get("y")) + float(rect.get("height")) <= height


@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_has_no_other_colours_than_the_palette(name, drawn):
    assert set(re.findall(r'(?:fill|stroke)="([^"]*)"', drawn[name])) <= PALETTE


def test_the_command_writes_them(tmp_path, capsys):
    assert main(["walk", "--pictures", str(tmp_path / "new")]) == 0
    written = capsys.readouterr().out.splitlines()
    assert written == [str(tmp_path / "new" / f"{name}.svg") for name in PICTURES]
    assert all((COMMITTED / Path(path).name).read_bytes() == Path(path).read_bytes()
               for path in written)  # fmt: skip


def test_the_measured_times_are_those_of_the_readme():
    text = (ROOT / "refconv/walk/pictures/measured.txt").read_text(encoding="utf-8")
    descriptor, table = text.split("\n\n")
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert table in readme
    assert f"\n{descriptor}\n" in readme
    assert measured.run().layer.descriptor == descriptor


def test_the_measured_times_ship_with_the_package():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    patterns = project["tool"]["setuptools"]["package-data"]["refconv.walk"]
    shipped = {path for pattern in patterns for path in (ROOT / "refconv/walk").glob(pattern)}
    assert ROOT / "refconv/walk/pictures/measured.txt" in shipped


def test_the_picture_of_times_shows_each_structure_once(drawn):
    run = measured.run()
    found = compare.structures(run.layer, compare.possible_groups(run.layer))
    words = texts(drawn["operations-time"])
    for structure in found:
        assert words.count(structure.name) == 1
        assert f"{float(1 / structure.promised):.1f}x" in words
        assert f"{run.speed_up[structure.name]:.1f}x" in words


def test_numbers_in_pictures_are_those_of_other_ways_to_count(drawn):
    def by_tally(g):
        return tally(np.ones(g.x_shape), np.ones(g.weight_shape), groups=g.G, padding=g.padding)

    words = texts(drawn["counting"])
    for macs in count_by_ones(counting.LAYER, method="loops"):
        assert f"{macs:,}" in words
    (separated,) = (s for s in compare.structures(separable.LAYER, []) if s.name == "separable")
    words = texts(drawn["separable"])
    assert f"{sum(by_tally(stage).macs for stage in separated.stages):,} MACs" in words
    assert f"{by_tally(separable.LAYER).macs:,} MACs" in words


def test_the_written_out_sum_is_the_output(drawn):
    *lines, total = (
        text for text in texts(drawn["definition"]) if re.match(r"c = \d:  |y\[0, 0, \d", text)
    )
    assert len(lines) == definition.LAYER.C
    parts = []
    for line in lines:
        sum_, _, subtotal = line.split(":  ")[1].rpartition(" = ")
        products = [re.fullmatch(r"(\d)\*\(?(-?\d)\)?", term) for term in sum_.split(" + ")]
        assert len(products) == definition.LAYER.KH * definition.LAYER.KW
        parts.append(sum(int(p[1]) * int(p[2]) for p in products))
        assert parts[-1] == int(subtotal)
    assert int(total.rpartition(" = ")[2]) == sum(parts)


def test_the_curve_passes_through_the_promise():
    for kernel in ratio.KERNELS:
        for F in ratio.CHANNELS:
            assert ratio.ratio(F, kernel) == pytest.approx(1 / F + 1 / kernel**2)


@given(geometries())
def test_wiring_is_what_a_change_of_a_channel_changes(g):
    if 0 in (g.N, g.C, g.F):
        return
    ones = np.ones(g.weight_shape, int)
    options = {"stride": g.stride, "dilation": g.dilation, "groups": g.G, "padding": g.padding}
    connected = np.zeros((g.F, g.C), bool)
    for c in range(g.C):
        x = np.zeros(g.x_shape, int)
        x[0, c] = 1
        y = conv2d(x, ones, **options, method="im2col", pad_value=0)
        connected[:, c] = y[0].any(axis=(1, 2))
    reached = count(g).effective_macs > 0  # else all windows lie on padding, and nothing is seen
    assert np.array_equal(connected, wiring(g) & reached)


def texts(drawing):
    """The lines of text in a picture."""
    return [text.text for text in ET.fromstring(drawing).iter(f"{SVG}text")]
