"""One layer measured: refconv, its peers and the machine's limit take turns, on 1 thread and more.

Nothing is timed that has not given the right answer, to the bit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from statistics import median

import numpy as np

from refconv.bench.limits import Limit, limit_of
from refconv.bench.operands import DTYPE, Operands
from refconv.bench.peers import BEST, Peer, Prepared
from refconv.counts import count
from refconv.geometry import Geometry
from refconv.threads import available_cpus, get_threads, set_threads
from refconv.timing import medians

CALL, LAYER = "conv2d", "Conv2d"
"""refconv's two ways: the weight packed in each call, or once before."""

LIMIT = "limit"


class WrongAnswerError(Exception):
    """Somebody's outputs are wrong; the message says whose."""


@dataclass(frozen=True, slots=True)
class Speeds:
    """Seconds of a layer on so many threads: of `CALL`, `LAYER`, each peer, and at the limit."""

    geometry: Geometry
    seconds: dict[str, float]
    limit: str
    """"peak" or "copy": what the layer is held against."""

    @property
    def gflops(self) -> float:
        """1e9 floating-point operations a second of the prepared layer."""
        return count(self.geometry).flops / self.seconds[LAYER] / 1e9

    @property
    def of_limit(self) -> float:
        """The fraction of what the machine can do that the prepared layer reaches."""
        return self.seconds[LIMIT] / self.seconds[LAYER]

    @property
    def limit_rate(self) -> float:
        """The limit itself: a peak in GFLOP/s, or a copy in GB/s, read and written together."""
        counts = count(self.geometry)
        work = counts.flops if self.limit == "peak" else counts.bytes(DTYPE)
        return work / self.seconds[LIMIT] / 1e9

    def ratio(self, peer: str, ours: str = LAYER) -> float | None:
        """How many times faster refconv is than the peer; None where that was not measured."""
        return self.seconds[peer] / self.seconds[ours] if peer in self.seconds else None

    @property
    def ratio_to_best(self) -> float | None:
        """The same against the better of torch and onnxruntime, where both were measured."""
        ratios = [ratio for peer in BEST if (ratio := self.ratio(peer)) is not None]
        return min(ratios) if len(ratios) == len(BEST) else None


def measure(
    geometry: Geometry,
    thread_counts: Sequence[int],
    peers: Mapping[str, Peer],
    *,
    rounds: int = 5,
    warm_up: float = 0.15,
    turn: float = 0.1,
) -> dict[int, Speeds]:
    """By number of threads: the layer's speeds, each the median of its turns' medians.

    Errors: `WrongAnswerError`, before anything is timed.
    """
    operands = Operands.integers(geometry)
    before = get_threads()
    try:
        stands = {n: _Stand(operands, n, peers) for n in thread_counts}
        _refuse_wrong_answers(operands, stands)
        samples: dict[int, list[dict[str, float]]] = {n: [] for n in stands}
        for _ in range(rounds):
            for n, stand in stands.items():
                stand.use_threads()
                samples[n].append(medians(stand.calls, rounds=1, warm_up=warm_up, turn=turn))
    finally:
        set_threads(before)
    return {
        n: stand.speeds({who: median(s[who] for s in samples[n]) for who in stand.calls})
        for n, stand in stands.items()
    }


class _Stand:
    """Everything that takes turns on one number of threads."""

    def __init__(self, operands: Operands, threads: int, peers: Mapping[str, Peer]) -> None:
        self._geometry, self._threads = operands.geometry, threads
        all_threads = threads == available_cpus()
        self._peers = {
            name: peer for name, peer in peers.items() if all_threads or not peer.always_all_threads
        }
        self.use_threads()
        self.candidates = {
            CALL: Prepared(operands.convolve),
            LAYER: Prepared(operands.prepared()),
            **{name: peer.prepare(operands, threads) for name, peer in self._peers.items()},
        }
        self._limit: Limit = limit_of(operands, threads)
        calls = {name: prepared.call for name, prepared in self.candidates.items()}
        self.calls: dict[str, Callable[[], object]] = {**calls, LIMIT: self._limit.call}

    def use_threads(self) -> None:
        """Let everybody use that number of threads."""
        set_threads(self._threads)
        for peer in self._peers.values():
            peer.use_threads(self._threads)

    def speeds(self, seconds: dict[str, float]) -> Speeds:
        """What was found, the limit scaled to the layer's work."""
        at_limit = seconds[LIMIT] * self._limit.share
        return Speeds(self._geometry, {**seconds, LIMIT: at_limit}, self._limit.kind)


def _refuse_wrong_answers(operands: Operands, stands: dict[int, _Stand]) -> None:
    expected = operands.exact("int64")
    wrong = []
    for n, stand in stands.items():
        stand.use_threads()
        for name, (call, to_numpy) in stand.candidates.items():
            if not np.array_equal(to_numpy(call()), expected):
                wrong.append(f"{name} on {threads_in_words(n)}")
    if wrong:
        raise WrongAnswerError(f"wrong answer from {', '.join(wrong)}")


def peak_gflops(found: Iterable[Speeds]) -> float | None:
    """The peak: the median of those measured beside the layers; None without any."""
    peaks = [speeds.limit_rate for speeds in found if speeds.limit == "peak"]
    return median(peaks) if peaks else None


def geometric_mean(numbers: Iterable[float]) -> float:
    """The root of the product of all: the mean for ratios.

    >>> geometric_mean([0.5, 2.0])
    1.0
    """
    factors = list(numbers)
    return prod(factors) ** (1 / len(factors))


def threads_in_words(n: int) -> str:
    """Like "1 thread" or "2 threads"."""
    return f"{n} thread{'' if n == 1 else 's'}"
