"""From shapes and attributes to geometries: convolutions, transposed ones, matrix products."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from refconv.geometry import Geometry
from refconv.networks.onnx_model.shapes import Shape
from refconv.networks.onnx_model.words import NotCountedError


def convolution(x: Shape, weight: Shape, options: dict[str, Any]) -> Geometry:
    """Of Conv and its quantised twins; images of one axis get height 1.

    >>> convolution((2, 6, 12), (9, 2, 4), {"group": 3, "pads": [1, 2]}).y_shape
    (2, 9, 1, 12)
    """
    axes = _image_axes(x)
    if len(weight) != len(x):
        raise ValueError(f"the weight has shape {weight}, but x has {x}")
    return Geometry.of(
        _flat(x, axes),
        _flat(weight, axes),
        stride=_pair(options, "strides", axes),
        dilation=_pair(options, "dilations", axes),
        padding=_padding(options, axes),
        groups=options.get("group", 1),
    )


def transposed_convolution(x: Shape, weight: Shape, options: dict[str, Any]) -> Geometry:
    """Of ConvTranspose: the convolution the other way, from its y (N, F, OH, OW) to its x.

    >>> transposed_convolution((1, 6, 5, 7), (6, 4, 3, 2), {"group": 2, "strides": [2, 2]}).x_shape
    (1, 8, 11, 14)
    """
    axes = _image_axes(x)
    if len(weight) != len(x):
        raise ValueError(f"the weight has shape {weight}, but x has {x}")
    G = options.get("group", 1)
    if weight[0] != x[1]:
        raise ValueError(f"the weight has {weight[0]} input channels, but x has {x[1]}")
    if G < 1 or x[1] % G:
        raise ValueError(f"x has {x[1]} channels, which {G} groups do not divide")
    images, padding = _enlarged(x[2:], weight[2:], options)
    geometry = Geometry.of(
        _flat((x[0], weight[1] * G, *images), axes),
        _flat(weight, axes),
        stride=_pair(options, "strides", axes),
        dilation=_pair(options, "dilations", axes),
        padding=padding,
        groups=G,
    )
    if _flat(x, axes)[2:] != (geometry.OH, geometry.OW):
        raise NotCountedError("its output is larger than its kernel and stride reach")
    return geometry


def _enlarged(
    sizes: Shape, kernel: Shape, options: dict[str, Any]
) -> tuple[Shape, tuple[tuple[int, int], ...]]:
    """The size of a transposed convolution's images, and how much of each end is cut off.

    ONNX states the pads, or the size, or, by "same", a size of stride times the input's; then the
    pads are what is too much, its odd cell at the end for "same_upper", else at the beginning.
    """
    axes = len(sizes)
    strides, dilations = (_pair(options, name, axes)[-axes:] for name in ("strides", "dilations"))
    extra = integers(options, "output_padding") or [0] * axes
    full = [
        s * (size - 1) + d * (k - 1) + 1 + e
        for s, size, d, k, e in zip(strides, sizes, dilations, kernel, extra, strict=True)
    ]
    auto_pad = _auto_pad(options)
    images = integers(options, "output_shape")[-axes:]
    if not images and auto_pad.startswith("same"):
        images = [s * size for s, size in zip(strides, sizes, strict=True)]
    if images:
        pads = [
            _halves(max(0, whole - image), upper=auto_pad == "same_upper")
            for whole, image in zip(full, images, strict=True)
        ]
    else:
        pads = _pads(options, axes)
        images = [whole - sum(ends) for whole, ends in zip(full, pads, strict=True)]
    return tuple(images), (*[(0, 0)] * (2 - axes), *pads)


def _halves(total: int, *, upper: bool) -> tuple[int, int]:
    less, more = total // 2, total - total // 2
    return (less, more) if upper else (more, less)


def _flat(shape: Shape, axes: int) -> Shape:
    """Of four axes, where images of one axis have height 1."""
    return (*shape[:2], *[1] * (2 - axes), *shape[2:])


def gemm(a: Shape, b: Shape, options: dict[str, Any]) -> Geometry:
    """Of Gemm: the product of two matrices, each maybe transposed first."""
    if len(a) != 2 or len(b) != 2:
        raise ValueError(f"its matrices have shapes {a} and {b}, but must have 2 axes")
    a = transposed(a) if options.get("transA", 0) else a
    b = transposed(b) if options.get("transB", 0) else b
    return product(a, b, stacked=False)


def _image_axes(x_shape: Shape) -> int:
    """How many axes the images have: 1 or 2."""
    axes = len(x_shape) - 2
    if axes > 2:
        raise NotCountedError(f"{axes}-D: this library has images of two axes")
    if axes < 1:
        raise ValueError(f"x has shape {x_shape}, but must have images")
    return axes


def _pair(options: dict[str, Any], name: str, axes: int) -> tuple[int, ...]:
    """One number for each axis; an image of one axis has height 1."""
    given = integers(options, name) or [1] * axes
    if len(given) != axes:
        raise ValueError(f"{name} has {len(given)} entries, but the images have {axes} axes")
    return (*[1] * (2 - axes), *given)


def _padding(options: dict[str, Any], axes: int) -> Any:
    """As `Geometry.of` takes it: a name, or the pads of two axes."""
    auto_pad = _auto_pad(options)
    if auto_pad != "notset":
        return auto_pad
    return (*[(0, 0)] * (2 - axes), *_pads(options, axes))


def _auto_pad(options: dict[str, Any]) -> str:
    found = options.get("auto_pad", b"NOTSET")
    names = {b"NOTSET", b"VALID", b"SAME_UPPER", b"SAME_LOWER"}
    if found not in names:
        raise ValueError(f"auto_pad is {found!r}, but must be one of {sorted(names)}")
    return str(found, "ascii").lower()


def _pads(options: dict[str, Any], axes: int) -> list[tuple[int, int]]:
    """The pads before and after the data of each axis; ONNX lists all of those before first."""
    pads = integers(options, "pads") or [0] * (2 * axes)
    if len(pads) != 2 * axes:
        raise ValueError(f"pads has {len(pads)} entries, but the images have {axes} axes")
    return list(zip(pads[:axes], pads[axes:], strict=True))


def integers(options: dict[str, Any], name: str) -> list[int]:
    """An attribute's integers; none where it is left out."""
    found = options.get(name, [])
    if not isinstance(found, list) or any(type(number) is not int for number in found):
        raise TypeError(f"{name} is {found!r}, but must be integers")
    return found


def as_matrices(a: Shape, b: Shape) -> tuple[Shape, Shape]:
    """The factors' shapes, where a vector is a row on the left and a column on the right."""
    if not a or not b:
        raise ValueError("a factor is a scalar, but must have an axis")
    return a if len(a) > 1 else (1, *a), b if len(b) > 1 else (*b, 1)


def transposed(shape: Shape) -> Shape:
    return (*shape[:-2], shape[-1], shape[-2])


def product(a: Shape, b: Shape, *, stacked: bool) -> Geometry:
    """The product of (..., M, K) and (..., K, N), where axes in front broadcast.

    stacked: whether b is a weight, so that several of them are several: side by side where all
    multiply the same rows, else as many groups. Otherwise it is one, as large as one of them.

    >>> product((5, 7, 2), (2, 3), stacked=True).x_shape
    (35, 2, 1, 1)
    >>> product((5, 7, 2), (5, 2, 3), stacked=True).G
    5
    """
    *a_lead, M, K = a
    *b_lead, b_rows, N = b
    if b_rows != K:
        raise ValueError(f"the left factor has rows of {K}, but the right one has {b_rows} rows")
    products = math.prod(np.broadcast_shapes(tuple(a_lead), tuple(b_lead)))
    weights = math.prod(b_lead) if stacked else 1
    rows = M * products // max(weights, 1)
    G = 1 if math.prod(a_lead) == 1 else max(weights, 1)
    return Geometry.of((rows, G * K, 1, 1), (weights * N, K, 1, 1), groups=G)
