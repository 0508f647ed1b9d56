"""A folder of case folders: a suite in files, written, replaced, and found again.

`suite.json` in it says that it is one: what stands in such a folder was written by us, or by an
implementer as outputs, and a new suite may take its place. Any other folder is left alone.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from refconv.oracle.cases.case import Case
from refconv.oracle.cases.kinds import kinds_of
from refconv.oracle.files import case_folder as case_folder
from refconv.oracle.files.formats import ACTUAL, FILES, FORMATS, description
from refconv.oracle.files.formats.files import FolderError, opened, write_new

NAME = "suite.json"
FORMAT, VERSION = "refconv suite", 1

LONGEST = 1 << 24
"""Bytes of suite.json, at most."""

MARKS = frozenset([description.NAME, *ACTUAL, *FORMATS["npy"].files])
"""A folder that holds any of these is meant as a case folder."""


def names_of(cases: Iterable[Case]) -> list[str]:
    """A name for each case: its number, what it asks for if that is not y, and what kinds it is of;
    ONNX's runner asks for "test_".

    >>> names_of([Case.from_descriptor("ic3ih8iw10oc4kh3kw5sh2", dtype="int8")])
    ['test_000_standard_strided_int8']
    """
    return [
        "_".join(filter(None, ["test", f"{number:03d}", case.of, *kinds_of(case)])).replace(
            "-", "_"
        )
        for number, case in enumerate(cases)
    ]


def write(
    cases: Iterable[Case],
    folder: Path,
    suite: str,
    formats: Iterable[str],
    progress: Callable[[str], None] = lambda text: None,
    of: str | None = None,
) -> dict[str, Any]:
    """Write one folder a case, and suite.json, whose document comes back, with "replaced": whether
    there was an earlier suite. `of` is what all cases ask for, if that is not y.

    Its "not_written" are the cases that a format has no words for, each with why. A case that none
    of the formats can say has no folder.

    Errors: `FolderError` where `folder` holds anything but an earlier suite.
    """
    cases, formats = list(cases), list(formats)
    replaced = clear(folder)
    # The mark first: were this to be interrupted, the next suite could still take its place.
    mark: dict[str, Any] = {"format": FORMAT, "version": VERSION, "suite": suite}
    mark |= ({} if of is None else {"of": of}) | {"formats": formats}
    write_new(folder, NAME, (json.dumps(mark) + "\n").encode())
    written, missing = [], []
    for name, case in zip(names_of(cases), cases, strict=True):
        progress(f"writing {name}")
        reasons = case_folder.write(case, folder / name, formats)
        missing += [{"folder": name, "format": f, "reason": why} for f, why in reasons.items()]
        if (folder / name).exists():
            written.append({"folder": name, "case": repr(case)})
    document = mark | {"cases": written, "not_written": missing}
    (folder / NAME).write_text(json.dumps(document, indent=1) + "\n")
    return document | {"replaced": replaced}


def clear(folder: Path) -> bool:
    """Make the folder, or take an earlier suite out of it; whether there was one.

    Errors: `FolderError` where it holds anything else: then nothing is touched.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if not any(folder.iterdir()):
        return False
    _require_suite(folder)
    files, folders = _contents(folder)
    for path in files:
        path.unlink()
    for path in folders:
        path.rmdir()
    (folder / NAME).unlink()
    return True


def _require_suite(folder: Path) -> None:
    try:
        file, size = opened(folder, NAME, LONGEST)
        with file:
            document = json.loads(file.read(size))
    except (FolderError, ValueError, RecursionError):
        document = None
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise FolderError(
            f"{folder} holds {next(folder.iterdir()).name!r}, but must be empty, or hold an "
            "earlier suite"
        )


def _contents(folder: Path) -> tuple[list[Path], list[Path]]:
    """Files and folders of a suite, the innermost first; an error for what is not one's."""
    files: list[Path] = []
    folders: list[Path] = []
    inner = {Path(name).parent for name in FILES}
    for case in folder.iterdir():
        if case == folder / NAME:
            continue
        for path in [case, *_below(case)]:
            relative = path.relative_to(case)
            if str(relative) in FILES and path.is_file():
                files.append(path)
            elif relative in inner and path.is_dir() and not path.is_symlink():
                folders.append(path)
            else:
                raise FolderError(
                    f"{folder} holds {str(path.relative_to(folder))!r}, which no suite of "
                    "ours has: move it, or give another folder"
                )
    return files, sorted(folders, key=lambda path: -len(path.parts))


def _below(folder: Path) -> list[Path]:
    """What is in a folder, and in the folders in that; links are not followed."""
    if folder.is_symlink() or not folder.is_dir():
        return []
    found = []
    for path in folder.iterdir():
        found.append(path)
        if path.is_dir() and not path.is_symlink():
            found += path.iterdir()
    return found


def case_folders(top: Path) -> Iterator[Path]:
    """Every case folder at or under `top`, in the order of their names.

    Links to folders come too, for they are not followed: who reads them refuses them.
    """
    pending = [top]
    while pending:
        folder = pending.pop()
        if folder != top and folder.is_symlink():
            yield folder
            continue
        with os.scandir(folder) as entries:
            inside = {entry.name: entry.is_dir() for entry in entries}
        if not MARKS.isdisjoint(inside):
            yield folder
        else:
            pending += sorted((folder / n for n, is_dir in inside.items() if is_dir), reverse=True)
