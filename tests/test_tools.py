"""What other tools print: each rule beside the tool itself, and beside figures from reports.

The tools read shapes alone, so their operands hold no numbers: PyTorch's are whatever lies in the
memory, XLA's and TensorFlow's are declared, and an ONNX graph's weights are inputs.
"""

import contextlib
import importlib.util
import io

import pytest

from refconv.geometry import Geometry
from refconv.networks import NETWORKS, Layer
from refconv.networks.network import matrix
from refconv.networks.tools import TOOLS

FROM_TEXT = ("benchdnn",)
"""Rules that no test here compares with a tool: it is a program in C++, to be built."""

TOO_LARGE = {"tensorflow": "tensorflow", "deepspeed": "deepspeed", "calflops": "calflops"}
"""Tools that bring gigabytes: compared where they are installed, and not asked for."""

RUN_HERE = [
    name
    for name in TOOLS
    if name not in FROM_TEXT
    and (name not in TOO_LARGE or importlib.util.find_spec(TOO_LARGE[name]))
]


def convolution(x_shape, weight_shape, *, bias=False, **options):
    return Layer("layer", Geometry.of(x_shape, weight_shape, **options), bias, batch_norm=True)


def transposed(y_shape, weight_shape, *, bias=False, **options):
    """A transposed layer with these outputs and this weight."""
    geometry = Geometry.of(y_shape, weight_shape, **options)
    return Layer("layer", geometry, bias, batch_norm=True, form="transposed")


ODD = convolution(
    (2, 6, 12, 13), (9, 2, 3, 2), bias=True,
    stride=(3, 2), padding=(2, 1), dilation=(2, 1), groups=3,
)  # fmt: skip

TRANSPOSED = {
    "k4s2": transposed((2, 6, 16, 16), (4, 6, 4, 4), bias=True, stride=2, padding=1),
    "k3s2g4": transposed((2, 4, 16, 16), (4, 1, 3, 3), bias=True, stride=2, padding=1, groups=4),
    "k2s2g3": transposed((2, 6, 16, 16), (6, 2, 2, 2), bias=True, stride=2, groups=3),
    "valid": transposed((3, 5, 17, 22), (4, 5, 3, 4), stride=(2, 3)),
    "odd": transposed(
        (2, 6, 12, 13), (9, 2, 3, 2), bias=True,
        stride=(3, 2), padding=(2, 1), dilation=(2, 1), groups=3,
    ),
}  # fmt: skip
"""By kernel, stride and groups: the first three are those of deepspeedai/DeepSpeed#8323."""

ATROUS = convolution((2, 3, 12, 13), (6, 1, 3, 2), dilation=2, groups=3)
"""Depthwise and dilated, with a width that the dilation does not divide."""

OTHERS = [
    ODD,
    *TRANSPOSED.values(),
    ATROUS,
    convolution((3, 5, 7, 8), (4, 5, 3, 2), bias=True, padding=1),
    matrix("rows", rows=3, inputs=5, outputs=7, bias=True),
    matrix("no bias", rows=3, inputs=5, outputs=7),
]


def distinct_layers():
    """Every distinct layer of every network, under the name that it has first."""
    found = {}
    for build in NETWORKS.values():
        for layer in build().layers:
            found.setdefault((layer.geometry, layer.bias, layer.form), layer)
    return list(found.values())


LAYERS = distinct_layers() + OTHERS


def torch_module(layer):
    """The layer as one of torch's own, and an input for it.

    The module is made without its numbers, for drawing them takes long; but not run on the "meta"
    device, where a linear layer is an `addmm` in Python, which some of the tools count once more.
    """
    import torch

    g = layer.geometry
    if layer.form == "matrix":
        module = torch.nn.Linear(g.C, g.F, bias=layer.bias, device="meta")
        return module.to_empty(device="cpu"), torch.empty(g.N, g.C)
    assert (g.pt, g.pl) == (g.pb, g.pr), "torch's layers pad both ends alike"
    options = {
        "stride": g.stride, "padding": (g.pt, g.pl), "dilation": g.dilation, "groups": g.G,
        "bias": layer.bias, "device": "meta",
    }  # fmt: skip
    if layer.form == "convolution":
        module = torch.nn.Conv2d(g.C, g.F, (g.KH, g.KW), **options)
        return module.to_empty(device="cpu"), torch.empty(g.x_shape)
    options["output_padding"] = missed_cells(g)
    module = torch.nn.ConvTranspose2d(g.F, g.C, (g.KH, g.KW), **options)
    return module.to_empty(device="cpu"), torch.empty(g.y_shape)


def missed_cells(g):
    """The last rows and columns, which no window of the convolution the other way reaches."""
    rows = g.H + g.pt + g.pb - g.dh * (g.KH - 1) - 1 - (g.OH - 1) * g.sh
    columns = g.W + g.pl + g.pr - g.dw * (g.KW - 1) - 1 - (g.OW - 1) * g.sw
    return rows, columns


def torch_norm(layer):
    """The batch norm behind the layer, and an input for it."""
    import torch

    g = layer.geometry
    shape = g.x_shape if layer.form == "transposed" else g.y_shape
    return torch.nn.BatchNorm2d(layer.channels_out).eval(), torch.empty(shape)


def torch_flop_counter(module, x):
    flop_counter = pytest.importorskip("torch.utils.flop_counter", reason="torch is not installed")
    with flop_counter.FlopCounterMode(display=False) as counter:
        module(x)
    return counter.get_total_flops()


def torch_profiler(module, x):
    profiler = pytest.importorskip("torch.profiler", reason="torch is not installed")
    activities = [profiler.ProfilerActivity.CPU]
    with profiler.profile(activities=activities, with_flops=True) as profile:
        module(x)
    return sum(event.flops for event in profile.key_averages())


def fvcore(module, x):
    nn = pytest.importorskip("fvcore.nn", reason="fvcore is not installed")
    return nn.FlopCountAnalysis(module, x).unsupported_ops_warnings(False).total()


def thop(module, x):
    tool = pytest.importorskip("thop", reason="thop is not installed")
    return tool.profile(module, (x,), verbose=False)[0]


def ptflops(module, x):
    import torch

    tool = pytest.importorskip("ptflops", reason="ptflops is not installed")
    macs, _ = tool.get_model_complexity_info(
        torch.nn.Sequential(module),
        tuple(x.shape[1:]),
        print_per_layer_stat=False,
        as_strings=False,
        input_constructor=lambda _: x,
    )
    # The tool divides by the first axis; for a matrix that is rows, not images: see its note.
    return macs * len(x) if x.ndim == 2 else macs


def torchinfo(module, x):
    tool = pytest.importorskip("torchinfo", reason="torchinfo is not installed")
    return tool.summary(module, input_data=x, verbose=0).total_mult_adds


def deepspeed(module, x):
    from deepspeed.profiling.flops_profiler import get_model_profile

    flops, _, _ = get_model_profile(module, args=[x], print_profile=False, as_string=False)
    return flops


def calflops(module, x):
    tool = pytest.importorskip("calflops", reason="calflops is not installed")
    flops, _, _ = tool.calculate_flops(
        module, args=[x], print_results=False, output_as_string=False
    )
    return flops


WATCHERS = {
    "torch": torch_flop_counter,
    "torch-profiler": torch_profiler,
    "fvcore": fvcore,
    "thop": thop,
    "ptflops": ptflops,
    "torchinfo": torchinfo,
    "deepspeed": deepspeed,
    "calflops": calflops,
}


def watched(run):
    """What a tool that watches torch's modules says of a layer."""

    def figure(layer):
        pytest.importorskip("torch", reason="torch is not installed")
        return run(*torch_module(layer))

    return figure


def onnx_model(layer):
    """A graph of one node."""
    pytest.importorskip("onnx", reason="onnx is not installed")
    g = layer.geometry
    attributes = {
        "kernel_shape": [g.KH, g.KW], "strides": g.stride, "pads": [g.pt, g.pl, g.pb, g.pr],
        "dilations": g.dilation, "group": g.G,
    }  # fmt: skip
    if layer.form == "matrix":
        return onnx_graph(
            "Gemm", (g.N, g.C), {"weight": (g.C, g.F), "bias": (g.F,)}, (g.N, g.F), layer.bias
        )
    weights = {"weight": g.weight_shape, "bias": (layer.channels_out,)}
    if layer.form == "convolution":
        return onnx_graph("Conv", g.x_shape, weights, g.y_shape, layer.bias, **attributes)
    attributes["output_padding"] = missed_cells(g)
    return onnx_graph("ConvTranspose", g.y_shape, weights, g.x_shape, layer.bias, **attributes)


def onnx_norm(layer):
    """A graph of the batch norm behind the layer."""
    g = layer.geometry
    shape = g.x_shape if layer.form == "transposed" else g.y_shape
    channels = (layer.channels_out,)
    weights = dict.fromkeys(("scale", "shift", "mean", "variance"), channels)
    return onnx_graph("BatchNormalization", shape, weights, shape)


def onnx_graph(kind, x_shape, weights, y_shape, bias=True, **attributes):
    import onnx

    if not bias:
        del weights["bias"]
    shapes = {"x": x_shape, **weights}
    helper, float32 = onnx.helper, onnx.TensorProto.FLOAT
    inputs = [helper.make_tensor_value_info(n, float32, shape) for n, shape in shapes.items()]
    outputs = [helper.make_tensor_value_info("y", float32, y_shape)]
    node = helper.make_node(kind, list(shapes), ["y"], name="node", **attributes)
    graph = helper.make_graph([node], "one", inputs, outputs)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])


def onnx_tool(model):
    import numpy as np

    tool = pytest.importorskip("onnx_tool", reason="onnx-tool is not installed")
    found = tool.Model(model, {"verbose": False})
    shapes = {value.name: shape_of(value) for value in model.graph.input}
    found.graph.shape_infer({name: np.broadcast_to(np.float32(0), s) for name, s in shapes.items()})
    found.graph.profile()
    return found.graph.macs[0]


def shape_of(value):
    return tuple(axis.dim_value for axis in value.type.tensor_type.shape.dim)


def onnx_opcounter(model):
    tool = pytest.importorskip("onnx_opcounter", reason="onnx-opcounter is not installed")
    return tool.calculate_macs(model)


def xla(layer):
    """XLA's cost analysis of the program as lowered; nothing is compiled."""
    jax = pytest.importorskip("jax", reason="jax is not installed")
    g = layer.geometry
    declare = jax.ShapeDtypeStruct
    float32 = jax.numpy.float32

    def program(x, weight, *bias):
        if layer.form == "matrix":
            y = x @ weight
        elif layer.form == "convolution":
            y = jax.lax.conv_general_dilated(
                x, weight, g.stride, g.padding, rhs_dilation=g.dilation, feature_group_count=g.G
            )
        else:
            y = transposed_in_jax(x, weight)
        return y + bias[0].reshape(-1, *(1,) * (y.ndim - 2)) if bias else y

    def transposed_in_jax(x, weight):
        """A convolution of the input spread by the stride, as XLA has it."""
        extents = g.dh * (g.KH - 1), g.dw * (g.KW - 1)
        rows, columns = missed_cells(g)
        pads = (
            (extents[0] - g.pt, extents[0] - g.pb + rows),
            (extents[1] - g.pl, extents[1] - g.pr + columns),
        )
        return jax.lax.conv_general_dilated(
            x, weight, (1, 1), pads,
            lhs_dilation=g.stride, rhs_dilation=g.dilation, feature_group_count=g.G,
        )  # fmt: skip

    if layer.form == "matrix":
        shapes = [(g.N, g.C), (g.C, g.F)]
    elif layer.form == "convolution":
        shapes = [g.x_shape, g.weight_shape]
    else:
        shapes = [g.y_shape, (g.C, g.Fg, g.KH, g.KW)]
    shapes += [(layer.channels_out,)] * layer.bias
    lowered = jax.jit(program).lower(*(declare(shape, float32) for shape in shapes))
    return lowered.cost_analysis()["flops"]


def tensorflow(layer):
    """TensorFlow's profiler of a graph that is declared, not run."""
    import tensorflow as tf

    g, v1 = layer.geometry, tf.compat.v1
    strides = (1, g.sh, g.sw, 1)
    pads = [[0, 0], *map(list, g.padding), [0, 0]]

    def declare(*shape):
        return v1.placeholder(tf.float32, shape)

    def build():
        x = declare(g.N, g.H, g.W, g.C)
        if layer.form == "matrix":
            return tf.matmul(declare(g.N, g.C), declare(g.C, g.F))
        if layer.form == "transposed":
            weight = declare(g.KH, g.KW, g.Cg, g.F)
            return tf.nn.conv2d_transpose(
                declare(g.N, g.OH, g.OW, g.F), weight, (g.N, g.H, g.W, g.C), strides, pads
            )
        if g.kind == "depthwise":
            weight = declare(g.KH, g.KW, g.C, g.Fg)
            padding = pads if g.padded else "VALID"
            return tf.nn.depthwise_conv2d(x, weight, strides, padding, dilations=g.dilation)
        weight = declare(g.KH, g.KW, g.Cg, g.F)
        return tf.nn.conv2d(x, weight, strides, pads, dilations=g.dilation)

    graph = tf.Graph()
    with graph.as_default():
        y = build()
        if layer.bias:
            tf.nn.bias_add(y, declare(layer.channels_out))
    options = v1.profiler.ProfileOptionBuilder(v1.profiler.ProfileOptionBuilder.float_operation())
    found = v1.profiler.profile(graph, cmd="op", options=options.with_empty_output().build())
    return found.total_float_ops


FIGURES = {
    **{name: watched(run) for name, run in WATCHERS.items()},
    "onnx-tool": lambda layer: onnx_tool(onnx_model(layer)),
    "onnx-opcounter": lambda layer: onnx_opcounter(onnx_model(layer)),
    "xla": xla,
    "tensorflow": tensorflow,
}


@contextlib.contextmanager
def hushed():
    """Some tools print whatever they are told."""
    with contextlib.redirect_stdout(io.StringIO()):
        yield


@pytest.mark.filterwarnings("ignore")  # the tools' own, of what they use
@pytest.mark.parametrize("name", RUN_HERE)
def test_prints_what_the_tool_itself_prints(name):
    with hushed():
        printed = [FIGURES[name](layer) for layer in LAYERS]
    ruled = [TOOLS[name].figure(layer) or 0 for layer in LAYERS]
    wrong = [
        f"{layer.form} {layer.geometry.descriptor}, bias {layer.bias}: "
        f"the tool has {theirs}, the rule {ours}"
        for layer, theirs, ours in zip(LAYERS, printed, ruled, strict=True)
        if theirs != ours
    ]
    assert not wrong, "\n".join(wrong)


@pytest.mark.filterwarnings("ignore")  # the tools' own, of what they use
@pytest.mark.parametrize("name", [name for name in RUN_HERE if TOOLS[name].norm])
@pytest.mark.parametrize("layer", [ODD, TRANSPOSED["k4s2"]], ids=["convolution", "transposed"])
def test_counts_a_batch_norm_as_the_tool_does(name, layer):
    if name in WATCHERS:
        pytest.importorskip("torch", reason="torch is not installed")
        norm, run = torch_norm, WATCHERS[name]
        with hushed():
            printed = run(*norm(layer))
    else:
        pytest.importorskip("onnx", reason="onnx is not installed")
        run = {"onnx-tool": onnx_tool, "onnx-opcounter": onnx_opcounter}[name]
        with hushed():
            printed = run(onnx_norm(layer))
    assert printed == TOOLS[name].norm_figure(layer)


@pytest.mark.parametrize("name", TOOLS)
def test_says_why_where_its_figure_is_not_ours_and_only_there(name):
    tool = TOOLS[name]
    for layer in LAYERS:
        same = tool.figure(layer) == tool.ours(layer)
        assert (tool.differs(layer) == "") == same, layer.geometry.descriptor


@pytest.mark.parametrize("name", TOOLS)
def test_an_empty_batch_costs_nothing(name):
    empty = convolution((0, 6, 12, 13), (9, 2, 3, 2), bias=True, groups=3)
    assert TOOLS[name].figure(empty) == 0


SAME = convolution((16, 8, 32, 33), (64, 8, 3, 3), padding=1)
FIRST = convolution((1, 3, 224, 224), (64, 3, 7, 7), stride=2, padding=3)
SMALL = convolution((1, 4, 2, 2), (4, 4, 3, 3), padding=1)
PIXELS = 16 * 32 * 33


@pytest.mark.parametrize(
    ("name", "layer", "figure"),
    [
        pytest.param("fvcore", SAME, PIXELS * 64 * 72, id="fvcore#69: MACs by the name of flops"),
        pytest.param("tensorflow", SAME, PIXELS * 64 * 144, id="2 FLOPs a MAC"),
        pytest.param("torch", SMALL, 1152, id="padding counted"),
        pytest.param("benchdnn", SMALL, 512, id="padding left out"),
        pytest.param("xla", FIRST, 232_429_056, id="xla: ResNet's first layer"),
        pytest.param("benchdnn", FIRST, 232_429_056, id="benchdnn: ResNet's first layer"),
        pytest.param("torch", FIRST, 236_027_904, id="torch: ResNet's first layer"),
        pytest.param("calflops", TRANSPOSED["k4s2"], 98496, id="DeepSpeed#8323, before"),
        pytest.param("calflops", TRANSPOSED["k3s2g4"], 32, id="DeepSpeed#8323, before, g4"),
        pytest.param("calflops", TRANSPOSED["k2s2g3"], 64, id="DeepSpeed#8323, before, g3"),
        pytest.param("deepspeed", TRANSPOSED["k4s2"], 101376, id="DeepSpeed#8323, after"),
        pytest.param("deepspeed", TRANSPOSED["k3s2g4"], 11264, id="DeepSpeed#8323, after, g4"),
        pytest.param("deepspeed", TRANSPOSED["k2s2g3"], 15360, id="DeepSpeed#8323, after, g3"),
    ],
)
def test_figures_from_reports_and_papers(name, layer, figure):
    assert TOOLS[name].figure(layer) == figure


@pytest.mark.parametrize(
    ("name", "layer", "figure"),
    [
        ("ptflops", ODD, 3276),
        ("tensorflow", ODD, 12600),
        ("tensorflow", ATROUS, 13824),
        ("tensorflow", TRANSPOSED["valid"], 89760),
        ("thop", TRANSPOSED["odd"], 33696),
        ("onnx-opcounter", TRANSPOSED["odd"], 33696),
        ("torchinfo", TRANSPOSED["odd"], 35568),
        ("onnx-tool", TRANSPOSED["odd"], 24336),
        ("torch", TRANSPOSED["odd"], 12096),
        ("xla", TRANSPOSED["odd"], 12168),
    ],
)
def test_figures_that_the_tools_gave(name, layer, figure):
    """By the version that the rule names: here for those who have not installed it."""
    assert TOOLS[name].figure(layer) == figure


@pytest.mark.parametrize(
    ("name", "layer", "sentence"),
    [
        ("fvcore", ODD, ""),
        ("torch", TRANSPOSED["k4s2"], ""),
        ("ptflops", ODD, "counts 504 additions of the bias; prints one image of 2"),
        ("torchinfo", matrix("fc", rows=3, inputs=5, outputs=7, bias=True),
         "counts 21 additions of the bias"),
        ("deepspeed", matrix("fc", rows=3, inputs=5, outputs=7, bias=True), ""),
        ("benchdnn", SMALL, "leaves out 640 FLOPs of taps on padding cells"),
        ("thop", TRANSPOSED["valid"],
         "counts a transposed layer by its output's size instead of its input's"),
        ("torchinfo", transposed((1, 6, 5, 7), (4, 6, 1, 1), bias=True),
         "counts 210 additions of the bias"),
        ("torch-profiler", TRANSPOSED["k4s2"], "does not count transposed layers"),
    ],
)  # fmt: skip
def test_sentences(name, layer, sentence):
    assert TOOLS[name].differs(layer) == sentence


def test_has_no_figure_for_what_the_tool_does_not_count():
    strided = convolution((2, 3, 12, 13), (3, 1, 3, 2), stride=2, dilation=2, groups=3)
    assert TOOLS["torch-profiler"].figure(TRANSPOSED["valid"]) is None
    assert TOOLS["tensorflow"].figure(strided) is None
    assert "refuses it with a stride" in TOOLS["tensorflow"].differs(strided)


def test_tells_the_batch_norm_apart():
    norm = 2 * 9 * ODD.geometry.OH * ODD.geometry.OW * 2
    assert TOOLS["fvcore"].norm_figure(ODD) == norm
    assert TOOLS["torch"].norm_figure(ODD) is None
    assert TOOLS["fvcore"].norm_figure(matrix("fc", rows=3, inputs=5, outputs=7)) is None


def test_torch_profiler_counts_no_padding_by_name():
    torch = pytest.importorskip("torch", reason="torch is not installed")
    x = torch.empty(2, 3, 5, 7)
    by_name = torch.nn.Conv2d(3, 4, 3, padding="same")
    by_number = torch.nn.Conv2d(3, 4, 3, padding=1)
    assert [torch_profiler(layer, x) for layer in (by_name, by_number)] == [0, 15120]


def test_says_which_rules_were_compared_with_the_tool():
    how = {name: tool.compared for name, tool in TOOLS.items()}
    assert {name for name in how if how[name] == "from its text alone"} == set(FROM_TEXT)
    assert {name for name in how if how[name] == "once, by hand"} == set(TOO_LARGE)
    assert set(FIGURES) == set(TOOLS) - set(FROM_TEXT)


def test_a_total_has_the_batch_norms_that_the_tool_counts():
    """On torch's MobileNetV1 fvcore gave 578,875,904: this, and 50,176 for the pooling."""
    net = NETWORKS["mobilenet_v1"]()
    assert TOOLS["fvcore"].total(net.layers) == 568_740_352 + 10_085_376 == 578_875_904 - 50_176
    assert TOOLS["torch"].total(net.layers) == 2 * net.macs
    assert TOOLS["torch-profiler"].total([TRANSPOSED["valid"]]) == 0


def test_a_batch_norm_is_averaged_where_its_layer_is():
    """Of two images, ptflops prints one: 2 for each of its 252 outputs."""
    assert TOOLS["ptflops"].norm_figure(ODD) == 504
    assert TOOLS["fvcore"].norm_figure(ODD) == 1008
