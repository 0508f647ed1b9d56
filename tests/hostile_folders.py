"""Bad case folders, as one table: one row for each thing that can be done to a good one.

`test_folder.py` does it. The good one is a case of its table, "groups" if not said otherwise, with
right outputs in actual.npy.
"""

import json
import os
import pickle
import struct
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Hostile:
    """One way for a case folder to be bad: what is done to a good one, and what is said."""

    name: str
    match: str
    spoil: Any
    case: str = "groups"


def document_with(**changes):
    """Spoil case.json: a change is a value, or a function of the old one; None drops it."""

    def spoil(folder):
        path = folder / "case.json"
        document = json.loads(path.read_text())
        for name, change in changes.items():
            document[name] = change(document[name]) if callable(change) else change
        path.write_text(json.dumps(document))

    return spoil


def without(*names):
    def spoil(folder):
        path = folder / "case.json"
        document = json.loads(path.read_text())
        inner = document
        for name in names[:-1]:
            inner = inner[name]
        del inner[names[-1]]
        path.write_text(json.dumps(document))

    return spoil


def arrays_with(array, **changes):
    return document_with(arrays=lambda arrays: arrays | {array: arrays[array] | changes})


def text(content, name="case.json"):
    content = content.encode() if isinstance(content, str) else content
    return lambda folder: (folder / name).write_bytes(content)


def npy(header, data=b"", version=1, length=None):
    """The bytes of an .npy file with this header, be it as it may."""
    header = header.encode("latin-1")
    length = len(header) if length is None else length
    size = struct.pack("<H" if version == 1 else "<I", length)
    return b"\x93NUMPY" + bytes([version, 0]) + size + header + data


def said(descr="'<f4'", order="False", shape="(2, 6, 12, 13)"):
    return f"{{'descr': {descr}, 'fortran_order': {order}, 'shape': {shape}, }}\n"


def pickled(folder):
    np.save(folder / "x.npy", np.array([print], object), allow_pickle=True)


def saved(array, name="x.npy"):
    return lambda folder: np.save(folder / name, array)


def linked(name):
    def spoil(folder):
        (folder / name).rename(folder.parent / "elsewhere")
        (folder / name).symlink_to(folder.parent / "elsewhere")

    return spoil


def removed(name):
    return lambda folder: (folder / name).unlink()


def cut(name, size):
    return lambda folder: os.truncate(folder / name, size)


def a_folder(name):
    def spoil(folder):
        (folder / name).unlink()
        (folder / name).mkdir()

    return spoil


def a_pipe(folder):
    (folder / "x.npy").unlink()
    os.mkfifo(folder / "x.npy")


def many_pads(folder):
    """Sizes of nothing, options of everything: files that are small, a padded image that is not."""
    huge = 1 << 30
    document_with(padding=[[huge, huge], [huge, huge]], stride=[huge, huge])(folder)


def source_with(**changes):
    return document_with(source=lambda source: source | changes)


def pointwise_of_groups(folder):
    """A second stage of as many channels as the first, so that all the shapes fit."""
    np.save(folder / "pointwise_weight.npy", np.zeros((12, 12, 1, 1), np.float32))
    said = {"dtype": "float32", "shape": [12, 12, 1, 1]}
    document_with(arrays=lambda arrays: arrays | {"pointwise_weight": said})(folder)


def shape_of(name, shape):
    """Of the convolution whose gradient is asked for."""
    return document_with(convolution=lambda shapes: shapes | {name: shape})


def reshaped(name, *shape):
    """An array of another shape, in its file and in case.json."""

    def spoil(folder):
        dtype = np.load(folder / f"{name}.npy").dtype
        np.save(folder / f"{name}.npy", np.zeros(shape, dtype))
        arrays_with(name, shape=list(shape))(folder)

    return spoil


def retyped(name, dtype):
    """An array of another type, in its file and in case.json."""

    def spoil(folder):
        np.save(folder / f"{name}.npy", np.load(folder / f"{name}.npy").astype(dtype))
        arrays_with(name, dtype=dtype)(folder)

    return spoil


X = np.zeros((2, 6, 12, 13), np.float32)

HOSTILE = [
    # case.json
    Hostile("no description", "case.json is missing, but every case", removed("case.json")),
    Hostile("no JSON", "case.json is no JSON, but must be: Expecting", text("{'x': 1}")),
    Hostile("not text", "case.json is no JSON, .*codec can't decode", text(b"\xff\xfe{}\xff")),
    Hostile("JSON of a list", "case.json holds a list, but must hold an object", text("[1]")),
    Hostile("NaN", "case.json is no JSON, .*NaN is no number of JSON's", text('{"version": NaN}')),
    Hostile("deep JSON", "case.json is no JSON, .*recursion", text("[" * 60000)),
    Hostile(
        "long number", "case.json is no JSON, .*limit", text('{"version": ' + "1" * 5000 + "}")
    ),
    Hostile("long JSON", "case.json is 70000 bytes long, but must be at most", text(" " * 70000)),
    Hostile("linked JSON", "case.json is a symbolic link, but must be", linked("case.json")),
    Hostile("a folder for JSON", "case.json is a folder, but must be a reg", a_folder("case.json")),
    Hostile(
        "other format",
        "format is 'numpy', but must be 'refconv case'",
        document_with(format="numpy"),
    ),
    Hostile("later version", "version is 2, but must be 1", document_with(version=2)),
    Hostile("version true", "version is True, but must be 1", document_with(version=True)),
    Hostile("no arrays", "case.json has no arrays, but must have one", without("arrays")),
    Hostile("arrays as list", r"arrays is \[\], but must be an object", document_with(arrays=[])),
    Hostile("no weight", "case.json: arrays has no weight, but", without("arrays", "weight")),
    Hostile("no shape", "arrays: x has no shape, but must", without("arrays", "x", "shape")),
    Hostile("no descriptor", "case.json has no descriptor, but", without("descriptor")),
    Hostile(
        "shape of text", "shape is 'big', but must be a list of", arrays_with("x", shape="big")
    ),
    Hostile("shape of floats", r"shape is \[2.0, ", arrays_with("x", shape=[2.0, 6, 12, 13])),
    Hostile(
        "negative size",
        "N of x is -2, but must be at least",
        arrays_with("x", shape=[-2, 6, 12, 13]),
    ),
    Hostile("five axes", "x has shape .* but must have 4 axes", arrays_with("x", shape=[1] * 5)),
    Hostile(
        "huge size",
        "shape is .* but must be a list of some integers",
        arrays_with("x", shape=[2, 6, 10**30, 13]),
    ),
    Hostile(
        "type of object",
        "dtype is 'object', but must be bfloat16 or",
        arrays_with("x", dtype="object"),
    ),
    Hostile("type of a record", "dtype is 'f4,f4', but must be", arrays_with("x", dtype="f4,f4")),
    Hostile("unlike types", "x has type float64, but weight has", retyped("x", "float64")),
    Hostile("bias of another type", "bias has type int8, but", retyped("bias", "int8")),
    Hostile("type of no file", "x.npy has type float32, but mus", arrays_with("x", dtype="int64")),
    Hostile(
        "stride of one", r"stride is \[3\], but must be a list of 2", document_with(stride=[3])
    ),
    Hostile("stride of zero", "stride is 0, but must be at least 1", document_with(stride=[0, 1])),
    Hostile(
        "dilation true",
        "dilation is .*True.* but must be a list",
        document_with(dilation=[True, 1]),
    ),
    Hostile("padding by name", "padding is 'same', but must be", document_with(padding="same")),
    Hostile(
        "negative pad",
        "padding is -1, but must be at least",
        document_with(padding=[[0, 0], [-1, 0]]),
    ),
    Hostile("groups", "x has 6 channels, which 4 groups do not", document_with(groups=4)),
    Hostile(
        "pad value of text",
        "pad_value is 'zero', but must be a num",
        document_with(pad_value="zero"),
    ),
    Hostile("complex pad value", "pad_value is", document_with(pad_value="1j")),
    Hostile(
        "other descriptor",
        "descriptor is 'ic1', but the shapes and",
        document_with(descriptor="ic1"),
    ),
    Hostile("wide pads", "cells of the padded image, but must for at most", many_pads),
    Hostile(
        "other outputs",
        "actual is .* but the sizes and types make",
        arrays_with("actual", shape=[1]),
    ),
    Hostile(
        "pointwise of no shape",
        r"pointwise_weight has shape \(\), but must have \(F, C",
        document_with(arrays=lambda a: a | {"pointwise_weight": a["weight"] | {"shape": []}}),
    ),
    Hostile(
        "pointwise of groups",
        "groups is 3, but a depthwise stage",
        pointwise_of_groups,
    ),
    Hostile("source of a stage more", "source makes another case", source_with(pointwise=10**12)),
    Hostile("source of text", "source is 'me', but must be an object", document_with(source="me")),
    Hostile("source of another seed", "source makes another case, but must", source_with(seed=2)),
    Hostile(
        "source of a giant",
        "source makes another case",
        source_with(descriptor="ic9999ih9999oc9999kh9"),
    ),
    Hostile("source of nonsense", "source: descriptor", source_with(descriptor="nonsense")),
    Hostile("source of no data", "source: data is 'all', but must be", source_with(data="all")),
    Hostile(
        "source of no bound", "bound is -1, but must be an integer from 0", source_with(bound=-1)
    ),
    Hostile("source of other pads", "source makes another case", source_with(pad_value=1)),
    Hostile("source without bias", "source makes another case", source_with(bias=False)),
    # x.npy and its like
    Hostile("no x", "x.npy is missing, but every case folder", removed("x.npy")),
    Hostile("no expected", "expected.npy is missing, but", removed("expected.npy")),
    Hostile("empty x", "x.npy begins with b'', but must with", text(b"", "x.npy")),
    Hostile("zip archive", "x.npy begins with b'PK", text(b"PK\x03\x04" + b"0" * 99, "x.npy")),
    Hostile("bare pickle", "x.npy begins with b'.*x04", text(pickle.dumps([1] * 99), "x.npy")),
    Hostile("pickled objects", "x.npy holds type '.O', but must hold numbers", pickled),
    Hostile("record", "x.npy holds type", saved(np.zeros(3, "f4,f4"))),
    Hostile("dates", "x.npy holds type '<M8.s.', but must", saved(np.zeros(3, "M8[s]"))),
    Hostile("cut x", "x.npy is 500 bytes long, but must be", cut("x.npy", 500)),
    Hostile("cut header", "x.npy has the header", cut("x.npy", 40)),
    Hostile("cut magic", "x.npy begins with", cut("x.npy", 9)),
    Hostile("one byte more", "x.npy is .* bytes long, but must be", cut("x.npy", 8000)),
    Hostile(
        "version 9", "x.npy is of format version 9, but must", text(npy(said(), version=9), "x.npy")
    ),
    Hostile(
        "gigabyte header",
        "x.npy has a header of 1073741824 bytes, but",
        text(npy(said(), version=2, length=1 << 30), "x.npy"),
    ),
    Hostile(
        "gigabytes of numbers",
        "x.npy is .* bytes long, but must be 4000000000080",
        text(npy(said(shape=f"({10**12},)")), "x.npy"),
    ),
    Hostile(
        "negative shape",
        "x.npy has the header .* a tuple of sizes",
        text(npy(said(shape="(-6, -156)")), "x.npy"),
    ),
    Hostile(
        "shape of true",
        "x.npy has the header .* a tuple of sizes",
        text(npy(said(shape="(True,)")), "x.npy"),
    ),
    Hostile(
        "shape as list",
        "x.npy has the header .* a tuple of sizes",
        text(npy(said(shape="[2, 6]")), "x.npy"),
    ),
    Hostile(
        "order 1",
        "x.npy has the header .* must have one with True or False",
        text(npy(said(order="1")), "x.npy"),
    ),
    Hostile(
        "header that runs", "x.npy has the header", text(npy("__import__('os').abort()"), "x.npy")
    ),
    Hostile("deep header", "x.npy has the header", text(npy("(" * 4000), "x.npy")),
    Hostile("header without shape", "x.npy has the header", text(npy("{'descr': '<f4'}"), "x.npy")),
    Hostile(
        "other shape", r"x.npy has shape \(2, 6, 13, 12\), but must have", saved(X.swapaxes(2, 3))
    ),
    Hostile("other type", "x.npy has type float64, but must have float32", saved(X.astype(float))),
    Hostile("other numbers", "source makes another case, but must make", saved(X)),
    Hostile("linked x", "x.npy is a symbolic link, but must be a regular", linked("x.npy")),
    Hostile("x as a folder", "x.npy is a folder, but must be a regular file", a_folder("x.npy")),
    Hostile("x as a pipe", "x.npy is no file that holds data, but must", a_pipe),
    Hostile("other expected", "expected.npy has type float32, but must", saved(X, "expected.npy")),
    Hostile(
        "huge file", "x.npy is 2199023255552 bytes long, but must be at most", cut("x.npy", 1 << 41)
    ),
    # actual.npy and actual.bin
    Hostile("no outputs", "holds neither actual.npy nor actual.bin, but", removed("actual.npy")),
    Hostile(
        "both outputs",
        "holds actual.npy and actual.bin, but must hold one",
        text(b"", "actual.bin"),
    ),
    Hostile(
        "pickled outputs", "actual.npy holds type", lambda f: np.save(f / "actual.npy", [None])
    ),
    Hostile(
        "outputs of text", "actual.npy holds type '<U5'", saved(np.array(["seven"]), "actual.npy")
    ),
    Hostile("linked outputs", "actual.npy is a symbolic link", linked("actual.npy")),
    Hostile("cut outputs", "actual.npy is 200 bytes long", cut("actual.npy", 200)),
    Hostile(
        "bfloat16 unasked",
        "actual.npy holds type .*V2.* but must hold",
        text(npy(said("'|V2'", shape="(1,)"), b"ab"), "actual.npy"),
    ),
    Hostile(
        "impossible shape",
        "actual.npy has shape .*, but must have one that NumPy knows",
        text(npy(said(shape=f"(0, {2**62}, {2**62})")), "actual.npy"),
    ),
]

INPUT, BIAS, TRANSPOSE = "input-grad groups", "bias-grad groups", "transpose more"

HOSTILE += [
    # what is asked for
    Hostile("of y", "of is 'y', but must be one of input-grad, weight", document_with(of="y")),
    Hostile("of nothing", "of is None, but must be one of", document_with(of=None), INPUT),
    Hostile("of a list", r"of is \['transpose'\], but", document_with(of=["transpose"]), TRANSPOSE),
    Hostile("a convolution's", "case.json has no convolution, but", document_with(of="transpose")),
    Hostile("of what is not there", "arrays has no grad_y, but", document_with(of="bias-grad")),
    Hostile("of another", "arrays has no x, but must", document_with(of="weight-grad"), INPUT),
    Hostile("gradient of nothing", "arrays has no x, but must have one", without("of"), INPUT),
    Hostile("a transpose as y", "weight has 2 input channels per", without("of"), TRANSPOSE),
    Hostile("pads of a number", "pad_value is 3, but must be 0", document_with(pad_value=3), INPUT),
    # the convolution
    Hostile("no convolution", "has no convolution, but must have", without("convolution"), INPUT),
    Hostile(
        "convolution of text",
        "convolution is 'it', but must be an object",
        document_with(convolution="it"),
        BIAS,
    ),
    Hostile(
        "no x_shape", "convolution has no x_shape, but", without("convolution", "x_shape"), BIAS
    ),
    Hostile("x_shape of text", "x_shape is 'big', but must be a", shape_of("x_shape", "big"), BIAS),
    Hostile("x_shape of one", "x has shape .* must have 4 axes", shape_of("x_shape", [1]), BIAS),
    Hostile(
        "negative x_shape", "N of x is -2, but must", shape_of("x_shape", [-2, 6, 12, 13]), INPUT
    ),
    Hostile(
        "weight_shape of floats",
        r"weight_shape is \[12.5",
        shape_of("weight_shape", [12.5, 2, 3, 2]),
        INPUT,
    ),
    Hostile(
        "another x_shape",
        r"grad_y has shape \(2, 12, 4, 8\), but must be \(2, 12, 14, 8\)",
        shape_of("x_shape", [2, 6, 42, 13]),
        INPUT,
    ),
    Hostile(
        "another weight_shape",
        r"grad_y has shape \(2, 12, 4, 8\), but must be \(2, 12, 5, 8\)",
        shape_of("weight_shape", [12, 2, 2, 2]),
        INPUT,
    ),
    Hostile(
        "another weight",
        r"weight has shape \(12, 2, 2, 2\), but must be \(12, 2, 3, 2\)",
        reshaped("weight", 12, 2, 2, 2),
        INPUT,
    ),
    Hostile(
        "another x_shape of as many outputs",
        "descriptor is .* but the shapes and options are",
        shape_of("x_shape", [2, 6, 13, 13]),
        BIAS,
    ),
    Hostile(
        "an x in no file that is huge",
        "asks for .* cells of the padded image, but must for at most",
        shape_of("x_shape", [2, 6, 1 << 28, 13]),
        BIAS,
    ),
    Hostile(
        "a weight in no file that is huge",
        "asks for 805306368 weights, but must for at most",
        document_with(
            convolution={"x_shape": [0, 1 << 14, 12, 13], "weight_shape": [1 << 13, 1 << 14, 3, 2]},
            groups=1,
        ),
        BIAS,
    ),
    # arrays
    Hostile("no grad_y", "grad_y.npy is missing, but every", removed("grad_y.npy"), INPUT),
    Hostile("cut grad_y", "grad_y.npy is 500 bytes long, but", cut("grad_y.npy", 500), INPUT),
    Hostile(
        "unlike gradients",
        "grad_y has type float64, but weight has type float32",
        retyped("grad_y", "float64"),
        INPUT,
    ),
    Hostile(
        "bias of a transpose of another size",
        r"bias has shape \(7,\), but must be \(6,\)",
        reshaped("bias", 7),
        TRANSPOSE,
    ),
    Hostile(
        "bias of a transpose of another type",
        "bias has type int8, but",
        retyped("bias", "int8"),
        TRANSPOSE,
    ),
    Hostile(
        "another image of a transpose",
        r"x has shape \(2, 12, 4, 5\), but must be \(2, 12, 4, 6\)",
        reshaped("x", 2, 12, 4, 5),
        TRANSPOSE,
    ),
    Hostile(
        "an answer of another shape",
        "actual is .* but the sizes and types make it .*6, 12, 13",
        arrays_with("actual", shape=[2, 12, 4, 8]),
        INPUT,
    ),
    Hostile(
        "another expected gradient",
        r"expected.npy has shape \(3,\), but must have \(12,\)",
        saved(np.zeros(3), "expected.npy"),
        BIAS,
    ),
    # output padding
    Hostile(
        "no output padding", "has no output_padding, but", without("output_padding"), TRANSPOSE
    ),
    Hostile(
        "output padding of one",
        r"output_padding is \[1\], but must be a list of 2",
        document_with(output_padding=[1]),
        TRANSPOSE,
    ),
    Hostile(
        "output padding of nothing",
        "output_padding is None, but must be a list of 2",
        document_with(output_padding=None),
        TRANSPOSE,
    ),
    Hostile(
        "another output padding",
        r"output_padding is \(1, 0\), but the sizes make it \(2, 1\)",
        document_with(output_padding=[1, 0]),
        TRANSPOSE,
    ),
    # sources
    Hostile(
        "source of no output padding",
        "source has no output_padding, but must",
        without("source", "output_padding"),
        TRANSPOSE,
    ),
    Hostile(
        "source of output padding true",
        r"source: output_padding is \[True, 0\], but must be a list",
        source_with(output_padding=[True, 0]),
        TRANSPOSE,
    ),
    Hostile(
        "source of another output padding",
        "source makes another case",
        source_with(output_padding=[2, 0]),
        TRANSPOSE,
    ),
    Hostile(
        "source that asks for none", "another case", source_with(output_padding=None), TRANSPOSE
    ),
    Hostile(
        "source of wide output padding",
        "source: output_padding is 3 along H, but must be below the stride, 3",
        source_with(output_padding=[3, 0]),
        TRANSPOSE,
    ),
    Hostile(
        "source of less than no output padding",
        "source: output_padding is -1, but must be at least 0",
        source_with(output_padding=[-1, 0]),
        TRANSPOSE,
    ),
    Hostile("source of a gradient of two stages", "another case", source_with(pointwise=5), INPUT),
    Hostile(
        "source of a gradient of padded numbers",
        "source: pad_value is 2, but the input-grad does not depend on it: it must be 0",
        source_with(pad_value=2),
        INPUT,
    ),
    Hostile(
        "source of a giant gradient",
        "source makes another case",
        source_with(descriptor="ic9999ih9999oc9999kh9"),
        BIAS,
    ),
    Hostile("source of another gradient", "another case", source_with(seed=99), BIAS),
]
