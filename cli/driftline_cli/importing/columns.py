"""Which column of a log means what: named by the user, else guessed from common names."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from driftline_core.errors import InputError

# field -> names that logs give it, the likeliest first
COMMON_NAMES: Final[dict[str, tuple[str, ...]]] = {
    "prompt": (
        "prompt",
        "question",
        "input",
        "instruction",
        "query",
        "user_message",
        "messages",
        "request",
        "prompt_text",
    ),
    "completion": (
        "completion",
        "response",
        "output",
        "answer",
        "generation",
        "assistant_message",
        "reply",
        "completion_text",
    ),
    "system": ("system", "system_prompt", "system_message"),
    "time": ("time", "timestamp", "created_at", "start_time", "created", "ts", "date", "datetime"),
    "model": ("model", "model_name", "request_model", "engine"),
    "provider": ("provider", "vendor"),
    "service": ("service", "service_name", "app", "application"),
    "session": ("session_id", "session", "conversation_id", "thread_id", "chat_id"),
    "user": ("user_id", "user", "customer_id"),
    "prompt_version": ("prompt_version", "template_version"),
    "input_tokens": ("input_tokens", "prompt_tokens", "usage.prompt_tokens", "usage.input_tokens"),
    "output_tokens": ("output_tokens", "completion_tokens", "usage.completion_tokens", "usage.output_tokens"),
    "duration_ms": ("duration_ms", "latency_ms", "elapsed_ms"),
    "error": ("error", "error_type", "error_message"),
    "environment": ("environment", "env"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnMap:
    """columns: field -> column of the file (dots go into nested objects). constants: field -> value for every row that has none."""

    columns: Mapping[str, str] = field(default_factory=dict)
    constants: Mapping[str, str] = field(default_factory=dict)
    guessed: frozenset[str] = frozenset()

    def value(self, row: Mapping[str, Any], name: str) -> Any:
        """The row's value of a field: its column, else the constant; None when absent or empty."""
        column = self.columns.get(name)
        value = lookup(row, column) if column is not None else None
        if value is None or value == "":
            return self.constants.get(name)
        return value


def lookup(row: Mapping[str, Any], column: str) -> Any:
    """row[column]; where there is no such column, 'a.b' is b of the object a. None when absent."""
    if column in row:
        return row[column]
    value: Any = row
    for part in column.split("."):
        if not isinstance(value, Mapping) or part not in value:
            return None
        value = value[part]
    return value


def map_columns(
    sample: Iterable[Mapping[str, Any]], *, named: Mapping[str, str], constants: Mapping[str, str]
) -> ColumnMap:
    """Columns for every field, guessed from the sample rows where `named` and `constants` say nothing.

    Raises InputError when a named column is in none of the rows, or when neither prompt nor completion is found.
    """
    rows = list(sample)
    for name, column in named.items():
        if not any(lookup(row, column) is not None for row in rows):
            seen = ", ".join(sorted({key for row in rows for key in row})) or "none"
            raise InputError(f"expected a column {column!r} for {name}, got the columns {seen}")
    columns = dict(named)
    taken = set(columns.values())
    guessed = set()
    for name, candidates in COMMON_NAMES.items():
        if name in columns or name in constants:
            continue
        for candidate in candidates:
            if candidate not in taken and any(lookup(row, candidate) is not None for row in rows):
                columns[name] = candidate
                taken.add(candidate)
                guessed.add(name)
                break
    if "prompt" not in columns and "completion" not in columns:
        seen = ", ".join(sorted({key for row in rows for key in row})) or "none"
        raise InputError(
            f"expected a column of prompts or of completions (--prompt, --completion), got the columns {seen}"
        )
    return ColumnMap(columns=columns, constants=dict(constants), guessed=frozenset(guessed))


def parse_assignments(assignments: Iterable[str], *, flag: str) -> dict[str, str]:
    """'column=value' strings as a dict. Raises InputError on anything else."""
    pairs = {}
    for assignment in assignments:
        column, separator, value = assignment.partition("=")
        if not separator or not column:
            raise InputError(f"expected {flag} column=value, got {assignment!r}")
        pairs[column] = value
    return pairs
