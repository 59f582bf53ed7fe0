"""A model as one padded graph, ids and mask in, unit vectors out: what ONNX Runtime and OpenVINO are given."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from driftline_analyzers.embed.bert import Pooling, pooling_of
from driftline_core.errors import ConfigError

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

EXAMPLE_SHAPE = (2, 16)


class PaddedModel(torch.nn.Module):
    """Transformer, mean or CLS pooling, normalisation. Raises ConfigError for a model of other modules."""

    def __init__(self, model: "SentenceTransformer", *, backend: str) -> None:
        super().__init__()
        pooling = pooling_of(model)
        if pooling is None:
            names = [type(module).__name__ for module in model]
            raise ConfigError(
                f"expected a transformer with mean or CLS pooling for backend {backend}, got the modules {names};"
                " set embedding_backend to torch"
            )
        self._pooling: Pooling = pooling
        self._transformer = cast("torch.nn.Module", getattr(model[0], "auto_model"))  # noqa: B009 - mypy knows no such field
        self.n_dims: int = int(getattr(self._transformer.config, "hidden_size"))  # noqa: B009 - likewise
        self.longest: int = int(model.get_max_seq_length() or 512)
        self.pad_id: int = int(getattr(self._transformer.config, "pad_token_id") or 0)  # noqa: B009 - likewise

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        """(n, longest) int64 twice -> (n, d) float32."""
        hidden = self._transformer(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
        if self._pooling == "cls":
            return functional.normalize(hidden[:, 0].float(), dim=1)
        mask = attention_mask.unsqueeze(-1).to(torch.float32)
        return functional.normalize((hidden.float() * mask).sum(1) / mask.sum(1).clamp(min=1e-9), dim=1)

    def example(self) -> tuple[Tensor, Tensor]:
        """Inputs to trace it with."""
        ones = torch.ones(EXAMPLE_SHAPE, dtype=torch.long)
        return ones, ones


def pad(sequences: Sequence[Sequence[int]], *, pad_id: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Ids and mask, each (n, longest) int64."""
    longest = max(map(len, sequences))
    ids = np.full((len(sequences), longest), pad_id, dtype=np.int64)
    mask = np.zeros_like(ids)
    for row, sequence in enumerate(sequences):
        ids[row, : len(sequence)] = sequence
        mask[row, : len(sequence)] = 1
    return ids, mask
