"""From calls to everything that is said about groups in them. Pure but for the embedder."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from driftline_analyzers.bias.call import BiasCall
from driftline_analyzers.bias.comparison import UNMENTIONED, GapRules, GroupGap, compare_groups
from driftline_analyzers.bias.counterfactual import PairedGap, corrected, find_pairs, paired_gaps
from driftline_analyzers.bias.labels import NONE, AxisLabels, Place, label_calls
from driftline_analyzers.bias.lexicon import GroupLexicon
from driftline_analyzers.bias.measures import Measurer
from driftline_analyzers.bias.representation import Representation, representation
from driftline_analyzers.bias.strata import prompt_strata
from driftline_analyzers.bias.units import Ints


@dataclass(frozen=True, slots=True, kw_only=True)
class BiasReport:
    """calls: those that were measured; rows of gaps and pairs are places in it. representation is of all n_read calls, by place."""

    calls: Sequence[BiasCall]
    n_read: int
    gaps: Sequence[GroupGap]
    pairs: Sequence[PairedGap]
    representation: Sequence[Representation]


def analyse(
    calls: Sequence[BiasCall],
    measurer: Measurer,
    lexicon: GroupLexicon,
    *,
    rules: GapRules,
    place: Place = "prompt",
    is_template: Sequence[bool] = (),
    max_per_group: int = 2_000,
) -> BiasReport:
    """Gaps, pairs and mentions. calls: whole sessions one after the other in an order that depends on nothing that is measured.

    is_template: (n,) where matched_by names the template that was asked. Raises the embedder's errors.
    """
    labels = label_calls(calls, lexicon, place=place)
    mentions = [one for axis in labels for one in representation(axis, session=_numbers(calls))]
    kept = _kept(labels, n=len(calls), max_per_group=max_per_group, with_none=UNMENTIONED in rules.others)
    chosen = [calls[row] for row in kept]
    labels = [replace(axis, label=axis.label[kept], mentions=axis.mentions[kept]) for axis in labels]
    if not any(len(np.unique(axis.label[axis.label >= 0])) > 1 for axis in labels) and UNMENTIONED not in rules.others:
        return BiasReport(calls=chosen, n_read=len(calls), gaps=[], pairs=[], representation=mentions)
    measured = measurer.measure(chosen)
    templates = [is_template[row] for row in kept] if len(is_template) else ()
    stratum = prompt_strata(
        measured.prompts.vectors, [call.matched_by for call in chosen], is_template=templates, seed=rules.seed
    )
    gaps = compare_groups(
        labels,
        measured.values,
        stratum=stratum,
        session=_numbers(chosen),
        prompts=measured.prompts,
        vectors=measured.answer_vectors,
        rules=rules,
    )
    pairs = [
        gap
        for axis in labels
        if axis.is_declared or place == "prompt"
        for gap in paired_gaps(find_pairs(chosen, axis, lexicon), measured.values, axis=axis.axis, seed=rules.seed)
    ]
    return BiasReport(calls=chosen, n_read=len(calls), gaps=gaps, pairs=corrected(pairs), representation=mentions)


def _numbers(calls: Sequence[BiasCall]) -> Ints:
    return np.unique([call.session for call in calls], return_inverse=True)[1].reshape(-1).astype(np.int64)


def _kept(labels: Sequence[AxisLabels], *, n: int, max_per_group: int, with_none: bool) -> Ints:
    """Rows that some comparison uses: of each group the first max_per_group calls, and as many of none where they are compared with."""
    counts: Counter[tuple[str, int]] = Counter()
    kept = []
    for row in range(n):
        keys = [
            (axis.axis, int(axis.label[row]))
            for axis in labels
            if axis.label[row] >= 0 or (with_none and axis.label[row] == NONE)
        ]
        wanted = [key for key in keys if counts[key] < max_per_group]
        if wanted:
            counts.update(wanted)
            kept.append(row)
    return np.array(kept, dtype=np.int64)
