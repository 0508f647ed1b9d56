"""The crew: threads that help a kernel with its tasks.

A kernel takes its tasks from a board, one by one, so it does not matter which thread does which, or
how many there are: the bits are the same. Each thread has a share of the tasks, so that it finds in
its cache what it left there at the call before; who is done with it takes from the others. The
threads are ours, not Numba's: OpenMP aborts in a forked child, Numba's own `workqueue` aborts on
concurrent calls. Waking a sleeping thread can cost as much as a small layer, so a helper watches
for a moment before it goes to sleep.
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable
from typing import Any

import numpy as np

from refconv.jit.atomics import current_cpu, fetch_add, give_way, pause, read
from refconv.jit.cached import compiled, inner

Array = np.ndarray[Any, Any]
Job = Callable[[Array, Array, int], None]

DONE, TOTAL, NEXT = 0, 1, 16  # a board: tasks done, tasks in all, then each share's next task
APART = 16  # elements between the shares', so that no two are in one cache line
SIGNAL = CALLER = 0  # signal[0] counts starts; signal[h] is 1 while helper h works, h from 1 on

NOBODY = np.zeros(1, np.int64)
"""The signal of a caller without helpers."""

WATCH = 20_000
"""Looks at the signal before going to sleep: some 0.2 to 0.5 ms."""

REJOIN = 2_000
"""Looks at a helper, when all is done, before leaving without seeing it back on watch."""


# --- called from kernels ------------------------------------------------------------------------


@inner
def claim(board, signal, me):
    """The number of a task for this thread, or -1 where none is left.

    The caller's first claim gives the signal. It is given here, and not before the kernel starts,
    so that no helper comes for the interpreter's lock while the caller still holds it.
    """
    shares = len(board) // APART - 1
    for nth in range(shares):
        share = (me + nth) % shares
        task = fetch_add(board, NEXT + share * APART, 1)
        if task < board[TOTAL] * (share + 1) // shares:
            if task == 0:
                fetch_add(signal, SIGNAL, 1)
            return task
    return -1


@inner
def finish(board, signal, me, tasks):
    """Report that this thread has done so many tasks. The caller waits here for all the others.

    It waits in compiled code: a helper that ends meanwhile gets the interpreter's lock at once.
    """
    fetch_add(board, DONE, tasks)
    if me == CALLER:
        wait_for_all(board, signal)


@inner
def wait_for_all(board, signal):
    """Wait until every task is done, and then a little for the helpers to be back on watch."""
    look = 0
    while read(board, DONE) < board[TOTAL]:
        rest(look)
        look += 1
    look = 0
    for helper in range(1, len(signal)):
        while look < REJOIN and read(signal, helper) != 0:
            rest(look)
            look += 1


@inner
def rest(look):
    """Between two looks. Now and then the CPU is offered to whoever else is on it: it may be the
    very thread that is waited for, and the scheduler would let it wait for milliseconds.
    """
    if look % 64 == 63:
        give_way()
    else:
        pause()


# --- called from Python -------------------------------------------------------------------------
# Their types are given, so that they are compiled at import: a process that forks while a helper
# compiles would leave its child waiting for the compiler's lock.


@compiled("int64(int64[::1], int64, int64, int64)", nogil=True)
def watch(signal, me, seen, looks):
    """Wait for another start than `seen`, for a while; the starts counted by then."""
    fetch_add(signal, me, -read(signal, me))
    for look in range(looks):
        if read(signal, SIGNAL) != seen:
            fetch_add(signal, me, 1)
            break
        rest(look)
    return read(signal, SIGNAL)


@compiled("void(int64[::1], int64[::1])", nogil=True)
def abandon(board, signal):
    """Take all tasks that are left and do none of them; wait for those that others have taken."""
    task = claim(board, signal, CALLER)
    while task >= 0:
        fetch_add(board, DONE, 1)
        task = claim(board, signal, CALLER)
    wait_for_all(board, signal)


@compiled("int64()")
def here():
    """The CPU that the caller runs on."""
    return current_cpu()


class Crew:
    """`helpers` threads, for one call at a time."""

    def __init__(self, helpers: int) -> None:
        self.helpers = helpers
        self.in_use = threading.Lock()
        self._signal = np.zeros(1 + helpers, np.int64)
        self._job: Callable[[int], None] = _nothing
        self._wanted = 0
        self._asleep: dict[int, tuple[int, threading.Semaphore]] = {}  # by helper
        self._cpus: set[int] = set()
        self._dismissed = False
        for helper in range(1, helpers + 1):
            thread = threading.Thread(
                target=self._serve, args=(helper,), name=f"refconv-{helper}", daemon=True
            )
            thread.start()

    def run(self, job: Job, board: Array, helpers: int) -> None:
        """Do the board's tasks here and on `helpers` threads; return when all are done."""
        try:
            self._job, self._wanted = (lambda me: job(board, self._signal, me)), helpers
            if self._asleep:
                self._wake(helpers)
            job(board, self._signal, CALLER)
        except BaseException:
            abandon(board, self._signal)
            raise
        finally:
            self._job = _nothing  # it would keep the caller's arrays

    def dismiss(self) -> None:
        """Let the helpers end."""
        self._dismissed = True
        self._wake(self.helpers)

    def _wake(self, helpers: int) -> None:
        """Ring the bells of the first `helpers` sleepers, and keep them off the caller's CPU.

        A scheduler likes to wake a thread beside its waker, which is about to be busy, and may take
        milliseconds to part them.
        """
        self._cpus = os.sched_getaffinity(0) if hasattr(os, "sched_setaffinity") else set()
        for helper in range(1, helpers + 1):
            sleeper = self._asleep.pop(helper, None)
            if sleeper is not None:
                thread, bell = sleeper
                _move(thread, self._cpus - {here()})
                bell.release()

    def _serve(self, helper: int) -> None:
        """A helper's life."""
        bell = threading.Semaphore(0)
        seen = 0
        while not self._dismissed:
            started = watch(self._signal, helper, seen, WATCH)
            if started == seen:
                self._asleep[helper] = (threading.get_native_id(), bell)
                if self._dismissed:  # and nobody will ring
                    return
                bell.acquire()
                _move(threading.get_native_id(), self._cpus)
            elif helper <= self._wanted:
                # A kernel allocates before its first task: without memory, the others do them all.
                with contextlib.suppress(MemoryError):
                    self._job(helper)
            seen = started


def _nothing(me: int) -> None:
    """The job between jobs."""


def _move(thread: int, cpus: set[int]) -> None:
    """Ask the system to run the thread on these CPUs: a hint, which it may refuse."""
    if cpus:
        with contextlib.suppress(OSError):
            os.sched_setaffinity(thread, cpus)


_crew: Crew | None = None
_lock = threading.Lock()


def share(
    kernel: Callable[..., None], arguments: tuple[Any, ...], tasks: int, threads: int
) -> None:
    """Run `kernel(board, signal, me, *arguments)`, of `tasks` tasks, on up to `threads` threads."""
    threads = min(threads, tasks)
    board = np.zeros(NEXT + threads * APART, np.int64)
    board[TOTAL] = tasks
    for nth in range(1, threads):
        board[NEXT + nth * APART] = tasks * nth // threads
    crew = _crew_of(threads - 1) if threads > 1 else None
    if crew is not None and crew.in_use.acquire(blocking=False):
        try:
            crew.run(lambda *me: kernel(*me, *arguments), board, threads - 1)
        finally:
            crew.in_use.release()
    else:
        # One thread; or another call has the crew, and so the CPUs: this one makes do with its own.
        kernel(board, NOBODY, CALLER, *arguments)


def _crew_of(helpers: int) -> Crew:
    """The crew, with at least so many helpers."""
    global _crew
    with _lock:
        if _crew is None or _crew.helpers < helpers:
            outgrown, _crew = _crew, Crew(helpers)
            if outgrown is not None:
                outgrown.dismiss()
        return _crew


def _forget_crew() -> None:
    """In a forked child: the parent's threads are not there, and its lock may be held."""
    global _crew, _lock
    _crew, _lock = None, threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_crew)
