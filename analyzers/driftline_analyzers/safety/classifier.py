"""A text classifier of the user's own, by name or path, as a probability that a text is toxic."""

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from driftline_core.errors import ConfigError

if TYPE_CHECKING:
    from transformers import PreTrainedModel

_TOXIC: Final = re.compile(r"tox|hate|hateful|offens|abus|insult|obscen|threat|harass", re.IGNORECASE)
_HARMLESS: Final = re.compile(r"\bnot?\b|non|neutral|normal|clean|acceptable|benign|no_|not_", re.IGNORECASE)
_BATCH_TEXTS: Final = 16


class TextClassifier:
    """A sequence classification model of transformers, loaded at its first use.

    labels: the model's names of toxic classes; None takes those whose names say so (toxic, hate, offensive, ...). The probability is the
    sum over these classes where the model's classes exclude each other, their maximum where each has its own.
    Raises ConfigError for a model that cannot be loaded, and where no class is a toxic one.
    """

    def __init__(self, model: str, *, labels: Sequence[str] | None = None, device: str = "cpu") -> None:
        self.model = model
        self.labels = labels
        self.device = device
        self._loaded: tuple[PreTrainedModel, Any, list[int]] | None = None

    def probabilities(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """(n,) in [0, 1]; texts beyond the model's limit are cut off."""
        import torch

        if self._loaded is None:
            self._loaded = self._load()
        model, tokenizer, toxic = self._loaded
        is_multi_label = model.config.problem_type == "multi_label_classification"
        limit = min(int(tokenizer.model_max_length), int(getattr(model.config, "max_position_embeddings", 512)))
        found = []
        for start in range(0, len(texts), _BATCH_TEXTS):
            batch = list(texts[start : start + _BATCH_TEXTS])
            tokens = tokenizer(batch, padding=True, truncation=True, max_length=limit, return_tensors="pt")
            with torch.inference_mode():
                logits = model(**tokens.to(self.device)).logits.float().cpu()
            if is_multi_label:
                found.append(torch.sigmoid(logits)[:, toxic].amax(dim=1))
            else:
                found.append(torch.softmax(logits, dim=1)[:, toxic].sum(dim=1))
        return np.asarray(torch.cat(found).numpy(), dtype=np.float64) if found else np.empty(0)

    def _load(self) -> tuple["PreTrainedModel", Any, list[int]]:
        import torch
        from transformers import AutoModelForSequenceClassification, AutoTokenizer

        try:
            tokenizer = AutoTokenizer.from_pretrained(self.model)
            model = (
                AutoModelForSequenceClassification.from_pretrained(self.model, dtype=torch.float32)
                .to(self.device)
                .eval()
            )
        except (OSError, ValueError) as error:
            raise ConfigError(f"expected a text classifier by name or path, got {self.model!r}: {error}") from error
        names = {int(i): str(name) for i, name in model.config.id2label.items()}
        toxic = [i for i, name in sorted(names.items()) if self._is_toxic(name)]
        if not toxic or (self.labels is not None and len(toxic) < len(set(self.labels))):
            raise ConfigError(
                f"expected toxic classes among {sorted(names.values())}, got {self.labels or 'none by name'}"
            )
        return model, tokenizer, toxic

    def _is_toxic(self, name: str) -> bool:
        if self.labels is not None:
            return name in self.labels
        return _TOXIC.search(name) is not None and _HARMLESS.search(name) is None
