"""Whether length, language or format explains a shift: take out what they predict, and test again."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from driftline_analyzers.explain.text_format import FORMAT_FLAGS, format_matrix, log_lengths, script
from driftline_core.errors import InputError

Explainer = Literal["length", "language", "format", "all"]
EXPLAINERS: Final[tuple[Explainer, ...]] = ("length", "language", "format", "all")
_LENGTH_BINS = 8
_MAX_LANGUAGES = 8
_RIDGE = 1.0
_MIN_SPREAD = 0.05
_LARGELY, _PARTLY = 0.6, 0.25


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a test said. effect_size: z, how many standard deviations of the null the statistic is above it."""

    p_value: float
    effect_size: float


Retest = Callable[[NDArray[np.float32], NDArray[np.float32]], Outcome | None]
"""(reference (m, d), current (n, d)), rows in the order of the texts -> outcome; None when there is too little to test."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Covariate:
    """What is left of a shift when the covariate is taken out. share_explained: share of the effect size that disappears, 0 to 1.

    change: the largest difference of the covariate itself, for a person, e.g. 'the median text is 2.1 times longer'; '' of none.
    """

    name: Explainer
    share_explained: float
    p_value_without: float
    effect_size_without: float
    change: str

    @property
    def sentence(self) -> str:
        """For a person."""
        noun = "length, language and format together" if self.name == "all" else self.name
        because = f": {self.change}" if self.change else ""
        if self.share_explained >= _LARGELY:
            return f"mostly {noun}{because}"
        if self.share_explained >= _PARTLY:
            return f"partly {noun}{because}"
        verb = "do" if self.name == "all" else "does"
        return f"{noun} {verb} not explain it"

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "name": self.name,
            "share_explained": round(self.share_explained, 4),
            "p_value_without": self.p_value_without,
            "effect_size_without": round(self.effect_size_without, 4),
            "sentence": self.sentence,
        }


def covariates(
    reference_texts: Sequence[str],
    current_texts: Sequence[str],
    vectors: NDArray[np.floating],
    *,
    whole: Outcome,
    retest: Retest,
    languages: Sequence[str] | None = None,
    names: Sequence[Explainer] = EXPLAINERS,
) -> tuple[Covariate, ...]:
    """Test the shift again without what each covariate predicts. vectors: (m + n, d), reference first; languages: of all m + n texts,
    None: the script of the letters; whole: the test of the vectors as they are, by the same `retest`.

    The regression is fitted on both sides together and does not know them, so that redrawing blocks stays exact. A covariate that is
    nearly constant is left out, and 'all' too when only one is left.
    """
    texts = [*reference_texts, *current_texts]
    if len(texts) != len(vectors) or (languages is not None and len(languages) != len(texts)):
        raise InputError(f"expected a vector and a language for each of {len(texts)} texts, got {len(vectors)} vectors")
    if not len(reference_texts) or not len(current_texts):
        return ()
    spoken = list(languages) if languages is not None else [script(text) for text in texts]
    designs: dict[Explainer, NDArray[np.float64]] = {
        "length": _length_design(texts),
        "language": _one_hot(spoken),
        "format": _varying(format_matrix(texts)),
    }
    present = {name: design for name, design in designs.items() if design.shape[1]}
    if len(present) > 1:
        present["all"] = np.concatenate(list(present.values()), axis=1)
    m = len(reference_texts)
    changes = {
        "length": _length_change(reference_texts, current_texts),
        "language": _share_change(spoken[:m], spoken[m:]),
        "format": _format_change(reference_texts, current_texts),
        "all": "",
    }
    found = []
    for name in names:
        if name not in present:
            continue
        rest = residuals(vectors, present[name])
        outcome = retest(rest[:m], rest[m:])
        if outcome is None:
            continue
        drop = 1 - max(0.0, outcome.effect_size) / whole.effect_size if whole.effect_size > 0 else 0.0
        found.append(
            Covariate(
                name=name,
                share_explained=float(np.clip(drop, 0.0, 1.0)),
                p_value_without=outcome.p_value,
                effect_size_without=outcome.effect_size,
                change=changes[name],
            )
        )
    return tuple(found)


def residuals(vectors: NDArray[np.floating], design: NDArray[np.floating]) -> NDArray[np.float32]:
    """What the covariates do not predict of the vectors: neither their mean nor how far they lie from it. (n, d), (n, c) -> (n, d).

    Ridge regression with an intercept on standardised columns; each residual is divided by its expected length, from a second
    regression of the logarithm of its length, since short texts scatter more and would be told apart by that alone.
    """
    x = design - design.mean(0)
    x = x / np.maximum(x.std(0), 1e-9)
    y = np.asarray(vectors, dtype=np.float64)
    gram = x.T @ x + _RIDGE * np.eye(x.shape[1])
    rest = y - y.mean(0)
    rest -= x @ np.linalg.solve(gram, x.T @ rest)
    lengths = np.log(np.maximum(np.linalg.norm(rest, axis=1), 1e-9))
    centred = lengths - lengths.mean()
    expected = x @ np.linalg.solve(gram, x.T @ centred)
    return np.asarray(rest / np.exp(expected)[:, None], dtype=np.float32)


def explained_by(found: Sequence[Covariate], *, alpha: float = 0.05) -> Covariate | None:
    """The covariate that a shift is due to: most of the effect goes with it. A single one before all together; None when none does."""
    enough = [one for one in found if one.share_explained >= _LARGELY and one.p_value_without > alpha]
    single = [one for one in enough if one.name != "all"]
    return max(single or enough, key=lambda one: one.share_explained, default=None)


def _length_design(texts: Sequence[str]) -> NDArray[np.float64]:
    """Logarithm of the length and in which eighth it lies: (n,) -> (n, 1 + bins), no columns when all are as long."""
    logs = log_lengths(texts)
    if np.std(logs) < _MIN_SPREAD:
        return np.zeros((len(texts), 0))
    edges = np.unique(np.quantile(logs, np.arange(1, _LENGTH_BINS) / _LENGTH_BINS))
    bins = np.searchsorted(edges, logs, side="right")
    return np.column_stack([logs, _varying(np.eye(len(edges) + 1)[bins])])


def _one_hot(values: Sequence[str]) -> NDArray[np.float64]:
    names, counts = np.unique(np.asarray(values, dtype=object).astype(str), return_counts=True)
    common = names[np.argsort(-counts, kind="stable")[:_MAX_LANGUAGES]]
    return _varying(np.array([[value == name for name in common] for value in values], dtype=np.float64))


def _varying(columns: NDArray[np.float64]) -> NDArray[np.float64]:
    """Columns that are not nearly constant."""
    return columns[:, columns.std(0) >= _MIN_SPREAD] if columns.size else np.zeros((len(columns), 0))


def _length_change(reference: Sequence[str], current: Sequence[str]) -> str:
    before, after = float(np.median([len(t) for t in reference])), float(np.median([len(t) for t in current]))
    if min(before, after) <= 0 or max(before, after) / min(before, after) < 1.05:
        return ""
    word = "longer" if after > before else "shorter"
    return f"the median text is {max(before, after) / min(before, after):.1f} times {word} ({before:.0f} to {after:.0f} characters)"


def _share_change(reference: Sequence[str], current: Sequence[str]) -> str:
    names = sorted({*reference, *current})
    before = np.array([np.mean([value == name for value in reference]) for name in names])
    after = np.array([np.mean([value == name for value in current]) for name in names])
    i = int(np.abs(after - before).argmax())
    return _from_to(names[i] or "none", before[i], after[i])


def _format_change(reference: Sequence[str], current: Sequence[str]) -> str:
    before, after = format_matrix(reference).mean(0), format_matrix(current).mean(0)
    i = int(np.abs(after - before).argmax())
    return _from_to(FORMAT_FLAGS[i], before[i], after[i])


def _from_to(name: str, before: float, after: float) -> str:
    if abs(after - before) < 0.01:
        return ""
    return f"{name} in {100 * after:.0f} % of the texts, {100 * before:.0f} % before"
