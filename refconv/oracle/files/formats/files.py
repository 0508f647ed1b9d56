"""Files of a case folder, opened as if somebody hostile had put them there.

Names are plain ones of our own, so none leads out of the folder; links are not followed; and a
file's size is known before anything is read.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import BinaryIO

LARGEST_FILE = 1 << 30
"""Bytes of a file that is read, at most."""


class FolderError(Exception):
    """A case folder that cannot be used; one line: the file, what was found, what was required."""


def shown(folder: Path, name: str = "") -> str:
    """A file's place for a message, in one line whatever its folder is called.

    >>> shown(Path("vectors/003-group"), "x.npy")
    '003-group/x.npy'
    """
    place = "/".join(filter(None, (folder.absolute().name, name)))
    return place if place.isprintable() else ascii(place)


def is_there(folder: Path, name: str) -> bool:
    """Whether there is anything of this name, be it a link that leads nowhere."""
    return os.path.lexists(folder / name)


def opened(folder: Path, name: str, most: int = LARGEST_FILE) -> tuple[BinaryIO, int]:
    """The file, open for reading, and its size in bytes, which is `most` at most."""
    place = shown(folder, name)
    try:
        mode = os.lstat(folder / name).st_mode
        if not stat.S_ISREG(mode):
            raise FolderError(f"{place} is {_kind(mode)}, but must be a regular file")
        file = open(folder / name, "rb")  # noqa: SIM115  # handed on; who asks for it closes it
    except FileNotFoundError:
        raise FolderError(f"{place} is missing, but every case folder must hold it") from None
    except OSError as error:
        raise FolderError(f"{place} cannot be read, but must be: {error.strerror}") from error
    size = os.fstat(file.fileno()).st_size
    if size > most:
        file.close()
        raise FolderError(f"{place} is {size} bytes long, but must be at most {most}")
    return file, size


def _kind(mode: int) -> str:
    if stat.S_ISLNK(mode):
        return "a symbolic link"
    return "a folder" if stat.S_ISDIR(mode) else "no file that holds data"


def write_new(folder: Path, name: str, data: bytes) -> None:
    """Write a file that is not there yet: what is there, or a link, is never written through."""
    try:
        with open(folder / name, "xb") as file:
            file.write(data)
    except FileExistsError:
        raise FolderError(f"{shown(folder, name)} is there already, but must not be") from None
