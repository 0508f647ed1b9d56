"""`refconv count`: what is printed for each kind of source, and one line for each wrong use."""

import csv
import io
import json

import pytest

from refconv.cli import main


@pytest.fixture
def run(capsys):
    def call(*arguments):
        status = main(["count", *map(str, arguments)])
        out, errors = capsys.readouterr()
        return status, out, errors

    return call


def test_a_network_by_layer_and_by_kind(run):
    status, text, errors = run("mobilenet_v1")
    assert (status, errors) == (0, "")
    assert "dw1   depthwise       32x112x112  3,612,672  0.6%        288    2.2" in text
    assert "pointwise           13 539,492,352  94.9%    539,492,352  3,139,584  74.6%" in text
    assert "all                 28 568,740,352 100.0%    567,875,744  4,210,088 100.0%" in text
    assert "FLOPs                     1,137,480,704   2 * MACs" in text
    assert all(len(line) <= 80 for line in text.splitlines())


def test_width_resolution_and_batch(run):
    _, one, _ = run("mobilenet_v1", "--width", "0.75", "--resolution", "160", "--json")
    _, three, _ = run(
        "mobilenet_v1", "--width", "0.75", "--resolution", "160", "--batch", "3", "--json"
    )
    (one,), (three,) = json.loads(one), json.loads(three)
    assert one["macs"] == 166_396_800
    assert three["macs"] == 3 * one["macs"]
    assert three["trainable"] == one["trainable"]


def test_a_descriptor_and_a_file_of_descriptors(run, tmp_path):
    status, text, _ = run("g2mb1ic96ih27oc256oh27kh5ph2", "--json")
    assert (status, json.loads(text)[0]["macs"]) == (0, 223_948_800)
    path = tmp_path / "layers.txt"
    path.write_text('# two layers\nic3ih5iw7oc4kh3kw2_n"first"\n\ng2ic4ih6iw5oc6kh1\n')
    status, text, _ = run(path, "--json")
    layers = json.loads(text)[0]["layers"]
    assert [(layer["name"], layer["macs"]) for layer in layers] == [
        ("first", 3 * 6 * 4 * 3 * 6), ("line4", 6 * 5 * 6 * 2),
    ]  # fmt: skip


def test_csv_has_a_line_for_each_layer(run):
    _, text, _ = run("alexnet", "resnext50_32x4d", "--csv")
    rows = list(csv.DictReader(io.StringIO(text)))
    assert len(rows) == 8 + 54
    assert rows[1] | {"macs": "223948800", "kind": "group", "network": "alexnet_g2"} == rows[1]


def test_the_papers_own_experiment(run):
    status, text, _ = run("mobilenet_v1_fullconv", "--swap", "separable")
    assert status == 0
    assert "MACs        4,867,293,184  568,740,352  0.117" in text
    assert "as they are (kept): conv0" in text
    assert "as they are (a fully connected layer is none to separate): fc" in text


def test_a_swap_measured(run):
    _, text, _ = run("g1mb1ic16ih20oc24oh20kh3ph1", "--swap", "separable", "--keep", "", "--time")
    assert "achieved" in text
    assert "milliseconds" in text
    _, text, _ = run("ic16ih20oc24kh3", "--swap", "group:4", "--keep", "", "--time", "--json")
    (one,) = json.loads(text)[0]["swap"]
    assert one["promised"] == 0.25
    assert all(seconds > 0 for seconds in one["seconds"])


def test_what_another_tool_prints(run):
    _, text, _ = run("alexnet", "--tool", "ptflops", "--json")
    layer = json.loads(text)[0]["layers"][0]
    assert layer["tool"]["figure"] != layer["macs"]
    assert "bias" in layer["tool"]["why"]
    _, text, _ = run("alexnet", "--tool", "xla")
    assert "compared with it while running" in text


def test_published_figures(run):
    status, text, _ = run("--published")
    assert status == 0
    assert "a misprint of 1.91" in text
    _, text, _ = run("--published", "--json")
    assert len(json.loads(text)) > 115


def test_a_plot_is_made(run, tmp_path):
    pytest.importorskip("matplotlib", reason="needs matplotlib: pip install 'refconv[plot]'")
    for name, start in (("a.svg", b"<?xml"), ("a.png", b"\x89PNG")):
        path = tmp_path / name
        status, _, _ = run("ic8ih12oc8kh3ph1", "--swap", "separable", "--keep", "", "--plot", path)
        assert status == 0
        assert path.read_bytes().startswith(start)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "needs a NET"),
        (["mobilenet_v9"], "'mobilenet_v9' is no file, no descriptor, and none of"),
        (["ic3ih5oc4"], "lacks kh"),
        (["alexnet", "--width", "0.5"], "alexnet does not take all of --width"),
        (["alexnet", "--batch", "0"], "--batch is 0, but must be at least 1"),
        (["alexnet", "--swap", "group:0"], "swap is 'group:0'"),
        (["alexnet", "--swap", "separable", "--keep", "conv9"], "no layer is called 'conv9'"),
        (["alexnet", "--tool", "abacus"], "tool is 'abacus', but must be one of"),
        (["alexnet", "--plot", "a.gif"], "the plot is a.gif, but must end with .svg or .png"),
        (["nowhere.onnx"], "nowhere.onnx"),
        (["shufflenet_v1_g3", "--scale", "0.01"], "output channels"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_wrong_use_is_one_line(run, arguments, message):
    status, out, errors = run(*arguments)
    assert status == 2
    assert errors.count("\n") == 1
    assert message in errors
    assert out == ""


def test_damaged_files_are_one_line(run, tmp_path):
    rubbish = {"a.onnx": b"\x00\xffnot an ONNX file", "b.onnx": b"", "c.txt": b"\x00\x01\x02"}
    for name, content in rubbish.items():
        path = tmp_path / name
        path.write_bytes(content)
        status, out, errors = run(path)
        assert (status, out, errors.count("\n")) == (2, "", 1)
        assert name in errors


def test_an_onnx_file_with_an_open_axis(run, tmp_path):
    """4 of 5 x w pixels; what is not counted is listed."""
    onnx = pytest.importorskip("onnx", reason="needs onnx: pip install 'refconv[onnx]'")
    number, make = onnx.TensorProto.FLOAT, onnx.helper
    weight = make.make_tensor("weight", number, (4, 3, 3, 2), [1.0] * 72)
    nodes = [make.make_node("Conv", ["x", "weight"], ["c"]), make.make_node("Relu", ["c"], ["y"])]
    x = make.make_tensor_value_info("x", number, (1, 3, 5, "w"))
    y = make.make_tensor_value_info("y", number, None)
    model = make.make_model(make.make_graph(nodes, "g", [x], [y], [weight]))
    path = tmp_path / "open.onnx"
    onnx.save(model, path)
    status, text, errors = run(path, "--size", "w=7", "--json")
    (found,) = json.loads(text)
    assert (status, errors) == (0, "")
    assert found["macs"] == 4 * 3 * 6 * 18
    assert any("Relu" in line for line in found["not_counted"])
    status, _, errors = run(path)
    assert (status, errors.count("\n")) == (2, 1)
    assert "w" in errors
