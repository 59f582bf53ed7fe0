"""How often is each group spoken of at all? Shares among the calls that name a group of the axis."""

from dataclasses import dataclass

import numpy as np

from driftline_analyzers.bias.labels import AxisLabels
from driftline_analyzers.bias.units import Ints
from driftline_analyzers.explain.intervals import block_shares


@dataclass(frozen=True, slots=True, kw_only=True)
class Representation:
    """A group's share of the mentions of its axis; low, high: Wilson's 95 % interval on the effective number of sessions.

    ratio: share times the number of groups that were seen: 1 where all are named equally often, which says nothing about what is fair.
    """

    axis: str
    group: str
    n_calls: int
    share: float
    low: float
    high: float
    ratio: float
    n_effective: float


def representation(labels: AxisLabels, *, session: Ints) -> list[Representation]:
    """Groups that were named, most often first. session: (n,) numbers. A call that names two groups counts for both."""
    named = labels.mentions.any(1)
    counts = labels.mentions[named].astype(np.int64)
    _, block = np.unique(session[named], return_inverse=True)
    profile = np.zeros((int(block.max()) + 1, counts.shape[1]), dtype=np.int64)
    np.add.at(profile, block.reshape(-1), counts)
    shares = block_shares(profile, profile.sum(1))
    n_seen = int((profile.sum(0) > 0).sum())
    found = [
        Representation(
            axis=labels.axis,
            group=group,
            n_calls=int(counts[:, i].sum()),
            share=float(shares.share[i]),
            low=float(shares.low[i]),
            high=float(shares.high[i]),
            ratio=float(shares.share[i]) * n_seen,
            n_effective=float(shares.n_effective[i]),
        )
        for i, group in enumerate(labels.groups)
        if counts[:, i].any()
    ]
    return sorted(found, key=lambda one: (-one.n_calls, one.group))
