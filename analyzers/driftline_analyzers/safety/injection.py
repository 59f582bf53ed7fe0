"""Attempts to turn a model against its instructions: by the user, or hidden in what the model is given to read."""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final

import numpy as np

from driftline_analyzers.safety import context
from driftline_analyzers.safety.cues import named_cues
from driftline_analyzers.safety.findings import MAX_CHARS, MAX_TEXTS, fields_of, unread
from driftline_analyzers.safety.folding import Folded, plain
from driftline_analyzers.safety.weights import load_weights
from driftline_analyzers.safety.window_head import Task, Verdict, WindowHead, embed_candidates
from driftline_analyzers.scoring.call import Call
from driftline_analyzers.scoring.scorer import CallScore, Embed

_OTHER_MODEL: Final = "without vectors: the embedding model is not the one that the head was trained on"
_SENTENCE: Final = "sentence"
"""The head that reads the sentences of a prompt one by one."""
_MAX_SENTENCES: Final = 4
"""Of a prompt that are read in full, those that look worst by their n-grams; three times as many find no more and are slower."""
_HEADS: Final = {"prompt": "direct", "document": "indirect", "tool_result": "indirect"}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Field:
    """task: of the folded texts. unread: for evidence."""

    task: Task
    folded: Sequence[Folded]
    unread: dict[str, Any]


class InjectionScorer:
    """value: probability of an attack, as if every second text were one; field prompt: jailbreaks and overrides by the user, in parts of
    900 characters and, by a head of its own, in single sentences, the worse verdict decides; document and tool_result: text there that
    instructs the model, the worst text decides and evidence names its index. Texts are read as folding.plain makes them: without unseen
    characters and with look-alikes as the letters that they look like.

    Flagged texts are suspicious, no more: about one of 200 of the hard harmless texts of training lies above the threshold, and people
    write about attacks too. max_windows: how many parts of a field are read in full, those that look worst by their character n-grams.
    reads_context: a part of a document or tool result that looks like an order is compared with other parts of the same text, by their
    vectors: what is about something else is more suspicious, what is about the same less. With another embedding model than the bundled
    one, parts are judged alone. uses_vectors: heads with sentence vectors instead, which embed every part that is read in full and are
    no better on attacks of an unseen source.
    """

    name: ClassVar[str] = "injection"
    version: ClassVar[str] = "3"

    def __init__(self, *, uses_vectors: bool = False, reads_context: bool = True, max_windows: int = 12) -> None:
        self.uses_vectors = uses_vectors
        self.reads_context = reads_context
        self.max_windows = max_windows

    def score(self, calls: Sequence[Call], *, embed: Embed) -> list[list[CallScore]]:
        """Fields prompt, document and tool_result."""
        fields = self._fields(calls)
        scores: list[list[CallScore]] = [[] for _ in calls]
        if not fields:
            return scores
        by_sentence = WindowHead(load_weights("injection"), prefix=_SENTENCE, max_windows=_MAX_SENTENCES)
        verdicts = self._verdicts([field.task for field in fields], embed)
        for field, (verdict, evidence) in zip(fields, verdicts, strict=True):
            score = _call_score(field, _worse(field.task, verdict, by_sentence))
            scores[field.task.call].append(dataclasses.replace(score, evidence={**score.evidence, **evidence}))
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

    def _fields(self, calls: Sequence[Call]) -> list[_Field]:
        weights = load_weights("injection")
        heads = {
            name: WindowHead(weights, prefix=name, max_windows=self.max_windows) for name in ("direct", "indirect")
        }
        found = []
        for i, call in enumerate(calls):
            for field, texts in fields_of(call):
                if field in _HEADS:
                    head = heads[_HEADS[field]]
                    folded = [plain(text[:MAX_CHARS]) for text in texts[:MAX_TEXTS]]
                    read = [one.text for one in folded]
                    chosen, n_windows = head.candidates(read)
                    if chosen:
                        task = Task(call=i, field=field, texts=read, head=head, chosen=chosen, n_windows=n_windows)
                        found.append(_Field(task=task, folded=folded, unread=unread(texts)))
        return found


def _worse(task: Task, verdict: Verdict, by_sentence: WindowHead) -> Verdict:
    """Of a prompt of more than one sentence the verdict on its worst sentence, where that is worse."""
    if task.field != "prompt":
        return verdict
    chosen, n_sentences = by_sentence.candidates(task.texts)
    if n_sentences < 2:
        return verdict
    return max(verdict, by_sentence.worst_at(verdict.threshold, task.texts, chosen), key=lambda one: one.probability)


def _call_score(field: _Field, verdict: Verdict) -> CallScore:
    task, window = field.task, verdict.window
    is_flagged = verdict.probability >= verdict.threshold
    evidence: dict[str, Any] = {
        "label": "suspicious" if is_flagged else "ordinary",
        "threshold": round(verdict.threshold, 6),
        "spans": [list(field.folded[window.index].span(window.start, window.end))],
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
        evidence=evidence | field.unread,
    )
