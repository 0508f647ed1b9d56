"""A photograph through the three structures: laws of what is computed, and a look at the figure.

The laws hold for any image, so they are tested on small drawn ones; the numbers that the figure
and the notes tell are those of the photograph.
"""

import itertools
import xml.etree.ElementTree as ElementTree
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from fresh import run_python
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import refconv
from refconv import Geometry, conv2d, count_by_ones, depthwise_separable_conv2d
from refconv.cli import main
from refconv.walk import experiments
from refconv.walk.lesson import weight_of
from refconv.walk.nearest import nearest_separable, product_of

NOTES = Path(refconv.__file__).parent.parent / "notes"

images = hnp.arrays(
    np.uint8, st.tuples(st.just(1), st.just(3), st.integers(1, 6), st.integers(1, 7))
)
channels = st.integers(0, 2)


def stages_of(x):
    """Every stage of every experiment on the image, once."""
    factored = [experiments.separable(x), experiments.spatially_separable(x)]
    factored += [found.factored for found in experiments.approximations(x)]
    flows = experiments.flows(x, blanked=1)
    return [
        experiments.edges(x),
        experiments.colours(x),
        *(stage for flow in flows for stage in (flow.whole, flow.blanked)),
        *(stage for found in factored for stage in (found.one, *found.several)),
    ]


@given(images)
@settings(max_examples=10)
def test_every_stage_is_what_the_loops_give_and_keeps_the_images_size(x):
    for stage in stages_of(x):
        g = stage.geometry
        assert stage.y.shape == g.y_shape == (1, g.F, *x.shape[2:])
        expected = conv2d(stage.x, stage.weight, padding=g.padding, groups=g.G, method="loops")
        if x.dtype == stage.x.dtype:
            np.testing.assert_array_equal(stage.y, expected)
        else:
            np.testing.assert_allclose(stage.y, expected, rtol=0, atol=1e-9 * 255 * 16 * 27)


def test_every_stage_counts_what_executing_it_counts():
    x = np.zeros((1, 3, 4, 5), np.uint8)
    for factored in (experiments.separable(x), experiments.spatially_separable(x)):
        for counts, stages in (
            (factored.one_counts, (factored.one,)),
            (factored.several_counts, factored.several),
        ):
            executed = np.sum([count_by_ones(s.geometry, method="im2col") for s in stages], axis=0)
            assert [counts.macs, counts.effective_macs] == executed.tolist()


# --- a and b: depthwise and pointwise ------------------------------------------------------------


@given(images, channels, st.integers(0, 255))
def test_depthwise_tells_one_channel_and_no_other(x, c, value):
    other = x.copy()
    other[:, c] = value
    same = (experiments.edges(x).y == experiments.edges(other).y).all(axis=(0, 2, 3))
    assert all(same[f] for f in range(3) if f != c)
    alone = conv2d(x[:, c : c + 1], experiments.EDGES[c][None], padding=1, method="im2col")
    np.testing.assert_array_equal(experiments.edges(x).y[:, c], alone[:, 0])


@given(st.integers(0, 255))
def test_a_flat_image_has_no_edges_but_at_its_border(value):
    y = experiments.edges(np.full((1, 3, 5, 6), value, np.uint8)).y
    assert not y[:, :, 1:-1, 1:-1].any()
    assert bool(y.any()) == (value > 0)


def test_red_sees_what_changes_across_green_what_changes_down_and_blue_both():
    step = (np.arange(7) > 3).astype(np.uint8)
    for image, seen in (
        (np.tile(step, (5, 1)), [True, False, True]),
        (np.tile(step[:, None], (1, 5)), [False, True, True]),
    ):
        y = experiments.edges(np.broadcast_to(image, (1, 3, *image.shape))).y
        assert y[0, :, 1:-1, 1:-1].any(axis=(1, 2)).tolist() == seen


@given(images, st.randoms(use_true_random=False))
def test_pointwise_sees_no_neighbours(x, random):
    """Pixels that change places take their outputs along."""
    order = list(range(x[0, 0].size))
    random.shuffle(order)
    flat = x.reshape(1, 3, 1, -1)
    moved = experiments.colours(flat[..., order]).y
    np.testing.assert_array_equal(moved, experiments.colours(flat).y[..., order])


@given(images)
def test_the_colours_are_the_formulas(x):
    red, green, blue = x[0].astype(int)
    brightness, orange, green_purple = experiments.colours(x).y[0]
    np.testing.assert_array_equal(brightness, red + 2 * green + blue)
    np.testing.assert_array_equal(orange, 2 * (red - blue))
    np.testing.assert_array_equal(green_purple, 2 * green - red - blue)
    np.testing.assert_array_equal(experiments.grey(x)[0, 0], brightness // 4)


def test_a_grey_image_has_no_colours():
    grey = np.broadcast_to(np.arange(20, dtype=np.uint8).reshape(4, 5), (1, 3, 4, 5))
    assert not experiments.colours(grey).y[:, 1:].any()
    np.testing.assert_array_equal(experiments.grey(grey), grey[:, :1])


# --- c: information does not flow ----------------------------------------------------------------


@given(images, st.integers(0, 3))
def test_a_blanked_channel_is_missed_in_its_group_alone(x, blanked):
    whole = np.concatenate([x, experiments.grey(x)], axis=1)
    standard = weight_of(Geometry.of(whole.shape, (4, 4, 3, 3), padding=1))
    for flow, G in zip(experiments.flows(x, blanked), (1, 2, 4), strict=True):
        assert flow.whole.geometry.G == G
        group = range(blanked * G // 4 * (4 // G), (blanked * G // 4 + 1) * (4 // G))
        for f in range(4):
            # What is missed is what the channel alone would have given.
            gave = conv2d(
                whole[:, blanked : blanked + 1].astype(np.int64),
                standard[f : f + 1, blanked : blanked + 1],
                padding=1,
                method="im2col",
            )
            expected = gave[0, 0] if f in group else np.zeros_like(gave[0, 0])
            np.testing.assert_array_equal(flow.difference[f], expected)
            assert flow.changed[f] == expected.any()


# --- d and f: what factors -----------------------------------------------------------------------


@given(images)
def test_separable_and_its_standard_layer_are_equal(x):
    found = experiments.separable(x)
    assert not found.difference.any()
    assert found.relative_error == 0 if x.any() else True
    both = depthwise_separable_conv2d(
        x, experiments.BLUR, experiments.TINT, padding=2, method="im2col"
    )
    np.testing.assert_array_equal(found.several[-1].y, both)
    assert found.ratio == Fraction(1, 3) + Fraction(1, 5 * 5)


@given(st.integers(0, 255))
def test_a_flat_image_is_tinted_and_not_blurred(value):
    found = experiments.separable(np.full((1, 3, 6, 7), value, np.uint8))
    blur, tint = (stage.y[0, :, 2:-2, 2:-2] for stage in found.several)
    np.testing.assert_array_equal(blur, np.full((3, 2, 3), 256 * value))
    red, green, blue = tint[:, 0, 0] // (256 * experiments.TINT_SCALE)
    assert red >= green >= blue  # warm
    assert red > blue or value < 2


@given(images)
def test_sobel_and_its_column_and_row_are_equal(x):
    found = experiments.spatially_separable(x)
    assert not found.difference.any()
    assert found.ratio == Fraction(3 + 3, 3 * 3)
    assert [stage.geometry.weight_shape[2:] for stage in found.several] == [(3, 1), (1, 3)]
    assert found.one.geometry.C == found.one.geometry.F == 1
    # The first of the edges is the same kernel, on another channel.
    np.testing.assert_array_equal(found.one.weight, experiments.EDGES[:1])


# --- e: what does not factor ---------------------------------------------------------------------


def weights(low=-9, high=9):
    """Weights (F, C, KH, KW) of small integers."""
    shapes = st.tuples(st.integers(1, 5), st.integers(1, 3), st.integers(1, 3), st.integers(1, 2))
    return hnp.arrays(np.int64, shapes, elements=st.integers(low, high))


@given(weights(), st.data())
def test_the_product_of_two_weights_convolves_as_both(weight, data):
    F, C, KH, KW = weight.shape
    M = data.draw(st.integers(1, 3))
    numbers = st.integers(-5, 5)
    depthwise = data.draw(hnp.arrays(np.int64, (C * M, 1, KH, KW), elements=numbers))
    pointwise = data.draw(hnp.arrays(np.int64, (F, C * M, 1, 1), elements=numbers))
    x = data.draw(hnp.arrays(np.int64, (1, C, 4, 5), elements=numbers))
    standard = conv2d(x, product_of(depthwise, pointwise, C), method="im2col")
    both = depthwise_separable_conv2d(x, depthwise, pointwise, method="im2col")
    np.testing.assert_array_equal(standard, both)


@given(weights())
def test_with_kernels_enough_the_nearest_is_the_weight_itself(weight):
    F, C, KH, KW = weight.shape
    product = product_of(*nearest_separable(weight, min(F, KH * KW)), C)
    np.testing.assert_allclose(product, weight, rtol=0, atol=1e-12)


@given(weights(), st.data())
def test_no_other_separable_layer_is_nearer(weight, data):
    """Not those that are drawn, near or far, each scaled as well as it can be."""
    F, C, KH, KW = weight.shape
    M = data.draw(st.integers(1, min(F, KH * KW)))
    depthwise, pointwise = nearest_separable(weight, M)
    near = product_of(depthwise, pointwise, C)
    step = data.draw(st.sampled_from([1e-3, 0.1, 1, 10]))
    noise = st.floats(-1, 1, width=32).map(float)
    moved = product_of(
        depthwise + step * data.draw(hnp.arrays(float, depthwise.shape, elements=noise)),
        pointwise + step * data.draw(hnp.arrays(float, pointwise.shape, elements=noise)),
        C,
    )
    size = np.vdot(moved, moved)
    scaled = moved * (np.vdot(moved, weight) / size) if size else moved
    assert np.linalg.norm(weight - near) <= np.linalg.norm(weight - scaled) + 1e-9


@given(weights(), st.data())
def test_what_the_nearest_lacks_are_the_small_singular_values(weight, data):
    F, C, KH, KW = weight.shape
    M = data.draw(st.integers(1, min(F, KH * KW)))
    lacking = weight - product_of(*nearest_separable(weight, M), C)
    small = [
        np.linalg.svd(weight[:, c].reshape(F, -1).astype(float), compute_uv=False)[M:]
        for c in range(C)
    ]
    assert np.isclose(np.linalg.norm(lacking), np.linalg.norm(small), rtol=0, atol=1e-9)


@pytest.mark.parametrize(
    ("M", "message"),
    [
        (0, r"M is 0, but must be from 1 to min\(F, KH\*KW\) = 4"),
        (5, r"M is 5, but must be from 1 to min\(F, KH\*KW\) = 4"),
        (-1, "M is -1, but must be from 1"),
    ],
)
def test_a_number_of_kernels_that_cannot_be_is_refused(M, message):
    with pytest.raises(ValueError, match=message):
        nearest_separable(np.ones((5, 3, 2, 2)), M)


def test_exactness_costs_more_than_the_standard_layer(photograph):
    found = experiments.approximations(photograph)
    F = experiments.RANDOM_F
    assert [one.M for one in found] == list(range(1, 10))
    assert [one.factored.ratio for one in found] == [
        M * (Fraction(1, F) + Fraction(1, 9)) for M in range(1, 10)
    ]
    for errors in (
        [one.weight_error for one in found],
        [one.factored.relative_error for one in found],
    ):
        assert errors == sorted(errors, reverse=True)
        assert errors[0] > 0.8
        assert errors[-2] > 0.05
        assert errors[-1] < 1e-12
    # As good as exact is not to be had for fewer operations than the standard layer takes.
    assert all(one.factored.relative_error > 0.1 for one in found if one.factored.ratio < 1)


# --- the photograph and its figure ---------------------------------------------------------------


@pytest.fixture(scope="module")
def photo():
    pytest.importorskip("matplotlib", reason="needs matplotlib: pip install 'refconv[plot]'")
    from refconv.walk import photo

    return photo


@pytest.fixture(scope="module")
def photograph(photo):
    return photo.photograph()


@pytest.fixture(scope="module")
def figure(photo, photograph):
    from refconv import figures

    with figures.style():
        return photo.figure(photograph)


@pytest.fixture(scope="module")
def texts(figure):
    """Everything that is written in the figure, with where."""
    from matplotlib.text import Text

    figure.draw_without_rendering()  # lays it out
    seen = (text for text in figure.findobj(Text) if text.get_visible() and text.get_text())
    return [(text.get_text(), text.get_window_extent()) for text in seen]


def test_the_photograph_is_the_mean_of_four_pixels(photo, photograph):
    whole = photo._read()
    assert photograph.dtype == np.uint8
    assert photograph.shape == (1, 3, 200, 240)
    four = whole.astype(int).reshape(200, 2, 240, 2, 3).sum(axis=(1, 3)) // 4
    np.testing.assert_array_equal(photograph[0], four.transpose(2, 0, 1))


def test_the_figure_tells_who_hears_of_a_blanked_channel(photo, photograph, texts):
    flows = experiments.flows(photograph, photo.BLANKED)
    assert [sum(flow.changed) for flow in flows] == [4, 2, 1]
    written = [text for text, _ in texts]
    for name, changed, macs in (
        ("standard", 4, "6,912,000"), ("2 groups", 2, "3,456,000"), ("depthwise", 1, "1,728,000")
    ):  # fmt: skip
        assert f"{name}: {changed} of 4 outputs change\n{macs} MACs" in written
    assert written.count("unchanged") == 0 + 2 + 3


@pytest.mark.parametrize(
    "words",
    [
        f"no other channel. 0 is grey. {200 * 240 * 3 * 3 * 3:,} MACs",
        f"no edge is found. {200 * 240 * 3 * 3:,} MACs",
        f"depthwise 5x5: a blur\n{200 * 240 * 5 * 5 * 3:,} MACs",
        f"then pointwise: a tint\n{200 * 240 * 3 * 3:,} MACs",
        f"standard 5x5: both\n{200 * 240 * 5 * 5 * 3 * 3:,} MACs",
        "separable takes 28/75 = 0.373 of the MACs",
        f"standard, output 0\n{200 * 240 * 3 * 3 * 3 * 16:,} MACs",
        f"separable, M = 1\n{200 * 240 * (3 * 3 * 3 + 3 * 16):,} MACs",
        "what it lacks\nrelative error 0.88",
        "Exact for M = 9: 1.56 times the MACs",
        f"column 3x1\n{200 * 240 * 3:,} MACs",
        f"then row 1x3\n{200 * 240 * 3:,} MACs",
        f"both: 3x3\n{200 * 240 * 3 * 3:,} MACs",
        "takes 2/3 of the MACs",
        "+1 red +2 green +1 blue",
        "difference of the two\nat most 0",
    ],
    ids=lambda words: words.split("\n")[0],
)
def test_the_figure_tells_the_numbers(words, texts):
    assert any(words in text for text, _ in texts)


def test_no_text_runs_into_another_or_out_of_the_figure(figure, texts):
    for text, where in texts:
        assert figure.bbox.x0 <= where.x0 < where.x1 <= figure.bbox.x1, text
        assert figure.bbox.y0 <= where.y0 < where.y1 <= figure.bbox.y1, text
    # A title holds an empty line, for the text that goes there in other letters.
    apart = [one for one in texts if not one[0].endswith("\n")]
    for (text, one), (other, two) in itertools.combinations(apart, 2):
        assert not one.padded(-1).overlaps(two.padded(-1)), (text, other)


def test_a_picture_is_written_the_same_every_time(photo, tmp_path, capsys):
    from PIL import Image

    for name in ("a.png", "b.png"):
        assert main(["walk", "--photo", str(tmp_path / name)]) == 0
        assert capsys.readouterr().out == f"{tmp_path / name}\n"
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
    assert (tmp_path / "a.png").stat().st_size < 250_000
    with Image.open(tmp_path / "a.png") as image:
        assert image.format == "PNG"
        assert image.size == (900, 1550)
        pixels = np.asarray(image.convert("RGB"))
    assert (pixels[:3] == 255).all()  # white, as the page that it stands on
    heights = np.cumsum([0, *photo.BANDS]) / sum(photo.BANDS) * len(pixels)
    for top, bottom in itertools.pairwise(heights.astype(int)):
        assert len(np.unique(pixels[top:bottom].reshape(-1, 3), axis=0)) > 25


def test_a_picture_is_written_as_svg_too(photo, tmp_path):
    photo.draw(tmp_path / "a.svg")
    root = ElementTree.parse(tmp_path / "a.svg").getroot()
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert sum(element.tag.endswith("image") for element in root.iter()) > 30
    assert b"<dc:date>" not in (tmp_path / "a.svg").read_bytes()


def test_drawing_leaves_matplotlib_as_it_was(photo, tmp_path):
    import matplotlib

    before, backend = dict(matplotlib.rcParams), matplotlib.get_backend(auto_select=False)
    photo.draw(tmp_path / "a.svg")
    assert dict(matplotlib.rcParams) == before
    assert matplotlib.get_backend(auto_select=False) == backend


def test_the_notes_picture_is_of_this_figure(photo):
    """Its pixels hang on matplotlib's version; its size does not."""
    from PIL import Image

    path = NOTES / "pictures" / "photograph.png"
    assert path.stat().st_size < 250_000
    with Image.open(path) as image:
        assert image.size == tuple(
            round(inches * photo.DOTS_PER_INCH) for inches in (photo.WIDTH, photo.HEIGHT)
        )


# --- errors --------------------------------------------------------------------------------------


def test_the_pictures_of_both_signs_use_the_greys_there_are(figure):
    """A picture whose levels hardly spread cannot be told from another."""
    titles = ("standard, output 0", "separable, M = 1", "edges in red", "orange against blue")
    found = {}
    for axes in figure.findobj(lambda artist: hasattr(artist, "get_images")):
        for image in axes.get_images():
            least, most = image.get_clim()
            shown = np.clip((image.get_array().astype(float) - least) / (most - least), 0, 1)
            found[axes.get_title().split("\n")[0]] = shown.std()
    for title in titles:
        assert found[title] > 0.12, title


@pytest.mark.parametrize("name", ["a.gif", "a", "a.PNG", "png"])
def test_another_kind_of_file_is_refused(photo, tmp_path, name, capsys):
    assert main(["walk", "--photo", str(tmp_path / name)]) == 2
    message = f"refconv walk: the picture is {name}, but must end with .svg or .png\n"
    assert capsys.readouterr() == ("", message)
    assert not (tmp_path / name).exists()


@pytest.mark.parametrize("ending", ["png", "svg"])
def test_a_disk_that_is_full_is_one_line(photo, tmp_path, ending, capsys):
    path = tmp_path / f"a.{ending}"
    path.symlink_to("/dev/full")
    assert main(["walk", "--photo", str(path)]) == 2
    out, errors = capsys.readouterr()
    assert out == ""
    assert errors == "refconv walk: [Errno 28] No space left on device\n"


@pytest.mark.parametrize(("module", "package"), [("matplotlib", "matplotlib"), ("PIL", "pillow")])
def test_what_is_not_installed_is_one_line(module, package, tmp_path):
    code = f"""
        import sys
        from refconv.cli import main

        class NotInstalled:
            def find_spec(name, path, target=None):
                if name == {module!r}:
                    raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

        sys.meta_path.insert(0, NotInstalled)
        sys.stderr = sys.stdout
        print(main(["walk", "--photo", {str(tmp_path / "a.png")!r}]))
    """
    message = f"refconv walk: --photo needs {package}: pip install 'refconv[plot]'"
    assert run_python(code).splitlines() == [message, "2"]
