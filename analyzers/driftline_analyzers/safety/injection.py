"""Attempts to turn a model against its instructions: by the user, or hidden in what the model is given to read."""

import dataclasses
from collections.abc import Sequence
from typing import Any, ClassVar, Final

import numpy as np

from driftline_analyzers.safety import context
from driftline_analyzers.safety.cues import named_cues
from driftline_analyzers.safety.findings import MAX_TEXTS, fields_of, unread
from driftline_analyzers.safety.weights import load_weights
from driftline_analyzers.safety.window_head import Task, Verdict, WindowHead, embed_candidates
from driftline_analyzers.scoring.call import Call
from driftline_analyzers.scoring.scorer import CallScore, Embed

_OTHER_MODEL: Final = "without vectors: the embedding model is not the one that the head was trained on"
_HEADS: Final = {"prompt": "direct", "document": "indirect", "tool_result": "indirect"}


class InjectionScorer:
    """value: probability of an attack, as if every second text were one; field prompt: jailbreaks and overrides by the user; document and
    tool_result: text there that instructs the model, the worst text decides and evidence names its index.

    Flagged texts are suspicious, no more: about one of 200 of the hard harmless texts of training lies above the threshold, and people
    write about attacks too. max_windows: how many parts of a field are read in full, those that look worst by their character n-grams.
    reads_context: a part of a document or tool result that looks like an order is compared with other parts of the same text, by their
    vectors: what is about something else is more suspicious, what is about the same less. With another embedding model than the bundled
    one, parts are judged alone. uses_vectors: heads with sentence vectors instead, which embed every part that is read in full and are
    no better on attacks of an unseen source.
    """

    name: ClassVar[str] = "injection"
    version: ClassVar[str] = "2"

    def __init__(self, *, uses_vectors: bool = False, reads_context: bool = True, max_windows: int = 12) -> None:
        self.uses_vectors = uses_vectors
        self.reads_context = reads_context
        self.max_windows = max_windows

    def score(self, calls: Sequence[Call], *, embed: Embed) -> list[list[CallScore]]:
        """Fields prompt, document and tool_result."""
        tasks = self._tasks(calls)
        scores: list[list[CallScore]] = [[] for _ in calls]
        if not tasks:
            return scores
        for task, (verdict, evidence) in zip(tasks, self._verdicts(tasks, embed), strict=True):
            score = _call_score(task, verdict)
            scores[task.call].append(dataclasses.replace(score, evidence={**score.evidence, **evidence}))
        return scores

    def _verdicts(self, tasks: Sequence[Task], embed: Embed) -> list[tuple[Verdict, dict[str, Any]]]:
        if self.uses_vectors and tasks[0].head.knows(embed):
            of_task = embed_candidates(tasks, embed)
            return [
                (task.head.verdict(task.texts, task.chosen, vectors), {})
                for task, vectors in zip(tasks, of_task, strict=True)
            ]
        log_odds = [task.head.log_odds(task.texts, task.chosen) for task in tasks]
        if self.uses_vectors:
            told = {"model": _OTHER_MODEL}
            return [
                (task.head.worst_of(task.chosen, scores, "lexical"), told)
                for task, scores in zip(tasks, log_odds, strict=True)
            ]
        return self._in_context(tasks, log_odds, embed)

    def _in_context(
        self, tasks: Sequence[Task], log_odds: Sequence[Sequence[float]], embed: Embed
    ) -> list[tuple[Verdict, dict[str, Any]]]:
        """Parts whose context training has a weight for, and that look like orders, in it; all others alone."""
        weights = [task.head.context if self.reads_context else None for task in tasks]
        sets = context.sets_of(tasks, log_odds, [float("inf") if weight is None else weight[1] for weight in weights])
        is_known = bool(sets) and tasks[0].head.knows(embed)
        strange = context.strangeness_of(sets, embed) if is_known else {}
        found: list[tuple[Verdict, dict[str, Any]]] = []
        for i, (task, weight) in enumerate(zip(tasks, weights, strict=True)):
            is_alone = not is_known and any(key[0] == i for key in sets)
            if weight is None or is_alone:
                told = {"model": _OTHER_MODEL} if is_alone else {}
                found.append((task.head.worst_of(task.chosen, log_odds[i], "lexical"), told))
                continue
            parts = [strange.get((i, j), 0.0) for j in range(len(task.chosen))]
            scores = [one + weight[0] * part for one, part in zip(log_odds[i], parts, strict=True)]
            part = parts[int(np.argmax(scores))]
            verdict = task.head.worst_of(task.chosen, scores, "context")
            found.append((verdict, {"strangeness": round(part, 4)} if part else {}))
        return found

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
