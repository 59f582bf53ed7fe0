"""`driftline up`: starts, says where it is, stops clean; commands around it."""

import json
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.cli.conftest import Run
from tests.cli.service import ANY_PORTS, UpProcess


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[UpProcess]:
    """A running service for the tests that only look at it."""
    with UpProcess(tmp_path_factory.mktemp("up") / "data", *ANY_PORTS) as process:
        yield process


def test_the_ready_line_names_every_address(up: UpProcess) -> None:
    assert up.ready["event"] == "ready"
    assert up.ready["pid"] == up.process.pid
    assert up.ready["prometheus"] == up.ready["api"] + "/prometheus"
    for key in ("otlp_http", "otlp_grpc", "api"):
        port = int(up.ready[key].rpartition(":")[2])
        with socket.create_connection(("127.0.0.1", port), timeout=5):
            pass


def test_every_part_is_well(up: UpProcess, driftline: Run) -> None:
    done = driftline("status", "--url", up.ready["api"], "--json")
    assert done.returncode == 0, done.stderr
    status = json.loads(done.stdout)
    assert status["is_ready"] is True
    parts = {part["name"]: part["is_ok"] for part in status["services"]}
    assert parts.keys() >= {"store", "collector", "rollup", "prices", "alerts"}
    assert all(parts.values())
    assert status["firing"] == []
    assert status["last_analysis"] is None


def test_status_reads_like_prose_for_people(up: UpProcess, driftline: Run) -> None:
    done = driftline("status", "--url", up.ready["api"])
    assert done.returncode == 0
    assert "alerts firing: none" in done.stdout
    assert "last analysis: none yet" in done.stdout


def test_an_imported_log_becomes_a_reference_set(up: UpProcess, driftline: Run, tmp_path: Path) -> None:
    log = tmp_path / "log.jsonl"
    rows = [{"question": f"q {n}", "answer": f"a {n}", "time": f"2026-11-01T10:00:{n:02d}Z"} for n in range(30)]
    log.write_text("".join(json.dumps(row) + "\n" for row in rows))
    done = driftline("import", str(log), "--endpoint", up.ready["otlp_http"], "--service", "past", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["sent"] == 30
    where = ("--url", up.ready["api"], "--json")
    with httpx.Client(base_url=up.ready["api"], trust_env=False) as api:
        while len(api.get("/api/v1/generations", params={"service": "past", "limit": 50}).json()["items"]) < 30:
            pass
    span = ("--service", "past", "--from", "2026-11-01T10:00:00Z", "--to", "2026-11-01T11:00:00Z")
    created = driftline("references", "create", "baseline", *span, *where)
    assert created.returncode == 0, created.stderr
    assert json.loads(created.stdout)["n_completions"] == 30
    golden = driftline("references", "create", "baseline", "--service", "past", "--golden", str(log), *where)
    assert golden.returncode == 0, golden.stderr
    made = json.loads(golden.stdout)
    assert (made["version"], made["kind"], made["n_prompts"], made["is_too_small"]) == (2, "golden", 30, True)
    both = driftline(
        "references", "create", "x", "--service", "past", "--golden", str(log), "--pin", "release=1", *where
    )
    assert both.returncode == 1
    assert "--pin and --golden" in both.stderr
    listed = json.loads(driftline("references", "list", *where).stdout)
    assert [item["name"] for item in listed["items"]] == ["baseline"]
    for_people = driftline("references", "list", "--url", up.ready["api"])
    assert "baseline@2" in for_people.stdout
    assert "too small" in for_people.stdout
    assert driftline("references", "delete", "baseline", *where).returncode == 0
    assert json.loads(driftline("references", "list", *where).stdout)["items"] == []


def test_a_held_data_directory_is_refused_with_its_holder(up: UpProcess, driftline: Run) -> None:
    for command in (("analyze",), ("migrate",), ("up", *ANY_PORTS)):
        done = driftline(*command, "--data-dir", up.ready["data_dir"])
        assert done.returncode == 1
        assert f"in use by `driftline up` (pid {up.process.pid})" in done.stderr
        assert "Traceback" not in done.stderr


def test_a_taken_port_is_named_before_anything_starts(up: UpProcess, driftline: Run, tmp_path: Path) -> None:
    port = up.ready["api"].rpartition(":")[2]
    done = driftline(
        "up", "--http-port", "0", "--grpc-port", "0", "--port", port, "--data-dir", str(tmp_path / "other")
    )
    assert done.returncode == 1
    assert f"port {port} on 127.0.0.1 is in use" in done.stderr
    assert "--port" in done.stderr
    assert not (tmp_path / "other").exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_it_clean(tmp_path: Path, number: int) -> None:
    with UpProcess(tmp_path / "data", *ANY_PORTS) as process:
        code, said = process.end(number)
        assert code == 0
        assert [record["event"] for record in said] == ["stopped"]
        assert process.errors() == ""


def test_a_store_without_service_is_migrated_and_analysed(tmp_path: Path, driftline: Run) -> None:
    data_dir = str(tmp_path / "data")
    first = json.loads(driftline("migrate", "--data-dir", data_dir, "--json").stdout)
    assert "0001_spans" in first["applied"]
    assert json.loads(driftline("migrate", "--data-dir", data_dir, "--json").stdout) == {"applied": []}
    report = json.loads(driftline("analyze", "--data-dir", data_dir, "--json").stdout)
    assert report["windows"] == 0
    assert report["is_complete"] is True
    assert (report["scoring"]["calls"], report["scoring"]["is_complete"]) == (0, True)
