"""Every method gives the same answer or raises the same exception, whatever it is asked."""

import re
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from strategies import DTYPES, Case, cases, geometries

from refconv import Geometry, conv2d, get_threads, set_threads
from refconv.conv import METHODS
from refconv.jit import planes
from refconv.jit.cuts import DEPTH, cut_for

COMPILED = ("jit", "jit-loops", "im2col")
VECTOR_TYPES = ("float32", "float64")
PLANES, PRODUCTS = {"G": 3, "Cg": 1, "Fg": 1}, {"G": 2, "Cg": 3, "Fg": 9}
"""Channels that the two vector kernels take: few outputs per group, or many."""


def outcome(case, **options):
    """The answer's type, shape and bytes, or the exception's type and text.

    A complex zero may have either sign: BLAS scales sums by 1 + 0j, and 0 * -1 is -0.
    """
    try:
        y = case.run(**options)
    except (ValueError, TypeError, OverflowError) as error:
        return type(error), str(error)
    return y.dtype, y.shape, (y + 0 if y.dtype.kind == "c" else y).tobytes()


def check_same(case, methods=METHODS, **options):
    """Every method has the same outcome; returned is that one."""
    first, *others = methods
    expected = outcome(case, method=first, **options)
    for method in others:
        assert outcome(case, method=method, **options) == expected, f"{method} != {first}: {case}"
    return expected


def case_of(kernel, out, *, N=1, G=1, Cg=1, Fg=1, pads=((0, 0), (0, 0)), dtype="float32", **pairs):
    """A case whose output is `out` = (OH, OW), with this `kernel` = (KH, KW)."""
    stride, dilation = pairs.get("stride", (1, 1)), pairs.get("dilation", (1, 1))
    axes = zip(out, kernel, pads, stride, dilation, strict=True)
    size = ((o - 1) * s + d * (k - 1) + 1 - sum(p) for o, k, p, s, d in axes)
    geometry = Geometry.of(
        (N, G * Cg, *size), (G * Fg, Cg, *kernel), padding=pads, groups=G, **pairs
    )
    assert geometry.y_shape[2:] == out
    return Case.of(geometry, dtype, bound=5)


@settings(max_examples=300)
@given(cases(dtypes=DTYPES, pad_values=(0, 5)))
def test_every_method_gives_the_same_bits(case):
    check_same(case)


@settings(max_examples=120)
@given(cases(geometries(max_channels=20, max_kernel=5, max_room=40), dtypes=VECTOR_TYPES))
def test_compiled_methods_give_the_same_bits_on_larger_layers(case):
    check_same(case, COMPILED)


@pytest.mark.parametrize("dtype", DTYPES)
def test_every_type_in_every_method(dtype):
    geometry = Geometry.of(
        (2, 4, 5, 7), (6, 2, 3, 2), groups=2, padding=((2, 0), (0, 3)), stride=(1, 2)
    )
    _, shape, _ = check_same(Case.of(geometry, dtype, pad_value=3))
    assert shape == geometry.y_shape


@pytest.mark.parametrize("channels", [PLANES, PRODUCTS], ids=["planes", "products"])
@pytest.mark.parametrize("OW", range(1, 41))
def test_every_output_width(OW, channels):
    for sw in (1, 2, 3, 4):
        options = {"stride": (1, sw), "pads": ((1, 0), (2, 0))}
        check_same(case_of((2, 3), (3, OW), **options, **channels), COMPILED)


@pytest.mark.parametrize("dtype", VECTOR_TYPES)
@pytest.mark.parametrize("Fg", range(1, 21))
def test_every_number_of_channels_around_the_tiles(Fg, dtype):
    for Cg in range(1, 21):
        check_same(case_of((2, 1), (3, 7), Cg=Cg, Fg=Fg, dtype=dtype), COMPILED)


@pytest.mark.parametrize("channels", [PLANES, PRODUCTS], ids=["planes", "products"])
@pytest.mark.parametrize("stride", [(1, 2), (2, 1), (2, 3), (3, 4), (4, 1), (4, 2)], ids=str)
def test_every_stride_with_every_dilation(stride, channels):
    for dilation in [(1, 2), (2, 1), (2, 3), (3, 2), (3, 3)]:
        options = {"stride": stride, "dilation": dilation, "pads": ((3, 1), (0, 4))}
        check_same(case_of((3, 4), (4, 9), **options, **channels), COMPILED)


@pytest.mark.parametrize("dtype", VECTOR_TYPES)
@pytest.mark.parametrize("pixels", [1, 7, 8, 9, 15, 16, 17, 23, 24, 25, 31, 32, 33, 47, 48, 49, 97])
def test_pixel_counts_around_the_vectors(pixels, dtype):
    for out in ((1, pixels), (pixels, 1), (2, pixels // 2 + 1)):
        check_same(case_of((1, 2), out, Cg=2, Fg=9, dtype=dtype), COMPILED)


@pytest.mark.parametrize("OH", range(1, 30))
def test_heights_around_the_bands_of_the_planes(OH):
    for sh in (1, 2, 3):
        check_same(case_of((3, 2), (OH, 3), stride=(sh, 1), pads=((2, 0), (0, 1)), **PLANES))


@pytest.mark.parametrize("dtype", VECTOR_TYPES)
@pytest.mark.parametrize("KH", range(1, 8))
def test_every_kernel_height_with_every_step_along_it(KH, dtype):
    """Some square ones have a sweep of their own in the planes, for several outputs too."""
    for sh, dh in product((1, 2, 3), (1, 2)):
        options = {"stride": (sh, 1), "dilation": (dh, 1), "dtype": dtype}
        for KW, (G, Cg, Fg) in product((2, KH), ((3, 1, 1), (2, 4, 1), (3, 1, 2), (2, 4, 3))):
            case = case_of((KH, KW), (16, 18), G=G, Cg=Cg, Fg=Fg, **options)
            if Fg == 1 or (KH == KW == 3 and sh < 3 and dh == 1):
                assert planes.suits(case.geometry, case.x.itemsize)
            check_same(case, COMPILED)


@pytest.mark.parametrize("dtype", VECTOR_TYPES)
@pytest.mark.parametrize("channels", [PLANES, PRODUCTS], ids=["planes", "products"])
@pytest.mark.parametrize("pads", [(7, 1), (9, 16), (17, 0), (0, 33), (40, 70)], ids=str)
def test_pads_wider_than_vectors(pads, channels, dtype):
    G, Cg, Fg = channels.values()
    for stride in (1, 2, 3, 4):
        for padding in ((pads, (1, 0)), ((0, 1), pads)):
            geometry = Geometry.of(
                (1, G * Cg, 4, 5),
                (G * Fg, Cg, 2, 3),
                stride=stride,
                padding=padding,
                groups=G,
            )
            check_same(Case.of(geometry, dtype, pad_value=7), COMPILED)


@pytest.mark.parametrize("pads", [(90, 90), (60, 90), (90, 200)], ids=str)
def test_many_pads_that_two_rows_share(pads):
    """The last row of the last channel has none after it to share them with."""
    for Cg in (1, 3):
        sizes = {"Cg": Cg, "Fg": 9, "dilation": (1, 90)}
        check_same(case_of((2, 3), (3, 300), pads=((1, 0), pads), **sizes), COMPILED)


@pytest.mark.parametrize("option", ["stride", "dilation"])
def test_steps_too_long_for_a_band_of_the_planes(option):
    case = case_of((2, 3), (3, 2), **{option: (1, 50_000)}, **PLANES)
    assert not planes.suits(case.geometry, case.x.itemsize)
    check_same(case, COMPILED)


@pytest.mark.parametrize("dtype", VECTOR_TYPES)
@pytest.mark.parametrize(
    ("kernel", "Cg"),
    [((3, 2), 199), ((3, 2), 200), ((3, 2), 201), ((3, 2), 401), ((1, 1), 1201), ((41, 31), 3)],
    ids=str,
)
def test_more_taps_than_one_strip_is_deep(kernel, Cg, dtype):
    case = case_of(kernel, (2, 5), Cg=Cg, Fg=9, dtype=dtype)
    assert case.geometry.K > DEPTH - 10
    check_same(case, COMPILED)


@pytest.mark.parametrize(
    ("kernel", "options", "threads", "holds"),
    [
        ((3, 2), {"out": (83, 79), "Fg": 9}, 4, "tasks > 1 and strips > 1 and not columns_apart"),
        ((3, 2), {"out": (31, 37), "N": 3, "Cg": 40, "Fg": 70}, 1, "strips > 1"),
        ((3, 2), {"out": (5, 7), "Cg": 90, "Fg": 200}, 4, "parts > 1"),
        ((3, 2), {"out": (4, 900), "Cg": 100, "Fg": 9}, 2, "lines > 1 and length > pitch"),
        ((1, 1), {"out": (1, 3000), "Cg": 100, "Fg": 9}, 2, "lines == 1 and length > pitch"),
        ((3, 2), {"out": (3, 70), "Cg": 500, "Fg": 9}, 1, "channels < 500 and not columns_apart"),
        ((41, 31), {"out": (3, 5), "Cg": 2, "Fg": 9}, 1, "kernel_rows < 41 and columns_apart"),
        ((41, 31), {"out": (3, 90), "Cg": 2, "Fg": 9}, 1, "kernel_rows < 41 and not rows_apart"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_every_way_to_cut_the_work(kernel, options, threads, holds):
    sizes = {"G": 2, "Cg": 1, **options}
    case = case_of(kernel, sizes.pop("out"), pads=((1, 0), (0, 1)), **sizes)
    assert eval(holds, cut_for(case.geometry, 4, threads)._asdict())
    before = get_threads()
    set_threads(threads)
    try:
        check_same(case, COMPILED)
    finally:
        set_threads(before)


def test_tasks_of_several_bands():
    """Small images in numbers, and more work than one thread is given."""
    case = case_of((3, 2), (9, 11), N=90, G=12)
    cut = planes.bands(case.geometry, 4, wanted_tasks=8)
    assert min(cut.run, cut.tasks) > 1
    check_same(case, COMPILED)


@pytest.mark.parametrize("channels", [PLANES, PRODUCTS], ids=["planes", "products"])
def test_many_images(channels):
    check_same(case_of((2, 3), (3, 5), N=67, **channels), COMPILED)


@pytest.mark.parametrize("empty", ["N", "Cg", "Fg"])
@pytest.mark.parametrize("dtype", ["float32", "float16", "int8", "complex64"])
def test_empty_axes(empty, dtype):
    sizes = {"N": 2, "G": 2, "Cg": 3, "Fg": 2, empty: 0}
    case = case_of((2, 3), (3, 4), dtype=dtype, **sizes)
    _, shape, _ = check_same(case)
    assert shape == (sizes["N"], 2 * sizes["Fg"], 3, 4)


@pytest.mark.parametrize("pad_value", [0, 4])
def test_an_image_without_a_cell_is_all_padding(pad_value):
    geometry = Geometry.of((2, 3, 0, 4), (2, 3, 2, 3), padding=((1, 2), (0, 0)))
    check_same(Case.of(geometry, "float32", pad_value=pad_value))


BAD_CALLS = {
    "no such layout": ({"layout": "CHWN"}, "layout"),
    "negative padding": ({"padding": -1}, "padding is -1"),
    "groups that do not divide": ({"groups": 5}, "5 groups do not divide"),
    "kernel beyond the padded image": ({"padding": 0, "dilation": 9}, "spans"),
    "pad value of another type": ({"pad_value": 1j}, "pad_value is 1j"),
    "output of another shape": ({"out": np.empty((1, 2, 3, 4), "f4")}, "out has shape"),
}


@pytest.mark.parametrize(("options", "match"), BAD_CALLS.values(), ids=BAD_CALLS)
def test_every_method_raises_the_same_exception(options, match):
    error, text = check_same(case_of((2, 3), (4, 5), G=2, Cg=2, Fg=3), **options)
    assert issubclass(error, ValueError | TypeError)
    assert re.search(match, text)


def test_every_method_refuses_the_same_overflow():
    case = Case.of(Geometry.of((1, 2, 3, 4), (3, 2, 2, 3)), "int64", bound=2**40)
    error, text = check_same(case)
    assert error is OverflowError
    assert "could reach" in text


@settings(max_examples=150)
@given(cases(geometries(max_channels=12, max_kernel=5, max_room=20)))
def test_real_numbers_stay_within_the_rounding_bound(case):
    """Of any order of summation: (n + 1) * u * sum |x * w|, n the number of terms."""
    rng = np.random.default_rng(case.weight.size)
    x, weight = (rng.standard_normal(a.shape, "float32") for a in (case.x, case.weight))
    exact = conv2d(x.astype("f8"), weight.astype("f8"), method="im2col", **case.options)
    magnitude = conv2d(
        abs(x).astype("f8"), abs(weight).astype("f8"), method="im2col", **case.options
    )
    bound = (case.geometry.K + 1) * 2.0**-24 * magnitude
    for method in COMPILED:
        assert (abs(conv2d(x, weight, method=method, **case.options) - exact) <= bound).all()
