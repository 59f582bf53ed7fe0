"""A log file from its first byte to the collector's last acknowledgement."""

import itertools
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Final

from driftline_cli.importing.calls import ImportedCall, read_call
from driftline_cli.importing.columns import ColumnMap, lookup, map_columns
from driftline_cli.importing.otlp import encode_calls
from driftline_cli.importing.readers import RawRow, read_rows, sha256_of
from driftline_cli.importing.sender import OtlpSender
from driftline_cli.importing.times import Spread, plan_spread
from driftline_core.errors import InputError

_SAMPLE_ROWS: Final = 200
_BATCH_ROWS: Final = 512
_BATCH_CHARACTERS: Final = 2_000_000
_SHOWN_REJECTIONS: Final = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportOptions:
    """What to import and what it means. named, constants: see columns.map_columns; filters: column -> value a row must have;
    join: a second file and the column that both share, whose columns are added to each row."""

    path: Path
    named: Mapping[str, str] = field(default_factory=dict)
    constants: Mapping[str, str] = field(default_factory=dict)
    filters: Mapping[str, str] = field(default_factory=dict)
    join: tuple[Path, str] | None = None
    start: datetime | None = None
    end: datetime | None = None
    spacing: timedelta | None = None
    is_strict: bool = False
    rejected_path: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejection:
    """A row that was not imported: its line in the file and why."""

    line: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportPlan:
    """What will happen, settled before anything is sent. spread is None when the log has times; n_rows is None when not counted."""

    options: ImportOptions
    columns: ColumnMap
    file_hash: bytes
    size_bytes: int
    spread: Spread | None
    n_rows: int | None
    joined: Mapping[str, Mapping[str, Any]]


@dataclass(slots=True, kw_only=True)
class ImportReport:
    """What happened. rows = sent + rejected; sent: acknowledged by the collector; skipped: rows that a filter left out."""

    rows: int = 0
    sent: int = 0
    rejected: int = 0
    skipped: int = 0
    batches: int = 0
    retries: int = 0
    first_ns: int | None = None
    last_ns: int | None = None
    rejections: list[Rejection] = field(default_factory=list)
    rejected_path: Path | None = None

    def as_json(self) -> dict[str, Any]:
        """The report for scripts; times as RFC 3339."""
        return {
            "rows": self.rows,
            "sent": self.sent,
            "rejected": self.rejected,
            "skipped": self.skipped,
            "batches": self.batches,
            "retries": self.retries,
            "first_time": _iso(self.first_ns),
            "last_time": _iso(self.last_ns),
            "rejections": [{"line": item.line, "reason": item.reason} for item in self.rejections],
            "rejected_file": str(self.rejected_path) if self.rejected_path else None,
        }


def plan_import(options: ImportOptions) -> ImportPlan:
    """Find the columns, hash the file, settle the times. Raises InputError when the file or the flags cannot mean anything."""
    joined = _load_join(options.join) if options.join else {}
    good = (row for row in _selected(options, joined) if row is not None and not row.problem)
    sample = [row.values for row in itertools.islice(good, _SAMPLE_ROWS)]
    if not sample:
        chosen = " that the filter lets through" if options.filters else ""
        raise InputError(f"expected rows in {options.path.name}{chosen}, got none that can be read")
    columns = map_columns(sample, named=options.named, constants=options.constants)
    has_times = "time" in columns.columns or "time" in columns.constants
    if has_times and (options.start or options.end or options.spacing):
        raise InputError("expected either a time column or --start, --end, --spacing, got both; drop one")
    n_rows, spread = None, None
    if not has_times:
        n_rows = sum(row is not None for row in _selected(options, joined))
        modified = datetime.fromtimestamp(options.path.stat().st_mtime, tz=UTC)
        spread = plan_spread(
            n_rows=n_rows, start=options.start, end=options.end, spacing=options.spacing, fallback_end=modified
        )
    return ImportPlan(
        options=options,
        columns=columns,
        file_hash=sha256_of(options.path),
        size_bytes=options.path.stat().st_size,
        spread=spread,
        n_rows=n_rows,
        joined=joined,
    )


def run_import(plan: ImportPlan, sender: OtlpSender, *, progress: Callable[[int, ImportReport], None]) -> ImportReport:
    """Send every good row. progress: called after each batch with the bytes of the file read so far.

    Raises InputError at the first bad row when the options are strict, DeliveryError when the collector takes no more.
    """
    report = ImportReport()
    with _RejectedFile(plan.options) as rejected:
        batch: list[ImportedCall] = []
        n_characters, offset = 0, 0
        for row in _selected(plan.options, plan.joined):
            if row is None:
                report.skipped += 1
                continue
            spread_ns = plan.spread.time_ns(report.rows) if plan.spread is not None else None
            report.rows += 1
            try:
                call = read_call(row, plan.columns, file_hash=plan.file_hash, spread_ns=spread_ns)
            except InputError as error:
                if plan.options.is_strict:
                    raise InputError(f"{plan.options.path.name}:{row.line}: {error}") from error
                rejected.add(row, str(error), report)
                continue
            report.first_ns = call.start_ns if report.first_ns is None else min(report.first_ns, call.start_ns)
            report.last_ns = call.start_ns if report.last_ns is None else max(report.last_ns, call.start_ns)
            batch.append(call)
            offset = row.offset
            n_characters += sum(len(str(message)) for message in (*call.input_messages, *call.output_messages))
            if len(batch) >= _BATCH_ROWS or n_characters >= _BATCH_CHARACTERS:
                _send(batch, sender, report)
                progress(offset, report)
                batch, n_characters = [], 0
        if batch:
            _send(batch, sender, report)
        progress(plan.size_bytes, report)
        report.rejected_path = rejected.path
    report.retries = sender.n_retries
    return report


def _send(batch: list[ImportedCall], sender: OtlpSender, report: ImportReport) -> None:
    n_refused, reason = sender.send(encode_calls(batch))
    report.sent += len(batch) - n_refused
    report.rejected += n_refused
    report.batches += 1
    if n_refused and len(report.rejections) < _SHOWN_REJECTIONS:
        report.rejections.append(
            Rejection(line=0, reason=f"the collector rejected {n_refused} rows of a batch: {reason}")
        )


def _selected(options: ImportOptions, joined: Mapping[str, Mapping[str, Any]]) -> Iterator[RawRow | None]:
    """The file's rows with the joined columns added; None for a row that a filter leaves out. Rows that cannot be read stay."""
    join_column = options.join[1] if options.join else None
    for row in read_rows(options.path):
        if row.problem:
            yield row
        elif all(str(lookup(row.values, column)) == value for column, value in options.filters.items()):
            if join_column is not None:
                other = joined.get(str(lookup(row.values, join_column)), {})
                yield RawRow(line=row.line, values={**other, **row.values}, offset=row.offset)
            else:
                yield row
        else:
            yield None


def _load_join(join: tuple[Path, str]) -> dict[str, Mapping[str, Any]]:
    path, column = join
    rows = {}
    for row in read_rows(path):
        key = lookup(row.values, column)
        if row.problem or key is None:
            reason = row.problem or f"expected a column {column!r}, got none"
            raise InputError(f"{path.name}:{row.line}: {reason}")
        rows[str(key)] = row.values
    return rows


class _RejectedFile:
    """Rows that were not imported, beside the log as JSON lines of {line, reason, row}; made at the first one. A context manager."""

    def __init__(self, options: ImportOptions) -> None:
        source = options.path
        self._wanted = options.rejected_path or source.with_name(source.name + ".rejected.jsonl")
        self._file: IO[str] | None = None
        self.path: Path | None = None

    def __enter__(self) -> "_RejectedFile":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file is not None:
            self._file.close()

    def add(self, row: RawRow, reason: str, report: ImportReport) -> None:
        report.rejected += 1
        if len(report.rejections) < _SHOWN_REJECTIONS:
            report.rejections.append(Rejection(line=row.line, reason=reason))
        if self._file is None:
            self._file = self._open()
        record = {"line": row.line, "reason": reason, "row": row.values or None}
        self._file.write(json.dumps(record, default=str) + "\n")

    def _open(self) -> IO[str]:
        """Beside the log, or in the working directory when that place is read-only."""
        try:
            file = self._wanted.open("w", encoding="utf-8")
            self.path = self._wanted
        except OSError:
            self.path = Path(self._wanted.name)
            file = self.path.open("w", encoding="utf-8")
        return file


def _iso(nanoseconds: int | None) -> str | None:
    if nanoseconds is None:
        return None
    return datetime.fromtimestamp(nanoseconds / 1e9, tz=UTC).isoformat().replace("+00:00", "Z")
