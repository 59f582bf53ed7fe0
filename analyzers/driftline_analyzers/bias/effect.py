"""The size of a gap, in units of how much values differ anyway."""

import math
from typing import Final

MOST: Final = 10.0
"""No effect is told as larger; where values do not differ at all, any gap is as large as this."""
_NOTHING: Final = 1e-12


def effect_size(gap: float, spread: float) -> float:
    """Gap / spread, between -MOST and MOST; 0 where there is neither.

    There is no spread where one group is always refused and the other never.
    """
    if abs(gap) <= _NOTHING:
        return 0.0
    if spread <= _NOTHING:
        return math.copysign(MOST, gap)
    return max(-MOST, min(MOST, gap / spread))
