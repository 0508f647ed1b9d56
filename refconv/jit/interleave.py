"""Phases of a stride put together again: each is every so many cells of the whole."""

from __future__ import annotations

from typing import Any

import numpy as np

from refconv.jit.cached import compiled
from refconv.jit.crew import claim, finish, share
from refconv.threads import get_threads

Array = np.ndarray[Any, Any]

PARALLEL_CELLS = 100_000
"""Below this a second thread comes too late to help."""


def interleave(parts: list[Array], whole: Array, stride: tuple[int, int]) -> None:
    """Fill `whole` (N, C, H, W): part i*sw + j holds the rows i, i + sh, ... and columns j, ...

    Where the stride is longer than an axis, there are as many phases as cells.
    """
    N, C, H, W = whole.shape
    sh, sw = min(stride[0], H), min(stride[1], W)
    planes = whole.reshape(N * C, H, W)
    threads = get_threads() if whole.size >= PARALLEL_CELLS else 1
    for i in range(sh):
        for j in range(0, sw, 2 if sw == 2 else 1):
            first, second = (_planes(parts[i * sw + k]) for k in (j, min(j + 1, sw - 1)))
            share(put_rows, (first, second, planes, i, sh, j, sw), N * C, threads)


def _planes(part: Array) -> Array:
    N, C, H, W = part.shape
    return part.reshape(N * C, H, W)


@compiled(nogil=True)
def put_rows(board, signal, me, first, second, whole, top, down, column, step):
    """Put one phase into each of its rows, or both of two, task by task: a channel.

    `whole` is contiguous, and not cut to those rows: LLVM must know that their cells are neighbours
    to write several at once.
    """
    _, H, W = whole.shape
    done = 0
    task = claim(board, signal, me)
    while task >= 0:
        for h in range((H - top + down - 1) // down):
            row, a, b = whole[task, top + h * down], first[task, h], second[task, h]
            if step == 2:  # told apart so that LLVM writes both side by side
                for w in range(W // 2):
                    row[2 * w] = a[w]
                    row[2 * w + 1] = b[w]
                if W % 2:
                    row[W - 1] = a[W // 2]
            else:
                for w in range(len(a)):
                    row[column + w * step] = a[w]
        done += 1
        task = claim(board, signal, me)
    finish(board, signal, me, done)
