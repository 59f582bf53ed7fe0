"""How often a named reference's own windows alarm: each is tested against the rest of it. Measured once a version, and stored."""

from collections.abc import Sequence
from importlib.resources import files
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.stats import beta

from driftline_analyzers.drift.detector import DriftDetector
from driftline_analyzers.drift.permutation import calibrate
from driftline_analyzers.drift.style_words import style_matrices
from driftline_analyzers.runner.checks import Check
from driftline_analyzers.runner.detectors import FittedReference, style_detector, text_detector
from driftline_analyzers.runner.findings import RETRIEVAL, SEMANTIC, STYLE, TRAILING, VERSION
from driftline_analyzers.runner.segments import Segment
from driftline_analyzers.settings import AnalyzerSettings
from driftline_analyzers.vectors import as_groups, as_vectors
from driftline_core.store import Store

_READ = (files("driftline_analyzers") / "sql" / "reference_check.sql").read_text(encoding="utf-8")
_COLUMNS = (
    "project", "name", "version", "segment_by", "segment", "analyzer", "analyzer_version", "field", "embedding_model", "p_values",
)  # fmt: skip
_LEVEL = 0.05
"""Windows are few: their alarms are counted at this level beside the configured one."""


class SelfChecks:
    """Measured false-alarm rates of the references of one project."""

    def __init__(self, store: Store, settings: AnalyzerSettings, *, project: str, model_id: str) -> None:
        self._store = store
        self._settings = settings
        self._project = project
        self._model_id = model_id
        self._known: dict[tuple[object, ...], list[float]] = {}

    def calibration(self, fitted: FittedReference, check: Check, segment: Segment) -> dict[str, Any] | None:
        """Configured and measured rate, for an explanation; None where it is not measured: trailing references, numbers, few texts.
        Raises StoreError and the embedder's errors.
        """
        reference = fitted.reference
        if (
            reference.name == TRAILING
            or check.analyzer not in (SEMANTIC, STYLE, RETRIEVAL)
            or not self._settings.reference_check_windows
        ):
            return None
        filing = {
            "project": self._project,
            "name": reference.name,
            "version": reference.version,
            "segment_by": segment.by,
            "segment": segment.value,
            "analyzer": check.analyzer,
            "analyzer_version": VERSION,
            "field": check.field,
            "embedding_model": "" if check.analyzer == STYLE else self._model_id,
        }
        key = tuple(filing.values())
        if key not in self._known:
            stored = self._store.rows(_READ, filing)
            if stored:
                self._known[key] = stored[0]["p_values"]
            else:
                self._known[key] = self._measure(fitted, check)
                row = [filing.get(column, self._known[key]) for column in _COLUMNS]
                self._store.insert("reference_checks", _COLUMNS, [row])
        return described(self._known[key], alpha=self._settings.alpha)

    def _measure(self, fitted: FittedReference, check: Check) -> list[float]:
        if check.analyzer == STYLE:
            sample = fitted.side.sample("completion")
            matrix, _ = style_matrices(sample.texts, ())
            return own_p_values(style_detector(self._settings), matrix, sample.groups, self._settings)
        measured = fitted.side.texts(check.field)
        return own_p_values(text_detector(self._settings), measured.values, measured.sample.groups, self._settings)


def described(p_values: Sequence[float], *, alpha: float) -> dict[str, Any] | None:
    """Shares of windows that alarm at alpha and at 5 %, with exact 95 % intervals (Clopper & Pearson 1934). None without windows."""
    if not p_values:
        return None
    n = len(p_values)
    counts = {level: sum(p <= level for p in p_values) for level in (alpha, _LEVEL)}
    low, high = _interval(counts[alpha], n)
    low_at_level, high_at_level = _interval(counts[_LEVEL], n)
    return {
        "configured": alpha,
        "measured": counts[alpha] / n,
        "low": low,
        "high": high,
        "n_windows": n,
        "at_5_percent": {"measured": counts[_LEVEL] / n, "low": low_at_level, "high": high_at_level},
    }


def own_p_values(
    detector: DriftDetector, values: NDArray[np.float32], groups: Sequence[str], settings: AnalyzerSettings
) -> list[float]:
    """One p-value a window. values: (n, d), groups: (n,) of a reference, in order of time. The windows are stretches of time of whole
    blocks, as large as the reference carries; rest and window together are always the reference itself, so that distances are computed
    once. Empty where the reference carries no window.
    """
    n_texts = min(settings.max_window_texts, int(len(values) / (settings.reference_ratio + 1)))
    vectors = as_vectors(values, device=settings.device, dtype=torch.float32)
    blocks = as_groups(groups, n_rows=len(vectors))
    windows = _windows(blocks.numpy(), n_texts=n_texts, n_windows=settings.reference_check_windows)
    windows = [window for window in windows if len(window) >= settings.min_blocks]
    if n_texts < settings.min_samples or not windows:
        return []
    prepared = [statistic.prepare(vectors, blocks.to(settings.device)) for statistic in detector.resolved()]
    n_blocks = int(blocks.max()) + 1
    levels = np.ceil(np.log2(np.bincount(blocks.numpy()))).astype(np.int64)

    def of_splits(splits: torch.Tensor) -> torch.Tensor:
        return torch.stack([statistic.of_splits(splits.to(settings.device)) for statistic in prepared])

    p_values = []
    for window in windows:
        observed = torch.zeros(n_blocks, 1, dtype=torch.bool)
        observed[window] = True
        strata = [
            (torch.from_numpy(np.flatnonzero(levels == level)), int((levels[window] == level).sum()))
            for level in np.unique(levels[window])
        ]

        def draw(
            count: int, generator: torch.Generator, strata: list[tuple[torch.Tensor, int]] = strata
        ) -> torch.Tensor:
            splits = torch.zeros(count, n_blocks, dtype=torch.bool)
            for members, n_chosen in strata:
                keys = torch.rand(count, len(members), generator=generator)
                splits.scatter_(1, members[keys.topk(n_chosen, dim=1, sorted=False).indices], True)
            return of_splits(splits.T)

        calibration = calibrate(
            of_splits(observed)[:, 0],
            draw,
            n_permutations=settings.n_permutations,
            max_permutations=settings.n_permutations,
            seed=settings.seed,
        )
        p_values.append(calibration.p_value)
    return p_values


def _windows(blocks: NDArray[np.int64], *, n_texts: int, n_windows: int) -> list[NDArray[np.int64]]:
    """Block numbers of stretches of about n_texts texts, blocks in the order of their first text; n_windows of them, evenly spaced."""
    if n_texts < 1:
        return []
    sizes = np.bincount(blocks)
    _, first = np.unique(blocks, return_index=True)
    order = np.argsort(first, kind="stable")
    number = ((sizes[order].cumsum() - sizes[order]) // n_texts).astype(np.int64)
    windows = [order[number == i] for i in range(int(number.max()) + 1)]
    full = [window for window in windows if n_texts / 2 <= sizes[window].sum() <= 2 * n_texts]
    if len(full) <= n_windows:
        return full
    return [full[i] for i in np.linspace(0, len(full) - 1, n_windows).round().astype(int)]


def _interval(count: int, n: int) -> tuple[float, float]:
    low = 0.0 if count == 0 else float(beta.ppf(0.025, count, n - count + 1))
    high = 1.0 if count == n else float(beta.ppf(0.975, count + 1, n - count))
    return round(low, 4), round(high, 4)
