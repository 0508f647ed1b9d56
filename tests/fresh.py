"""A fresh interpreter: for tests of imports, environment variables, forks and `python -O`."""

import os
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

TESTS = Path(__file__).resolve().parent
LONGEST_SECONDS = 300
"""A deadlock must fail, not hang; a first run may compile for a minute on a busy machine."""


def run_python(code, *flags, **environment):
    """What the code prints in a Python of its own, which finds refconv and these tests.

    Warnings are errors there too. REFCONV_THREADS is set only if it is in `environment`.
    """
    inherited = {name: text for name, text in os.environ.items() if name != "REFCONV_THREADS"}
    path = os.pathsep.join([str(TESTS.parent), str(TESTS)])
    finished = subprocess.run(
        [sys.executable, "-W", "error", *flags, "-c", dedent(code)],
        env={**inherited, "PYTHONPATH": path, **environment},
        capture_output=True,
        text=True,
        timeout=LONGEST_SECONDS,
        check=False,
    )
    assert finished.returncode == 0, finished.stderr
    return finished.stdout
