"""Data sets for retraining: the right calls with everything about them, the same version again, nothing outside of the folder."""

import hashlib
import io
from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson
import pyarrow.parquet as pq
import pytest
from fastapi.testclient import TestClient

from driftline_core.datasets.rows import PAGE_ROWS
from driftline_core.settings import DatasetSettings
from driftline_core.store import Store
from tests.api.conftest import ClientFactory
from tests.api.records import NOON, finding, generation, put, score, span_id, trace_id

PATH = "/api/v1/exports"
Rows = list[dict[str, Any]]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "datasets"


@pytest.fixture
def exporting(client_of: ClientFactory, folder: Path) -> TestClient:
    return client_of(datasets=DatasetSettings(path=folder, keep=3))


@pytest.fixture
def filled(store: Store) -> None:
    """300 calls, every third flagged, one labelled, one with feedback, documents in a retrieval of the same trace."""
    numbers = range(1, PAGE_ROWS + 101)
    calls = [generation(n, time=NOON + timedelta(seconds=n), metadata={"tenant": f"t{n % 2}"}) for n in numbers]
    calls[2]["completion"] = 'emoji 🎈, "quotes"\nand ünïcode'
    retrieval = generation(5, time=NOON, kind="retrieval", documents=[("d1", "Open 9 to 5.", 0.5)], span_id=b"retrieva")
    put(store, "generations", [*calls, retrieval])
    put(
        store,
        "scores",
        [score(n, time=NOON + timedelta(seconds=n), p_value=0.5, is_flagged=int(n % 3 == 0)) for n in numbers],
    )
    marks = {"project": "default", "trace_id": bytes.fromhex(trace_id(3)), "span_id": bytes.fromhex(span_id(3))}
    put(
        store,
        "human_labels",
        [
            {**marks, "kind": "label", "name": "outliers", "field": "completion", "value": 1.0, "annotator": "kim"},
            {**marks, "kind": "feedback", "name": "user_feedback", "field": "", "value": -1.0, "annotator": ""},
        ],
    )


def lines(client: TestClient, manifest: dict[str, Any]) -> Rows:
    body = client.get(manifest["files"]["rows.jsonl"]["url"]).content
    assert hashlib.sha256(body).hexdigest() == manifest["files"]["rows.jsonl"]["sha256"] == manifest["rows_sha256"]
    return [orjson.loads(line) for line in body.splitlines()]


@pytest.mark.usefixtures("filled")
def test_a_data_set_holds_calls_with_documents_scores_and_labels_in_both_formats(exporting: TestClient) -> None:
    created = exporting.post(PATH, json={"service": "support", "formats": ["jsonl", "parquet"]})
    assert created.status_code == 201
    manifest = created.json()
    assert (manifest["n_rows"], manifest["n_selected"], manifest["is_cut"]) == (300, 300, False)
    assert (manifest["n_flagged"], manifest["n_labelled"], manifest["n_with_feedback"]) == (100, 1, 1)
    rows = lines(exporting, manifest)
    assert [row["trace_id"] for row in rows] == [trace_id(n) for n in range(1, 301)]
    assert rows[2]["completion"] == 'emoji 🎈, "quotes"\nand ünïcode'
    assert rows[4]["documents"] == [{"id": "d1", "content": "Open 9 to 5.", "score": 0.5}]
    assert [(one["analyzer"], one["is_flagged"]) for one in rows[2]["scores"]] == [("outliers", True)]
    assert sorted((one["kind"], one["value"], one["annotator"]) for one in rows[2]["labels"]) == [
        ("feedback", -1.0, ""),
        ("label", 1.0, "kim"),
    ]
    assert set(rows[0]) == set(manifest["columns"])
    parquet = exporting.get(manifest["files"]["rows.parquet"]["url"])
    table = pq.read_table(io.BytesIO(parquet.content))
    assert table.column_names == list(manifest["columns"])
    assert [{**row, "metadata": dict(row["metadata"])} for row in table.to_pylist()] == rows
    assert exporting.get(created.headers["location"]).json() == manifest
    assert exporting.get(PATH).json()["items"] == [manifest]


@pytest.mark.usefixtures("filled")
def test_the_same_selection_is_the_same_version_until_something_about_it_changes(
    exporting: TestClient, folder: Path
) -> None:
    wanted = {"analyzer": "outliers", "is_flagged": True, "from": "2026-11-20T12:00:00Z"}
    first, again = (exporting.post(PATH, json=wanted).json() for _ in range(2))
    assert first == again
    assert first["n_rows"] == 100
    both = exporting.post(PATH, json={**wanted, "formats": ["parquet"]}).json()
    assert both["version"] == first["version"]
    assert set(both["files"]) == {"rows.jsonl", "rows.parquet"}
    body = {"trace_id": trace_id(6), "span_id": span_id(6), "analyzer": "outliers", "is_correct": False}
    assert exporting.put("/api/v1/labels", json=body).status_code == 200
    changed = exporting.post(PATH, json=wanted).json()
    assert (changed["version"] != first["version"], changed["n_labelled"]) == (True, 2)
    assert sorted(one.name for one in (folder / "default").iterdir()) == sorted([first["version"], changed["version"]])


@pytest.mark.usefixtures("filled")
def test_filters_choose_calls(exporting: TestClient) -> None:
    def chosen(**wanted: Any) -> Any:
        return exporting.post(PATH, json=wanted).json().get("n_rows")

    assert chosen(sentiment="negative") == 1
    assert chosen(is_labelled=True) == 1
    assert chosen(analyzer="outliers", is_labelled=False) == 299
    assert chosen(segment_by="metadata.tenant", segment="t1") == 150
    assert chosen(to="2026-11-20T12:00:10Z", model="gpt-4o-mini") == 9
    cut = exporting.post(PATH, json={"max_rows": 7}).json()
    assert (cut["n_rows"], cut["n_selected"], cut["is_cut"]) == (7, 300, True)
    assert cut == exporting.post(PATH, json={"max_rows": 7}).json()


@pytest.mark.usefixtures("filled")
def test_feedback_is_chosen_by_when_it_was_given_whenever_the_call_was(exporting: TestClient, store: Store) -> None:
    ids = {"trace_id": bytes.fromhex(trace_id(9)), "span_id": bytes.fromhex(span_id(9))}
    said = {"kind": "feedback", "name": "user_feedback", "value": 1.0, "created_at": NOON + timedelta(days=3)}
    put(store, "human_labels", [{"project": "default", **ids, **said}])
    wanted = {"sentiment": "positive", "from": "2026-11-23T11:00:00Z", "to": "2026-11-23T13:00:00Z"}
    manifest = exporting.post(PATH, json=wanted).json()
    assert [row["trace_id"] for row in lines(exporting, manifest)] == [trace_id(9)]
    before = {**wanted, "from": "2026-11-20T00:00:00Z", "to": "2026-11-21T00:00:00Z"}
    assert exporting.post(PATH, json=before).status_code == 422


@pytest.mark.usefixtures("filled")
def test_documents_that_came_after_the_call_are_left_out_and_a_reranker_is_taken(
    exporting: TestClient, store: Store
) -> None:
    later: dict[str, Any] = {"time": NOON + timedelta(hours=1), "kind": "retrieval", "span_id": b"retrlate"}
    reranked: dict[str, Any] = {"time": NOON, "kind": "reranker", "span_id": b"reranker"}
    put(
        store,
        "generations",
        [
            generation(7, documents=[("", text, None)], **which)
            for text, which in (("later", later), ("ranked", reranked))
        ],
    )
    rows = lines(exporting, exporting.post(PATH, json={"service": "support"}).json())
    assert [one["content"] for one in rows[6]["documents"]] == ["ranked"]


def test_a_gap_between_groups_is_refused_with_what_to_export_instead(exporting: TestClient, store: Store) -> None:
    put(store, "findings", [finding(1, window_end=NOON, segment_by="group:religion", segment="muslim", status="gap")])
    refused = exporting.post(PATH, json={"finding_id": "finding-0001"})
    assert refused.status_code == 422
    told = "got a gap between groups, which are found in texts: export the calls of service support from 2026-11-20T06:00:00Z"
    assert told in refused.json()["detail"]


@pytest.mark.usefixtures("filled")
def test_a_finding_selects_its_window_and_segment(exporting: TestClient, store: Store) -> None:
    drifted = {"segment_by": "metadata.tenant", "segment": "t0", "model": ""}
    end = NOON + timedelta(seconds=60)
    put(store, "findings", [finding(1, window_end=end, window_start=NOON, **drifted)])
    put(store, "findings", [finding(2, window_end=end, segment_by="language", segment="de", model="")])
    manifest = exporting.post(PATH, json={"finding_id": "finding-0001"}).json()
    assert manifest["n_rows"] == 29
    assert (manifest["finding"]["p_value"], manifest["selection"]["segment"]) == (0.001, "t0")
    assert exporting.post(PATH, json={"finding_id": "nope"}).status_code == 404
    assert "by language" in exporting.post(PATH, json={"finding_id": "finding-0002"}).json()["detail"]
    both = exporting.post(PATH, json={"finding_id": "finding-0001", "service": "support"})
    assert (both.status_code, "got both" in both.json()["detail"]) == (422, True)


@pytest.mark.usefixtures("filled")
def test_nothing_outside_of_a_data_set_is_read(exporting: TestClient, folder: Path) -> None:
    version = exporting.post(PATH, json={}).json()["version"]
    (folder / "secret.txt").write_text("classified")
    for path in (
        f"{PATH}/{'0' * 32}",
        f"{PATH}/..%2f..%2fsecret.txt",
        f"{PATH}/{version}/..%2f..%2fsecret.txt",
        f"{PATH}/{version}/manifest.json",
        f"{PATH}/{version}/rows.parquet",
    ):
        answer = exporting.get(path)
        assert answer.status_code == 404, path
        assert "classified" not in answer.text
    elsewhere = exporting.get(f"{PATH}/{version}", headers={"x-driftline-project": "other"})
    assert elsewhere.status_code == 404


@pytest.mark.usefixtures("filled")
def test_the_oldest_go_when_there_are_too_many_and_one_can_be_deleted(exporting: TestClient, folder: Path) -> None:
    versions = [exporting.post(PATH, json={"max_rows": n}).json()["version"] for n in range(1, 6)]
    kept = {one["version"] for one in exporting.get(PATH).json()["items"]}
    assert len(kept) == 3
    assert versions[-1] in kept
    assert exporting.delete(f"{PATH}/{versions[-1]}").status_code == 204
    assert exporting.delete(f"{PATH}/{versions[-1]}").status_code == 404
    assert len(list((folder / "default").iterdir())) == 2


def test_nothing_to_export_is_said(exporting: TestClient, folder: Path) -> None:
    empty = exporting.post(PATH, json={"service": "nobody"})
    assert (empty.status_code, "expected calls to export, got none" in empty.json()["detail"]) == (422, True)
    for body, detail in (
        ({"is_flagged": True}, "expected an analyzer with is_flagged"),
        ({"segment_by": "model"}, "expected segment_by and segment together"),
        ({"formats": ["csv"]}, "body.formats"),
    ):
        answer = exporting.post(PATH, json=body)
        assert (answer.status_code, detail in answer.json()["detail"]) == (422, True)
    assert not list(folder.rglob("*.*"))
