"""The benchmark: what it shows and writes, and that a wrong answer is told. No timing decides."""

import json
import re
import sys
from pathlib import Path

import numba
import numpy as np
import pytest
from fresh import run_python

import refconv
from refconv import Geometry
from refconv.bench import layers as table
from refconv.bench.kernels import copy_vectors, multiply_tile
from refconv.bench.limits import limit_of, peak_call
from refconv.bench.measure import (
    CALL,
    LAYER,
    LIMIT,
    Speeds,
    WrongAnswerError,
    measure,
    peak_gflops,
)
from refconv.bench.operands import Operands
from refconv.bench.peers import PEERS, Peer, Prepared
from refconv.cli import bench as shown
from refconv.cli import main
from refconv.jit.cpu import VECTOR_BYTES
from refconv.jit.crew import share
from refconv.jit.cuts import ROWS, VECTORS
from refconv.jit.vector import aligned_address

sys.path.append(str(Path(__file__).resolve().parents[1] / "benchmarks"))

import errors
import first_call
import growth
import layers
import memory
import readme
import report

SMALL = Geometry.from_descriptor("g2ic4ih5iw7oc6oh5ow7kh3ph1")
LANES = VECTOR_BYTES // 4
QUICK = ("--layers", "std3x3s2", "--rounds", "1", "--threads", "1", "--peers")
NAMES = ("torch", "onnxruntime", "torch-last", "jax", "im2col")


def made_up(geometry, layer=1e-3):
    """Speeds that nobody measured: the prepared layer takes so long, the peers 2, 3, ... times."""
    seconds = {CALL: 4.0, LAYER: 1.0, LIMIT: 0.5}
    seconds |= {name: float(2 + i) for i, name in enumerate(NAMES)}
    kind = "copy" if table.is_depthwise(geometry) else "peak"
    return Speeds(geometry, {who: layer * s for who, s in seconds.items()}, kind)


def all_made_up():
    chosen = table.chosen(["all"])
    return {name: {1: made_up(g), 2: made_up(g, 0.5e-3)} for name, g in chosen.items()}


@pytest.fixture
def wrong_marks(monkeypatch):
    """The right outputs become wrong ones, so that every answer seems to be wrong."""
    right = Operands.exact
    monkeypatch.setattr(Operands, "exact", lambda self, dtype: right(self, dtype) + 1)


def test_there_are_17_layers_and_one_of_each_kind_in_short():
    assert len(table.LAYERS) == 17
    assert list(table.chosen(["all"])) == list(table.LAYERS)
    assert set(table.chosen(table.HANDFUL)) == set(table.HANDFUL)
    depthwise = [name for name, g in table.chosen(["all"]).items() if table.is_depthwise(g)]
    assert depthwise == [name for name in table.LAYERS if name.startswith("dw")]


def test_the_peak_does_the_work_that_it_counts():
    @numba.njit
    def one_tile(weight, matrix, y, depth):
        multiply_tile(aligned_address(weight), aligned_address(matrix), aligned_address(y), depth)

    depth, width = 5, VECTORS * LANES
    generator = np.random.default_rng(0)
    weight, matrix, y = (aligned(size) for size in (depth * ROWS, depth * width, ROWS * width))
    weight[:] = generator.integers(-4, 5, weight.shape)
    matrix[:] = generator.integers(-4, 5, matrix.shape)
    one_tile(weight, matrix, y, depth)
    expected = weight.reshape(depth, ROWS).T @ matrix.reshape(depth, width)
    expected += weight[:ROWS, np.newaxis]  # the bias
    np.testing.assert_array_equal(y.reshape(ROWS, width), expected)
    once, twice = peak_call(1)[1], peak_call(2)[1]
    assert twice == 2 * once
    assert once % (2 * ROWS * width) == 0


def aligned(size):
    """Zeros that begin where a vector does."""
    a = np.zeros(size + VECTOR_BYTES, np.float32)
    start = -a.ctypes.data % VECTOR_BYTES // 4
    return a[start : start + size]


@pytest.mark.parametrize("threads", [1, 2])
def test_the_copy_copies(threads):
    tasks, vectors = 4, 3
    source, target = np.arange(tasks * vectors * LANES, dtype="f4"), aligned(12 * LANES)
    start = aligned(source.size)
    start[:] = source
    share(copy_vectors, (start, target, vectors), tasks, threads)
    np.testing.assert_array_equal(target, source)


def test_depthwise_is_held_against_a_copy_and_all_else_against_the_peak():
    kinds = {
        name: limit_of(Operands.integers(g), 1).kind
        for name, g in table.chosen(["dw3x3_14", "pw_14", "resnext_g32_14"]).items()
    }
    assert kinds == {"dw3x3_14": "copy", "pw_14": "peak", "resnext_g32_14": "peak"}


def test_ratios_are_against_the_better_of_torch_and_onnxruntime():
    speeds = made_up(SMALL, 1.0)
    assert speeds.ratio("torch") == 2.0
    assert speeds.ratio("torch", CALL) == 0.5
    assert speeds.ratio_to_best == 2.0
    assert speeds.of_limit == 0.5
    assert speeds.gflops == refconv.count(SMALL).flops / 1e9
    assert peak_gflops([speeds]) == 2 * speeds.gflops
    assert Speeds(SMALL, {LAYER: 1.0, "torch": 2.0}, "peak").ratio_to_best is None
    assert Speeds(SMALL, {LAYER: 1.0}, "peak").ratio("torch") is None


def test_a_layer_is_measured_on_each_number_of_threads_and_the_setting_is_kept():
    before = refconv.get_threads()
    found = measure(SMALL, [1, 2], {}, rounds=2, warm_up=0, turn=0)
    assert refconv.get_threads() == before
    assert list(found) == [1, 2]
    for speeds in found.values():
        assert set(speeds.seconds) == {CALL, LAYER, LIMIT}
        assert min(speeds.seconds.values()) > 0


def test_a_peer_that_is_wrong_is_named_and_nothing_is_timed():
    zeros = Peer((), lambda operands, n: Prepared(lambda: np.zeros(operands.geometry.y_shape)))
    with pytest.raises(WrongAnswerError, match=r"^wrong answer from zeros on 1 thread$"):
        measure(SMALL, [1], {"zeros": zeros}, warm_up=1000)


@pytest.mark.parametrize("name", ["onnxruntime", "torch", "torch-last", "jax", "im2col"])
def test_each_peer_gives_the_right_answer(name):
    if PEERS[name].missing:
        # A peer is no dependency; CI has them all, and fails where one is skipped.
        pytest.skip(f"{name} is not installed")
    operands = Operands.integers(SMALL)
    call, to_numpy = PEERS[name].prepare(operands, 1)
    np.testing.assert_array_equal(to_numpy(call()), operands.exact("int64"))


def test_bench_prints_one_json_document(capsys):
    assert main(["bench", *QUICK, "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert set(document) == {"machine", "threads", "peak_gflops", "layers", "wrong"}
    assert set(document["machine"]) >= {"cpu", "cpus", "instructions", "versions"}
    assert (document["threads"], document["wrong"]) == (1, {})
    layer = document["layers"]["std3x3s2"]
    assert set(layer) == {"descriptor", "macs", "seconds", "gflops", "limit", "of_limit"}
    assert layer["macs"] == refconv.count(Geometry.from_descriptor(layer["descriptor"])).macs
    assert set(layer["seconds"]) == {CALL, LAYER, LIMIT}


def test_bench_says_a_wrong_answer_and_exits_with_1(wrong_marks, capsys):
    assert main(["bench", *QUICK]) == 1
    assert "std3x3s2: wrong answer from conv2d on 1 thread" in capsys.readouterr().out
    assert main(["bench", *QUICK, "--json"]) == 1
    document = json.loads(capsys.readouterr().out)
    assert document["layers"] == {}
    assert document["wrong"].keys() == {"std3x3s2"}


def test_what_bench_shows_fits_80_columns(capsys):
    found = {name: by_threads[2] for name, by_threads in all_made_up().items()}
    peers = {name: PEERS[name] for name in ("torch", "onnxruntime")}
    shown.show(found, {}, 2, peers, ["jax is left out: jax not installed"])
    text = capsys.readouterr().out
    assert max(map(len, text.splitlines()[1:])) <= 80  # the CPU's name is what it is
    assert "\x1b" not in text
    assert re.search(r"std3x3_56 +2\.000 +0\.500 +462\.4 +50% peak +2\.00x +3\.00x", text)
    assert re.search(r"dw3x3_14 .* 50% copy ", text)
    assert re.search(r"geometric mean +2\.00x +3\.00x", text)


BAD = {
    "an unknown layer": (["--layers", "std9x9"], "no layer's name holds 'std9x9'"),
    "an unknown peer": (["--peers", "cudnn"], "unknown peer 'cudnn'"),
    "no threads": (["--threads", "0"], "'0' is not a positive integer"),
    "no rounds": (["--rounds", "few"], "'few' is not a positive integer"),
}


@pytest.mark.parametrize(("arguments", "message"), BAD.values(), ids=BAD)
def test_bad_usage_is_one_line_and_exit_status_2(arguments, message, capsys):
    try:
        status = main(["bench", *arguments])
    except SystemExit as error:
        status = error.code
    output = capsys.readouterr()
    assert (status, output.out) == (2, "")
    assert message in output.err
    assert output.err.count("\n") == 1


def test_the_command_loads_numba_only_when_it_measures():
    loaded = run_python("import refconv.cli, sys; print('numba' in sys.modules)")
    assert loaded == "False\n"


def test_the_script_writes_what_it_measured(tmp_path, capsys):
    file = tmp_path / "speed.json"
    assert layers.main([*QUICK, "--json", str(file), "--errors"]) == 0
    document = json.loads(file.read_text())
    assert set(document) == {"machine", "threads", "rounds", "wrong", "layers", "errors"}
    assert document["threads"] == [1]
    assert set(document["layers"]["std3x3s2"]["1"]["seconds"]) == {CALL, LAYER, LIMIT}
    assert document["errors"]["std3x3s2"]["refconv"]["max"] < 1e-4
    assert "std3x3s2" in capsys.readouterr().out


def test_the_script_says_a_wrong_answer_and_exits_with_1(wrong_marks, tmp_path, capsys):
    file = tmp_path / "speed.json"
    assert layers.main([*QUICK, "--json", str(file)]) == 1
    assert "wrong answer from conv2d on 1 thread" in capsys.readouterr().out
    assert json.loads(file.read_text())["layers"] == {}


@pytest.mark.parametrize("arguments", [["--layers", "dw"], ["--peers", "jax"]])
def test_the_readme_is_not_written_from_a_part_of_the_table(arguments, capsys):
    with pytest.raises(SystemExit) as stop:
        layers.main(["--update-readme", *arguments])
    assert stop.value.code == 2
    assert "the README's table is of all layers" in capsys.readouterr().err


def test_the_readme_changes_only_between_its_markers():
    text = readme.README.read_text()
    before, after = text.split(readme.BEGIN)[0], text.split(readme.END)[1]
    changed = readme.rewritten(text, ["a line", "another"])
    assert changed == f"{before}{readme.BEGIN}\na line\nanother\n{readme.END}{after}"
    assert readme.rewritten(changed, ["a line", "another"]) == changed
    for broken in ("", text.replace(readme.END, ""), text + readme.BEGIN):
        with pytest.raises(ValueError, match="once each"):
            readme.rewritten(broken, [])


def test_the_tables_fit_80_columns_and_end_with_means():
    lines = report.tables(all_made_up(), [1, 2], ["torch", "onnxruntime"])
    assert max(map(len, lines)) <= 80
    text = "\n".join(lines)
    assert text.count("geometric mean") == 2
    assert re.search(r"std3x3_56 +4\.000 +0\.50 +1\.000 +2\.00 +3\.00 +2\.00 ", text)
    assert re.search(r"least +0\.50 +2\.00 +3\.00 +2\.00 +2\.00\n", text)
    assert "gain above 50 MMACs: at least 2.00" in text
    others = "\n".join(report.tables(all_made_up(), [1, 2], list(NAMES)))
    assert re.search(r"pw_14( +4\.00 +5\.00 +6\.00){2}", others)


def test_without_peers_the_tables_have_dashes():
    bare = Speeds(SMALL, {CALL: 4e-3, LAYER: 1e-3, LIMIT: 0.5e-3}, "peak")
    text = "\n".join(report.tables({"small": {1: bare}}, [1], []))
    assert re.search(r"small +4\.000 +- +1\.000 +- +- +- ", text)


def test_growth_doubles_one_size_at_a_time(monkeypatch):
    monkeypatch.setattr(growth, "SIZES", {"N": (1, 2), "C": (2, 4), "H": (5, 10), "K": (1, 2)})
    monkeypatch.setattr(growth, "BASE", {"N": 1, "C": 2, "H": 5, "K": 1})
    monkeypatch.setattr(growth, "medians", lambda calls, **_: dict.fromkeys(calls, 1.0))
    found = growth.measure({}, [1], lambda text: None)
    macs = {(row["letter"], row["size"]): row["macs"] for row in found}
    base = 5 * 5 * 2 * growth.OUTPUT_CHANNELS
    assert macs == {
        ("N", 1): base, ("N", 2): 2 * base, ("C", 2): base, ("C", 4): 2 * base,
        ("H", 5): base, ("H", 10): 4 * base, ("K", 1): base, ("K", 2): 4 * base,
    }  # fmt: skip
    assert len(growth.lines(found)) == 1 + 2 * 4
    assert "N from 1 to 2" in growth.summary(found)[0]


def test_errors_are_those_against_float64():
    found = errors.measure({"small": SMALL}, [1], lambda text: None)
    for who in found["small"].values():
        assert 0 < who["mean"] <= who["max"] < 1e-4
    assert max(map(len, errors.lines(found))) <= 80


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads Linux's /proc")
def test_working_memory_is_measured(monkeypatch):
    monkeypatch.setattr(memory, "LARGE", {})
    found = memory.measure(table.chosen(["pw_112"]), [1], lambda text: None)
    assert 0 <= found["pw_112"]["working_bytes"]["1"] < 2**30
    assert max(map(len, memory.lines(found))) <= 80


def test_what_a_program_waits_for_is_told():
    found = {
        "import": 0.0123, "first_call_cold": 3.0, "first_call_warm": 0.5,
        "small_conv2d": 12e-6, "small_Conv2d": 8e-6,
    }  # fmt: skip
    text = "\n".join(first_call.lines(found))
    assert "0.012 s" in text
    assert "8.0 us" in text
    assert "12.0 us from Python, with a prepared `Conv2d` 8.0 us" in first_call.summary(found)[1]


def test_a_machine_that_was_not_ours_is_told():
    found = {name: {1: made_up(g), 2: made_up(g)} for name, g in table.chosen(["pw"]).items()}
    lines = report.tables(found, [1, 2], [])
    assert (
        "gain of the peak: 1.00\nOther programs ran meanwhile, or CPUs share a core"
        in "\n".join(lines)
    )
    assert max(map(len, lines)) <= 80
    assert "Other programs" not in "\n".join(report.tables(all_made_up(), [1, 2], []))


def test_the_readme_names_machine_and_versions():
    machine = {"cpu": "A CPU", "cpus": 2, "instructions": "NEON", "versions": {"torch": "2.13"}}
    section = report.readme_section(machine, ["a table"], ["a fact " * 30])
    text = "\n".join(section)
    assert "A CPU, 2 CPUs, NEON\ntorch 2.13\n" in text
    assert max(map(len, text.splitlines())) <= 100
