"""Writes rows as JSON lines and as Parquet, page by page, and says what was written."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal

import orjson

Format = Literal["jsonl", "parquet"]
FILE_OF: Final[Mapping[Format, str]] = {"jsonl": "rows.jsonl", "parquet": "rows.parquet"}
MEDIA_TYPES: Final = {"rows.jsonl": "application/x-ndjson", "rows.parquet": "application/vnd.apache.parquet"}
SCHEMA_VERSION: Final = 1
_TEXTS: Final = (
    "trace_id", "span_id", "start_time", "kind", "service", "environment", "release", "provider", "model", "prompt_name", "prompt_version",
    "session_id", "user_id", "agent_name",
)  # fmt: skip
_CONTENT: Final = ("system_prompt", "prompt", "completion", "input_messages", "output_messages")
COLUMNS: Final[Mapping[str, str]] = {
    **dict.fromkeys(_TEXTS, "text"),
    "metadata": "map of text to text",
    "is_error": "boolean",
    "input_tokens": "integer or null",
    "output_tokens": "integer or null",
    "duration_ms": "number",
    **dict.fromkeys(_CONTENT, "text"),
    "documents": "list of id, content, score: the call's own, else what its trace's retrievals had returned before it ended",
    "scores": "list of analyzer, analyzer_version, field, value, p_value, is_flagged, evidence (JSON)",
    "labels": "list of kind, name, field, value, label, comment, annotator, source, time",
}


@dataclass(slots=True, kw_only=True)
class Written:
    """What is in the rows. digest: SHA-256 of the JSON lines, in hex, whatever formats were written."""

    n_rows: int = 0
    n_flagged: int = 0
    n_labelled: int = 0
    n_with_feedback: int = 0
    first_time: str | None = None
    last_time: str | None = None
    digest: str = ""
    files: dict[str, dict[str, Any]] = field(default_factory=dict)


def write_rows(pages: Iterable[Sequence[Mapping[str, Any]]], folder: Path, formats: Sequence[Format]) -> Written:
    """Write every page to folder; holds one at a time. Raises OSError."""
    written = Written()
    digest = hashlib.sha256()
    lines = (folder / FILE_OF["jsonl"]).open("wb") if "jsonl" in formats else None
    table = _ParquetFile(folder / FILE_OF["parquet"]) if "parquet" in formats else None
    try:
        for page in pages:
            body = b"".join(orjson.dumps(row, option=orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE) for row in page)
            digest.update(body)
            if lines is not None:
                lines.write(body)
            if table is not None:
                table.write(page)
            _count(written, page)
    finally:
        if lines is not None:
            lines.close()
        if table is not None:
            table.close()
    written.digest = digest.hexdigest()
    written.files = {FILE_OF[one]: _described(folder / FILE_OF[one]) for one in formats}
    return written


def _count(written: Written, page: Sequence[Mapping[str, Any]]) -> None:
    for row in page:
        written.n_rows += 1
        written.n_flagged += any(score["is_flagged"] for score in row["scores"])
        written.n_labelled += any(label["kind"] == "label" for label in row["labels"])
        written.n_with_feedback += any(label["kind"] == "feedback" for label in row["labels"])
        written.first_time = written.first_time or row["start_time"]
        written.last_time = row["start_time"]


def _described(path: Path) -> dict[str, Any]:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256")
    return {"bytes": path.stat().st_size, "sha256": digest.hexdigest(), "media_type": MEDIA_TYPES[path.name]}


class _ParquetFile:
    """One row group a page."""

    def __init__(self, path: Path) -> None:
        import pyarrow as pa  # here: 100 ms that only an export should pay
        import pyarrow.parquet as pq

        score = pa.struct(
            [
                *((name, pa.string()) for name in ("analyzer", "analyzer_version", "field")),
                ("value", pa.float64()), ("p_value", pa.float64()), ("is_flagged", pa.bool_()), ("evidence", pa.string()),
            ]
        )  # fmt: skip
        label = pa.struct(
            [
                *((name, pa.string()) for name in ("kind", "name", "field")), ("value", pa.float64()),
                *((name, pa.string()) for name in ("label", "comment", "annotator", "source", "time")),
            ]
        )  # fmt: skip
        document = pa.struct([("id", pa.string()), ("content", pa.string()), ("score", pa.float64())])
        self._schema = pa.schema(
            [
                *((name, pa.string()) for name in _TEXTS),
                ("metadata", pa.map_(pa.string(), pa.string())), ("is_error", pa.bool_()),
                ("input_tokens", pa.int64()), ("output_tokens", pa.int64()), ("duration_ms", pa.float64()),
                *((name, pa.string()) for name in _CONTENT),
                ("documents", pa.list_(document)), ("scores", pa.list_(score)), ("labels", pa.list_(label)),
            ]
        )  # fmt: skip
        self._table = pa.Table
        self._writer = pq.ParquetWriter(path, self._schema, compression="zstd")

    def write(self, page: Sequence[Mapping[str, Any]]) -> None:
        rows = [{**row, "metadata": list(row["metadata"].items())} for row in page]
        if rows:
            self._writer.write_table(self._table.from_pylist(rows, schema=self._schema))

    def close(self) -> None:
        self._writer.close()
