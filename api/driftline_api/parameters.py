"""What many routes take: the project, a time range, a page."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated

from fastapi import Depends, Header, Path, Query
from pydantic import AwareDatetime, BeforeValidator

from driftline_api.context import Context
from driftline_api.problems import bad_request
from driftline_api.reader import ProjectReader

DEFAULT_PROJECT = "default"
PROJECT_PATTERN = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# The engine's date arithmetic ends in 2106 (DateTime); events outside of these years are not stored.
_LAST = datetime(2100, 1, 1, tzinfo=UTC)


def unix_ns(time: datetime) -> int:
    """Nanoseconds since 1970 of an aware time, exact to the microsecond."""
    return (time - _EPOCH) // timedelta(microseconds=1) * 1000


def from_unix_ns(nanoseconds: int) -> datetime:
    """Aware UTC time, cut to the microsecond."""
    return _EPOCH + timedelta(microseconds=nanoseconds // 1000)


def as_utc(value: object) -> object:
    """The engine's client hands out UTC times without a zone: give them theirs."""
    return value.replace(tzinfo=UTC) if isinstance(value, datetime) and value.tzinfo is None else value


UtcDatetime = Annotated[datetime, BeforeValidator(as_utc)]


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeRange:
    """Event time from (inclusive) to (exclusive); None is open."""

    from_time: datetime | None
    to_time: datetime | None

    @property
    def from_ns(self) -> int:
        return unix_ns(self.from_time or _EPOCH)

    @property
    def to_ns(self) -> int:
        return unix_ns(self.to_time or _LAST)


def check_range(from_time: datetime | None, to_time: datetime | None) -> TimeRange:
    """A range that can hold something. Raises a 400 problem otherwise."""
    for name, time in (("from", from_time), ("to", to_time)):
        if time is not None and not _EPOCH <= time <= _LAST:
            raise bad_request(f"expected {name} between 1970 and 2100, got {time.isoformat()}")
    if from_time is not None and to_time is not None and from_time >= to_time:
        raise bad_request(f"expected from before to, got {from_time.isoformat()} and {to_time.isoformat()}")
    return TimeRange(from_time=from_time, to_time=to_time)


def time_range_of(
    from_time: Annotated[
        AwareDatetime | None,
        Query(alias="from", description="Start of the range (event time, RFC 3339), inclusive. Default: no bound."),
    ] = None,
    to_time: Annotated[
        AwareDatetime | None,
        Query(alias="to", description="End of the range (event time, RFC 3339), exclusive. Default: no bound."),
    ] = None,
) -> TimeRange:
    """The range of the query parameters `from` and `to`."""
    return check_range(from_time, to_time)


def project_of(
    header: Annotated[
        str | None, Header(alias="x-driftline-project", description="Project to read; the same as `project`.")
    ] = None,
    query: Annotated[str | None, Query(alias="project", description="Project to read. Default: `default`.")] = None,
) -> str:
    """The project that a request is about. Raises a 400 problem on a bad name or on two that differ."""
    if header is not None and query is not None and header != query:
        raise bad_request(f"expected one project, got {header[:80]!r} in the header and {query[:80]!r} in the query")
    project = query if query is not None else header if header is not None else DEFAULT_PROJECT
    if not PROJECT_PATTERN.fullmatch(project):
        raise bad_request(f"expected a project like {PROJECT_PATTERN.pattern}, got {project[:80]!r}")
    return project


def reader_of(context: Context, project: Annotated[str, Depends(project_of)]) -> ProjectReader:
    """Reads bound to the request's project."""
    return ProjectReader(context.store, project)


def limit_of(
    context: Context,
    limit: Annotated[
        int | None, Query(ge=1, description="Most rows; the default and the maximum are settings.")
    ] = None,
) -> int:
    """Rows of a page. Raises a 400 problem above the maximum."""
    if limit is None:
        return min(context.settings.page_rows, context.settings.page_rows_max)
    if limit > context.settings.page_rows_max:
        raise bad_request(f"expected a limit of at most {context.settings.page_rows_max}, got {limit}")
    return limit


def trace_id_of(trace_id: Annotated[str, Path(description="Trace id, 32 hex digits.")]) -> str:
    """A trace id in lower case. Raises a 400 problem."""
    return _hex_id("trace_id", trace_id, 32)


def span_id_of(span_id: Annotated[str, Path(description="Span id, 16 hex digits.")]) -> str:
    """A span id in lower case. Raises a 400 problem."""
    return _hex_id("span_id", span_id, 16)


def _hex_id(name: str, text: str, n_digits: int) -> str:
    if not re.fullmatch(rf"[0-9a-fA-F]{{{n_digits}}}", text):
        raise bad_request(f"expected a {name} of {n_digits} hex digits, got {text[:80]!r}")
    return text.lower()


Project = Annotated[str, Depends(project_of)]
Reader = Annotated[ProjectReader, Depends(reader_of)]
Range = Annotated[TimeRange, Depends(time_range_of)]
Limit = Annotated[int, Depends(limit_of)]
TraceId = Annotated[str, Depends(trace_id_of)]
SpanId = Annotated[str, Depends(span_id_of)]
