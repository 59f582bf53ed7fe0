"""Which slice carries a shift: a model, prompt version, tenant, language, release or topic."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from driftline_analyzers.explain.covariates import Outcome

Rows = NDArray[np.int64]
SliceTest = Callable[[Rows, Rows], Outcome | None]
"""(rows of the reference, rows of the window) -> outcome; None when there are too few texts. Reuse of vectors is the caller's."""
Kind = Literal["mix", "content", "mix and content"]
OTHER = "other"
_GROWN = 1.5
_MIX_Z = 3.0
_CARRIES = 0.5
_MIN_EXCESS_Z = 2.5
_NEARLY_ALL = 0.9


@dataclass(frozen=True, slots=True, kw_only=True)
class Slice:
    """One value of a column. Shares of all texts of a side. p_value, effect_size: its texts in the window against its texts in the
    reference, or against the whole reference where it has too few there (is_new); None when they cannot be tested.

    share_of_shift: share of the effect size that disappears when its texts are left out on both sides, 0 to 1; of a shift that is
    the same everywhere about share_after. None when it was not tested or nothing is left to test.
    """

    name: str
    value: str
    n_texts: int
    share_before: float
    share_after: float
    p_value: float | None
    effect_size: float | None
    share_of_shift: float | None
    effect_size_without: float | None
    p_value_without: float | None
    is_new: bool
    has_grown: bool
    has_shrunk: bool

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "name": self.name,
            "value": self.value,
            "n_texts": self.n_texts,
            "share_before": round(self.share_before, 4),
            "share_after": round(self.share_after, 4),
            "p_value": self.p_value,
            "effect_size": self.effect_size,
            "share_of_shift": self.share_of_shift,
            "p_value_without": self.p_value_without,
            "is_new": self.is_new,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Carrier:
    """The slice that a shift comes from. kind: 'mix' its share changed, 'content' its texts did, or both.

    also: other slices that the same evidence names, because they hold nearly the same texts.
    """

    name: str
    value: str
    kind: Kind
    share_of_shift: float | None
    also: tuple[tuple[str, str], ...]

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "name": self.name,
            "value": self.value,
            "kind": self.kind,
            "share_of_shift": self.share_of_shift,
            "also": [{"name": name, "value": value} for name, value in self.also],
        }


def slice_shift(
    reference: Mapping[str, Sequence[str]],
    current: Mapping[str, Sequence[str]],
    *,
    whole: Outcome,
    test: SliceTest,
    max_values: int = 8,
    min_texts: int = 20,
) -> tuple[Slice, ...]:
    """Every value of every column, the largest in the window first. reference, current: column -> value of each text, same columns.

    At most max_values values of a column are tested, twice each; the rest are one value 'other'. A column with a single value on both
    sides says nothing and is left out.
    """
    slices: list[Slice] = []
    for name in reference:
        before, after = _capped(reference[name], current[name], max_values=max_values)
        if len({*before, *after}) < 2 or not len(after) or not len(before):
            continue
        shares = Counter(after.tolist())
        values = sorted({*before.tolist(), *after.tolist()}, key=lambda value: (-shares[value], value))
        slices += [
            _slice(name, value, before == value, after == value, whole=whole, test=test, min_texts=min_texts)
            for value in values
        ]
    return tuple(slices)


def carried_by(
    slices: Sequence[Slice],
    *,
    whole: Outcome,
    alpha: float = 0.01,
    rows: Mapping[tuple[str, str], Rows] | None = None,
) -> Carrier | None:
    """The slice that carries the shift, or None when nothing stands out.

    It stands out when the shift is gone without it, and leaving it out takes away much more of the effect than its share of the texts
    (at least half of what could go beyond that share, and 2.5 standard deviations); or when it is new, significant and nearly all of
    the window, so that little is left to compare. The largest excess wins. rows: (name, value) -> window rows, to tell which of the
    others are the same texts.
    """
    if whole.p_value > alpha:
        return None
    ranked = sorted(
        (
            (excess, one)
            for one in slices
            if one.value != OTHER and (excess := _excess(one, whole=whole, alpha=alpha)) > 0
        ),
        key=lambda pair: (-pair[0], pair[1].share_after, pair[1].name, pair[1].value),
    )
    if not ranked:
        return None
    best = ranked[0][1]
    return Carrier(
        name=best.name,
        value=best.value,
        kind=_kind(best, alpha=alpha),
        share_of_shift=best.share_of_shift,
        also=tuple((one.name, one.value) for _, one in ranked[1:] if one.name != best.name and _same(best, one, rows)),
    )


def _slice(
    name: str,
    value: str,
    is_before: NDArray[np.bool_],
    is_after: NDArray[np.bool_],
    *,
    whole: Outcome,
    test: SliceTest,
    min_texts: int,
) -> Slice:
    n_before, n_after = int(is_before.sum()), int(is_after.sum())
    share_before, share_after = float(is_before.mean()), float(is_after.mean())
    pooled = (n_before + n_after) / (len(is_before) + len(is_after))
    error = np.sqrt(pooled * (1 - pooled) * (1 / len(is_before) + 1 / len(is_after)))
    z = float((share_after - share_before) / error) if error > 0 else 0.0
    is_new = n_before < min_texts
    own = None
    if n_after >= min_texts:
        own_reference = np.arange(len(is_before)) if is_new else np.flatnonzero(is_before)
        own = test(own_reference, np.flatnonzero(is_after))
    rest = None
    if len(is_after) - n_after >= min_texts and len(is_before) - n_before >= min_texts:
        rest = test(np.flatnonzero(~is_before), np.flatnonzero(~is_after))
    drop = None
    if rest is not None and whole.effect_size > 0:
        drop = round(float(np.clip(1 - max(0.0, rest.effect_size) / whole.effect_size, 0.0, 1.0)), 4)
    return Slice(
        name=name,
        value=value,
        n_texts=n_after,
        share_before=share_before,
        share_after=share_after,
        p_value=own.p_value if own else None,
        effect_size=own.effect_size if own else None,
        share_of_shift=drop,
        effect_size_without=rest.effect_size if rest else None,
        p_value_without=rest.p_value if rest else None,
        is_new=is_new,
        has_grown=z > _MIX_Z and share_after >= _GROWN * share_before,
        has_shrunk=z < -_MIX_Z and share_before >= _GROWN * share_after,
    )


def _excess(one: Slice, *, whole: Outcome, alpha: float) -> float:
    """Null standard deviations by which leaving the slice out takes away more than its share of the texts; 0: no more."""
    is_significant = one.p_value is not None and one.p_value <= alpha
    if not (is_significant or one.has_grown or one.has_shrunk):
        return 0.0
    if one.effect_size_without is None:
        is_takeover = one.has_grown and is_significant and one.share_after >= _NEARLY_ALL
        return whole.effect_size if is_takeover else 0.0
    share = max(one.share_after, one.share_before if one.has_shrunk else 0.0)
    expected = whole.effect_size * (1 - share)
    excess = expected - one.effect_size_without
    if one.has_grown and one.share_after >= _NEARLY_ALL and is_significant:
        return max(excess, _MIN_EXCESS_Z)
    is_gone = one.p_value_without is not None and one.p_value_without > alpha
    return excess if is_gone and excess >= _MIN_EXCESS_Z and excess >= _CARRIES * expected else 0.0


def _kind(one: Slice, *, alpha: float) -> Kind:
    mix = one.is_new or one.has_grown or one.has_shrunk
    content = not one.is_new and one.p_value is not None and one.p_value <= alpha
    if mix and content:
        return "mix and content"
    return "mix" if mix else "content"


def _same(best: Slice, other: Slice, rows: Mapping[tuple[str, str], Rows] | None) -> bool:
    """Both slices hold nearly the same texts of the window; without rows, nearly as many."""
    if rows is None:
        return abs(best.n_texts - other.n_texts) <= (1 - _NEARLY_ALL) * max(best.n_texts, other.n_texts)
    mine = {int(i) for i in rows.get((best.name, best.value), ())}
    theirs = {int(i) for i in rows.get((other.name, other.value), ())}
    return len(mine & theirs) >= _NEARLY_ALL * max(1, len(mine | theirs))


def _capped(
    before: Sequence[str], after: Sequence[str], *, max_values: int
) -> tuple[NDArray[np.object_], NDArray[np.object_]]:
    """Values as arrays in which all but the max_values most frequent on either side, each side weighing the same, are 'other'."""
    counts_before, counts_after = Counter(before), Counter(after)
    weight = {
        value: counts_before[value] / max(1, len(before)) + counts_after[value] / max(1, len(after))
        for value in {*counts_before, *counts_after}
    }
    kept = set(sorted(weight, key=lambda value: (-weight[value], value))[:max_values])
    return (
        np.array([value if value in kept else OTHER for value in before], dtype=object),
        np.array([value if value in kept else OTHER for value in after], dtype=object),
    )
