"""Texts to token ids, exactly as the model's own tokeniser does it."""

import json
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer
    from tokenizers import Tokenizer

_LONE_SURROGATE = re.compile("[\ud800-\udfff]")


class TextTokenizer(Protocol):
    """What turns texts into ids."""

    def encode(self, texts: Sequence[str]) -> list[list[int]]:
        """Ids of each whole text, without the special tokens around it."""
        ...


class RustTokenizer:
    """A copy of a Hugging Face fast tokeniser that neither cuts nor pads. prefix, suffix: ids it puts around one text.

    Nothing changes it once it is made, so threads may share it; the model's own would panic when cut lengths change under a reader.
    """

    def __init__(self, backend: "Tokenizer") -> None:
        from tokenizers import Tokenizer

        self._tokenizer = Tokenizer.from_str(backend.to_str())
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()
        self.prefix, self.suffix = self._around()

    def encode(self, texts: Sequence[str]) -> list[list[int]]:
        """Ids of each whole text, without the special tokens around it. A lone surrogate counts as '?'."""
        clean = [without_surrogates(text) for text in texts]
        return [encoding.ids for encoding in self._tokenizer.encode_batch_fast(clean, add_special_tokens=False)]

    def offsets(self, text: str) -> list[tuple[int, int]]:
        """(start, end) in characters of each token of a text, without the special tokens around it."""
        return self.tokens(text)[1]

    def tokens(self, text: str) -> tuple[list[int], list[tuple[int, int]]]:
        """Ids and offsets, as `encode` and `offsets`."""
        encoding = self._tokenizer.encode(without_surrogates(text), add_special_tokens=False)
        return encoding.ids, list(encoding.offsets)

    def definition(self) -> dict[str, object]:
        """The tokeniser as its tokenizer.json."""
        definition: dict[str, object] = json.loads(self._tokenizer.to_str())
        return definition

    def _around(self) -> tuple[list[int], list[int]]:
        inner = self._tokenizer.encode("a", add_special_tokens=False).ids
        whole = self._tokenizer.encode("a", add_special_tokens=True).ids
        for start in range(len(whole) - len(inner) + 1):
            if whole[start : start + len(inner)] == inner:
                return whole[:start], whole[start + len(inner) :]
        raise ValueError(f"expected the ids of a text inside those with special tokens, got {inner} and {whole}")


def fast_tokenizer(model: "SentenceTransformer") -> RustTokenizer | None:
    """A model's tokeniser, or None where it has no fast one, cuts texts at their beginning, or puts a prompt before them."""
    tokenizer = getattr(model, "tokenizer", None)
    backend = getattr(tokenizer, "backend_tokenizer", None)
    if backend is None or getattr(tokenizer, "truncation_side", "right") != "right" or model.default_prompt_name:
        return None
    return RustTokenizer(backend)


def without_surrogates(text: str) -> str:
    """The text with each lone surrogate as '?', which is what its hash counts it as too."""
    return _LONE_SURROGATE.sub("?", text)
