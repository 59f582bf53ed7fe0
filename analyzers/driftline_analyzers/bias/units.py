"""From calls to what is exchanged: one session's calls of one arm, in one stratum."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Units:
    """u units of two arms in matched strata. arm: (u,) 1 the group, 0 what it is compared with; stratum, session: (u,) numbers from 0.

    rows: (k,) the calls that are in them; unit: (k,) which unit each is of. n_labelled: calls of either arm before matching.
    """

    arm: Ints
    stratum: Ints
    session: Ints
    rows: Ints
    unit: Ints
    n_labelled: int

    def __len__(self) -> int:
        return len(self.arm)

    def n_sessions(self, arm: int) -> int:
        """Units of an arm, each of a session of its own."""
        return int((self.arm == arm).sum())

    def n_calls(self, arm: int) -> int:
        """Calls of an arm that were matched."""
        return int((self.arm[self.unit] == arm).sum())

    @property
    def n_strata(self) -> int:
        """Strata that hold both arms."""
        return int(self.stratum.max()) + 1 if len(self) else 0

    def means(self, values: Floats) -> Floats:
        """Mean of each unit's calls: (n,) or (n, d) of all calls -> (u,) or (u, d); NaN where no call of it has a value."""
        of_rows = values[self.rows]
        is_known = np.isfinite(of_rows) if of_rows.ndim == 1 else np.isfinite(of_rows).all(1)
        sums = sums_by(self.unit[is_known], of_rows[is_known], n=len(self))
        counts = np.bincount(self.unit[is_known], minlength=len(self)).astype(np.float64)
        with np.errstate(invalid="ignore"):
            return np.asarray(sums / np.where(counts > 0, counts, np.nan).reshape(-1, *[1] * (of_rows.ndim - 1)))

    def keep(self, is_kept: NDArray[np.bool_]) -> "Units":
        """Those units alone, as far as their strata still hold both arms. is_kept: (u,)."""
        is_row_kept = is_kept[self.unit]
        rows, unit = self.rows[is_row_kept], self.unit[is_row_kept]
        return _matched(
            rows=rows,
            arm=self.arm[unit],
            stratum=self.stratum[unit],
            session=self.session[unit],
            n_labelled=self.n_labelled,
        )


def sums_by(place: Ints, values: Floats, *, n: int) -> Floats:
    """Sums of values at each place: (k,) numbers below n, (k,) or (k, d) -> (n,) or (n, d)."""
    if values.ndim == 1:
        return np.asarray(np.bincount(place, values, minlength=n), dtype=np.float64)
    chosen = csr_matrix((np.ones(len(place)), (place, np.arange(len(place)))), shape=(n, len(place)))
    return np.asarray(chosen @ values)


def make_units(*, arm: Ints, stratum: Ints, session: Ints) -> Units:
    """Units of the calls of two arms. arm: (n,) 1, 0, or -1 for calls of neither; stratum, session: (n,).

    A session that spoke of both is a unit in each arm: its two units resemble each other, which makes a gap look less certain than it is,
    never more. A unit is of the stratum that most of its calls are of; its calls elsewhere are left out, as are strata with one arm.
    """
    labelled = np.flatnonzero(arm >= 0)
    keys = np.stack([session[labelled], arm[labelled]], axis=1)
    _, unit = np.unique(keys, axis=0, return_inverse=True)
    unit = unit.reshape(-1)
    pairs, counts = np.unique(np.stack([unit, stratum[labelled]], axis=1), axis=0, return_counts=True)
    order = np.lexsort((pairs[:, 1], -counts, pairs[:, 0]))
    firsts = order[np.unique(pairs[order, 0], return_index=True)[1]]
    home = pairs[firsts, 1]  # (units,)
    rows = labelled[home[unit] == stratum[labelled]]
    return _matched(rows=rows, arm=arm[rows], stratum=stratum[rows], session=session[rows], n_labelled=len(labelled))


def _matched(*, rows: Ints, arm: Ints, stratum: Ints, session: Ints, n_labelled: int) -> Units:
    both = np.intersect1d(stratum[arm == 1], stratum[arm == 0])
    is_matched = np.isin(stratum, both)
    rows, arm, stratum, session = rows[is_matched], arm[is_matched], stratum[is_matched], session[is_matched]
    keys, firsts, unit = np.unique(np.stack([session, arm], axis=1), axis=0, return_index=True, return_inverse=True)
    return Units(
        arm=keys[:, 1],
        stratum=np.unique(stratum[firsts], return_inverse=True)[1].reshape(-1),
        session=np.unique(keys[:, 0], return_inverse=True)[1].reshape(-1),
        rows=rows,
        unit=unit.reshape(-1),
        n_labelled=n_labelled,
    )
