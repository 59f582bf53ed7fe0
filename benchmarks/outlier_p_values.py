"""What eval_outliers.py measures of p-values: ordinary texts, false flags in windows, and the test of an excess."""

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from benchmarks.outlier_streams import Queries, Rows, sessions, with_groups
from benchmarks.report import emit
from driftline_analyzers.correction import benjamini_hochberg
from driftline_analyzers.outliers.detector import OutlierDetector
from driftline_analyzers.outliers.excess import outlier_excess
from driftline_analyzers.outliers.registry import DEFAULT_OUTLIER_DETECTOR, OUTLIER_DETECTORS

CALIBRATED: Final = ("local_knn", "knn_lof", "knn")
N_REFERENCE: Final = 5000
REFERENCE_RATIO: Final = 8.0
"""The excess test's default: a window is at most an eighth of its reference."""


def fit(name: str, vectors: NDArray[np.float32], groups: Rows | None = None) -> OutlierDetector:
    """Small references are allowed here: the table shows what they cost."""
    return OUTLIER_DETECTORS[name](min_samples=100).fit(vectors, groups=groups)


def measure_ordinary(q: Queries, *, n_references: int) -> None:
    """p-values of texts that are like the reference's: .05 of them should be at most .05."""
    for name in OUTLIER_DETECTORS:
        shares = []
        for draw in range(n_references):
            rows = np.random.default_rng(draw).permutation(q.train)[:2000]
            shares.append(float((fit(name, q.vectors[rows]).score(q.vectors[q.val]).p_values <= 0.05).mean()))
        emit(
            bench="outliers",
            part="ordinary",
            subject=name,
            n_reference=2000,
            n=len(q.val),
            metric="p_at_most_5_percent",
            value=float(np.mean(shares)),
            unit="share",
            references=n_references,
        )


def calibrated_pools(
    q: Queries, name: str, *, size: int, n_references: int
) -> Iterator[tuple[OutlierDetector, NDArray[np.float64], list[Rows], list[Rows]]]:
    """References of whole sessions; the detector, p-values of every row (ordinary and out of scope), sessions of the ordinary rows that
    are not in the reference, and of the out-of-scope rows.
    """
    ordinary = np.concatenate([q.train, q.val])
    for draw in range(n_references):
        rng = np.random.default_rng(100 + draw)
        pool = sessions(ordinary, q.intent, size=size, rng=rng)
        n_blocks = N_REFERENCE // size
        rows, groups = with_groups(pool[:n_blocks])
        detector = fit(name, q.vectors[rows], groups)
        p_values = np.ones(len(q.vectors))
        new = np.concatenate([np.concatenate(pool[n_blocks:]), q.oos])
        p_values[new] = detector.score(q.vectors[new]).p_values
        yield detector, p_values, pool[n_blocks:], sessions(q.oos, q.intent, size=size, rng=rng)


def draw_window(
    pool: list[Rows], oos: list[Rows], *, n: int, share: float, rng: np.random.Generator
) -> tuple[Rows, Rows]:
    """Rows and session numbers of a window of n texts, share of them out of scope."""
    size = len(pool[0])
    n_new = round(share * n / size)
    chosen = [pool[i] for i in rng.choice(len(pool), n // size - n_new, replace=False)]
    return with_groups(chosen + [oos[i] for i in rng.choice(len(oos), n_new, replace=False)])


def measure_flags(q: Queries, *, n_references: int, n_windows: int) -> None:
    """Benjamini-Hochberg over windows of 1,000."""
    is_oos = np.isin(np.arange(len(q.vectors)), q.oos)
    for name in CALIBRATED:
        for size in (1, 5):
            cells: dict[tuple[float, float], list[list[tuple[float, float, bool]]]] = {}
            for draw, (_, p_values, pool, oos) in enumerate(
                calibrated_pools(q, name, size=size, n_references=n_references)
            ):
                rng = np.random.default_rng(draw)
                for share in (0.0, 0.05, 0.1, 0.2):
                    windows = [draw_window(pool, oos, n=1000, share=share, rng=rng)[0] for _ in range(n_windows)]
                    for fdr in (0.1, 0.2):
                        of_reference = []
                        for rows in windows:
                            flagged = benjamini_hochberg(p_values[rows]) <= fdr
                            n_false, n_true = int((flagged & ~is_oos[rows]).sum()), int((flagged & is_oos[rows]).sum())
                            power = n_true / max(1, int(is_oos[rows].sum()))
                            of_reference.append((n_false / max(1, n_false + n_true), power, n_false + n_true > 0))
                        cells.setdefault((share, fdr), []).append(of_reference)
            for (share, fdr), runs in cells.items():
                values = np.array(runs, dtype=float)  # (references, windows, 3)
                by_reference = values[:, :, 0].mean(1)
                emit(
                    bench="outliers",
                    part="flags",
                    subject=name,
                    session_size=size,
                    share=share,
                    fdr=fdr,
                    metric="false_share",
                    value=float(by_reference.mean()),
                    unit="share",
                    se=float(by_reference.std(ddof=1) / np.sqrt(len(by_reference))),
                    worst_reference=float(by_reference.max()),
                    power=float(values[:, :, 1].mean()),
                    any_flag=float(values[:, :, 2].mean()),
                    n_reference=N_REFERENCE,
                    windows=values.shape[0] * values.shape[1],
                )


def measure_excess(q: Queries, *, n_references: int, n_windows: int) -> None:
    """False alarms and power of the excess test."""
    for name in CALIBRATED:
        for size in (1, 5, 20) if name == DEFAULT_OUTLIER_DETECTOR else (1, 5):
            _measure_excess(
                q, name, size=size, ratios=(REFERENCE_RATIO,), n_references=n_references, n_windows=n_windows
            )


def measure_ratio(q: Queries, *, n_references: int, n_windows: int) -> None:
    """The same windows of sessions of 20, tested whole and not."""
    ratios = (REFERENCE_RATIO, 1.0)
    _measure_excess(q, DEFAULT_OUTLIER_DETECTOR, size=20, ratios=ratios, n_references=n_references, n_windows=n_windows)


def _measure_excess(
    q: Queries, name: str, *, size: int, ratios: Sequence[float], n_references: int, n_windows: int
) -> None:
    """With sessions of 20 (250 blocks) references differ: more of them. ratios: reference_ratio of the test."""
    n_drawn = n_references if size < 20 else 3 * n_references
    found: dict[tuple[int, float, float], list[list[float]]] = {}
    for draw, (detector, p_values, pool, oos) in enumerate(calibrated_pools(q, name, size=size, n_references=n_drawn)):
        rng = np.random.default_rng(draw)
        for n in (250, 1000):
            for share in (0.0, 0.02, 0.05, 0.1) if size != 20 else (0.0,):
                windows = [
                    draw_window(pool, oos, n=n, share=share, rng=rng)
                    for _ in range(n_windows * n_references // n_drawn)
                ]
                for ratio in ratios:
                    ps = [
                        outlier_excess(
                            p_values[rows],
                            detector.reference_p_values,
                            groups=groups,
                            reference_groups=detector.reference_groups,
                            reference_ratio=ratio,
                            n_draws=999,
                        ).p_value
                        for rows, groups in windows
                    ]
                    found.setdefault((n, share, ratio), []).append(ps)
    for (n, share, ratio), runs in found.items():
        values = np.array(runs)
        rates = (values <= 0.05).mean(1)
        emit(
            bench="outliers",
            part="excess",
            subject=name,
            session_size=size,
            n=n,
            share=share,
            reference_ratio=ratio,
            metric="rejected_at_5_percent",
            value=float(rates.mean()),
            unit="share",
            se=float(rates.std(ddof=1) / np.sqrt(len(rates))),
            highest_reference=float(rates.max()),
            rejected_at_1_percent=float((values <= 0.01).mean()),
            rejected_at_half_percent=float((values <= 0.005).mean()),
            n_reference=N_REFERENCE,
            windows=values.size,
        )
