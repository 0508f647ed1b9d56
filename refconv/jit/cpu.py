"""The CPU that code is compiled for: what Numba says of it, and what follows for vectors."""

from __future__ import annotations

from numba.core.registry import cpu_target

TRIPLE, _, FEATURES = cpu_target.target_context.codegen().magic_tuple()


def _has(feature: str) -> bool:
    return f"+{feature}" in FEATURES.split(",")


HAS_FMA = _has("fma") or TRIPLE.startswith(("aarch64", "arm64"))
"""Whether a multiply-add is one instruction. Without it `llvm.fma` is a library call per lane."""

VECTOR_BYTES = 64 if _has("avx512f") else 32 if _has("avx2") else 16
REGISTERS = 32 if _has("avx512f") or TRIPLE.startswith(("aarch64", "arm64")) else 16
