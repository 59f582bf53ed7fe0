"""Recordings of real SDKs land with exactly the values that their scenarios expect."""

from collections import Counter
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from benchmarks.dialect_checks import Check, check, landed
from benchmarks.recordings import Recording, load_recordings, replay
from driftline_collector.mapping import FIELDS, load_table
from driftline_core.errors import ConfigError
from driftline_core.store import Store

RECORDINGS = load_recordings(Path(__file__).parent / "recordings")
BY_GROUP = {recording.group: recording for recording in RECORDINGS}
Checks = Callable[[str], list[Check]]


@pytest.fixture(scope="module")
def checks(ingest_store: Store) -> Checks:
    """Every check of a recording by its group, made once: each costs a tenth of a second."""
    replay(ingest_store, RECORDINGS)
    return cache(lambda group: check(BY_GROUP[group], landed(ingest_store, BY_GROUP[group])))


@pytest.mark.parametrize("recording", [pytest.param(recording, id=recording.group) for recording in RECORDINGS])
def test_a_recording_lands_with_its_expected_values(checks: Checks, recording: Recording) -> None:
    assert not {item.field: item.why for item in checks(recording.group) if item.outcome == "mismatch"}


@pytest.mark.timeout(900)  # alone, it makes them all
def test_little_of_what_is_expected_is_left_out(checks: Checks) -> None:
    outcomes = Counter(item.outcome for group in BY_GROUP for item in checks(group))
    assert len(RECORDINGS) == 279
    assert outcomes["ok"] >= 5650
    assert outcomes["skipped"] <= 170


@pytest.mark.usefixtures("checks")
def test_strands_means_milliseconds_where_openlit_means_seconds(ingest_store: Store) -> None:
    sql = (
        "SELECT project, max(time_to_first_token_ms) AS ms FROM generations FINAL "
        "WHERE project IN ('strands-chat', 'openlit-stream') GROUP BY project"
    )
    found = {row["project"]: row["ms"] for row in ingest_store.rows(sql)}
    assert found["strands-chat"] == 452.0
    assert 1.0 < found["openlit-stream"] < 1000.0


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
