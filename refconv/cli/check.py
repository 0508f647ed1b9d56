"""`refconv check`: judge an implementation, and say what is wrong with it."""

from __future__ import annotations

import argparse
import json
from typing import TYPE_CHECKING, Any

from refconv.cli.errors import InputError
from refconv.cli.progress import progress

if TYPE_CHECKING:
    from refconv.oracle.cases.case import Case

DESCRIPTION = """\
Judge an implementation of convolution. TARGET is a library that is installed
(torch, onnxruntime, onnx-reference, jax, openvino, scipy), a method of refconv
(refconv.im2col, ...), a Python function (module:callable or file.py:callable),
or, with --command, any program; with --of, its gradients or its transpose. It
runs in a process of its own: it may crash or hang. Exit status 1 where it is
wrong.

A function is called with NumPy arrays in NCHW, and with what --of asks for:

  y              (x, weight, bias, **options)
  input-grad     (grad_y, weight, x_shape, **options)
  weight-grad    (grad_y, x, weight_shape, **options)
  bias-grad      (grad_y)
  transpose      (x, weight, bias, output_padding=(rows, columns), **options)

options: stride=(sh, sw), padding=((pt, pb), (pl, pr)), dilation=(dh, dw),
groups=G. The bias may be None."""

DRAWN = 200
DAY = 86_400.0


def add_to(commands: Any) -> None:
    """Add this subcommand to the parser."""
    parser = commands.add_parser(
        "check",
        help="judge an implementation, and name its fault",
        description=DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("target", nargs="?", metavar="TARGET", help="what is judged")
    parser.add_argument(
        "--command",
        dest="program",
        metavar="'PROGRAM {case}'",
        help="a program that reads the folder {case} and writes actual.npy or actual.bin there",
    )
    parser.add_argument(
        "--of", metavar="WHAT", help="input-grad, weight-grad, bias-grad or transpose, and not y"
    )
    parser.add_argument("--examples", type=natural, default=DRAWN, metavar="N", help="drawn cases")
    parser.add_argument("--seed", type=natural, default=0, metavar="S", help="of the drawn cases")
    parser.add_argument("--only", metavar="KIND,...", help="cases of these kinds only")
    parser.add_argument("--suite", default="core", choices=("core", "full", "separable"))
    parser.add_argument("--strict", action="store_true", help="a refused case fails too")
    parser.add_argument(
        "--time-limit", type=positive_seconds, default=30.0, metavar="SECONDS", help="a case"
    )
    add_terms(parser)
    one = parser.add_argument_group("one case alone, instead of a suite")
    one.add_argument("--case", metavar="DESCRIPTOR", help="its seed is --seed")
    one.add_argument("--dtype", default="float32")
    one.add_argument("--data", default="integers")
    one.add_argument("--bound", type=natural, default=9)
    one.add_argument("--pointwise", type=natural, default=0, metavar="F", help="of a separable one")
    one.add_argument("--no-bias", action="store_true")
    one.add_argument("--output-padding", type=pair, metavar="ROWS,COLUMNS", help="of a transpose")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    parser.set_defaults(run=run)


def add_terms(parser: Any) -> None:
    """Add what a caller says of the implementation."""
    parser.add_argument("--accumulator", metavar="TYPE", help="what its sums are kept in")
    parser.add_argument("--operands", metavar="TYPE", help="what it rounds its operands to")
    parser.add_argument("--algorithm", default="direct", help="direct, winograd or fft")


def positive_seconds(text: str) -> float:
    """The number, which must be positive."""
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds <= DAY:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds up to a day")
    return seconds


def natural(text: str) -> int:
    """The number, which must be an integer from 0 on."""
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is not an integer from 0 on")
    return int(text)


def pair(text: str) -> tuple[int, int]:
    """Two integers from 0 on, with a comma between them."""
    numbers = text.split(",")
    if len(numbers) != 2:
        raise argparse.ArgumentTypeError(f"{text!r} is not two integers with a comma between them")
    return natural(numbers[0]), natural(numbers[1])


def run(options: argparse.Namespace) -> int:
    """Check, print; 1 where something is wrong."""
    from refconv.oracle.check import check
    from refconv.oracle.targets.named import TargetError

    if (options.target is None) == (options.program is None):
        raise InputError("needs a TARGET or a --command, and not both")
    try:
        case = one_case(options)
        target = _target(options)
        with progress() as report:
            found = check(
                target,
                0 if case else options.examples,
                options.seed,
                of=options.of,
                suite=[case] if case else options.suite,
                only=options.only.split(",") if options.only else (),
                strict=options.strict,
                accumulator=options.accumulator,
                operands=options.operands,
                algorithm=options.algorithm,
                time_limit=options.time_limit,
                progress=report,
            )
    except (TargetError, ValueError, TypeError) as error:
        raise InputError(str(error)) from error
    print(json.dumps(found.document(), indent=2) if options.json else found)
    return 0 if found.passed else 1


def one_case(options: argparse.Namespace) -> Case | None:
    """The case that is asked for, or None."""
    from refconv.oracle.cases.case import Case
    from refconv.oracle.cases.gradient_case import GradientCase

    if options.case is None:
        if options.output_padding is not None:
            raise ValueError("--output-padding is that of one --case")
        return None
    case = Case.from_descriptor(
        options.case,
        options.seed,
        dtype=options.dtype,
        data=options.data,
        bound=options.bound,
        bias=not options.no_bias,
        pointwise=options.pointwise,
    )
    if options.of is None:
        if options.output_padding is not None:
            raise ValueError("--output-padding is that of --of transpose")
        return case
    return GradientCase(case, options.of, output_padding=options.output_padding)


def _target(options: argparse.Namespace) -> Any:
    if options.program is None:
        return options.target
    from refconv.oracle.targets.program import Program

    return Program(options.program, time_limit=options.time_limit)
