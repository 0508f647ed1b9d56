"""Other implementations of the same convolution: the truth from outside.

Each peer is called as `peer(x, weight, bias, geometry)`, with NumPy arrays in NCHW and a bias or
None, and returns y. What a peer cannot do is worked around here, in the open, and never with
refconv.
"""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view


def padded(x, geometry):
    """`x` with its pads, filled with zeros."""
    return np.pad(x, ((0, 0), (0, 0), *geometry.padding))


def with_bias(y, bias):
    """`y` (N, F, OH, OW) plus a bias (F,) or None."""
    return y if bias is None else y + bias[:, None, None]


def numpy_conv2d(x, weight, bias, geometry):
    """The formula over NumPy's sliding windows: short, and unlike anything in refconv."""
    g = geometry
    window = (g.dh * (g.KH - 1) + 1, g.dw * (g.KW - 1) + 1)
    windows = sliding_window_view(padded(x, g), window, axis=(2, 3))
    taps = windows[:, :, :: g.sh, :: g.sw, :: g.dh, :: g.dw]  # (N, C, OH, OW, KH, KW)
    taps = taps.reshape(g.N, g.G, g.Cg, *taps.shape[2:])
    kernels = weight.reshape(g.G, g.Fg, g.Cg, g.KH, g.KW)
    y = np.einsum("ngchwij,gfcij->ngfhw", taps, kernels)
    return with_bias(y.reshape(g.y_shape), bias)


def torch_conv2d(x, weight, bias, geometry):
    """PyTorch's functional conv2d, which has no asymmetric pads: those are filled in before."""
    import torch

    g = geometry
    image = torch.nn.functional.pad(torch.from_numpy(x), (g.pl, g.pr, g.pt, g.pb))
    y = torch.nn.functional.conv2d(
        image,
        torch.from_numpy(weight),
        None if bias is None else torch.from_numpy(bias),
        stride=g.stride,
        dilation=g.dilation,
        groups=g.G,
    )
    return y.numpy()


def onnxruntime_conv2d(x, weight, bias, geometry):
    """ONNX Runtime on a model of one Conv node with explicit pads."""
    return run_node("Conv", operands(x, weight, bias), **onnx_attributes(geometry))


def operands(x, weight, bias):
    """A node's inputs by name; the optional last one is left out where there is none."""
    return {"x": x, "weight": weight} | ({} if bias is None else {"bias": bias})


def onnx_attributes(geometry):
    """The geometry's options as ONNX names and orders them."""
    g = geometry
    pads = [g.pt, g.pl, g.pb, g.pr]
    return {"strides": g.stride, "pads": pads, "dilations": g.dilation, "group": g.G}


def run_node(operator, inputs, **attributes):
    """The output of a model that is one node, by ONNX Runtime."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1  # no pool to start and stop for each small model
    session = onnxruntime.InferenceSession(
        _node_model(operator, inputs, attributes).SerializeToString(),
        options,
        providers=["CPUExecutionProvider"],
    )
    return session.run(None, inputs)[0]


def _node_model(operator, inputs, attributes):
    """An ONNX model of one node on inputs of these types and shapes."""
    from onnx import TensorProto, helper

    def described(name, array):
        element = helper.np_dtype_to_tensor_dtype(array.dtype)
        return helper.make_tensor_value_info(name, element, array.shape)

    floats = dict.fromkeys(("Conv", "ConvTranspose"), TensorProto.FLOAT)
    results = floats | {"ConvInteger": TensorProto.INT32}
    graph = helper.make_graph(
        [helper.make_node(operator, list(inputs), ["y"], **attributes)],
        operator,
        [described(name, array) for name, array in inputs.items()],
        [helper.make_tensor_value_info("y", results[operator], None)],
    )
    # Opset 11 and IR 8: old enough for every ONNX Runtime that the tests may meet.
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 11)], ir_version=8)


def jax_conv2d(x, weight, bias, geometry):
    """JAX's lax.conv_general_dilated."""
    import jax

    g = geometry
    y = jax.lax.conv_general_dilated(
        x,
        weight,
        window_strides=g.stride,
        padding=g.padding,
        rhs_dilation=g.dilation,
        feature_group_count=g.G,
        precision=jax.lax.Precision.HIGHEST,
    )
    return with_bias(np.asarray(y), bias)


def scipy_conv2d(x, weight, bias, geometry):
    """SciPy's correlate2d, channel by channel: dilation by a kernel with holes, stride by slicing,
    groups by hand. It conjugates the kernel, as signal processing does: that is undone.
    """
    from scipy import signal

    g = geometry
    holed = np.zeros((g.F, g.Cg, g.dh * (g.KH - 1) + 1, g.dw * (g.KW - 1) + 1), dtype=weight.dtype)
    holed[:, :, :: g.dh, :: g.dw] = weight
    xp = padded(x, g)
    y = np.zeros(g.y_shape, x.dtype)
    for n, f, cg in np.ndindex(g.N, g.F, g.Cg):
        image, kernel = xp[n, f // g.Fg * g.Cg + cg], holed[f, cg].conj()
        y[n, f] += signal.correlate2d(image, kernel, mode="valid")[:: g.sh, :: g.sw]
    return with_bias(y, bias)


PEERS = {
    "numpy": numpy_conv2d,
    "torch": torch_conv2d,
    "onnxruntime": onnxruntime_conv2d,
    "jax": jax_conv2d,
    "scipy": scipy_conv2d,
}


def magnitude(x, weight, bias, geometry):
    """Sum of |x*w| + |bias| for each output, in float64: the scale of its rounding error."""
    x, weight = (np.abs(a.astype(np.float64)) for a in (x, weight))
    return numpy_conv2d(x, weight, None if bias is None else np.abs(bias), geometry)


def float32_bound(x, weight, bias, geometry):
    """What a float32 sum of n terms may be off by, in any order: (n+1) * u * sum|x*w|.

    One rounding for each product and each addition gives n*u/(1 - n*u) (Higham, "Accuracy and
    Stability of Numerical Algorithms", section 3.1), which is below that while n*(n+1)*u < 1.
    """
    n, unit = geometry.K + (bias is not None), 2.0**-24
    assert n * (n + 1) * unit < 1
    return (n + 1) * unit * magnitude(x, weight, bias, geometry)
