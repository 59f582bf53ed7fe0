"""Attempts to turn a model against its instructions: by the user, or hidden in what the model is given to read."""

import dataclasses
from collections.abc import Sequence
from typing import Any, ClassVar, Final

import numpy as np
from numpy.typing import NDArray

from driftline_analyzers.safety.cues import named_cues
from driftline_analyzers.safety.findings import MAX_TEXTS, fields_of, unread
from driftline_analyzers.safety.weights import load_weights
from driftline_analyzers.safety.window_head import Task, Verdict, WindowHead, embed_candidates
from driftline_analyzers.scoring.call import Call
from driftline_analyzers.scoring.scorer import CallScore, Embed

_HEADS: Final = {"prompt": "direct", "document": "indirect", "tool_result": "indirect"}


class InjectionScorer:
    """value: probability of an attack, as if every second text were one; field prompt: jailbreaks and overrides by the user; document and
    tool_result: text there that instructs the model, the worst text decides and evidence names its index.

    Flagged texts are suspicious, no more: about one of 200 of the hard harmless texts of training lies above the threshold, and people
    write about attacks too. max_windows: how many parts of a field are read in full, those that look worst by their character n-grams.
    uses_vectors: a head with sentence vectors too. It is no better on attacks of an unseen source, and embeds every part that is read in
    full; with another embedding model than the bundled one the head without vectors decides.
    """

    name: ClassVar[str] = "injection"
    version: ClassVar[str] = "1"

    def __init__(self, *, uses_vectors: bool = False, max_windows: int = 12) -> None:
        self.uses_vectors = uses_vectors
        self.max_windows = max_windows

    def score(self, calls: Sequence[Call], *, embed: Embed) -> list[list[CallScore]]:
        """Fields prompt, document and tool_result."""
        tasks = self._tasks(calls)
        scores: list[list[CallScore]] = [[] for _ in calls]
        if not tasks:
            return scores
        is_known = self.uses_vectors and tasks[0].head.knows(embed)
        of_task: Sequence[NDArray[np.float32] | None] = [None] * len(tasks)
        if is_known:
            of_task = embed_candidates(tasks, embed)
        for task, vectors in zip(tasks, of_task, strict=True):
            score = _call_score(task, task.head.verdict(task.texts, task.chosen, vectors))
            if self.uses_vectors and not is_known:
                reason = "without vectors: the embedding model is not the one that the head was trained on"
                score = dataclasses.replace(score, evidence={**score.evidence, "model": reason})
            scores[task.call].append(score)
        return scores

    def _tasks(self, calls: Sequence[Call]) -> list[Task]:
        weights = load_weights("injection")
        heads = {
            name: WindowHead(weights, prefix=name, max_windows=self.max_windows) for name in ("direct", "indirect")
        }
        tasks = []
        for i, call in enumerate(calls):
            for field, texts in fields_of(call):
                if field in _HEADS:
                    head = heads[_HEADS[field]]
                    chosen, n_windows = head.candidates(texts[:MAX_TEXTS])
                    if chosen:
                        tasks.append(
                            Task(call=i, field=field, texts=texts, head=head, chosen=chosen, n_windows=n_windows)
                        )
        return tasks


def _call_score(task: Task, verdict: Verdict) -> CallScore:
    window = verdict.window
    is_flagged = verdict.probability >= verdict.threshold
    evidence: dict[str, Any] = {
        "label": "suspicious" if is_flagged else "ordinary",
        "threshold": round(verdict.threshold, 6),
        "spans": [[window.start, window.end]],
        "cues": named_cues(task.texts[window.index][window.start : window.end]),
    }
    if task.field != "prompt":
        evidence["index"] = window.index
    if task.n_windows > len(task.chosen):
        evidence["parts_by_ngrams_alone"] = task.n_windows - len(task.chosen)
    return CallScore(
        field=task.field,
        value=verdict.probability,
        is_flagged=is_flagged,
        evidence=evidence | unread(task.texts),
    )
