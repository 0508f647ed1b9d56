"""The compiled kernels where their tiles, bands and blocks end: whole numbers, bit for bit.

`test_methods.py` has every narrow width and few channels; here are the widths around whole tiles,
where a tile meets the end of a row, and everything that decides what a band holds.
"""

from itertools import product

import numpy as np
import pytest
from modes import MODES, VECTOR_TYPES, geometry_of, tile_width
from strategies import Case

from refconv import Conv2d
from refconv.jit.cuts import DEPTH, ROWS
from refconv.jit.products import CHAIN

each_type = pytest.mark.parametrize("dtype", VECTOR_TYPES)
PADS = tuple(product(range(4), repeat=2))


def check(geometry, dtype, *, pad_value=0, prepared=False):
    """Compare with the matrix product of NumPy's, which has no edges."""
    case = Case.of(geometry, dtype, bound=5, pad_value=pad_value)
    out = np.full(geometry.y_shape, np.nan, dtype)
    if prepared:
        Conv2d(case.weight, case.bias, **case.options)(case.x, out)
    else:
        case.run(out=out)
    expected = case.run(method="im2col")
    assert np.array_equal(out, expected), (
        f"{case} differs first at {np.argwhere(out != expected)[0]}"
    )


def widths_around_tiles(dtype):
    """Around one tile and two, and halfway, where a tile of fewer vectors ends the row.

    But for those that the widest pads alone would make.
    """
    width = tile_width(dtype)
    widths = (width - 1, width, width + 1, width + 2, width * 3 // 2)
    widths += (2 * width - 1, 2 * width, 2 * width + 1, 2 * width + 2)
    return [OW for OW in widths if sum(PADS[-1]) < OW]


@each_type
@pytest.mark.parametrize("name", MODES)
def test_every_mode(name, dtype):
    check(MODES[name].geometry(dtype), dtype, pad_value=3)
    check(MODES[name].geometry(dtype), dtype, pad_value=3, prepared=True)


@each_type
@pytest.mark.parametrize("kernel", [(1, 1), (3, 2), (2, 3)], ids=str)
def test_every_pad_around_the_tiles(kernel, dtype):
    """Pads decide how many cells lie between two rows of outputs, strides and dilations too."""
    for OW, pads, sw, dw in product(widths_around_tiles(dtype), PADS, (1, 2, 3, 4), (1, 2, 3)):
        steps = {"stride": (1, sw), "dilation": (1, dw), "pads": ((1, 0), pads)}
        check(geometry_of(kernel, (3, OW), Cg=9, Fg=2, **steps), dtype, pad_value=2)


@each_type
@pytest.mark.parametrize("OH", [2, 3, 5, 8])
def test_tiles_meet_the_ends_of_rows_everywhere(OH, dtype):
    """The place of a row's end in the tile moves by OW % width from row to row."""
    width = tile_width(dtype)
    for extra, KW in product((*range(9), width - 1), (2, 3, 6)):
        check(geometry_of((2, KW), (OH, width + extra), Cg=3, Fg=ROWS + 1), dtype)


@each_type
@pytest.mark.parametrize("KW", [9, 31, 41, 83, 149, 301])
def test_wide_kernels_inside_pads_that_rows_share(KW, dtype):
    """The last row of a band has no next one to share its pads with."""
    half = KW // 2
    for OH, sw, pads in product((1, 2, 3), (1, 2), ((half, half), (half + 2, half - 1))):
        steps = {"stride": (1, sw), "pads": ((0, 0), pads)}
        geometry = geometry_of((1, KW), (OH, max(KW, tile_width(dtype)) + 7), Fg=9, **steps)
        check(geometry, dtype, pad_value=2)


@each_type
@pytest.mark.parametrize("dilation", [12, 24, 36, 60])
def test_dilations_as_large_as_the_pads(dilation, dtype):
    """As in atrous pyramids: 3x3, "same", on an image not much larger than the holes."""
    pads = ((dilation, dilation), (dilation, dilation))
    for OH, OW in ((13, 64), (dilation + 1, 2 * dilation), (70, 2)):
        steps = {"dilation": (dilation, dilation), "pads": pads}
        check(geometry_of((3, 3), (OH, OW), Cg=3, Fg=9, **steps), dtype, pad_value=2)


@each_type
@pytest.mark.parametrize("beyond", [-1, 0, 1])
def test_tiles_with_a_gap_are_taken_up_again(beyond, dtype):
    """More taps than one block has: outputs are loaded, on both sides of a row's end."""
    for blocks, pads, sw in product((1, 2), (0, 1), (1, 2)):
        Cg = blocks * (DEPTH // 9) + beyond
        steps = {"stride": (1, sw), "pads": ((pads, 0), (pads, pads))}
        for Fg in (ROWS + 1, ROWS // 2):
            out = (4, tile_width(dtype) + 1)
            check(geometry_of((3, 3), out, Cg=Cg, Fg=Fg, **steps), dtype)


@each_type
@pytest.mark.parametrize("taps", [CHAIN - 1, CHAIN, CHAIN + 1, 2 * CHAIN, 2 * CHAIN + 1])
def test_sums_of_several_chains_of_taps(taps, dtype):
    """In tiles of every shape: partial sums are put aside in between."""
    width = tile_width(dtype)
    for Fg, OW in product((1, ROWS // 2, ROWS - 1, ROWS + 1), (1, width // 2, width, width + 3)):
        for kernel, Cg in (((1, 1), taps), ((1, taps), 9)):
            check(geometry_of(kernel, (2, OW), Cg=Cg, Fg=Fg), dtype)


@each_type
@pytest.mark.parametrize("KH", [2, 3, 5])
def test_kernel_rows_apart(KH, dtype):
    for dh, sh, OH in product((2, 5, 11, 24), (1, 2, 3), (1, 2, 4, 6)):
        steps = {"dilation": (dh, 2), "stride": (sh, 1), "pads": ((dh, 1), (2, 1))}
        for OW in (5, tile_width(dtype) + 2):
            check(geometry_of((KH, 3), (OH, OW), N=2, Cg=9, Fg=3, **steps), dtype, pad_value=2)


@each_type
@pytest.mark.parametrize("sw", [1, 2, 3, 4])
def test_rows_too_long_for_a_band(sw, dtype):
    for OW, pads in product((899, 900, 960, 961), ((0, 0), (1, 3))):
        steps = {"stride": (2, sw), "pads": ((1, 1), pads)}
        check(geometry_of((3, 2), (3, OW), Cg=100, Fg=3, **steps), dtype)


@each_type
@pytest.mark.parametrize("G", [1, 2, 3])
def test_packed_weights_of_every_number_of_channels(G, dtype):
    """A group's weight begins behind its own tiles, of which the last may be part empty."""
    for Fg in range(1, 2 * ROWS + 3):
        for out in ((3, tile_width(dtype) + 1), (2, 3)):
            geometry = geometry_of((2, 3), out, N=2, G=G, Cg=9, Fg=Fg)
            check(geometry, dtype, prepared=True)
            check(geometry, dtype)


@each_type
@pytest.mark.parametrize("channels", [{"G": 2, "Fg": 2}, {"Cg": 3, "Fg": 9}], ids=["dw", "std"])
def test_planes_larger_than_the_blocks(channels, dtype):
    for stride in ((1, 1), (2, 2), (1, 3)):
        pads = ((1, 0), (2, 1))
        check(geometry_of((3, 3), (213, 301), pads=pads, stride=stride, **channels), dtype)


@each_type
def test_a_task_begins_and_ends_between_two_rows(dtype):
    """Outputs between rows are none; a task that is cut there stores nothing for them."""
    width = tile_width(dtype)
    for OW in range(width, 2 * width):
        check(geometry_of((2, 10), (40, OW), Fg=ROWS), dtype)
