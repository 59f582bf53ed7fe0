"""The books of ingest: for every project, signal and minute of receipt, what came and what became of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.resources import files
from typing import Any, Final

from driftline_core.store import Store

_SQL: Final = files("driftline_core") / "sql"
_COUNTS_SQL: Final[str] = (_SQL / "ingest_counts.sql").read_text(encoding="utf-8")
_OUTCOMES_SQL: Final[str] = (_SQL / "ingest_outcomes.sql").read_text(encoding="utf-8")
_SETTINGS: Final = {"do_not_merge_across_partitions_select_final": 1}


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejected:
    """Refused for one reason. items: 0 when a request could not be read far enough to count them."""

    items: int
    requests: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerMinute:
    """One minute of receipt; counts are items: spans, log records or data points. signal: '' when a request named none.

    received is what the door counted: `kept` as the processes counted it, or, where a killed process took its last counts with it, what
    its frames carry into the store, the dead letters and the spool; with repeats and refusals added. stored is what the engine counted
    while it decoded. So what is lost after it was acknowledged, or stored otherwise than it was counted, makes is_balanced False.
    waiting is at most a few seconds old. retried: dead letters that were sent in again, which counts them as received again.
    """

    signal: str
    minute: datetime
    received: int
    stored: int
    duplicate: int
    rejected: Mapping[str, Rejected] = field(default_factory=dict)
    dead_lettered: int
    retried: int
    waiting: int

    @property
    def accounted(self) -> int:
        """Everything that has an end, or a place to wait in."""
        refused = sum(one.items for one in self.rejected.values())
        return self.stored + self.duplicate + refused + self.dead_lettered + self.retried + self.waiting

    @property
    def is_balanced(self) -> bool:
        return self.received == self.accounted


def read_ledger(store: Store, *, project: str, from_s: int, to_s: int, signal: str = "") -> list[LedgerMinute]:
    """The minutes with from_s <= minute < to_s (unix seconds) in which anything came, in order. signal: '' is every one.

    project '' is what was refused before it could be assigned. Raises StoreError.
    """
    parameters = {"project": project, "signal": signal, "from_s": from_s, "to_s": to_s}
    # In this order: what is counted as kept is waiting then, or has come to its end by the time that the ends are read.
    counts = {_key(row): row for row in store.rows(_COUNTS_SQL, parameters, settings=_SETTINGS)}
    outcomes = {_key(row): row for row in store.rows(_OUTCOMES_SQL, parameters, settings=_SETTINGS)}
    return [_minute(key, counts.get(key, {}), outcomes.get(key, {})) for key in sorted({*counts, *outcomes})]


def _key(row: Mapping[str, Any]) -> tuple[int, str]:
    return row["minute_s"], row["signal"]


def _minute(key: tuple[int, str], counts: Mapping[str, Any], outcomes: Mapping[str, Any]) -> LedgerMinute:
    minute_s, signal = key
    rejected = {
        reason: Rejected(items=items, requests=requests) for reason, items, requests in counts.get("rejected", ())
    }
    dead_lettered, retried = outcomes.get("dead_lettered", 0), outcomes.get("retried", 0)
    waiting, duplicate = counts.get("waiting", 0), counts.get("duplicate", 0)
    carried = outcomes.get("acknowledged", 0) + dead_lettered + retried + waiting
    refused = sum(one.items for one in rejected.values())
    return LedgerMinute(
        signal=signal,
        minute=datetime.fromtimestamp(minute_s, UTC),
        received=max(counts.get("kept", 0), carried) + duplicate + refused,
        stored=outcomes.get("stored", 0),
        duplicate=duplicate,
        rejected=rejected,
        dead_lettered=dead_lettered,
        retried=retried,
        waiting=waiting,
    )
