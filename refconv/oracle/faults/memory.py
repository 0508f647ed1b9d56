"""Arrays whose memory is read, or written, at other places than it should be.

An offset or a pitch that is wrong does not end at the array's last cell, nor at an image's: memory
goes on. What is behind its end is taken for zeros here.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]


def offset_channels(groups: int, distance: int, count: int) -> Array:
    """The channels of all groups, if each group's begin so far behind those of the one before."""
    channels: Array = (np.arange(groups)[:, None] * distance + np.arange(count)).ravel()
    return channels


def channels_at(a: Array, channels: Array) -> Iterator[Array]:
    """The image with these for its channels: behind its last one memory goes on, there are zeros,
    or they are counted from the start again.
    """
    N, C = a.shape[:2]
    places = np.arange(N)[:, None] * C + channels
    if a.size:
        yield read(a.reshape(N * C, *a.shape[2:]), places)
        yield read(a.reshape(N * C, *a.shape[2:]), np.where(channels < C, places, N * C))
        yield a[:, channels % C]


def rows_at_other_pitch(a: Array) -> Iterator[Array]:
    """The memory of (A, B, rows, columns) read as if a row began so many cells behind the one
    before as there are rows.
    """
    if a.shape[2] != a.shape[3]:
        for places in pitched(a.shape):
            yield read(a.reshape(-1), places)


def pitched(shape: tuple[int, ...]) -> Iterator[Array]:
    """The flat places of cells whose rows are as far apart as there are rows.

    The channels may be as far apart as they should, or as such rows need. What lies behind the
    array is there, or memory starts again; or a channel does.
    """
    A, B, rows, columns = shape
    inside = np.arange(rows)[:, None] * rows + np.arange(columns)
    channel = np.arange(A * B).reshape(A, B, 1, 1)
    yield channel * rows * columns + inside % max(1, rows * columns)
    for distance in (rows * columns, rows * rows):
        yield channel * distance + inside
        yield (channel * distance + inside) % max(1, A * B * rows * columns)


def read(rows: Array, places: Array) -> Array:
    """What is at these places of the first axis; zeros behind its end."""
    is_there = places < len(rows)
    found: Array = rows[np.where(is_there, places, 0)] if len(rows) else np.zeros(places.shape)
    return np.where(is_there.reshape(*places.shape, *(1,) * (rows.ndim - 1)), found, 0)


def written(rows: Array, places: Array, count: int) -> Array:
    """Zeros, and these put one after the other at places of the first axis, as far as it goes."""
    is_there = places < count
    memory = np.zeros((count, *rows.shape[1:]), rows.dtype)
    memory[places[is_there]] = rows[is_there]
    return memory
