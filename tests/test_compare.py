"""`refconv compare`: its figures, and what a person and a program see of it."""

import dataclasses
import json
import os
import re
import subprocess
import sys
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from strategies import geometries

import refconv
from refconv import Geometry, compare, count
from refconv.cli import compare as shown
from refconv.cli import main

MOBILENET = Geometry.from_descriptor(compare.DEFAULT_LAYER)
SMALL = "g2mb2ic4ih5iw7oc6oh5ow4kh3kw2sw2ph1pw1"


def refconv_command(*arguments, **environment):
    """The finished process of the command, as a shell would run it."""
    folder = os.path.dirname(os.path.dirname(refconv.__file__))
    return subprocess.run(
        [sys.executable, "-m", "refconv", *arguments],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": folder, **environment},
    )


@pytest.fixture(scope="module")
def small():
    return compare.compare(Geometry.from_descriptor(SMALL), [2])


def test_the_papers_layer_comes_out_as_in_the_paper():
    found = {s.name: s for s in compare.structures(MOBILENET, compare.DEFAULT_GROUPS)}
    standard, separable = found["standard"].counts, found["separable"].counts
    assert (standard.macs, standard.parameters) == (462_422_016, 2_359_296)
    assert (separable.macs, separable.parameters) == (52_283_392, 266_752)
    assert separable.ratio_to(standard) == Fraction(1, 512) + Fraction(1, 9)
    intensities = {name: round(s.counts.intensity("float32"), 1) for name, s in found.items()}
    assert intensities == {
        "standard": 90.3,
        "2 groups": 83.8,
        "4 groups": 73.1,
        "8 groups": 58.3,
        "32 groups": 26.3,
        "depthwise": 2.2,
        "pointwise": 55.5,
        "separable": 39.1,
    }


def test_alexnets_second_layer_has_half_in_two_groups():
    layer = Geometry.from_descriptor("g2mb1ic96ih27oc256oh27kh5ph2")
    standard, two, *_ = compare.structures(layer, [2])
    assert (standard.counts.macs, two.counts.macs) == (447_897_600, 223_948_800)


@given(geometries())
def test_every_structure_keeps_its_promise(layer):
    if 0 in (layer.N, layer.C, layer.F):
        return
    found = compare.structures(layer, compare.possible_groups(layer))
    standard = found[0].counts
    for structure in found:
        assert structure.counts.ratio_to(standard) == structure.promised
        factors = (term.split("*") for term in structure.formula.split(" + "))
        assert sum(int(np.prod([int(f) for f in term])) for term in factors) == (
            structure.counts.macs
        )


@settings(max_examples=15)
@given(geometries())
def test_the_loops_agree_on_the_corner_and_a_wrong_corner_is_seen(layer):
    if 0 in (layer.N, layer.C, layer.F):
        return
    stage = compare._Operands.of(layer)
    y = stage.convolve("im2col")
    assert compare._loops_agree(stage, y)
    y[0, 0, 0, 0] += 1
    assert not compare._loops_agree(stage, y)


def test_a_row_that_miscounts_or_differs_is_told(small):
    row = small.rows[1]
    assert row.counts_agree
    assert row.methods_agree
    assert small.agrees
    miscounted = dataclasses.replace(row, counted_effective_macs=row.counted_effective_macs + 1)
    different = dataclasses.replace(row, checks={**row.checks, "im2col": False})
    for wrong in (miscounted, different):
        assert not dataclasses.replace(small, rows=(small.rows[0], wrong)).agrees


def test_a_disagreement_is_shown_and_is_exit_status_1(small, monkeypatch, capsys):
    row = dataclasses.replace(small.rows[1], counted_macs=7, checks={"im2col": False})
    wrong = dataclasses.replace(small, rows=(small.rows[0], row))
    monkeypatch.setattr(compare, "compare", lambda *_, **__: wrong)
    assert main(["compare", SMALL]) == 1
    text = capsys.readouterr().out
    assert "NOT EQUAL" in text
    assert "im2col DIFFERS" in text
    assert "1 of 2 rows disagree." in text


def test_what_a_person_sees_fits_80_columns(small, capsys):
    shown.show(small)
    text = capsys.readouterr().out
    assert max(map(len, text.splitlines())) <= 80
    assert "\x1b" not in text
    for part in (
        "4 -> 6 channels, 5x7 -> 5x4, kernel 3x2, batch 2, float32",
        "g2mb2ic4ih5iw7oc6oh5ow4kh3kw2sh1sw2dh0dw0ph1pw1",
        "2*5*4*3*2*4*6",
        "2*5*4*3*2*1*4 + 2*5*4*1*1*4*6",
        "1/6 + 1/6",
        "im2col, jit-loops, loops on a corner",
        "Every count equals its formula, to the unit.",
    ):
        assert part in text, part
    assert re.search(r"standard +2\*5\*4\*3\*2\*4\*6 +5,760 +5,760 +equal", text)


def test_json_is_one_document_and_nothing_else():
    done = refconv_command("compare", SMALL, "--groups", "2", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    document = json.loads(done.stdout)
    rows = {row["structure"]: row for row in document["rows"]}
    assert list(rows) == ["standard", "2 groups", "depthwise", "pointwise", "separable"]
    assert document["counts_agree"] is document["methods_agree"] is True
    for row in rows.values():
        total = sum(count(Geometry.from_descriptor(d)).macs for d in row["descriptors"])
        assert row["macs"] == row["counted_macs"] == total
        assert row["milliseconds"] > 0
    assert rows["2 groups"]["promised_speed_up"] == 2
    assert rows["pointwise"]["im2col_bytes"] == 0


BAD = {
    "no descriptor": (["compare", "ic4ih5"], "descriptor 'ic4ih5' lacks oc, kh"),
    "groups that do not divide": (["compare", "--groups", "5"], "5 groups do not divide 512"),
    "groups that are no list": (["compare", "--groups", "2;4"], "'2;4' is not a list of integers"),
    "an empty descriptor": (["compare", ""], "descriptor '' lacks ic, ih, oc, kh"),
    "no groups": (["compare", "--groups", "0"], "'0' has a number of groups below 1"),
    "nothing to compare": (["compare", "mb0ic4ih5oc4kh3"], "has no operations to compare"),
    "unknown command": (["compress"], "invalid choice: 'compress'"),
    "no command": ([], "the following arguments are required: COMMAND"),
    "unknown option": (["compare", "--fast"], "unrecognized arguments: --fast"),
}


@pytest.mark.parametrize(("arguments", "message"), BAD.values(), ids=BAD)
def test_bad_usage_is_one_line_and_exit_status_2(arguments, message):
    done = refconv_command(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert message in done.stderr
    assert done.stderr.startswith("refconv")
    assert done.stderr.count("\n") == 1


def test_without_rich_it_says_what_to_install(tmp_path):
    (tmp_path / "rich.py").write_text("raise ModuleNotFoundError('No rich', name='rich')")
    folder = os.path.dirname(os.path.dirname(refconv.__file__))
    done = refconv_command("compare", PYTHONPATH=os.pathsep.join([str(tmp_path), folder]))
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "refconv compare: needs rich: pip install 'refconv[cli]'; or use --json\n"


def test_a_reader_who_has_seen_enough_is_no_error():
    folder = os.path.dirname(os.path.dirname(refconv.__file__))
    command = f"'{sys.executable}' -m refconv compare {SMALL} --groups 2 | head -1; "
    done = subprocess.run(
        ["bash", "-c", command + "exit ${PIPESTATUS[0]}"],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": folder},
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("4 -> 6 channels")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="this system has no full device")
def test_output_that_cannot_be_written_is_one_line():
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "refconv", "compare", SMALL, "--groups", "2", "--json"],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": os.path.dirname(os.path.dirname(refconv.__file__))},
        )
    assert done.returncode == 2
    assert done.stderr.startswith("refconv compare: [Errno 28]")
    assert done.stderr.count("\n") == 1


def test_a_narrow_terminal_keeps_every_name(small, monkeypatch, capsys):
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "60")
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("TERM", "dumb")
    shown.show(small)
    text = capsys.readouterr().out
    for row in small.rows:
        assert len(re.findall(rf"^{row.structure.name} ", text, re.MULTILINE)) == 3
    assert "FLOP/byte" in text


def test_the_version_is_told():
    done = refconv_command("--version")
    assert (done.returncode, done.stdout) == (0, f"refconv {refconv.__version__}\n")
