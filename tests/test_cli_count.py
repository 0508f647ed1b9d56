"""`refconv count`: what is printed for each kind of source, and one line for each wrong use."""

import csv
import io
import json
import re
import sys
import warnings

import numpy as np
import pytest

from refconv.cli import main
from refconv.networks import published
from refconv.networks.tools import TOOLS


@pytest.fixture
def run(capsys):
    def call(*arguments):
        try:
            status = main(["count", *map(str, arguments)])
        except SystemExit as ended:  # argparse ends by itself
            status = ended.code
        out, errors = capsys.readouterr()
        return status, out, errors

    return call


@pytest.fixture
def documents(run):
    def call(*arguments):
        status, out, errors = run(*arguments, "--json")
        assert (status, errors) == (0, "")
        return json.loads(out)

    return call


@pytest.fixture
def saved(tmp_path):
    """A function that saves an ONNX graph of these nodes and weights, and gives its path."""
    onnx = pytest.importorskip("onnx", reason="needs onnx: pip install 'refconv[onnx]'")
    number = onnx.TensorProto.FLOAT

    def call(nodes, x_shape, weights=(), name="made.onnx"):
        graph = onnx.helper.make_graph(
            [onnx.helper.make_node(*node, **options) for *node, options in nodes],
            "g",
            [onnx.helper.make_tensor_value_info("x", number, x_shape)],
            [onnx.helper.make_tensor_value_info("y", number, None)],
            [
                onnx.numpy_helper.from_array(np.ones(shape, np.float32), weight)
                for weight, shape in dict(weights).items()
            ],
        )
        opset = onnx.helper.make_opsetid("", 17)
        onnx.save(onnx.helper.make_model(graph, opset_imports=[opset]), tmp_path / name)
        return tmp_path / name

    return call


def lines_of(text):
    """The lines, each with single spaces: columns may grow."""
    return [" ".join(line.split()) for line in text.splitlines()]


# --- a network -----------------------------------------------------------------------------------


def test_a_network_by_layer_and_by_kind(run):
    status, text, errors = run("mobilenet_v1")
    assert (status, errors) == (0, "")
    lines = lines_of(text)
    assert lines[0] == "mobilenet_v1: 28 layers, batch 1, float32"
    assert "dw1 depthwise 32x112x112 3,612,672 0.6% 3,569,792" in lines
    assert "dw1 7,225,344 288 0.0% 3,211,264 14,450,688 2.2" in lines
    assert "pointwise 13 539,492,352 94.9% 539,492,352 3,139,584 74.6%" in lines
    assert "all 28 568,740,352 100.0% 567,875,744 4,210,088 100.0%" in lines
    assert "all 1,137,480,704 40,751,008 78,629,888 19.8" in lines
    assert "Batch norms have 21,888 parameters more, in no line above." in lines


@pytest.mark.parametrize(
    "arguments",
    [
        "mobilenet_v1", "resnet50 --batch 64", "alexnet --tool ptflops",
        "resnext50_32x4d --swap separable", "mobilenet_v1_fullconv --swap group:2", "--published",
    ],
)  # fmt: skip
def test_lines_are_80_columns_wide(run, arguments):
    _, text, _ = run(*arguments.split())
    assert max(map(len, text.splitlines())) <= 80


def test_width_resolution_and_batch(documents):
    options = ("mobilenet_v1", "--width", "0.75", "--resolution", "160")
    (one,), (three,) = documents(*options), documents(*options, "--batch", "3")
    assert one["macs"] == 166_396_800
    assert three["macs"] == 3 * one["macs"]
    assert three["trainable"] == one["trainable"]
    assert (one["batches"], three["batches"]) == ([1], [3])
    assert one["network"] == three["network"] == "mobilenet_v1_0.75x_160"


def test_the_first_layer_may_be_stated(documents):
    (found,) = documents("shufflenet_v1_g3", "--scale", "2", "--first", "48")
    assert found["macs"] == 524_045_184


def test_a_document_has_every_figure_by_layer_by_kind_and_in_all(documents):
    (found,) = documents("mobilenet_v1")
    first, kinds = found["layers"][0], found["kinds"]
    assert first | {
        "name": "conv0", "kind": "standard", "macs": 10_838_016, "effective_macs": 10_773_600,
        "flops": 21_676_032, "parameters": 864, "activation_bytes": 4 * (150_528 + 401_408),
        "im2col_bytes": 4 * 27 * 112 * 112, "bytes": 4 * (150_528 + 401_408 + 864),
        "macs_share": 10_838_016 / 568_740_352, "parameters_share": 864 / 4_210_088,
    } == first  # fmt: skip
    assert list(kinds) == ["standard", "depthwise", "pointwise", "fully connected"]
    assert kinds["pointwise"]["layers"] == 13
    assert kinds["pointwise"]["macs_share"] == pytest.approx(0.948574, abs=1e-6)
    for key in ("macs", "effective_macs", "flops", "parameters", "activation_bytes",
                "im2col_bytes", "bytes", "trainable"):  # fmt: skip
        assert found[key] == sum(layer[key] for layer in found["layers"])
        assert found[key] == sum(kind[key] for kind in kinds.values())
    assert found["flop_per_byte"] == found["flops"] / found["bytes"]


def test_csv_has_a_line_for_each_layer(run):
    _, text, _ = run("alexnet", "resnext50_32x4d", "--csv")
    rows = list(csv.DictReader(io.StringIO(text)))
    assert len(rows) == 8 + 54
    assert rows[1] | {"macs": "223948800", "kind": "group", "network": "alexnet_g2"} == rows[1]
    assert rows[1]["bytes"] == str(4 * (69_984 + 307_456 + 186_624))


# --- descriptors and files -----------------------------------------------------------------------


def test_a_descriptor_and_a_file_of_descriptors(documents, tmp_path):
    (found,) = documents("g2mb1ic96ih27oc256oh27kh5ph2")
    assert found["macs"] == 223_948_800
    assert found["network"].startswith("g2mb1ic96ih27iw27oc256oh27ow27kh5kw5")
    path = tmp_path / "layers.txt"
    path.write_text('# two layers\nic3ih5iw7oc4kh3kw2_n"first"\n\ng2ic4ih6iw5oc6kh1\n')
    layers = documents(path)[0]["layers"]
    assert [(layer["name"], layer["macs"]) for layer in layers] == [
        ("first", 3 * 6 * 4 * 3 * 6), ("line4", 6 * 5 * 6 * 2),
    ]  # fmt: skip


def test_the_heading_has_the_batches_that_the_layers_have(run, tmp_path):
    path = tmp_path / "mixed.txt"
    path.write_text("mb1ic3ih5oc4kh3\nmb2ic3ih5oc4kh3\nmb2ic3ih5oc4kh3\n")
    assert run(path)[1].startswith("mixed: 3 layers, batches 1 and 2, float32\n")
    assert ": 1 layer, batch 2, float32\n" in run("mb2ic3ih5oc4kh3")[1]


def test_a_product_of_matrices_shows_all_its_rows(run, saved):
    path = saved([("MatMul", ["x", "w"], ["y"], {})], (512, 72), {"w": (72, 5)})
    assert "y fully connected 512x5 184,320 100.0% 184,320" in lines_of(run(path)[1])
    assert run(path)[1].startswith("made: 1 layer, float32\n")


def test_a_batch_is_used_once(documents, run, saved):
    """The mean over the batch is one row; the batch is the file's, and multiplies nothing twice."""
    nodes = [("ReduceMean", ["x"], ["m"], {"axes": [0]}), ("MatMul", ["m", "w"], ["y"], {})]
    path = saved(nodes, ("N", 8), {"w": (8, 5)})
    assert documents(path, "--batch", "4")[0]["macs"] == 40
    fixed = saved([("Conv", ["x", "w"], ["y"], {})], (2, 3, 5, 6), {"w": (4, 3, 3, 3)}, "two.onnx")
    assert documents(fixed)[0]["batches"] == [2]
    assert run(fixed)[1].startswith("two: 1 layer, batch 2, float32\n")


# --- what is not counted -------------------------------------------------------------------------


@pytest.fixture
def partly(saved):
    """Of w pixels: a convolution, an operator that may matter, and some that do not."""
    nodes = [
        ("Conv", ["x", "weight"], ["c"], {}),
        *[("Relu", ["c" if n == 0 else f"r{n - 1}"], [f"r{n}"], {}) for n in range(6)],
        ("Identity", ["r5"], ["i"], {}),
        ("Einsum", ["i"], ["y"], {"equation": "abcd->a", "name": "\x1b[31mevil\nname"}),
    ]
    return saved(nodes, (1, 3, 5, "w"), {"weight": (4, 3, 3, 2)}, "open.onnx")


def test_what_is_not_counted_is_told_in_words(run, partly):
    status, text, errors = run(partly, "--size", "w=7")
    assert (status, errors) == (0, "")
    lines = text.splitlines()
    assert lines[lines.index("not counted, though they may multiply:") + 1] == (
        r"  Einsum x1: its products are not counted (\x1b[31mevil\nname)"
    )
    assert lines[lines.index("not counted, as they multiply little or nothing:") + 1 :] == [
        "  a few operations for each element: Relu x6",
        "  moves or makes data: no arithmetic: Identity x1",
    ]
    assert max(map(len, lines)) <= 80


def test_what_is_not_counted_is_data_too(documents, run, partly):
    (found,) = documents(partly, "--size", "w=7")
    assert found["macs"] == 4 * 3 * 6 * 18
    assert found["not_counted"] == [
        {"type": "Einsum", "reason": "its products are not counted",
         "names": ["\x1b[31mevil\nname"], "matters": True},
        {"type": "Relu", "reason": "a few operations for each element",
         "names": [f"r{n}" for n in range(6)], "matters": False},
        {"type": "Identity", "reason": "moves or makes data: no arithmetic", "names": ["i"],
         "matters": False},
    ]  # fmt: skip
    rows = list(csv.DictReader(io.StringIO(run(partly, "--size", "w=7", "--csv")[1])))
    assert [(row["name"], row["macs"], row["not_counted"]) for row in rows] == [
        ("c", "1296", ""), ("Einsum x1", "", "its products are not counted"),
        ("Relu x6", "", "a few operations for each element"),
        ("Identity x1", "", "moves or makes data: no arithmetic"),
    ]  # fmt: skip


def test_an_open_axis_needs_a_size(run, partly):
    status, out, errors = run(partly)
    assert (status, out, errors.count("\n")) == (2, "", 1)
    assert "open axes of its inputs need a size: 'w'" in errors


@pytest.mark.parametrize("options", [(), ("--csv",), ("--tool", "torch"), ("--swap", "group:2")])
def test_a_name_cannot_colour_the_terminal(run, saved, options):
    hostile = {"name": "\x1b[31mevil\nname\u202e"}
    nodes = [("Conv", ["x", "w"], ["c"], hostile), ("Conv", ["c", "v"], ["y"], hostile)]
    path = saved(nodes, (1, 2, 5, 6), {"w": (3, 2, 3, 3), "v": (2, 3, 3, 3)}, "red\x1b[31m.onnx")
    status, text, _ = run(path, *options)
    assert status == 0
    assert r"\x1b[31mevil\nname\u202e" in text
    assert all(line.isprintable() for line in text.splitlines())


def test_a_model_without_layers(run, saved, tmp_path):
    path = saved([("Relu", ["x"], ["y"], {})], (1, 2, 5, 6))
    assert run(path)[1].splitlines() == [
        "made: 0 layers, float32", "", "nothing to count", "",
        "not counted, as they multiply little or nothing:",
        "  a few operations for each element: Relu x1",
    ]  # fmt: skip
    status, out, errors = run(path, "--plot", tmp_path / "a.png")
    assert (status, out) == (2, "")
    assert errors == "refconv count: 'made' has no operations to draw\n"


# --- swaps ---------------------------------------------------------------------------------------


def test_the_papers_own_experiment(run):
    status, text, _ = run("mobilenet_v1_fullconv", "--swap", "separable")
    assert status == 0
    lines = lines_of(text)
    at = lines.index("conv2 128x56x56 3x3 231,211,008 73,728 5,111,808")
    assert lines[at + 1 : at + 4] == [
        ".dw 64x56x56 3x3 g64 1,806,336 576 4,016,384",
        ".pw 128x56x56 1x1 25,690,112 8,192 2,441,216",
        "saved 203,714,560 64,960 -1,345,792 0.119",
    ]
    assert "MACs 4,867,293,184 568,740,352 4,298,552,832 0.117" in lines
    assert "as they are (kept): conv0" in lines
    assert "as they are (a fully connected layer is not separated): fc" in lines


def test_a_swap_as_data(documents):
    swap = documents("mobilenet_v1_fullconv", "--swap", "separable")[0]["swap"]
    assert swap["saved"] == {
        "macs": 4_298_552_832, "parameters": 29_282_120 - 4_210_088, "bytes": 84_833_920
    }  # fmt: skip
    assert swap["after"]["macs"] == 568_740_352
    second = swap["layers"][2]
    assert [one["name"] for one in second["by"]] == ["conv2.dw", "conv2.pw"]
    assert second["by"][1]["bytes"] == 2_441_216
    assert second["saved"] == {"macs": 203_714_560, "parameters": 64_960, "bytes": -1_345_792}
    assert "seconds" not in swap


def test_a_swap_of_a_shared_weight_counts_it_once(documents, saved):
    nodes = [
        ("Conv", [x, "w"], [y], {"pads": [1] * 4}) for x, y in (("x", "a"), ("a", "b"), ("b", "y"))
    ]
    path = saved(nodes, (1, 8, 5, 6), {"w": (8, 8, 3, 3)})
    swap = documents(path, "--swap", "separable", "--keep", "")[0]["swap"]
    assert (swap["before"]["parameters"], swap["after"]["parameters"]) == (576, 136)


def test_a_swap_that_costs_more_is_told(run):
    _, text, _ = run("resnext50_32x4d", "--swap", "separable")
    told = "costs more MACs than what it replaces: conv2_1.b, conv2_2.b, conv2_3.b,"
    assert told in text.splitlines()
    assert "costs more" not in run("resnet50", "--swap", "separable")[1]


def test_layers_to_keep(run, tmp_path):
    path = tmp_path / "two.txt"
    path.write_text('ic4ih5oc4kh3_n"a"\nic4ih5oc4kh3_n"first"\nic4ih5oc4kh3_n"b"\n')
    kept = [
        re.findall(r"\(kept\): (.*)", run(path, "--swap", "separable", *keep)[1])
        for keep in ((), ("--keep", "a,first"), ("--keep", ""))
    ]
    assert kept == [["a"], ["a, first"], []]
    assert "(kept)" not in run("ic4ih5oc4kh3", "--swap", "separable")[1]


@pytest.mark.parametrize("descriptor", ["ic3ih5oc0kh3", "mb0ic3ih5oc4kh3"])
def test_a_swap_of_nothing_has_no_ratio(run, documents, descriptor):
    status, text, errors = run(descriptor, "--swap", "separable", "--keep=")
    assert (status, errors) == (0, "")
    assert lines_of(text)[6].endswith(" -")
    assert re.search(r"^MACs +0 .* -$", text, re.MULTILINE)
    assert documents(descriptor, "--swap", "separable")[0]["swap"]["layers"][0]["promised"] is None


def test_one_input_channel_is_not_called_depthwise(run):
    text = run("ic1ih9oc8kh3", "--swap", "separable")[1]
    assert "as they are (with one input channel, there is nothing to separate): layer" in text


def test_a_swap_measured(run, documents):
    _, text, _ = run("g1mb1ic16ih20oc24oh20kh3ph1", "--swap", "separable", "--time")
    assert text.splitlines()[2].endswith("promised achieved")
    assert re.search(r"^milliseconds +\d+\.\d{3} +\d+\.\d{3} +-?\d+\.\d{3}", text, re.MULTILINE)
    swap = documents("ic16ih20oc24kh3", "--swap", "group:4", "--time")[0]["swap"]
    (one,) = swap["layers"]
    assert one["promised"] == 0.25
    assert all(seconds > 0 for seconds in one["seconds"])
    assert swap["seconds"] == one["seconds"]


def test_what_cannot_be_measured_is_told(run, saved):
    """A transposed layer runs another kernel than the convolution of its geometry."""
    nodes = [("Conv", ["x", "w"], ["c"], {}), ("ConvTranspose", ["c", "v"], ["y"], {"name": "up"})]
    path = saved(nodes, (1, 2, 5, 6), {"w": (3, 2, 3, 3), "v": (3, 2, 3, 3)})
    text = run(path, "--swap", "depthwise", "--keep", "", "--time")[1]
    assert "not measured (transposed, or a product without a weight of its own): up" in text


def test_progress_is_shown_on_a_terminal_and_only_there(run, monkeypatch):
    arguments = ("ic4ih8oc4kh3", "--swap", "separable", "--time")
    assert run(*arguments)[2] == ""
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    assert "measuring layer.dw, 2 of 3" in run(*arguments)[2]


# --- other counters ------------------------------------------------------------------------------


def test_what_another_tool_prints(run, documents):
    tool = documents("alexnet", "--tool", "ptflops")[0]["tool"]
    assert tool["layers"][0] == {
        "name": "conv1", "ours": 105_415_200, "figure": 105_705_600, "batch_norm": None,
        "why": "counts 290,400 additions of the bias",
    }  # fmt: skip
    assert (tool["name"], tool["version"], tool["unit"]) == ("ptflops", "ptflops 0.7.5", "MACs")
    assert (tool["ours"], tool["figure"]) == (724_406_816, 725_066_088)
    text = run("alexnet", "--tool", "xla")[1]
    assert "jax 0.10.2 prints FLOPs, which it calls flops; the rule was compared with it in" in text


def test_what_another_tool_prints_in_all_with_its_batch_norms(run):
    lines = lines_of(run("mobilenet_v1", "--tool", "fvcore")[1])
    assert "layer ours (MACs) fvcore (flops) its batch norms" in lines
    assert "conv0 10,838,016 10,838,016 802,816" in lines
    assert "in all 568,740,352 568,740,352 10,085,376" in lines
    assert "with batch norms 578,825,728" in lines
    assert "batch norms" not in run("mobilenet_v1", "--tool", "torch")[1].split("prints")[0]


def test_how_far_a_rule_is_to_be_trusted(run):
    for name, words in (
        ("tensorflow", "the rule was compared with it once, by hand."),
        ("thop", "compared with it in each run of the tests. An early version divided"),
        ("benchdnn", "the rule is from its text alone."),
    ):
        assert words in " ".join(run("alexnet", "--tool", name)[1].split())


def test_the_help_lists_the_tools_and_who_takes_what(run):
    status, text, _ = run("--help")
    words = " ".join(text.split())
    assert status == 0
    assert ", ".join(TOOLS) in words
    assert "of mobilenet_v1, mobilenet_v1_fullconv, mobilenet_v1_shallow" in words


# --- published figures ---------------------------------------------------------------------------


def test_published_figures(run, documents):
    status, text, _ = run("--published")
    assert status == 0
    lines = text.splitlines()
    assert "3x3, 1.19: a misprint of 1.91: the column sums to 99.29" in lines
    assert "last depthwise, stride misprint 2 1" in lines_of(text)
    assert "MobileNetV1 T9: MACs, printed in tens of millions" in lines
    assert "width 0.75, 224, 317: fits without the first layer: below" in lines
    assert lines[-1] == "128 figures: 91 rounded, 16 exact, 12 differs, 7 cut off, 2 misprint"
    assert len(documents("--published")) == 128


def test_a_published_figure_that_should_agree_and_does_not_is_a_failure(run, monkeypatch):
    wrong = published.figures()[2]
    monkeypatch.setattr(published, "figures", lambda: [published.Figure(
        wrong.source, wrong.what, "0.1", "%", wrong.ours, wrong.convention)])  # fmt: skip
    assert run("--published")[0] == 1


# --- pictures ------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "start"), [("a.svg", b"<?xml"), ("a.png", b"\x89PNG")])
def test_a_plot_is_made(run, tmp_path, name, start):
    pytest.importorskip("matplotlib", reason="needs matplotlib: pip install 'refconv[plot]'")
    path = tmp_path / name
    status, _, errors = run("ic8ih12oc8kh3ph1", "--swap", "separable", "--time", "--plot", path)
    assert (status, errors) == (0, "")
    assert path.read_bytes().startswith(start)


def test_a_plot_and_a_table_have_the_same_times(run, tmp_path, monkeypatch):
    plot = pytest.importorskip("refconv.networks.plot", reason="needs matplotlib")
    monkeypatch.setattr(plot, "seconds_of", None)  # it would measure once more
    arguments = ("ic4ih8oc4kh3", "--swap", "separable", "--time", "--plot", tmp_path / "a.png")
    assert run(*arguments)[0] == 0


def test_a_plot_of_hostile_names_and_of_what_is_not_measured(run, tmp_path, saved):
    """A dollar would begin a formula; there is no letter for each character in the font."""
    pytest.importorskip("matplotlib", reason="needs matplotlib: pip install 'refconv[plot]'")
    nodes = [
        ("Conv", ["x", "w"], ["c"], {"name": "a$b^{$\x1b"}),
        ("ConvTranspose", ["c", "v"], ["y"], {"name": "\u5377\u79ef"}),
    ]
    path = saved(nodes, (1, 2, 5, 6), {"w": (3, 2, 3, 3), "v": (3, 2, 3, 3)})
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert run(path, "--plot", tmp_path / "a.svg")[0] == 0
    text = (tmp_path / "a.svg").read_text(encoding="utf-8")
    assert r"a$b^{$\x1b" in text
    assert "1 layer not measured" in text


# --- wrong uses ----------------------------------------------------------------------------------

WRONG = {
    "": "needs a NET",
    "mobilenet_v9": "'mobilenet_v9' is no file, no descriptor, and none of mobilenet_v1,",
    "efficientnet": "'efficientnet' is no file, no descriptor, and none of mobilenet_v1,",
    "basic": "'basic' is no file, no descriptor, and none of",
    "ic3ih5oc4": "descriptor 'ic3ih5oc4' lacks kh",
    "nets/missing.txt": "'nets/missing.txt' cannot be read: No such file or directory",
    "basics.txt": "'basics.txt' cannot be read: No such file or directory",
    "nowhere.onnx": "'nowhere.onnx' cannot be read: No such file or directory",
    "NOWHERE.ONNX": "'NOWHERE.ONNX' cannot be read: No such file or directory",
    "alexnet --width 0.5": "alexnet does not take --width: it takes --batch",
    "resnet50 --width 0.5": "resnet50 does not take --width: it takes --resolution and --batch",
    "shufflenet_v1_g3 --resolution 160":
        "shufflenet_v1_g3 does not take --resolution: it takes --scale and --first and --batch",
    "ic3ih5oc4kh3 --width 0.5": "a descriptor does not take --width: it says its sizes itself",
    "ic3ih5oc4kh3 --batch 2": "a descriptor does not take --batch: it says its sizes itself",
    "mb2ic3ih5oc4kh3 --batch 4": "a descriptor does not take --batch",
    "alexnet --size w=7": "alexnet does not take --size",
    "a.onnx --scale 2": "an ONNX file does not take --scale: it takes --batch and --size",
    "alexnet --batch 0": "argument --batch: '0' is not a whole number from 1 on",
    "alexnet --batch two": "argument --batch: 'two' is not a whole number from 1 on",
    "mobilenet_v1 --width inf": "argument --width: 'inf' is not a finite number above 0",
    "mobilenet_v1 --width nan": "argument --width: 'nan' is not a finite number above 0",
    "mobilenet_v1 --width 0": "argument --width: '0' is not a finite number above 0",
    "mobilenet_v1 --width=-1": "argument --width: '-1' is not a finite number above 0",
    "mobilenet_v1 --width wide": "argument --width: 'wide' is not a finite number above 0",
    "mobilenet_v1 --resolution 0": "argument --resolution: '0' is not a whole number from 1 on",
    "shufflenet_v1_g3 --scale inf": "argument --scale: 'inf' is not a finite number above 0",
    "shufflenet_v1_g3 --first 0": "argument --first: '0' is not a whole number from 1 on",
    "shufflenet_v1_g3 --scale 0.01": "shufflenet_v1_g3 --scale 0.01: s2_1.gpw1 would have 0 output",
    "shufflenet_v1_g2 --scale 0.29":
        "shufflenet_v1_g2 --scale 0.29: s3_1.gpw1: weight has 29 output channels, which 2 groups",
    "a.onnx --size w": "argument --size: 'w' is not NAME=N",
    "a.onnx --size w=0": "argument --size: '0' is not a whole number from 1 on",
    "alexnet --swap group:0": "swap is 'group:0'",
    "alexnet --swap=": "swap is '', but must be separable, depthwise or group:G",
    "alexnet --tool=": "tool is '', but must be one of torch,",
    "alexnet --swap separable --keep conv9": "no layer is called 'conv9'",
    "ic1000000ih100000000oc8kh3 --swap separable --time":
        "not enough memory: layer has 40,000,319,9",
    "alexnet --tool abacus": "tool is 'abacus', but must be one of torch,",
    "alexnet --plot a.gif": "the plot is a.gif, but must end with .svg or .png",
    "alexnet --plot nowhere/a.png": "the plot's folder 'nowhere' is not there",
    "mb0ic3ih5oc4kh3 --plot a.png": "has no operations to draw",
    "alexnet resnet50 --plot a.png": "--plot draws one network, but 2 are given",
    "alexnet --tool torch --plot a.png": "--plot does not go with --tool",
    "alexnet --tool torch --swap separable": "argument --swap: not allowed with argument --tool",
    "alexnet --json --csv": "argument --csv: not allowed with argument --json",
    "alexnet --csv --swap separable": "--csv does not go with --swap",
    "alexnet --csv --tool torch": "--csv does not go with --tool",
    "alexnet --time": "--time goes only with --swap",
    "alexnet --keep conv1": "--keep goes only with --swap",
    "alexnet --published": "--published does not go with a NET, but only with --json",
    "--published --csv": "--published does not go with --csv, but only with --json",
    "--published --width 1": "--published does not go with --width, but only with --json",
}  # fmt: skip


@pytest.mark.parametrize(("arguments", "message"), WRONG.items(), ids=WRONG)
def test_a_wrong_use_is_one_line(run, arguments, message):
    status, out, errors = run(*arguments.split())
    assert status == 2
    assert errors.count("\n") == 1
    assert message in errors
    assert out == ""


def test_a_name_of_a_descriptor_may_look_like_a_path(documents):
    (found,) = documents('ic3ih5oc4kh3_n"a/b.onnx"')
    assert found["layers"][0]["name"] == "a/b.onnx"


def test_a_file_is_a_file_whatever_it_is_called(documents, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("ic3ih5.net", "plain", "g2"):
        (tmp_path / name).write_text("ic3ih5oc4kh3\n")
        assert documents(name)[0]["macs"] == 3 * 3 * 4 * 27


def test_the_suffix_of_an_onnx_file_may_be_in_capitals(documents, saved):
    path = saved([("Conv", ["x", "w"], ["y"], {})], (1, 3, 5, 6), {"w": (4, 3, 3, 3)}, "F1.ONNX")
    assert documents(path)[0]["macs"] == 3 * 4 * 4 * 27


def test_damaged_files_are_one_line(run, tmp_path):
    rubbish = {"a.onnx": b"\x00\xffnot an ONNX file", "b.onnx": b"", "c.txt": b"\x00\x01\x02"}
    for name, content in rubbish.items():
        path = tmp_path / name
        path.write_bytes(content)
        status, out, errors = run(path)
        assert (status, out, errors.count("\n")) == (2, "", 1)
        assert name in errors
