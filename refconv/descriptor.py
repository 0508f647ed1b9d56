"""The descriptor: a whole geometry as one word, in oneDNN benchdnn's notation.

`g2mb1ic96ih27oc256oh27kh5ph2` is AlexNet's second layer. `ic` and `oc` are totals over all
groups; dilation counts from 0 (0 is dense), where `Geometry` counts from 1. Only the notation lives
here: what the numbers must be, `geometry.py` says.

Source: oneDNN, benchdnn's convolution driver (`driver_conv.md`, `knobs_desc.md`).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

KEYS = (
    *("g", "mb", "ic", "ih", "iw", "oc", "oh", "ow"),
    *("kh", "kw", "sh", "sw", "dh", "dw", "ph", "pw"),
)
REQUIRED = ("ic", "ih", "oc", "kh")
DEFAULTS = {"g": 1, "mb": 1, "sh": 1, "dh": 0}

_FIELD = re.compile(r"([a-z]+)([0-9]{1,18})(?![0-9])_*")
_NAME = re.compile(r'n"[^"]*"$|n[\w:.*/+-]*$')


def parse(text: str) -> dict[str, Any]:
    """What `text` states, as the arguments of `Geometry.of`.

    `ic ih oc kh` must be there. A left-out `iw ow kw sw dw pw` copies its `h` twin; a left-out
    `g mb sh` is 1 and a left-out `dh` is 0. Where `oh` is given, the bottom pad follows from it:
    it is the top pad if that gives `oh`, else what is missing; where `oh` is left out, the pads
    are symmetric (and 0 if `ph` is left out too). Where `oh` is given and `ph` is not, the pads
    are what `oh` needs, the odd cell at the bottom, as in benchdnn. Width alike.

    >>> stated = parse('ic3ih224oc64oh112kh7sh2ph3_n"resnet:conv1"')
    >>> stated["x_shape"], stated["weight_shape"], stated["padding"]
    ((1, 3, 224, 224), (64, 3, 7, 7), ((3, 3), (3, 3)))
    >>> parse("ic4ih5iw7oc6kh3kw2dh1")["dilation"]
    (2, 2)
    >>> parse("ic4ih5")
    Traceback (most recent call last):
        ...
    ValueError: descriptor 'ic4ih5' lacks oc, kh

    Errors: `ValueError` for text that is no descriptor.
    """
    fields = _fields(text)
    missing = [key for key in REQUIRED if key not in fields]
    if missing:
        raise ValueError(f"descriptor {_shown(text)} lacks {', '.join(missing)}")
    for key, value in DEFAULTS.items():
        fields.setdefault(key, value)
    for key in ("iw", "ow", "kw", "sw", "dw", "pw"):
        twin = key[0] + "h"
        if key not in fields and twin in fields:
            fields[key] = fields[twin]
    if fields["g"] < 1:
        raise ValueError(f"descriptor {_shown(text)}: g is {fields['g']}, but must be at least 1")
    if fields["sh"] < 1 or fields["sw"] < 1:
        raise ValueError(f"descriptor {_shown(text)}: sh and sw must be at least 1")
    return {
        "x_shape": (fields["mb"], fields["ic"], fields["ih"], fields["iw"]),
        # A remainder is refused by `Geometry.of`, which names both numbers.
        "weight_shape": (fields["oc"], fields["ic"] // fields["g"], fields["kh"], fields["kw"]),
        "stride": (fields["sh"], fields["sw"]),
        "dilation": (fields["dh"] + 1, fields["dw"] + 1),
        "padding": (_axis_pads(text, fields, "h"), _axis_pads(text, fields, "w")),
        "groups": fields["g"],
    }


def canonical(numbers: Sequence[int]) -> str:
    """The descriptor of these numbers, which are in the order of KEYS: nothing is left out."""
    return "".join(f"{key}{number}" for key, number in zip(KEYS, numbers, strict=True))


def _fields(text: str) -> dict[str, int]:
    """The numbers by key; a trailing name is dropped."""
    fields: dict[str, int] = {}
    position = len(text) - len(text.lstrip("_"))
    while position < len(text):
        if _NAME.match(text, position):
            break
        match = _FIELD.match(text, position)
        if match is None:
            raise ValueError(
                f"descriptor {_shown(text)} cannot be read from {_shown(text[position:])} on: "
                "it must be like 'g2mb1ic96ih27oc256oh27kh5ph2'"
            )
        key, digits = match.groups()
        if key not in KEYS:
            raise ValueError(f"descriptor {_shown(text)} has unknown field {key!r}: 2-D has {KEYS}")
        if key in fields:
            raise ValueError(f"descriptor {_shown(text)} gives {key} twice")
        fields[key] = int(digits)
        position = match.end()
    return fields


def _axis_pads(text: str, fields: dict[str, int], axis: str) -> tuple[int, int]:
    """The pads before and after the data, along axis `h` or `w`."""
    size, kernel, stride = fields["i" + axis], fields["k" + axis], fields["s" + axis]
    before, positions = fields.get("p" + axis), fields.get("o" + axis)
    if positions is None:
        return before or 0, before or 0
    extent = (fields["d" + axis] + 1) * (kernel - 1) + 1
    needed = (positions - 1) * stride + extent - size
    if before is None:
        before = max(0, needed) // 2
    for after in (before, max(0, needed - before)):
        if (size + before + after - extent) // stride + 1 == positions:
            return before, after
    most = (size + before - extent) // stride + 1
    raise ValueError(
        f"descriptor {_shown(text)}: o{axis} is {positions}, but i{axis} {size} with "
        f"k{axis} {kernel} and p{axis} {before} already gives {most}"
    )


def _shown(text: str) -> str:
    """The text for a message: all of it, if it is of the length that descriptors have."""
    return repr(text if len(text) <= 200 else text[:200] + "...")
