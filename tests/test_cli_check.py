"""`refconv check`, as a shell runs it: what it prints, and its exit status."""

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import pytest
from fresh import TESTS

from refconv.cli import main
from refconv.oracle.cases import suite
from refconv.oracle.cases.gradient_case import OF
from refconv.oracle.cases.kinds import KINDS
from refconv.oracle.cases.suite import core_of

MISBEHAVING = TESTS / "misbehaving.py"
SMALL = "ic2ih5iw7oc3kh3kw2"

TARGETS = '''
    """Convolutions of somebody."""

    from refconv import conv2d, conv2d_input_grad, depthwise_separable_conv2d

    def right(x, weight, bias, **options):
        return conv2d(x, weight, bias, **options, method="im2col")

    def flipped(x, weight, bias, **options):
        return right(x, weight[:, :, ::-1], bias, **options)

    def flipped_without_bias(x, weight, bias, **options):
        return flipped(x, weight, None, **options)

    def has_no_groups(x, weight, bias, *, groups, **options):
        if groups > 1:
            raise NotImplementedError(f"{groups} groups")
        return right(x, weight, bias, **options)

    def has_nothing(*call, **options):
        raise NotImplementedError("to be written")

    def rounds_weights(x, weight, bias, **options):
        if weight.shape[1] == 512:
            weight = (weight * 256).round() / 256
        return right(x, weight, bias, **options)

    def in_halves(x, weight, bias, **options):
        half = [a.astype("float16").astype(a.dtype) for a in (x, weight, bias)]
        return right(*half, **options)

    def separable(x, depthwise_weight, pointwise_weight, bias, **options):
        return depthwise_separable_conv2d(
            x, depthwise_weight, pointwise_weight, bias, **options, method="im2col"
        )

    def separable_strided_twice(x, depthwise_weight, pointwise_weight, bias, **options):
        sh, sw = options["stride"]
        return separable(x, depthwise_weight, pointwise_weight, bias, **options)[:, :, ::sh, ::sw]

    calls = 0

    def forgets(x, weight, bias, **options):
        global calls
        calls += 1
        return right(x, weight, bias, **options) + (calls % 7 == 3)

    number = 7
    kept = {}

    def not_cleared(grad_y, weight, x_shape, **options):
        grad_x = conv2d_input_grad(grad_y, weight, x_shape, **options)
        key = x_shape, grad_x.dtype
        kept[key] = kept.get(key, 0) + grad_x
        return kept[key]
'''

PROGRAM = """
    import json
    import sys
    from pathlib import Path

    import numpy as np

    from refconv import conv2d

    folder = Path(sys.argv[1])
    x, weight = np.load(folder / "x.npy"), np.load(folder / "weight.npy")
    bias = np.load(folder / "bias.npy") if (folder / "bias.npy").exists() else None
    case = json.loads((folder / "case.json").read_text())
    options = {name: case[name] for name in ("stride", "padding", "dilation", "groups")}
    if "--flip" in sys.argv:
        weight = weight[:, :, ::-1]
    print("this is of no interest")
    np.save(folder / "actual.npy", conv2d(x, weight, bias, **options, method="im2col"))
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with targets: where the command runs."""
    folder = tmp_path_factory.mktemp("place")
    for name, text in {"mine.py": TARGETS, "a program.py": PROGRAM}.items():
        (folder / name).write_text(dedent(text))
    return folder


def environment(**more):
    return {**os.environ, "PYTHONPATH": str(TESTS.parent), "COLUMNS": "80", **more}


@pytest.fixture
def refconv(place):
    """The finished process of a command line, in that folder."""

    def run(*arguments, **more):
        return subprocess.run(
            [sys.executable, "-m", "refconv", *arguments],
            cwd=place, env=environment(**more), capture_output=True, text=True, timeout=300,
        )  # fmt: skip

    return run


@pytest.fixture
def checked(place, monkeypatch, capsys):
    """The same, for speed, in this process: exit status, output, errors."""
    monkeypatch.chdir(place)

    def run(*arguments):
        try:
            status = main(["check", *map(str, arguments)])
        except SystemExit as error:  # of the parser
            status = error.code
        out, err = capsys.readouterr()
        return status, out, err

    return run


def lines_too_long(text):
    """But for those to be copied."""
    as_it_is = re.compile(r" *(refconv check |Case\.from_descriptor\()")
    return [line for line in text.splitlines() if len(line) > 80 and not as_it_is.match(line)]


def commands_of(text):
    """The command lines that it prints, without `refconv`."""
    return [shlex.split(line)[1:] for line in re.findall(r"^ *(refconv check .*)$", text, re.M)]


# --- what comes out -------------------------------------------------------------------------------


def test_a_right_target(refconv):
    done = refconv("check", "mine.py:right", "--examples", "20")
    assert (done.returncode, done.stderr) == (0, "")
    cases = len(suite.core()) + 20
    assert done.stdout.startswith(f"mine.py:right: passed, of {cases} cases ")
    assert "Case.from_descriptor" not in done.stdout
    assert lines_too_long(done.stdout) == []
    for kind in ("standard", "group", "depthwise", "pointwise", "same", "empty", "big", "int8"):
        assert re.search(rf"^{kind} +(\d+) +\1$", done.stdout, re.M), kind


def test_a_wrong_target_and_every_command_that_it_prints(refconv):
    """Each makes its case again, and the same is wrong with it."""
    done = refconv("check", "mine.py:flipped", "--examples", "40")
    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout.startswith("mine.py:flipped: failed (kernel-flipped-h), of ")
    assert lines_too_long(done.stdout) == []
    verdict = done.stdout.split("The smallest case that fails:\n")[1].split("\n\n")[0]
    *lines, case, command = verdict.splitlines()
    assert lines[:2] == ["wrong: kernel-flipped-h", "The kernel is flipped along its height, kh."]
    assert case.startswith("Case.from_descriptor('g1mb1ic1ih2iw1oc1oh1ow1kh2kw1sh1sw1dh0dw0ph0pw0'")
    commands = commands_of(done.stdout)
    assert shlex.split(command)[1:] == commands[0]
    assert len(commands) == 4
    for number, arguments in enumerate(commands):
        again = refconv(*arguments)
        assert (again.returncode, again.stderr) == (1, "")
        assert "kernel-flipped-h" in again.stdout
        assert commands_of(again.stdout) == [arguments]
        if number == 0:  # whose verdict is printed: the outputs of that are the same
            assert "\n".join([*lines[2:], case, command]) in again.stdout


@pytest.mark.parametrize(
    "options",
    [
        ("--dtype", "float64", "--data", "reals"),
        ("--dtype", "int8", "--bound", "100", "--no-bias"),
        ("--dtype", "float16", "--data", "reals", "--accumulator", "float16"),
        ("--data", "reals", "--operands", "float16", "--seed", "5"),
        ("--data", "nonfinite"),
        ("--data", "nonfinite-weight"),
    ],
    ids=" ".join,
)
def test_a_command_says_all_that_makes_its_case(checked, options):
    status, text, _ = checked("mine.py:flipped", "--case", SMALL, *options)
    assert status == 1
    (arguments,) = commands_of(text)
    assert arguments[0] == "check"
    assert checked(*arguments[1:]) == (1, text, "")


def test_a_path_with_a_blank_can_be_copied(checked, place):
    (place / "it's mine.py").write_text((place / "mine.py").read_text())
    status, text, _ = checked("it's mine.py:flipped", "--case", SMALL)
    (arguments,) = commands_of(text)
    assert arguments[1] == "it's mine.py:flipped"
    assert checked(*arguments[1:]) == (status, text, "")


def test_a_public_library_is_known_by_its_name(checked):
    status, text, errors = checked("refconv.im2col", "--examples", 5, "--only", "float32,depthwise")
    assert (status, errors) == (0, "")
    assert re.match(r"refconv\.im2col \d+\.\d+\S*: passed, of \d+ cases", text)


def test_the_seed_decides(checked):
    runs = [checked("mine.py:flipped", "--examples", 30, "--seed", seed) for seed in (3, 3, 4)]
    assert runs[0] == runs[1]
    assert runs[0] != runs[2]
    assert {status for status, *_ in runs} == {1}


def test_two_faults_at_once(checked):
    status, text, _ = checked("mine.py:flipped_without_bias", "--examples", 20)
    assert status == 1
    assert "bias-missing + kernel-flipped-h" in text or "kernel-flipped-h + bias-missing" in text
    assert lines_too_long(text) == []


def test_refusals_are_shown_and_fail_a_strict_run(checked):
    status, text, _ = checked("mine.py:has_no_groups", "--examples", 10)
    assert status == 0
    assert re.search(r"^refused \(\d+\): It refuses: NotImplementedError: \d groups$", text, re.M)
    assert len(commands_of(text)) >= 2
    strict_status, strict_text, _ = checked("mine.py:has_no_groups", "--examples", 10, "--strict")
    assert strict_status == 1
    assert " failed, of " in strict_text
    assert text.splitlines()[1:] == strict_text.splitlines()[1:]
    assert checked("mine.py:has_no_groups", "--case", SMALL, "--strict")[0] == 0
    assert checked(*commands_of(text)[0][1:], "--strict")[0] == 1


def test_where_all_is_refused_nothing_was_judged(checked):
    status, text, _ = checked("mine.py:has_nothing", "--examples", 3)
    assert status == 1
    assert text.startswith("mine.py:has_nothing: nothing was judged, of ")
    assert lines_too_long(text) == []


def test_what_is_only_doubted_is_shown_and_passes(checked):
    status, text, _ = checked("mine.py:rounds_weights", "--examples", 0)
    assert status == 0
    assert re.search(r"^suspicious \(1\): ", text, re.M)
    (arguments,) = commands_of(text)
    again = checked(*arguments[1:])
    assert again[0] == 0
    assert "suspicious (1): " in again[1]


def test_what_is_said_of_it_is_believed(checked):
    case = ("--case", "ic9ih5iw7oc3kh3kw2", "--data", "reals")
    assert checked("mine.py:in_halves", *case)[0] == 1
    assert checked("mine.py:in_halves", *case, "--operands", "float16")[0] == 0


def test_a_target_that_forgets_is_told(checked):
    status, text, errors = checked("mine.py:forgets", "--examples", 60, "--only", "no-bias")
    assert (status, errors) == (1, "")
    assert "not deterministic" in " ".join(text.split())


def test_the_line_of_what_is_not_cleared_shows_it(checked):
    """Though the case is right when it is asked the first time, in a process of its own."""
    target = ("mine.py:not_cleared", "--of", "input-grad")
    status, text, errors = checked(*target, "--examples", 20)
    assert (status, errors) == (1, "")
    assert "failed (output-not-cleared), of" in " ".join(text.split())
    command = next(line for line in text.splitlines() if line.startswith("refconv check "))
    again = checked(*shlex.split(command)[2:])
    assert again[0] == 1
    assert "failed (output-not-cleared), of 2 cases 1 exact, 1 wrong" in " ".join(again[1].split())


def test_separable_targets(checked):
    assert checked("mine.py:separable", "--suite", "separable", "--examples", 10)[0] == 0
    target = "mine.py:separable_strided_twice"
    status, text, _ = checked(target, "--suite", "separable", "--examples", 10)
    assert status == 1
    assert "stride-in-pointwise" in text
    arguments = commands_of(text)[0]
    again_status, again, _ = checked(*arguments[1:])
    assert again_status == 1
    assert "stride-in-pointwise" in again


# --- what is tried --------------------------------------------------------------------------------


def test_no_examples(checked):
    status, text, _ = checked("mine.py:right", "--examples", 0)
    assert status == 0
    assert text.startswith(f"mine.py:right: passed, of {len(suite.core())} cases ")


@pytest.mark.parametrize("kinds", ["int8", "depthwise,float64", "no-bias"])
def test_only(checked, kinds):
    status, text, _ = checked("mine.py:right", "--examples", 0, "--only", kinds)
    assert status == 0
    rows = {r[0]: int(r[1]) for r in re.findall(r"^(\S+) +(\d+) +\d+$", text, re.M)}
    number = int(re.search(r"of (\d+) cases", text)[1])
    assert 0 < number < len(suite.core())
    assert (
        max(rows[kind] for kind in kinds.split(","))
        <= number
        <= sum(rows[kind] for kind in kinds.split(","))
    )


def test_the_full_suite_is_larger(checked):
    types = "int16,uint16,int64,complex64,complex128"
    status, text, _ = checked("mine.py:right", "--suite", "full", "--examples", 0, "--only", types)
    assert status == 0
    assert "of 5 cases" in text
    status, text, _ = checked("mine.py:right", "--examples", 0, "--only", types)
    assert (status, "nothing was judged, of 0 cases none" in text) == (1, True)


# --- what misbehaves ------------------------------------------------------------------------------

MISBEHAVIOUR = {
    "none": ("wrong", "It returned None instead of an array."),
    "ragged": ("wrong", "What it returned is no array: ValueError"),
    "text": ("wrong", "no numbers"),
    "wrong_shape": (
        "wrong: output-cropped",
        "It has shape (1, 3, 2, 6), but y has shape (1, 3, 3, 6).",
    ),
    "all_nan": (
        "wrong: output-unwritten",
        "All wrong outputs are nan: they were not written, it seems.",
    ),
    "modifies_x": ("wrong: input-modified", "It writes to its input: x. Its outputs are exact."),
    "exits_at_once": ("crashed", "It crashed: it ended the process: exit status 4"),
    "crashes": ("crashed", "It crashed: it was killed by SIGSEGV"),
    "panics": ("crashed", "It crashed: it raised PanicError, which is no Exception"),
    "hangs": ("crashed", "It crashed: it took longer than 0.5 s"),
}


@pytest.mark.parametrize(("name", "said"), MISBEHAVIOUR.items(), ids=MISBEHAVIOUR)
def test_a_target_that_misbehaves_is_a_verdict(checked, name, said):
    target = f"{MISBEHAVING}:{name}"
    status, text, errors = checked(target, "--case", SMALL, "--time-limit", "0.5")
    assert (status, errors) == (1, "")
    verdict, sentence = said
    assert f"The smallest case that fails:\n{verdict}\n" in text
    assert sentence in " ".join(text.split())


@pytest.mark.parametrize("name", ["prints", "a_list", "transposed_in_memory", "as_float64"])
def test_what_is_odd_but_right_is_right(checked, name):
    status, text, errors = checked(f"{MISBEHAVING}:{name}", "--case", SMALL)
    assert (status, errors) == (0, "")
    assert f"{name}: passed, of 1 cases 1 exact" in " ".join(text.split())


def test_the_run_goes_on_after_each_crash_and_hang(checked):
    """`in_turn` crashes, hangs, refuses, returns None and exits, and is right for one image."""
    status, text, errors = checked(
        f"{MISBEHAVING}:in_turn", "--examples", 0, "--only", "batch,pointwise", "--time-limit", "5"
    )  # fmt: skip
    assert (status, errors) == (1, "")
    summary = " ".join(text.split("\n\n")[0].split())
    counts = dict(reversed(pair.split()) for pair in summary.split(" cases ")[1].split(", "))
    assert {"exact", "crashed"} <= set(counts)
    cases = [c for c in suite.core() if c.geometry.N > 1 or c.kind == "pointwise"]
    assert sum(map(int, counts.values())) == len(cases)


def test_nothing_that_a_target_prints_gets_into_the_document(refconv):
    done = refconv("check", f"{MISBEHAVING}:prints", "--examples", "3", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["passed"] is True


# --- programs -------------------------------------------------------------------------------------


def program(*arguments):
    return shlex.join([sys.executable, "a program.py", "{case}", *arguments])


def test_a_program_is_judged_by_what_it_writes(checked, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(TESTS.parent))
    case = ("--case", f"{SMALL}ph1pw0", "--seed", "3")
    status, text, errors = checked("--command", program(), *case)
    assert (status, errors) == (0, "")
    assert "passed, of 1 cases 1 exact" in " ".join(text.split())
    status, text, errors = checked("--command", program("--flip"), *case)
    assert (status, errors) == (1, "")
    assert "kernel-flipped-h" in text
    (arguments,) = commands_of(text)
    assert checked(*arguments[1:]) == (1, text, "")


@pytest.mark.parametrize(
    ("command", "status", "said"),
    [
        ("false {case}", 1, "It crashed: exit status 1"),
        ("true {case}", 1, "Its outputs cannot be read"),
        ("sh -c 'exit 77' {case}", 1, "nothing was judged"),
        ("sh -c 'kill -9 $$' {case}", 1, "It crashed: killed by SIGKILL"),
        ("sh -c 'sleep 60' {case}", 1, "It crashed: it took longer than 0.3 s"),
    ],
)
def test_programs_that_misbehave(checked, command, status, said):
    found, text, errors = checked("--command", command, "--case", SMALL, "--time-limit", "0.3")
    assert (found, errors) == (status, "")
    assert said in " ".join(text.split())
    assert "Traceback" not in text


# --- for programs, pipes and terminals ------------------------------------------------------------


def test_json_is_one_document_and_nothing_else(refconv):
    done = refconv("check", "mine.py:flipped", "--examples", "20", "--json")
    assert (done.returncode, done.stderr) == (1, "")
    document = json.loads(done.stdout)
    assert (document["passed"], document["diagnosis"]) == (False, "kernel-flipped-h")
    assert document["counts"]["wrong"] == len(document["failures"]) > 20
    assert set(document["kinds"]) <= set(KINDS)
    assert document["failures"][0]["status"] == "wrong"
    assert (document["target"], document["seed"]) == ("mine.py:flipped", 0)


@pytest.mark.parametrize(
    "target", ["mine.py:right", "mine.py:has_no_groups", "mine.py:has_nothing"]
)
def test_the_exit_status_does_not_depend_on_the_form(checked, target):
    arguments = (target, "--examples", 3, "--only", "group")
    status, _, _ = checked(*arguments)
    json_status, text, _ = checked(*arguments, "--json")
    assert json_status == status
    assert json.loads(text)["passed"] is (status == 0)


@pytest.mark.parametrize("more", [{}, {"NO_COLOR": "1"}, {"FORCE_COLOR": "1"}, {"COLUMNS": "200"}])
def test_a_pipe_gets_plain_text_of_80_columns(refconv, more):
    done = refconv("check", "mine.py:flipped", "--case", SMALL, **more)
    assert done.returncode == 1
    assert "\x1b" not in done.stdout + done.stderr
    assert "\r" not in done.stdout + done.stderr
    assert lines_too_long(done.stdout) == []
    assert done.stderr == ""


def test_a_reader_who_has_seen_enough_is_no_error(place):
    command = f"'{sys.executable}' -m refconv check mine.py:right --case {SMALL} | true; "
    done = subprocess.run(
        ["bash", "-c", command + "exit ${PIPESTATUS[0]}"],
        cwd=place, env=environment(), capture_output=True, text=True,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")


def test_progress_is_for_terminals_and_leaves_no_trace(place):
    """On standard error, in one line that is rewritten, and is empty in the end."""
    pty = pytest.importorskip("pty", reason="this system has no pseudo-terminals")
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "refconv", "check", "mine.py:right", "--examples", "15"],
        cwd=place, env=environment(), stdout=subprocess.PIPE, stderr=theirs, text=True,
    ) as process:  # fmt: skip
        os.close(theirs)
        text = _all_of(ours)
        out = process.stdout.read()
    assert process.returncode == 0
    assert "\x1b" not in out
    assert "mine.py:right: case 1 of " in text
    assert "mine.py:right: drawn case 11 of 15" in text
    assert "\n" not in text
    assert text.split("\r")[-1] == "\x1b[K"


def _all_of(descriptor):
    """What is written to a terminal until nobody has it open any more."""
    parts = []
    while True:
        try:
            part = os.read(descriptor, 4096)
        except OSError:  # Linux says the end so
            part = b""
        if not part:
            os.close(descriptor)
            return b"".join(parts).decode()
        parts.append(part)


# --- wrong use ------------------------------------------------------------------------------------

ONE = ("mine.py:right", "--case", SMALL)

BAD = {
    "no target": ((), "needs a TARGET or a --command, and not both"),
    "two targets": (
        ("torch", "--command", "x {case}"), "needs a TARGET or a --command, and not both",
    ),
    "an empty target": (("",), "'' is no target: it must be one of torch"),
    "an unknown target": (("torhc",), "'torhc' is no target: it must be one of torch, "),
    "an unknown option of a library": (("refconv.im2col/fast",), "refconv.im2col has no option"),
    "no such file": (("thine.py:right",), "there is no file 'thine.py'"),
    "no such function": (("mine.py:left",), "mine.py has no 'left'"),
    "no function": (("mine.py:number",), "number of mine.py is int, but must be callable"),
    "no such module": (("numpee:convolve",), "there is no module 'numpee'"),
    "a command without the folder": (
        ("--command", "true"), "command is 'true', but must say where {case}, the folder, goes",
    ),
    "a command that is not there": (
        ("--command", "nowhere/to/be/found {case}"), "there is no program 'nowhere/to/be/found'",
    ),
    "a command that is not closed": (
        ("--command", "true '{case}"), "but must be as a shell's: No closing quotation",
    ),
    "an unknown kind": (
        ("mine.py:right", "--only", "padded,square"), "unknown kind 'square': it must be one of",
    ),
    "an unknown suite": (("mine.py:right", "--suite", "half"), "invalid choice: 'half'"),
    "no descriptor": (("mine.py:right", "--case", "icx"), "descriptor 'icx' cannot be read from"),
    "an empty descriptor": (("mine.py:right", "--case", ""), "descriptor '' lacks ic, ih, oc, kh"),
    "an impossible descriptor": (
        ("mine.py:right", "--case", "ic2ih3oc2kh5"),
        "weight spans 5 cells along H (KH 5, dilation 1), but x has 3 there",
    ),
    "an image that no memory holds": (
        ("mine.py:right", "--case", "ic100000ih100000oc3kh3"), "not enough memory",
    ),
    "an unknown type": ((*ONE, "--dtype", "flt"), "dtype is 'flt', which NumPy does not know"),
    "a type that is not convolved": ((*ONE, "--dtype", "bool"), "x has type bool, which no conv"),
    "unknown data": ((*ONE, "--data", "primes"), "data is 'primes', but must be one of integers"),
    "a bound that is too large": ((*ONE, "--bound", "9" * 30), "bound is 999"),
    "a bound below zero": ((*ONE, "--bound", "-3"), "'-3' is not an integer from 0 on"),
    "an unknown accumulator": (
        (*ONE, "--accumulator", "int7"), "accumulator is 'int7', but must be one of float64",
    ),
    "an unknown accumulator of integers": (
        (*ONE, "--dtype", "int8", "--accumulator", "int7"), "accumulator is 'int7', but must be",
    ),
    "unknown operands": (
        (*ONE, "--operands", "int7"), "operands is 'int7', but must be one of float64",
    ),
    "an unknown algorithm": (
        (*ONE, "--algorithm", "magic"), "algorithm is 'magic', but must be one of direct",
    ),
    "a separable case of a type that is rounded": (
        ("mine.py:separable", "--case", "g2ic2ih5oc4kh3", "--pointwise", "3", "--dtype", "int8"),
        "both must be one type",
    ),
    "a separable case that is not depthwise": (
        ("mine.py:separable", "--case", SMALL, "--pointwise", "3"), "a depthwise stage has one a",
    ),
    "less than no examples": (
        ("mine.py:right", "--examples", "-1"), "'-1' is not an integer from 0 on",
    ),
    "a seed that is no number": (("mine.py:right", "--seed", "x"), "'x' is not an integer from 0"),
    "no time": ((*ONE, "--time-limit", "0"), "'0' is not a number of seconds up to a day"),
    "time that is no number": ((*ONE, "--time-limit", "nan"), "'nan' is not a number of seconds"),
    "time without an end": ((*ONE, "--time-limit", "inf"), "'inf' is not a number of seconds"),
    "more time than a timer has": ((*ONE, "--time-limit", "1e300"), "'1e300' is not a number of"),
    "an unknown option": ((*ONE, "--fast"), "unrecognized arguments: --fast"),
}  # fmt: skip


@pytest.mark.parametrize(("arguments", "message"), BAD.values(), ids=BAD)
def test_wrong_use_is_one_line_and_exit_status_2(checked, arguments, message):
    status, text, errors = checked(*arguments)
    assert (status, text) == (2, "")
    assert message in errors
    assert errors.startswith("refconv")
    assert errors.count("\n") == 1


def test_wrong_use_is_told_by_a_process_too(refconv):
    for form in ((), ("--json",)):
        done = refconv("check", "nowhere", *form)
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr.startswith("refconv check: 'nowhere' is no target")
        assert done.stderr.count("\n") == 1


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no full device")
def test_output_that_cannot_be_written_is_one_line(place):
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "refconv", "check", *ONE, "--json"],
            cwd=place, env=environment(), stdout=full, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
    assert done.returncode == 2
    assert done.stderr.startswith("refconv check: [Errno 28]")
    assert done.stderr.count("\n") == 1


def test_the_help_says_in_80_columns_how_a_function_is_called(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    with pytest.raises(SystemExit):
        main(["check", "--help"])
    text = capsys.readouterr().out
    assert max(map(len, text.splitlines())) <= 80
    for of in (None, *OF):
        case = core_of(of)[0] if of else suite.core()[0]
        assert f"\n  {of or 'y':15}({', '.join(case.operands)}" in text
    more = {name for of in OF for name in core_of(of)[0].options} - {*suite.core()[0].options}
    assert all(f"{name}=" in text for name in {*suite.core()[0].options, *more})
