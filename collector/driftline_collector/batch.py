"""Which spans are derived together, and what the log records of the same spans add to them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final

from driftline_collector.mapping import DialectTable
from driftline_collector.presence import Presence
from driftline_collector.sql_text import listed
from driftline_core.store import Store

# Of the records in the batch's time, those within ten minutes of the span itself: else its neighbours would decide what it gets.
_LOG_EVENTS: Final = (
    "arrayFilter(e -> e.1 + 600000000000 >= toUInt64(toUnixTimestamp64Nano(start_time)) "
    "AND e.1 < toUInt64(toUnixTimestamp64Nano(start_time)) + duration_ns + 600000000000, log_events)"
)
_EVENTS_TYPE: Final = "Array(Tuple(time_unix_nano UInt64, name String, attributes Map(String, String)))"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """A condition on `spans` with its parameters. is_final: a span that came twice is taken once, as it came last."""

    condition: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    is_final: bool = False
    depth: int = 0

    def halves(self) -> tuple["Scope", "Scope"]:
        """Two scopes that share these spans about evenly, by their ids; depth counts how often that was done."""
        left, right = (self._half(bit) for bit in (0, 1))
        return left, right

    def _half(self, bit: int) -> "Scope":
        name = f"half_{self.depth}"
        return replace(
            self,
            condition=f"({self.condition}) AND bitTest(sipHash64(trace_id, span_id), {self.depth}) = {{{name}:UInt8}}",
            parameters={**self.parameters, name: bit},
            depth=self.depth + 1,
        )

    @classmethod
    def of_segments(cls, tokens: Iterable[str], *, since: str) -> "Scope":
        """The spans that these INSERTs stored. since: not stored before, UTC, prunes parts."""
        return cls(
            condition="stored_at >= {since:DateTime64(3, 'UTC')} AND segment IN {segments:Array(String)}",
            parameters={"since": since, "segments": list(tokens)},
        )

    @classmethod
    def of_logs(cls, tokens: Iterable[str], *, since: str, events: Iterable[str]) -> "Scope":
        """The spans, whenever they came, that log records of these INSERTs tell one of these events of."""
        told = (
            "FROM logs WHERE stored_at >= {since:DateTime64(3, 'UTC')} AND segment IN {segments:Array(String)} "
            "AND event_name IN {told:Array(String)} AND span_id != toFixedString('', 8)"
        )
        return cls(
            condition=(
                f"(project, trace_id, span_id) IN (SELECT project, trace_id, span_id {told}) "
                f"AND start_time BETWEEN (SELECT min(time) - INTERVAL 1 DAY {told}) "
                f"AND (SELECT max(time) + INTERVAL 1 DAY {told})"
            ),
            parameters={"since": since, "segments": list(tokens), "told": sorted(events)},
            is_final=True,
        )

    @classmethod
    def of_time(cls, *, project: str | None, start: str, end: str) -> "Scope":
        """Spans that began within [start, end), UTC; of one project or of all."""
        condition = "start_time >= {start:DateTime64(3, 'UTC')} AND start_time < {end:DateTime64(3, 'UTC')}"
        if project is not None:
            condition += " AND project = {project:String}"
        return cls(
            condition=condition, parameters={"start": start, "end": end, "project": project or ""}, is_final=True
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Extent:
    """A batch looked at: how many spans, when, of whom, and the names that they and their log records use.

    looked_at: the store's clock when it began, UTC without a zone: the one clock that all who derive share.
    """

    looked_at: datetime
    n_spans: int
    n_logs: int
    bounds: Mapping[str, Any]
    presence: Presence


def look_at(store: Store, scope: Scope, table: DialectTable) -> Extent:
    """Raises StoreError."""
    parameters = {**scope.parameters, "details": list(table.details)}
    final = "FINAL" if scope.is_final else ""
    [row] = store.rows(_EXTENT.format(scope=scope.condition, final=final), parameters)
    bounds = {"logs_from": row["first"], "logs_to": row["last"], "projects": row["projects"]}
    keys, names = set(row["keys"]) | set(row["detail_keys"]), set(row["event_names"])
    n_logs = 0
    if row["n_spans"] and _has_logs(store):
        wanted = {**parameters, **bounds, "events": sorted(table.event_names())}
        [logs] = store.rows(_LOGS_EXTENT.format(scope=scope.condition), wanted)
        n_logs = logs["n_logs"]
        keys |= set(logs["detail_keys"])
        names |= set(logs["event_names"])
    presence = Presence.of(keys, resources=row["resources"], events=names)
    looked_at = datetime.fromisoformat(row["looked_at"])
    return Extent(looked_at=looked_at, n_spans=row["n_spans"], n_logs=n_logs, bounds=bounds, presence=presence)


def spans_sql(scope: Scope, extent: Extent, table: DialectTable) -> str:
    """The SELECT of the batch: a row a span with its events, its keys and their values. Parameters: scope's and `log_parameters`."""
    details = sorted(set(table.details) & extent.presence.events)
    keys, values = "mapKeys(spans.attributes)", "mapValues(spans.attributes)"
    events = "spans.events"
    source = f"spans {'FINAL' if scope.is_final else ''}"
    if extent.n_logs:
        events = f"arrayConcat(spans.events, {_LOG_EVENTS})::{_EVENTS_TYPE}"
        source = _JOINED.format(source=source, scope=scope.condition)
    if details:
        chosen = f"arrayFilter(e -> e.2 IN ({listed(details)}), {events})"
        keys = (
            f"arrayConcat({keys}, arrayFlatten(arrayMap(e -> mapKeys(e.3), {chosen}))::Array(LowCardinality(String)))"
        )
        values = f"arrayConcat({values}, arrayFlatten(arrayMap(e -> mapValues(e.3), {chosen})))"
    return (
        "SELECT project, service, start_time, trace_id, span_id, parent_span_id, name, scope_name, received_at, status_code, "
        "status_message, duration_ns, resource_attributes, dropped_attributes_count, "
        f"{events} AS events, {keys} AS keys, {values} AS v FROM {source} WHERE {scope.condition}"
    )


def log_parameters(extent: Extent, table: DialectTable) -> dict[str, Any]:
    return {**extent.bounds, "events": sorted(table.event_names())}


def _has_logs(store: Store) -> bool:
    return bool(store.scalar("SELECT 1 FROM logs LIMIT 1"))


_EXTENT: Final = """
SELECT
    toString(now64(6, 'UTC')) AS looked_at,
    count() AS n_spans,
    toString(toDateTime64(min(start_time), 3, 'UTC') - INTERVAL 10 MINUTE) AS first,
    toString(toDateTime64(max(addNanoseconds(start_time, duration_ns)), 3, 'UTC') + INTERVAL 10 MINUTE) AS last,
    groupUniqArray(project) AS projects,
    groupUniqArrayArray(mapKeys(attributes)) AS keys,
    groupUniqArrayArray(mapKeys(resource_attributes)) AS resources,
    groupUniqArrayArray(events.name) AS event_names,
    groupUniqArrayArray(arrayFlatten(arrayMap(
        e -> mapKeys(e.3), arrayFilter(e -> has({{details:Array(String)}}, e.2), events)))) AS detail_keys
FROM spans {final}
WHERE {scope}
"""
_LOGS_WHERE: Final = """
    project IN {{projects:Array(String)}} AND time >= {{logs_from:DateTime64(3, 'UTC')}} AND time < {{logs_to:DateTime64(3, 'UTC')}}
    AND event_name IN {{events:Array(String)}} AND (project, trace_id) IN (SELECT project, trace_id FROM spans WHERE {scope})
"""
_LOGS_EXTENT: Final = (
    """
SELECT
    count() AS n_logs,
    groupUniqArray(event_name) AS event_names,
    groupUniqArrayArray(if(has({{details:Array(String)}}, event_name), mapKeys(attributes), [])) AS detail_keys
FROM logs
WHERE """
    + _LOGS_WHERE
)
_JOINED: Final = (
    """{source} LEFT JOIN
(
    SELECT
        project AS log_project, trace_id AS log_trace, span_id AS log_span,
        arrayMap(e -> (e.1, e.2, e.3), arraySort(e -> (e.1, e.4, e.5), groupArray((
            toUInt64(toUnixTimestamp64Nano(time)), toString(event_name),
            mapConcat(map('body', body)::Map(String, String), attributes::Map(String, String)),
            observed_time, content_hash)))) AS log_events
    FROM logs FINAL
    WHERE """
    + _LOGS_WHERE
    + """
    GROUP BY project, trace_id, span_id
) AS l ON l.log_project = spans.project AND l.log_trace = spans.trace_id AND l.log_span = spans.span_id"""
)
