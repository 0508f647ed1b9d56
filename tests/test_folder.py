"""Case folders: what is written is what is read, in every format; what is hostile is refused."""

import json
import os
import re
import select
import shutil
import subprocess
import sys
import unittest
import warnings
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
from answers import answer
from hostile_folders import HOSTILE

from refconv import conv2d, depthwise_separable_conv2d
from refconv.oracle import Case, GradientCase, judge
from refconv.oracle.cases.gradient_case import OF, output_padding
from refconv.oracle.cases.suite import core, core_of
from refconv.oracle.check import check
from refconv.oracle.files.case_folder import FolderError, read, read_actual, write
from refconv.oracle.files.suite_folder import write as write_suite
from refconv.oracle.targets.adapters import TargetError
from refconv.oracle.targets.outcome import CRASHED, RAISED, RETURNED
from refconv.oracle.targets.program import Program

GROUPS = "g3mb2ic6ih12iw13oc12oh4ow8kh3kw2sh3sw2dh2dw1ph2pw0"
SMALL = "g2mb2ic4ih5iw6oc6oh5ow7kh3kw2ph1pw1"


def own_arrays():
    """A case of arrays that no seed makes: of other byte order, mixed bytes, ends of types."""
    x = np.array([-128, 127, 0, -1, 5, 7], np.int8).reshape(1, 1, 2, 3)
    weight = np.array([255, 0, 3, 1], np.uint8).reshape(2, 1, 1, 2)
    return Case(
        x, weight, np.array([40_000 - 2**31, 2**31 - 40_000], np.int32), pad_value=-7, padding=1
    )


CASES = {
    "groups": Case.from_descriptor(GROUPS, 1),
    "no bias": Case.from_descriptor(SMALL, 2, bias=False),
    "float64": Case.from_descriptor(SMALL, 3, dtype="float64", data="reals"),
    "float16": Case.from_descriptor(SMALL, 4, dtype="float16", data="reals"),
    "bfloat16": Case.from_descriptor(SMALL, 5, dtype="bfloat16", data="reals"),
    "subnormal": Case.from_descriptor(SMALL, 6, data="tiny"),
    "complex64": Case.from_descriptor(SMALL, 7, dtype="complex64"),
    "complex128": Case.from_descriptor(SMALL, 8, dtype="complex128", data="reals", pad_value=1j),
    "int8": Case.from_descriptor(SMALL, 9, dtype="int8", bound=127, pad_value=5),
    "uint16": Case.from_descriptor(SMALL, 10, dtype="uint16", bound=65535),
    "uint32": Case(np.array([[[[2**32 - 1, 7]]]], np.uint32), np.array([[[[3, 1]]]], np.uint32)),
    "int64": Case.from_descriptor(SMALL, 12, dtype="int64", bound=1 << 28),
    "least int64": Case(np.full((1, 1, 1, 2), -(2**63)), np.zeros((1, 1, 1, 2), np.int64)),
    "nonfinite": Case.from_descriptor(SMALL, 13, data="nonfinite"),
    "negative zero": Case(np.array([[[[-0.0, 0.1]]]]), np.ones((1, 1, 1, 1))),
    "infinite pads": Case.from_descriptor(SMALL, 14, pad_value=float("-inf")),
    "uneven pads": Case.from_descriptor("ic2ih6iw5oc3oh6ow7kh3kw2ph2pw3", 15, pad_value=-4),
    "separable": Case.from_descriptor("g4mb2ic4ih7iw9oc8kh3kw2sh2sw1ph1pw0", 16, pointwise=5),
    "no image": Case.from_descriptor("mb0ic2ih5iw6oc3kh3kw2"),
    "no channel": Case.from_descriptor("ic0ih5iw6oc3kh3kw2"),
    "own arrays": own_arrays(),
    "big-endian": Case(np.arange(6, dtype=">f4").reshape(1, 1, 2, 3), np.ones((1, 1, 1, 2), ">f4")),
    "pads that no window reaches": Case(
        np.ones((1, 1, 4, 5), np.float32), np.ones((1, 1, 2, 2), np.float32), stride=3, padding=1
    ),
}

OF_TYPES = (
    "groups", "float64", "float16", "bfloat16", "subnormal", "complex64", "uint16", "int64",
    "no image", "no channel",
)  # fmt: skip
BEHIND = "g3mb2ic6ih12iw13oc12oh4ow6kh3kw2sh3sw2dh0dw1ph1pw0"
"""A convolution whose last window ends a row before its x does."""


def gradients():
    """Cases that ask for a gradient, or a transpose: of all types, of seeds and of own arrays."""
    found = {f"{of} {name}": GradientCase(CASES[name], of) for of in OF for name in OF_TYPES}
    bytes_ = own_arrays()
    mixed = Case(bytes_.x, bytes_.weight, padding=1, grad_y=np.full((1, 2, 4, 4), -128, np.int8))
    big = CASES["big-endian"]
    big = Case(big.x, big.weight, grad_y=np.arange(4, dtype=">f4").reshape(1, 1, 2, 2))
    for of in OF:
        found |= {f"{of} {n}": GradientCase(c, of) for n, c in (("mixed", mixed), ("big", big))}
    for name, more in (("natural", None), ("as natural", (1, 0)), ("more", (2, 1))):
        found[f"transpose {name}"] = GradientCase.from_descriptor(
            BEHIND, 3, of="transpose", output_padding=more, bias=more is not None
        )
    natural = found["transpose natural"]
    found["transpose own"] = GradientCase.transposing(
        *(natural.operands["x"], natural.weight, np.arange(6, dtype=np.float32)), **natural.options
    )
    return found


GRADIENTS = gradients()
EVERY = CASES | GRADIENTS


@pytest.fixture(params=list(EVERY))
def case(request):
    return EVERY[request.param]


def right_outputs(case):
    if case.of is not None:
        return answer(case, **({} if case.of == "bias-grad" else {"method": "im2col"}))
    if case.pointwise_weight is not None:
        return depthwise_separable_conv2d(*case.arrays.values(), **case.options)
    with np.errstate(all="ignore"):
        return conv2d(
            case.x, case.weight, case.bias, **case.options,
            pad_value=case.pad_value, method="im2col",
        )  # fmt: skip


def same_bits(a, b):
    native = (array.astype(array.dtype.newbyteorder("=")) for array in (a, b))
    return (
        a.dtype.name == b.dtype.name
        and a.shape == b.shape
        and len({n.tobytes() for n in native}) == 1
    )


def kept_bits(array):
    """An array of the bits of its numbers, the parts of complex ones side by side."""
    array = np.ascontiguousarray(array, array.dtype.newbyteorder("="))
    size = array.itemsize // (2 if array.dtype.kind == "c" else 1)
    return array.view(f"u{size}").ravel()


# --- round trips ---------------------------------------------------------------------------------


def test_what_is_read_is_what_was_written(case, tmp_path):
    assert write(case, tmp_path, ["npy"]) == {}
    found = read(tmp_path)
    assert (found.of, found.arguments) == (case.of, case.arguments)
    assert found.arrays.keys() == case.arrays.keys()
    assert all(same_bits(array, case.arrays[name]) for name, array in found.arrays.items())
    assert found.geometry == case.geometry
    assert found.options == case.options
    assert (found.pad_value, found.source) == (case.pad_value, case.source)


def test_a_convolutions_folder_is_what_it_was_before_there_were_gradients(tmp_path):
    """To the byte, as of version 1 of case.json: those who keep vectors see no change."""
    digest = sha256()
    for name in ("groups", "int8", "separable", "own arrays", "bfloat16"):
        write(CASES[name], tmp_path / name, ["npy", "raw", "c", "hex"])
        for path in sorted((tmp_path / name).iterdir()):
            digest.update(path.name.encode() + path.read_bytes())
    assert digest.hexdigest() == "71c50160298b473bde9f8eb94dd73ad06f8f897419bf8511071c44b4dd067313"


def test_right_outputs_come_back_right(case, tmp_path):
    y = right_outputs(case)
    write(case, tmp_path)
    if y.dtype.name == "bfloat16":
        np.save(tmp_path / "actual.npy", y.view(np.uint16))
    else:
        np.save(tmp_path / "actual.npy", y)
    assert same_bits(read_actual(tmp_path, read(tmp_path)), y)
    (tmp_path / "actual.npy").unlink()
    (tmp_path / "actual.bin").write_bytes(y.astype(y.dtype.newbyteorder("<")).tobytes())
    found = read_actual(tmp_path, read(tmp_path))
    assert same_bits(found, y)
    assert not judge(read(tmp_path), found).is_bad


def test_bfloat16_as_numpy_saves_it_is_read_too(tmp_path):
    case = CASES["bfloat16"]
    y = right_outputs(case)
    write(case, tmp_path)
    np.save(tmp_path / "actual.npy", y)  # NumPy says V2: two bytes of it knows not what
    assert same_bits(read_actual(tmp_path, case), y)


@pytest.mark.parametrize("how", ["fortran", "big-endian", "another shape", "another type"])
def test_outputs_in_other_forms_of_npy(how, tmp_path):
    case = CASES["groups"]
    y = right_outputs(case)
    given = {
        "fortran": np.asfortranarray(y),
        "big-endian": y.astype(">f4"),
        "another shape": y[:, :, 1:],
        "another type": y.astype(np.float64),
    }[how]
    write(case, tmp_path)
    np.save(tmp_path / "actual.npy", given)
    found = read_actual(tmp_path, case)
    assert found.flags.c_contiguous
    np.testing.assert_array_equal(found, given, strict=how != "big-endian")


def test_expected_and_magnitude_are_those_of_exact_arithmetic(tmp_path):
    case = CASES["int8"]
    write(case, tmp_path)
    expected = np.load(tmp_path / "expected.npy", allow_pickle=False)
    magnitude = np.load(tmp_path / "magnitude.npy", allow_pickle=False)
    assert expected.dtype == magnitude.dtype == np.int64
    np.testing.assert_array_equal(expected, right_outputs(case))
    sizes = Case(
        *(np.abs(a.astype(np.int64)) for a in (case.x, case.weight, case.bias)),
        **case.options,
        pad_value=case.pad_value,
    )
    np.testing.assert_array_equal(magnitude, right_outputs(sizes))


def test_raw_files_hold_the_numbers_and_case_txt_the_sizes(case, tmp_path):
    write(case, tmp_path, ["raw"])
    for path in tmp_path.glob("*.npy"):
        array = np.load(path, allow_pickle=False)
        assert path.with_suffix(".bin").read_bytes() == array.tobytes()
    said = dict(line.split() for line in (tmp_path / "case.txt").read_text().splitlines())
    g = case.geometry
    assert said.get("of") == case.of
    assert [said[name] for name in case.arrays if name != "pointwise_weight"] == [
        array.dtype.name for name, array in case.arrays.items() if name != "pointwise_weight"
    ]
    assert [int(said[name]) for name in ("F", "Cg", "KH", "KW")] == [*g.weight_shape]
    if case.of == "transpose":
        assert (int(said["oph"]), int(said["opw"])) == case.options["output_padding"]
    assert [int(said[name]) for name in ("N", "C", "H", "W")] == [*g.x_shape]
    assert [int(said[name]) for name in ("N", "F", "OH", "OW")] == [*g.y_shape]
    assert int(said["pointwise"]) == (0 if case.pointwise_weight is None else case.F)
    assert [int(said[n]) for n in ("pt", "pb", "pl", "pr")] == [*g.padding[0], *g.padding[1]]
    assert said["actual"] == case.types.result.name
    assert complex(said["pad_value"]) == case.pad_value


# --- C -------------------------------------------------------------------------------------------

STRICT_C = ["-std=c99", "-Wall", "-Wextra", "-Werror", "-Wpedantic"]
COMPILER = shutil.which("cc")
needs_compiler = pytest.mark.skipif(COMPILER is None, reason="needs a C compiler, cc")

DUMP = """\
#include <stdio.h>
#include <string.h>
#include "case.h"
int main(void)
{{
    {writes}
    return CASE_N == {g.N} && CASE_OW == {g.OW} && CASE_HAS_BIAS == {has_bias} && {asked} ? 0 : 1;
}}
"""
ASKED = (
    'CASE_{name} && strcmp(CASE_OF, "{of}") == 0 && CASE_OPH == {more[0]} && CASE_OPW == {more[1]}'
)


@needs_compiler
def test_the_c_header_holds_the_very_bits(case, tmp_path):
    """It is compiled without a warning, and what it defines is written out and compared."""
    write(case, tmp_path, ["c"])
    arrays = {path.stem: np.load(path, allow_pickle=False) for path in tmp_path.glob("*.npy")}
    for array in arrays.values():
        if array.dtype.kind in "fc":
            array[np.isnan(array)] = np.nan  # C has but this one
    writes = "".join(
        f"fwrite(case_{n}, sizeof case_{n}[0], CASE_{n.upper()}_SIZE, stdout);\n" for n in arrays
    )
    has_bias = int(case.bias is not None)
    asked = "1"
    if case.of is not None:
        more = output_padding(case.geometry)
        asked = ASKED.format(name=case.of.upper().replace("-", "_"), of=case.of, more=more)
    (tmp_path / "dump.c").write_text(
        DUMP.format(writes=writes, g=case.geometry, has_bias=has_bias, asked=asked)
    )
    program = tmp_path / "dump"
    subprocess.run([COMPILER, *STRICT_C, "-o", program, tmp_path / "dump.c"], check=True)
    found = subprocess.run([program], capture_output=True, check=True).stdout
    assert found == b"".join(array.tobytes() for array in arrays.values())


# --- hex -----------------------------------------------------------------------------------------

VERILOG = """\
module dump;
  reg [{bits}-1:0] memory [0:{words}-1];
  integer i;
  initial begin
    $readmemh("{path}", memory);
    for (i = 0; i < {words}; i = i + 1) $display("%h", memory[i]);
  end
endmodule
"""


@pytest.mark.parametrize(
    "name",
    [
        "int8", "uint32", "int64", "float16", "separable", "complex64",
        "input-grad mixed", "weight-grad uint16", "bias-grad float16", "transpose more",
    ],
)  # fmt: skip
def test_readmemh_loads_the_hex_files(name, tmp_path):
    """Icarus Verilog reads each file, and says word by word what it has read."""
    if not shutil.which("iverilog"):
        # A simulator is nothing that pip installs; CI has it, and fails where this is skipped.
        pytest.skip("needs Icarus Verilog, iverilog")
    case = EVERY[name]
    write(case, tmp_path, ["hex"])
    arrays = {**case.arrays, "expected": right_outputs(case)}
    assert {path.stem for path in tmp_path.glob("*.hex")} == arrays.keys()
    for name, array in arrays.items():
        path = tmp_path / f"{name}.hex"
        words = kept_bits(array)
        source = tmp_path / f"{name}.v"
        source.write_text(VERILOG.format(bits=8 * words.itemsize, words=words.size, path=path))
        subprocess.run(["iverilog", "-o", tmp_path / "dump", source], check=True)
        ran = subprocess.run([tmp_path / "dump"], capture_output=True, text=True, check=True)
        assert [int(line, 16) for line in ran.stdout.split()] == words.tolist()


def test_hex_words_have_as_many_digits_as_their_type(case, tmp_path):
    write(case, tmp_path, ["hex"])
    for name, array in {**case.arrays, "expected": right_outputs(case)}.items():
        comment, *words = (tmp_path / f"{name}.hex").read_text().splitlines()
        assert comment.startswith(f"// {name}: ")
        wanted = kept_bits(array)
        assert {len(word) for word in words} <= {2 * wanted.itemsize}
        if name != "expected" or case.is_integral:  # reals may differ by how sums are rounded
            assert [int(word, 16) for word in words] == wanted.tolist()


# --- ONNX ----------------------------------------------------------------------------------------


LACKING = ("float64", "bfloat16")
"""Types whose convolutions onnxruntime has no implementation of."""


def onnx_results(folder, monkeypatch):
    """What ONNX's own runner says of onnxruntime, on a suite that was written as onnx."""
    pytest.importorskip("onnxruntime", reason="needs onnxruntime")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # onnxruntime asks for onnx.version
        from onnxruntime.backend.backend import OnnxRuntimeBackend
    from onnx.backend.test import runner
    from onnx.backend.test.loader import load_model_tests

    tests = load_model_tests(str(folder.parent), folder.name)
    monkeypatch.setattr(runner, "load_model_tests", lambda kind: tests if kind == "real" else [])
    results = unittest.TestResult()
    runner.Runner(OnnxRuntimeBackend, __name__).test_suite.run(results)
    names = {str(test) for test, reason in results.skipped if "_cuda" not in str(test)}
    assert not names
    return [test.name for test in tests], results


def test_onnxs_own_runner_passes_onnxruntime(tmp_path, monkeypatch):
    """On the core suite, its transposes and input gradients, and each case that ONNX can say."""
    suite = [*core(), *core_of("transpose"), *core_of("input-grad"), *EVERY.values()]
    document = write_suite(suite, tmp_path / "kind", "core", ["onnx"])
    names, results = onnx_results(tmp_path / "kind", monkeypatch)
    assert len(names) == len(document["cases"]) == len(suite) - len(document["not_written"])
    assert len(names) > 3 * len(core())
    assert [text for _, text in results.failures] == []
    lacking = [name for name in names if name.endswith(LACKING)]
    assert len(results.errors) == len(lacking)
    assert all("NOT_IMPLEMENTED" in text for _, text in results.errors)


def test_onnxs_own_runner_fails_where_another_weight_is_fed(tmp_path, monkeypatch):
    write_suite([CASES["groups"], CASES["int8"], CASES["no bias"]], tmp_path / "kind", "", ["onnx"])
    from onnx import numpy_helper

    spoilt = [path for path in sorted((tmp_path / "kind").iterdir()) if path.is_dir()][:2]
    for folder in spoilt:
        weight = np.load(folder / "weight.npy", allow_pickle=False)[:, :, ::-1]
        tensor = numpy_helper.from_array(np.ascontiguousarray(weight))
        (folder / "test_data_set_0/input_1.pb").write_bytes(tensor.SerializeToString())
    names, results = onnx_results(tmp_path / "kind", monkeypatch)
    assert (len(names), len(results.failures), len(results.errors)) == (3, 2, 0)


WORDLESS = {
    "complex64": "ONNX convolves floats, or bytes, and nothing else",
    "uint16": "ONNX convolves floats, or bytes, and nothing else",
    "least int64": "ONNX convolves floats, or bytes, and nothing else",
    "weight-grad groups": "ONNX has no operator for the weight-grad",
    "bias-grad groups": "ONNX has no operator for the bias-grad",
    "input-grad mixed": "ONNX's ConvTranspose takes floats, and nothing else",
    "transpose complex64": "ONNX's ConvTranspose takes floats, and nothing else",
    "transpose of a wide bias": "ONNX's ConvTranspose has a bias of its operands' type only",
}


@pytest.mark.parametrize("name", list(WORDLESS))
def test_what_onnx_has_no_words_for_is_said(name, tmp_path):
    half = np.ones((1, 1, 2, 3), np.float16)
    wide = GradientCase.transposing(half, half, np.ones(1, np.float32))
    case = EVERY.get(name, wide)
    assert write(case, tmp_path / "a", ["onnx"]) == {"onnx": WORDLESS[name]}
    assert not (tmp_path / "a").exists()
    assert write(case, tmp_path / "b", ["raw", "onnx"]).keys() == {"onnx"}
    assert (tmp_path / "b/case.txt").exists()
    assert not (tmp_path / "b/model.onnx").exists()


@pytest.mark.parametrize("of", ["input-grad", "transpose"])
def test_the_onnx_reference_agrees_to_what_data_json_allows(of, tmp_path):
    """In groups it is wrong (note 8), and so it is asked without them."""
    reference = pytest.importorskip("onnx.reference", reason="needs onnx")
    cases = [
        c for c in core_of(of) if c.geometry.G == 1 and c.grad_y.dtype == np.float32 and c.x.size
    ]
    for number, case in enumerate(cases[:20]):
        folder = tmp_path / str(number)
        assert write(case, folder, ["onnx"]) == {}
        found = reference.ReferenceEvaluator(str(folder / "model.onnx")).run(None, case.arrays)[0]
        expected = np.load(folder / "expected.npy", allow_pickle=False)
        limits = json.loads((folder / "data.json").read_text())
        np.testing.assert_allclose(found, expected.astype(np.float32), **limits)
        if case.is_integral:
            assert limits == {"rtol": 0, "atol": 0}


# --- what is refused -----------------------------------------------------------------------------


@pytest.mark.parametrize("hostile", HOSTILE, ids=[hostile.name for hostile in HOSTILE])
def test_hostile_folders_are_refused_in_one_line(hostile, tmp_path):
    folder = tmp_path / "folder"
    case = EVERY[hostile.case]
    write(case, folder)
    np.save(folder / "actual.npy", right_outputs(case))
    assert judge(read(folder), read_actual(folder, case)).status == "exact"
    hostile.spoil(folder)
    with pytest.raises(FolderError, match=hostile.match) as raised:
        read_actual(folder, read(folder))
    message = str(raised.value)
    assert message.startswith("folder")
    assert message.isprintable()  # so it is one line
    assert len(message) < 400


@pytest.mark.parametrize("size", [0, 3071, 3073])
def test_raw_outputs_must_be_as_long_as_they_are(size, tmp_path):
    case = CASES["groups"]
    write(case, tmp_path)
    (tmp_path / "actual.bin").write_bytes(b"\0" * size)
    with pytest.raises(FolderError, match=f"actual.bin is {size} bytes long, but must be 3072"):
        read_actual(tmp_path, case)


def test_sums_that_could_leave_int64_are_refused(tmp_path):
    """As `conv2d` refuses them."""
    largest = np.full((1, 1, 1, 2), 2**61)
    write(Case(largest, np.array([[[[1, 0]]]])), tmp_path)
    np.save(tmp_path / "weight.npy", np.array([[[[3, 3]]]]))
    with pytest.raises(FolderError, match="a sum over 2 taps could reach"):
        read(tmp_path)


def test_a_name_that_is_no_name_is_shown_on_one_line(tmp_path):
    folder = tmp_path / "two\nlines\x1b[2J"
    folder.mkdir()
    with pytest.raises(FolderError, match=r"two\\nlines\\x1b"):
        read(folder)


def test_a_folder_that_holds_something_is_not_written_to(tmp_path):
    (tmp_path / "x.npy").symlink_to(tmp_path / "precious")
    with pytest.raises(FolderError, match=r"holds 'x\.npy', but must be empty"):
        write(CASES["groups"], tmp_path)
    assert not (tmp_path / "precious").exists()


def test_a_format_that_is_none(tmp_path):
    with pytest.raises(ValueError, match="format is 'csv', but must be one of npy, raw, c, hex,"):
        write(CASES["groups"], tmp_path, ["csv"])


# --- programs ------------------------------------------------------------------------------------

SETUP = """\
import os, signal, subprocess, sys, time
folder = sys.argv[1]
"""

PROGRAMS = {
    "no output": ("pass", RETURNED, "neither actual.npy nor actual.bin"),
    "cut output": ("open(folder + '/actual.bin', 'wb').write(b'123')", RETURNED, "is 3 bytes long"),
    "refuses": ("os.write(2, b'odd\\nno strides\\n\\n'); sys.exit(77)", RAISED, "^no strides$"),
    "refuses without a word": ("sys.exit(77)", RAISED, "exit status 77"),
    "fails": ("raise ValueError('never')", CRASHED, "exit status 1: ValueError: never"),
    "aborts": ("os.abort()", CRASHED, "killed by SIGABRT"),
    "dies": ("os.kill(os.getpid(), signal.SIGSEGV)", CRASHED, "^killed by SIGSEGV$"),
    "hangs": ("time.sleep(60)", CRASHED, "longer than 0.5 s"),
    "escapes": ("sys.exit('\\x1b[2Jgone')", CRASHED, r"exit status 1: \?\[2Jgone"),
}


def python_program(tmp_path, lines, **options):
    path = tmp_path / "program with a space.py"
    path.write_text(SETUP + lines)
    return Program(f"'{sys.executable}' '{path}' {{case}}", **options)


@pytest.mark.parametrize("name", list(PROGRAMS))
def test_programs_that_misbehave(name, tmp_path):
    lines, how, match = PROGRAMS[name]
    limit = 0.5 if "longer" in match else 30
    outcome = python_program(tmp_path, lines, time_limit=limit).run(CASES["groups"])
    assert (outcome.how, outcome.value) == (how, None)
    assert re.search(match, outcome.text)
    assert outcome.text.isprintable()


def test_what_a_program_leaves_running_is_ended(tmp_path):
    """A child holds the end of a pipe: when the program's case is over, that is closed."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    ours = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    lines = f"""
pipe = open({str(pipe)!r}, "w", 1)
print("started", file=pipe)
subprocess.Popen(["sleep", "60"], stdout=pipe)
"""
    try:
        assert python_program(tmp_path, lines).run(CASES["groups"]).how == RETURNED
        assert os.read(ours, 99) == b"started\n"
        assert select.select([ours], [], [], 10)[0] == [ours]
        assert os.read(ours, 99) == b""
    finally:
        os.close(ours)


def test_a_program_that_misbehaves_is_a_verdict(tmp_path):
    report = check(python_program(tmp_path, "pass"), 0, suite=[CASES["groups"]])
    (verdict,) = report.verdicts
    assert verdict.status == "wrong"
    assert "neither actual.npy nor actual.bin" in verdict.explanation


def test_a_program_that_prints_is_heard_by_nobody(tmp_path, capfd):
    python_program(tmp_path, "print('noise'); print('more', file=sys.stderr)").run(CASES["groups"])
    assert capfd.readouterr() == ("", "")


def test_a_program_gets_the_formats_that_it_is_asked_with(tmp_path):
    lines = "sys.exit(','.join(sorted(os.listdir(folder))))"
    outcome = python_program(tmp_path, lines, formats=["hex", "c"]).run(CASES["no bias"])
    files = "case.h,case.json,expected.hex,expected.npy,magnitude.npy,weight.hex,weight.npy,x.hex,"
    assert outcome.text == f"exit status 1: {files}x.npy"
    outcome = python_program(tmp_path, lines, formats=["onnx"]).run(CASES["complex64"])
    assert (outcome.how, outcome.text[:26]) == (RAISED, "no onnx form of this case:")


@pytest.mark.parametrize(
    ("command", "match"),
    [
        ("true", "must say where {case}, the folder, goes"),
        ("'true {case}", "but must be as a shell's: No closing quotation"),
        ("no-such-program-here {case}", "but there is no program 'no-such-program-here'"),
        ("", "must say where {case}"),
    ],
)
def test_commands_that_lead_nowhere(command, match):
    with pytest.raises(TargetError, match=re.escape(match)):
        Program(command)


def test_a_program_of_a_format_that_is_none():
    with pytest.raises(TargetError, match="format is 'csv', but must be one of npy"):
        Program("true {case}", formats=["csv"])


C_EXAMPLE = Path(__file__).parents[1] / "notes/c/conv.c"


@needs_compiler
@pytest.mark.parametrize("flags", [[], ["-DFAULT"]], ids=["right", "faulty"])
def test_the_worked_example_in_c(flags, tmp_path):
    """As it says in its first lines; with the fault, that fault is named."""
    program = tmp_path / "conv"
    subprocess.run([COMPILER, *STRICT_C, "-O2", *flags, "-o", program, C_EXAMPLE], check=True)
    report = check(Program(f"{program} {{case}}"), 10)
    assert report.passed == (not flags)
    assert report.diagnosis == ("pads-swapped-ends" if flags else None)
    two_stages = check(Program(f"{program} {{case}}"), 0, suite="separable")
    assert {verdict.status for verdict in two_stages.verdicts} == {"refused"}
    by_case = dict(zip(core(), report.verdicts, strict=False))
    for case, verdict in by_case.items():
        if case.x.dtype != np.float32:
            assert verdict.status == "refused"
        elif not flags:
            assert verdict.status == ("exact" if case.is_integral else "within-bound")
