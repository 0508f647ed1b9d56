"""Real numbers, whose sums round differently in every order, have the same bits however it is done.

By any number of threads, by image or by batch, into whatever memory: in every mode of the kernels.
What a prepared layer gives is in `test_prepared.py`; `test_hidden_state.py` has the other types.
"""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from modes import MODES, VECTOR_TYPES
from strategies import geometries

from refconv import conv2d, get_threads, set_threads
from refconv.jit import PARALLEL_MACS

each_mode = pytest.mark.parametrize("name", MODES)
each_type = pytest.mark.parametrize("dtype", VECTOR_TYPES)


@pytest.fixture(autouse=True)
def restored_threads():
    before = get_threads()
    yield
    set_threads(before)


def real_call(g, dtype, seed=0):
    """(x, weight, bias) of normal numbers, and the options."""
    rng = np.random.default_rng(seed)
    shapes = (g.x_shape, g.weight_shape, (g.F,))
    arrays = [rng.standard_normal(shape).astype(dtype) for shape in shapes]
    steps = {"stride": g.stride, "dilation": g.dilation, "padding": g.padding, "groups": g.G}
    return arrays, {**steps, "pad_value": 0.1}


@each_mode
def test_every_mode_is_worth_several_threads(name):
    g = MODES[name].geometry("float64")
    assert g.N * g.F * g.OH * g.OW * g.K >= PARALLEL_MACS
    assert g.N > 1


@each_type
@each_mode
def test_threads_and_batches_do_not_change_a_bit(name, dtype):
    (x, weight, bias), options = real_call(MODES[name].geometry(dtype), dtype)
    set_threads(1)
    y = conv2d(x, weight, bias, **options).tobytes()
    for threads in (1, 2, 3, 5):
        set_threads(threads)
        assert conv2d(x, weight, bias, **options).tobytes() == y
        alone = [conv2d(image[None], weight, bias, **options).tobytes() for image in x]
        assert b"".join(alone) == y


@each_type
@settings(max_examples=60)
@given(
    g=geometries(max_images=3, max_channels=20, max_kernel=5, max_room=60),
    seed=st.integers(0, 2**16),
)
def test_threads_do_not_change_a_bit_of_any_geometry(g, seed, dtype):
    """Those of little work are for one thread, whatever is set."""
    (x, weight, bias), options = real_call(g, dtype, seed)
    answers = set()
    for threads in (1, 2, 5):
        set_threads(threads)
        answers.add(conv2d(x, weight, bias, **options).tobytes())
    assert len(answers) == 1


@each_type
@each_mode
def test_neighbouring_outputs_of_a_constant_image_are_equal(name, dtype):
    """The order of a sum is that of its taps, wherever in a tile, a row or a task it is."""
    g = MODES[name].geometry(dtype)
    (_, weight, bias), options = real_call(g, dtype)
    y = conv2d(np.full(g.x_shape, 0.1, dtype), weight, bias, **options)
    assert (y == y[:1, :, :1, :1]).all()
