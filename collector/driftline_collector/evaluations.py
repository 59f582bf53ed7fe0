"""Where evaluations and feedback stand in spans and log records, and the SQL that takes them out into `evaluations`."""

import re
from string import Template
from typing import Final

from driftline_collector.batch import Scope
from driftline_collector.presence import Presence
from driftline_collector.schemas import query_text

EVENT: Final = "gen_ai.evaluation.result"
_INDEXED: Final = re.compile(r"(trace\.|session\.)?(evaluations|annotations)\.#\.(evaluation|annotation)\.name")
_COLUMNS: Final = (
    "project, service, time, trace_id, span_id, name, source, number, score, label, explanation, kind, response_id, "
    "received_at, derived_at"
)


def has_evaluations(presence: Presence) -> bool:
    """Whether spans of the batch may carry any."""
    return EVENT in presence.events or any(map(_INDEXED.fullmatch, presence.keys))


def evaluations_sql() -> str:
    """The INSERT for a batch of spans, `$spans` and `$derived_at` left to fill."""
    return f"INSERT INTO evaluations ({_COLUMNS}) {query_text('evaluations.sql')}"


def evaluation_logs_sql(scope: Scope) -> str:
    """The INSERT for the log records in `scope`; parameters: the scope's."""
    return f"INSERT INTO evaluations ({_COLUMNS}) {Template(query_text('evaluation_logs.sql')).substitute(scope=scope.condition)}"
