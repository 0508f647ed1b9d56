"""Case folders of gradients and transposes, there and back: cases, verdicts, suites, programs."""

import json
import shutil
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from answers import answer
from faulty_gradients import RIGHT, SEEDS
from hypothesis import given, settings
from hypothesis import strategies as st

from refconv.cli import main
from refconv.oracle import GradientCase, check, judge
from refconv.oracle.cases.gradient_case import OF
from refconv.oracle.cases.suite import core_of
from refconv.oracle.files.case_folder import read, read_actual, write
from refconv.oracle.files.suite_folder import names_of
from refconv.oracle.files.suite_folder import write as write_suite
from refconv.oracle.strategies import cases
from refconv.oracle.targets.program import Program

FORMATS = ("npy", "raw", "c", "hex", "onnx")
TYPES = ("float32", "float64", "float16", "complex64", "int8", "uint8", "int32", "int64")

each_of = pytest.mark.parametrize("of", OF)


def drawn(of):
    return cases(of=of, dtypes=TYPES, data=("integers", "reals", "tiny"))


def own(case):
    """The same case, as if its arrays had been given."""
    return GradientCase.from_operands(case.of, case.geometry, case.arrays, case.pad_value)


def there_and_back(case, outputs=None, binary=False):
    """The case, and the outputs if there are any, as they come out of a folder."""
    with TemporaryDirectory() as folder:
        path = Path(folder)
        write(case, path, FORMATS)
        if outputs is None:
            return read(path), None
        if binary:
            (path / "actual.bin").write_bytes(np.ascontiguousarray(outputs).tobytes())
        else:
            np.save(path / "actual.npy", outputs)
        found = read(path)
        return found, read_actual(path, found)


def filled(folder, target):
    """Write a target's answers into every case folder of a suite."""
    for path in folder.iterdir():
        if path.is_dir():
            case = read(path)
            np.save(path / "actual.npy", target(*case.operands.values(), **case.options))


def json_of(capsys, *arguments, status=0):
    """The document that a command prints."""
    assert main([*arguments, "--json"]) == status
    return json.loads(capsys.readouterr().out)


# --- laws -----------------------------------------------------------------------------------------


def test_the_pads_of_a_weight_gradient_are_written_and_read():
    text = "g2mb2ic4ih6iw7oc6oh6ow7kh3kw2ph1pw0"
    case = GradientCase.from_descriptor(text, 3, of="weight-grad", pad_value=5)
    for mine in (case, own(case)):
        found, y = there_and_back(mine, answer(mine, pad_value=5))
        assert found.pad_value == 5
        assert judge(found, y).status == "exact"
        assert judge(found, answer(mine)).diagnosis == "pad-value"


@each_of
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_what_is_read_is_what_was_written(of, data):
    """Of a seed or of own arrays, in every type, with every option."""
    case = data.draw(drawn(of))
    for mine in (case, own(case)):
        found, _ = there_and_back(mine)
        assert (found.of, found.geometry, found.options) == (mine.of, mine.geometry, mine.options)
        assert (found.types, found.source) == (mine.types, mine.source)
        assert (repr(found), found.arguments) == (repr(mine), mine.arguments)
        assert [*found.operands] == [*mine.operands]
        for name, operand in mine.operands.items():
            if isinstance(operand, np.ndarray):
                np.testing.assert_array_equal(found.operands[name], operand, strict=True)
            else:
                assert found.operands[name] == operand


@each_of
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_a_verdict_is_the_same_from_a_folder(of, data):
    """On what is right, on what has a fault, on one number that is off, on another shape."""
    case = data.draw(drawn(of))
    right = answer(case)
    ways = ("right", "negative", "off", "cut", "faulty")
    how = data.draw(st.sampled_from(ways[:-1] if case.grad_y.dtype.kind == "c" else ways))
    outputs = right.copy()
    if how == "off" and outputs.size:
        outputs.flat[data.draw(st.integers(0, outputs.size - 1))] += 1
    elif how == "negative":
        outputs = -outputs
    elif how == "cut":
        outputs = outputs[..., 1:]
    elif how == "faulty":
        seed = data.draw(st.sampled_from([seed for seed in SEEDS if seed.of == of]))
        # Copies: it may write to what it is given.
        given = [a.copy() if isinstance(a, np.ndarray) else a for a in case.operands.values()]
        outputs = np.asarray(seed.target(*given, **case.options))
    has_shape = outputs.shape == right.shape and outputs.dtype == right.dtype
    found, actual = there_and_back(case, outputs, has_shape and data.draw(st.booleans()))
    assert judge(found, actual) == judge(case, outputs).told(case=found)


@each_of
def test_cases_with_a_batch_or_channels_of_nothing(of):
    empty = [case for case in core_of(of) if 0 in (case.geometry.N, case.geometry.C)]
    assert len(empty) == 2
    for case in empty:
        found, actual = there_and_back(case, answer(case), binary=True)
        assert judge(found, actual).status == "exact"


# --- suites ---------------------------------------------------------------------------------------


@each_of
@pytest.mark.parametrize("formats", ["npy", "raw,c,hex,onnx"])
def test_a_suite_there_and_back(of, formats, tmp_path, capsys):
    """It is written, an implementer fills it in, and it is judged."""
    document = json_of(capsys, "vectors", str(tmp_path), "--of", of, "--format", formats)
    assert (document["suite"], document["of"]) == ("core", of)
    names = [case["folder"] for case in document["cases"]]
    assert names == names_of(core_of(of))
    assert names[0].startswith(f"test_000_{of.replace('-', '_')}_group_strided")
    assert [eval(case["case"], {"GradientCase": GradientCase}).arguments  # our own lines
            for case in document["cases"]] == [case.arguments for case in core_of(of)]  # fmt: skip
    filled(tmp_path, RIGHT[of])
    counts = json_of(capsys, "judge", str(tmp_path))["counts"]
    assert counts["exact"] + counts["within-bound"] == len(names)
    assert json_of(capsys, "vectors", str(tmp_path), "--format", "npy")["replaced"]
    assert not list(tmp_path.glob("*/grad_y.*"))


def test_what_is_printed_of_a_suite(tmp_path, capsys):
    assert main(["vectors", str(tmp_path), "--of", "weight-grad", "--format", "raw,onnx"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert (
        lines[0]
        == f"{len(core_of('weight-grad'))} cases of the core suite, weight-grad: npy, raw, onnx"
    )
    assert (
        lines[1]
        == f"not as onnx ({len(core_of('weight-grad'))}): ONNX has no operator for the weight-grad"
    )


TOLD = {
    "input-grad": ("grad-overwrites-overlaps", "kernel-rotated-180"),
    "weight-grad": ("batch-not-summed", "stride-dilation-exchanged"),
    "bias-grad": ("bias-summed-over-batch-only", "sums-overwritten"),
    "transpose": ("output-padding-swapped", "groups-interleaved-output"),
}


@pytest.mark.parametrize(("of", "name"), [(of, name) for of in OF for name in TOLD[of]])
def test_a_fault_has_the_same_name_from_files(of, name, tmp_path, capsys):
    """As `check` gives it: each is a seeded implementation of the oracle's own tests."""
    seed = next(seed for seed in SEEDS if (seed.of, seed.name) == (of, name))
    suite = core_of(of)[:20] + core_of(of)[-4:]
    write_suite(suite, tmp_path, "core", ["npy"], of=of)
    filled(tmp_path, seed.target)
    document = json_of(capsys, "judge", str(tmp_path), status=1)
    report = check(seed.target, 0, of=of, suite=suite)
    assert document["diagnosis"] == report.diagnosis == name
    assert document["counts"]["wrong"] == report.counts["wrong"]


def test_folders_that_ask_different_things_are_judged_side_by_side(tmp_path, capsys):
    for of in OF:
        write_suite(core_of(of)[:6], tmp_path / of, "core", ["npy"], of=of)
        filled(tmp_path / of, RIGHT[of])
    assert json_of(capsys, "judge", str(tmp_path))["counts"]["exact"] == 6 * len(OF)
    for of in ("input-grad", "transpose"):
        case = core_of(of)[0]
        folder = tmp_path / of / names_of([case])[0]
        np.save(folder / "actual.npy", answer(case)[:, :, ::-1])
    document = json_of(capsys, "judge", str(tmp_path), status=1)
    assert document["counts"]["wrong"] == 2
    worst = [case["case"] for case in document["cases"][:2]]
    assert ["of='input-grad'" in line for line in worst].count(True) == 1


# --- programs -------------------------------------------------------------------------------------

EXAMPLE = Path(__file__).parents[1] / "notes/c/gradients.c"
COMPILER = shutil.which("cc")
STRICT_C = ["-std=c99", "-Wall", "-Wextra", "-Werror", "-Wpedantic"]
DOUBLES = ("float32", "float64", "int8", "uint8", "int16", "uint16")
"""Types that the example takes."""


@pytest.fixture(scope="module", params=[(), ("-DFAULT",)], ids=["right", "faulty"])
def compiled(request, tmp_path_factory):
    """The worked example, as its first lines say; and its flags."""
    if COMPILER is None:
        # A compiler is nothing that pip installs; CI has it, and fails where this is skipped.
        pytest.skip("needs a C compiler, cc")
    program = tmp_path_factory.mktemp("c") / "gradients"
    subprocess.run([COMPILER, *STRICT_C, "-O2", *request.param, "-o", program, EXAMPLE], check=True)
    return f"{program} {{case}}", bool(request.param)


@each_of
def test_the_worked_example_in_c(of, compiled):
    """With the fault, it is named where cells of x are asked for, and not seen elsewhere."""
    command, has_fault = compiled
    report = check(Program(command), 10, of=of)
    is_wrong = has_fault and of in ("input-grad", "transpose")
    assert report.passed != is_wrong
    assert report.diagnosis == ("grad-overwrites-overlaps" if is_wrong else None)
    for case, verdict in zip(core_of(of), report.verdicts, strict=False):
        if case.grad_y.dtype.name not in DOUBLES:
            assert verdict.status == "refused"
        elif not is_wrong:
            assert verdict.status == ("exact" if case.is_integral else "within-bound")


def test_the_example_refuses_what_is_no_gradient(compiled):
    command, _ = compiled
    report = check(Program(command), 5)
    assert {verdict.explanation for verdict in report.verdicts} == {
        "It refuses: only gradients and transposes"
    }


def test_a_program_is_checked_by_the_command(compiled, capsys):
    """The suite `full`, and a line that reproduces what is wrong."""
    command, has_fault = compiled
    arguments = ["check", "--command", command, "--of", "transpose", "--examples", "0"]
    status = main([*arguments, "--suite", "full", "--only", "int16,uint16,strided"])
    printed = capsys.readouterr().out
    assert status == has_fault
    if has_fault:
        line = next(line for line in printed.splitlines() if line.startswith("refconv check"))
        words = line.replace("'", "").split(" --case ")[1].split()
        again = ["check", "--command", command, "--case", *words]
        assert "--of transpose" in line
        assert main(again) == 1
        assert "wrong: grad-overwrites-overlaps" in capsys.readouterr().out


SIMULATED = """\
module sum;
  reg signed [7:0] grad_y [0:{words}-1];
  reg signed [31:0] total;
  integer n, f, i, file;
  initial begin
    $readmemh("{folder}/grad_y.hex", grad_y);
    file = $fopen("{folder}/actual.txt", "w");
    for (f = 0; f < {g.F}; f = f + 1) begin
      total = 0;
      for (n = 0; n < {g.N}; n = n + 1)
        for (i = 0; i < {places}; i = i + 1)
          total = total + grad_y[(n * {g.F} + f) * {places} + i];
      $fdisplay(file, "%0d", total);
    end
    $fclose(file);
  end
endmodule
"""


def test_a_simulator_that_reads_hex_computes_a_bias_gradient(tmp_path):
    if not shutil.which("iverilog"):
        # A simulator is nothing that pip installs; CI has it, and fails where this is skipped.
        pytest.skip("needs Icarus Verilog, iverilog")
    case = GradientCase.from_descriptor(
        "mb2ic3ih5iw7oc4kh3kw2", 3, of="bias-grad", dtype="int8", bound=128
    )
    folder, g = tmp_path / "case", case.geometry
    write(case, folder, ["hex"])
    (tmp_path / "sum.v").write_text(
        SIMULATED.format(words=case.grad_y.size, folder=folder, g=g, places=g.OH * g.OW)
    )
    subprocess.run(["iverilog", "-o", tmp_path / "sum", tmp_path / "sum.v"], check=True)
    subprocess.run([tmp_path / "sum"], check=True, capture_output=True)
    sums = np.loadtxt(folder / "actual.txt", dtype=np.int32)
    np.save(folder / "actual.npy", sums)
    assert judge(read(folder), read_actual(folder, case)).status == "exact"
