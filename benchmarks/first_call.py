"""What a program waits for: importing refconv, and its first convolution, cold and warm.

    python benchmarks/first_call.py

Each figure is of a fresh process, the median of five; cold means with an empty cache of compiled
code.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from statistics import median

PROGRAM = """
import time
start = time.perf_counter(); import numpy as np; numpy_done = time.perf_counter()
import refconv; import_done = time.perf_counter()
refconv.conv2d(np.ones((1, 8, 14, 14), "f4"), np.ones((8, 8, 3, 3), "f4"), padding=1)
call_done = time.perf_counter()
print(import_done - numpy_done, call_done - import_done)
"""


def main() -> None:
    """Print the three medians."""
    with tempfile.TemporaryDirectory() as folder:
        imports, cold, warm = [], [], []
        for attempt in range(5):
            cache = os.path.join(folder, str(attempt))
            _, first = seconds(cache)
            cold.append(first)
            imported, first = seconds(cache)
            imports.append(imported)
            warm.append(first)
    print(f"import, beyond NumPy's  {median(imports):6.3f} s")
    print(f"first call, cold        {median(cold):6.2f} s")
    print(f"first call, warm        {median(warm):6.2f} s")


def seconds(cache: str) -> list[float]:
    """How long the import and the first call of a fresh process took."""
    environment = {**os.environ, "NUMBA_CACHE_DIR": cache}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], env=environment, capture_output=True, text=True, check=True
    )
    return [float(number) for number in done.stdout.split()]


if __name__ == "__main__":
    main()
