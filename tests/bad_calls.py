"""Bad calls, as one table: one row for each way to be wrong.

`test_refusals.py` makes the calls. Each row spoils one thing of a good call.
"""

import re
from dataclasses import dataclass
from typing import Any

import numpy as np

# The good call's sizes: N 2, C 6, H 7, W 8, F 12, KH 3, KW 2.
X = np.arange(2 * 6 * 7 * 8, dtype=np.float32).reshape(2, 6, 7, 8)
WEIGHT = np.ones((12, 2, 3, 2), np.float32)
BIAS = np.ones(12, np.float32)
POINTWISE, DEPTHWISE = np.ones((5, 6, 1, 1), np.float32), np.ones((6, 1, 3, 2), np.float32)
ONE_OR_PAIR = "but must be one integer or a pair"
PADDING_FORMS = re.escape("but must be one integer, (ph, pw), ((pt, pb), (pl, pr)), or one of")


GOOD = {
    "conv2d": {"x": X, "weight": WEIGHT, "bias": BIAS, "groups": 3},
    "group_conv2d": {"x": X, "weight": WEIGHT, "bias": BIAS, "groups": 3},
    "depthwise_conv2d": {"x": X, "weight": DEPTHWISE},
    "pointwise_conv2d": {"x": X, "weight": POINTWISE},
    "depthwise_separable_conv2d": {
        "x": X,
        "depthwise_weight": DEPTHWISE,
        "pointwise_weight": POINTWISE,
    },
    "Conv2d": {"weight": WEIGHT, "bias": BIAS, "groups": 3},
}


@dataclass(frozen=True)
class Bad:
    """One way to be wrong: what is raised, what it says, and how the call differs from a good one.

    `function` is the public function that is called.
    """

    name: str
    error: type[Exception]
    match: str
    change: dict[str, Any]
    function: str = "conv2d"

    def arguments(self, method):
        """The arguments of the call; there is an `out` of the good y wherever it can be given."""
        y = np.full((2, 12, 5, 7), -77, np.float32)
        out = {} if self.function == "Conv2d" else {"out": y}
        return {"method": method, **out, **GOOD[self.function], **self.change}


def typed(dtype, **more):
    """A change: x and weight of this type, no bias, and what else is given."""
    return {"x": X.astype(dtype), "weight": WEIGHT.astype(dtype), "bias": None, **more}


def shapes():
    yield Bad("x without batch", ValueError, r"x has shape \(6, 7, 8\), .* 4 axes", {"x": X[0]})
    yield Bad("x of five axes", ValueError, r"x has shape \(1, 2, 6, 7, 8\)", {"x": X[None]})
    yield Bad(
        "weight of three axes", ValueError, "weight has shape .* 4 axes", {"weight": WEIGHT[0]}
    )
    yield Bad(
        "more channels than the weight",
        ValueError,
        "weight has 2 input channels per group, but x has 8 channels in 2 groups of 4",
        {"x": np.ones((2, 8, 7, 9), np.float32), "groups": 2},
    )
    yield Bad(
        "no groups given", ValueError, "2 input channels .* but x has 6 channels$", {"groups": 1}
    )
    yield Bad("groups beside C", ValueError, "x has 6 channels, which 4 groups", {"groups": 4})
    yield Bad(
        "groups beside F",
        ValueError,
        "weight has 10 output channels, which 3 groups do not divide",
        {"weight": WEIGHT[:10], "bias": BIAS[:10]},
    )
    yield Bad(
        "empty kernel", ValueError, "empty kernel: KH is 3 and KW is 0", {"weight": WEIGHT[..., :0]}
    )
    yield Bad("kernel too high", ValueError, "spans 3 cells along H .* x has 2", {"x": X[:, :, :2]})
    yield Bad("kernel too wide", ValueError, "spans 10 cells along W", {"dilation": (1, 9)})
    yield Bad(
        "bias too short",
        ValueError,
        r"bias has shape \(5,\), .* must be \(12,\)",
        {"bias": BIAS[:5]},
    )
    yield Bad("bias of two axes", ValueError, r"bias has shape \(1, 12\)", {"bias": BIAS[None]})
    yield Bad("bias a number", ValueError, r"bias has shape \(\)", {"bias": np.float32(1)})


def options():
    for name in ("groups", "stride", "dilation"):
        for value in (0, -1):
            match = f"{name} is {value}, but must be at least 1"
            yield Bad(f"{name} {value}", ValueError, match, {name: value})
        for value in (2**31, 2**70):
            match = f"{name} is {value}, but must be at most 2147483647"
            yield Bad(f"{name} {value}", ValueError, match, {name: value})
        for value in (2.0, True, np.True_, "2", None, np.array(2)):
            match = re.escape(f"{name} is {value!r}, but must be an integer")
            yield Bad(f"{name} {value!r}", TypeError, match, {name: value})
    yield Bad("groups a pair", TypeError, "groups is .* must be an integer", {"groups": (3, 1)})
    for name in ("stride", "dilation"):
        for value in ((1, 2, 3), (1,), []):
            yield Bad(f"{name} {value}", ValueError, f"{name} is .* {ONE_OR_PAIR}", {name: value})
        yield Bad(f"{name} (1, 0)", ValueError, f"{name} is 0", {name: (1, 0)})
        yield Bad(f"{name} (1, 2.0)", TypeError, f"{name} is 2.0", {name: (1, 2.0)})
        yield Bad(f"{name} (True, 1)", TypeError, f"{name} is True", {name: (True, 1)})
        yield Bad(f"{name} nested", TypeError, f"{name} is .2, 3.", {name: (1, (2, 3))})
    for value in (-1, (0, -1), ((0, 0), (-1, 0))):
        yield Bad(f"padding {value}", ValueError, "padding is -1, but must be", {"padding": value})
    yield Bad("padding 2**70", ValueError, "padding is .* at most", {"padding": 2**70})
    for value in (1.5, (1, 1.5), ((1, 2), (0, 1.5))):
        yield Bad(f"padding {value}", TypeError, "padding is 1.5, but must", {"padding": value})
    for value in (True, None, b"same", ("same", "valid")):
        yield Bad(f"padding {value}", TypeError, "padding is .* must be", {"padding": value})
    for value in ((1, 2, 3, 4), (), (1, (2, 3)), ((1, 2), 3), ((1, 2), (3, 4), (5, 6))):
        yield Bad(
            f"padding {value}", ValueError, f"padding is .* {PADDING_FORMS}", {"padding": value}
        )
    for value in (((1, 2, 3), (4, 5, 6)), ((1,), (2,))):
        yield Bad(
            f"padding {value}", ValueError, f"padding is .* {ONE_OR_PAIR}", {"padding": value}
        )
    for value in ("full", "SAME", ""):
        yield Bad(
            f"padding {value!r}", ValueError, f"padding is '{value}', .* 'same'", {"padding": value}
        )
    for value in ("nhwc", "NCWH", None, ["NCHW"]):
        match = re.escape(f"layout is {value!r}, but must be 'NCHW' or 'NHWC'")
        yield Bad(f"layout {value!r}", ValueError, match, {"layout": value})
    for value in ("fft", "JIT", None):
        match = f"method is {value!r}, but must be one of .*'im2col'"
        yield Bad(f"method {value!r}", ValueError, match, {"method": value})
    yield Bad("unknown option", TypeError, "unexpected keyword argument 'strides'", {"strides": 2})


def types():
    unsupported = "{} has type {}, which no convolution here takes: cast it with .astype.'{}'"
    for dtype, cast in (
        ("object", "float64"),
        ("bool", "uint8"),
        ("uint64", "int64"),
        ("longdouble", "float64"),
        ("clongdouble", "complex128"),
        ("str", "float64"),
        ("datetime64[s]", "float64"),
    ):
        for name, array in (("x", X), ("weight", WEIGHT)):
            changed = array.astype(dtype)
            match = unsupported.format(name, re.escape(changed.dtype.name), cast)
            yield Bad(f"{name} of {dtype}", TypeError, match, {name: changed})
        yield Bad(f"bias of {dtype}", TypeError, "bias has type", {"bias": BIAS.astype(dtype)})
    for name, array in (("x", X), ("weight", WEIGHT), ("bias", BIAS)):
        masked = np.ma.MaskedArray(array)
        yield Bad(
            f"{name} masked", TypeError, f"{name} is a masked array: .*filled", {name: masked}
        )
    for x, weight, cast in (
        ("float32", "float64", "x with .astype.'float64'"),
        ("float64", "float32", "weight with .astype.'float64'"),
        ("float16", "float32", "x with .astype.'float32'"),
        ("float32", "complex64", "x with .astype.'complex64'"),
        ("int8", "float32", "x with .astype.'float32'"),
        ("float64", "int64", "weight with .astype.'float64'"),
    ):
        yield Bad(
            f"{x} by {weight}",
            TypeError,
            f"x has type {x}, but weight has type {weight}: cast {cast}",
            {"x": X.astype(x), "weight": WEIGHT.astype(weight), "bias": None},
        )
    for dtype in ("float64", "int32", "complex64"):
        match = f"bias has type {dtype}, .* cast bias with .astype.'float32'"
        yield Bad(f"bias {dtype} for float32", TypeError, match, {"bias": BIAS.astype(dtype)})
    yield Bad(
        "bias int16 for int8", TypeError, "cast bias", typed("int8", bias=BIAS.astype("int16"))
    )


def pad_values():
    for value in ("0", None, 1j, True, [0], np.zeros(())):
        match = re.escape(f"pad_value is {value!r}, but x has type float32")
        yield Bad(f"pad_value {value!r}", TypeError, match, {"pad_value": value})
    for dtype, value, ends in (
        ("int8", 128, "-128 and 127"),
        ("uint8", -1, "0 and 255"),
        ("int64", 2**63, f"{-(2**63)} and {2**63 - 1}"),
    ):
        match = f"pad_value is {value}, but {dtype} ends at {ends}"
        yield Bad(f"pad_value {value} of {dtype}", ValueError, match, typed(dtype, pad_value=value))
    for dtype, value in (("f4", 1e39), ("f4", 10**400), ("f2", -70000), ("c8", 1e39 + 1j)):
        match = re.escape(f"pad_value is {value}, but that is beyond {np.dtype(dtype)}")
        yield Bad(
            f"pad_value {str(value)[:12]} of {dtype}",
            ValueError,
            match,
            typed(dtype, pad_value=value),
        )
    match = "pad_value is 1.5, but x has type int8"
    yield Bad("pad_value 1.5 of int8", TypeError, match, typed("int8", pad_value=1.5))


def outs():
    y = np.full((2, 12, 5, 7), -77, np.float32)
    fixed = y.copy()
    fixed.flags.writeable = False
    yield Bad("out of another shape", ValueError, "out has shape .* y has shape", {"out": y[:1]})
    yield Bad(
        "out of the other layout",
        ValueError,
        r"out has shape \(2, 12, 5, 7\), but y has shape \(2, 5, 7, 12\)",
        {
            "x": X.transpose(0, 2, 3, 1),
            "weight": WEIGHT.transpose(2, 3, 1, 0),
            "out": y,
            "layout": "NHWC",
        },
    )
    spread = np.lib.stride_tricks.as_strided(np.zeros(1, np.float32), y.shape, (0, 0, 0, 0))
    yield Bad("out in one place", ValueError, "out has several elements in", {"out": spread})
    match = "out has type float64, but y has type float32"
    yield Bad("out of another type", TypeError, match, {"out": y.astype(np.float64)})
    match = "out has type int8, but y has type int32"
    yield Bad("out of the operands' type", TypeError, match, typed("int8", out=y.astype(np.int8)))
    yield Bad(
        "out read-only", ValueError, "out is read-only, but must be writeable", {"out": fixed}
    )
    yield Bad("out a list", TypeError, "out is of type list, but must be", {"out": y.tolist()})
    yield Bad(
        "out is x",
        ValueError,
        "out shares memory with x, but inputs are never written to",
        {"weight": np.ones((6, 2, 1, 1), np.float32), "bias": None, "out": X},
    )
    buffer = np.ones(2 * 6 * 7 * 8 + 1, np.float32)
    yield Bad(
        "out overlaps x",
        ValueError,
        "out shares memory with x",
        {
            "x": buffer[1:].reshape(X.shape),
            "weight": np.ones((6, 2, 1, 1), np.float32),
            "bias": None,
            "out": buffer[:-1].reshape(X.shape),
        },
    )
    weight = np.ones((2, 12, 5, 7), np.float32)
    yield Bad(
        "out overlaps weight",
        ValueError,
        "out shares memory with weight",
        {"weight": weight.reshape(-1)[: WEIGHT.size].reshape(WEIGHT.shape), "out": weight},
    )
    yield Bad(
        "out overlaps bias",
        ValueError,
        "out shares memory with bias",
        {"bias": weight[0, :, 0, 0], "out": weight},
    )


def forms():
    pointwise = {"function": "pointwise_conv2d"}
    match = "weight has a 3x2 kernel, but a pointwise one is 1x1"
    yield Bad("pointwise with a wide kernel", ValueError, match, {"weight": WEIGHT}, **pointwise)
    match = "weight has 5 input channels per group, but x has 6 channels"
    yield Bad("pointwise of 5", ValueError, match, {"weight": POINTWISE[:, :5]}, **pointwise)
    depthwise = {"function": "depthwise_conv2d"}
    match = "weight has 7 output channels, which 6 groups do not divide"
    seven = np.ones((7, 1, 3, 2), np.float32)
    yield Bad("depthwise by 7", ValueError, match, {"weight": seven}, **depthwise)
    match = "weight has 2 input channels per group, but x has 6 channels in 6 groups of 1"
    yield Bad("depthwise of 2", ValueError, match, {"weight": WEIGHT}, **depthwise)
    yield Bad("depthwise with groups", TypeError, "'groups'", {"groups": 6}, **depthwise)
    yield Bad("depthwise of 3 axes", ValueError, "x has shape .* 4 axes", {"x": X[0]}, **depthwise)
    yield Bad("group by 0", ValueError, "groups is 0", {"groups": 0}, "group_conv2d")


def layouts_of_narrower_functions():
    """What the layout makes wrong is not taken for a kernel that is too wide."""
    for function in ("pointwise_conv2d", "depthwise_conv2d", "depthwise_separable_conv2d"):
        match = "layout is 'nchw', but must be"
        yield Bad(f"{function}: layout", ValueError, match, {"layout": "nchw"}, function)


def separable():
    """Each message names the argument as the caller of the separable form knows it."""
    shared = np.ones((2, 5, 5, 7), np.float32)  # of y's shape; its first cells serve as an operand

    def head_of_out(array):
        return shared.reshape(-1)[: array.size].reshape(array.shape)

    rows = (
        ("pointwise_weight has a 3x2 kernel", ValueError, {"pointwise_weight": WEIGHT}),
        (
            "pointwise_weight has 5 input channels per group, but the depthwise output has 6",
            ValueError,
            {"pointwise_weight": POINTWISE[:, :5]},
        ),
        (
            "depthwise_weight has 2 input channels per group, but x has 6 channels in 6 groups",
            ValueError,
            {"depthwise_weight": WEIGHT},
        ),
        ("depthwise_weight spans 3 cells along H", ValueError, {"x": X[:, :, :2]}),
        (
            "x has type float32, but depthwise_weight has type int8",
            TypeError,
            {"depthwise_weight": DEPTHWISE.astype("i1")},
        ),
        (
            "(?!.*cast the depthwise output).*pointwise_weight has type float64",
            TypeError,
            {"pointwise_weight": POINTWISE.astype("f8")},
        ),
        ("depthwise_weight is a masked", TypeError, {"depthwise_weight": np.ma.array(DEPTHWISE)}),
        ("pointwise_weight is a masked", TypeError, {"pointwise_weight": np.ma.array(POINTWISE)}),
        ("depthwise_bias has shape", ValueError, {"depthwise_bias": BIAS}),
        ("depthwise_bias has type int64", TypeError, {"depthwise_bias": np.ones(6, np.int64)}),
        ("bias has shape", ValueError, {"bias": BIAS}),
        ("bias has type int64", TypeError, {"bias": np.ones(5, np.int64)}),
        (".* unexpected keyword argument 'groups'", TypeError, {"groups": 6}),
        ("out has shape", ValueError, {"out": X}),
        (
            "out shares memory with depthwise_weight",
            ValueError,
            {"depthwise_weight": head_of_out(DEPTHWISE), "out": shared},
        ),
        (
            "out shares memory with pointwise_weight",
            ValueError,
            {"pointwise_weight": head_of_out(POINTWISE), "out": shared},
        ),
        (
            "out shares memory with bias",
            ValueError,
            {"bias": head_of_out(BIAS[:5]), "out": shared},
        ),
    )
    for match, error, change in rows:
        name = re.sub(r"[.*^$]|\(.*\)", "", match)[:60].strip()
        yield Bad(f"separable: {name}", error, f"^{match}", change, "depthwise_separable_conv2d")


def layers():
    """What a prepared layer refuses before it sees an image."""
    for name, error, match, change in (
        ("axes", ValueError, "weight has shape", {"weight": WEIGHT[0]}),
        ("empty kernel", ValueError, "empty kernel", {"weight": WEIGHT[:, :, :0]}),
        ("groups 0", ValueError, "groups is 0", {"groups": 0}),
        ("groups 3.0", TypeError, "groups is 3.0", {"groups": 3.0}),
        ("groups beside F", ValueError, "which 5 groups do not divide", {"groups": 5}),
        ("stride 0", ValueError, "stride is 0", {"stride": 0}),
        ("dilation 1.5", TypeError, "dilation is 1.5", {"dilation": 1.5}),
        ("padding -1", ValueError, "padding is -1", {"padding": -1}),
        ("layout", ValueError, "layout is 'CHWN'", {"layout": "CHWN"}),
        ("pad_value", TypeError, "pad_value is '0'", {"pad_value": "0"}),
        ("weight type", TypeError, "weight has type uint64", {"weight": WEIGHT.astype("u8")}),
        ("weight masked", TypeError, "weight is a masked", {"weight": np.ma.array(WEIGHT)}),
        ("bias shape", ValueError, "bias has shape", {"bias": BIAS[:5]}),
        ("bias type", TypeError, "bias has type float64", {"bias": BIAS.astype("f8")}),
        ("method", ValueError, "method is 'fft'", {"method": "fft"}),
    ):
        yield Bad(f"layer: {name}", error, match, change, "Conv2d")


def overflows():
    match = "a sum over 12 taps could reach .*, but int64 ends at .*: cast x and weight"
    for dtype in ("int64", "int32"):
        big = np.full(X.shape, np.iinfo(dtype).max, dtype)
        weight = np.full(WEIGHT.shape, np.iinfo(dtype).min, dtype)
        out = np.full((2, 12, 5, 7), -77, np.int64)
        change = {"x": big, "weight": weight, "bias": None, "out": out}
        yield Bad(f"{dtype} sums", OverflowError, match, change)


BAD_CALLS = [
    *shapes(),
    *options(),
    *types(),
    *pad_values(),
    *outs(),
    *forms(),
    *layouts_of_narrower_functions(),
    *separable(),
    *layers(),
    *overflows(),
]
