"""Named reference sets: frozen, versioned copies of texts that later windows are compared with.

A range, a pinned version and a golden set are copied when they are created; creating a name again makes its next version. A previous
release is resolved for each segment by whoever tests it, and copied then (`freeze`). Nothing ever changes a version's texts.
"""

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from importlib.resources import files
from typing import Any, Final, Literal

from driftline_core.errors import InputError, NotFound
from driftline_core.store import Store

Kind = Literal["range", "golden", "version", "previous_release"]

PINNABLE: Final = ("prompt_version", "release", "model")
WINDOWS_NEEDED: Final = 8
SMALLEST_WINDOW: Final = 30
CHECK_LEVEL: Final = 0.05
MAX_CALLS: Final = 50_000
"""Calls of a version, and as many retrievals; whole sessions are sampled beyond."""
MIN_TIME: Final = datetime(1970, 1, 1, tzinfo=UTC)
MAX_TIME: Final = datetime(2200, 1, 1, tzinfo=UTC)

_FIRST_ROW: Final = datetime(2000, 1, 1, tzinfo=UTC)
"""Rows of a golden set have no time of their own: a second each from here on, so that a part uploaded twice is the same part."""
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_SEGMENT_BY = re.compile(
    r"service|model|prompt_version|prompt_name|environment|release|provider|user_id|agent_name|metadata\..{1,200}"
)
_SET_COLUMNS: Final = (
    "project", "name", "kind", "version", "service", "model", "segment_by", "segment", "pinned_by", "pinned_value", "from_time", "to_time",
    "description", "is_deleted",
)  # fmt: skip
_VERSION_COLUMNS: Final = (
    "project", "name", "version", "segment_by", "segment", "service", "kind", "detail", "n_calls", "n_blocks", "n_prompts", "n_completions",
    "n_retrievals", "first_time", "last_time",
)  # fmt: skip
_COUNTS: Final = ("n_calls", "n_blocks", "n_prompts", "n_completions", "n_retrievals", "first_time", "last_time")


@dataclass(frozen=True, slots=True, kw_only=True)
class GoldenRow:
    """One imported example. session: '' counts with its neighbours in the file. Either text may be '', not both."""

    prompt: str
    completion: str
    session: str = ""
    model: str = ""
    prompt_version: str = ""
    user_id: str = ""
    documents: Sequence[str] = ()
    metadata: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class FrozenCounts:
    """What a version holds. n_calls: LLM calls, of them n_prompts and n_completions with text; n_blocks: sessions, or fives of calls
    without one; first_time, last_time: of the calls, UTC.
    """

    n_calls: int
    n_blocks: int
    n_prompts: int
    n_completions: int
    n_retrievals: int
    first_time: datetime
    last_time: datetime

    @property
    def largest_window(self) -> int:
        """Texts of a window that it can carry: it has to be eight windows large."""
        return max(self.n_prompts, self.n_completions) // WINDOWS_NEEDED

    @property
    def is_too_small(self) -> bool:
        """True when it carries no window of the smallest size that is tested by default."""
        return self.largest_window < SMALLEST_WINDOW


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferenceSet:
    """segment_by and segment: whose texts they are, '' for the whole service. pinned_by: of kind version the column whose value is pinned,
    of previous_release the one that names releases. from_time inclusive, to_time exclusive, UTC, by the calls' own start.
    version 0: of a build that did not freeze. frozen: None where nothing was copied (yet).
    """

    project: str
    name: str
    service: str
    kind: Kind = "range"
    segment_by: str = ""
    segment: str = ""
    pinned_by: str = ""
    pinned_value: str = ""
    from_time: datetime = MIN_TIME
    to_time: datetime = MAX_TIME
    description: str = ""
    version: int = 0
    created_at: datetime = MIN_TIME
    frozen: FrozenCounts | None = None

    @property
    def detail(self) -> str:
        """One line for a person: whose texts, and of when."""
        of = f"{self.service}, {self.segment_by} {self.segment}" if self.segment_by else self.service
        between = (
            ""
            if self.from_time == MIN_TIME and self.to_time == MAX_TIME
            else (f", {self.from_time.isoformat()} to {self.to_time.isoformat()}")
        )
        what = {
            "range": "",
            "golden": ", golden set",
            "version": f", {self.pinned_by} {self.pinned_value}",
            "previous_release": f", the {self.pinned_by} before",
        }[self.kind]
        return f"{of}{what}{between}"


def create_set(
    store: Store, wanted: ReferenceSet, *, golden: Sequence[GoldenRow] = (), upload: str = ""
) -> ReferenceSet:
    """Freeze the next version of a set; version, created_at and frozen of `wanted` do not count. golden: the rows of a golden set, or
    upload: the name under which they were uploaded. Raises InputError on what cannot be and where there is nothing to freeze; StoreError.
    """
    if wanted.segment_by == "service":
        wanted = replace(wanted, segment_by="", segment="")
    _check(wanted)
    if wanted.kind == "golden" and not upload:
        _check_rows(golden, n_before=0)
    row = store.rows(_sql("next_reference_version"), {"project": wanted.project, "name": wanted.name})[0]
    version = int(row["version"])
    if wanted.kind != "previous_release":
        if wanted.kind == "golden" and upload:
            _take_upload(store, wanted, str(version), upload)
        elif wanted.kind == "golden":
            _insert_golden(store, wanted, str(version), golden)
        counts = freeze(
            store,
            wanted,
            version=str(version),
            pinned_by=wanted.pinned_by,
            pinned_value=wanted.pinned_value,
            to_time=wanted.to_time,
        )
        if counts.n_calls + counts.n_retrievals == 0:
            raise InputError(f"expected LLM calls with text of {wanted.detail}, got none")
    _write(store, wanted, version=version, is_deleted=False)
    return find_set(store, project=wanted.project, name=wanted.name)


def upload_rows(
    store: Store, *, project: str, name: str, upload: str, n_before: int, golden: Sequence[GoldenRow]
) -> None:
    """Keep a part of a golden set's rows until `create_set` takes the upload; n_before: rows of the parts before. The same part again
    replaces itself. Raises InputError, StoreError.
    """
    wanted = ReferenceSet(project=project, name=name, service="upload", kind="golden")
    _check(wanted)
    if not _NAME.fullmatch(upload):
        raise InputError(f"expected an upload named by letters, digits, '.', '_' and '-', got {upload!r}")
    _check_rows(golden, n_before=n_before)
    _insert_golden(store, wanted, f"upload/{upload}", golden, n_before=n_before)


def freeze(
    store: Store,
    wanted: ReferenceSet,
    *,
    version: str,
    pinned_by: str,
    pinned_value: str,
    to_time: datetime,
    segment_by: str | None = None,
    segment: str | None = None,
    detail: str | None = None,
) -> FrozenCounts:
    """Copy the texts of a version, of the set's segment or of another one, and note what was copied; nothing is noted when there is none.
    Raises StoreError.
    """
    filed_by = wanted.segment_by if segment_by is None else segment_by
    filed = wanted.segment if segment is None else segment
    filing = {
        "project": wanted.project, "name": wanted.name, "version": version, "segment_by": filed_by, "segment": filed,
    }  # fmt: skip
    if wanted.kind != "golden":
        store.command(
            _sql("freeze_reference"),
            filing
            | {
                "service": wanted.service,
                "where_by": filed_by,
                "where_value": filed,
                "pinned_by": pinned_by,
                "pinned_value": pinned_value,
                "from_time": _moment(wanted.from_time),
                "to_time": _moment(to_time),
                "max_calls": MAX_CALLS,
            },
        )
    counts = _counts(store.rows(_sql("frozen_counts"), filing)[0])
    if counts.n_calls + counts.n_retrievals:
        noted = filing | {
            "service": wanted.service,
            "kind": wanted.kind,
            "detail": wanted.detail if detail is None else detail,
        }
        noted |= {name: getattr(counts, name) for name in _COUNTS}
        store.insert("reference_versions", _VERSION_COLUMNS, [[noted[column] for column in _VERSION_COLUMNS]])
    return counts


def list_sets(store: Store, *, project: str, name: str = "") -> list[ReferenceSet]:
    """The project's sets, newest first. Raises StoreError."""
    rows = store.rows(_sql("reference_sets"), {"project": project, "name": name})
    return [_set(project, row) for row in rows]


def list_versions(store: Store, *, project: str, name: str) -> list[dict[str, Any]]:
    """Rows of reference_versions.sql: every version that was frozen of a set, newest first. Raises StoreError."""
    return store.rows(_sql("reference_versions"), {"project": project, "name": name})


def list_checks(store: Store, *, project: str, name: str) -> list[dict[str, Any]]:
    """Rows of reference_checks.sql at 5 %: how often a set's own windows alarmed. Raises StoreError."""
    return store.rows(_sql("reference_checks"), {"project": project, "name": name, "level": CHECK_LEVEL})


def find_set(store: Store, *, project: str, name: str) -> ReferenceSet:
    """One set. Raises NotFound, StoreError."""
    found = list_sets(store, project=project, name=name) if name else []
    if not found:
        raise NotFound(f"expected a reference set of project {project!r}, got no such name: {name!r}")
    return found[0]


def delete_set(store: Store, *, project: str, name: str) -> None:
    """Forget the name and its copies; findings made with it stay. Raises NotFound, StoreError."""
    found = find_set(store, project=project, name=name)
    _write(store, found, version=found.version, is_deleted=True)
    for table in ("reference_texts", "reference_versions", "reference_checks"):
        store.command(
            f"DELETE FROM {table} WHERE project = {{project:String}} AND name = {{name:String}}",
            {"project": project, "name": name},
        )


def adopt_set(store: Store, found: ReferenceSet) -> ReferenceSet:
    """Freeze a set of an earlier build, or one whose copying was cut short, as it is. Raises StoreError."""
    version = max(1, found.version)
    freeze(
        store,
        found,
        version=str(version),
        pinned_by=found.pinned_by,
        pinned_value=found.pinned_value,
        to_time=found.to_time,
    )
    if found.version != version:
        _write(store, found, version=version, is_deleted=False)
    return find_set(store, project=found.project, name=found.name)


def _check(wanted: ReferenceSet) -> None:
    if not _NAME.fullmatch(wanted.name):
        raise InputError(f"expected a name of letters, digits, '.', '_' and '-', at most 100 long, got {wanted.name!r}")
    if wanted.name == "trailing":
        raise InputError("expected a name other than 'trailing', which means: no reference set")
    if not wanted.service:
        raise InputError("expected the name of a service, got an empty one")
    if wanted.from_time.tzinfo is None or wanted.to_time.tzinfo is None:
        raise InputError("expected times with a time zone, got naive ones")
    if not wanted.from_time < wanted.to_time:
        raise InputError(
            f"expected from_time before to_time, got {wanted.from_time.isoformat()} and {wanted.to_time.isoformat()}"
        )
    if wanted.segment_by and not _SEGMENT_BY.fullmatch(wanted.segment_by):
        raise InputError(
            f"expected a column that calls can be divided by, such as model or metadata.tenant, got {wanted.segment_by!r}"
        )
    if wanted.kind in ("version", "previous_release") and wanted.pinned_by not in PINNABLE:
        raise InputError(
            f"expected one of {', '.join(PINNABLE)} for a {wanted.kind} reference, got {wanted.pinned_by!r}"
        )
    if wanted.kind == "version" and not wanted.pinned_value:
        raise InputError(f"expected the value of {wanted.pinned_by} that is pinned, got an empty one")


def _check_rows(golden: Sequence[GoldenRow], *, n_before: int) -> None:
    if not golden or n_before + len(golden) > MAX_CALLS:
        raise InputError(f"expected 1 to {MAX_CALLS} rows of a golden set, got {n_before + len(golden)}")
    for number, row in enumerate(golden, start=1 + n_before):
        if not row.prompt.strip() and not row.completion.strip():
            raise InputError(f"expected a prompt or a completion in row {number} of the golden set, got neither")


def _take_upload(store: Store, wanted: ReferenceSet, version: str, upload: str) -> None:
    filing = {"project": wanted.project, "name": wanted.name}
    taken = filing | {"version": version, "segment_by": wanted.segment_by, "segment": wanted.segment, "upload": upload}
    store.command(_sql("take_upload"), taken)
    store.command(
        "DELETE FROM reference_texts WHERE project = {project:String} AND name = {name:String} AND startsWith(version, 'upload/')",
        filing,
    )


def _insert_golden(
    store: Store, wanted: ReferenceSet, version: str, golden: Sequence[GoldenRow], *, n_before: int = 0
) -> None:
    columns = (
        "project", "name", "version", "segment_by", "segment", "kind", "start_time", "trace_id", "span_id", "session_id", "model",
        "prompt_version", "user_id", "metadata", "prompt", "completion", "documents",
    )  # fmt: skip
    rows: list[Sequence[Any]] = []
    for number, row in enumerate(golden, start=n_before):
        digest = hashlib.sha256(f"{wanted.project}\x1f{wanted.name}\x1f{version}\x1f{number}".encode()).digest()
        filed = (wanted.project, wanted.name, version, wanted.segment_by, wanted.segment)
        start = _FIRST_ROW + timedelta(seconds=number)
        ids = (digest[:16], digest[16:24], row.session)
        labels = (row.model, row.prompt_version, row.user_id, dict(row.metadata))
        rows.append((*filed, "llm", start, *ids, *labels, row.prompt, row.completion, []))
        if row.documents:
            ids = (digest[:16], digest[24:32], row.session)
            rows.append((*filed, "retrieval", start, *ids, *labels, row.prompt, "", list(row.documents)))
    store.insert("reference_texts", columns, rows)


def _write(store: Store, written: ReferenceSet, *, version: int, is_deleted: bool) -> None:
    row = (
        written.project,
        written.name,
        written.kind,
        version,
        written.service,
        written.segment if written.segment_by == "model" else "",
        written.segment_by,
        written.segment,
        written.pinned_by,
        written.pinned_value,
        written.from_time.astimezone(UTC),
        written.to_time.astimezone(UTC),
        written.description,
        int(is_deleted),
    )
    store.insert("reference_sets", _SET_COLUMNS, [row])


def _moment(time: datetime) -> str:
    """As a parameter, to the millisecond: a datetime would be bound to the second."""
    return time.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]


def _set(project: str, row: Mapping[str, Any]) -> ReferenceSet:
    by = row["segment_by"] or ("model" if row["model"] else "")
    return ReferenceSet(
        project=project,
        name=row["name"],
        kind=row["kind"] or "range",
        version=row["version"],
        service=row["service"],
        segment_by=by,
        segment=row["segment"] or row["model"],
        pinned_by=row["pinned_by"],
        pinned_value=row["pinned_value"],
        from_time=MIN_TIME + timedelta(milliseconds=row["from_ms"]),
        to_time=MIN_TIME + timedelta(milliseconds=row["to_ms"]),
        description=row["description"],
        created_at=row["created_at"].replace(tzinfo=UTC),
        frozen=_counts(row) if row["is_frozen"] else None,
    )


def _counts(row: Mapping[str, Any]) -> FrozenCounts:
    return FrozenCounts(
        n_calls=row["n_calls"],
        n_blocks=row["n_blocks"],
        n_prompts=row["n_prompts"],
        n_completions=row["n_completions"],
        n_retrievals=row["n_retrievals"],
        first_time=row["first_time"].replace(tzinfo=UTC),
        last_time=row["last_time"].replace(tzinfo=UTC),
    )


@cache
def _sql(name: str) -> str:
    return (files("driftline_core") / "sql" / f"{name}.sql").read_text(encoding="utf-8")
