"""An optional model that reads evidence and claim together, for the sentences that words alone leave open."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from driftline_analyzers.grounding.head import probability
from driftline_core.errors import ConfigError


class SecondStage(Protocol):
    """What the grounding scorer asks about sentences in its grey zone."""

    @property
    def name(self) -> str:
        """Of the model: scores that it had a say in are of another version."""
        ...

    def support(self, pairs: Sequence[tuple[str, str]]) -> list[float]:
        """(evidence, claim) pairs -> probability that the evidence supports the claim, one a pair, in order."""
        ...


class CrossEncoderStage:
    """Any sequence classifier that sentence-transformers' CrossEncoder loads: an NLI model, or one with a single score.

    model: name or path. Which of its labels means support is read from the model's own label names (entailment, supported, consistent); a
    model with one output is taken as log odds of support. Pairs go in batches of like length. Raises ConfigError for a model that
    cannot be loaded, or whose labels say nothing of support.
    """

    def __init__(self, model: str, *, device: str = "cpu", batch_size: int = 32, max_tokens: int = 512) -> None:
        from sentence_transformers import CrossEncoder

        self.name = model
        try:
            self._model = CrossEncoder(model, device=device, max_length=max_tokens)
        except (OSError, ValueError) as error:
            raise ConfigError(f"expected a cross-encoder by name or path, got {model!r}: {error}") from error
        self._batch_size = batch_size
        self._column = _support_column(dict(self._model.config.id2label), model=model)

    def support(self, pairs: Sequence[tuple[str, str]]) -> list[float]:
        """As `SecondStage.support`."""
        order = sorted(range(len(pairs)), key=lambda i: -sum(map(len, pairs[i])))
        found = np.empty(len(pairs))
        for start in range(0, len(order), self._batch_size):
            chosen = order[start : start + self._batch_size]
            logits = self._logits([pairs[i] for i in chosen])
            if self._column is None:
                found[chosen] = probability(logits[:, 0])
            else:
                exponents = np.exp(logits - logits.max(1, keepdims=True))
                found[chosen] = exponents[:, self._column] / exponents.sum(1)
        return [float(value) for value in found]

    def _logits(self, pairs: Sequence[tuple[str, str]]) -> NDArray[np.float64]:
        import torch

        logits = self._model.predict(
            list(pairs), batch_size=self._batch_size, activation_fn=torch.nn.Identity(), show_progress_bar=False
        )
        return np.asarray(logits, dtype=np.float64).reshape(len(pairs), -1)


def _support_column(labels: dict[int, str], *, model: str) -> int | None:
    if len(labels) == 1:
        return None
    for number, label in labels.items():
        if label.lower().startswith(("entail", "support", "consistent", "faithful", "grounded")):
            return int(number)
    raise ConfigError(
        f"expected a label of {model!r} that begins with entail, support, consistent, faithful or grounded, got "
        f"{', '.join(labels.values())}"
    )
