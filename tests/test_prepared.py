"""A prepared layer: the bits of `conv2d`, whatever it remembers and whoever calls it.

Its weights are packed at the first call that wants them, its plans are kept for the sizes of images
it has seen. What a layer takes and refuses is in `test_layer.py`.
"""

import copy
import pickle
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import numpy as np
import pytest
from fresh import run_python
from hypothesis import given, settings
from hypothesis import strategies as st
from modes import MODES, VECTOR_TYPES
from strategies import INTEGERS, geometries

from refconv import Conv2d, Geometry, conv2d, get_threads, set_threads
from refconv.layer import PLANS

FLOATS = (*VECTOR_TYPES, "float16")
GEOMETRY = Geometry.of((2, 18, 5, 7), (22, 9, 3, 2), groups=2, padding=((1, 0), (0, 2)))


@pytest.fixture(autouse=True)
def restored_threads():
    before = get_threads()
    yield
    set_threads(before)


def real(shape, dtype, seed=0):
    return np.random.default_rng((seed, *shape)).standard_normal(shape).astype(dtype)


def operands(g, dtype, seed=0):
    """weight, bias and options of real numbers."""
    steps = {"stride": g.stride, "dilation": g.dilation, "padding": g.padding, "groups": g.G}
    options = {**steps, "pad_value": 0.1}
    return real(g.weight_shape, dtype, seed), real((g.F,), dtype, seed), options


def same_bits(y, expected):
    assert y.dtype == expected.dtype
    assert y.shape == expected.shape
    assert y.tobytes() == expected.tobytes()


def images(count, channels=18, dtype="float32"):
    """So many images, no two of the same size."""
    return [real((1, channels, 3 + n % 11, 2 + n // 11), dtype) for n in range(count)]


# --- the bits -----------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", FLOATS)
@settings(max_examples=120)
@given(g=geometries(max_channels=20, max_kernel=5, max_room=40), seed=st.integers(0, 2**16))
def test_a_layer_gives_the_bits_of_conv2d(g, seed, dtype):
    weight, bias, options = operands(g, dtype, seed)
    x = real(g.x_shape, dtype, seed)
    same_bits(Conv2d(weight, bias, **options)(x), conv2d(x, weight, bias, **options))


@pytest.mark.parametrize("dtype", FLOATS)
@settings(max_examples=60)
@given(g=geometries(max_channels=20, max_room=20), seed=st.integers(0, 2**16))
def test_a_layer_of_the_other_layout_gives_the_same_bits(g, seed, dtype):
    weight, bias, options = operands(g, dtype, seed)
    x = real(g.x_shape, dtype, seed)
    layer = Conv2d(weight.transpose(2, 3, 1, 0), bias, **options, layout="NHWC")
    y = layer(x.transpose(0, 2, 3, 1))
    same_bits(y, conv2d(x, weight, bias, **options).transpose(0, 2, 3, 1))


@pytest.mark.parametrize("threads", [1, 2, 5])
@pytest.mark.parametrize("dtype", VECTOR_TYPES)
@pytest.mark.parametrize("name", MODES)
def test_every_mode_gives_the_bits_of_conv2d(name, dtype, threads):
    g = MODES[name].geometry(dtype)
    weight, bias, options = operands(g, dtype)
    x = real(g.x_shape, dtype)
    set_threads(threads)
    same_bits(Conv2d(weight, bias, **options)(x), conv2d(x, weight, bias, **options))


# --- what it remembers --------------------------------------------------------------------------


def test_more_sizes_than_a_layer_remembers():
    """Twice over, and back and forth: each is planned, remembered, forgotten and planned anew."""
    weight, bias, options = operands(GEOMETRY, "float32")
    layer = Conv2d(weight, bias, **options)
    sizes = images(PLANS + 20)
    expected = [conv2d(x, weight, bias, **options) for x in sizes]
    turns = [*range(len(sizes)), *range(len(sizes)), 0, len(sizes) - 1, 0]
    for n in turns:
        same_bits(layer(sizes[n]), expected[n])


def test_a_layer_remembers_no_more_plans_than_it_says():
    layer = Conv2d(*operands(GEOMETRY, "float32")[:2], groups=2)
    for x in images(2 * PLANS):
        layer(x)
        assert len(layer._plans) <= PLANS


def test_an_integer_layer_called_with_every_type_in_turn():
    weight, bias = np.arange(-8, 8, dtype="int8").reshape(4, 1, 2, 2), np.arange(4, dtype="int8")
    layer = Conv2d(weight, bias, padding=1, pad_value=3)
    for dtype in (*INTEGERS, *reversed(INTEGERS)):
        x = np.arange(24).astype(dtype).reshape(2, 1, 3, 4)
        same_bits(layer(x), conv2d(x, weight, bias, padding=1, pad_value=3))


WRONG = {
    "channels": np.ones((2, 17, 5, 7), "f4"),
    "size": np.ones((2, 18, 1, 7), "f4"),
    "axes": np.ones((18, 5, 7), "f4"),
    "type": np.ones((2, 18, 5, 7)),
    "a type of no convolution": np.ones((2, 18, 5, 7), bool),
    "masked": np.ma.ones((2, 18, 5, 7)),
    "nothing": None,
    "ragged": [[[[1.0, 2.0], [3.0]]]],
}


@pytest.mark.parametrize("x", WRONG.values(), ids=WRONG)
def test_a_wrong_image_is_refused_as_conv2d_refuses_it_before_and_after_a_right_one(x):
    weight, bias, options = operands(GEOMETRY, "float32")
    layer, right = Conv2d(weight, bias, **options), real(GEOMETRY.x_shape, "float32")

    def refusal(function, *arguments, **more):
        with pytest.raises((TypeError, ValueError)) as raised:
            function(*arguments, **more)
        return type(raised.value), str(raised.value)

    expected = refusal(conv2d, x, weight, bias, **options)
    assert refusal(layer, x) == expected
    same_bits(layer(right), conv2d(right, weight, bias, **options))
    assert refusal(layer, x) == expected
    same_bits(layer(right), conv2d(right, weight, bias, **options))


def test_an_overflow_is_refused_at_every_call_that_could():
    """It depends on the data: a plan that is remembered does not tell."""
    layer = Conv2d(np.full((1, 1, 1, 2), 2**31))
    small, large = np.full((1, 1, 1, 2), 3), np.full((1, 1, 1, 2), 2**32)
    for _ in range(2):
        assert layer(small).item() == 3 * 2**32
        with pytest.raises(OverflowError, match=f"could reach {2**64}"):
            layer(large)


def test_a_wrong_out_is_refused_at_a_size_that_was_seen_before():
    weight, bias, options = operands(GEOMETRY, "float32")
    layer, x = Conv2d(weight, bias, **options), real(GEOMETRY.x_shape, "float32")
    layer(x)
    with pytest.raises(ValueError, match="out has shape"):
        layer(x, np.empty((1, 2, 3, 4), "f4"))
    with pytest.raises(TypeError, match="out has type float64"):
        layer(x, np.empty(GEOMETRY.y_shape))
    with pytest.raises(ValueError, match="out is read-only"):
        layer(x, np.broadcast_to(np.float32(0), GEOMETRY.y_shape))


@pytest.mark.parametrize("dtype", [*FLOATS, "int8"])
def test_the_callers_arrays_may_change_at_any_time(dtype):
    weight, bias, options = operands(GEOMETRY, "float32")
    weight, bias, options = (4 * weight).astype(dtype), bias.astype(dtype), {**options}
    options["pad_value"] = 1
    x = (4 * real(GEOMETRY.x_shape, "float32")).astype(dtype)
    expected = conv2d(x, weight, bias, **options)
    called, fresh = (Conv2d(weight, bias, **options) for _ in range(2))
    same_bits(called(x), expected)
    weight[...], bias[...] = 0, 0
    for layer in (called, fresh, called):
        same_bits(layer(x), expected)


# --- copies and threads -------------------------------------------------------------------------

COPIES = {
    "pickled": lambda layer: pickle.loads(pickle.dumps(layer)),
    "deep copy": copy.deepcopy,
    "shallow copy": copy.copy,
}


@pytest.mark.parametrize("called", [False, True], ids=["fresh", "called before"])
@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("copied", COPIES.values(), ids=COPIES)
def test_a_copy_gives_the_same_bits(copied, dtype, called):
    weight, bias, options = operands(GEOMETRY, dtype)
    layer, x = Conv2d(weight, bias, **options), real(GEOMETRY.x_shape, dtype)
    expected = conv2d(x, weight, bias, **options)
    if called:
        layer(x)
    other = copied(layer)
    for each in (other, layer, copied(other)):
        same_bits(each(x), expected)
        same_bits(each(x[:1, :, 1:]), conv2d(x[:1, :, 1:], weight, bias, **options))
    assert repr(other) == repr(layer)
    assert not other._weight.flags.writeable
    assert not other._bias.flags.writeable


def test_a_layer_that_was_called_unpickles_in_another_process(tmp_path):
    weight, bias, options = operands(GEOMETRY, "float32")
    layer, x = Conv2d(weight, bias, **options), real(GEOMETRY.x_shape, "float32")
    expected = layer(x)
    (tmp_path / "layer").write_bytes(pickle.dumps((layer, x, expected)))
    code = f"""
    import pickle
    with open({str(tmp_path / "layer")!r}, "rb") as file:
        layer, x, expected = pickle.load(file)
    print(layer(x).tobytes() == expected.tobytes())
    """
    assert run_python(code) == "True\n"


@pytest.mark.parametrize("here", [{}, {"NUMBA_CPU_NAME": "generic"}], ids=["native", "generic"])
def test_a_layer_that_was_called_unpickles_on_another_cpu(here, tmp_path):
    """Where tiles have another shape: the order of packed weights is the CPU's own."""
    path = str(tmp_path / "layer")
    there = {"NUMBA_CPU_NAME": "generic"} if not here else {}
    caches = [{"NUMBA_CACHE_DIR": str(tmp_path / side)} for side in ("here", "there")]
    write = f"""
    import pickle
    import numpy as np
    from refconv import Conv2d
    x = np.arange(2 * 9 * 5 * 7, dtype="float32").reshape(2, 9, 5, 7) % 13
    weight = np.arange(22 * 9 * 3 * 2, dtype="float32").reshape(22, 9, 3, 2) % 7
    layer = Conv2d(weight, padding=1)
    y = layer(x)
    with open({path!r}, "wb") as file:
        pickle.dump((layer, weight, x, y), file)
    """
    read = f"""
    import pickle
    with open({path!r}, "rb") as file:
        layer, weight, x, y = pickle.load(file)
    print((layer(x) == y).all())
    """
    run_python(write, **caches[0], **here)
    assert run_python(read, **caches[1], **there) == "True\n"


@pytest.mark.parametrize("threads", [1, 2])
def test_eight_callers_at_once(threads):
    """From the very first call on: who packs, plans and forgets is left to chance."""
    set_threads(threads)
    weight, bias, options = operands(GEOMETRY, "float32")
    sizes = images(PLANS + 20)
    expected = [conv2d(x, weight, bias, **options).tobytes() for x in sizes]
    start = Barrier(8)

    def wrong_answers(layer, caller):
        start.wait()
        turns = [(n * (2 * caller + 1) + caller) % len(sizes) for n in range(2 * len(sizes))]
        return [n for n in turns if layer(sizes[n]).tobytes() != expected[n]]

    with ThreadPoolExecutor(8) as pool:
        for _ in range(3):
            layer = Conv2d(weight, bias, **options)
            assert list(pool.map(wrong_answers, [layer] * 8, range(8))) == [[]] * 8
