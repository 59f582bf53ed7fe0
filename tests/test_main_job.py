"""Driftline's main job, end to end in the process that people run: SDK in, drift found, alert out; and nothing lost on the way."""

import json
import random
import subprocess
import sys
from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from driftline_cli.demo.assistant import Assistant, Retriever
from driftline_cli.demo.corpus import load_topics
from driftline_cli.demo.exporter import WeekExporter
from driftline_cli.demo.receiver import WebhookReceiver
from driftline_cli.demo.traffic import SLICES, Call
from driftline_core.clock import utc_now
from tests.cli.service import ANY_PORTS, UpProcess
from tests.collector.crash import check_kept_once, kill_under_load

N_HOURS = 10
N_CHANGED_HOURS = 3
N_SESSIONS_AN_HOUR = 20


def day_of_calls(now: datetime) -> list[Call]:
    """Hours of sessions of two turns on two slices up to the last full hour; one slice answers by prompt v2 in the last three."""
    rng = random.Random(3)
    topics = load_topics()[:4]
    retriever, assistant = Retriever(topics), Assistant(topics)
    end = now.replace(minute=0, second=0, microsecond=0)
    calls = []
    for source in SLICES[:2]:
        for number in range(N_HOURS * N_SESSIONS_AN_HOUR):
            session_start = (
                end - timedelta(hours=N_HOURS) + timedelta(minutes=60 / N_SESSIONS_AN_HOUR * number + rng.random())
            )
            is_changed = source.is_drift_planted and session_start >= end - timedelta(hours=N_CHANGED_HOURS)
            version = "v2" if is_changed else "v1"
            topic = rng.choice(topics)
            for turn in range(2):
                document = rng.choice(topic.documents)
                question = document.questions[turn].format(city="Halden", day="Monday", bike=101, number=71)
                hits = retriever.search(question, topic=topic.name)
                calls.append(
                    Call(
                        source=source,
                        start_time=session_start + timedelta(seconds=20 * turn),
                        session_id=f"{source.model}-{number}",
                        user_id="rider",
                        prompt_version=version,
                        system_prompt="",
                        question=question,
                        hits=tuple(hits),
                        answer=assistant.answer(hits, model=source.model, prompt_version=version, rng=rng),
                        retrieval_ms=20,
                        model_ms=500,
                        input_tokens=400,
                        cache_read_tokens=0,
                        output_tokens=40,
                        error_type="",
                        is_off_topic=False,
                    )
                )
    return calls


def delivered(receiver: WebhookReceiver) -> list[dict[str, Any]]:
    """Every alert that arrived."""
    return [alert for payload in receiver.payloads() for alert in payload["alerts"]]


def test_spans_of_the_real_sdk_end_in_a_delivered_drift_alert(tmp_path: Path) -> None:
    receiver = WebhookReceiver()
    receiver.start()
    quick = {"DRIFTLINE_ALERTS_INTERVAL_S": "1", "DRIFTLINE_ANALYZERS_N_PERMUTATIONS": "499"}
    arguments = (*ANY_PORTS, "--webhook", receiver.url, "--analysis-interval", "1")
    try:
        with UpProcess(tmp_path / "data", *arguments, environment=quick) as up:
            calls = day_of_calls(utc_now())
            with WeekExporter(endpoint=up.ready["otlp_http"], seed=1) as exporter:
                for _ in exporter.send(calls):
                    pass
            n_payloads = 0
            while "DriftlineSemanticDrift" not in {alert["labels"]["alertname"] for alert in delivered(receiver)}:
                n_payloads += 1
                assert receiver.wait_for(n_payloads, timeout_s=150), up.errors()
            with httpx.Client(base_url=up.ready["api"], trust_env=False) as api:
                findings = api.get("/api/v1/findings", params={"status": "drift", "limit": 100}).json()["items"]
                firing = [item for item in api.get("/api/v1/alerts").json()["items"] if item["state"] == "firing"]
                ingest = api.get("/api/v1/ingest").json()
            code, _ = up.end()
            assert code == 0
            assert up.errors() == ""
    finally:
        receiver.stop()
    assert ingest["collectors"][0]["stats"]["stored_spans"] == exporter.n_spans == 3 * len(calls)
    alerts = delivered(receiver)
    assert {alert["status"] for alert in alerts} == {"firing"}
    about = {"service": "support-chat", "model": "gpt-4o-mini"}
    assert [alert["labels"] for alert in alerts if not about.items() <= alert["labels"].items()] == []
    assert all(about.items() <= item["labels"].items() for item in firing)
    about["field"] = "completion"
    assert "DriftlineSemanticDrift" in {
        item["labels"]["alertname"] for item in firing if about.items() <= item["labels"].items()
    }
    drifted = [item for item in findings if ({"analyzer": "semantic_drift"} | about).items() <= item.items()]
    assert len(drifted) >= 2
    assert all(item["p_value_corrected"] <= item["alpha"] for item in drifted)


COUNT_SPANS = """
import json, sys
from pathlib import Path
from driftline_core.settings import StoreSettings
from driftline_core.store import Store
store = Store(StoreSettings(path=Path(sys.argv[1]) / "store"))
rows = store.rows("SELECT lower(hex(span_id)) AS span_id, count() AS n FROM spans GROUP BY span_id")
store.close()
print(json.dumps({row["span_id"]: row["n"] for row in rows}))
"""


def stored_spans(data_dir: Path) -> dict[str, int]:
    """How often each span stands in the store, by id; read in a process of its own, because this one holds another engine."""
    done = subprocess.run(
        [sys.executable, "-c", COUNT_SPANS, str(data_dir)], capture_output=True, text=True, check=True, timeout=120
    )
    counts: dict[str, int] = json.loads(done.stdout.splitlines()[-1])
    return counts


def port_of_up(line: str) -> int | None:
    """The OTLP/HTTP port in the line that `driftline up --json` prints when it is ready."""
    record = json.loads(line)
    return int(record["otlp_http"].rpartition(":")[2]) if record.get("event") == "ready" else None


@pytest.mark.timeout(600)
def test_no_acknowledged_span_is_lost_or_doubled_by_kill_9(tmp_path: Path) -> None:
    data_dir = tmp_path / "data"
    command = [sys.executable, "-m", "driftline_cli.main", "up", "--json", "--data-dir", str(data_dir), *ANY_PORTS]
    outcome = kill_under_load(command, port_in=port_of_up, pauses_s=(0.1, 0.3, 0.5, 0.8, 1.2), n_senders=2)
    assert len(outcome.acknowledged) > 100
    assert outcome.n_repeats > 0
    check_kept_once(outcome, Counter(stored_spans(data_dir)))
