"""Second stage: sequence classifiers that give a pair of evidence and claim one verdict (NLI models, HHEM-1.0 and its like)."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from driftline_analyzers.grounding.head import probability
from driftline_analyzers.grounding.label_names import says_supported
from driftline_analyzers.grounding.second_stage import Asked, Judgement
from driftline_core.errors import ConfigError


class CrossEncoderStage:
    """Any sequence classifier that sentence-transformers' CrossEncoder loads: an NLI model, or one with a single score.

    model: name or path. What its labels mean is read from their names (`says_supported`); a model with one output is taken as log odds of
    support, as HHEM-1.0 gives them, unless its label says that it tells the opposite. Pairs go in batches of like length, and read the
    evidence that stage one found. Raises ConfigError for a model that cannot be loaded, or whose labels say nothing of support.
    """

    def __init__(self, model: str, *, device: str = "cpu", batch_size: int = 32, max_tokens: int = 512) -> None:
        import torch
        from sentence_transformers import CrossEncoder

        self.name = model
        try:
            self._model = CrossEncoder(
                model, device=device, max_length=max_tokens, model_kwargs={"dtype": torch.float32}
            )
        except (OSError, ValueError, ImportError) as error:
            raise ConfigError(f"expected a cross-encoder by name or path, got {model!r}: {error}") from error
        self._batch_size = batch_size
        labels = {int(number): str(name) for number, name in self._model.config.id2label.items()}
        self._reading = _reading(labels, model=model)

    def judge(self, asked: Sequence[Asked]) -> list[Judgement]:
        """As `SecondStage.judge`; marks no spans."""
        pairs = [(one.evidence, one.claim) for one in asked]
        order = sorted(range(len(pairs)), key=lambda i: -sum(map(len, pairs[i])))
        found = np.empty(len(pairs))
        for start in range(0, len(order), self._batch_size):
            chosen = order[start : start + self._batch_size]
            found[chosen] = self._reading.support(self._logits([pairs[i] for i in chosen]))
        return [Judgement(support=float(value) if np.isfinite(value) else None) for value in found]

    def _logits(self, pairs: Sequence[tuple[str, str]]) -> NDArray[np.float64]:
        import torch

        logits = self._model.predict(
            list(pairs), batch_size=self._batch_size, activation_fn=torch.nn.Identity(), show_progress_bar=False
        )
        return np.asarray(logits, dtype=np.float64).reshape(len(pairs), -1)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Reading:
    """columns: whose probabilities are added up; none for the log odds of a single output. is_support: they speak for support."""

    columns: tuple[int, ...]
    is_support: bool

    def support(self, logits: NDArray[np.float64]) -> NDArray[np.float64]:
        """(n, labels) -> (n,)."""
        if self.columns:
            exponents = np.exp(logits - logits.max(1, keepdims=True))
            told = np.asarray(exponents[:, self.columns].sum(1) / exponents.sum(1))
        else:
            told = probability(logits[:, 0])
        return told if self.is_support else 1 - told


def _reading(labels: dict[int, str], *, model: str) -> _Reading:
    meanings = {number: says_supported(label) for number, label in labels.items()}
    if len(labels) == 1:
        return _Reading(columns=(), is_support=False not in meanings.values())
    supporting = tuple(number for number, meaning in meanings.items() if meaning is True)
    if supporting:
        return _Reading(columns=supporting, is_support=True)
    against = tuple(number for number, meaning in meanings.items() if meaning is False)
    if len(against) == 1 and len(labels) == 2:
        return _Reading(columns=against, is_support=False)
    raise ConfigError(
        f"expected labels of {model!r} that say which means support (entailment, supported, consistent, faithful, grounded, "
        f"hallucinated, ...), got {', '.join(labels.values())}; name them in id2label of a copy's config.json"
    )
