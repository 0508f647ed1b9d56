"""`case.json`: what a case folder says of itself, written and read.

    {"format": "refconv case", "version": 1, "descriptor": "g2mb1ic4...", "seed": 3,
     "dtype": "float32", "accumulator": "float32",
     "stride": [1, 1], "padding": [[0, 0], [0, 0]], "dilation": [1, 1], "groups": 2, "pad_value": 0,
     "arrays": {"x": {"dtype": "float32", "stored": "float32", "shape": [1, 4, 5, 6]}, ...},
     "source": {"descriptor": "g2mb1ic4...", "seed": 3, "dtype": "float32", ...}}

`arrays` has x, weight, bias (if there is one), expected, magnitude, and `actual`: what a program is
asked to write. With a pointwise_weight in it, the case is separable: `weight`, the descriptor and
the options are the depthwise stage's, and the bias is added at the end. `stored` is the type in the
files: bfloat16 is kept as its bits, in uint16. `source` is what the case was made of, and null
where its arrays were given.

A gradient, or a transpose, has two members more, behind the version:

    "of": "input-grad", "convolution": {"x_shape": [1, 4, 5, 6], "weight_shape": [6, 2, 3, 2]},

The sizes, descriptor and options are those of that convolution always; `raw.py` has a table of what
is given, and what is asked for, in its letters. A transpose has "output_padding": [0, 1] as well;
in its source that is what was asked for, or null.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from refconv.oracle.cases.case import Case, Source
from refconv.oracle.cases.gradient_case import OF, GradientCase
from refconv.oracle.files.formats.files import FolderError, opened, shown, write_new
from refconv.oracle.files.formats.vectors import Vectors, stored_type

NAME = "case.json"
FORMAT, VERSION = "refconv case", 1

LONGEST = 1 << 16
"""Bytes of case.json, at most."""

OPERANDS: dict[str | None, tuple[str, ...]] = {
    None: ("x", "weight", "pointwise_weight", "bias"),
    "input-grad": ("grad_y", "weight"),
    "weight-grad": ("grad_y", "x"),
    "bias-grad": ("grad_y",),
    "transpose": ("x", "weight", "bias"),
}
"""The arrays that a target is given, by what is asked of it; of a convolution by None."""

OPTIONAL = ("pointwise_weight", "bias")


@dataclass(frozen=True, slots=True)
class Description:
    """What case.json says, each part of the right type, but not yet held against the arrays."""

    of: str | None
    """What is asked for, if it is not y."""
    shapes: tuple[tuple[int, ...], tuple[int, ...]]
    """Those of the convolution's x and weight."""
    output_padding: tuple[int, ...] | None
    """Of a transpose."""
    descriptor: str
    arrays: dict[str, tuple[str, tuple[int, ...]]]
    """Type and shape by name."""
    options: dict[str, Any]
    """The keywords of a convolution's `Case`."""
    source: dict[str, Any] | None
    """The keywords of `from_descriptor`, but for `of`."""

    @property
    def operands(self) -> list[str]:
        """The names of the operands that are there."""
        return [name for name in OPERANDS[self.of] if name in self.arrays]


def write(vectors: Vectors, folder: Path) -> None:
    """case.json."""
    write_new(folder, NAME, f"{_listed(document(vectors))}\n".encode())


def _listed(members: dict[str, Any], indent: str = " ") -> str:
    """An object with a line for each member; an object that holds no other is one line itself."""
    if not any(isinstance(value, dict) for value in members.values()):
        return json.dumps(members)
    lines = [
        f"{indent}{json.dumps(name)}: "
        + (_listed(value, indent + " ") if isinstance(value, dict) else json.dumps(value))
        for name, value in members.items()
    ]
    return "{\n" + ",\n".join(lines) + "\n" + indent[1:] + "}"


def document(vectors: Vectors) -> dict[str, Any]:
    """What case.json holds."""
    case, g = vectors.case, vectors.case.geometry
    arrays = {name: _described(array.dtype, array.shape) for name, array in vectors.arrays.items()}
    source = case.source
    return {
        "format": FORMAT,
        "version": VERSION,
        **(_asked(case) if isinstance(case, GradientCase) else {}),
        "descriptor": g.descriptor,
        "seed": None if source is None else source.seed,
        "dtype": case.factors[0].dtype.name,
        "accumulator": case.types.accumulator.name,
        "stride": g.stride,
        "padding": g.padding,
        "dilation": g.dilation,
        "groups": g.G,
        "pad_value": _plain(case.pad_value),
        "arrays": {**arrays, "actual": _described(case.types.result, case.answer_shape)},
        "source": _made_of(case),
    }


def _asked(case: GradientCase) -> dict[str, Any]:
    """What only a gradient's description has."""
    g = case.geometry
    more = case.options.get("output_padding")
    return {
        "of": case.of,
        "convolution": {"x_shape": g.x_shape, "weight_shape": g.weight_shape},
        **({} if more is None else {"output_padding": more}),
    }


def _made_of(case: Case) -> dict[str, Any] | None:
    """The keywords that make the case again."""
    if case.source is None:
        return None
    source = case.source._asdict() | {"pad_value": _plain(case.source.pad_value)}
    if isinstance(case, GradientCase) and case.of == "transpose":
        source["output_padding"] = case.asked_output_padding
    return source


def _described(dtype: np.dtype[Any], shape: tuple[int, ...]) -> dict[str, Any]:
    return {"dtype": dtype.name, "stored": stored_type(dtype).name, "shape": shape}


def _plain(value: Any) -> Any:
    """A number as JSON has it; what JSON has not, as text: "nan", "inf", "(1+2j)"."""
    number = np.asarray(value).item()
    if isinstance(number, complex) or not math.isfinite(number):
        return str(number)
    return number


def read(folder: Path) -> Description:
    """What case.json says.

    Errors: `FolderError` where it is not of this form.
    """
    said = Members(_parsed(folder), shown(folder, NAME))
    said.require("format", FORMAT)
    said.require("version", VERSION)
    of = _of(said)
    found = said.inner("arrays")
    operands = [name for name in OPERANDS[of] if name in found.members or name not in OPTIONAL]
    names = [*operands, "expected", "magnitude", "actual"]
    arrays = {name: _array(found.inner(name)) for name in names}
    return Description(
        of,
        (arrays["x"][1], arrays["weight"][1]) if of is None else _shapes(said.inner("convolution")),
        said.integers("output_padding", 2) if of == "transpose" else None,
        said.text("descriptor"),
        arrays,
        {
            "stride": said.integers("stride", 2),
            "padding": said.pads("padding"),
            "dilation": said.integers("dilation", 2),
            "groups": said.integer("groups"),
            "pad_value": said.number("pad_value"),
        },
        None if said.get("source") is None else _source(said.inner("source"), of),
    )


def _of(said: Members) -> str | None:
    """What is asked for: a convolution does not say it."""
    if "of" not in said.members:
        return None
    if (of := said.get("of")) not in OF:
        raise said.wrong("of", of, f"one of {', '.join(OF)}")
    if of != "weight-grad":
        said.require("pad_value", 0)
    return str(of)


def _shapes(said: Members) -> tuple[tuple[int, ...], tuple[int, ...]]:
    return said.integers("x_shape"), said.integers("weight_shape")


def _array(said: Members) -> tuple[str, tuple[int, ...]]:
    return said.text("dtype"), said.integers("shape")


def _source(said: Members, of: str | None) -> dict[str, Any]:
    source = Source(
        said.text("descriptor"),
        said.integer("seed"),
        said.text("dtype"),
        said.text("data"),
        said.integer("bound"),
        said.boolean("bias"),
        said.number("pad_value"),
        said.integer("pointwise"),
    )
    if source.bound < 0:
        raise said.wrong("bound", source.bound, "an integer from 0 on")
    if of != "transpose":
        return source._asdict()
    is_asked = said.get("output_padding") is not None
    more = said.integers("output_padding", 2) if is_asked else None
    return source._asdict() | {"output_padding": more}


def _parsed(folder: Path) -> dict[str, Any]:
    """The JSON object in the file."""
    place = shown(folder, NAME)
    file, size = opened(folder, NAME, LONGEST)
    with file:
        data = file.read(size)
    try:
        document = json.loads(data, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise FolderError(
            f"{place} is no JSON, but must be: {' '.join(str(error).split())}"
        ) from None
    if not isinstance(document, dict):
        raise FolderError(f"{place} holds a {type(document).__name__}, but must hold an object")
    return document


def _refuse_constant(word: str) -> None:
    raise ValueError(f"{word} is no number of JSON's")


@dataclass(frozen=True, slots=True)
class Members:
    """The members of a JSON object, asked for by the type that they must have.

    `place` is the object's, for messages: the file, and the names that lead to it.
    """

    members: dict[str, Any]
    place: str

    def wrong(self, name: str, found: Any, required: str) -> FolderError:
        """The error for a member that is not what it must be."""
        text = ascii(found)
        text = text if len(text) <= 60 else f"{text[:60]}..."
        return FolderError(f"{self.place}: {name} is {text}, but must be {required}")

    def get(self, name: str) -> Any:
        """The member, of whatever type."""
        if name not in self.members:
            raise FolderError(f"{self.place} has no {name}, but must have one")
        return self.members[name]

    def require(self, name: str, value: Any) -> None:
        """Refuse another value than this one; true is not 1."""
        if (type(self.get(name)), self.get(name)) != (type(value), value):
            raise self.wrong(name, self.get(name), repr(value))

    def text(self, name: str) -> str:
        """A string."""
        found = self.get(name)
        if not isinstance(found, str):
            raise self.wrong(name, found, "text")
        return found

    def boolean(self, name: str) -> bool:
        """True or false."""
        found = self.get(name)
        if not isinstance(found, bool):
            raise self.wrong(name, found, "true or false")
        return found

    def integer(self, name: str) -> int:
        """An integer; true is none."""
        found = self.get(name)
        if type(found) is not int:
            raise self.wrong(name, found, "an integer")
        return found

    def integers(self, name: str, count: int | None = None) -> tuple[int, ...]:
        """A list of integers; of `count`, if that is given."""
        found = self.get(name)
        if not _are_integers(found) or count not in (None, len(found)):
            raise self.wrong(name, found, f"a list of {count or 'some'} integers")
        return tuple(found)

    def pads(self, name: str) -> tuple[tuple[int, ...], ...]:
        """[[pt, pb], [pl, pr]]."""
        found = self.get(name)
        is_list = isinstance(found, list) and len(found) == 2
        if not is_list or not all(_are_integers(ends) and len(ends) == 2 for ends in found):
            raise self.wrong(name, found, "[[pt, pb], [pl, pr]]")
        return tuple(map(tuple, found))

    def number(self, name: str) -> Any:
        """A number; what JSON has no number for is text."""
        found = self.get(name)
        if type(found) in (int, float):
            return found
        if isinstance(found, str):
            for type_ in (float, complex):
                try:
                    return type_(found)
                except ValueError:
                    continue
        raise self.wrong(name, found, "a number, or the text of one")

    def inner(self, name: str) -> Members:
        """An object."""
        found = self.get(name)
        if not isinstance(found, dict):
            raise self.wrong(name, found, "an object")
        return Members(found, f"{self.place}: {name}")


def _are_integers(found: Any) -> bool:
    """Whether this is a list of integers, none of them beyond 64 bits."""
    return isinstance(found, list) and all(
        type(number) is int and abs(number) < 2**63 for number in found
    )
