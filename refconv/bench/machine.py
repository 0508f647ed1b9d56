"""The machine that figures are of: without its name they mean nothing."""

from __future__ import annotations

import importlib.metadata
import os
import platform
from collections.abc import Iterable
from pathlib import Path

from refconv import __version__

PACKAGES = ("numpy", "numba")


def machine(packages: Iterable[str] = ()) -> dict[str, object]:
    """CPU, how many there are, instruction set, and versions, of these packages too."""
    versions = {"python": platform.python_version(), "refconv": __version__}
    for package in (*PACKAGES, *packages):
        versions[package] = importlib.metadata.version(package)
    return {
        "cpu": cpu_name(),
        "cpus": os.cpu_count(),
        "instructions": instructions(),
        "system": f"{platform.system()} {platform.machine()}",
        "versions": versions,
    }


def cpu_name() -> str:
    """The CPU's name as the system gives it."""
    information = Path("/proc/cpuinfo")
    if information.exists():
        for line in information.read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()


def instructions() -> str:
    """The vector instructions that kernels are compiled for."""
    from refconv.jit.cpu import HAS_FMA, TRIPLE, VECTOR_BYTES

    if TRIPLE.startswith(("aarch64", "arm64")):
        name = "NEON"
    else:
        name = {64: "AVX-512", 32: "AVX2"}.get(VECTOR_BYTES, "SSE2")
    return f"{name}, {8 * VECTOR_BYTES}-bit vectors{'' if HAS_FMA else ', no FMA'}"
