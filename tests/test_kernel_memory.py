"""What a compiled call takes and touches: little memory of its own, and nothing around the arrays.

Measured in a fresh process (Linux), by the system's mark of the most memory held.
"""

import sys
from pathlib import Path
from textwrap import dedent

import numpy as np
import pytest
from by_hand import whole
from fresh import run_python

from refconv import conv2d

on_linux = pytest.mark.skipif(sys.platform != "linux", reason="needs Linux's /proc/self")
THREAD_BYTES = 4 << 20
"""Working memory of a thread, at most, its band included."""

MEASURE = dedent(
    """
    import ctypes
    import numpy as np
    from refconv import Geometry, conv2d, set_threads

    def status(field):
        with open("/proc/self/status") as lines:
            return next(1024 * int(line.split()[1]) for line in lines if line.startswith(field))

    def peak(call):
        '''What the call takes at its peak; what was freed before is given back first.'''
        try:
            ctypes.CDLL(None).malloc_trim(0)
        except AttributeError:  # not glibc
            pass
        with open("/proc/self/clear_refs", "w") as mark:
            mark.write("5")
        before = status("VmRSS:")
        call()
        return status("VmHWM:") - before

    def filled(shape, dtype):
        a = np.empty(shape, dtype)
        a.fill(1)  # and so in memory: zeros might not be
        return a

    def working_bytes(descriptor, dtype, threads=2):
        '''Of a second call, into `out`.'''
        g = Geometry.from_descriptor(descriptor)
        steps = dict(stride=g.stride, dilation=g.dilation, padding=g.padding, groups=g.G)
        x, weight = filled(g.x_shape, dtype), filled(g.weight_shape, dtype)
        set_threads(threads)
        y = conv2d(x, weight, **steps)
        return peak(lambda: conv2d(x, weight, **steps, out=y))

    set_threads(2)
    for warm_up in ("ic16ih32oc32kh3ph1", "g64ic64ih48oc64kh3ph1"):
        for dtype in ("float32", "float64"):
            working_bytes(warm_up, dtype)
    """
)

LAYERS = {
    "image 8192x8192": "ic3ih8192oc1kh3ph1",
    "image 3001x3001": "ic3ih3001oc9kh3ph1",
    "batch of 256": "mb256ic64ih28oc64kh3ph1",
    "512 channels under 5x5": "ic512ih14oc64kh5ph2",
    "dilation 24": "ic64ih65oc64kh3dh23ph24",
    "dilation 24 of planes": "g16ic16ih165oc16kh3dh23ph24",
    "kernel 41x31": "ic3ih91iw81oc9kh41kw31",
    "kernel 1x301 in its pads": "ic9ih20iw700oc9kh1kw301ph0pw150",
    "kernel 1x25000": "ic1ih1iw25046oc8kh1kw25000",
    "kernel 1x100000": "ic1ih1iw100046oc8kh1kw100000",
    "stride 4": "mb4ic3ih227oc96kh11sh4ph2",
    "stride 16, a patch": "mb4ic3ih224oc192kh16sh16",
    "pointwise": "mb4ic256ih56oc256kh1",
    "wide rows": "ic100ih4iw20001oc9kh3kw2",
    "wide rows of planes": "g4ic4ih30iw60001oc4kh3ph1",
    "wide rows of planes, stride 4": "g4ic4ih30iw60001oc4kh3sh4ph1",
    "groups": "g32ic256ih56oc256kh3ph1",
}


@pytest.fixture(scope="module")
def measured():
    """Working memory by layer and type: all of them in one process."""
    code = f"""
    for name, descriptor in {LAYERS}.items():
        for dtype in ("float32", "float64")[: 2 - name.startswith("image")]:
            print(name, dtype, working_bytes(descriptor, dtype), sep=";")
    """
    rows = [line.split(";") for line in run_python(MEASURE + dedent(code)).splitlines()]
    return {(name, dtype): int(size) for name, dtype, size in rows}


@on_linux
@pytest.mark.parametrize("name", LAYERS)
def test_working_memory_is_small(measured, name):
    found = {dtype: size for (layer, dtype), size in measured.items() if layer == name}
    assert found
    assert max(found.values()) <= 2 * THREAD_BYTES


@on_linux
def test_more_threads_take_no_more_than_their_share():
    code = """
    print([working_bytes("mb8ic64ih112oc64kh3ph1", "float32", threads=n) for n in (1, 4)])
    """
    one, four = eval(run_python(MEASURE + dedent(code)))
    assert one <= THREAD_BYTES
    assert four <= 4 * THREAD_BYTES


VIEWS = {
    "crop": "x[:, :, 2:-1, 3:-2]",
    "rows reversed": "x[:, :, ::-1]",
    "every second channel": "x[:, ::2]",
    "every second row": "x[:, :, ::2]",
    "channels and images swapped": "x.swapaxes(0, 1)",
    "broadcast": "np.broadcast_to(x[:, :1, :, 1:], (3, *x.shape[1:3], x.shape[3] - 1))",
}


@on_linux
def test_views_whose_columns_follow_are_not_copied():
    """16 channels of 64 MB."""
    code = f"""
    for view in {list(VIEWS.values())}:
        x = filled((1, 16, 1024, 1024), "f4")
        x = eval(view)
        C, sizes = x.shape[1], []
        for groups, F in ((1, 9), (C, C)):
            weight = filled((F, C // groups, 3, 3), "f4")
            y = conv2d(x, weight, groups=groups)
            sizes.append(peak(lambda: conv2d(x, weight, groups=groups, out=y)))
        print(max(sizes))
    """
    sizes = dict(zip(VIEWS, map(int, run_python(MEASURE + dedent(code)).split()), strict=True))
    assert max(sizes.values()) <= 2 * THREAD_BYTES, sizes


@on_linux
def test_nothing_around_the_arrays_is_touched():
    """Pages that may not be touched lie before and behind x, weight, bias and y."""
    code = """
    import ctypes, mmap
    import numpy as np
    from modes import MODES, VECTOR_TYPES
    from refconv import conv2d

    PAGE = mmap.PAGESIZE
    protect = ctypes.CDLL(None, use_errno=True).mprotect

    def guarded(shape, dtype, at_the_end):
        size = int(np.prod(shape)) * np.dtype(dtype).itemsize
        pages = -(-size // PAGE)
        region = mmap.mmap(-1, (pages + 2) * PAGE)
        start = PAGE + (pages * PAGE - size if at_the_end else 0)
        a = np.frombuffer(region, dtype, int(np.prod(shape)), start).reshape(shape)
        a.fill(1)
        first = ctypes.addressof(ctypes.c_char.from_buffer(region))
        for page in (first, first + (pages + 1) * PAGE):
            assert protect(ctypes.c_void_p(page), ctypes.c_size_t(PAGE), 0) == 0
        return a

    for mode in MODES.values():
        for dtype in VECTOR_TYPES:
            g = mode.geometry(dtype)
            steps = dict(stride=g.stride, dilation=g.dilation, padding=g.padding, groups=g.G)
            for at_the_end in (False, True):
                shapes = (g.x_shape, g.weight_shape, (g.F,), g.y_shape)
                *operands, y = (guarded(shape, dtype, at_the_end) for shape in shapes)
                conv2d(*operands, **steps, out=y)
    print("done")
    """
    assert run_python(code) == "done\n"


# --- more than 2**31 bytes ----------------------------------------------------------------------


def available_bytes():
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
    except OSError:
        return 0
    return next(1024 * int(line.split()[1]) for line in lines if line.startswith("MemAvailable"))


def zeros(*shape):
    return np.zeros(shape, np.float32)


needs_6_gb = pytest.mark.skipif(available_bytes() < 6e9, reason="needs 6 GB of free memory")


@needs_6_gb
@pytest.mark.parametrize("cropped", [False, True], ids=["whole", "crop"])
@pytest.mark.parametrize("F", [1, 9], ids=["planes", "products"])
def test_one_channel_of_more_than_2_to_the_31_bytes(F, cropped):
    """Of which memory holds what is written to: a copy would hold all."""
    H, W = 230_001, 2400
    x = zeros(1, 1, H, W + 2)[..., 1:-1] if cropped else zeros(1, 1, H, W)
    assert H * W * 4 > 2**31
    weight, (sh, sw) = whole(F, 1, 2, 3), (20, 40)
    boundary = 2**31 // (4 * W) // sh
    rows = sh * np.array([0, boundary, boundary + 1, (H - 2) // sh])
    columns = sw * np.array([0, 30, (W - 3) // sw])
    expected = np.zeros((F, (H - 2) // sh + 1, (W - 3) // sw + 1), np.float32)
    for number, (row, column) in enumerate(np.stack(np.meshgrid(rows, columns)).T.reshape(-1, 2)):
        cells = whole(number + 1, 2, 3)[-1]
        x[0, 0, row : row + 2, column : column + 3] = cells
        expected[:, row // sh, column // sw] = (weight[:, 0] * cells).sum(axis=(1, 2))
    y = conv2d(x, weight, stride=(sh, sw))
    np.testing.assert_array_equal(y[0], expected)


@needs_6_gb
@pytest.mark.parametrize("F", [7, 9], ids=["planes", "products"])
def test_an_output_of_more_than_2_to_the_31_bytes(F):
    side = 8800 if F == 7 else 7800
    x = zeros(1, 1, side, side)
    corner, weight = whole(60, 70), whole(F, 1, 1, 2)
    x[0, 0, -60:, -70:] = corner
    y = conv2d(x, weight, np.ones(F, "f4"))
    assert y.nbytes > 2**31
    for f in range(F):
        expected = 1 + weight[f, 0, 0, 0] * corner[:, :-1] + weight[f, 0, 0, 1] * corner[:, 1:]
        np.testing.assert_array_equal(y[0, f, -60:, -69:], expected)
        assert (y[0, f, :60] == 1).all()
