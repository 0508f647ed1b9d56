"""The crew: every task is done once, whoever does it, whatever goes wrong, however many call."""

import time
from concurrent.futures import ThreadPoolExecutor

import numba
import numpy as np
import pytest
from fresh import run_python

from refconv.jit.atomics import fetch_add, read
from refconv.jit.crew import CALLER, DONE, claim, finish, rest, share

PATIENCE = 200_000
"""Looks before a task gives up waiting for company: some milliseconds."""

ATTEMPTS = 200
"""Calls in which helpers have to join at least once. A call never waits for them to come, and on a
busy machine they may be late."""


@numba.njit(nogil=True)
def mark(board, signal, me, marks, workers):
    """A kernel whose tasks count how often each was done, and by whom."""
    done = 0
    task = claim(board, signal, me)
    while task >= 0:
        fetch_add(marks, task, 1)
        fetch_add(workers, me, 1)
        done += 1
        task = claim(board, signal, me)
    finish(board, signal, me, done)


@numba.njit(nogil=True)
def meet(board, signal, me, met, arrived, company):
    """A kernel whose tasks wait for `company` to have arrived; each adds 1, and 1 if they came."""
    done = 0
    task = claim(board, signal, me)
    while task >= 0:
        fetch_add(arrived, 0, 1)
        look = 0
        while read(arrived, 0) < company and look < PATIENCE:
            rest(look)
            look += 1
        met[task] += 1 + (read(arrived, 0) >= company)
        done += 1
        task = claim(board, signal, me)
    finish(board, signal, me, done)


@numba.njit(nogil=True)
def take_one(board, signal, me):
    """A kernel that does nothing but its first task, and so brings the helpers in."""
    claim(board, signal, me)
    fetch_add(board, DONE, 1)


def marks_of(tasks, threads):
    """How often each task was done, and how many tasks each thread did."""
    marks, workers = np.zeros(tasks, np.int64), np.zeros(threads, np.int64)
    share(mark, (marks, workers), tasks, threads)
    return marks, workers


def all_meet(threads):
    """Whether so many threads ever work at the same time."""
    return any(met_once(threads).min() == 2 for _ in range(ATTEMPTS))


def met_once(threads):
    """For each of as many tasks: 1 where it was done, 2 where all others were there meanwhile."""
    met, arrived = np.zeros(threads, np.int64), np.zeros(1, np.int64)
    share(meet, (met, arrived, threads), threads, threads)
    assert met.min() > 0
    return met


@pytest.mark.parametrize("tasks", [0, 1, 2, 7, 1000])
@pytest.mark.parametrize("threads", [1, 2, 3, 8])
def test_each_task_is_done_once(tasks, threads):
    for _ in range(20):
        marks, workers = marks_of(tasks, threads)
        assert (marks == 1).all()
        assert workers.sum() == tasks


@pytest.mark.parametrize("threads", [2, 3])
def test_tasks_too_short_for_taking_turns_are_done_once(threads):
    """Long enough for all to join, and to take from each other's shares at the same time."""
    joined = 0
    for _ in range(20):
        marks, workers = marks_of(300_000, threads)
        assert (marks == 1).all()
        joined += workers[1:].any()
    assert joined


@pytest.mark.parametrize("threads", [2, 3, 5])
def test_so_many_threads_work_together(threads):
    assert all_meet(threads)


def test_helpers_come_back_from_sleep():
    assert all_meet(3)
    time.sleep(0.05)  # a hundred times as long as a helper watches
    assert all_meet(3)


def test_concurrent_calls_do_all_their_tasks():
    def calls(_):
        return [marks_of(tasks=101, threads=3) for _ in range(200)]

    with ThreadPoolExecutor(4) as pool:
        results = [result for results in pool.map(calls, range(4)) for result in results]
    assert len(results) == 800
    for marks, workers in results:
        assert (marks == 1).all()
        assert workers.sum() == 101


@pytest.mark.parametrize("threads", [1, 2, 4])
@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_an_exception_in_the_callers_job_leaves_the_crew_usable(threads, error):
    for _ in range(20):
        marks, workers = np.zeros(300, np.int64), np.zeros(threads, np.int64)

        def job(board, signal, me, marks=marks, workers=workers):
            if me == CALLER:
                raise error("before any task")
            mark(board, signal, me, marks, workers)

        with pytest.raises(error, match="before any task"):
            share(job, (), 300, threads)
        at_return = marks.copy()
        assert (marks_of(300, threads)[0] == 1).all()
        np.testing.assert_array_equal(marks, at_return)  # nobody works on for a call that is over
    assert all_meet(threads)


def test_an_exception_while_helpers_work_waits_for_them():
    """They take no more tasks, and are done with theirs: the arrays are the caller's again."""
    marks, arrived, never = np.zeros(100, np.int64), np.zeros(1, np.int64), 1000
    share(take_one, (), tasks=1, threads=1)  # compiled now: helpers do not wait for that

    def job(board, signal, me):
        if me != CALLER:
            meet(board, signal, me, marks, arrived, never)
            return
        take_one(board, signal, me)
        for _ in range(ATTEMPTS):
            time.sleep(0.001)  # without the interpreter's lock
            if arrived[0]:
                raise ValueError("in the middle")

    with pytest.raises(ValueError, match="in the middle"):
        share(job, (), 100, 3)
    at_return = marks.copy()
    time.sleep(0.05)
    np.testing.assert_array_equal(marks, at_return)
    assert 0 < marks.sum() < 100
    assert all_meet(3)


def test_an_exception_after_the_tasks_is_the_callers_too():
    marks, workers = np.zeros(300, np.int64), np.zeros(3, np.int64)

    def job(board, signal, me):
        mark(board, signal, me, marks, workers)
        if me == CALLER:
            raise ValueError("after the tasks")

    with pytest.raises(ValueError, match="after the tasks"):
        share(job, (), 300, 3)
    assert (marks == 1).all()
    assert all_meet(3)


def test_a_helper_without_memory_leaves_its_tasks_to_the_others():
    failed = []

    def job(board, signal, me):
        if me != CALLER:
            failed.append(me)
            raise MemoryError
        never = len(marks) + 1  # each task waits in vain, which leaves a helper time to come
        meet(board, signal, me, marks, np.zeros(1, np.int64), never)

    for _ in range(ATTEMPTS):
        marks = np.zeros(3, np.int64)
        share(job, (), 3, 2)
        assert (marks == 1).all()
        if len(failed) == 10:
            break
    assert set(failed) == {1}
    assert all_meet(2)


def test_more_threads_make_a_larger_crew_and_fewer_keep_it():
    report = run_python(
        """
        import threading, time
        import numpy as np, refconv

        def helpers():
            return sum(thread.name.startswith("refconv-") for thread in threading.enumerate())

        x, weight = np.ones((4, 32, 24, 20), np.float32), np.ones((48, 32, 3, 3), np.float32)
        for threads, expected in ((1, 0), (2, 1), (5, 4), (3, 4)):
            refconv.set_threads(threads)
            assert (refconv.conv2d(x, weight) == 32 * 9).all()
            time.sleep(0.2)  # the helpers fall asleep
            for _ in range(100):  # those of an outgrown crew end, sooner or later
                if helpers() != expected:
                    time.sleep(0.1)
            print(helpers())
        """
    )
    assert report.split() == ["0", "1", "4", "4"]


def test_an_idle_crew_sleeps():
    report = run_python(
        """
        import time
        import numpy as np, refconv
        refconv.set_threads(4)
        x, weight = np.ones((4, 32, 24, 20), np.float32), np.ones((48, 32, 3, 3), np.float32)
        refconv.conv2d(x, weight)
        time.sleep(0.1)
        start = time.process_time()
        time.sleep(0.5)
        print(time.process_time() - start)
        """
    )
    assert float(report) < 0.05


def test_a_call_that_is_over_keeps_no_arrays():
    report = run_python(
        """
        import gc, weakref
        import numpy as np, refconv
        refconv.set_threads(3)
        x, weight = np.ones((4, 32, 24, 20), np.float32), np.ones((48, 32, 3, 3), np.float32)
        kept = [weakref.ref(x), weakref.ref(weight), weakref.ref(refconv.conv2d(x, weight))]
        del x, weight
        gc.collect()
        print([ref() is None for ref in kept])
        """
    )
    assert report.strip() == "[True, True, True]"
