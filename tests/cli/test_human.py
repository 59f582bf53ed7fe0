"""The human loop from a terminal: look, label, agree, calibrate, export."""

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from driftline_analyzers.grounding.head import Head
from driftline_analyzers.scoring.registry import SCORERS
from driftline_analyzers.settings import AnalyzerSettings
from driftline_api.app import create_app
from driftline_api.service import ApiServer
from driftline_api.settings import ApiSettings
from driftline_core.settings import DatasetSettings
from driftline_core.store import Store
from tests.api.records import NOON, generation, put, score, span_id, trace_id
from tests.cli.conftest import Run

N_CALLS = 200


@pytest.fixture
def url(store: Store, tmp_path: Path) -> Iterator[str]:
    """An API over calls of which those above 0.5 are flagged."""
    times = {n: NOON + timedelta(seconds=n) for n in range(1, N_CALLS + 1)}
    put(store, "generations", [generation(n, time=time) for n, time in times.items()])
    put(
        store,
        "scores",
        [
            score(n, time=time, p_value=None, analyzer="grounding", value=n / N_CALLS, is_flagged=int(n > N_CALLS // 2))
            for n, time in times.items()
        ],
    )
    settings = ApiSettings(port=0)
    server = ApiServer(settings, create_app(settings, store, datasets=DatasetSettings(path=tmp_path / "datasets")))
    server.start()
    yield server.url
    server.stop(deadline_s=5)


def test_labels_lead_to_a_threshold_and_a_data_set(driftline: Run, url: str, store: Store, tmp_path: Path) -> None:
    shown = driftline("review", "grounding", "--order", "uncertain", "--limit", "2", "--url", url)
    assert shown.returncode == 0, shown.stderr
    assert trace_id(N_CALLS // 2) in shown.stdout
    first = driftline("label", "grounding", trace_id(1), span_id(1), "--no", "--annotator", "kim", "--url", url)
    assert "it is not what grounding looks for (completion)" in first.stdout
    refused = driftline("calibrate", "grounding", "--target-precision", "0.9", "--url", url)
    assert refused.returncode == 1
    assert "expected at least" in refused.stderr

    ids = [(bytes.fromhex(trace_id(n)), bytes.fromhex(span_id(n)), float(n > 120)) for n in range(1, N_CALLS + 1)]
    label = {"project": "default", "kind": "label", "name": "grounding", "field": "completion", "picked_by": "random"}
    put(store, "human_labels", [{**label, "trace_id": t, "span_id": s, "value": value} for t, s, value in ids])
    agreed = driftline("agreement", "--json", "--url", url)
    (item,) = json.loads(agreed.stdout)["items"]
    assert (item["n_labelled"], item["recall"]["value"], item["precision"]["value"]) == (N_CALLS, 1.0, 0.8)
    (part,) = json.loads(driftline("agreement", "--service", "support", "--json", "--url", url).stdout)["items"]
    assert part == {**item, "service": "support"}
    other = driftline("calibrate", "grounding", "--target-precision", "0.9", "--service", "none", "--url", url)
    assert (other.returncode, "expected calls that grounding scored, got none" in other.stderr) == (1, True)
    made = driftline("calibrate", "grounding", "--max-false-positive-rate", "0.05", "--url", url)
    assert made.returncode == 0, made.stderr
    assert "false-positive rate at most 0.0" in made.stdout
    assert "version 1" in made.stdout

    out = tmp_path / "out"
    exported = driftline(
        "export", "--analyzer", "grounding", "--flagged", "--format", "jsonl", "--format", "parquet", "--out", str(out),
        "--segment", "model=gpt-4o-mini", "--url", url,
    )  # fmt: skip
    assert exported.returncode == 0, exported.stderr
    assert "100 calls" in exported.stdout
    assert len((out / "rows.jsonl").read_text().splitlines()) == 100
    assert (out / "rows.parquet").read_bytes()[:4] == b"PAR1"
    nothing = driftline("export", "--service", "nobody", "--url", url)
    assert (nothing.returncode, "expected calls to export, got none" in nothing.stderr) == (1, True)


def test_labelled_answers_refit_grounding(driftline: Run, tmp_path: Path) -> None:
    document = "The bridge was opened in 1876 by the mayor. It is 214 metres long and closed to cars."
    answers = {"It is 214 metres long.": False, "Painters visit every autumn because of the fireworks.": True}
    rows: list[dict[str, Any]] = [
        {"prompt": f"Tell me about bridge {n}", "completion": answer, "documents": [{"content": document}],
         "labels": [{"kind": "label", "name": "grounding", "value": float(is_bad)}]}
        for n in range(40)
        for answer, is_bad in answers.items()
    ]  # fmt: skip
    unsure = {**rows[0], "labels": rows[0]["labels"] + rows[1]["labels"]}
    data, out = tmp_path / "rows.jsonl", tmp_path / "head.json"
    data.write_text("".join(json.dumps(row) + "\n" for row in [*rows, unsure, {**rows[0], "documents": []}]))
    made = driftline("refit", str(data), "--out", str(out), "--json")
    assert made.returncode == 0, made.stderr
    told = json.loads(made.stdout)
    assert (told["n_answers"], told["n_unsupported"], told["n_without_claim"], told["f1"]) == (80, 40, 1, 1.0)
    assert told["log_loss"] < told["given_log_loss"]
    settings = AnalyzerSettings(grounding_head=out)
    assert SCORERS["grounding"](settings, None).version == f"2/{told['version']}"
    made = driftline("refit", str(data), "--out", str(out), "--token-vectors")
    assert made.returncode == 0, made.stderr
    assert "fitted to words alone" in made.stdout
    assert Head.load(out.read_text()).token_model.startswith("all-MiniLM-L6-v2@")
    data.write_text("".join(json.dumps(row) + "\n" for row in rows[:10]))
    few = driftline("refit", str(data), "--out", str(out))
    assert (few.returncode, "expected at least 30 unsupported" in few.stderr) == (1, True)
