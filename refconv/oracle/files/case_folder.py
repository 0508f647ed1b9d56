"""Case folders: a case in files, for programs of any language, and the outputs that they write.

A folder that is read may come from anywhere, so nothing in it is trusted: each file is held against
`case.json`, sizes are known before memory is asked for, and nothing is unpickled or run. How each
file looks, and is checked, is in `formats/`.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from refconv.dtypes import FLOATS, INTEGERS, refuse_overflow
from refconv.geometry import Geometry
from refconv.oracle.cases.case import Array, Case
from refconv.oracle.cases.gradient_case import GradientCase
from refconv.oracle.files.formats import ACTUAL, FORMATS, description, npy, raw
from refconv.oracle.files.formats.description import Description
from refconv.oracle.files.formats.files import FolderError, is_there, shown
from refconv.oracle.files.formats.vectors import Vectors, restored, stored_type
from refconv.plan import Plan

__all__ = ["FolderError", "has_actual", "read", "read_actual", "write"]

KNOWN = (*FLOATS, "float16", *INTEGERS)
"""Names of types."""

MOST_CELLS = 1 << 28
"""Of the padded image, and of the weight, at most: pads, and what is in no file because a gradient
is not asked of it, cost nothing in case.json, but memory here."""

MOST_MACS = 10**11
"""Multiply-accumulates of a case that is judged, at most: more would take minutes."""


def write(case: Case, folder: Path | str, formats: Iterable[str] = ("npy",)) -> dict[str, str]:
    """Write a case into a folder, which is made where it is missing; else it must be empty.

    case.json and the .npy files are written always, and what `formats` names beside them: raw, c,
    hex, onnx. What comes back are the formats that have no words for this case, each with why; if
    all that were asked for have none, nothing is written.

    >>> import tempfile
    >>> case = Case.from_descriptor("g2ic4ih5iw6oc6kh3kw2", seed=1, dtype="int8")
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write(case, folder, ["raw", "c"])
    ...     read(folder)
    {}
    Case.from_descriptor('g2mb1ic4ih5iw6oc6oh3ow5kh3kw2sh1sw1dh0dw0ph0pw0', seed=1, dtype='int8')

    Errors: `FolderError` for a folder that is not empty; `ValueError` for a format that is none.
    """
    folder, formats = Path(folder), list(formats)
    if unknown := [name for name in formats if name not in FORMATS]:
        raise ValueError(f"format is {unknown[0]!r}, but must be one of {', '.join(FORMATS)}")
    vectors = Vectors.of(case)
    reasons = {name: why for name in formats if (why := FORMATS[name].unfit(vectors))}
    if formats and len(reasons) == len(set(formats)):
        return reasons
    folder.mkdir(parents=True, exist_ok=True)
    if found := next(folder.iterdir(), None):
        raise FolderError(f"{shown(folder)} holds {found.name!r}, but must be empty")
    description.write(vectors, folder)
    for name in dict.fromkeys(["npy", *formats]):
        if name not in reasons:
            FORMATS[name].write(vectors, folder)
    return reasons


def read(folder: Path | str) -> Case:
    """The case in a folder.

    Errors: `FolderError` for one that is not as `write` leaves it: one line that names the file.
    """
    folder = Path(folder)
    said = description.read(folder)
    place = shown(folder, description.NAME)
    try:
        geometry = Geometry.of(
            *said.shapes,
            **{name: said.options[name] for name in ("stride", "padding", "dilation", "groups")},
        )
        _check_size(geometry, _pointwise(said, place), place)
        operands: dict[str, Any] = {name: _array(folder, said, name) for name in said.operands}
        if said.of is None:
            case = Case(**operands, **said.options)
            _check_call(case)
        else:
            pad_value = said.options["pad_value"]
            case = GradientCase.from_operands(said.of, geometry, operands, pad_value)
    except (ValueError, TypeError, OverflowError) as error:
        raise FolderError(f"{place}: {error}") from None
    _check_what_follows(folder, said, case)
    return case if said.source is None else _made_again(said, case, place)


def has_actual(folder: Path) -> bool:
    """Whether somebody has written outputs into the folder."""
    return any(is_there(folder, name) for name in ACTUAL)


def read_actual(folder: Path | str, case: Case) -> Array:
    """The outputs that somebody has written: actual.npy, or actual.bin.

    Errors: `FolderError` where there are none, or two, or they cannot be read.
    """
    folder = Path(folder)
    there = [name for name in ACTUAL if is_there(folder, name)]
    if len(there) != 1:
        found = "actual.npy and actual.bin" if there else "neither actual.npy nor actual.bin"
        raise FolderError(f"{shown(folder)} holds {found}, but must hold one of them")
    result = case.types.result
    if there == ["actual.bin"]:
        return raw.read(folder, "actual.bin", result, case.answer_shape)
    array = npy.read(folder, "actual.npy")
    if result.name == "bfloat16" and array.dtype in (np.uint16, np.dtype("V2")):
        return restored(array.view(np.uint16), result)
    if array.dtype.kind == "V":
        raise FolderError(
            f"{shown(folder, 'actual.npy')} holds type {array.dtype.str}, but must hold numbers"
        )
    return array


def _dtype(name: str) -> np.dtype[Any]:
    """The type of this name; only plain names are known, not all that NumPy takes for one."""
    if name == "bfloat16":
        try:
            import ml_dtypes
        except ImportError:
            raise ValueError("dtype bfloat16 needs ml_dtypes: pip install ml_dtypes") from None
        bfloat16: np.dtype[Any] = np.dtype(ml_dtypes.bfloat16)
        return bfloat16
    if name not in KNOWN:
        raise TypeError(f"dtype is {name!r}, but must be bfloat16 or one of {', '.join(KNOWN)}")
    return np.dtype(name)


def _pointwise(said: Description, place: str) -> int:
    """Output channels of the pointwise stage; 0 where there is none."""
    if "pointwise_weight" not in said.arrays:
        return 0
    shape = said.arrays["pointwise_weight"][1]
    if len(shape) != 4 or shape[0] < 1:
        raise FolderError(
            f"{place}: pointwise_weight has shape {shape}, but must have (F, C*M, 1, 1), with F "
            "from 1 on"
        )
    return shape[0]


def _check_size(g: Geometry, pointwise: int, place: str) -> None:
    """Refuse a case that would take too much memory or time, whatever its files hold."""
    cells = g.N * g.C * (g.H + g.pt + g.pb) * (g.W + g.pl + g.pr)
    macs = g.N * g.F * g.OH * g.OW * (max(1, g.K) + pointwise)
    for what, found, most in (
        ("cells of the padded image", cells, MOST_CELLS),
        ("weights", g.F * g.Cg * g.KH * g.KW, MOST_CELLS),
        ("multiply-accumulates", macs, MOST_MACS),
    ):
        if found > most:
            raise FolderError(f"{place} asks for {found} {what}, but must for at most {most}")


def _check_what_follows(folder: Path, said: Description, case: Case) -> None:
    """Hold what follows from the case against it: descriptor, output padding, and the outputs'
    shapes and types.
    """
    place = shown(folder, description.NAME)
    if said.descriptor != case.geometry.descriptor:
        raise FolderError(
            f"{place}: descriptor is {ascii(said.descriptor)[:80]}, but the shapes and options are "
            f"{case.geometry.descriptor!r}"
        )
    if said.output_padding != (more := case.options.get("output_padding")):
        raise FolderError(
            f"{place}: output_padding is {said.output_padding}, but the sizes make it {more}"
        )
    kinds = {"i": ("int64", "int64"), "f": ("float64", "float64"), "c": ("complex128", "float64")}
    expected, magnitude = kinds[case.types.accumulator.kind]
    of = {"expected": expected, "magnitude": magnitude, "actual": case.types.result.name}
    for name, dtype in of.items():
        if said.arrays[name] != (dtype, case.answer_shape):
            raise FolderError(
                f"{place}: {name} is {said.arrays[name]}, but the sizes and types make it "
                f"{(dtype, case.answer_shape)}"
            )
        if name != "actual":
            npy.check(folder, f"{name}.npy", np.dtype(dtype), case.answer_shape)


def _array(folder: Path, said: Description, name: str) -> Array:
    """An operand."""
    type_name, shape = said.arrays[name]
    dtype = _dtype(type_name)
    return restored(npy.read(folder, f"{name}.npy", (stored_type(dtype), shape)), dtype)


def _check_call(case: Case) -> None:
    """Refuse what `refconv.conv2d` would refuse, and `Case` does not; of two stages, the first."""
    g = case.geometry
    bias = case.bias if case.pointwise_weight is None else None
    options = (g.stride, g.padding, g.dilation, g.G, "NCHW", case.pad_value, "auto")
    plan = Plan.of(case.x.shape, case.x.dtype, case.weight, bias, options)
    if case.types.accumulator.kind == "i":
        pad_value = plan.pad_value if g.padded else 0
        refuse_overflow(case.x, case.weight, bias, pad_value, case.types.accumulator)


def _made_again(said: Description, case: Case, place: str) -> Case:
    """The case made of its source, which must give the same, for that line is shown.

    The sizes are compared first: a descriptor could ask for any amount of memory.
    """
    assert said.source is not None  # for the type checker: whoever asks has looked
    differs = FolderError(
        f"{place}: source makes another case, but must make the one in the .npy files, or be null"
    )
    try:
        g = Geometry.from_descriptor(said.source["descriptor"])
        pointwise = 0 if case.pointwise_weight is None else case.F
        if (_sizes(g), said.source["pointwise"]) != (_sizes(case.geometry), pointwise):
            raise differs
        if said.of is None:
            made = Case.from_descriptor(**said.source)
        else:
            made = GradientCase.from_descriptor(**said.source, of=said.of)
    except (ValueError, TypeError, OverflowError) as error:
        raise FolderError(f"{place}: source: {error}") from None
    if not _is_same(made, case):
        raise differs
    return made


def _sizes(g: Geometry) -> tuple[tuple[int, ...], ...]:
    """What says how large arrays are."""
    return g.x_shape, g.weight_shape, g.y_shape


def _is_same(one: Case, other: Case) -> bool:
    """Whether two cases agree to the bit."""
    ours, theirs = (
        {name: (a.dtype, a.shape, a.tobytes()) for name, a in case.arrays.items()}
        for case in (one, other)
    )
    same_call = one.geometry == other.geometry and str(one.pad_value) == str(other.pad_value)
    return ours == theirs and same_call
