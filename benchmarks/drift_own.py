"""Our own test as the drift benchmark runs it, timed: the one place that knows which class it is."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.drift_peers import Comparisons
from driftline_analyzers.drift.detector import DriftDetector
from driftline_analyzers.drift.mmd import median_bandwidth

ALPHA: Final = 0.05

Vectors = NDArray[np.float32]
Groups = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One comparison by ours."""

    p_value: float
    statistic: float
    is_drift: bool
    seconds: float
    cpu_seconds: float


def run_own(
    reference: Vectors,
    current: Vectors,
    *,
    n_permutations: int,
    groups: tuple[Groups, Groups] | None = None,
    seed: int = 0,
) -> Run:
    """MMD with one kernel of the median bandwidth. reference: (m, d), current: (n, d), groups: their sessions, where they are known."""
    begun, begun_cpu = time.perf_counter(), time.process_time()
    of_reference, of_current = (None, None) if groups is None else groups
    detector = DriftDetector(
        ("mmd",),
        alpha=ALPHA,
        n_permutations=n_permutations,
        max_permutations=n_permutations,
        reference_ratio=1.0,  # as many texts on both sides, which no peer minds
        seed=seed,
    )
    result = detector.fit(reference, groups=of_reference).score(current, groups=of_current)
    return Run(
        p_value=result.p_value,
        statistic=result.statistic,
        is_drift=result.is_drift,
        seconds=time.perf_counter() - begun,
        cpu_seconds=time.process_time() - begun_cpu,
    )


def run_own_on_first(comparisons: Comparisons, *, n_permutations: int, n_runs: int) -> list[Run]:
    """Ours on the first pair, n_runs times."""
    x, y = comparisons.vectors[comparisons.reference[0]], comparisons.vectors[comparisons.current[0]]
    return [run_own(x, y, n_permutations=n_permutations) for _ in range(n_runs)]


def run_own_on_all(
    comparisons: Comparisons, *, n_permutations: int, groups: tuple[Groups, Groups] | None = None
) -> list[Run]:
    """Ours on every pair, permutations drawn anew for each."""
    pairs = zip(comparisons.reference, comparisons.current, strict=True)
    return [
        run_own(
            comparisons.vectors[x], comparisons.vectors[y], n_permutations=n_permutations, groups=groups, seed=number
        )
        for number, (x, y) in enumerate(pairs)
    ]


def own_bandwidths(comparisons: Comparisons) -> Sequence[float]:
    """The bandwidth that ours takes for each pair."""
    pooled = np.concatenate([comparisons.reference, comparisons.current], axis=1)
    return [median_bandwidth(torch.from_numpy(comparisons.vectors[rows])) for rows in pooled]
