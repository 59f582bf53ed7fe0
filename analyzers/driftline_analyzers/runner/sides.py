"""One side of a comparison, the window's or the reference's: its rows, and what is measured of them when it is first asked for."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from driftline_analyzers.drift.numbers import NUMBERS, NumberColumn, number_column
from driftline_analyzers.drift.refusal import is_refusal
from driftline_analyzers.drift.style import style_features
from driftline_analyzers.embed.embedder import Embeddings
from driftline_analyzers.runner.records import TextRow
from driftline_analyzers.runner.samples import DOCUMENT, FieldSample, call_sample, field_sample, limit_sample

Embed = Callable[[Sequence[str]], Embeddings]

NUMBER_FIELDS: Final = tuple(NUMBERS)
RETRIEVAL_FIELDS: Final = ("query", DOCUMENT)


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What a test compares: values: (n, d), row i of sample.rows[i], texts[i] and groups[i]."""

    sample: FieldSample
    values: NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """Prompts and completions of the same calls, embedded: (n, d) each."""

    sample: FieldSample
    prompts: NDArray[np.float32]
    completions: NDArray[np.float32]


class Side:
    """rows: LLM calls, retrievals: retrievals, both in order of time. block_texts: calls without a session in a block;
    max_documents: documents that count, because one retrieval brings many.
    """

    def __init__(
        self,
        rows: Sequence[TextRow],
        retrievals: Sequence[TextRow],
        *,
        embed: Embed,
        block_texts: int,
        max_documents: int,
    ) -> None:
        self.rows = rows
        self.retrievals = retrievals
        self._embed = embed
        self._block_texts = block_texts
        self._max_documents = max_documents
        self._samples: dict[str, FieldSample] = {}
        self._texts: dict[str, Measured] = {}
        self._style: Measured | None = None
        self._numbers: dict[str, Measured] = {}
        self._columns: dict[str, NumberColumn] = {}

    def sample(self, field: str) -> FieldSample:
        """The texts of prompt, completion, query or document."""
        if field not in self._samples:
            rows = self.retrievals if field in RETRIEVAL_FIELDS else self.rows
            sample = field_sample(rows, field=field, block_texts=self._block_texts)
            self._samples[field] = limit_sample(sample, max_texts=self._max_documents) if field == DOCUMENT else sample
        return self._samples[field]

    def texts(self, field: str) -> Measured:
        """Embeddings of a field's texts. Raises the embedder's errors."""
        if field not in self._texts:
            sample = self.sample(field)
            self._texts[field] = Measured(sample=sample, values=self._embed(sample.texts))
        return self._texts[field]

    def style(self) -> Measured:
        """Style features of the completions."""
        if self._style is None:
            sample = self.sample("completion")
            self._style = Measured(sample=sample, values=style_features(sample.texts))
        return self._style

    def numbers(self, field: str) -> Measured:
        """A plain number of each call that has it: (n, 1), on the scale on which it is compared."""
        if field not in self._numbers:
            column = number_column(field, [_number(row, field) for row in self.rows])
            kept = [row for row, is_kept in zip(self.rows, column.is_kept, strict=True) if is_kept]
            sample = call_sample(kept, block_texts=self._block_texts)
            self._numbers[field] = Measured(sample=sample, values=column.column)
            self._columns[field] = column
        return self._numbers[field]

    def column(self, field: str) -> NumberColumn:
        """A plain number as it came."""
        self.numbers(field)
        return self._columns[field]

    def answers(self) -> Answers:
        """Completions whose prompt is known, and those prompts. Raises the embedder's errors."""
        completions = self.texts("completion")
        keep = [i for i, row in enumerate(completions.sample.rows) if row.prompt.strip()]
        sample = FieldSample(
            rows=[completions.sample.rows[i] for i in keep],
            texts=[completions.sample.texts[i] for i in keep],
            groups=[completions.sample.groups[i] for i in keep],
        )
        prompts = self._embed([row.prompt for row in sample.rows])
        return Answers(sample=sample, prompts=prompts, completions=completions.values[keep])


def _number(row: TextRow, field: str) -> float | None:
    if field == "prompt_chars":
        return float(len(row.prompt)) if row.prompt else None
    if field == "completion_chars":
        return float(len(row.completion)) if row.completion else None
    if field == "refusal":
        return float(is_refusal(row.completion)) if row.completion.strip() else None
    value = getattr(row, field)
    return None if value is None else float(value)
