"""Driftline's main job, end to end in the process that people run: SDK in, drift found, alert out; and nothing lost on the way."""

import json
import os
import random
import signal
import subprocess
import sys
import threading
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from driftline_cli.demo.assistant import Assistant, Retriever
from driftline_cli.demo.corpus import load_topics
from driftline_cli.demo.exporter import WeekExporter
from driftline_cli.demo.receiver import WebhookReceiver
from driftline_cli.demo.traffic import SLICES, Call
from driftline_core.clock import utc_now
from tests.cli.service import ANY_PORTS, UpProcess, free_ports

N_HOURS = 12
N_CHANGED_HOURS = 4
N_KILLS = 5


def day_of_calls(now: datetime) -> list[Call]:
    """Hours of sessions of two turns on two slices up to the last full hour; one slice answers by prompt v2 in the last four."""
    rng = random.Random(3)
    topics = load_topics()[:4]
    retriever, assistant = Retriever(topics), Assistant(topics)
    end = now.replace(minute=0, second=0, microsecond=0)
    calls = []
    for source in SLICES[:2]:
        for number in range(N_HOURS * 24):
            session_start = end - timedelta(hours=N_HOURS) + timedelta(minutes=2.5 * number + rng.random())
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
            assert receiver.wait_for(1, timeout_s=150), up.errors()
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
    alert = receiver.payloads()[0]["alerts"][0]
    assert alert["status"] == "firing"
    about = {"service": "support-chat", "model": "gpt-4o-mini", "field": "completion"}
    assert about.items() <= alert["labels"].items()
    assert [about.items() <= item["labels"].items() for item in firing] == [True]
    drifted = [item for item in findings if about.items() <= item.items()]
    assert len(drifted) >= 2
    assert all(item["p_value_corrected"] <= item["alpha"] for item in drifted)


class SteadySender:
    """Posts requests of a few spans for ever, each until it is acknowledged, as an exporter with patience does."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._stopping = threading.Event()
        self._progress = threading.Condition()
        self._thread = threading.Thread(target=self._run)
        self.acknowledged: list[str] = []

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        self._thread.join(60)

    def wait_for(self, n_more: int) -> bool:
        """Until n_more spans were acknowledged from now on."""
        with self._progress:
            wanted = len(self.acknowledged) + n_more
            return self._progress.wait_for(lambda: len(self.acknowledged) >= wanted, 60)

    def _run(self) -> None:
        rng = random.Random(5)
        with httpx.Client(trust_env=False, timeout=10) as client:
            while not self._stopping.is_set():
                request, span_ids = _request(rng)
                while not self._is_taken(client, request):
                    self._stopping.wait(0.05)
                with self._progress:
                    self.acknowledged += span_ids
                    self._progress.notify_all()

    def _is_taken(self, client: httpx.Client, request: bytes) -> bool:
        try:
            response = client.post(self._url, content=request, headers={"content-type": "application/x-protobuf"})
        except httpx.TransportError:
            return False
        return response.status_code == 200


def _request(rng: random.Random) -> tuple[bytes, list[str]]:
    request = ExportTraceServiceRequest()
    spans = request.resource_spans.add().scope_spans.add().spans
    span_ids = []
    now = int(utc_now().timestamp() * 1e9)
    for _ in range(rng.randint(1, 20)):
        span_id = rng.randbytes(8)
        span_ids.append(span_id.hex())
        spans.add(
            trace_id=rng.randbytes(16),
            span_id=span_id,
            name="work",
            start_time_unix_nano=now,
            end_time_unix_nano=now + 1,
        )
    return request.SerializeToString(), span_ids


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


def test_no_acknowledged_span_is_lost_or_doubled_by_kill_9(tmp_path: Path) -> None:
    data_dir = tmp_path / "data"
    http_port, grpc_port, api_port = free_ports(3)
    arguments = ("--http-port", str(http_port), "--grpc-port", str(grpc_port), "--port", str(api_port))
    sender = SteadySender(f"http://127.0.0.1:{http_port}/v1/traces")
    sender.start()
    exits: list[Any] = []
    try:
        for number in range(N_KILLS):
            with UpProcess(data_dir, *arguments) as up:
                assert sender.wait_for(100 + 137 * number)
                up.kill()
                exits.append(up.process.returncode)
        with UpProcess(data_dir, *arguments) as up:
            assert sender.wait_for(200)
            sender.stop()
            code, _ = up.end()
    finally:
        sender.stop()
    assert exits == [-signal.SIGKILL] * N_KILLS
    assert code == os.EX_OK
    stored = stored_spans(data_dir)
    assert stored == dict.fromkeys(sender.acknowledged, 1)
