"""Hateful or abusive language in prompts and answers."""

from collections.abc import Sequence
from typing import Any, ClassVar, Final

import numpy as np

from driftline_analyzers.safety.classifier import TextClassifier
from driftline_analyzers.safety.findings import MAX_CHARS, unread
from driftline_analyzers.safety.group_words import mask_groups
from driftline_analyzers.safety.weights import load_weights
from driftline_analyzers.safety.window_head import Task, Window, WindowHead, embed_candidates, sigmoid
from driftline_analyzers.safety.windows import windows
from driftline_analyzers.scoring.call import Call
from driftline_analyzers.scoring.scorer import CallScore, Embed

_FIELDS: Final = ("prompt", "completion")
_CLASSIFIER_WINDOW_CHARS: Final = 1200
_CLASSIFIER_THRESHOLD: Final = 0.5
_OTHER_MODEL: Final = "the embedding model is not the one that the head was trained on; name a classifier"
_BLANK: Final = "all that is read of the text is blank"


class ToxicityScorer:
    """value: probability of hate; fields prompt and completion; the worst window decides, and evidence has its span.

    Without a classifier two small heads of our own decide: one of character n-grams whether a text can be hateful at all, which nearly no
    ordinary text can, and then one of its vector. They were trained on HateCheck's hand-written sentences with group words masked, know
    hate against groups in English and little else, and are wrong more often about some groups than about others: the figures are in
    docs/detection-quality-safety.md. They are a first look, no toxicity model to rely on. Name one instead: classifier is a text
    classification model of transformers by name or path, labels its toxic classes, threshold from which on a text is flagged.
    """

    name: ClassVar[str] = "toxicity"

    def __init__(
        self,
        *,
        classifier: str | None = None,
        labels: Sequence[str] | None = None,
        threshold: float = _CLASSIFIER_THRESHOLD,
        device: str = "cpu",
        max_windows: int = 8,
    ) -> None:
        self.version = "1" if classifier is None else f"1/{classifier}"
        self.classifier = classifier
        self.labels = labels
        self.threshold = threshold
        self.device = device
        self.max_windows = max_windows
        self._model = None if classifier is None else TextClassifier(classifier, labels=labels, device=device)

    def score(self, calls: Sequence[Call], *, embed: Embed) -> list[list[CallScore]]:
        """Fields prompt and completion. Raises ConfigError for a classifier that cannot be loaded."""
        fields = [
            (i, field, text)
            for i, call in enumerate(calls)
            for field, text in zip(_FIELDS, (call.prompt, call.completion), strict=True)
            if text.strip()
        ]
        scores: list[list[CallScore]] = [[] for _ in calls]
        read = [one for one in fields if one[2][:MAX_CHARS].strip()]
        if fields:
            found = self._by_head(read, embed) if self._model is None else self._by_classifier(read, self._model)
            of_read = iter(found)
            for i, field, text in fields:
                one = next(of_read) if text[:MAX_CHARS].strip() else _unknown(field, _BLANK)
                scores[i].append(
                    CallScore(
                        field=one.field,
                        value=one.value,
                        is_flagged=one.is_flagged,
                        evidence={**one.evidence, **unread((text,))},
                    )
                )
        return scores

    def _by_head(self, fields: Sequence[tuple[int, str, str]], embed: Embed) -> list[CallScore]:
        head = WindowHead(
            load_weights("toxicity"), prefix="toxicity", max_windows=self.max_windows, prepare=mask_groups
        )
        tasks, worst = [], []
        for i, field, text in fields:
            found, n_windows = head.candidates((text,))
            worst.append(found[0])
            chosen = [one for one in found if head.needs_vector(one)]
            tasks.append(Task(call=i, field=field, texts=(text,), head=head, chosen=chosen, n_windows=n_windows))
        is_open = [task for task in tasks if task.chosen]
        is_known = bool(is_open) and head.knows(embed)
        vectors = iter(embed_candidates(is_open, embed) if is_known else ())
        scores = []
        for task, first in zip(tasks, worst, strict=True):
            if not task.chosen:
                scores.append(_head_score(task, first, sigmoid(first.by_ngrams)))
            elif is_known:
                verdict = head.verdict(task.texts, task.chosen, next(vectors))
                scores.append(_head_score(task, verdict.window, verdict.probability))
            else:
                scores.append(_unknown(task.field, _OTHER_MODEL))
        return scores

    def _by_classifier(self, fields: Sequence[tuple[int, str, str]], model: TextClassifier) -> list[CallScore]:
        spans = [windows(text[:MAX_CHARS], max_chars=_CLASSIFIER_WINDOW_CHARS) for *_, text in fields]
        wanted = [
            text[start:end]
            for (*_, text), of_text in zip(fields, spans, strict=True)
            for start, end in of_text[: self.max_windows]
        ]
        unique = list(dict.fromkeys(wanted))
        of = dict(zip(unique, model.probabilities(unique), strict=True))
        found = []
        for (_, field, text), of_text in zip(fields, spans, strict=True):
            read = of_text[: self.max_windows]
            values = [float(of[text[start:end]]) for start, end in read]
            worst = int(np.argmax(values))
            evidence: dict[str, Any] = {
                "model": model.model,
                "threshold": self.threshold,
                "spans": [list(read[worst])],
            }
            if len(of_text) > len(read):
                evidence["unread_parts"] = len(of_text) - len(read)
            is_flagged = values[worst] >= self.threshold
            found.append(CallScore(field=field, value=values[worst], is_flagged=is_flagged, evidence=evidence))
        return found


def _unknown(field: str, reason: str) -> CallScore:
    return CallScore(field=field, value=None, is_flagged=False, evidence={"unknown": reason})


def _head_score(task: Task, window: Window, probability: float) -> CallScore:
    threshold = task.head.threshold()
    return CallScore(
        field=task.field,
        value=probability,
        is_flagged=bool(task.chosen) and probability >= threshold,
        evidence={
            "model": "driftline hatecheck head" + ("" if task.chosen else ", n-grams alone"),
            "threshold": round(threshold, 6),
            "spans": [[window.start, window.end]],
        },
    )
