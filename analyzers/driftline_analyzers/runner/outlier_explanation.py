"""Outliers of a window in groups: one novel attack with its paraphrases is told once, and under one name in window after window."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

import numpy as np
from numpy.typing import NDArray

from driftline_analyzers.explain.terms import distinguishing_terms, text_terms
from driftline_analyzers.outliers.groups import OutlierGroup, group_outliers
from driftline_analyzers.outliers.matching import KnownGroup, match_groups
from driftline_analyzers.outliers.result import OutlierResult
from driftline_analyzers.runner.comparison import Comparison, KeptOutliers
from driftline_analyzers.runner.records import TextRow, WindowContent, to_parameter
from driftline_analyzers.runner.samples import FieldSample
from driftline_analyzers.runner.segments import Segment
from driftline_analyzers.runner.sides import Embed
from driftline_analyzers.settings import AnalyzerSettings
from driftline_core.store import Store

_PREVIOUS = (files("driftline_analyzers") / "sql" / "previous_groups.sql").read_text(encoding="utf-8")
_GROUPS = 10
_SINGLES = 5
_EXAMPLE_CHARS = 300


class OutlierExplainer:
    """Groups the flagged texts of one project's windows."""

    def __init__(self, store: Store, settings: AnalyzerSettings, *, project: str, embed: Embed) -> None:
        self._store = store
        self._settings = settings
        self._project = project
        self._embed = embed

    def explain(self, comparison: Comparison, content: WindowContent, segment: Segment) -> dict[str, Any]:
        """Shares beyond the usual, groups with examples, single outliers. Raises StoreError and the embedder's errors."""
        found, excess = comparison.outliers, comparison.excess
        if found is None or excess is None:
            return {}
        looked_at = _looked_at(comparison, found)
        grouped = group_outliers(
            looked_at.values,
            looked_at.is_flagged,
            looked_at.sample.texts,
            p_values=looked_at.p_values,
            groups=list(looked_at.sample.groups),
            terms=_terms,
        )
        groups = grouped.groups[:_GROUPS]
        if groups:
            known = self._known(segment, comparison.check.field, content.start_ms)
            groups = match_groups(known, groups)
        rows, texts = looked_at.sample.rows, looked_at.sample.texts
        n_flagged = int(found.is_flagged.sum())
        share, expected = excess.shares[0.05], excess.expected[0.05]
        grouped_part = f"; the largest group: {', '.join(groups[0].terms) or groups[0].texts[0][:60]}" if groups else ""
        return {
            "n_outliers": n_flagged,
            "novel_share": round(share, 4),
            "novel_share_expected": round(expected, 4),
            "groups": [_group(group, rows) for group in groups],
            "examples": [
                _example(rows[i], texts[i], float(looked_at.scores[i]))
                for i in self._shown(groups, grouped.single_rows)
            ],
            "note": found.note,
            "sentence": f"{n_flagged} outliers; {share:.1%} of the texts lie further out than 95 % of the reference{grouped_part}",
        } | ({} if comparison.kept is None else {"kept": _kept(comparison.kept)})

    def _shown(self, groups: Sequence[OutlierGroup], single_rows: Sequence[int]) -> list[int]:
        return [*(group.medoid for group in groups), *single_rows][:_SINGLES]

    def _known(self, segment: Segment, field: str, start_ms: int) -> list[KnownGroup]:
        """The groups of the newest earlier window that had any."""
        rows = self._store.rows(
            _PREVIOUS,
            {
                "project": self._project,
                "service": segment.service,
                "segment_by": segment.by,
                "segment": segment.value,
                "field": field,
                "before": to_parameter(start_ms),
                "window_texts": self._settings.window_texts,
            },
        )
        if not rows:
            return []
        groups = [group for group in json.loads(rows[0]["groups"]) if group["texts"]]
        texts = [text for group in groups for text in group["texts"]]
        vectors = self._embed(texts)
        known, at = [], 0
        for group in groups:
            known.append(KnownGroup(group_id=group["id"], vectors=vectors[at : at + len(group["texts"])]))
            at += len(group["texts"])
        return known


@dataclass(frozen=True, slots=True, kw_only=True)
class _LookedAt:
    """The sample's texts, then those kept beside it; arrays: one row a text."""

    sample: FieldSample
    values: NDArray[np.float32]
    scores: NDArray[np.float64]
    p_values: NDArray[np.float64]
    is_flagged: NDArray[np.bool_]


def _looked_at(comparison: Comparison, found: OutlierResult) -> _LookedAt:
    parts = [(comparison.current, found)]
    if comparison.kept is not None:
        parts.append((comparison.kept.measured, comparison.kept.result))
    samples = [measured.sample for measured, _ in parts]
    return _LookedAt(
        sample=FieldSample(
            rows=[row for sample in samples for row in sample.rows],
            texts=[text for sample in samples for text in sample.texts],
            groups=[group for sample in samples for group in sample.groups],
        ),
        values=np.concatenate([measured.values for measured, _ in parts]),
        scores=np.concatenate([result.scores for _, result in parts]),
        p_values=np.concatenate([result.p_values for _, result in parts]),
        is_flagged=np.concatenate([result.is_flagged for _, result in parts]),
    )


def _kept(kept: KeptOutliers) -> dict[str, Any]:
    """How many texts were looked at beside the sample, and how many of them are outliers, by the reason for which they were kept."""
    counts: dict[str, dict[str, int]] = {}
    for row, is_flagged in zip(kept.measured.sample.rows, kept.result.is_flagged, strict=True):
        of_reason = counts.setdefault(row.kept_for, {"n": 0, "n_outliers": 0})
        of_reason["n"] += 1
        of_reason["n_outliers"] += int(is_flagged)
    return dict(sorted(counts.items()))


def _terms(inside: Sequence[str], outside: Sequence[str]) -> Sequence[str]:
    terms = [text_terms(text) for text in (*inside, *outside)]
    is_inside = [True] * len(inside) + [False] * len(outside)
    return distinguishing_terms(terms, np.asarray(is_inside))


def _group(group: OutlierGroup, rows: Sequence[TextRow]) -> dict[str, Any]:
    described = group.as_json()
    examples = described.pop("rows")
    return described | {
        "examples": [_example(rows[i], text, None) for i, text in zip(examples, described["texts"], strict=True)]
    }


def _example(row: TextRow, text: str, novelty: float | None) -> dict[str, Any]:
    example = {
        "text": text[:_EXAMPLE_CHARS],
        "trace_id": row.trace_id,
        "span_id": row.span_id,
        "prompt_version": row.prompt_version,
        "model": row.model,
    }
    if row.kept_for:
        example["kept_for"] = row.kept_for
    return example if novelty is None else example | {"novelty": round(novelty, 4)}
