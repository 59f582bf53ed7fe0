"""`driftline replay-mapping` and `driftline dialects check`, as a person runs them."""

import json
from pathlib import Path

import pytest

from driftline_cli.lock import DataDirLock
from tests.cli.conftest import Run

EXAMPLE = Path(__file__).parents[2] / "docs" / "dialects_example.yaml"
N_CALLS = 6


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("replay") / "data"


@pytest.fixture
def filled(data_dir: Path, driftline: Run, tmp_path: Path) -> Path:
    """A data directory with a few imported calls; importing them again adds nothing."""
    log = tmp_path / "log.jsonl"
    lines = [
        {"prompt": f"Why {n}?", "completion": "Because.", "time": f"2026-11-20T0{n}:00:00Z"} for n in range(N_CALLS)
    ]
    log.write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    arguments = ("--service", "bot", "--model", "m", "--embedded", "--data-dir", str(data_dir))
    done = driftline("import", str(log), *arguments)
    assert done.returncode == 0, done.stderr
    return data_dir


def test_a_replay_says_what_it_did_and_skips_what_is_done(filled: Path, driftline: Run) -> None:
    def replay(*arguments: str) -> dict[str, object]:
        done = driftline("replay-mapping", "--data-dir", str(filled), "--json", *arguments)
        assert done.returncode == 0, done.stderr
        report: dict[str, object] = json.loads(done.stdout)
        return report

    first = replay()
    assert (first["spans"], first["spans_skipped"], first["written"], first["removed"]) == (0, N_CALLS, 0, 0)
    own = replay("--dialects", str(EXAMPLE), "--dry-run")
    assert (own["spans"], own["written"], own["is_dry_run"]) == (N_CALLS, 0, True)
    own = replay("--dialects", str(EXAMPLE), "--from", "2026-11-20T02:00:00Z", "--to", "2026-11-20T05:00:00Z")
    assert (own["spans"], own["written"], own["removed"], own["dialects"]) == (3, 3, 0, {"otel-genai": 3})
    rest = replay()
    assert rest["mapping"] == first["mapping"] != own["mapping"]
    assert rest["spans"] == N_CALLS


def test_a_data_directory_in_use_is_left_alone(tmp_path: Path, driftline: Run) -> None:
    with DataDirLock(tmp_path, command="up"):
        done = driftline("replay-mapping", "--data-dir", str(tmp_path))
    assert done.returncode == 1
    assert "is in use by `driftline up`" in done.stderr


def test_an_empty_range_is_refused(tmp_path: Path, driftline: Run) -> None:
    done = driftline("replay-mapping", "--data-dir", str(tmp_path), "--from", "2026-11-20", "--to", "2026-11-20")
    assert done.returncode == 1
    assert "expected --to after --from" in done.stderr


def test_a_dialect_file_is_checked(tmp_path: Path, driftline: Run) -> None:
    done = driftline("dialects", "check", str(EXAMPLE), "--json")
    assert done.returncode == 0, done.stderr
    added = json.loads(done.stdout)["added"]
    assert added["recognise"] == ["dialect: acme, keys: ['acme.call.id']"]
    assert added["fields.request_model"] == ["acme.model"]
    assert set(added) == {
        "recognise", "kinds", "fields.request_model", "fields.input_tokens", "fields.output_tokens",
        "messages.input_messages", "messages.output_messages",
    }  # fmt: skip
    wrong = tmp_path / "own.yaml"
    wrong.write_text("fields: {modl: [a]}", encoding="utf-8")
    done = driftline("dialects", "check", str(wrong))
    assert done.returncode == 1
    assert done.stderr.startswith("driftline: expected a field of operation, ")
    assert done.stderr.rstrip().endswith(f"in {wrong}, got 'modl'")
