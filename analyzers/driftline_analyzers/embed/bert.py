"""The forward pass of BERT-type encoders without padding: tokens of all texts in one row of vectors, attention per group of one length."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from driftline_analyzers.embed.linear import Linear, make_linear
from driftline_analyzers.embed.packing import Group, groups_of_one_length
from driftline_analyzers.embed.vectors import Embeddings

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

Pooling = Literal["mean", "cls"]

_MODEL_TYPES: Final = {"bert", "roberta", "xlm-roberta", "camembert"}
_POSITIONS_AFTER_PADDING: Final = _MODEL_TYPES - {"bert"}
_ACTIVATIONS: Final[dict[str, Callable[[Tensor], Tensor]]] = {
    "gelu": torch.ops.aten.gelu_.default,
    "relu": torch.relu_,
}


@dataclass(frozen=True, slots=True)
class Norm:
    """Layer normalisation over the last axis."""

    weight: Tensor
    bias: Tensor
    eps: float

    def __call__(self, x: Tensor) -> Tensor:
        """(n, d) -> (n, d)."""
        return functional.layer_norm(x, self.weight.shape, self.weight, self.bias, self.eps)


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """One encoder layer; query, key and value are one product."""

    qkv: Linear
    attended: Linear
    attended_norm: Norm
    up: Linear
    down: Linear
    down_norm: Norm


class BertEncoder:
    """Unit vectors of token sequences, on one device. Raises nothing of its own: what it cannot compute, from_model refuses.

    x: (n_tokens, d) holds every text of the batch one after the other. All but attention is row by row; attention runs per group of texts
    of one length, so no mask and no padded row is ever computed.
    """

    def __init__(
        self,
        *,
        words: Tensor,
        positions: Tensor,
        first_position: int,
        norm: Norm,
        layers: Sequence[Layer],
        n_heads: int,
        activation: Callable[[Tensor], Tensor],
        pooling: Pooling,
    ) -> None:
        self._words = words  # (vocabulary, d)
        self._positions = positions  # (longest, d), the embedding of token type 0 added
        self._first_position = first_position
        self._norm = norm
        self._layers = layers
        self._n_heads = n_heads
        self._activation = activation
        self._pooling = pooling

    @classmethod
    def from_model(cls, model: "SentenceTransformer") -> "BertEncoder | None":
        """The same weights in this shape, or None for a model that is not [BERT or RoBERTa, mean or CLS pooling, normalisation or none]."""
        pooling = pooling_of(model)
        bert = getattr(model[0], "auto_model", None)
        config = getattr(bert, "config", None)
        if (
            bert is None
            or config is None
            or pooling is None
            or config.model_type not in _MODEL_TYPES
            or config.is_decoder
            or getattr(config, "position_embedding_type", "absolute") != "absolute"
            or config.hidden_act not in _ACTIVATIONS
            or config.hidden_size % config.num_attention_heads
        ):
            return None
        embeddings = bert.embeddings
        has_offset = config.model_type in _POSITIONS_AFTER_PADDING
        return cls(
            words=_fixed(embeddings.word_embeddings.weight),
            positions=_fixed(embeddings.position_embeddings.weight + embeddings.token_type_embeddings.weight[0]),
            first_position=config.pad_token_id + 1 if has_offset else 0,
            norm=_norm(embeddings.LayerNorm),
            layers=[_layer(layer) for layer in bert.encoder.layer],
            n_heads=config.num_attention_heads,
            activation=_ACTIVATIONS[config.hidden_act],
            pooling=pooling,
        )

    @property
    def n_dims(self) -> int:
        """Numbers of a vector."""
        return self._words.shape[1]

    @property
    def pads(self) -> bool:
        """False: a batch costs what its tokens cost."""
        return False

    @property
    def longest(self) -> int:
        """Most tokens of a sequence, special ones included."""
        return self._positions.shape[0] - self._first_position

    def encode(self, sequences: Sequence[Sequence[int]]) -> Embeddings:
        """Token ids with special tokens, equal lengths beside each other -> (n, d) float32, unit length."""
        groups = groups_of_one_length([len(sequence) for sequence in sequences])
        with torch.inference_mode():
            return _unit(self._pool(self._last(sequences, groups), groups))

    def encode_tokens(self, sequences: Sequence[Sequence[int]]) -> list[Embeddings]:
        """Token ids with special tokens, equal lengths beside each other -> for each (its tokens, d) float32, unit length."""
        lengths = [len(sequence) for sequence in sequences]
        with torch.inference_mode():
            vectors = _unit(self._last(sequences, groups_of_one_length(lengths)).float())
        return np.split(vectors, np.cumsum(lengths)[:-1])

    def _last(self, sequences: Sequence[Sequence[int]], groups: Sequence[Group]) -> Tensor:
        """Of the last layer: (n_tokens, d)."""
        ids = torch.from_numpy(np.concatenate([np.asarray(sequence, dtype=np.int64) for sequence in sequences]))
        at = self._places(ids, groups)
        device = self._words.device
        return self._hidden(ids.to(device), at.to(device), groups)

    def _places(self, ids: Tensor, groups: Sequence[Group]) -> Tensor:
        """The row of the position embeddings of each token, (n_tokens,). RoBERTa skips padding tokens; texts may spell them."""
        if self._first_position == 0 or not (ids == self._first_position - 1).any():
            at = torch.cat([torch.arange(group.n_tokens).repeat(group.n_texts) for group in groups])
            return at + self._first_position
        is_text = (ids != self._first_position - 1).long()
        counted = [
            is_text[group.first_token : group.first_token + group.n_texts * group.n_tokens]
            .view(group.n_texts, group.n_tokens)
            .cumsum(dim=1)
            .view(-1)
            for group in groups
        ]
        return torch.cat(counted) * is_text + self._first_position - 1

    def _hidden(self, ids: Tensor, at: Tensor, groups: Sequence[Group]) -> Tensor:
        x = self._norm(self._words.index_select(0, ids).add_(self._positions.index_select(0, at)))  # (n_tokens, d)
        for layer in self._layers:
            attended = self._attend(layer.qkv(x), groups)
            x = layer.attended_norm(layer.attended.plus(attended, x))
            x = layer.down_norm(layer.down.plus(self._activation(layer.up(x)), x))
        return x

    def _attend(self, qkv: Tensor, groups: Sequence[Group]) -> Tensor:
        """(n_tokens, 3 d) -> (n_tokens, d)."""
        if qkv.is_cuda and qkv.dtype in (torch.bfloat16, torch.float16):
            return self._attend_varlen(qkv, groups)
        parts = []
        for group in groups:
            rows = qkv[group.first_token : group.first_token + group.n_texts * group.n_tokens]
            split = rows.view(group.n_texts, group.n_tokens, 3, self._n_heads, -1).permute(2, 0, 3, 1, 4)
            query, key, value = split.unbind(0)  # each (texts, heads, tokens, d / heads)
            heads = functional.scaled_dot_product_attention(query, key, value)
            parts.append(heads.transpose(1, 2).reshape(rows.shape[0], self.n_dims))
        return parts[0] if len(parts) == 1 else torch.cat(parts)

    def _attend_varlen(self, qkv: Tensor, groups: Sequence[Group]) -> Tensor:
        """The same in one kernel, which CUDA has for 16-bit numbers."""
        from torch.nn.attention.varlen import varlen_attn

        lengths = [0, *(group.n_tokens for group in groups for _ in range(group.n_texts))]
        ends = torch.tensor(lengths).cumsum(0).to(device=qkv.device, dtype=torch.int32)
        query, key, value = qkv.view(qkv.shape[0], 3, self._n_heads, -1).unbind(1)
        heads = varlen_attn(query, key, value, ends, ends, max(lengths), max(lengths))
        assert isinstance(heads, Tensor)
        return heads.reshape(qkv.shape[0], self.n_dims)

    def _pool(self, x: Tensor, groups: Sequence[Group]) -> Tensor:
        """(n_tokens, d) -> (n, d) float32."""
        pooled = []
        for group in groups:
            rows = x[group.first_token : group.first_token + group.n_texts * group.n_tokens]
            tokens = rows.view(group.n_texts, group.n_tokens, -1)
            pooled.append(tokens[:, 0].float() if self._pooling == "cls" else tokens.float().mean(dim=1))
        return torch.cat(pooled)


def pooling_of(model: "SentenceTransformer") -> Pooling | None:
    """How a model of the modules Transformer, Pooling and perhaps Normalize pools, or None for any other model."""
    names = [type(module).__name__ for module in model]
    if names not in (["Transformer", "Pooling"], ["Transformer", "Pooling", "Normalize"]):
        return None
    pooling: Any = model[1]
    settings: dict[str, Any] = pooling.get_config_dict()
    mode = settings.get("pooling_mode")
    if mode is None:  # sentence-transformers 5 has one switch for each mode
        modes = [name for name, is_on in settings.items() if name.startswith("pooling_mode_") and is_on]
        mode = {"pooling_mode_mean_tokens": "mean", "pooling_mode_cls_token": "cls"}.get("".join(modes))
    if not settings.get("include_prompt", True):
        return None
    return "mean" if mode == "mean" else "cls" if mode == "cls" else None


def _unit(vectors: Tensor) -> Embeddings:
    return np.asarray(functional.normalize(vectors, dim=1).cpu().numpy(), dtype=np.float32)


def _layer(layer: Any) -> Layer:
    attention, output = layer.attention.self, layer.attention.output
    parts = (attention.query, attention.key, attention.value)
    return Layer(
        qkv=make_linear(_fixed(torch.cat([p.weight for p in parts])), _fixed(torch.cat([p.bias for p in parts]))),
        attended=_linear(output.dense),
        attended_norm=_norm(output.LayerNorm),
        up=_linear(layer.intermediate.dense),
        down=_linear(layer.output.dense),
        down_norm=_norm(layer.output.LayerNorm),
    )


def _linear(module: Any) -> Linear:
    return make_linear(_fixed(module.weight), _fixed(module.bias))


def _norm(module: Any) -> Norm:
    return Norm(_fixed(module.weight), _fixed(module.bias), float(module.eps))


def _fixed(parameter: Tensor) -> Tensor:
    return parameter.detach().contiguous()
