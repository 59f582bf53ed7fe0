"""The ingest ledger over HTTP: the project's own minutes, whole minutes, a range that is bounded."""

from datetime import timedelta

from fastapi.testclient import TestClient

from driftline_core.store import Store
from tests.api.records import NOON

_MINUTE = NOON.replace(second=0, microsecond=0) - timedelta(minutes=10)
_COUNTS = ("project", "signal", "minute", "outcome", "reason", "source", "requests", "items", "version")
_LEDGER = ("project", "signal", "minute", "frame", "outcome", "n_acknowledged", "n_stored")


def _fill(store: Store, *, project: str = "default") -> None:
    counts = [
        ("traces", "kept", "", "boot", 3, 60, 1),
        ("traces", "kept", "", "boot", 4, 100, 2),  # the newer total of the same process
        ("traces", "duplicate", "", "boot", 1, 20, 1),
        ("traces", "rejected", "invalid_ids", "boot", 0, 5, 1),
        ("traces", "rejected", "malformed", "boot", 2, 0, 1),
        ("traces", "waiting", "", "spool", 1, 10, 1),
        ("logs", "kept", "", "boot", 1, 8, 1),
    ]
    rows = [(project, signal, _MINUTE, *rest) for signal, *rest in counts]
    store.insert("ingest_counts", _COUNTS, rows)
    ends = [("traces", 1, "stored", 60, 60), ("traces", 2, "dead_lettered", 29, 0), ("traces", 3, "retried", 1, 0)]
    store.insert("ingest_ledger", _LEDGER, [(project, signal, _MINUTE, *rest) for signal, *rest in ends])


def test_the_ledger_gives_each_minute_with_its_sum(client: TestClient, store: Store) -> None:
    _fill(store)
    _fill(store, project="other")
    body = client.get("/api/v1/ledger").json()
    logs, traces = body["items"]
    assert traces == {
        "signal": "traces",
        "minute": _MINUTE.isoformat().replace("+00:00", "Z"),
        "received": 125,
        "stored": 60,
        "duplicate": 20,
        "rejected": [
            {"reason": "invalid_ids", "items": 5, "requests": 0},
            {"reason": "malformed", "items": 0, "requests": 2},
        ],
        "dead_lettered": 29,
        "retried": 1,
        "waiting": 10,
        "is_balanced": True,
    }
    assert (logs["received"], logs["stored"], logs["is_balanced"]) == (8, 0, False)
    assert body["is_balanced"] is False
    assert client.get("/api/v1/ledger", params={"signal": "traces"}).json()["is_balanced"] is True
    assert client.get("/api/v1/ledger", params={"project": "nobody"}).json() == {"is_balanced": True, "items": []}


def test_a_range_is_widened_to_whole_minutes_and_bounded(client: TestClient, store: Store) -> None:
    _fill(store)
    within = {
        "from": (_MINUTE + timedelta(seconds=20)).isoformat(),
        "to": (_MINUTE + timedelta(seconds=30)).isoformat(),
    }
    assert len(client.get("/api/v1/ledger", params=within).json()["items"]) == 2
    after = {"from": (_MINUTE + timedelta(minutes=1)).isoformat()}
    assert client.get("/api/v1/ledger", params=after).json()["items"] == []
    answer = client.get("/api/v1/ledger", params={"from": (NOON - timedelta(days=2)).isoformat()})
    assert answer.status_code == 400
    assert "at most 24 hours" in answer.json()["detail"]
    assert client.get("/api/v1/ledger", params={"signal": "profiles"}).status_code in (400, 422)
