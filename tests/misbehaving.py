"""Targets that misbehave, each in one way: for tests of what becomes of a run then.

All but those that never return compute the right answer first, so that nothing else is wrong.
"""

import ctypes
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np

from refconv import conv2d


def right(x, weight, bias, **options):
    return conv2d(x, weight, bias, **options, method="im2col")


# --- what comes back ------------------------------------------------------------------------------


def none(*call, **options):
    return None


def a_list(*call, **options):
    return right(*call, **options).tolist()


def ragged(*call, **options):
    return [[1.0], [2.0, 3.0]]


def text(*call, **options):
    return "no idea"


def a_dict(*call, **options):
    return {"y": right(*call, **options)}


def objects(*call, **options):
    return right(*call, **options).astype(object)


def hostile(*call, **options):
    class Hostile:
        def __array__(self, *arguments, **keywords):
            raise ZeroDivisionError("no array of mine")

    return Hostile()


def wrong_shape(*call, **options):
    return right(*call, **options)[:, :, :-1]


def flat(*call, **options):
    return right(*call, **options).ravel()


def scalar(*call, **options):
    return np.float32(7)


def transposed_in_memory(*call, **options):
    return np.asfortranarray(right(*call, **options))


def big_endian(*call, **options):
    return right(*call, **options).astype(">f4")


def as_float64(*call, **options):
    return right(*call, **options).astype(np.float64)


def as_int8(*call, **options):
    return right(*call, **options).astype(np.int8)


def as_complex(*call, **options):
    return right(*call, **options).astype(np.complex64)


def as_bool(*call, **options):
    return right(*call, **options) > 0


def all_nan(*call, **options):
    return np.full_like(right(*call, **options), np.nan)


def one_nan(*call, **options):
    y = right(*call, **options)
    y[0, 1, 2, 3] = np.nan
    return y


# --- what is raised -------------------------------------------------------------------------------


def raises(*call, **options):
    raise NotImplementedError("no groups\nhere")


def asks(*call, **options):
    return input("which one? ")


def recurses(*call, **options):
    return recurses(*call, **options)


def unspeakable(*call, **options):
    class UnspeakableError(Exception):
        def __str__(self):
            raise ZeroDivisionError

    raise UnspeakableError


class PanicError(BaseException):
    """As the errors of some native libraries: no Exception."""


def panics(*call, **options):
    raise PanicError


def interrupts(*call, **options):
    raise KeyboardInterrupt


def asks_for_too_much(*call, **options):
    return np.empty(1 << 60, np.uint8)


# --- what is written ------------------------------------------------------------------------------


def prints(*call, **options):
    """All that leads nowhere: a file would grow."""
    if not os.path.samestat(os.fstat(2), os.stat(os.devnull)):
        raise RuntimeError("the system's errors are kept somewhere")
    print("to Python's output", flush=True)
    print("to Python's errors", file=sys.stderr)
    os.write(1, b"to the system's output\n" * 10_000)
    os.write(2, b"to the system's errors\n" * 10_000)
    sys.__stdout__.write("to the first output")
    subprocess.run(["echo", "from a program"], check=True)
    return right(*call, **options)


def modifies_x(x, weight, bias, **options):
    y = right(x, weight, bias, **options)
    x[0, 0, 0, 0] += 1
    return y


def modifies_all(x, weight, bias, **options):
    y = right(x, weight, bias, **options)
    for operand in (x, weight, bias):
        operand[:] = 0
    return y


def reshapes_bias(x, weight, bias, **options):
    y = right(x, weight, bias, **options)
    bias.resize((0,), refcheck=False)
    return y


# --- how it ends ----------------------------------------------------------------------------------


def exits(*call, **options):
    sys.exit(3)


def exits_at_once(*call, **options):
    os._exit(4)


def crashes(*call, **options):
    ctypes.string_at(0)


def aborts(*call, **options):
    os.abort()


def killed(*call, **options):
    os.kill(os.getpid(), signal.SIGKILL)


def hangs(*call, **options):
    time.sleep(1000)


def hangs_with_children(*call, **options):
    """Its child holds all its pipes, and is told of in a file."""
    child = subprocess.Popen(["sleep", "1000"], close_fds=False)
    Path("child").write_text(str(child.pid))
    time.sleep(1000)


def dies_before_its_child(*call, **options):
    if os.fork() == 0:
        time.sleep(1000)
    os._exit(5)


def spins(*call, **options):
    while True:
        pass


def ignores_signals(*call, **options):
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    time.sleep(1000)


def eats_memory(*call, **options):
    eaten = []
    while True:
        eaten.append(np.ones(1 << 22))


def leaves_a_thread(*call, **options):
    threading.Thread(target=time.sleep, args=(1000,)).start()
    return right(*call, **options)


def garbles(*call, **options):
    """Writes into every descriptor that it has."""
    for descriptor in range(3, 30):
        try:
            os.write(descriptor, b"a line of a log\n" * 4)
        except OSError:
            continue
    return right(*call, **options)


def closes(*call, **options):
    os.closerange(0, 30)
    time.sleep(1000)


def tells_its_process(*call, **options):
    raise RuntimeError(os.getpid())


def leaves_a_child(*call, **options):
    child = subprocess.Popen(["sleep", "1000"])
    raise RuntimeError(f"{os.getpid()} {child.pid}")


def in_turn(x, *operands, **options):
    """What it does depends on the number of images; one image is no trouble."""
    trouble = {2: crashes, 3: hangs, 4: raises, 5: none, 6: exits_at_once}
    return trouble.get(len(x), right)(x, *operands, **options)
