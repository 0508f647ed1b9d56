"""How many seeded faults the oracle finds, and names; and how many ONNX's own Conv cases find.

    python benchmarks/faults.py                     every fault, then the score
    python benchmarks/faults.py pads stride         those whose names begin so
    python benchmarks/faults.py --of weight-grad    those of a gradient, or --of all

The faults are those of tests/faulty.py: wrong implementations, as somebody could have written them,
each under the stable name that the oracle should give it. `check` runs the core suite on each.
Beside it stand ONNX's six node cases for Conv, with the tolerances of its own test runner. The
faults of gradients and transposes are those of tests/faulty_gradients.py; ONNX has no such cases.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

import faulty_gradients  # which the line above makes findable
from faulty import SEEDS, Pair, Seed, pairs
from test_onnx_backend import node_examples, options_of

from refconv import Geometry
from refconv.oracle import check
from refconv.oracle.cases.gradient_case import OF
from refconv.oracle.cases.suite import core, core_of

RTOL, ATOL = 1e-3, 1e-7
"""Of ONNX's test runner, `onnx.backend.test.runner`."""

PAIRS = 60
PAIRS_CASES = 20
"""Core cases that pairs of faults are run on."""

FOUND = ("wrong", "suspicious", "convention", "crashed")
WIDTH = 80


class OnnxCase(NamedTuple):
    """A node case as a target is called with it, and what must come out."""

    x: Any
    weight: Any
    options: dict[str, Any]
    expected: Any

    def finds(self, seed: Seed) -> bool:
        """Whether the fault fails this case."""
        x, weight = self.x.copy(), self.weight.copy()
        try:
            y = np.asarray(seed.target(x, weight, None, **self.options))
        except ValueError:  # an empty output, say: a runner sees that too
            return True
        return y.shape != self.expected.shape or not np.allclose(
            y, self.expected, rtol=RTOL, atol=ATOL
        )


class Score(NamedTuple):
    """What became of one fault."""

    seed: Seed | faulty_gradients.Seed
    found_by: int
    """The number of the first core case that shows it; 0 where none does."""
    diagnosis: str | None
    onnx: int
    """How many of ONNX's cases show it."""

    @property
    def is_named(self) -> bool:
        """Whether the run gave it its own name."""
        return self.diagnosis == self.seed.name


def onnx_cases() -> list[OnnxCase]:
    """ONNX's node cases for a Conv of two axes."""
    cases = []
    for example in node_examples("Conv"):
        x, weight = example.inputs[:2]
        given = options_of(example.node, axes=2)
        g = Geometry.of(x.shape, weight.shape, **given)
        options = {"stride": g.stride, "padding": g.padding, "dilation": g.dilation, "groups": g.G}
        cases.append(OnnxCase(x, weight, options, example.expected))
    return cases


def score_of(seed: Seed, others: Sequence[OnnxCase]) -> Score:
    """Run the core suite and ONNX's cases on one fault."""
    return _score(seed, None, sum(case.finds(seed) for case in others))


def score_of_gradient(seed: faulty_gradients.Seed) -> Score:
    """Run the core suite of its gradient on one fault."""
    return _score(seed, seed.of, 0)


def _score(seed: Any, of: str | None, onnx: int) -> Score:
    report = check(seed.target, examples=0, of=of)
    hits = [number for number, v in enumerate(report.verdicts, 1) if v.status in FOUND]
    return Score(seed, hits[0] if hits else 0, report.diagnosis, onnx)


def rows(scores: Sequence[Score], *, onnx: bool) -> Iterator[str]:
    """A line for each fault; those that are not named tell what they were called."""
    yield f"{'fault':<66} {'case':>5}" + f" {'ONNX':>5}" * onnx
    for score in scores:
        text = str(score.seed)
        shown = text if len(text) <= 66 else f"{text[:63]}..."
        yield f"{shown:<66} {score.found_by or 'none':>5}" + f" {score.onnx or 'none':>5}" * onnx
        if not score.is_named:
            yield f"    named {score.diagnosis or 'not at all'}"


def totals(what: str, scores: Sequence[Score], cases: int, seconds: float) -> Iterator[str]:
    """The score."""
    names = {score.seed.name for score in scores}
    yield f"{len(scores)} {what} of {len(names)} names, {cases} core cases, {seconds:.1f} s"
    yield _total("found", (score.found_by > 0 for score in scores))
    yield _total("found by the first case alone", (score.found_by == 1 for score in scores))
    yield _total("named right", (score.is_named for score in scores))


def _total(what: str, which: Iterable[bool]) -> str:
    """How many it is true of."""
    every = list(which)
    return f"  {what:<34} {sum(every):>4} of {len(every)}"


def pair_totals(drawn: Sequence[Pair]) -> Iterator[str]:
    """What becomes of two faults at once: the names that a run ends with, counted."""
    count = Counter(naming_of(pair) for pair in drawn)
    yield f"{len(drawn)} drawn pairs of faults at once, {PAIRS_CASES} core cases"
    for what in ("both named", "one of them named", "no name", "another name", "not found"):
        yield f"  {what:<34} {count[what]:>4} of {len(drawn)}"


def naming_of(pair: Pair) -> str:
    """How the oracle names a pair."""
    report = check(pair.target, examples=0, suite=core()[:PAIRS_CASES])
    if not any(verdict.status in FOUND for verdict in report.verdicts):
        return "not found"
    if report.diagnosis is None:
        return "no name"
    named, both = set(report.diagnosis.split(" + ")), {pair.first.name, pair.second.name}
    if not named <= both:
        return "another name"
    return "both named" if named == both else "one of them named"


def of_convolutions(chosen: Sequence[Seed], *, with_pairs: bool) -> list[Score]:
    """Print the table and the score of convolutions."""
    others = onnx_cases()
    core()
    start = perf_counter()
    scores = [score_of(seed, others) for seed in chosen]
    seconds = perf_counter() - start
    print(
        *rows(scores, onnx=True),
        "=" * WIDTH,
        *totals("faults", scores, len(core()), seconds),
        sep="\n",
    )
    print(_total(f"found by ONNX's {len(others)} node cases", (s.onnx > 0 for s in scores)))
    if with_pairs:
        print(*pair_totals(pairs(PAIRS)), sep="\n")
    print("case: the first core case that shows it. ONNX: how many of its cases do.")
    return scores


def of_gradient(of: str, chosen: Sequence[faulty_gradients.Seed]) -> list[Score]:
    """Print the table and the score of a gradient, or of the transpose."""
    cases = len(core_of(of))
    start = perf_counter()
    scores = [score_of_gradient(seed) for seed in chosen]
    seconds = perf_counter() - start
    print(
        *rows(scores, onnx=False),
        "=" * WIDTH,
        *totals(f"{of} faults", scores, cases, seconds),
        sep="\n",
    )
    return scores


def main() -> None:
    """Print tables and scores; exit with 1 where a fault is missed or misnamed."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("names", nargs="*", help="beginnings of names")
    parser.add_argument("--of", choices=(*OF, "all"), help="of a gradient, and not of y")
    options = parser.parse_args()
    names = tuple(options.names) or ("",)
    if options.of is None:
        chosen = [seed for seed in SEEDS if seed.name.startswith(names)]
        scores = of_convolutions(chosen, with_pairs=not options.names) if chosen else []
    else:
        of_these = OF if options.of == "all" else (options.of,)
        seeds = [seed for seed in faulty_gradients.SEEDS if seed.name.startswith(names)]
        by_gradient = {of: [seed for seed in seeds if seed.of == of] for of in of_these}
        scores = [s for of, some in by_gradient.items() if some for s in of_gradient(of, some)]
    if not scores:
        parser.error(f"no fault has a name that begins with {' or '.join(names)}")
    raise SystemExit(any(not (score.found_by and score.is_named) for score in scores))


if __name__ == "__main__":
    main()
