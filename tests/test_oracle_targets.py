"""Targets by name: what each asks of its library; and, in a process of their own, what becomes of
those that misbehave.
"""

import contextlib
import os
import re
import sys
import time
from importlib import import_module
from io import FileIO
from pathlib import Path

import ml_dtypes
import numpy as np
import pytest
from fresh import run_python
from hypothesis import given, settings
from strategies import cases, geometries

from refconv.oracle import Case
from refconv.oracle.check import verdict_of
from refconv.oracle.targets import wire
from refconv.oracle.targets.adapters import ADAPTERS, RefusedError, TargetError, adapter
from refconv.oracle.targets.named import resolve
from refconv.oracle.targets.outcome import CRASHED, RAISED, RETURNED
from refconv.oracle.targets.worker import Worker

MISBEHAVING = str(Path(__file__).with_name("misbehaving.py"))

GROUPED = "g2mb2ic4ih5iw6oc6kh3kw2ph1pw0"
PLAIN = "ic2ih5iw7oc3kh3kw2"


def target(name):
    """The function of this target, where its library is installed."""
    module = ADAPTERS[re.split("[/:]", name)[0]].library
    pytest.importorskip(module, reason=f"{module} is not installed: see extra 'peers'")
    return resolve(name).call


def asked(call, case):
    """What a target answers to a case, the oracle's or the tests'."""
    g = case.geometry
    options = {
        "stride": g.stride, "padding": g.padding, "dilation": g.dilation, "groups": g.G
    }  # fmt: skip
    return np.asarray(call(case.x.copy(), case.weight.copy(), case.bias, **options))


# --- what is asked of libraries -------------------------------------------------------------------

OWN = [name for name in ADAPTERS if name.startswith("refconv.")]

ANSWERS = {
    "float32": [
        "torch", "torch/channels_last", "torch:no-onednn", "torch/device=cpu/threads=1",
        "onnxruntime", "onnxruntime/no-optimization/threads=1", "onnx-reference",
        "jax", "jax/precision=highest", "scipy", *OWN,
    ],
    "float64": ["torch", "onnx-reference", "jax", "scipy"],
    "float16": ["torch", "onnxruntime", "onnx-reference"],
    "bfloat16": ["torch", "onnx-reference"],
    "complex64": ["torch", "jax", "scipy"],
    "int8": ["onnxruntime", "onnx-reference", "jax/widen"],
    "int64": ["torch", "jax", "scipy"],
}  # fmt: skip


@pytest.mark.parametrize(
    ("name", "dtype"), [(name, dtype) for dtype, names in ANSWERS.items() for name in names]
)
def test_whole_numbers_are_equal(name, dtype):
    """Pads that differ at both ends, strides, dilation and groups among them; and in their type."""
    call = target(name)

    @settings(max_examples=15)
    @given(cases(geometries(max_images=2, max_room=5), dtypes=(dtype,), bound=2))
    def answers(case):
        np.testing.assert_array_equal(asked(call, case), case.run(), strict=True)

    answers()


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16", "bfloat16", "int8"])
def test_openvinos_whole_numbers_are_equal(dtype):
    """In a process of its own, and not on drawn cases: version 2026.4.1 crashes the interpreter for
    images of one column, where a window lies in the pads altogether.
    """
    pytest.importorskip("openvino", reason="openvino is not installed: pip install openvino")
    with contextlib.closing(Worker("openvino/accurate")) as runner:
        for descriptor in (GROUPED, PLAIN, "g3mb2ic6ih10iw13oc12oh3ow8kh3kw2sh3sw2dh1dw0ph2pw0"):
            case = Case.from_descriptor(descriptor, dtype=dtype, bound=2)
            y = runner.run(case).value
            np.testing.assert_array_equal(y, asked(target("refconv.loops"), case), strict=True)


@pytest.mark.parametrize("name", ["torch", "jax", "scipy"])
def test_no_type_is_made_wider_for_a_library(name):
    """It sums int8 in int8: that it wraps around is for the oracle to find."""
    case = Case.from_descriptor(PLAIN, dtype="int8", bound=100, bias=False)
    y = asked(target(name), case)
    assert y.dtype == np.int8
    np.testing.assert_array_equal(y, asked(target("refconv.loops"), case).astype(np.int8))


@pytest.mark.parametrize(
    ("name", "given", "message"),
    [
        ("jax", {"dtype": "float16"}, "jax has no bias in its convolution, and a float16"),
        ("jax", {"dtype": "bfloat16"}, "a bfloat16 that is added afterwards would be rounded"),
        ("onnx-reference", {"dtype": "int32"}, "^onnx has no convolution of int32 with int32: its"),
        ("onnxruntime", {"dtype": "complex64"}, "^onnx has no convolution of complex64 with"),
        ("scipy/fft", {"dtype": "float16"}, "scipy has no bias in its convolution"),
        ("scipy", {"descriptor": f"mb0{PLAIN}"}, "one of them is empty"),
    ],
)
def test_what_cannot_be_asked_is_refused(name, given, message):
    case = Case.from_descriptor(**{"descriptor": PLAIN} | given)
    with pytest.raises(RefusedError, match=message):
        asked(target(name), case)


def test_scipy_is_not_asked_about_holes_over_infinity():
    call = target("scipy")
    dense = Case.from_descriptor(PLAIN)
    x = dense.x.copy()
    x[0, 0, 2, 2] = np.inf
    assert np.isinf(asked(call, Case(x, dense.weight))).any()
    with pytest.raises(RefusedError, match="scipy has no dilation, and the holes"):
        asked(call, Case(x, dense.weight, dilation=(1, 2)))


def test_what_a_library_does_not_run_it_refuses_itself():
    case = Case.from_descriptor(PLAIN, dtype="float64")
    with pytest.raises(Exception, match="NOT_IMPLEMENTED"):
        asked(target("onnxruntime"), case)


def test_torchs_options_reach_torch(monkeypatch):
    torch = pytest.importorskip("torch", reason="torch is not installed: see extra 'peers'")
    seen = []

    def conv2d(x, weight, *rest):
        last = x.is_contiguous(memory_format=torch.channels_last)
        seen.append((last, torch.backends.mkldnn.enabled, torch.backends.cudnn.allow_tf32))
        return real(x, weight, *rest)

    real = torch.nn.functional.conv2d
    monkeypatch.setattr(torch.nn.functional, "conv2d", conv2d)
    case = Case.from_descriptor(PLAIN)
    usual = torch.backends.mkldnn.enabled, torch.backends.cudnn.allow_tf32
    for name in ("torch", "torch/channels_last", "torch/no-onednn:no-tf32"):
        asked(resolve(name).call, case)
    assert seen == [(False, *usual), (True, *usual), (False, False, False)]
    assert (torch.backends.mkldnn.enabled, torch.backends.cudnn.allow_tf32) == usual


def test_jax_is_left_with_the_types_that_it_had():
    jax = pytest.importorskip("jax", reason="jax is not installed: see extra 'peers'")
    asked(resolve("jax").call, Case.from_descriptor(PLAIN, dtype="float64"))
    assert not jax.config.jax_enable_x64


# --- names ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("nothing", r"^'nothing' is no target: it must be one of torch, .*, module:callable or "),
        ("", "^'' is no target"),
        ("module:", "^'module:' is no target"),
        (":callable", "^':callable' is no target"),
        ("nowhere.at_all:f", r"^there is no module 'nowhere'$"),
        ("numpy.nowhere:f", r"^there is no module 'numpy.nowhere'$"),
        ("numpy:nothing", r"^numpy has no 'nothing'$"),
        ("numpy:linalg.nothing", r"^numpy has no 'linalg.nothing'$"),
        ("numpy:pi", r"^pi of numpy is float, but must be callable$"),
        ("no/file.py:f", r"^there is no file 'no/file.py'$"),
        (f"{MISBEHAVING}:nothing", "misbehaving.py has no 'nothing'$"),
        ("refconv.jit/fast", r"^refconv.jit has no option 'fast', but none$"),
        ("scipy/slow", r"^scipy has no option 'slow', but fft$"),
        ("torch/device", r"^torch has no option 'device', but .*device=\.\.\., threads=\.\.\.$"),
        ("torch/device=", "^torch has no option 'device=', but"),
        ("torch/no-onednn=1", "^torch has no option 'no-onednn=1', but"),
        ("torch/threads=0", r"^threads is '0', but must be a positive integer$"),
        ("onnxruntime/threads=two", r"^threads is 'two', but must be a positive integer$"),
    ],
)
def test_a_name_that_leads_nowhere(name, message):
    with pytest.raises(TargetError, match=message):
        resolve(name)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("torch/device=nonsense", r"^torch cannot use device 'nonsense': "),
        ("onnxruntime/provider=No", r"^onnxruntime has no provider 'No' here, but .*CPUExec"),
        ("openvino/device=No", r"^openvino cannot use device 'No': "),
    ],
)
def test_a_device_that_is_not_there(name, message):
    with pytest.raises(TargetError, match=message) as caught:
        target(name)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("def f(:", "cannot be imported: SyntaxError: "),
        ("import nowhere_at_all", "cannot be imported: No module named 'nowhere_at_all'$"),
        ("raise SystemExit(2)", "cannot be imported: SystemExit: 2$"),
        ("raise ValueError('a\\nb')", "cannot be imported: ValueError: a b$"),
        ("import os; os._exit(7)", "cannot be started: it ended the process: exit status 7$"),
        (
            "import os, sys; print('a word', file=sys.stderr); os.abort()",
            r"cannot be started: it was killed by SIGABRT \(a word\)$",
        ),
    ],
)
def test_a_file_that_cannot_be_imported(tmp_path, code, message):
    file = tmp_path / "broken.py"
    file.write_text(code)
    with pytest.raises(TargetError, match=message):
        Worker(f"{file}:f")


def test_a_library_that_is_missing_or_broken(monkeypatch):
    for error, message in (
        (ModuleNotFoundError(name="scipy"), r"^scipy is not installed: pip install scipy, or all"),
        (ModuleNotFoundError("no x", name="x"), r"^scipy\.signal cannot be imported: no x$"),
        (OSError("a.so:\n gone"), r"^scipy\.signal cannot be imported: OSError: a.so: gone$"),
    ):

        def missing(name, error=error):
            raise error

        monkeypatch.setattr(adapter, "import_module", missing)
        with pytest.raises(TargetError, match=message):
            resolve("scipy")


def test_a_name_is_shown_with_the_version_of_its_library(tmp_path):
    assert (
        resolve("refconv.im2col").name == f"refconv.im2col {import_module('refconv').__version__}"
    )
    assert resolve("numpy.linalg:norm").name == f"numpy.linalg:norm {np.__version__}"
    scipy = pytest.importorskip("scipy")
    assert resolve("scipy/fft").name == f"scipy/fft {scipy.__version__}"
    assert resolve(f"{MISBEHAVING}:right").name == f"{MISBEHAVING}:right"


def test_a_file_finds_what_lies_beside_it_and_hides_no_module(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "path", [*sys.path])
    (tmp_path / "beside_a_target.py").write_text("class Layer:\n    convolve = staticmethod(len)\n")
    (tmp_path / "json.py").write_text("from beside_a_target import Layer\n")
    before = sys.modules["json"]
    assert resolve(f"{tmp_path}/json.py:Layer.convolve").call is len
    assert sys.modules["json"] is before


# --- misbehaviour ---------------------------------------------------------------------------------

VERDICTS = {
    "right": ("exact", None, ""),
    "a_list": ("exact", None, ""),
    "big_endian": ("exact", None, ""),
    "transposed_in_memory": ("exact", None, ""),
    "prints": ("exact", None, ""),
    "leaves_a_thread": ("exact", None, ""),
    "none": ("wrong", None, "^It returned None instead of an array.$"),
    "ragged": ("wrong", None, "^What it returned is no array: ValueError: "),
    "hostile": ("wrong", None, "^What it returned is no array: ZeroDivisionError: no"),
    "text": ("wrong", None, "^It returned str of type <U7, no numbers.$"),
    "a_dict": ("wrong", None, "^It returned dict of type object, no numbers.$"),
    "objects": ("wrong", None, "^It returned ndarray of type object, no numbers.$"),
    "wrong_shape": ("wrong", "output-cropped", r"^It has shape \(2, 6, 4, 5\), but y has shape"),
    "flat": ("wrong", "output-reshaped", r"^It has shape \(300,\), but y has shape \(2, 6, 5, 5\)"),
    "scalar": ("wrong", None, r"^It has shape \(\), but y has shape \(2, 6, 5, 5\)"),
    "as_int8": ("wrong", "wraps-int8", "^Sums wrap around at 8 bits"),
    "all_nan": ("wrong", "output-unwritten", "^All wrong outputs are nan"),
    "one_nan": ("wrong", None, ""),
    "modifies_x": ("wrong", "input-modified", "^It writes to its input: x. "),
    "modifies_all": ("wrong", "input-modified", "^It writes to its input: x, weight, bias. "),
    "reshapes_bias": ("wrong", "input-modified", "^It writes to its input: bias. "),
    "raises": ("refused", None, "NotImplementedError: no groups here$"),
    "asks": ("refused", None, "EOFError: "),
    "recurses": ("refused", None, "RecursionError: "),
    "unspeakable": ("crashed", None, "its error, or its input afterwards, is unreadable: ZeroDiv"),
    "panics": ("crashed", None, "it raised PanicError, which is no Exception$"),
    "interrupts": ("crashed", None, "it raised KeyboardInterrupt, which is no Exception$"),
    "asks_for_too_much": ("crashed", None, "it needed too much memory: Unable to allocate 1"),
    "exits": ("crashed", None, r"it ended the process: SystemExit\(3\)$"),
    "exits_at_once": ("crashed", None, "it ended the process: exit status 4$"),
    "crashes": ("crashed", None, "it was killed by SIGSEGV$"),
    "aborts": ("crashed", None, "it was killed by SIGABRT$"),
    "killed": ("crashed", None, "it was killed by SIGKILL: out of memory, it may be$"),
    "garbles": ("crashed", None, "it wrote into the pipe of the oracle$"),
    "closes": ("crashed", None, "it closed the pipe of the oracle$"),
    "dies_before_its_child": ("crashed", None, "it ended the process: exit status 5$"),
}  # fmt: skip
"""By the name of a function in `misbehaving.py`: status, diagnosis, and what is said."""

HANGING = ["hangs", "spins", "ignores_signals", "hangs_with_children"]


@pytest.fixture(scope="module")
def case():
    """Whole numbers, whose sums are too large for 8 bits."""
    return Case.from_descriptor(GROUPED, seed=1)


def worker(function, **limits):
    """A worker that is closed at the end of a `with`."""
    return contextlib.closing(Worker(f"{MISBEHAVING}:{function}", **limits))


def judged(runner, case):
    return verdict_of(runner, case, (None, None, "direct"))


@pytest.mark.parametrize("function", VERDICTS)
def test_misbehaviour_is_a_verdict_and_the_run_goes_on(function, case, capfd):
    status, diagnosis, said = VERDICTS[function]
    with worker(function) as runner:
        for _ in range(2):
            verdict = judged(runner, case)
            assert (verdict.status, verdict.diagnosis) == (status, diagnosis)
            assert re.search(said, verdict.explanation), verdict.explanation
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("function", HANGING)
def test_what_hangs_is_ended(function, case, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with worker(function, time_limit=0.7) as runner:
        start = time.monotonic()
        for _ in range(2):
            assert judged(runner, case).explanation.endswith("it took longer than 0.7 s")
    assert time.monotonic() - start < 8
    if (told := Path("child")).exists():
        assert_ends(int(told.read_text()))


def test_what_eats_memory_is_ended(case):
    with worker("eats_memory", memory_limit=1 << 29) as runner:
        verdict = judged(runner, case)
    assert verdict.explanation.endswith("it needed too much memory: more than 0.5 GiB")


def test_the_run_goes_on_after_each():
    with worker("in_turn", time_limit=2) as runner:
        found = []
        for images in (1, 2, 3, 4, 5, 6, 1):
            found.append(judged(runner, Case.from_descriptor(f"mb{images}{PLAIN}")).status)
    crashed = "crashed"
    assert found == ["exact", crashed, crashed, "refused", "wrong", crashed, "exact"]


def test_a_process_is_kept_until_it_crashes(case):
    with worker("tells_its_process") as runner:
        first, second = runner.run(case), runner.run(case)
        assert (first.how, first.text) == (RAISED, second.text)
        pid = int(first.text.removeprefix("RuntimeError: "))
        assert pid != os.getpid()
        runner.close()
        assert_ends(pid)
        assert runner.run(case).text != first.text


def test_a_target_that_is_gone_when_it_is_to_be_started_again(tmp_path, case):
    file = tmp_path / "gone.py"
    file.write_text("import os\ndef f(*_, **options): os._exit(3)")
    with contextlib.closing(Worker(f"{file}:f")) as runner:
        assert runner.run(case).text == "it ended the process: exit status 3"
        file.unlink()
        again = runner.run(case)
    assert again.how == CRASHED
    assert again.text.startswith("it could not be started again: there is no file")


def test_no_process_is_left_behind():
    """Nor what it started: by this process when it ends, or by a worker that is forgotten."""
    told = run_python(f"""
        from refconv.oracle import Case
        from refconv.oracle.targets.worker import Worker
        case = Case.from_descriptor({PLAIN!r})
        left, forgotten = (Worker({f"{MISBEHAVING}:leaves_a_child"!r}) for _ in range(2))
        for worker in (left, forgotten):
            print(worker.run(case).text)
        del worker, forgotten
    """)
    pids = [int(word) for word in told.split() if word.isdecimal()]
    assert len(pids) == 4
    for pid in pids:
        assert_ends(pid)


def assert_ends(pid):
    end = time.monotonic() + 10
    while time.monotonic() < end:
        # One that has ended may wait for whoever started it to take note.
        status = Path(f"/proc/{pid}/stat")
        try:
            if status.read_text().rpartition(")")[2].split()[0] == "Z":
                return
        except (FileNotFoundError, ProcessLookupError):
            return
        time.sleep(0.05)
    pytest.fail(f"process {pid} is still there")


@pytest.mark.parametrize("dtype", ["bfloat16", "float16", "complex128", "uint8", "int64"])
def test_arrays_of_all_types_travel(dtype):
    case = Case.from_descriptor(GROUPED, dtype=dtype)
    with worker("right") as runner:
        outcome = runner.run(case)
    assert outcome.how == RETURNED
    assert outcome.value.dtype == case.types.result
    assert judged(runner, case).is_good


def test_a_target_in_this_directory_or_on_the_path_is_found(tmp_path, monkeypatch, case):
    """As by this process, wherever its own path came from."""
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "on_the_path.py").write_text("from refconv import conv2d\n__version__ = '1.2'\n")
    with contextlib.closing(Worker("on_the_path:conv2d")) as runner:
        assert runner.name == "on_the_path:conv2d 1.2"
        assert judged(runner, case).status == "exact"


# --- the wire -------------------------------------------------------------------------------------


@pytest.fixture
def pipe():
    """Both ends of a pipe, large enough for these tests."""
    source, sink = os.pipe()
    with FileIO(source) as receiver, FileIO(sink, "w") as sender:
        yield receiver, sender


ARRAYS = [
    np.arange(6, dtype=">i2").reshape(2, 3),
    np.arange(6.0).reshape(2, 3).T,
    np.array([0x7FF8000000000123], np.uint64).view(np.float64),
    np.array(5, np.int8),
    np.empty((2, 0, 3), np.complex64),
    np.array([True, False]),
    np.array([1.5, -0.0, np.nan], ml_dtypes.bfloat16),
    np.arange(9.0)[::-2],
]


@pytest.mark.parametrize("array", ARRAYS, ids=lambda array: f"{array.dtype} {array.shape}")
def test_what_is_received_is_what_was_sent(pipe, array):
    receiver, sender = pipe
    header = {"text": "é \ud800 \n"}
    wire.send(sender, header, {"first": array, "second": ARRAYS[0]})
    received, arrays = wire.receive(receiver)
    assert received == header
    assert list(arrays) == ["first", "second"]
    for sent, found in ((array, arrays["first"]), (ARRAYS[0], arrays["second"])):
        assert (found.dtype, found.shape) == (sent.dtype, sent.shape)
        assert found.tobytes() == sent.tobytes()


def test_a_message_that_breaks_off(pipe):
    receiver, sender = pipe
    wire.send(sender, {}, {"x": np.ones(3)})
    whole = receiver.read(4096)
    sender.write(whole[:-1])
    sender.close()
    with pytest.raises(EOFError):
        wire.receive(receiver)


def test_what_is_no_message(pipe):
    receiver, sender = pipe
    sender.write(b"a line of a log, and more\n")
    with pytest.raises(wire.GarbledError, match="found b'a line of a log,' where a message should"):
        wire.receive(receiver)
