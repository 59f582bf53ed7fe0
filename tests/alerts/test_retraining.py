"""An alert that carries a data set: signed, with slice and evidence, and fetched by a pipeline from the API that it names."""

import hashlib
import hmac
import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from driftline_alerts.errors import RuleError
from driftline_alerts.rules import parse_rules
from driftline_alerts.service import AlertEvaluator
from driftline_alerts.settings import AlertSettings
from driftline_api.app import create_app
from driftline_api.service import ApiServer
from driftline_api.settings import ApiSettings
from driftline_core.settings import DatasetSettings
from driftline_core.store import Store
from tests.alerts.numbers import Numbers, Time, rule_file
from tests.alerts.receiver import Receiver
from tests.api.records import finding, generation, put, score, span_id, trace_id

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
SECRET = "whsec-test"
Fire = Callable[..., AbstractContextManager[AlertEvaluator]]


@pytest.fixture
def api(store: Store, tmp_path: Path) -> Iterator[ApiServer]:
    """The API on loopback over the evaluator's own folder of data sets."""
    settings = ApiSettings(port=0)
    server = ApiServer(settings, create_app(settings, store, datasets=DatasetSettings(path=tmp_path / "datasets")))
    server.start()
    yield server
    server.stop(deadline_s=5)


@pytest.fixture
def fire(store: Store, tmp_path: Path, receiver: Receiver, api: ApiServer) -> Fire:
    """Evaluates a rule that fires for service chat, with these annotations, and a label where a reference is given."""

    @contextmanager
    def fired(*annotations: str, datasets: Path | None = None, reference: str = "") -> Iterator[AlertEvaluator]:
        rules = tmp_path / "rules.yaml"
        text = rule_file().replace("driftline_no_data: hold", ", ".join(annotations))
        rules.write_text(text.replace("severity: critical", f"reference: '{reference}'"), encoding="utf-8")
        settings = AlertSettings(
            rule_paths=(rules,),
            query_offset_s=0,
            webhook_urls=(receiver.url,),
            webhook_secret=SecretStr(SECRET),
            external_url=api.url,
        )
        evaluator = AlertEvaluator(
            settings, store, Numbers(chat=5.0), Time(NOW),
            datasets=DatasetSettings(path=datasets or tmp_path / "datasets", alert_rows=50),
        )  # fmt: skip
        evaluator.evaluate_once()
        yield evaluator
        evaluator.stop(deadline_s=1)

    return fired


@pytest.fixture
def calls(store: Store) -> None:
    """Twenty calls an hour ago, of which the even ones were flagged and the third was disliked; a call of three days ago was disliked
    two hours ago, another one two days ago."""
    times = [NOW - timedelta(hours=1) + timedelta(seconds=n) for n in range(1, 21)]
    put(store, "generations", [generation(n, time=time, service="chat") for n, time in enumerate(times, start=1)])
    put(
        store,
        "scores",
        [
            score(n, time=time, p_value=None, service="chat", analyzer="grounding", is_flagged=int(n % 2 == 0))
            for n, time in enumerate(times, start=1)
        ],
    )
    put(store, "generations", [generation(n, time=NOW - timedelta(days=3), service="chat") for n in (31, 32)])
    disliked = {3: NOW - timedelta(minutes=30), 31: NOW - timedelta(hours=2), 32: NOW - timedelta(days=2)}
    put(
        store,
        "human_labels",
        [
            {
                "project": "default", "trace_id": bytes.fromhex(trace_id(n)), "span_id": bytes.fromhex(span_id(n)),
                "kind": "feedback", "name": "user_feedback", "value": -1.0, "created_at": time,
            }
            for n, time in disliked.items()
        ],
    )  # fmt: skip


def pipeline(receiver: Receiver) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """What a retraining pipeline does: check the signature over the raw body, then fetch the rows and check their hash."""
    (request,) = receiver.requests
    signed = request.headers["driftline-timestamp"].encode() + b"." + request.body
    expected = "sha256=" + hmac.new(SECRET.encode(), signed, hashlib.sha256).hexdigest()
    assert hmac.compare_digest(request.headers["driftline-signature"], expected)
    (alert,) = request.json["alerts"]
    export = alert["driftline"]["export"]
    assert alert["annotations"]["export_version"] == export["version"]
    assert httpx.get(export["url"]).json()["version"] == export["version"]
    file = export["files"]["rows.jsonl"]
    body = httpx.get(file["url"]).content
    assert hashlib.sha256(body).hexdigest() == file["sha256"]
    assert httpx.get(export["files"]["rows.parquet"]["url"]).content[:4] == b"PAR1"
    return alert, [json.loads(line) for line in body.splitlines()]


@pytest.mark.usefixtures("calls")
def test_a_signed_webhook_carries_the_calls_that_an_analyzer_flagged(fire: Fire, receiver: Receiver) -> None:
    with fire("driftline_export: grounding"):
        alert, rows = pipeline(receiver)
    assert alert["driftline"]["slice"] == {"service": "chat"}
    assert alert["driftline"]["evidence"] == {"expr": "x > 3", "value": 5.0, "finding": None}
    assert [row["trace_id"] for row in rows] == [trace_id(n) for n in range(2, 21, 2)]
    assert not [name for name in alert["annotations"] if name.startswith("driftline_")]


@pytest.mark.usefixtures("calls")
def test_feedback_takes_what_users_disliked_and_a_finding_its_window(
    fire: Fire, receiver: Receiver, store: Store
) -> None:
    with fire("driftline_export: feedback"):
        _, rows = pipeline(receiver)
        assert [row["trace_id"] for row in rows] == [trace_id(31), trace_id(3)]
    receiver.requests.clear()
    start = NOW - timedelta(hours=1)
    drifted = finding(
        7, window_start=start, window_end=start + timedelta(seconds=6), service="chat", segment_by="service"
    )
    put(store, "findings", [drifted])
    store.command("TRUNCATE TABLE alert_deliveries")
    with fire("driftline_export: 'true'", "driftline_examples: semantic_drift") as evaluator:
        alert, rows = pipeline(receiver)
        assert [row["trace_id"] for row in rows] == [trace_id(n) for n in range(1, 6)]
        assert alert["driftline"]["evidence"]["finding"]["finding_id"] == "finding-0007"
        assert "p-value 0.001" in alert["annotations"]["finding"]
        (shown,) = evaluator.alerts_payload()["alerts"]
        assert shown["annotations"]["export_version"] == alert["driftline"]["export"]["version"]


@pytest.mark.usefixtures("calls")
def test_the_window_is_that_of_the_reference_that_the_alert_is_about(
    fire: Fire, receiver: Receiver, store: Store
) -> None:
    start = NOW - timedelta(hours=1)
    ends = {"baseline": start + timedelta(seconds=6), "previous": start + timedelta(seconds=11)}
    drifted = [
        finding(n, window_start=start, window_end=end, service="chat", segment_by="service", reference=reference)
        for n, (reference, end) in enumerate(ends.items(), start=7)
    ]
    put(store, "findings", drifted)
    with fire("driftline_export: 'true'", "driftline_examples: semantic_drift", reference="baseline"):
        alert, rows = pipeline(receiver)
    assert alert["driftline"]["evidence"]["finding"]["finding_id"] == "finding-0007"
    assert [row["trace_id"] for row in rows] == [trace_id(n) for n in range(1, 6)]


@pytest.mark.usefixtures("calls")
def test_one_episode_is_one_data_set_and_a_restart_makes_the_same(
    fire: Fire, receiver: Receiver, tmp_path: Path
) -> None:
    with fire("driftline_export: 'true'", "driftline_export_for: 2h") as evaluator:
        evaluator.evaluate_once()
        alert, rows = pipeline(receiver)
    assert len(rows) == 20
    with fire("driftline_export: 'true'", "driftline_export_for: 2h") as evaluator:
        (shown,) = evaluator.alerts_payload()["alerts"]
        assert shown["annotations"]["export_version"] == alert["driftline"]["export"]["version"]
    assert len(list((tmp_path / "datasets" / "default").iterdir())) == 1


def test_the_alert_goes_out_where_no_data_set_can_be_written(fire: Fire, receiver: Receiver, tmp_path: Path) -> None:
    with fire("driftline_export: grounding") as evaluator:
        (alert,) = receiver.alerts("firing")
        assert "expected calls to export, got none" in alert["annotations"]["export_error"]
        assert alert["driftline"]["export"] is None
        assert evaluator.stats().enrichment_failures == 0


@pytest.mark.usefixtures("calls")
def test_a_disk_that_takes_nothing_is_said_and_counted(fire: Fire, receiver: Receiver, tmp_path: Path) -> None:
    blocked = tmp_path / "a-file"
    blocked.write_text("no folder")
    with fire("driftline_export: grounding", datasets=blocked) as evaluator:
        (alert,) = receiver.alerts("firing")
        assert "could not be written" in alert["annotations"]["export_error"]
        assert evaluator.stats().enrichment_failures == 1


@pytest.mark.parametrize(
    ("annotation", "expected"),
    [
        ("driftline_export: '../etc'", "expected true, false, feedback or an analyzer's name"),
        ("driftline_export: grounding, driftline_export_for: 0s", "driftline_export_for: expected more than 0"),
        ("driftline_export: grounding, driftline_export_for: soon", "driftline_export_for"),
    ],
)
def test_an_export_that_cannot_be_meant_is_refused(annotation: str, expected: str) -> None:
    text = rule_file().replace("driftline_no_data: hold", annotation)
    with pytest.raises(RuleError, match=expected):
        parse_rules(text, file="rules.yaml")
