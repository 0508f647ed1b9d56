"""A whole run: what is tried, what comes of it, and what is said in the end."""

import json
import re
import shlex
import sys

import ml_dtypes
import numpy as np
import pytest
from fresh import run_python
from hypothesis import find, given, settings

from refconv import conv2d, depthwise_separable_conv2d, oracle
from refconv.oracle import Case
from refconv.oracle.cases import suite
from refconv.oracle.cases.kinds import KINDS, kinds_of
from refconv.oracle.conclusion import conclusion
from refconv.oracle.judging.verdict import STATUSES, Verdict
from refconv.oracle.report import Report
from refconv.oracle.strategies import STRUCTURES, cases, geometries
from refconv.oracle.targets.named import TargetError
from refconv.oracle.targets.outcome import RETURNED, Outcome

SHOWN_AS_IS = re.compile(r" *(refconv check |Case\.from_descriptor\(|Case\()")
"""Lines that are to be copied, and so are as long as they are."""

FEW = 30

AGAIN = 1
"""Of a run that passes, one case is asked again in the end."""


# --- targets --------------------------------------------------------------------------------------


def right(x, weight, bias, **options):
    return conv2d(x, weight, bias, **options, method="im2col")


def flipped(x, weight, bias, **options):
    return right(x, weight[:, :, ::-1], bias, **options)


def rounds_weights(x, weight, bias, **options):
    return right(x, weight.astype(ml_dtypes.bfloat16).astype(weight.dtype), bias, **options)


def has_no_groups(x, weight, bias, *, groups, **options):
    if groups > 1:
        raise NotImplementedError(f"{groups} groups")
    return right(x, weight, bias, **options)


def has_nothing(*call, **options):
    raise NotImplementedError("to be written")


def leaves_out_pads(x, weight, bias, **options):
    """An infinite weight over a pad counts for nothing."""
    is_odd = ~np.isfinite(weight)
    y = right(x, np.where(is_odd, 0, weight), bias, **options)
    with np.errstate(all="ignore"):
        for f, cg, kh, kw in np.argwhere(is_odd):
            one = np.zeros_like(weight)
            one[f, cg, kh, kw] = 1
            is_inside = right(np.ones_like(x), one, None, **options) == 1
            product = right(x, one, None, **options) * weight[f, cg, kh, kw]
            y += np.where(is_inside, product, 0).astype(y.dtype)
    return y


def writes_to_x(x, weight, bias, **options):
    y = right(x, weight, bias, **options)
    x[:] = 7
    return y


def writes_and_flips(x, weight, bias, **options):
    y = flipped(x, weight, bias, **options)
    weight[:] = 0
    return y


def flipped_without_bias(x, weight, bias, **options):
    return flipped(x, weight, None, **options)


def spoils_one_output(x, weight, bias, **options):
    """No fault that has a name."""
    y = right(x, weight, bias, **options)
    y.ravel()[::5] += 3
    return y


class PanicError(BaseException):
    """As the errors of some native libraries: no Exception."""


def panics(*call, **options):
    raise PanicError


def exits(*call, **options):
    sys.exit(3)


class Forgetful:
    """Every seventh answer is wrong, to whatever case."""

    def __init__(self):
        self.calls = 0

    def __call__(self, x, weight, bias, **options):
        self.calls += 1
        return right(x, weight, bias, **options) + (self.calls % 7 == 3)


class Recorder:
    """Remembers what it was asked."""

    def __init__(self):
        self.asked = []

    def __call__(self, x, weight, bias, **options):
        self.asked.append((x.tobytes(), weight.tobytes(), repr(options)))
        return right(x, weight, bias, **options)


@pytest.fixture(scope="module")
def report_of():
    """The report of a target's run, made once."""
    made = {}

    def report(target):
        if target not in made:
            made[target] = oracle.check(target, FEW)
        return made[target]

    return report


def lines_too_long(text):
    return [
        line for line in text.split("\n") if len(line) > 80 and not SHOWN_AS_IS.match(line)
    ]  # fmt: skip


# --- what comes out -------------------------------------------------------------------------------


def test_a_right_target_passes(report_of):
    report = report_of(right)
    assert report.passed
    assert report.failures == []
    assert report.diagnosis is None
    assert len(report.verdicts) == len(suite.core()) + FEW
    counts = report.counts
    assert list(counts) == list(STATUSES)
    assert counts["exact"] + counts["within-bound"] == len(report.verdicts)
    assert min(counts["exact"], counts["within-bound"]) > 0
    assert str(report).startswith(
        f"right: passed, of {len(report.verdicts)} cases {counts['exact']} exact, "
    )


def test_a_wrong_target_fails_and_its_fault_is_named(report_of):
    report = report_of(flipped)
    assert not report.passed
    assert report.diagnosis == "kernel-flipped-h"
    assert {v.status for v in report.failures} == {"wrong"}
    assert "failed (kernel-flipped-h), of" in report.summary
    text = str(report)
    assert "The smallest case that fails:\nwrong: kernel-flipped-h\nThe kernel is flipped" in text
    assert f"and {len(report.failures) - 4} more" in text


def test_failures_begin_with_the_smallest_case(report_of):
    sizes = [
        np.prod(v.case.geometry.y_shape) * v.case.geometry.K for v in report_of(flipped).failures
    ]
    assert sizes == sorted(sizes)


@pytest.mark.parametrize(
    ("of", "smaller", "larger"),
    [
        # Of a bias, the sums count, and not the convolution's: this one has none at all.
        ("bias-grad", "mb1ic2ih1iw2oc1kh1kw1", "mb2ic0ih5iw6oc4kh3kw2"),
        ("weight-grad", "ic1ih5iw6oc1kh3kw2", "mb0ic2ih5iw6oc3kh3kw2"),
        ("transpose", "ic1ih5iw6oc1kh3kw2", "mb0ic2ih5iw6oc3kh3kw2"),
        (None, "ic1ih5iw6oc1kh3kw2", "mb2ic0ih5iw6oc4kh3kw2"),
        (None, "ic2ih1iw2oc1kh1kw1", "ic1ih5iw6oc2kh1kw1"),
    ],
)
def test_the_smallest_case_is_that_of_the_least_work_and_an_empty_one_the_last(of, smaller, larger):
    cases = [Case.from_descriptor(text) for text in (larger, smaller)]
    report = oracle.check(lambda *call, **options: np.zeros((9, 9)), 0, suite=cases, of=of)
    g = [v.case.geometry for v in report.failures]
    assert g == [case.geometry for case in reversed(cases)]
    only = oracle.check(lambda *call, **options: np.zeros((9, 9)), 0, suite=cases[:1], of=of)
    assert [v.case.geometry for v in only.failures] == [cases[0].geometry]


def test_the_work_of_a_separable_case_is_that_of_both_stages():
    """2*6*20 sums of 6 products, then 2*5*20 of 6."""
    case = Case.from_descriptor("g3mb2ic3ih6iw6oc6kh3kw2", pointwise=5)
    assert case.answer_shape == (2, 5, 4, 5)
    assert case.work == 2 * 6 * 20 * 6 + 2 * 5 * 20 * 6


def test_the_drawn_case_is_shrunk_as_far_as_it_goes():
    """A kernel of two rows and one of everything else: less cannot show a flipped row."""
    report = oracle.check(flipped, 100, suite=[])
    assert report.failures == [report.shrunk]
    g = report.shrunk.case.geometry
    assert (g.N, g.C, g.F, g.KH, g.KW, g.OH, g.OW) == (1, 1, 1, 2, 1, 1, 1)
    assert (g.stride, g.dilation, g.padded) == ((1, 1), (1, 1), False)
    assert report.shrunk.case.bias is None
    assert f"\n{report.shrunk.case!r}\n" in str(report)


def test_of_what_is_tried_only_to_shrink_nothing_is_counted():
    """Only the smallest that is wrong, after those that were right before the first wrong one."""
    is_right = []

    def noted(*call, **options):
        y = flipped(*call, **options)
        is_right.append(np.array_equal(y, right(*call, **options)))
        return y

    report = oracle.check(noted, 100, suite=[])
    assert is_right[0]
    # Shrinking tries cases that come out right too; the report has none of them.
    assert any(is_right[is_right.index(False) :])
    assert len(report.verdicts) == is_right.index(False) + 1
    assert [v.status for v in report.verdicts].count("wrong") == 1


@pytest.mark.parametrize("target", [flipped, flipped_without_bias, spoils_one_output])
def test_every_line_makes_its_case_again(report_of, target):
    """The verdict on it is the same, to the letter."""
    report = report_of(target)
    lines = re.findall(r"^ *(Case\.from_descriptor\(.*\))$", str(report), re.MULTILINE)
    assert len(lines) >= 4
    by_line = {repr(v.case): v for v in report.verdicts}
    for line in lines:
        case = eval(line, {"Case": Case})
        again = oracle.judge(case, target(case.x, case.weight, case.bias, **case.options))
        found = by_line[line]
        assert again.status == found.status == "wrong"
        assert again.worst == found.worst
        assert again.wrong_outputs == found.wrong_outputs
        assert target is not flipped or "kernel-flipped-h" in again.candidates


def test_what_only_is_doubted_is_shown_and_does_not_fail():
    many = [case for case in suite.core() if case.geometry.C == 512]
    report = oracle.check(rounds_weights, 0, suite=many)
    assert report.passed
    assert report.counts["suspicious"] == len(many) == 1
    assert "suspicious (1): operands-bfloat16: " in str(report)
    assert repr(many[0]) in str(report)


def test_a_convention_is_shown_and_does_not_fail(report_of):
    report = report_of(leaves_out_pads)
    assert report.passed
    assert (report.counts["convention"], report.diagnosis) == (2, "nonfinite-convention")
    assert "convention (2): nonfinite-convention: Padding cells are left out" in str(report)
    assert "(nonfinite-convention)" not in report.summary


def test_refusals_are_counted_shown_and_fail_only_the_strict(report_of):
    report = report_of(has_no_groups)
    assert report.passed
    assert 0 < report.counts["refused"] < len(report.verdicts)
    grouped = [v for v in report.verdicts if v.case.geometry.G > 1]
    assert {v.status for v in grouped} == {"refused"}
    assert len(grouped) == report.counts["refused"]
    found = re.findall(r"^refused \((\d+)\): It refuses: NotImplementedError: (\d+) groups$",
                       str(report), re.MULTILINE)  # fmt: skip
    assert len(found) == 3
    assert re.search(r"^refused: and \d+ other messages$", str(report), re.MULTILINE)
    strict = oracle.check(has_no_groups, FEW, strict=True)
    assert strict.counts == report.counts
    assert not strict.passed
    assert strict.summary.startswith("failed, of ")
    assert strict.failures == []


def test_where_all_is_refused_nothing_was_judged(report_of):
    report = report_of(has_nothing)
    assert not report.passed
    assert report.counts["refused"] == len(report.verdicts)
    assert report.summary.startswith("nothing was judged, of ")
    assert f"refused ({len(report.verdicts)}): It refuses: NotImplementedError: to be" in str(
        report
    )


@pytest.mark.parametrize("options", [{"suite": [], "examples": 0}, {"only": ["int64"]}])
def test_where_nothing_is_asked_nothing_was_judged(options):
    report = oracle.check(right, **{"examples": FEW} | options)
    assert not report.passed
    assert report.summary == "nothing was judged, of 0 cases none"


def test_a_target_that_writes_to_its_input_is_wrong_although_it_is_right(report_of):
    report = report_of(writes_to_x)
    assert report.diagnosis == "input-modified"
    told = [v for v in report.verdicts if v.case.x.size]
    assert {(v.status, v.diagnosis) for v in told} == {("wrong", "input-modified")}
    assert all("It writes to its input: x. Its outputs are " in v.explanation for v in told)
    assert {v.explanation.split()[-1] for v in told} == {"exact.", "within-bound."}


def test_writing_to_the_input_does_not_hide_a_wrong_output(report_of):
    smallest = report_of(writes_and_flips).failures[0]
    assert smallest.diagnosis == "input-modified"
    statuses = {v.explanation.split()[-1] for v in report_of(writes_and_flips).failures}
    assert "wrong." in statuses


def test_the_cases_are_what_they_were_after_a_target_that_writes(report_of):
    before = [case.x.tobytes() for case in suite.core()]
    report_of(writes_to_x)
    assert [case.x.tobytes() for case in suite.core()] == before
    made = Case.from_descriptor(suite.CORE[0][0], seed=0)
    assert suite.core()[0].x.tobytes() == made.x.tobytes()


def test_two_faults_at_once_are_found_and_neither_alone_is_blamed(report_of):
    """The verdicts on single cases name both where both show."""
    report = report_of(flipped_without_bias)
    assert not report.passed
    both = {"kernel-flipped-h", "bias-missing"}
    assert report.diagnosis is None or set(report.diagnosis.split(" + ")) == both
    named = [v.diagnosis for v in report.failures if v.diagnosis and " + " in v.diagnosis]
    assert len(named) >= 3
    assert {frozenset(name.split(" + ")) for name in named} == {frozenset(both)}


def test_what_has_no_name_is_given_none(report_of):
    report = report_of(spoils_one_output)
    assert not report.passed
    assert report.diagnosis is None
    assert report.summary.startswith("failed, of ")


@pytest.mark.parametrize(
    ("target", "said"),
    [
        (panics, "it raised PanicError, which is no Exception"),
        (exits, r"it ended the process: SystemExit\(3\)"),
    ],
)
def test_a_crash_in_this_process_is_a_verdict(target, said):
    report = oracle.check(target, 3)
    assert not report.passed
    assert report.counts["crashed"] == len(report.verdicts) == len(suite.core()) + 1
    assert all(re.search(said, v.explanation) for v in report.verdicts)


def test_a_user_who_interrupts_is_obeyed():
    def interrupted(*call, **options):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        oracle.check(interrupted, 0)


def test_answers_that_differ_from_call_to_call_are_told():
    report = oracle.check(Forgetful(), 60, suite=[])
    assert not report.passed
    assert [v.status for v in report.failures] == ["wrong"]
    assert "its answers to the same case differ: it is not deterministic" in str(report)
    assert report.diagnosis == report.failures[0].diagnosis == "answers-differ"


def test_a_name_is_given_only_to_what_is_wrong_when_it_is_asked_again():
    """Adding one at every seventh call looks like rounding, if it is only looked at."""
    report = oracle.check(Forgetful(), 0)
    assert report.diagnosis == "answers-differ"
    assert {v.diagnosis for v in report.failures} == {"answers-differ"}
    remark = "the smallest case that fails is right when it is asked again: something is left from"
    assert remark in report.remarks[-1]


class Uncleared:
    """Adds to what the call before of that shape left."""

    def __init__(self, target=right):
        self.kept, self.target = {}, target

    def __call__(self, x, weight, bias, **options):
        y = self.target(x, weight, bias, **options)
        key = y.shape, y.dtype
        self.kept[key] = self.kept.get(key, 0) + y
        return self.kept[key]


@pytest.mark.parametrize("examples", [0, 60])
def test_outputs_that_are_not_cleared_are_told_by_asking_again(examples):
    report = oracle.check(Uncleared(), examples)
    assert report.diagnosis == "output-not-cleared"
    assert "failed (output-not-cleared), of" in " ".join(str(report).split())
    assert report.failures[0].explanation.startswith("Every call adds to what the calls before")
    assert {v.diagnosis for v in report.failures} == {"output-not-cleared"}


def test_the_same_memory_may_come_back_each_time():
    """`+=` into a buffer, which is what is returned."""
    kept = {}

    def adds_in_place(*call, **options):
        y = right(*call, **options)
        kept.setdefault((y.shape, y.dtype), np.zeros_like(y))[...] += y
        return kept[y.shape, y.dtype]

    assert oracle.check(adds_in_place, 0).diagnosis == "output-not-cleared"


@pytest.mark.parametrize("data", ["integers", "reals"])
def test_one_case_is_enough_to_see_that_they_are_not(data):
    """It is right, and then it is wrong: so the line of a report shows what the run found."""
    case = Case.from_descriptor("g2ic4ih5iw7oc6kh3kw2", 3, data=data)
    report = oracle.check(Uncleared(), 0, suite=[case])
    assert [v.is_good for v in report.verdicts] == [True, False]
    assert report.remarks[0] == "the first case that was right is wrong when it is asked again"
    named = "output-not-cleared" if data == "integers" else "answers-differ"
    assert report.diagnosis == named


def test_another_fault_beside_it_is_not_passed_over():
    """What each call adds is not what is right."""
    report = oracle.check(Uncleared(flipped), 0)
    assert not report.passed
    assert report.diagnosis != "output-not-cleared"


def test_a_fault_that_is_always_there_keeps_its_name(report_of):
    """The smallest case is asked again, and is as wrong as it was."""
    assert report_of(flipped).diagnosis == "kernel-flipped-h"
    assert report_of(flipped).remarks == [
        remark for remark in report_of(flipped).remarks if "asked" not in remark
    ]


def test_a_case_that_is_right_alone_is_told(tmp_path, monkeypatch):
    """In a process of its own, where nothing is left of the calls before."""
    (tmp_path / "mine.py").write_text(STATEFUL)
    monkeypatch.chdir(tmp_path)
    cases = [Case.from_descriptor(text) for text in ("ic2ih6iw7oc3kh3kw2", "ic2ih5iw4oc3kh3kw2")]
    report = oracle.check("mine.py:leaves_a_cell", 0, suite=cases)
    assert [v.status for v in report.verdicts] == ["exact", "wrong"]
    assert report.diagnosis == "answers-differ"
    assert report.remarks[-1] == (
        "the smallest case that fails is right when it is asked alone, in a fresh process: "
        "something is left from earlier calls, or it is chance; its line may not show it"
    )


STATEFUL = """
from refconv import conv2d

last = None

def leaves_a_cell(x, weight, bias, **options):
    global last
    y = conv2d(x, weight, bias, **options)
    before, last = last, y.copy()
    if before is not None and before.shape != y.shape:
        y[0, 0, 0, 0] = before[0, 0, 0, 0]
    return y
"""


RETURNS = {
    "None": (lambda y: None, "It returned None instead of an array."),
    "text": (lambda y: "no idea", "no numbers"),
    "a dictionary": (lambda y: {"y": y}, "no numbers"),
    "a ragged list": (lambda y: [[1.0], [2.0, 3.0]], "What it returned is no array: ValueError"),
    "too few dimensions": (lambda y: y.ravel(), "It has shape "),
    "NaN": (lambda y: np.full(y.shape, np.nan), "All wrong outputs are nan: they were not written"),
}


@pytest.mark.parametrize(("spoil", "said"), RETURNS.values(), ids=RETURNS)
def test_whatever_is_returned_is_judged(spoil, said):
    report = oracle.check(lambda *call, **options: spoil(right(*call, **options)), 3)
    first = report.verdicts[0]
    assert (first.status, said in first.explanation) == ("wrong", True), first
    assert not report.passed


def test_a_list_of_right_numbers_is_right():
    report = oracle.check(lambda *call, **options: right(*call, **options).tolist(), 3)
    shapes_lost = [v for v in report.failures if v.case.x.size]  # an empty list has no shape
    assert shapes_lost == []


# --- what is tried --------------------------------------------------------------------------------


def test_a_seed_draws_the_same_cases_and_another_others():
    asked = []
    for seed in (5, 5, 6):
        recorder = Recorder()
        oracle.check(recorder, 40, seed, suite=[])
        asked.append(recorder.asked)
    assert asked[0] == asked[1]
    assert asked[0] != asked[2]
    assert len(asked[0]) == 40 + AGAIN


@pytest.mark.parametrize("target", [right, flipped, has_no_groups])
def test_a_seed_makes_the_same_report(report_of, target):
    assert str(oracle.check(target, FEW)) == str(report_of(target))


def test_the_same_cases_are_drawn_wherever_it_runs(tmp_path):
    """Whatever else is imported, and whatever Hypothesis is told by its own settings."""
    (tmp_path / "of_the_user.py").write_text("\n".join(f"A{n} = {37 * n}" for n in range(200)))
    code = f"""
        import sys
        sys.path.insert(0, {str(tmp_path)!r})
        {{more}}
        from refconv import conv2d, oracle
        report = oracle.check(lambda *call, **o: conv2d(*call, **o, method="im2col"), 250, suite=[])
        print(*(v.case for v in report.verdicts), sep="\\n")
    """
    plain = run_python(code.format(more=""))
    assert plain.count("\n") == 250
    assert run_python(code.format(more="import of_the_user")) == plain
    settled = "import hypothesis; hypothesis.settings.load_profile('ci')"
    assert run_python(code.format(more=settled), CI="1") == plain


def test_no_examples_means_the_suite_alone():
    recorder = Recorder()
    report = oracle.check(recorder, 0)
    assert len(recorder.asked) == len(report.verdicts) + AGAIN == len(suite.core()) + AGAIN
    assert [v.case for v in report.verdicts] == list(suite.core())


def test_only_cases_of_these_kinds_are_tried():
    recorder = Recorder()
    report = oracle.check(recorder, 25, only=["depthwise", "strided"])
    assert len(recorder.asked) == len(report.verdicts) + AGAIN > 25 + AGAIN
    for verdict in report.verdicts:
        assert {"depthwise", "strided"} & set(kinds_of(verdict.case))
    wanted = [c for c in suite.core() if {"depthwise", "strided"} & set(kinds_of(c))]
    assert len(report.verdicts) == len(wanted) + 25


def test_what_cannot_be_drawn_is_said():
    report = oracle.check(right, 20, suite="full", only=["int64"])
    assert report.passed
    assert report.remarks == ["no drawn case is of the kinds int64"]
    assert "no drawn case is of the kinds int64" in str(report)


def test_the_full_suite_is_the_core_and_more():
    assert suite.full()[: len(suite.core())] == suite.core()
    report = oracle.check(right, 0, suite="full", only=["complex64", "complex128", "int64"])
    assert report.passed
    assert [v.case.x.dtype.name for v in report.verdicts] == ["complex64", "complex128", "int64"]


def test_a_separable_target_is_asked_its_own_way():
    def separable(x, depthwise_weight, pointwise_weight, bias, **options):
        return depthwise_separable_conv2d(
            x, depthwise_weight, pointwise_weight, bias, **options, method="im2col"
        )

    report = oracle.check(separable, 20, suite="separable")
    assert report.passed
    assert report.counts["refused"] == 0
    assert {v.case.kind for v in report.verdicts} == {"separable"}


def test_cases_of_ones_own():
    own = [Case(np.ones((1, 2, 3, 4)), np.ones((1, 2, 2, 3))), Case.from_descriptor("ic1ih3oc1kh2")]
    report = oracle.check(right, 0, suite=iter(own))
    assert [v.case for v in report.verdicts] == own
    wrong = oracle.check(lambda *call, **o: right(*call, **o) + 1, 0, suite=own)
    assert "Case('g1mb1ic2ih3iw4oc1oh2ow2kh2kw3sh1sw1dh0dw0ph0pw0', float64, own arrays)" in str(
        wrong
    )


def test_a_runner_is_asked_as_it_is_and_left_open():
    class Runner:
        name = "mine 1.0"
        is_open = True

        def run(self, case):
            return Outcome(RETURNED, right(case.x, case.weight, case.bias, **case.options))

        def close(self):
            self.is_open = False

    runner = Runner()
    report = oracle.check(runner, 3)
    assert report.passed
    assert runner.is_open
    assert str(report).startswith("mine 1.0: passed")


def test_what_is_said_of_the_target_is_taken_into_account():
    """A float16 accumulator of 128*9 products cannot be held to a float32's bound."""
    case = Case.from_descriptor("ic8ih6iw7oc5kh3kw3", data="reals")

    def in_float16(x, weight, bias, **options):
        half = [a.astype(np.float16).astype(np.float32) for a in (x, weight, bias)]
        return right(*half, **options).astype(np.float16)

    assert not oracle.check(in_float16, 0, suite=[case]).passed
    told = oracle.check(in_float16, 0, suite=[case], accumulator="float16", operands="float16")
    assert told.failures == []


@pytest.mark.parametrize("of", [None, "weight-grad"])
def test_what_is_said_of_sums_of_floats_is_not_said_of_integers(of):
    """A run has cases of both; one that is judged alone is refused."""
    report = oracle.check("refconv.im2col", 20, of=of, accumulator="float16")
    assert report.passed
    assert any(v.case.types.accumulator.kind == "i" for v in report.verdicts)
    case = Case.from_descriptor("ic2ih5iw6oc3kh3kw2", dtype="int8")
    with pytest.raises(ValueError, match="accumulator is 'float16', but must be one of int32"):
        oracle.judge(case, 0, accumulator="float16", of=of)


def test_progress_is_told():
    said = []
    oracle.check(right, 25, suite=list(suite.core()[:3]), progress=said.append)
    assert said == [
        *(f"right: case {n} of 3" for n in (1, 2, 3)),
        *(f"right: drawn case {n} of 25" for n in (1, 11, 21)),
    ]


ERRORS = {
    "a suite that is none": (
        {"suite": "half"}, ValueError,
        "suite is 'half', but must be one of core, full, separable",
    ),
    "a kind that is none": (
        {"only": ["padded", "square"]}, ValueError,
        "unknown kind 'square': it must be one of standard, group",
    ),
    "no target": ({"target": 7}, TypeError, "target is 7, but must be a callable, a name"),
    "a name that leads nowhere": ({"target": "nowhere"}, TargetError, "'nowhere' is no target"),
    "an accumulator that is none": (
        {"accumulator": "int7"}, ValueError, "accumulator is 'int7', but must be one of float64",
    ),
    "an accumulator that is none, of integers": (
        {"accumulator": "int7", "only": ["int8"]}, ValueError, "accumulator is 'int7', but must be",
    ),
    "operands that are none": (
        {"operands": "int7"}, ValueError, "operands is 'int7', but must be one of float64",
    ),
    "an algorithm that is none": (
        {"algorithm": "magic"}, ValueError, "algorithm is 'magic', but must be one of direct, win",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("arguments", "error", "message"), ERRORS.values(), ids=ERRORS)
def test_bad_arguments_are_refused(arguments, error, message):
    with pytest.raises(error, match=message):
        oracle.check(**{"target": right, "examples": 0} | arguments)


# --- the report -----------------------------------------------------------------------------------

TARGETS = [
    right, flipped, has_no_groups, has_nothing, leaves_out_pads, writes_to_x, flipped_without_bias,
    spoils_one_output, rounds_weights,
]  # fmt: skip


@pytest.mark.parametrize("target", TARGETS)
def test_a_report_is_80_columns_wide(report_of, target):
    assert lines_too_long(str(report_of(target))) == []


def test_a_report_of_everything_at_once_is_80_columns_wide():
    """Every status, a name and a remark that are long."""
    report = Report("a/long/path/to/" * 5 + "file.py:convolution", 0)
    for number, status in enumerate(STATUSES):
        for case in (suite.core()[0], suite.core()[2 + number]):
            report.add(case, Verdict(case, status, f"The text of {status} {number}. " * 9))
    report.conclude()
    report.remarks.append("no drawn case is of the kinds " + ", ".join(KINDS))
    text = str(report)
    assert lines_too_long(text) == []
    for status in STATUSES:
        assert f"2 {status}" in " ".join(text.split())
    for column in ("tried", "good", "wrong", "suspicious", "refused", "other"):
        assert column in text


def test_the_table_counts_every_verdict(report_of):
    for target in TARGETS:
        report = report_of(target)
        table = str(report).split("kind of case")[1].split("\n\n")[0].splitlines()
        columns = table[0].split()
        rows = {row.split()[0]: list(map(int, row.split()[1:])) for row in table[1:]}
        assert list(rows) == [kind for kind in KINDS if kind in rows]
        assert columns[0] == "tried"
        for kind, (tried, *outcomes) in rows.items():
            of_kind = [v for v in report.verdicts if kind in kinds_of(v.case)]
            assert tried == sum(outcomes) == len(of_kind)
            found = dict(zip(columns[1:], outcomes, strict=True))
            assert found["good"] == sum(v.is_good for v in of_kind) if "good" in found else True
            assert found.get("wrong", 0) == sum(v.is_bad for v in of_kind)
            refused = sum(v.status == "refused" for v in of_kind)
            assert found.get("refused", 0) == refused


@pytest.mark.parametrize("target", TARGETS)
def test_the_document_is_json_and_says_what_the_report_says(report_of, target):
    report = report_of(target)

    def refuse(constant):
        raise AssertionError(f"{constant} is no JSON")

    document = json.loads(json.dumps(report.document()), parse_constant=refuse)
    assert document["passed"] == report.passed
    assert document["diagnosis"] == report.diagnosis
    assert document["counts"] == report.counts
    assert len(document["failures"]) == len(report.failures)
    assert len(document["refused"]) == report.counts["refused"]
    assert len(document["suspicious"]) == report.counts["suspicious"]
    for told, verdict in zip(document["failures"], report.failures, strict=True):
        assert told["case"] == repr(verdict.case)
        assert (told["status"], told["wrong_outputs"]) == (verdict.status, verdict.wrong_outputs)
        for shown, worst in zip(told["worst"], verdict.worst, strict=True):
            assert tuple(shown["index"]) == worst.index


def test_a_callables_report_has_no_command(report_of):
    """There is none that would find it; its cases are given in Python."""
    assert "refconv check" not in str(report_of(flipped))


@pytest.mark.parametrize("name", ["a b.py:conv", "it's.py:conv", "plain.py:conv"])
def test_commands_can_be_copied_to_a_shell(name):
    case = Case.from_descriptor("ic2ih5iw6oc3kh3kw2", 7, dtype="int8", bound=100, bias=False)
    report = Report(name, 0, arguments=shlex.quote(name), asked=" --accumulator int32")
    assert shlex.split(report.command(case)) == [
        "refconv", "check", name, "--case", case.geometry.descriptor, "--seed", "7",
        "--dtype", "int8", "--bound", "100", "--no-bias", "--accumulator", "int32",
    ]  # fmt: skip


# --- one name for a run ---------------------------------------------------------------------------


def verdict(status, *names, case=None):
    matches = tuple((name, 0) for name in names)
    return Verdict(case, status, "", names[0] if names else None, candidates=names, matches=matches)


CONCLUSIONS = {
    "nothing is wrong": ([verdict("exact")] * 3, None),
    "another convention": (
        [verdict("exact"), verdict("convention", "nonfinite-convention")], "nonfinite-convention",
    ),
    "one name": ([verdict("wrong", "scaled")] * 2, "scaled"),
    "what all share": (
        [verdict("wrong", "bias-missing", "scaled"), verdict("wrong", "scaled", "pad-value")],
        "scaled",
    ),
    "a few without a name": ([verdict("wrong", "scaled")] * 3 + [verdict("wrong")], "scaled"),
    "most without a name": ([verdict("wrong", "scaled")] + [verdict("wrong")] * 3, None),
    "as many of one as of another": (
        [verdict("wrong", "scaled"), verdict("wrong", "pad-value")], None,
    ),
    "refusals have no vote": (
        [verdict("refused")] * 9 + [verdict("crashed")] + [verdict("wrong", "scaled")], "scaled",
    ),
    "what is doubted has one": ([verdict("suspicious", "operands-tf32")], "operands-tf32"),
}  # fmt: skip


@pytest.mark.parametrize(("verdicts", "name"), CONCLUSIONS.values(), ids=CONCLUSIONS)
def test_the_fault_of_most_is_the_name(verdicts, name):
    assert conclusion(verdicts) == name


def test_a_fault_that_would_spoil_what_is_right_is_not_the_name():
    """A square case cannot tell a rotated kernel from one that is flipped both ways: a right one
    that is flipped by one of the two does.
    """
    told_apart = Case.from_descriptor("ic2ih5iw6oc3kh1kw3")
    wrong = verdict("wrong", "kernel-rotated-180", "kernel-flipped-h")
    assert conclusion([wrong]) == "kernel-rotated-180"
    assert conclusion([wrong, verdict("exact", case=told_apart)]) == "kernel-flipped-h"


# --- kinds and the suites -------------------------------------------------------------------------

OF_KINDS = {
    "mb2ic3ih5iw6oc4kh3kw2sh2ph1pw0": "standard strided padded same batch float32",
    "ic3ih5iw6oc4kh3kw2": "standard float32",
    "g2ic4ih5iw6oc6kh3kw2dh1": "group dilated float32",
    "g4ic4ih5iw6oc8kh3kw2ph0pw1": "depthwise padded float32",
    "ic4ih5iw6oc8kh1": "pointwise float32",
    "ic2ih6iw7oc3oh7ow9kh3kw2ph2pw0": "standard padded uneven-pads float32",
    "ic2ih9iw6oc3oh9ow6kh2kw4ph0pw1": "standard padded same uneven-pads float32",
    "ic2ih9iw6oc3oh9ow6kh2kw4ph1pw2": "standard padded same uneven-pads float32",
    "mb0ic2ih5iw6oc3kh3kw2": "standard empty float32",
    "mb2ic24ih60iw61oc20kh3kw3": "standard batch big float32",
}


@pytest.mark.parametrize(("descriptor", "kinds"), OF_KINDS.items())
def test_kinds_of_a_case(descriptor, kinds):
    assert kinds_of(Case.from_descriptor(descriptor)) == tuple(kinds.split())


@pytest.mark.parametrize(
    ("options", "kinds"),
    [
        ({"dtype": "int8"}, "int8"),
        ({"dtype": "bfloat16", "bias": False}, "no-bias bfloat16"),
        ({"data": "reals"}, "reals float32"),
        ({"data": "tiny", "dtype": "float64"}, "reals float64"),
        ({"data": "nonfinite"}, "nonfinite float32"),
        ({"data": "nonfinite-weight"}, "nonfinite float32"),
        ({"data": "reals", "dtype": "complex64"}, "reals complex64"),
    ],
)
def test_kinds_of_data(options, kinds):
    case = Case.from_descriptor("ic2ih6iw5oc3kh3kw2", **options)
    assert kinds_of(case) == ("standard", *kinds.split())


def test_the_core_suite_holds_every_kind_that_most_know():
    """At most eighty cases; what only few know is in the full one."""
    core = suite.core()
    assert len(core) <= 80
    found = {kind for case in core for kind in kinds_of(case)}
    rare = {"bfloat16", "complex64", "complex128", "int16", "uint16", "uint32", "int64"}
    assert set(KINDS) - found <= rare | {"separable"}
    assert len({repr(case) for case in suite.full()}) == len(suite.full())


def test_the_most_telling_case_comes_first():
    """Of the sizes that no published fault passes."""
    g = suite.core()[0].geometry
    assert (g.x_shape, g.weight_shape) == ((2, 6, 10, 13), (12, 2, 3, 2))
    assert (g.stride, g.dilation, g.G, g.padding) == ((3, 2), (2, 1), 3, ((2, 0), (0, 3)))


def test_no_size_of_the_core_is_another_ones():
    """Where it matters: image, kernel and channels, but for cases about SAME or one tap."""
    for case in suite.core():
        g = case.geometry
        assert g.H != g.W or g.H in (1, 9), g.descriptor
        assert g.KH != g.KW or g.KH in (1, 3), g.descriptor


# --- strategies -----------------------------------------------------------------------------------


@settings(max_examples=50)
@given(cases(dtypes=("float32", "int8", "complex64"), data=("integers", "reals"), bound=4))
def test_a_drawn_case_prints_as_what_makes_it_again(case):
    again = eval(repr(case), {"Case": Case})
    assert repr(again) == repr(case)
    assert {n: a.tobytes() for n, a in again.arrays.items()} == {
        n: a.tobytes() for n, a in case.arrays.items()
    }
    assert again.geometry == case.geometry


@settings(max_examples=50)
@given(cases(geometries(kinds=("depthwise",)), biases=(True,), bound=2))
def test_drawn_cases_are_as_asked(case):
    assert case.kind == "depthwise"
    assert case.bias is not None
    assert max(abs(a).max() for a in (case.x, case.weight)) <= 2


def test_a_gradient_of_two_stages_is_not_drawn():
    with pytest.raises(ValueError, match="separable is True, but the weight-grad is asked of one"):
        cases(separable=True, of="weight-grad")


@pytest.mark.parametrize("kind", STRUCTURES)
def test_every_structure_is_drawn_with_every_option(kind):
    def has_all(case):
        g = case.geometry
        uneven = g.pt != g.pb and g.pl != g.pr
        return case.kind == kind and uneven and g.sh != g.sw and (kind == "pointwise" or g.dh > 1)

    assert has_all(find(cases(), has_all, settings=settings(max_examples=5000, database=None)))
