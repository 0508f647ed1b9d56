"""Nothing but the arguments matters: not the calls before, beside or around a call.

And nothing but `out` is written to. Threads and processes are used here as a program would; the
crew itself is tested in `test_threads.py`.
"""

import os
from concurrent.futures import ThreadPoolExecutor
from textwrap import dedent

import ml_dtypes
import numpy as np
import pytest
from fresh import run_python

from refconv import Conv2d, conv2d, get_threads, set_threads
from refconv.conv import METHODS
from refconv.jit import PARALLEL_MACS

# Layers of more than PARALLEL_MACS each, for every kernel and for types that have one of their own.
LAYERS = {
    "products float32": (
        "float32",
        (3, 8, 13, 17),
        (40, 4, 3, 3),
        {"groups": 2, "padding": "same"},
    ),
    "products float64": ("float64", (3, 12, 15, 14), (36, 12, 3, 2), {"stride": (1, 2)}),
    "planes float32": ("float32", (2, 24, 40, 31), (48, 1, 3, 5), {"groups": 24, "padding": 1}),
    "planes float64": ("float64", (2, 20, 37, 30), (40, 1, 5, 4), {"groups": 20, "dilation": 2}),
    "bfloat16": (ml_dtypes.bfloat16, (2, 16, 18, 13), (20, 16, 3, 3), {"padding": (1, 0)}),
    "complex64": ("complex64", (2, 9, 18, 15), (21, 9, 3, 3), {"padding": 1}),
    "int8": ("int8", (3, 8, 21, 15), (24, 8, 3, 3), {"padding": 1, "pad_value": 3}),
}
each_layer = pytest.mark.parametrize("layer", LAYERS)
SMALL = {
    "float32": ("float32", (2, 4, 6, 7), (6, 2, 3, 2), {"groups": 2, "padding": ((1, 0), (0, 2))}),
    "int16": ("int16", (2, 4, 6, 7), (6, 2, 3, 2), {"groups": 2, "stride": (2, 1)}),
    "no copy needed": ("float64", (1, 3, 5, 4), (5, 3, 1, 1), {}),
}


@pytest.fixture(autouse=True)
def restored_threads():
    before = get_threads()
    yield
    set_threads(before)


def arguments_of(layer, seed=0):
    """(x, weight, bias), options: of real numbers, whose sums round differently in each order."""
    dtype, x_shape, weight_shape, options = {**LAYERS, **SMALL}[layer]
    rng = np.random.default_rng(seed)
    shapes = (x_shape, weight_shape, weight_shape[:1])
    arrays = [(30 * rng.standard_normal(shape)).astype(dtype) for shape in shapes]
    return arrays, options


def answer(layer, seed=0, **more):
    arrays, options = arguments_of(layer, seed)
    return conv2d(*arrays, **{**options, **more})


def same_bits(a, b):
    return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()


@each_layer
def test_the_layers_are_worth_several_threads(layer):
    _, _, (_, Cg, KH, KW), _ = LAYERS[layer]
    assert answer(layer).size * Cg * KH * KW > PARALLEL_MACS


# --- inputs -------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("layer", SMALL)
def test_inputs_are_not_written_to(layer, method):
    arrays, options = arguments_of(layer)
    copies = [array.copy() for array in arrays]
    conv2d(*arrays, **options, method=method)
    assert all(map(same_bits, arrays, copies))


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("layer", SMALL)
def test_inputs_may_be_read_only(layer, method):
    arrays, options = arguments_of(layer)
    for array in arrays:
        array.flags.writeable = False
    y = conv2d(*arrays, **options, method=method)
    assert same_bits(y, answer(layer, method=method))
    assert y.flags.writeable


@pytest.mark.parametrize("method", METHODS)
def test_y_is_an_array_of_its_own(method):
    """Even where it could be x itself: a kernel of one, of weight 1."""
    x = np.arange(6, dtype=np.float32).reshape(1, 1, 2, 3)
    y = conv2d(x, np.ones((1, 1, 1, 1), np.float32), method=method)
    assert same_bits(y, x)
    assert not np.shares_memory(y, x)


@pytest.mark.parametrize("method", METHODS)
def test_x_and_weight_may_be_one_array(method):
    x = np.arange(6.0).reshape(1, 1, 2, 3)
    assert conv2d(x, x, method=method).item() == (x**2).sum()


# --- calls before and beside --------------------------------------------------------------------


@each_layer
def test_threads_do_not_change_a_bit(layer):
    answers = []
    for threads in (1, 2, 3, 8):
        set_threads(threads)
        answers += [answer(layer) for _ in range(4)]
    assert all(same_bits(y, answers[0]) for y in answers)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("layer", SMALL)
def test_calls_between_do_not_change_a_bit(layer, method):
    first = answer(layer, method=method)
    kept = first.copy()
    for other in SMALL:
        answer(other, seed=1, method=method)
    assert same_bits(first, kept)
    assert same_bits(answer(layer, method=method), kept)


@each_layer
@pytest.mark.parametrize("method", ["jit", "jit-loops", "im2col"])
def test_the_rest_of_the_batch_does_not_change_a_bit(layer, method):
    (x, weight, bias), options = arguments_of(layer)
    together = conv2d(x, weight, bias, **options, method=method)
    for n in range(len(x)):
        alone = conv2d(x[n : n + 1], weight, bias, **options, method=method)
        assert same_bits(alone, together[n : n + 1])


def test_a_layer_keeps_its_weights_and_not_its_images():
    (x, weight, bias), options = arguments_of("float32")
    layer = Conv2d(weight, bias, **options)
    first, other = layer(x), layer(-x)
    weight[...], bias[...] = 0, 0
    assert same_bits(layer(x), first)
    assert not np.shares_memory(first, other)
    assert same_bits(first, answer("float32"))


def test_two_threads_at_once_get_their_own_answers():
    set_threads(2)
    seeds = range(6)
    expected = {(layer, seed): answer(layer, seed) for layer in LAYERS for seed in seeds}

    def wrong_answers(first):
        calls = sorted(expected, key=lambda call: (call[1] + first) % len(seeds)) * 5
        return [call for call in calls if not same_bits(answer(*call), expected[call])]

    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(wrong_answers, (0, 3))) == [[], []]


# --- processes and environments -----------------------------------------------------------------

# What a fresh interpreter computes on two threads, and what it must be. There is no matrix product
# of NumPy's in it: OpenBLAS deadlocks where a process forks during one.
WORK = dedent(
    """
    import os, sys, threading
    import numpy as np, refconv
    refconv.set_threads(2)
    rng = np.random.default_rng(0)
    x = rng.integers(-9, 10, (2, 24, 21, 17)).astype("float32")
    weight = rng.integers(-9, 10, (48, 24, 3, 3)).astype("float32")

    expected = refconv.conv2d(x, weight, method="jit-loops")

    def right():
        return (refconv.conv2d(x, weight) == expected).all()
    """
)
needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
needs_affinity = pytest.mark.skipif(
    not hasattr(os, "sched_setaffinity"), reason="this system has no CPU affinity"
)
# Python warns that a fork of a process with threads may deadlock: that it does not is tested here.
FORK_WARNING = ("-W", "ignore:This process:DeprecationWarning")


@needs_fork
def test_a_forked_child_convolves():
    code = """
    assert right()
    for _ in range(10):
        child = os.fork()
        if child == 0:
            os._exit(0 if right() else 1)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        assert right()
    print("done")
    """
    assert run_python(WORK + dedent(code), *FORK_WARNING) == "done\n"


@needs_fork
def test_a_child_forked_during_a_call_convolves():
    """Once all is compiled: Numba holds a lock while it compiles, which a child would wait for."""
    code = """
    import time
    assert right()
    time.sleep(0.05)  # the helper falls asleep: what wakes it is compiled at the next call
    assert right()
    over = threading.Event()

    def convolve():
        while not over.is_set():
            assert right()

    thread = threading.Thread(target=convolve, daemon=True)
    thread.start()
    for _ in range(20):
        child = os.fork()
        if child == 0:
            os._exit(0 if right() else 1)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    over.set()
    thread.join()
    print("done")
    """
    assert run_python(WORK + dedent(code), *FORK_WARNING) == "done\n"


def test_a_first_call_leaves_nothing_of_the_crew_to_compile():
    """Or a child that is forked meanwhile would wait for the compiler's lock for ever."""
    code = """
    assert right()
    from refconv.jit import crew
    print([f.__name__ for f in (crew.here, crew.watch, crew.abandon) if not f.signatures])
    """
    assert run_python(WORK + dedent(code)) == "[]\n"


@needs_fork
def test_a_forked_child_has_helpers_of_its_own():
    """Those of its parent are not in it, and the lock may have been held by one that is not."""
    code = """
    from refconv.jit import crew
    assert right()
    with crew._lock:
        child = os.fork()
    if child == 0:
        assert [thread.name for thread in threading.enumerate()] == ["MainThread"]
        assert right()
        os._exit(0 if "refconv-1" in [thread.name for thread in threading.enumerate()] else 1)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
    """
    assert run_python(WORK + dedent(code), *FORK_WARNING) == "0\n"


@needs_fork
def test_a_pool_of_forked_processes_convolves():
    code = """
    import multiprocessing
    assert right()
    with multiprocessing.get_context("fork").Pool(2) as pool:
        print([bool(ok) for ok in pool.starmap(right, [()] * 8)])
    """
    assert run_python(WORK + dedent(code), *FORK_WARNING) == f"{[True] * 8}\n"


def test_concurrent_calls_under_numbas_workqueue():
    """Numba's own threads abort there on concurrent calls; ours are not Numba's."""
    code = """
    from concurrent.futures import ThreadPoolExecutor
    with ThreadPoolExecutor(3) as pool:
        print(all(pool.map(lambda _: right(), range(60))))
    """
    assert run_python(WORK + dedent(code), NUMBA_THREADING_LAYER="workqueue") == "True\n"


@needs_affinity
def test_threads_are_as_many_as_the_cpus_that_are_allowed():
    code = """
    import os, refconv
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    print(refconv.get_threads())
    """
    assert run_python(code) == "1\n"


@needs_affinity
def test_a_call_leaves_the_affinity_of_its_thread():
    code = """
    import time
    before = os.sched_getaffinity(0)
    for _ in range(5):
        assert right()
        time.sleep(0.01)  # the helper falls asleep, and is woken
    print(os.sched_getaffinity(0) == before)
    """
    assert run_python(WORK + dedent(code)) == "True\n"


# --- how many threads ---------------------------------------------------------------------------


def test_the_environment_says_how_many_threads():
    code = "import refconv; print(refconv.get_threads())"
    assert run_python(code, REFCONV_THREADS="3") == "3\n"
    assert run_python(code, REFCONV_THREADS=" 5 ") == "5\n"


def test_set_threads_outdoes_the_environment():
    code = "import refconv; refconv.set_threads(2); print(refconv.get_threads())"
    assert run_python(code, REFCONV_THREADS="3") == "2\n"
    assert run_python(code, REFCONV_THREADS="none") == "2\n"


@pytest.mark.parametrize("text", ["0", "-1", "1.5", "two", ""])
def test_a_bad_environment_is_refused(text):
    code = """
    import refconv
    try:
        refconv.get_threads()
    except ValueError as error:
        print(error)
    """
    message = f"REFCONV_THREADS is {text!r}, but must be a positive integer\n"
    assert run_python(code, REFCONV_THREADS=text) == message


def test_set_threads_takes_positive_integers():
    for threads in (1, 7, np.int64(4)):
        set_threads(threads)
        assert get_threads() == threads
        assert type(get_threads()) is int


@pytest.mark.parametrize(
    ("n", "error", "match"),
    [
        (0, ValueError, "n is 0, but must be at least 1"),
        (-2, ValueError, "n is -2, but must be at least 1"),
        (1.0, TypeError, "n is 1.0, but must be an integer"),
        (True, TypeError, "n is True, but must be an integer"),
        ("2", TypeError, "n is '2', but must be an integer"),
        (None, TypeError, "n is None, but must be an integer"),
    ],
)
def test_set_threads_refuses(n, error, match):
    before = get_threads()
    with pytest.raises(error, match=match):
        set_threads(n)
    assert get_threads() == before


def test_a_read_only_bias_is_no_reason_to_compile_again():
    code = """
    import numpy as np, refconv
    from refconv.jit import products, plain, planes
    x, weight, bias = np.ones((1, 9, 4, 5), "f4"), np.ones((9, 9, 2, 3), "f4"), np.ones(9, "f4")
    for writeable in (True, False):
        bias.flags.writeable = writeable
        refconv.conv2d(x, weight, bias)
        refconv.depthwise_conv2d(x, weight[:, :1], bias)
        refconv.conv2d(x.astype("c8"), weight.astype("c8"), bias.astype("c8"))
    kernels = (products.convolve_products, planes.convolve_planes, plain.convolve_rows)
    print([len(kernel.signatures) for kernel in kernels])
    """
    assert run_python(code) == "[1, 1, 1]\n"


def test_without_a_place_for_compiled_code_it_is_compiled_anew(monkeypatch):
    import numba

    from refconv.jit.cached import compiled

    real = numba.njit

    def without_cache(*signature, cache=False, **options):
        if cache:
            raise RuntimeError("cannot cache function 'twice': no locator available")
        return real(*signature, **options)

    monkeypatch.setattr(numba, "njit", without_cache)
    twice = compiled("int64(int64)")(lambda n: 2 * n)
    assert twice(21) == 42
