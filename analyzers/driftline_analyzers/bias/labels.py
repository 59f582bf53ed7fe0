"""Which group each call is about, on every axis."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from driftline_analyzers.bias.call import BiasCall
from driftline_analyzers.bias.lexicon import GroupLexicon

Place = Literal["prompt", "completion"]
NONE: Final = -1
SEVERAL: Final = -2


@dataclass(frozen=True, slots=True, kw_only=True)
class AxisLabels:
    """axis: its name, or the attribute of a declared one. groups: names; label: (n,) number of the group, -1 none, -2 several.

    mentions: (n, k) which groups each call names, several included.
    """

    axis: str
    groups: tuple[str, ...]
    label: NDArray[np.int64]
    mentions: NDArray[np.bool_]
    is_declared: bool = False

    @property
    def n_several(self) -> int:
        """Calls left out because they name more than one group."""
        return int((self.label == SEVERAL).sum())


def label_calls(calls: Sequence[BiasCall], lexicon: GroupLexicon, *, place: Place = "prompt") -> list[AxisLabels]:
    """Axes with at least one mention or declaration; the lexicon's in its order, then the declared ones by name."""
    found = [lexicon.groups(call.prompt if place == "prompt" else call.completion) for call in calls]
    labelled = []
    for axis, groups in lexicon.axes.items():
        names = tuple(group.name for group in groups)
        labelled += _labels(axis, names, [of_call.get(axis, frozenset()) for of_call in found], is_declared=False)
    for axis in sorted({axis for call in calls for axis in call.declared}):
        declared = [frozenset({call.declared[axis]}) if call.declared.get(axis) else frozenset() for call in calls]
        names = tuple(sorted(frozenset[str]().union(*declared)))
        labelled += _labels(axis, names, declared, is_declared=True)
    return labelled


def mention_counts(labels: AxisLabels) -> Mapping[str, int]:
    """Calls that name each group."""
    return dict(zip(labels.groups, labels.mentions.sum(0).tolist(), strict=True))


def _labels(
    axis: str, names: tuple[str, ...], found: Sequence[frozenset[str]], *, is_declared: bool
) -> list[AxisLabels]:
    mentions = np.array([[name in of_call for name in names] for of_call in found], dtype=bool).reshape(-1, len(names))
    counts = mentions.sum(1)
    if not counts.any():
        return []
    label = np.where(counts == 1, mentions.argmax(1), np.where(counts == 0, NONE, SEVERAL)).astype(np.int64)
    return [AxisLabels(axis=axis, groups=names, label=label, mentions=mentions, is_declared=is_declared)]
