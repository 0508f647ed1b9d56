"""Cutting the work: plain arithmetic, so its promises are inequalities, checked without a kernel.

That nothing outside a band is read is such a promise: compiled code does not check it.
"""

from dataclasses import replace
from math import prod
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from modes import MODES, VECTOR_TYPES, geometry_of, tile_width

from refconv.jit import planes, products
from refconv.jit.cpu import VECTOR_BYTES
from refconv.jit.cuts import BAND_BYTES, DEPTH, ROWS, cut_for

MOST_BYTES = 4 << 20
"""Of a band, in any kernel."""

THREADS = st.integers(1, 64)
each_type = pytest.mark.parametrize("dtype", VECTOR_TYPES)


def sizes(most):
    """Whole numbers from 1 on, small ones as often as large ones."""
    return st.floats(0, np.log(most)).map(lambda x: round(np.exp(x)))


@st.composite
def layers(draw, *, max_out=3000, max_channels=2000, max_kernel=300, max_pad=200):
    """Geometries of every order of size. Nothing is computed: they may be far too large for that.

    Every second one has pads as "same" has them: rows then share them.
    """
    kernel, stride, dilation = (
        (draw(sizes(most)), draw(sizes(most))) for most in (max_kernel, 8, 60)
    )
    half = [d * (k - 1) // 2 for d, k in zip(dilation, kernel, strict=True)]
    pad = st.integers(0, draw(sizes(max_pad)))
    pads = [(h, h) for h in half] if draw(st.booleans()) else [(draw(pad), draw(pad)) for _ in "HW"]
    out = [draw(sizes(most)) for most in (max_out, 5 * max_out)]
    least = [
        -(-(sum(p) - d * (k - 1)) // s) + 1  # outputs of an image of one cell, about
        for p, d, k, s in zip(pads, dilation, kernel, stride, strict=True)
    ]
    out = tuple(map(max, out, least))
    channels = {"Cg": draw(sizes(max_channels)), "Fg": draw(sizes(max_channels))}
    groups = {"N": draw(st.integers(1, 3)), "G": draw(st.integers(1, 3))}
    steps = {"stride": stride, "dilation": dilation, "pads": tuple(pads)}
    return geometry_of(kernel, out, **channels, **groups, **steps)


@pytest.mark.parametrize("name", MODES)
def test_every_mode_is_one(name):
    for dtype in VECTOR_TYPES:
        assert MODES[name].goes_this_way(dtype)


@each_type
@settings(max_examples=200)
@given(g=layers(), threads=THREADS)
def test_the_tasks_cover_the_outputs(g, threads, dtype):
    cut = cut_for(g, np.dtype(dtype).itemsize, threads)
    assert (cut.lines, cut.length) in ((g.OH, g.OW), (1, (g.OH - 1) * cut.pitch + g.OW))
    tasks_of_line = -(-cut.length // (cut.strips * tile_width(dtype)))
    assert cut.tasks == g.N * g.G * cut.lines * cut.parts * tasks_of_line
    tiles = -(-g.Fg // ROWS)
    share = -(-tiles // cut.parts)
    assert share * (cut.parts - 1) < tiles <= share * cut.parts


@each_type
@settings(max_examples=200)
@given(g=layers(), threads=THREADS)
def test_the_blocks_cover_the_taps(g, threads, dtype):
    """In a fixed order whatever the threads: so the sums have the same bits."""
    cut = cut_for(g, np.dtype(dtype).itemsize, threads)
    assert 1 <= cut.channels <= g.Cg
    assert cut.kernel_rows == g.KH or cut.channels == 1
    assert cut.kernel_columns == g.KW or cut.kernel_rows == 1
    assert cut.channels * cut.kernel_rows * cut.kernel_columns <= DEPTH
    alone = cut_for(replace(g, N=1), np.dtype(dtype).itemsize, 1)
    assert cut[4:7] == alone[4:7]


def band_of(g, cut, dtype):
    """The kernel's own arithmetic on a band, run by Python: the array, its offsets and layout."""
    options = (g.sh, g.sw, g.dh, g.dw, g.pt, g.pl)
    with patch.object(products, "lanes_of", lambda x: VECTOR_BYTES // x.itemsize):
        return products.blank_band.py_func(cut, options, 0, np.empty(0, dtype))


@each_type
@settings(max_examples=200)
@given(g=layers(), threads=THREADS)
def test_a_band_is_no_larger_than_its_cache(g, threads, dtype):
    cut = cut_for(g, np.dtype(dtype).itemsize, threads)
    band, offsets, (_, row_slots, _, slots, _, plane, pitch) = band_of(g, cut, dtype)
    cells = cut.channels * row_slots * slots * plane
    assert plane == cut.rows * pitch
    assert cells * band.itemsize <= BAND_BYTES
    assert band.nbytes + offsets.nbytes <= MOST_BYTES


@each_type
@settings(max_examples=300)
@given(g=layers(max_out=40, max_channels=30, max_kernel=40), threads=THREADS)
def test_each_tap_is_in_the_band(g, threads, dtype):
    """What an output reads at `offsets` is the cell it wants; or both are padding."""
    cut = cut_for(g, np.dtype(dtype).itemsize, threads)
    band, offsets, layout = band_of(g, cut, dtype)
    row_step, row_slots, row_slot_step, slots, slot_step, _, pitch = layout
    span = cut.strips * tile_width(dtype)
    stretches = -(-cut.length // span)
    last_cell = band.size - (VECTOR_BYTES // band.itemsize - 1)  # of which aligning takes the rest

    for stretch in {0, stretches // 2, stretches - 1}:
        start = stretch * span
        count = min(span, cut.length - start)
        by_line = cut.length == g.OW
        left, first = (start, 0) if by_line else (0, start % pitch)
        read_in_vain = -count % tile_width(dtype)
        assert first + count - 1 + read_in_vain + offsets.max() < last_cell

        places = first + np.unique(np.linspace(0, count - 1, 150).astype(int))
        oh, ow = (0 * places, places) if by_line else np.divmod(places, pitch)
        wanted_row, wanted_column = oh[:, None] * g.sh, (left + ow[:, None]) * g.sw
        c, kh, kw = np.unravel_index(np.arange(offsets.size), cut[4:7])
        wanted_row, wanted_column = wanted_row + kh * g.dh, wanted_column + kw * g.dw

        where = (places[:, None] + offsets).ravel()
        shape = (cut.channels, row_slots, slots, cut.rows, pitch)
        inside = where < prod(shape)
        found = np.unravel_index(np.where(inside, where, 0), shape)
        channel, row_slot, slot, row, column = (a.reshape(len(places), -1) for a in found)
        found_row = row * row_step + row_slot * row_slot_step
        found_column = left * g.sw + column * g.sw + slot * slot_step

        inside = inside.reshape(channel.shape)
        same = inside & (channel == c) & (found_row == wanted_row) & (found_column == wanted_column)
        found_padding = ~inside | (found_column < g.pl)
        both_padding = (wanted_column >= g.pl + g.W) & found_padding
        is_output = (ow < g.OW)[:, None]
        assert (same | both_padding | ~is_output).all()


@each_type
@settings(max_examples=200)
@given(g=layers(max_channels=8, max_kernel=30), wanted=st.integers(1, 256))
def test_the_bands_of_planes_cover_the_rows(g, wanted, dtype):
    itemsize = np.dtype(dtype).itemsize
    height, run, tasks = planes.bands(g, itemsize, wanted)
    assert height % planes.ROWS == 0
    total = g.N * g.G * -(-g.OH // height)
    assert run * (tasks - 1) < total <= run * tasks
    if planes.suits(g, itemsize):
        assert planes.band_bytes(g, itemsize, height) <= MOST_BYTES
