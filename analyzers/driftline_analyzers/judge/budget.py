"""What judging may cost in a day, over all workers that share a store.

ClickHouse has no compare-and-set. A worker inserts a reservation of the most that its next requests can cost, then reads the day's sum with
its own row in it, and takes the row back when the sum is above the budget. Of two workers that reserve at once, the one whose row came
second reads both: so on one ClickHouse server, or the embedded engine, reservations never exceed the budget together. Where reads can lag
behind inserts (replicas), the excess is at most the reservations in flight: one a worker. Two workers may both step back where one would
have fitted.
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date
from importlib.resources import files
from typing import Final

from driftline_analyzers.judge.settings import JudgeSettings
from driftline_core.clock import Clock, utc_now
from driftline_core.store import Store

_SPENT: Final = (files("driftline_analyzers.judge") / "sql" / "spent.sql").read_text(encoding="utf-8")
_COLUMNS: Final = (
    "day", "reservation", "requests", "input_tokens", "output_tokens", "usd", "is_settled",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """Of some requests: counts, and US dollars (0 where no price is set)."""

    requests: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    usd: float = 0.0

    def __add__(self, other: "Cost") -> "Cost":
        return Cost(
            requests=self.requests + other.requests,
            input_tokens=self.input_tokens + other.input_tokens,
            output_tokens=self.output_tokens + other.output_tokens,
            usd=self.usd + other.usd,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Reservation:
    """n: how many of the requests, from the first, may be sent."""

    day: date
    name: str
    n: int


class Budget:
    """Reserves before spending and settles after. The day is UTC's by the worker's clock."""

    def __init__(self, store: Store, settings: JudgeSettings, *, clock: Clock = utc_now) -> None:
        self._store = store
        self._settings = settings
        self._clock = clock

    def cost(self, *, input_tokens: int, output_tokens: int) -> Cost:
        """Of one request."""
        read, written = self._settings.input_usd_mtok or 0.0, self._settings.output_usd_mtok or 0.0
        usd = (input_tokens * read + output_tokens * written) / 1e6
        return Cost(requests=1, input_tokens=input_tokens, output_tokens=output_tokens, usd=usd)

    def spent(self, day: date | None = None) -> Cost:
        """Spent and reserved on a day (UTC), by default today. Raises StoreError."""
        row = self._store.rows(_SPENT, {"day": day or self._today()})[0]
        return Cost(
            requests=int(row["requests"]),
            input_tokens=int(row["input_tokens"]),
            output_tokens=int(row["output_tokens"]),
            usd=float(row["usd"]),
        )

    def reserve(self, costs: Sequence[Cost]) -> Reservation | None:
        """For as many of the requests, from the first, as the day's rest allows; None for none. Raises StoreError."""
        day = self._today()
        n = self._n_that_fit(costs, spent=self.spent(day))
        while n > 0:
            reservation = Reservation(day=day, name=secrets.token_hex(8), n=n)
            mine = sum(costs[:n], Cost())
            self._write(reservation, mine, is_settled=False)
            if self._fits(total := self.spent(day)):
                return reservation
            self._write(reservation, Cost(), is_settled=True)
            others = Cost(
                requests=total.requests - mine.requests,
                input_tokens=total.input_tokens - mine.input_tokens,
                output_tokens=total.output_tokens - mine.output_tokens,
                usd=total.usd - mine.usd,
            )
            n = min(n - 1, self._n_that_fit(costs, spent=others))
        return None

    def settle(self, reservation: Reservation, spent: Cost) -> None:
        """Replace a reservation by what its requests cost. Raises StoreError; the reservation then stays."""
        self._write(reservation, spent, is_settled=True)

    def _today(self) -> date:
        return self._clock().astimezone(UTC).date()

    def _n_that_fit(self, costs: Sequence[Cost], *, spent: Cost) -> int:
        for n, cost in enumerate(costs):
            spent += cost
            if not self._fits(spent):
                return n
        return len(costs)

    def _fits(self, total: Cost) -> bool:
        of = self._settings
        return (
            total.requests <= of.budget_requests
            and (of.budget_tokens is None or total.input_tokens + total.output_tokens <= of.budget_tokens)
            and (of.budget_usd is None or total.usd <= of.budget_usd)
        )

    def _write(self, reservation: Reservation, cost: Cost, *, is_settled: bool) -> None:
        row = (
            reservation.day, reservation.name, cost.requests, cost.input_tokens, cost.output_tokens, cost.usd,
            int(is_settled),
        )  # fmt: skip
        self._store.insert("judge_spending", _COLUMNS, [row])
