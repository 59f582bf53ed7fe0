"""Outliers of a window in groups: one novel attack with its paraphrases is told once, and under one name in window after window."""

import json
from collections.abc import Sequence
from importlib.resources import files
from typing import Any

import numpy as np

from driftline_analyzers.explain.terms import distinguishing_terms, text_terms
from driftline_analyzers.outliers.groups import OutlierGroup, group_outliers
from driftline_analyzers.outliers.matching import KnownGroup, match_groups
from driftline_analyzers.runner.comparison import Comparison
from driftline_analyzers.runner.records import TextRow, WindowContent, to_parameter
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
        sample = comparison.current.sample
        grouped = group_outliers(
            comparison.current.values,
            found.is_flagged,
            sample.texts,
            p_values=found.p_values,
            groups=list(sample.groups),
            terms=_terms,
        )
        groups = grouped.groups[:_GROUPS]
        if groups:
            known = self._known(segment, comparison.check.field, content.start_ms)
            groups = match_groups(known, groups)
        n_flagged = int(found.is_flagged.sum())
        share, expected = excess.shares[0.05], excess.expected[0.05]
        grouped_part = f"; the largest group: {', '.join(groups[0].terms) or groups[0].texts[0][:60]}" if groups else ""
        return {
            "n_outliers": n_flagged,
            "novel_share": round(share, 4),
            "novel_share_expected": round(expected, 4),
            "groups": [_group(group, sample.rows) for group in groups],
            "examples": [
                _example(sample.rows[i], sample.texts[i], float(found.scores[i]))
                for i in self._shown(groups, grouped.single_rows)
            ],
            "note": found.note,
            "sentence": f"{n_flagged} outliers; {share:.1%} of the texts lie further out than 95 % of the reference{grouped_part}",
        }

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
    return example if novelty is None else example | {"novelty": round(novelty, 4)}
