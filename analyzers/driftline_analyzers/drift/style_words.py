"""Which words and marks a text uses, of those that tell the texts of a comparison apart most evenly: style beyond the 13 features."""

from collections import Counter
from collections.abc import Collection, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from driftline_analyzers.drift.statistics.kolmogorov_smirnov import KolmogorovSmirnov
from driftline_analyzers.drift.statistics.rank_shift import RankShift
from driftline_analyzers.drift.statistics.statistic import Statistic
from driftline_analyzers.drift.style import STYLE_FEATURES, style_features, tokens_of

N_WORDS: Final = 60

STYLE_STATISTICS: Final[tuple[Statistic, ...]] = (
    KolmogorovSmirnov(n_leading=len(STYLE_FEATURES)),
    RankShift(n_leading=len(STYLE_FEATURES)),
    RankShift(name="rank_shift_words", ridge=1.0),
)
"""The default style test, on the rows of `style_matrices`: one feature's whole distribution, all features' ranks, features and words."""

_Matrix = NDArray[np.float32]


def style_matrices(reference: Sequence[str], current: Sequence[str]) -> tuple[_Matrix, _Matrix]:
    """The 13 style features and then the style words of both sides: (m,) and (n,) texts -> (m, 73) and (n, 73) float32."""
    texts = [*reference, *current]
    matrix = np.hstack([style_features(texts), word_columns([tokens_of(text) for text in texts])])
    return matrix[: len(reference)], matrix[len(reference) :]


def word_columns(tokens: Sequence[Collection[str]]) -> _Matrix:
    """Different tokens of each text, reference and current together -> (n, 60) float32, 1 where a text has the column's token.

    The columns are the 60 tokens (words in lower case, single marks, runs of line breaks) whose share of texts is nearest to one half,
    chosen without regard to the side that a text is on, so that a permutation test stays exact. With fewer tokens the last columns are 0.
    """
    counts = Counter(token for one in tokens for token in one)
    even = sorted(counts, key=lambda token: (-min(counts[token], len(tokens) - counts[token]), token))[:N_WORDS]
    column_of = {token: column for column, token in enumerate(even)}
    columns = np.zeros((len(tokens), N_WORDS), dtype=np.float32)
    for row, one in zip(columns, tokens, strict=True):
        row[[column_of[token] for token in one if token in column_of]] = 1
    return columns
