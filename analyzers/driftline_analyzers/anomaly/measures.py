"""What is watched of a service and model: how each figure is scaled, and how sure one value of it is."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from driftline_analyzers.anomaly.baseline import Scaling
from driftline_analyzers.anomaly.season import Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """One figure of a bucket. unit: what is next to nothing of it. min_scale: as SeasonalBaseline's.

    min_calls: fewer calls make no value; 0 for amounts, which are 0 then. noise_of_calls: standard error in transformed units times the
    root of the number of calls; 0: none is assumed.
    """

    name: str
    scaling: Scaling
    unit: float
    min_scale: float = 0.0125
    min_calls: int = 0
    noise_of_calls: float = 0.0

    @property
    def is_amount(self) -> bool:
        """Whether a bucket without calls has the value 0, and not none."""
        return self.min_calls == 0

    def noise(self, calls: Floats) -> Floats:
        """Standard error of values of so many calls, in transformed units. calls: (n,)."""
        return self.noise_of_calls / np.sqrt(np.maximum(calls, 1.0))


MEASURES: Final = {
    measure.name: measure
    for measure in (
        Measure(name="requests", scaling=Scaling.LOG, unit=1.0),
        Measure(name="tokens", scaling=Scaling.LOG, unit=100.0),
        Measure(name="cost", scaling=Scaling.LOG, unit=0.001),
        Measure(name="latency_p95", scaling=Scaling.LOG, unit=1.0, min_calls=10, noise_of_calls=0.25),
        Measure(
            name="error_share", scaling=Scaling.ARCSINE, unit=0.001, min_scale=0.02, min_calls=10, noise_of_calls=0.5
        ),
    )
}
"""latency_p95: ms; cost: USD of a bucket; error_share: 0 to 1, the arcsine of its root has the standard error 0.5 / root of n."""
