"""Files of every kind, whole and broken."""

import gzip
from pathlib import Path

import pyarrow
import pyarrow.parquet
import pytest

from driftline_cli.importing.readers import read_rows
from driftline_core.errors import InputError


def test_bad_json_lines_are_rows_with_a_problem_and_their_line(tmp_path: Path) -> None:
    log = tmp_path / "log.jsonl"
    log.write_bytes(b'{"a": 1}\n\nnot json\n[1]\n{"a": "\xff"}\n{"a": 2}')
    rows = list(read_rows(log))
    assert [(row.line, dict(row.values)) for row in rows if not row.problem] == [(1, {"a": 1}), (6, {"a": 2})]
    assert {row.line: row.problem.split(",")[0] for row in rows if row.problem} == {
        3: "expected a JSON object",
        4: "expected a JSON object",
        5: "expected UTF-8 text",
    }


def test_a_gzipped_log_reads_like_a_plain_one(tmp_path: Path) -> None:
    log = tmp_path / "log.jsonl.gz"
    log.write_bytes(gzip.compress(b'{"a": 1}\n{"a": 2}\n'))
    assert [row.values["a"] for row in read_rows(log)] == [1, 2]


def test_a_broken_gzip_stream_is_an_input_error(tmp_path: Path) -> None:
    log = tmp_path / "log.jsonl.gz"
    log.write_bytes(gzip.compress(b'{"a": 1}\n' * 1000)[:-20])
    with pytest.raises(InputError, match="expected gzip data"):
        list(read_rows(log))


def test_csv_cells_keep_newlines_and_short_rows_are_problems(tmp_path: Path) -> None:
    log = tmp_path / "log.csv"
    log.write_bytes(b'\xef\xbb\xbfprompt,completion\n"a\nb",c\nonly\nx,\xff\ny,z\n')
    rows = list(read_rows(log))
    assert [(row.line, dict(row.values)) for row in rows if not row.problem] == [
        (2, {"prompt": "a\nb", "completion": "c"}),
        (6, {"prompt": "y", "completion": "z"}),
    ]
    assert [(row.line, row.problem) for row in rows if row.problem] == [
        (4, "expected 2 columns, got 1"),
        (5, "expected UTF-8 text, got other bytes"),
    ]


def test_parquet_rows_are_counted_from_one(tmp_path: Path) -> None:
    log = tmp_path / "log.parquet"
    pyarrow.parquet.write_table(pyarrow.table({"prompt": ["a", "b"], "n": [1, None]}), log)
    rows = list(read_rows(log))
    assert [(row.line, dict(row.values)) for row in rows] == [
        (1, {"prompt": "a", "n": 1}),
        (2, {"prompt": "b", "n": None}),
    ]


def test_a_file_that_only_claims_to_be_parquet_is_an_input_error(tmp_path: Path) -> None:
    log = tmp_path / "log.parquet"
    log.write_bytes(b"no")
    with pytest.raises(InputError, match="expected a Parquet file"):
        list(read_rows(log))


@pytest.mark.parametrize("name", ["log.txt", "log", "log.parquet.gz"])
def test_an_unknown_kind_of_file_is_refused_by_name(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("x")
    with pytest.raises(InputError, match=f"got {name}"):
        list(read_rows(tmp_path / name))


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="which is not one"):
        list(read_rows(tmp_path / "log.jsonl"))
