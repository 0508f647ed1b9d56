"""`refconv vectors` and `refconv judge`: there and back, and what they say of what they get."""

import json
import os
import time
from pathlib import Path

import numpy as np
import pytest

from refconv import conv2d, depthwise_separable_conv2d
from refconv.cli import main
from refconv.oracle import Case
from refconv.oracle.cases.suite import core, full
from refconv.oracle.files.case_folder import read
from refconv.oracle.files.suite_folder import names_of
from refconv.oracle.files.suite_folder import write as write_suite

FORMATS = ("npy", "raw", "c", "hex", "onnx")
FILES = {"npy": "x.npy", "raw": "x.bin", "c": "case.h", "hex": "x.hex", "onnx": "model.onnx"}
FEW = [
    Case.from_descriptor("g3mb2ic6ih12iw13oc12oh4ow8kh3kw2sh3sw2dh1dw0ph2pw0", 0),
    Case.from_descriptor("ic2ih5iw7oc3kh3kw2", 1, dtype="int8"),
    Case.from_descriptor("g2ic8ih9iw10oc6kh3kw2ph1pw0", 2, data="reals"),
    Case.from_descriptor("ic2ih5iw7oc3kh3kw2", 3, dtype="complex64"),
]


def right(case):
    if case.pointwise_weight is not None:
        return depthwise_separable_conv2d(*case.arrays.values(), **case.options)
    return conv2d(case.x, case.weight, case.bias, **case.options, pad_value=case.pad_value)


def rotated(case):
    turned = case.weight[:, :, ::-1, ::-1]
    return conv2d(case.x, turned, case.bias, **case.options, pad_value=case.pad_value)


def with_eight_bits(array):
    """Cut to bfloat16, as hardware does that just leaves bits out."""
    return (array.view(np.uint32) & np.uint32(0xFFFF0000)).view(np.float32)


def case_folders(folder):
    return sorted(path for path in Path(folder).iterdir() if path.is_dir())


def filled(folder, answer=right, binary=False):
    """Write an answer into every case folder."""
    for path in case_folders(folder):
        with np.errstate(all="ignore"):
            y = answer(read(path))
        if binary:
            (path / "actual.bin").write_bytes(y.tobytes())
        else:
            np.save(path / "actual.npy", y)
    return folder


def json_of(capsys, *arguments, status=0):
    """The document that a command prints; nothing else is there."""
    assert main([*arguments, "--json"]) == status
    return json.loads(capsys.readouterr().out)


def line_of_refusal(capsys, *arguments):
    """The one line on standard error of a command that ends with status 2."""
    assert main([*arguments]) == 2
    printed = capsys.readouterr()
    assert printed.err.count("\n") == 1
    return printed.err.strip()


@pytest.fixture
def few(tmp_path):
    """A folder of a few cases."""
    write_suite(FEW, tmp_path / "few", "core", ["npy"])
    return tmp_path / "few"


# --- vectors -------------------------------------------------------------------------------------


@pytest.mark.parametrize("format_", FORMATS)
def test_there_and_back_in_each_format(format_, tmp_path, capsys):
    """The core suite is written, an implementer fills it in, and it is judged."""
    folder = tmp_path / "vectors"
    found = json_of(capsys, "vectors", str(folder), "--format", format_)
    names = [case["folder"] for case in found["cases"]]
    assert names == [path.name for path in case_folders(folder)]
    left_out = [missing["folder"] for missing in found["not_written"]]
    assert sorted(names + left_out) == names_of(core())
    assert all((folder / name / FILES[format_]).exists() for name in names)
    filled(folder, binary=format_ == "raw")
    judged = json_of(capsys, "judge", str(folder))
    assert judged["counts"]["exact"] + judged["counts"]["within-bound"] == len(names)
    assert judged["counts"]["wrong"] == judged["counts"]["refused"] == 0
    assert judged["counts"]["without-output"] == 0
    assert {case["folder"] for case in judged["cases"]} == set(names)


def test_there_and_back_with_separable_cases(tmp_path, capsys):
    """Those that take the stride in both stages are caught."""
    found = json_of(capsys, "vectors", str(tmp_path), "--suite", "separable", "--format", "raw")
    filled(tmp_path, binary=True)
    counts = json_of(capsys, "judge", str(tmp_path))["counts"]
    assert counts["exact"] + counts["within-bound"] == len(found["cases"]) >= 5
    for path in case_folders(tmp_path):
        (path / "actual.bin").unlink()
        case = read(path)
        between = conv2d(case.x, case.weight, **case.options, groups=case.geometry.G)
        stride = case.options["stride"]
        np.save(
            path / "actual.npy", conv2d(between, case.pointwise_weight, case.bias, stride=stride)
        )
    judged = json_of(capsys, "judge", str(tmp_path), status=1)
    assert judged["diagnosis"] == "stride-in-pointwise"


def test_the_same_suite_is_written_every_time(tmp_path, capsys):
    """All bytes of it: whoever keeps vectors in a repository sees no change."""
    for name in ("one", "other", "other"):
        json_of(capsys, "vectors", str(tmp_path / name), "--format", ",".join(FORMATS))
    files = {
        name: {
            path.relative_to(tmp_path / name): path.read_bytes()
            for path in (tmp_path / name).rglob("*")
            if path.is_file()
        }
        for name in ("one", "other")
    }
    assert files["one"] == files["other"]
    assert len(files["one"]) > 1000


def test_names_are_readable_and_distinct():
    names = names_of(full())
    assert names[0] == "test_000_group_strided_dilated_padded_uneven_pads_batch_float32"
    assert len(set(names)) == len(full())
    assert all(name.isascii() and name.isidentifier() and len(name) < 100 for name in names)


def test_what_a_format_cannot_say_is_said(tmp_path, capsys):
    """Written in the others if any were asked for, and else left out."""
    folder = tmp_path / "vectors"
    found = json_of(capsys, "vectors", str(folder), "--format", "raw,onnx")
    (missing,) = found["not_written"]
    assert missing["folder"] == "test_051_standard_int32"
    assert (folder / missing["folder"] / "x.bin").exists()
    assert main(["vectors", str(folder), "--format", "onnx"]) == 0
    printed = capsys.readouterr().out
    assert not (folder / missing["folder"]).exists()
    assert f"left out (1): {missing['reason']}\n  {missing['folder']}\n" in printed
    assert f"{len(core()) - 1} cases of the core suite" in printed
    assert max(map(len, printed.replace(str(folder), "DIR").splitlines())) <= 80


def test_an_earlier_suite_is_replaced(few, capsys):
    filled(few)
    found = json_of(capsys, "vectors", str(few), "--format", ",".join(FORMATS))
    assert found["replaced"]
    assert not list(few.glob("*/actual.npy"))
    assert [path.name for path in case_folders(few)] == names_of(core())
    assert json_of(capsys, "vectors", str(few))["replaced"]
    assert not list(few.glob("*/model.onnx"))


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("notes.txt", "notes.txt"),
        ("test_001_standard_int8/main.c", "test_001_standard_int8/main.c"),
        ("test_001_standard_int8/src/main.c", "test_001_standard_int8/src"),
        (
            "test_001_standard_int8/test_data_set_0/x.npy",
            "test_001_standard_int8/test_data_set_0/x",
        ),
    ],
)
def test_what_is_not_ours_is_left_alone(name, found, few, capsys):
    """Nothing at all is removed where anything is not a suite's."""
    (few / name).parent.mkdir(exist_ok=True)
    (few / name).write_text("precious")
    before = sorted(few.rglob("*"))
    assert f"holds '{found}" in line_of_refusal(capsys, "vectors", str(few))
    assert sorted(few.rglob("*")) == before


def test_links_in_a_suite_are_left_alone(few, tmp_path, capsys):
    (tmp_path / "precious").mkdir()
    (tmp_path / "precious/x.npy").write_text("precious")
    (few / "test_009_linked").symlink_to(tmp_path / "precious")
    assert "holds 'test_009_linked', which no" in line_of_refusal(capsys, "vectors", str(few))
    assert (tmp_path / "precious/x.npy").exists()


@pytest.mark.parametrize("mark", [None, "", "[1]", "{}", "[" * 9999, '{"format": "other"}'])
def test_a_folder_that_is_no_suite_is_refused(mark, few, capsys):
    (few / "suite.json").unlink()
    if mark is not None:
        (few / "suite.json").write_text(mark)
    line = line_of_refusal(capsys, "vectors", str(few))
    assert line.endswith("but must be empty, or hold an earlier suite")
    assert len(case_folders(few)) == len(FEW)


def test_bad_arguments_of_vectors(tmp_path, capsys):
    (tmp_path / "file").write_text("")
    folder, file = str(tmp_path / "new"), str(tmp_path / "file")
    refusal = line_of_refusal(capsys, "vectors", folder, "--format", "npy,csv")
    assert "format is 'csv', but must be one of npy, raw, c, hex, onnx" in refusal
    assert "is a file, but must be a folder" in line_of_refusal(capsys, "vectors", file)
    assert not (tmp_path / "new").exists()
    with pytest.raises(SystemExit, match="2"):
        main(["vectors", folder, "--suite", "huge"])
    assert "invalid choice: 'huge'" in capsys.readouterr().err


# --- judge ---------------------------------------------------------------------------------------


def test_right_outputs_are_fine(few, capsys):
    filled(few)
    assert main(["judge", str(few)]) == 0
    printed = capsys.readouterr()
    assert printed.out.splitlines()[-1] == "4 judged: 3 exact, 1 within-bound"
    assert printed.err == ""


def test_wrong_outputs_are_named_the_worst_first(few, capsys):
    filled(few)
    for path in case_folders(few)[1:3]:
        case = read(path)
        np.save(path / "actual.npy", rotated(case))
    assert main(["judge", str(few)]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "The smallest case that is wrong, test_001_standard_int8:"
    assert lines[1] == "wrong: kernel-rotated-180"
    # The line that makes a case again is there to be copied, and so is not broken.
    assert max(len(line) for line in lines if not line.startswith("Case.")) <= 80
    listed = [line.split() for line in lines if line[13:18] == "test_"]
    assert [status for status, _ in listed] == ["wrong", "wrong", "exact", "exact"]
    assert "One fault explains all that is wrong: kernel-rotated-180" in lines
    assert lines[-1] == "4 judged: 2 exact, 2 wrong"
    document = json_of(capsys, "judge", str(few), status=1)
    assert document["diagnosis"] == "kernel-rotated-180"
    assert [case["status"] for case in document["cases"]] == ["wrong", "wrong", "exact", "exact"]
    # The real numbers' outputs are the farther beyond their bound only if that is not zero.
    assert document["cases"][0]["folder"] == "test_001_standard_int8"


def test_a_bad_folder_among_good_ones(few, capsys):
    """It is refused, the others are judged; status 2, but 1 where one of those is wrong."""
    filled(few)
    first, *_, last = case_folders(few)
    (last / "weight.npy").write_bytes(b"")
    refusal = line_of_refusal(capsys, "judge", str(few))
    assert f"{last.name}/weight.npy begins with b''" in refusal
    (few / "test_999_linked").symlink_to(few)
    assert refusal.replace("refconv judge: ", "") in line_of_refusal(capsys, "judge", str(few))
    np.save(first / "actual.npy", rotated(read(first)))
    document = json_of(capsys, "judge", str(few), status=1)
    statuses = [case["status"] for case in document["cases"]]
    assert statuses == ["wrong", "refused", "refused", "within-bound", "exact"]
    assert document["counts"]["refused"] == 2


def test_a_folder_without_its_description_is_refused(few, capsys):
    filled(few)
    (case_folders(few)[0] / "case.json").unlink()
    assert "case.json is missing" in line_of_refusal(capsys, "judge", str(few))


def test_cases_without_outputs_are_counted(few, capsys):
    filled(few)
    (case_folders(few)[0] / "actual.npy").unlink()
    assert main(["judge", str(few)]) == 0
    assert capsys.readouterr().out.endswith("3 judged: 2 exact, 1 within-bound, 1 without output\n")


def test_one_case_folder_and_folders_of_folders(few, tmp_path, capsys):
    filled(few)
    one = case_folders(few)[0]
    assert json_of(capsys, "judge", str(one))["cases"][0]["folder"] == one.name
    found = json_of(capsys, "judge", str(tmp_path))["cases"]
    assert {case["folder"] for case in found} == {f"few/{path.name}" for path in case_folders(few)}


@pytest.mark.parametrize("depth", [300])
def test_folders_that_are_nested_deep_are_walked(depth, few, capsys):
    filled(few)
    os.makedirs(few / "/".join(["d"] * depth))
    assert json_of(capsys, "judge", str(few))["counts"]["exact"] == 3


def test_what_the_caller_says_of_the_implementation(few, capsys):
    """Operands that were rounded are wrong by the contract, and right where that was promised."""
    filled(few)
    folder = case_folders(few)[2]
    case = read(folder)
    rounded = [with_eight_bits(a) for a in (case.x, case.weight)]
    np.save(folder / "actual.npy", conv2d(*rounded, case.bias, **case.options))
    assert json_of(capsys, "judge", str(folder), status=1)["diagnosis"] == "operands-bfloat16"
    promise = ["--operands", "bfloat16"]
    assert json_of(capsys, "judge", str(folder), *promise)["counts"]["within-bound"] == 1
    for promise in (["--algorithm", "slow"], ["--operands", "int4"], ["--accumulator", "f"]):
        line = line_of_refusal(capsys, "judge", str(folder), *promise)
        assert f"{promise[0][2:]} is '{promise[1]}', but must be one of" in line


def test_bad_arguments_of_judge(few, tmp_path, capsys):
    (tmp_path / "empty").mkdir()
    assert "is no folder, but" in line_of_refusal(capsys, "judge", str(tmp_path / "new"))
    assert "holds no case folder" in line_of_refusal(capsys, "judge", str(tmp_path / "empty"))
    assert "holds 4 case folders, but none" in line_of_refusal(capsys, "judge", str(few))


def test_a_name_that_a_terminal_would_obey_is_not_printed(few, capsys):
    filled(few)
    case_folders(few)[0].rename(few / "\x1b[2J\n")
    assert main(["judge", str(few)]) == 0
    printed = capsys.readouterr().out
    assert "\x1b" not in printed
    assert r"'\x1b[2J\n'" in printed


def test_a_thousand_small_cases_take_seconds(tmp_path, capsys):
    small = [
        Case.from_descriptor(
            f"g{1 + seed % 2}mb2ic4ih{5 + seed % 7}iw8oc6kh3kw2ph1pw0",
            seed,
            data=("integers", "reals")[seed % 3 == 0],
        )
        for seed in range(1000)
    ]
    write_suite(small, tmp_path / "many", "core", ["npy"])
    filled(tmp_path / "many")
    start = time.perf_counter()
    assert main(["judge", str(tmp_path / "many")]) == 0
    assert time.perf_counter() - start < 20
    assert capsys.readouterr().out.endswith("1000 judged: 666 exact, 334 within-bound\n")
