"""Which calls a data set holds."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import Any, Final, Literal

from driftline_core.errors import InputError, NotFound
from driftline_core.sql_text import read_sql
from driftline_core.store import Store

Sentiment = Literal["", "negative", "neutral", "positive"]
_FIRST: Final = datetime(1970, 1, 1, tzinfo=UTC)
_LAST: Final = datetime(2100, 1, 1, tzinfo=UTC)
_RETRIEVAL_FIELDS: Final = ("query", "document")
_FINDING_COLUMNS: Final = (
    "finding_id", "analyzer", "analyzer_version", "service", "segment_by", "segment", "field", "reference", "reference_version",
    "statistic", "p_value", "p_value_corrected", "effect_size", "moved_share", "n_current", "n_reference",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Filters, combined with AND; '' and None are any. finding_id: the calls of its window and segment.

    analyzer, field, is_flagged: calls that it scored, or flagged, or did not. sentiment: of the feedback. is_labelled: a reviewer labelled
    it (for `analyzer`, where one is named). from_time inclusive, to_time exclusive, aware: by the calls' own start; with a sentiment and
    no finding by when the feedback was given, whenever the call was.
    """

    project: str
    finding_id: str = ""
    analyzer: str = ""
    field: str = ""
    service: str = ""
    model: str = ""
    segment_by: str = ""
    segment: str = ""
    from_time: datetime | None = None
    to_time: datetime | None = None
    is_flagged: bool | None = None
    is_labelled: bool | None = None
    sentiment: Sentiment = ""

    def parameters(self) -> dict[str, Any]:
        """Of dataset_keys.sql."""
        asked, ever = (self.from_time or _FIRST, self.to_time or _LAST), (_FIRST, _LAST)
        (start, end), (said_start, said_end) = (
            (ever, asked) if self.sentiment and not self.finding_id else (asked, ever)
        )
        names = ("project", "analyzer", "field", "service", "model", "segment_by", "segment", "sentiment")
        return {
            **{name: getattr(self, name) for name in names},
            "kind": "retrieval" if self.field in _RETRIEVAL_FIELDS and not self.analyzer else "llm",
            "from_time": _moment(start),
            "to_time": _moment(end),
            "said_from": _moment(said_start),
            "said_to": _moment(said_end),
            "is_flagged": -1 if self.is_flagged is None else int(self.is_flagged),
            "is_labelled": -1 if self.is_labelled is None else int(self.is_labelled),
        }

    def described(self) -> dict[str, Any]:
        """As JSON; times RFC 3339, null where open."""
        times = {
            name: None if time is None else time.astimezone(UTC).isoformat().replace("+00:00", "Z")
            for name, time in (("from_time", self.from_time), ("to_time", self.to_time))
        }
        return {**asdict(self), **times}


def resolve(store: Store, wanted: Selection) -> tuple[Selection, dict[str, Any] | None]:
    """The selection with its finding's window and segment filled in, and that finding. Raises NotFound, InputError, StoreError."""
    _check(wanted)
    if not wanted.finding_id:
        return wanted, None
    rows = store.rows(read_sql("dataset_finding"), {"project": wanted.project, "finding_id": wanted.finding_id})
    if not rows:
        raise NotFound(f"expected a finding of project {wanted.project!r}, got no such id: {wanted.finding_id!r}")
    row = rows[0]
    if row["segment_by"] == "language":
        raise InputError("expected a finding of a segment that is stored with its calls, got one by language")
    if row["segment_by"].startswith("group:"):
        start, end = (f"{row[name]:%Y-%m-%dT%H:%M:%SZ}" for name in ("window_start", "window_end"))
        raise InputError(
            "expected a finding of a segment that is stored with its calls, got a gap between groups, which are found in texts: "
            f"export the calls of service {row['service']} from {start} to {end}"
        )
    by_service = row["segment_by"] in ("", "service")
    filled = replace(
        wanted,
        service=row["service"],
        segment_by="" if by_service else row["segment_by"],
        segment="" if by_service else row["segment"],
        field=wanted.field or (row["field"] if row["field"] in _RETRIEVAL_FIELDS else ""),
        from_time=row["window_start"].replace(tzinfo=UTC),
        to_time=row["window_end"].replace(tzinfo=UTC),
    )
    return filled, _described(row)


def _check(wanted: Selection) -> None:
    for name, time in (("from_time", wanted.from_time), ("to_time", wanted.to_time)):
        if time is not None and (time.tzinfo is None or not _FIRST <= time <= _LAST):
            raise InputError(f"expected {name} with a time zone and between 1970 and 2100, got {time.isoformat()}")
    if wanted.from_time is not None and wanted.to_time is not None and wanted.from_time >= wanted.to_time:
        raise InputError(
            f"expected from before to, got {wanted.from_time.isoformat()} and {wanted.to_time.isoformat()}"
        )
    if wanted.is_flagged is not None and not wanted.analyzer:
        raise InputError("expected an analyzer with is_flagged, got none")
    if bool(wanted.segment_by) != bool(wanted.segment):
        raise InputError("expected segment_by and segment together, got one of them")
    if wanted.finding_id and (wanted.from_time or wanted.to_time or wanted.service or wanted.segment_by):
        raise InputError("expected a finding alone or filters of time, service and segment, got both")


def _described(row: Mapping[str, Any]) -> dict[str, Any]:
    times = {
        name: row[name].replace(tzinfo=UTC).isoformat().replace("+00:00", "Z")
        for name in ("window_start", "window_end")
    }
    return {**{name: row[name] for name in _FINDING_COLUMNS}, **times}


def _moment(time: datetime) -> str:
    """As a parameter, to the millisecond: a datetime would be bound to the second."""
    return time.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]
