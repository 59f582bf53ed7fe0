"""Rows of a log file: JSONL, CSV (both also gzipped) or Parquet. A row that cannot be read is a row with a problem, not an exception."""

import csv
import gzip
import hashlib
import io
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final

import pyarrow.lib
import pyarrow.parquet

from driftline_core.errors import InputError

_JSONL: Final = (".jsonl", ".ndjson")
_PARQUET_BATCH_ROWS: Final = 1024
_MAX_FIELD_BYTES: Final = 64 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class RawRow:
    """One row as it stands in the file. line: 1 for the first line of the file (CSV's header included; Parquet counts rows).

    values: by column, empty when problem says why it could not be read. offset: bytes of the file read so far.
    """

    line: int
    values: Mapping[str, Any]
    problem: str = ""
    offset: int = 0


def read_rows(path: Path) -> Iterator[RawRow]:
    """Every row of the file, in order. Raises InputError when the file is not there or of no known kind."""
    kind = path.with_suffix("").suffix if path.suffix == ".gz" else path.suffix
    if not path.is_file():
        raise InputError(f"expected a file to import, got {path}, which is not one")
    if kind in _JSONL:
        return _read_jsonl(path)
    if kind == ".csv":
        return _read_csv(path)
    if kind == ".parquet" and path.suffix != ".gz":
        return _read_parquet(path)
    raise InputError(
        f"expected a file named .jsonl, .ndjson, .csv (or one of these with .gz) or .parquet, got {path.name}"
    )


def sha256_of(path: Path) -> bytes:
    """SHA-256 of the file's bytes as they are on disk."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").digest()


def _read_jsonl(path: Path) -> Iterator[RawRow]:
    with path.open("rb") as file, _decompressed(path, file) as lines:
        try:
            for number, line in enumerate(lines, start=1):
                if line.strip():
                    yield _json_row(number, line, file.tell())
        except (gzip.BadGzipFile, EOFError) as error:
            raise InputError(f"expected gzip data in {path.name}, got a broken stream: {error}") from error


def _json_row(number: int, line: bytes, offset: int) -> RawRow:
    try:
        values = json.loads(line)
    except UnicodeDecodeError:
        return RawRow(line=number, values={}, problem="expected UTF-8 text, got other bytes", offset=offset)
    except ValueError as error:
        return RawRow(
            line=number,
            values={},
            problem=f"expected a JSON object, got a line that is not JSON: {error}",
            offset=offset,
        )
    if not isinstance(values, dict):
        problem = f"expected a JSON object, got {type(values).__name__}"
        return RawRow(line=number, values={}, problem=problem, offset=offset)
    return RawRow(line=number, values=values, offset=offset)


def _read_csv(path: Path) -> Iterator[RawRow]:
    csv.field_size_limit(_MAX_FIELD_BYTES)
    with path.open("rb") as file, _decompressed(path, file) as raw:
        text = io.TextIOWrapper(raw, encoding="utf-8-sig", errors="surrogateescape", newline="")
        reader = csv.reader(text, strict=False)
        header = next(reader, None)
        if header is None:
            raise InputError(f"expected a header line in {path.name}, got an empty file")
        line = reader.line_num + 1
        for cells in reader:
            at, line = line, reader.line_num + 1
            if not cells:
                continue
            problem = ""
            if len(cells) != len(header):
                problem = f"expected {len(header)} columns, got {len(cells)}"
            elif any("\udc80" <= character <= "\udcff" for cell in cells for character in cell):
                problem = "expected UTF-8 text, got other bytes"
            values = {} if problem else dict(zip(header, cells, strict=True))
            yield RawRow(line=at, values=values, problem=problem, offset=file.tell())


def _read_parquet(path: Path) -> Iterator[RawRow]:
    size = path.stat().st_size
    try:
        with pyarrow.parquet.ParquetFile(path) as file:
            n_rows, number = max(1, file.metadata.num_rows), 0
            for batch in file.iter_batches(batch_size=_PARQUET_BATCH_ROWS):
                for values in batch.to_pylist():
                    number += 1
                    yield RawRow(line=number, values=values, offset=size * number // n_rows)
    except pyarrow.lib.ArrowException as error:
        raise InputError(f"expected a Parquet file, got {path.name}, which does not read as one: {error}") from error


def _decompressed(path: Path, file: IO[bytes]) -> IO[bytes]:
    return gzip.GzipFile(fileobj=file) if path.suffix == ".gz" else file  # type: ignore[return-value]  # GzipFile reads like one
