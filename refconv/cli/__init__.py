"""The command `refconv`: one subcommand a file; here is what they share.

Exit status: 0 fine, 1 a disagreement, 2 bad usage or input (one line on standard error).
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Sequence
from typing import NoReturn

from refconv import __version__
from refconv.cli import bench, check, compare, count, judge, vectors, walk
from refconv.cli.errors import InputError


class _Parser(argparse.ArgumentParser):
    """A parser whose errors are one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message}; see '{self.prog} --help'\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; its exit status."""
    parser = _Parser(prog="refconv", description="The reference for convolution.")
    parser.add_argument("--version", action="version", version=f"refconv {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    compare.add_to(commands)
    count.add_to(commands)
    walk.add_to(commands)
    bench.add_to(commands)
    check.add_to(commands)
    vectors.add_to(commands)
    judge.add_to(commands)
    options = parser.parse_args(arguments)
    try:
        status: int = options.run(options)
        sys.stdout.flush()
    except ModuleNotFoundError as error:
        if error.name != "rich":
            raise
        return _fail(options.command, "needs rich: pip install 'refconv[cli]'; or use --json")
    except InputError as error:
        return _fail(options.command, str(error))
    except MemoryError as error:
        return _fail(options.command, f"not enough memory: {error}")
    except BrokenPipeError:
        # Whoever read our output has seen enough; Python, when it flushes, would complain again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        return _fail(options.command, str(error))
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    return status


def _fail(command: str, message: str) -> int:
    print(f"refconv {command}: {message}", file=sys.stderr)
    return 2
