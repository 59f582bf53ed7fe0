"""`driftline deadletter` on files that a real collector left, and against one that runs."""

import json
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from driftline_collector import Collector, CollectorSettings
from driftline_collector.deadletter import DeadLetters
from driftline_collector.envelope import Frame, digest_of, frame_head, read_frames
from driftline_collector.letters import find_letters
from driftline_collector.otlp_json import parse_json
from driftline_collector.signals import SIGNALS
from driftline_core.store import Store
from tests.cli.conftest import Run
from tests.collector.otlp_requests import START_NS, build_request, poisoned_request, post, spans_of

StartHere = Callable[[], Collector]


@pytest.fixture
def spool(tmp_path: Path) -> Path:
    return tmp_path / "spool"


def put(spool: Path, name: str, body: bytes, *, project: str = "p", reason: str = "unreadable by the store") -> None:
    """A dead letter as the loader leaves it."""
    salt = 1
    head = frame_head(
        project=project, received_at_ns=START_NS, digest=digest_of(project, body), n_items=2, body=body, salt=salt
    )
    (frame,) = read_frames(head + body, salt=salt)
    assert isinstance(frame, Frame)
    detail = "Code: 437. DB::Exception: " + "long " * 50
    letters(spool).put(name, body, frame, signal="traces", reason=reason, detail=detail)


def letters(spool: Path) -> DeadLetters:
    """The folder as a collector has it, without a store beside it."""
    return DeadLetters(spool / "dead-letters", record=lambda _: None)


def count(store: Store, project: str) -> int:
    return int(store.scalar("SELECT count() FROM spans WHERE project = {p:String}", {"p": project}))


def test_list_shows_names_whole(driftline: Run, spool: Path) -> None:
    name = "0000000000000001-3e0233ca109e43d7-0"  # as the loader names them
    put(spool, name, build_request().SerializeToString())
    assert name in driftline("deadletter", "list", "--spool", str(spool), columns=80).stdout


def test_list_and_show_say_what_was_refused_and_why(driftline: Run, spool: Path) -> None:
    assert "no dead letters" in driftline("deadletter", "list").stdout
    request = build_request(2, name="inside", text="a secret prompt")
    put(spool, "one", request.SerializeToString())
    (spool / "dead-letters" / "odd.json").write_text("no json")
    done = driftline("deadletter", "list", "--spool", str(spool))
    assert done.returncode == 0, done.stderr
    for said in ("one", "traces", "unreadable by the store", "Code: 437", "2025-11-21T02:00:00", "2 dead letters"):
        assert said in done.stdout
    items = json.loads(driftline("deadletter", "list", "--spool", str(spool), "--json").stdout)["items"]
    assert [(item["name"], item["n_items"]) for item in items] == [("odd", 0), ("one", 2)]
    shown = driftline("deadletter", "show", "one", "--spool", str(spool)).stdout
    assert f"{spans_of(request)[0].span_id.hex()} inside" in shown
    assert "secret prompt" not in shown
    whole = json.loads(driftline("deadletter", "show", "one", "--spool", str(spool), "--json").stdout)
    assert parse_json(json.dumps(whole["request"]).encode(), SIGNALS["traces"]) == request
    unknown = driftline("deadletter", "show", "../../etc/passwd", "--spool", str(spool))
    assert unknown.returncode == 1
    assert "expected names that" in unknown.stderr


def test_export_copies_the_files_or_writes_otlp_json(driftline: Run, spool: Path, tmp_path: Path) -> None:
    request = build_request(2)
    put(spool, "one", request.SerializeToString())
    letters(spool).put_damaged("two", b"\xffbroken", signal="traces")
    done = driftline("deadletter", "export", "--all", "--to", str(tmp_path / "out"), "--spool", str(spool))
    assert done.returncode == 0, done.stderr
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"one.pb", "one.json", "two.pb", "two.json"}
    assert (tmp_path / "out" / "two.pb").read_bytes() == b"\xffbroken"
    done = driftline("deadletter", "export", "--all", "--json", "--spool", str(spool))
    assert done.returncode == 1
    assert "two.pb" in done.stderr
    (line,) = done.stdout.splitlines()
    assert parse_json(line.encode(), SIGNALS["traces"]) == request
    assert driftline("deadletter", "export", "one", "--spool", str(spool)).returncode == 1
    assert driftline("deadletter", "export", "--json", "--spool", str(spool)).returncode == 1
    assert len(find_letters(spool)) == 2


def test_a_retry_is_stored_although_the_same_bytes_were_acknowledged_before(
    driftline: Run, collector: Collector, shared_store: Store, project: str, spool: Path
) -> None:
    body = build_request(2).SerializeToString()
    assert post(collector.http_port, body, x_driftline_project=project).status == 200
    assert collector.flush(60.0)
    shared_store.command(f"DELETE FROM spans WHERE project = '{project}'")  # as if they had been refused
    put(spool, "again", body, project=project)
    endpoint = f"http://127.0.0.1:{collector.http_port}"
    done = driftline("deadletter", "retry", "again", "--spool", str(spool), "--endpoint", endpoint, "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {"retried": ["again"], "kept": []}
    assert not list((spool / "dead-letters").iterdir())
    put(spool, "again", body, project=project)  # acknowledged, then killed before the files were removed
    assert driftline("deadletter", "retry", "--all", "--spool", str(spool), "--endpoint", endpoint).returncode == 0
    assert collector.flush(60.0)
    assert count(shared_store, project) == 2


def test_what_is_refused_or_not_sent_is_kept_and_told(
    driftline: Run, collector: Collector, spool: Path, project: str
) -> None:
    put(spool, "cut", build_request(1).SerializeToString()[:-3], project=project)
    letters(spool).put_damaged("torn", b"bytes", signal="traces")
    put(spool, "gone", b"", project=project)
    (spool / "dead-letters" / "gone.pb").unlink()
    endpoint = f"http://127.0.0.1:{collector.http_port}"
    done = driftline("deadletter", "retry", "--all", "--spool", str(spool), "--endpoint", endpoint, "--json")
    assert done.returncode == 1
    why = {kept["name"]: kept["why"] for kept in json.loads(done.stdout)["kept"]}
    assert "HTTP 400" in why["cut"]
    assert "checksum" in why["torn"]
    assert "gone.pb" in why["gone"]
    away = driftline("deadletter", "retry", "cut", "--spool", str(spool), "--endpoint", "http://127.0.0.1:9", "--json")
    assert away.returncode == 1
    assert "no collector answers" in json.loads(away.stdout)["kept"][0]["why"]
    assert len(find_letters(spool)) == 3


def test_what_the_store_still_refuses_comes_back_under_another_name(
    driftline: Run, shared_store: Store, tmp_path: Path, project: str
) -> None:
    spool = tmp_path / "spool"
    collector = Collector(
        CollectorSettings(spool_path=spool, http_port=0, grpc_port=0, linger_s=0.2, linger_max_s=0.2), shared_store
    )
    collector.start()
    try:
        good = build_request(1).SerializeToString()
        for body in (poisoned_request(), good):
            assert post(collector.http_port, body, x_driftline_project=project).status == 200
        assert collector.flush(60.0)
        (before,) = find_letters(spool)
        assert collector.stats().dead_letters == 1
        assert collector.stats().dead_letters_bytes > before.n_bytes
        endpoint = f"http://127.0.0.1:{collector.http_port}"
        assert driftline("deadletter", "retry", "--all", "--spool", str(spool), "--endpoint", endpoint).returncode == 0
        deadline = time.monotonic() + 30
        while not find_letters(spool) and time.monotonic() < deadline:
            time.sleep(0.05)
        (after,) = find_letters(spool)
        assert after.name != before.name
        assert (after.n_bytes, after.project, after.reason) == (before.n_bytes, project, before.reason)
        assert count(shared_store, project) == 1
    finally:
        collector.stop(deadline_s=10)
