"""A log through a real collector into the store."""

import csv
import gzip
import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.parquet
import pytest

from driftline_cli.importing.pipeline import ImportOptions, ImportReport, plan_import, run_import
from driftline_cli.importing.sender import OtlpSender
from driftline_collector.service import Collector
from driftline_core.errors import InputError
from driftline_core.store import Store

ROWS: list[dict[str, Any]] = [
    {
        "prompt": f"question {number}",
        "completion": f"answer {number} ✓",
        "timestamp": f"2026-11-01T10:00:{number:02d}Z",
        "model": "gpt-4o-mini",
        "session_id": f"s{number // 2}",
        "prompt_tokens": 10 + number,
    }
    for number in range(6)
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Importer:
    """Imports into a project of the test's own and reads back what arrived."""

    collector: Collector
    store: Store
    project: str

    def __call__(self, options: ImportOptions) -> ImportReport:
        with OtlpSender(f"http://127.0.0.1:{self.collector.http_port}", project=self.project) as sender:
            report = run_import(plan_import(options), sender, progress=lambda offset, report: None)
        assert self.collector.flush(30)
        return report

    def stored(self) -> list[dict[str, Any]]:
        return self.store.rows(
            "SELECT service, model, prompt, completion, session_id, input_tokens, toString(toDateTime(start_time)) AS start, "
            "is_error, error_type FROM generations FINAL WHERE project = {project:String} ORDER BY start_time",
            {"project": self.project},
        )


@pytest.fixture
def import_log(collector: Collector, shared_store: Store, project: str) -> Importer:
    return Importer(collector=collector, store=shared_store, project=project)


def write_jsonl(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def write_csv(path: Path, rows: list[dict[str, Any]]) -> Path:
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


def write_parquet(path: Path, rows: list[dict[str, Any]]) -> Path:
    typed = [{**row, "timestamp": datetime.fromisoformat(row["timestamp"])} for row in rows]
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(typed), path)
    return path


@pytest.mark.parametrize(
    ("name", "write"), [("log.jsonl", write_jsonl), ("log.csv", write_csv), ("log.parquet", write_parquet)]
)
def test_a_log_of_every_kind_arrives_with_its_values(
    import_log: Importer, tmp_path: Path, name: str, write: Any
) -> None:
    options = ImportOptions(path=write(tmp_path / name, ROWS), constants={"service": "chatbot"})
    report = import_log(options)
    assert (report.rows, report.sent, report.rejected) == (6, 6, 0)
    rows = import_log.stored()
    assert [row["prompt"] for row in rows] == [row["prompt"] for row in ROWS]
    assert rows[3] == {
        "service": "chatbot",
        "model": "gpt-4o-mini",
        "prompt": "question 3",
        "completion": "answer 3 ✓",
        "session_id": "s1",
        "input_tokens": 13,
        "start": "2026-11-01 10:00:03",
        "is_error": 0,
        "error_type": "",
    }


def test_importing_the_same_file_again_adds_nothing(import_log: Importer, tmp_path: Path) -> None:
    untimed = [{key: value for key, value in row.items() if key != "timestamp"} for row in ROWS]
    options = ImportOptions(path=write_jsonl(tmp_path / "log.jsonl", untimed))
    first = import_log(options)
    again = import_log(options)
    assert first.sent == again.sent == 6
    assert len(import_log.stored()) == 6
    n_spans = "SELECT count() FROM spans FINAL WHERE project = {project:String}"
    assert import_log.store.scalar(n_spans, {"project": import_log.project}) == 6


def test_equal_rows_of_one_file_are_all_kept(import_log: Importer, tmp_path: Path) -> None:
    options = ImportOptions(path=write_jsonl(tmp_path / "log.jsonl", [ROWS[0]] * 3))
    import_log(options)
    assert len(import_log.stored()) == 3


def test_bad_rows_are_reported_by_line_and_kept_beside_the_log(import_log: Importer, tmp_path: Path) -> None:
    log = write_jsonl(tmp_path / "log.jsonl", ROWS[:2])
    bad = [
        "not json",
        json.dumps({"timestamp": "2026-11-01T10:00:00Z"}),
        json.dumps({**ROWS[0], "timestamp": "yesterday"}),
        json.dumps({**ROWS[0], "prompt_tokens": "many"}),
        json.dumps({**ROWS[0], "prompt": "\ud800"}),
    ]
    log.write_text(log.read_text() + "\n".join(bad) + "\n")
    report = import_log(ImportOptions(path=log))
    assert (report.rows, report.sent, report.rejected) == (7, 2, 5)
    assert [rejection.line for rejection in report.rejections] == [3, 4, 5, 6, 7]
    reasons = [rejection.reason for rejection in report.rejections]
    assert "not JSON" in reasons[0]
    assert reasons[1] == "expected a prompt or a completion, got neither"
    assert "got 'yesterday'" in reasons[2]
    assert reasons[3] == "expected input_tokens as a number of 0 or more, got 'many'"
    assert "lone surrogate" in reasons[4]
    assert report.rejected_path == tmp_path / "log.jsonl.rejected.jsonl"
    kept = [json.loads(line) for line in report.rejected_path.read_text().splitlines()]
    assert [record["line"] for record in kept] == [3, 4, 5, 6, 7]
    assert kept[2]["row"]["timestamp"] == "yesterday"
    assert len(import_log.stored()) == 2


def test_strict_stops_at_the_first_bad_row(import_log: Importer, tmp_path: Path) -> None:
    log = write_jsonl(tmp_path / "log.jsonl", [ROWS[0], {**ROWS[1], "timestamp": "?"}])
    with pytest.raises(InputError, match=r"log\.jsonl:2: expected a time"):
        import_log(ImportOptions(path=log, is_strict=True))


def test_a_filter_and_a_joined_file_choose_and_complete_rows(import_log: Importer, tmp_path: Path) -> None:
    outputs = [{"model": model, "prompt_id": n, "output": f"{model} {n}"} for model in ("a", "b") for n in range(3)]
    prompts = [{"prompt_id": n, "instruction": f"instruction {n}"} for n in range(3)]
    log = tmp_path / "outputs.jsonl.gz"
    log.write_bytes(gzip.compress("".join(json.dumps(row) + "\n" for row in outputs).encode()))
    options = ImportOptions(
        path=log,
        filters={"model": "b"},
        join=(write_jsonl(tmp_path / "prompts.jsonl", prompts), "prompt_id"),
        start=datetime(2026, 11, 1, tzinfo=UTC),
        spacing=timedelta(seconds=10),
    )
    report = import_log(options)
    assert (report.rows, report.sent, report.skipped) == (3, 3, 3)
    rows = import_log.stored()
    assert [(row["prompt"], row["completion"]) for row in rows] == [(f"instruction {n}", f"b {n}") for n in range(3)]
    assert [row["start"][-2:] for row in rows] == ["00", "10", "20"]
    assert {row["service"] for row in rows} == {"imported"}


def test_completions_alone_are_enough(import_log: Importer, tmp_path: Path) -> None:
    log = write_jsonl(tmp_path / "log.jsonl", [{"output": "an answer"}])
    import_log(ImportOptions(path=log))
    assert [(row["prompt"], row["completion"]) for row in import_log.stored()] == [("", "an answer")]


def test_an_error_row_is_an_error_span(import_log: Importer, tmp_path: Path) -> None:
    log = write_jsonl(tmp_path / "log.jsonl", [{**ROWS[0], "completion": None, "error": "timeout"}])
    import_log(ImportOptions(path=log, named={"completion": "prompt_tokens"}))
    (row,) = import_log.stored()
    assert (row["is_error"], row["error_type"]) == (1, "timeout")


def test_chat_messages_become_system_and_user_turns(import_log: Importer, tmp_path: Path) -> None:
    messages = [{"role": "system", "content": "be brief"}, {"role": "user", "content": "hello"}]
    log = write_jsonl(
        tmp_path / "log.jsonl", [{"messages": messages, "response": {"role": "assistant", "content": "hi"}}]
    )
    import_log(ImportOptions(path=log))
    (row,) = import_log.stored()
    assert (row["prompt"], row["completion"]) == ("hello", "hi")


def test_times_and_a_spread_together_are_refused(tmp_path: Path) -> None:
    log = write_jsonl(tmp_path / "log.jsonl", ROWS)
    with pytest.raises(InputError, match="either a time column or --start"):
        plan_import(ImportOptions(path=log, spacing=timedelta(seconds=1)))


def test_a_log_without_readable_rows_is_refused(tmp_path: Path) -> None:
    log = tmp_path / "log.jsonl"
    log.write_text("nope\n")
    with pytest.raises(InputError, match="got none that can be read"):
        plan_import(ImportOptions(path=log))
