"""The pytest plugin, in the test runs of a project that has a convolution of its own."""

import re
import tomllib
from pathlib import Path

import numpy as np
import pytest
from fresh import run_python

from refconv.oracle.cases import suite

pytest_plugins = ["pytester"]

ROOT = Path(__file__).resolve().parents[1]
PLUGIN = ("-p", "refconv.pytest_plugin")
CASES = len(suite.core())

CONVOLUTIONS = """
    import os

    import numpy as np

    from refconv import conv2d, conv2d_bias_grad, conv2d_input_grad

    def right(x, weight, bias, **options):
        return conv2d(x, weight, bias, **options, method="im2col")

    def flipped(x, weight, bias, **options):
        return right(x, weight[:, :, ::-1], bias, **options)

    def has_no_groups(x, weight, bias, *, groups, **options):
        if groups > 1:
            raise NotImplementedError(f"{groups} groups")
        return right(x, weight, bias, **options)

    def has_nothing(*call, **options):
        raise NotImplementedError("to be written")

    def crashes_on_reals(x, weight, bias, **options):
        if (x != np.rint(x)).any():
            os._exit(3)
        return right(x, weight, bias, **options)

    def rounds_weights(x, weight, bias, **options):
        if weight.shape[1] == 512:
            weight = (weight * 256).round() / 256
        return right(x, weight, bias, **options)

    def by_input(grad_y, weight, x_shape, **options):
        return conv2d_input_grad(grad_y, weight, x_shape, **options)

    def by_input_turned(grad_y, weight, x_shape, **options):
        return by_input(grad_y, weight[:, :, ::-1, ::-1], x_shape, **options)

    def by_bias(grad_y):
        return conv2d_bias_grad(grad_y)

    nothing = None
"""


@pytest.fixture
def project(pytester, monkeypatch):
    """A project with a convolution, in files of its own; its pytest finds refconv."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    pytester.makepyfile(mine=CONVOLUTIONS, test_of_mine="def test_of_mine(): pass")
    return pytester


def outcomes(result):
    return {name: count for name, count in result.parseoutcomes().items() if name != "warnings"}


def run(project, *arguments):
    return project.runpytest_subprocess(*PLUGIN, *arguments)


def test_every_case_is_a_test_of_a_right_target(project):
    """Beside the project's own."""
    result = run(project, "--refconv-target", "mine:right", "--refconv-examples", "20", "-v")
    assert result.ret == 0
    assert outcomes(result) == {"passed": 1 + CASES + 1}
    result.stdout.fnmatch_lines(["test_of_mine.py::test_of_mine PASSED*"])
    result.stdout.fnmatch_lines(
        ["*g3mb2ic6ih10iw13oc12oh3ow8kh3kw2sh3sw2dh1dw0ph2pw0 --seed 0 PASSED*"]
    )
    result.stdout.fnmatch_lines(["*drawn cases PASSED*"])


def test_it_needs_no_tests_beside(project):
    (project.path / "test_of_mine.py").unlink()
    result = run(project, "--refconv-target", "mine.py:right", "--refconv-examples", "0")
    assert result.ret == 0
    assert outcomes(result) == {"passed": CASES}


def test_a_wrong_targets_failures_are_its_verdicts(project):
    result = run(project, "--refconv-target", "mine:flipped", "--refconv-examples", "40")
    assert result.ret == 1
    found = outcomes(result)
    assert found["failed"] > 40
    assert found["passed"] + found["failed"] == 1 + CASES + 1
    text = result.stdout.str()
    verdict = (
        r"\n_+ .*g3mb2ic6ih10iw13oc12.* _+\n"
        r"wrong: kernel-flipped-h\n"
        r"The kernel is flipped along its height, kh\.\n"
        r"\d+ of 576 outputs are wrong: .*\n"
        r"output \[n f oh ow\] .*\n"
        r"(\[.*\n){5}"
        r"Case\.from_descriptor\('g3mb2ic6ih10iw13oc12.*', seed=0\)\n"
    )
    assert re.search(verdict, text)
    assert "Traceback" not in text
    assert "VerdictError" not in text.split("short test summary")[0]
    drawn = text.split(" drawn cases _")[1]
    assert re.search(r"failed \(kernel-flipped-h\), of \d+ cases", drawn)
    assert "The smallest case that fails:\nwrong: kernel-flipped-h" in drawn
    assert "kh2kw1sh1sw1dh0dw0ph0pw0" in drawn


def test_a_gradients_cases_are_tests(project):
    """Of a right target, and of one that is wrong, whose failures are verdicts."""
    cases = len(suite.core_of("input-grad"))
    arguments = ("--refconv-of", "input-grad", "--refconv-examples", "20", "-v")
    result = run(project, "--refconv-target", "mine:by_input", *arguments)
    assert result.ret == 0
    assert outcomes(result) == {"passed": 1 + cases + 1}
    result.stdout.fnmatch_lines(["*dw0ph2pw0 --seed 0 --of input-grad PASSED*"])
    result.stdout.fnmatch_lines(["*drawn cases PASSED*"])
    result = run(project, "--refconv-target", "mine:by_input_turned", *arguments)
    found = outcomes(result)
    assert found["failed"] > 30
    assert found["passed"] + found["failed"] == 1 + cases + 1
    assert "wrong: kernel-rotated-180\nAs the gradient of a convolution" in result.stdout.str()
    drawn = result.stdout.str().split(" drawn cases _")[1]
    assert re.search(r", input-grad: failed\s+\(kernel-rotated-180\), of \d+ cases", drawn)
    assert ", of='input-grad')" in drawn


def test_a_gradient_that_takes_one_array(project):
    """Its cases are the suite's own: a convolution's would be refused."""
    arguments = ("--refconv-target", "mine:by_bias", "--refconv-examples", "10")
    result = run(project, *arguments, "--refconv-of", "bias-grad")
    assert outcomes(result) == {"passed": 1 + len(suite.core_of("bias-grad")) + 1}


def test_refusals_are_skipped_with_their_reasons(project):
    result = run(project, "--refconv-target", "mine:has_no_groups", "-rs",
                 "--refconv-examples", "20")  # fmt: skip
    assert result.ret == 0
    grouped = sum(case.geometry.G > 1 for case in suite.core())
    assert outcomes(result) == {"passed": 1 + CASES - grouped + 1, "skipped": grouped}
    result.stdout.fnmatch_lines(["SKIPPED*It refuses: NotImplementedError: 3 groups"])


def test_a_target_that_refuses_everything_fails_nothing(project):
    """Neither the suite nor the drawn cases; that all is skipped can be seen."""
    result = run(project, "--refconv-target", "mine:has_nothing", "--refconv-examples", "5")
    assert outcomes(result) == {"passed": 1, "skipped": CASES + 1}


def test_a_crash_fails_its_case_and_no_other(project):
    result = run(project, "--refconv-target", "mine:crashes_on_reals", "--refconv-examples", "0")
    reals = [case for case in suite.core() if np.any(case.x != np.rint(case.x))]
    found = outcomes(result)
    assert found == {"failed": len(reals), "passed": 1 + CASES - len(reals)}
    assert len(reals) > 5
    result.stdout.fnmatch_lines(["It crashed: it ended the process: exit status 3"])


def test_what_is_only_doubted_fails_here(project):
    """Who runs a suite at every change wants to know."""
    result = run(project, "--refconv-target", "mine:rounds_weights", "--refconv-examples", "0")
    assert outcomes(result) == {"passed": CASES, "failed": 1}
    result.stdout.fnmatch_lines(["suspicious*"])


def test_cases_are_selected_as_tests_are(project):
    """By name, and by number of failures."""
    result = run(project, "--refconv-target", "mine:right", "-k", "drawn or test_of_mine",
                 "--refconv-examples", "5")  # fmt: skip
    assert outcomes(result) == {"passed": 2, "deselected": CASES}
    # What is tested here is that pytest's own option counts each case as a test.
    result = run(project, "--refconv-target", "mine:flipped", "--maxfail", "2")
    assert outcomes(result)["failed"] == 2


def test_cases_are_listed_without_being_run(project):
    result = run(project, "--refconv-target", "mine:has_nothing", "--collect-only", "-q")
    assert result.ret == 0
    listed = [line for line in result.outlines if "::" in line]
    assert len(listed) == 1 + CASES + 1
    assert listed[0] == "test_of_mine.py::test_of_mine"


def test_a_seed_draws_other_cases(project):
    arguments = ("--refconv-target", "mine:flipped", "--refconv-examples", "30", "-k", "drawn")
    texts = []
    for seed in ("3", "3", "4"):
        result = run(project, *arguments, "--refconv-seed", seed)
        assert outcomes(result) == {"failed": 1, "deselected": CASES + 1}
        texts.append(re.search(r"failed \(kernel.*?cases .*?\n\n", result.stdout.str(), re.S)[0])
    assert texts[0] == texts[1] != texts[2]


WRONG_USE = {
    "a name that is none": (("mine",), "'mine' is no target: it must be one of torch, "),
    "no such module": (("thine:right",), "there is no module 'thine'"),
    "no such file": (("thine.py:right",), "there is no file 'thine.py'"),
    "no such function": (("mine:left",), "mine has no 'left'"),
    "no function": (("mine:nothing",), "nothing of mine is NoneType, but must be callable"),
    "a gradient that is none": (
        ("mine:right", "--refconv-of", "y"),
        "--refconv-of: of is 'y', but must be one of input-grad, weight-grad, bias-grad, transpose",
    ),
    "a library without gradients": (
        ("scipy", "--refconv-of", "input-grad"), "scipy cannot be asked for the input-grad here",
    ),
    "less than no examples": (
        ("mine:right", "--refconv-examples", "-3"), "'-3' is not an integer from 0 on",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("arguments", "message"), WRONG_USE.values(), ids=WRONG_USE)
def test_wrong_use_is_an_error_of_one_line(project, arguments, message):
    result = run(project, "--refconv-target", *arguments)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert message in result.stderr.str()
    assert "Traceback" not in result.stderr.str() + result.stdout.str()


def test_without_the_option_nothing_happens(project):
    """Nor is anything heavy imported."""
    project.makepyfile(
        test_of_mine="""
        import sys

        def test_of_mine():
            assert "refconv.pytest_plugin" in sys.modules
            assert not {"numba", "hypothesis", "refconv.oracle"} & set(sys.modules)
        """
    )
    result = run(project)
    assert result.ret == 0
    assert outcomes(result) == {"passed": 1}


def test_the_help_tells_its_options(project):
    result = run(project, "--help")
    for option in (
        "--refconv-target=TARGET", "--refconv-of=WHAT", "--refconv-examples=N", "--refconv-seed=S"
    ):  # fmt: skip
        assert option in result.stdout.str()


def test_importing_the_plugin_loads_nothing_heavy():
    loaded = run_python("import refconv.pytest_plugin, sys\nprint(*sys.modules)").split()
    heavy = {"numba", "llvmlite", "hypothesis", "torch", "onnx", "refconv.oracle"}
    assert heavy & set(loaded) == set()


def test_it_is_registered():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["entry-points"]["pytest11"] == {"refconv": "refconv.pytest_plugin"}
