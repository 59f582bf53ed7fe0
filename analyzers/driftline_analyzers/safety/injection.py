"""Attempts to turn a model against its instructions: by the user, or hidden in what the model is given to read."""

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

    Flagged texts are suspicious, no more: about one of 200 harmless training texts lies above the threshold, and people write about attacks
    too. max_prompt_windows and max_document_windows: how many windows of a field are embedded at most; all are read by patterns.
    """

    name: ClassVar[str] = "injection"
    version: ClassVar[str] = "1"

    def __init__(self, *, max_prompt_windows: int = 8, max_document_windows: int = 6) -> None:
        self.max_prompt_windows = max_prompt_windows
        self.max_document_windows = max_document_windows

    def score(self, calls: Sequence[Call], *, embed: Embed) -> list[list[CallScore]]:
        """Fields prompt, document and tool_result."""
        tasks = self._tasks(calls)
        scores: list[list[CallScore]] = [[] for _ in calls]
        if not tasks:
            return scores
        of_task: Sequence[NDArray[np.float32] | None] = [None] * len(tasks)
        if tasks[0].head.knows(embed):
            of_task = embed_candidates(tasks, embed)
        for task, chosen_vectors in zip(tasks, of_task, strict=True):
            verdict = task.head.verdict(task.texts, task.chosen, chosen_vectors, n_windows=task.n_windows)
            scores[task.call].append(_call_score(task.field, task.texts, verdict))
        return scores

    def _tasks(self, calls: Sequence[Call]) -> list[Task]:
        weights = load_weights("injection")
        heads = {
            "direct": WindowHead(weights, prefix="direct", max_embedded=self.max_prompt_windows),
            "indirect": WindowHead(weights, prefix="indirect", max_embedded=self.max_document_windows),
        }
        tasks = []
        for i, call in enumerate(calls):
            for field, texts in fields_of(call):
                if field in _HEADS:
                    head = heads[_HEADS[field]]
                    chosen, n_windows = head.candidates(texts[:MAX_TEXTS])
                    tasks.append(Task(call=i, field=field, texts=texts, head=head, chosen=chosen, n_windows=n_windows))
        return tasks


def _call_score(field: str, texts: Sequence[str], verdict: Verdict) -> CallScore:
    window = verdict.window
    is_flagged = verdict.probability >= verdict.threshold
    evidence: dict[str, Any] = {
        "label": "suspicious" if is_flagged else "ordinary",
        "threshold": round(verdict.threshold, 6),
        "spans": [[window.start, window.end]],
        "cues": named_cues(texts[window.index][window.start : window.end]),
    }
    if field != "prompt":
        evidence["index"] = window.index
    if verdict.n_windows > verdict.n_embedded and not verdict.is_lexical:
        evidence["windows_by_patterns_alone"] = verdict.n_windows - verdict.n_embedded
    if verdict.is_lexical:
        evidence["model"] = "patterns alone: the embedding model is not the one that the head was trained on"
    return CallScore(field=field, value=verdict.probability, is_flagged=is_flagged, evidence=evidence | unread(texts))
