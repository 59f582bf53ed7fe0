"""The web page in a real browser over a real server."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from importlib.resources import files
from pathlib import Path

import pytest
from fastapi.responses import HTMLResponse, Response

from driftline_api.app import create_app
from driftline_api.service import ApiServer
from driftline_api.settings import ApiSettings
from driftline_core import utc_now
from driftline_core.store import Store
from tests.api.browser import open_page
from tests.api.records import HOSTILE, StillView, generation, put, roll_up, score, span, trace_id
from tests.api.scene import DRIFTED_TEXT, TYPICAL_TEXT, fill_scene, still_view
from tests.api.test_health import Counting


@contextmanager
def serving(store: Store, *, alerts: StillView | None = None, with_collector: bool = True) -> Iterator[str]:
    """The URL of a server over the store."""
    settings = ApiSettings(port=0)
    app = create_app(settings, store, alerts=alerts, services=[Counting()] if with_collector else [])
    server = ApiServer(settings, app)
    server.start()
    try:
        yield server.url
    finally:
        server.stop(deadline_s=10)


@pytest.fixture
def chromium(system_binary: Callable[[str], str]) -> str:
    return system_binary("chromium")


def test_the_page_shows_traffic_drift_with_examples_and_alerts_and_runs_nothing_it_was_sent(
    chromium: str, store: Store, tmp_path: Path
) -> None:
    now = utc_now()
    fill_scene(store, now=now)
    with serving(store, alerts=still_view(now)) as url:
        page = open_page(chromium, url, profile=tmp_path / "overview")
        trace = open_page(chromium, f"{url}/#/trace/{trace_id(1)}", profile=tmp_path / "trace")
    assert page.console == []
    assert page.text("tile-calls").startswith("LLM calls 300 ▲ +50 %")
    assert "2.3 %" in page.text("tile-errors")
    assert "341.7K" in page.text("tile-tokens")
    assert "$0.861" in page.text("tile-cost")
    assert "2.1" in page.text("tile-latency")
    for chart in ("chart-traffic", "chart-latency", "chart-cost", "chart-tokens"):
        assert "00" in page.text(chart)
    assert page.html.count("bar-s0") > 50
    findings = page.text("findings")
    assert "support · gpt-4o-mini · completion" in findings
    assert "3 of 24 windows drifted" in findings
    assert "confirmed" in findings
    assert "moved 14 %" in findings
    assert "p 0.0040 z 11.3" in findings
    for told in (
        "In 14 % of responses a new topic: partner desk",
        f"grew: partner, {HOSTILE}",
        "1.0 % → 14 % of the texts, p 0.0002",
        "shrank: reset",
        "stability index 0.31",
        "Carried by prompt_version v2.",
        "10 % of the effect, p 0.0020 without it; longer",
        "z 11.2, p 0.0010",
        "measured on the reference's own windows 5.0 % of 20",
        "Looked at beside the sample",
        "9 texts, 4 outliers",
        "Tested on at most 125 texts, because the window had waited 60 minutes",
        "12 texts of 7 sessions: desk",
    ):
        assert told in findings
    assert "240 texts against 800 of baseline" in findings
    assert DRIFTED_TEXT in findings
    assert TYPICAL_TEXT in findings
    assert f"#/trace/{trace_id(1)}?span=" in page.html
    alerts = page.text("alerts")
    assert "1 firing, 1 pending, 1 resolved; 3 rules loaded" in alerts
    assert "p95 above 4 s" in alerts
    assert "SemanticDrift" in page.text("alert-strip")
    assert "p 0.0010" in page.text("outliers")
    assert "gpt-4o" in page.text("groups")
    assert "3 of 24 windows drifted" in findings, "comparisons of groups are no drift"
    groups = page.text("bias")
    for told in (
        "gap support · women · regard",
        f"regard of answers about women is 0.2 lower {HOSTILE}",
        "About women She should not lead.",
        "About men They lead well.",
        "1 comparisons of the last weeks",
    ):
        assert told in groups
    references = page.text("references")
    for told in (
        "time range baseline @1",
        f"before the change {HOSTILE}",
        "200 calls of",
        "too small for any window",
        "False alarms at 5 %: 5.0 % of 20 tests of its own windows.",
    ):
        assert told in references
    assert "2 too large" in page.text("ingest")
    assert "updated" in page.text("state")

    assert trace.console == []
    spans = trace.text("trace")
    assert "POST /ask" in spans
    assert "713 in, 157 out" in spans
    assert f"{HOSTILE} reset?" in spans
    assert "disk full" in spans

    safety = page.text("safety")
    for told in (
        "relevance failed on 2 calls",
        "injection prompt 43 of 800 5.4 % 4.0 % – 7.2 %",
        "pii completion 30 of 600",
        "Flagged share",
        "thirty bikes",
    ):
        assert told in safety
    assert re.search(
        '<mark class="unsupported" title="not supported by the documents, in no document">thirty bikes</mark>',
        page.html,
    )
    assert "personal data, 1 × email" in spans
    assert "suspected injection" in spans
    assert f"unknown {HOSTILE}" in spans
    assert re.search('<mark class="private"[^>]*>&lt;img src=x', trace.html)

    # what was sent as text stays text
    for opened in (page, trace):
        assert "<title>Driftline</title>" in opened.html
        assert "<img src=x" not in opened.html
        assert "<script>document" not in opened.html
        assert 'href="javascript:' not in opened.html
    assert HOSTILE in findings
    assert HOSTILE in alerts


def test_an_empty_page_says_where_to_send_traffic(chromium: str, store: Store, tmp_path: Path) -> None:
    with serving(store, with_collector=False) as url:
        page = open_page(chromium, url, profile=tmp_path / "empty")
        unknown = open_page(chromium, f"{url}/#/trace/{trace_id(7)}", profile=tmp_path / "unknown")
        docs = open_page(chromium, f"{url}/docs", profile=tmp_path / "docs")
        put(store, "spans", [span(1, time=utc_now())])
        without_calls = open_page(chromium, url, profile=tmp_path / "spans")
    assert page.console == []
    assert "No traffic yet." in page.text("findings")
    assert "OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:4318" in page.text("findings")
    assert "No alert is stored." in page.text("alerts")
    assert f"Not found: no trace with trace_id {trace_id(7)} in project default" in unknown.text("trace")
    assert "Spans arrive, but no LLM call among them yet." in without_calls.text("findings")
    assert docs.console == []
    assert "/api/v1/generations/{trace_id}/{span_id}" in docs.text("reference")


def test_what_the_console_says_reaches_these_tests(chromium: str, tmp_path: Path) -> None:
    page = open_page(chromium, "data:text/html,<script>console.error('boom')</script>", profile=tmp_path / "boom")
    assert ["boom" in line for line in page.console] == [True]


def test_the_page_loads_nothing_from_elsewhere() -> None:
    folder = Path(__file__).parents[2] / "api" / "driftline_api" / "page"
    for file in folder.iterdir():
        text = file.read_text(encoding="utf-8")
        assert "innerHTML" not in text, file.name
        assert "style=" not in text, file.name
        assert set(re.findall(r"https?://([\w.]+)", text)) <= {"www.w3.org"}, file.name


def test_a_reviewer_labels_what_the_queue_shows(chromium: str, store: Store, tmp_path: Path) -> None:
    time = utc_now() - timedelta(minutes=10)
    put(store, "generations", [generation(n, time=time, completion=f"{HOSTILE} number {n}") for n in (1, 2)])
    put(store, "scores", [score(n, time=time, p_value=None, analyzer="toxicity") for n in (1, 2)])
    roll_up(store)
    settings = ApiSettings(port=0)
    app = create_app(settings, store)
    index = (files("driftline_api") / "page" / "index.html").read_text(encoding="utf-8")

    @app.get("/reviewing")
    def reviewing() -> HTMLResponse:
        return HTMLResponse(index.replace("</body>", '<script type="module" src="/hand.js"></script></body>'))

    @app.get("/hand.js")
    def hand() -> Response:
        return Response(_HAND, media_type="text/javascript")

    server = ApiServer(settings, app)
    server.start()
    try:
        address = f"{server.url}/reviewing#/review?analyzer=toxicity&order=flagged"
        page = open_page(chromium, address, profile=tmp_path / "review")
    finally:
        server.stop(deadline_s=10)
    assert page.console == []
    review = page.text("review")
    for told in ("Review: toxicity", "Yes means: toxic", "labelled yes", "labelled no", f"{HOSTILE} number 2"):
        assert told in review
    assert "<img src=x" not in page.html
    rows = store.rows(
        "SELECT value, annotator, source, picked_by FROM human_labels WHERE kind = 'label' ORDER BY value"
    )
    assert [(row["value"], row["annotator"], row["source"], row["picked_by"]) for row in rows] == [
        (0.0, "kim", "page", "flagged"),
        (1.0, "kim", "page", "flagged"),
    ]


_HAND = """
const until = async (find) => {
  for (;;) {
    const found = find();
    if (found) return found;
    await new Promise((done) => setTimeout(done, 50));
  }
};
const name = await until(() => document.getElementById("annotator"));
name.value = "kim";
const cards = document.querySelectorAll(".review-item");
cards[0].querySelector("button").click();
await until(() => cards[0].innerText.includes("labelled yes"));
cards[1].dispatchEvent(new KeyboardEvent("keydown", { key: "n" }));
"""
