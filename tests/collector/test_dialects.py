"""Recordings of real SDKs land with exactly the values that their scenarios expect."""

from pathlib import Path

import pytest

from benchmarks.bench_dialects import DIALECTS, check, landed
from benchmarks.recordings import frames_of, insert, load_recordings
from driftline_collector.mapping import FIELDS, load_table
from driftline_collector.views import ensure_ingest
from driftline_core.errors import ConfigError
from driftline_core.store import Store

RECORDINGS = load_recordings(Path(__file__).parent / "recordings", DIALECTS)


def test_every_recording_lands_with_its_expected_values(store: Store) -> None:
    assert len(RECORDINGS) == 72
    ensure_ingest(store)
    insert(store, b"".join(map(frames_of, RECORDINGS)), token="recordings")
    checks = {
        (recording.group, item) for recording in RECORDINGS for item in check(recording, landed(store, recording))
    }
    assert not {(group, item.field, item.why) for group, item in checks if item.outcome == "mismatch"}
    assert sum(item.outcome == "ok" for _, item in checks) > 1200
    assert sum(item.outcome == "skipped" for _, item in checks) < 10


def test_the_shipped_table_has_a_row_for_every_field() -> None:
    assert set(load_table().fields_) == set(FIELDS)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ("fields: [", "expected YAML"),
        ("surprise: 1", "surprise: Extra inputs are not permitted"),
        ("recognise: []", "recognise: Tuple should have at least 1 item"),
    ],
)
def test_a_faulty_table_is_refused_with_the_place_of_the_fault(wrong: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        load_table(wrong)


def test_a_field_that_does_not_exist_is_refused() -> None:
    text = (Path(__file__).parents[2] / "collector/driftline_collector/dialects/fields.yaml").read_text("utf-8")
    with pytest.raises(ConfigError, match="expected every canonical field with its type"):
        load_table(text.replace("  user_id:", "  usr_id:"))
    with pytest.raises(ConfigError, match="expected one of a key, a resource, an event and an output"):
        load_table(text.replace("{resource: service.version}", "{resource: service.version, key: release}"))
