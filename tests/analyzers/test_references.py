"""Named reference sets: frozen, versioned, and matched with segments."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest

from driftline_analyzers.runner.frozen_texts import FrozenTexts
from driftline_analyzers.runner.references import (
    create_reference,
    delete_reference,
    list_references,
    matching_reference,
)
from driftline_analyzers.runner.segments import Segment
from driftline_analyzers.settings import AnalyzerSettings
from driftline_core.errors import InputError, NotFound
from driftline_core.reference_sets import GoldenRow, ReferenceSet, create_set, upload_rows
from driftline_core.store import Store
from tests.analyzers.traffic import EPOCH, calls, retrievals, store_calls

HOUR = timedelta(hours=1)


def create(store: Store, name: str, *, service: str = "assistant", model: str = "", hours: float = 1) -> ReferenceSet:
    return create_reference(
        store,
        project="default",
        name=name,
        service=service,
        model=model,
        from_time=EPOCH,
        to_time=EPOCH + hours * HOUR,
        description="as launched",
    )


def texts(store: Store, name: str, version: str = "1", *, by: str = "", value: str = "") -> list[str]:
    frozen = FrozenTexts(store, AnalyzerSettings(), project="default")
    rows = frozen.read(name=name, version=version, filed=Segment(service="assistant", by=by, value=value))
    return [row.prompt for row in rows if row.kind == "llm"]


def test_a_set_is_frozen_when_it_is_created_and_a_name_that_exists_gets_its_next_version(store: Store) -> None:
    store_calls(store, calls(5, start=EPOCH, seed=1))
    first = create(store, "launch")
    assert (first.version, first.frozen and first.frozen.n_calls, first.frozen and first.frozen.n_blocks) == (1, 10, 5)
    before = texts(store, "launch")
    store_calls(store, calls(5, start=EPOCH, seed=2))
    store.command("DELETE FROM generations WHERE session_id = 'assistant-1-0'")  # as retention would
    assert texts(store, "launch") == before
    second = create(store, "launch")
    assert (second.version, second.frozen and second.frozen.n_calls) == (2, 18)
    assert texts(store, "launch") == before
    (listed,) = list_references(store, project="default")
    assert (listed.version, listed.from_time, listed.to_time) == (2, EPOCH, EPOCH + HOUR)


def test_a_deleted_set_takes_its_copies_along_and_its_number_is_not_used_again(store: Store) -> None:
    store_calls(store, calls(5, start=EPOCH, seed=1))
    create(store, "launch")
    assert list_references(store, project="other") == []
    delete_reference(store, project="default", name="launch")
    assert list_references(store, project="default") == []
    assert store.scalar("SELECT count() FROM reference_texts") == 0
    with pytest.raises(NotFound, match="'launch'"):
        delete_reference(store, project="default", name="launch")
    assert create(store, "launch").version == 2


def test_a_pinned_version_has_the_texts_of_that_version_and_the_retrievals_of_their_traces(store: Store) -> None:
    store_calls(store, calls(5, start=EPOCH, seed=1) + calls(4, start=EPOCH, seed=2, prompt_version="v2"))
    store_calls(store, retrievals(3, start=EPOCH, seed=3))
    pinned = create_set(
        store,
        ReferenceSet(
            project="default",
            name="v2",
            service="assistant",
            kind="version",
            pinned_by="prompt_version",
            pinned_value="v2",
        ),
    )
    assert pinned.frozen is not None
    assert (pinned.frozen.n_calls, pinned.frozen.n_retrievals, pinned.frozen.is_too_small) == (8, 0, True)
    whole = create(store, "all")
    assert whole.frozen is not None
    assert (whole.frozen.n_calls, whole.frozen.n_retrievals) == (18, 6)


def test_a_golden_set_may_come_in_parts_and_a_part_twice(store: Store) -> None:
    rows = [GoldenRow(prompt=f"q {i}", completion=f"a {i}", session=f"s{i // 2}", documents=("d",)) for i in range(6)]
    for part in (rows[:4], rows[:4], rows[4:]):
        n_before = 0 if part[0] is rows[0] else 4
        upload_rows(store, project="default", name="golden", upload="u1", n_before=n_before, golden=part)
    wanted = ReferenceSet(project="default", name="golden", service="assistant", kind="golden")
    made = create_set(store, wanted, upload="u1")
    assert made.frozen is not None
    assert (made.frozen.n_calls, made.frozen.n_blocks, made.frozen.n_retrievals) == (6, 3, 6)
    assert texts(store, "golden") == [f"q {i}" for i in range(6)]
    assert create_set(store, wanted, golden=rows[:2]).version == 2
    assert texts(store, "golden", "2") == ["q 0", "q 1"]
    assert store.scalar("SELECT count() FROM reference_texts WHERE startsWith(version, 'upload/')") == 0


@pytest.mark.parametrize(
    ("name", "service", "to_time", "message"),
    [
        ("a b", "assistant", EPOCH + HOUR, "got 'a b'"),
        ("trailing", "assistant", EPOCH + HOUR, "other than 'trailing'"),
        ("launch", "", EPOCH + HOUR, "name of a service"),
        ("launch", "assistant", EPOCH, "expected from_time before to_time"),
        ("launch", "assistant", (EPOCH + HOUR).replace(tzinfo=None), "with a time zone"),
        ("launch", "assistant", EPOCH + HOUR, "got none"),
    ],
)
def test_what_cannot_be_a_set_is_refused(
    store: Store, name: str, service: str, to_time: datetime, message: str
) -> None:
    with pytest.raises(InputError, match=message):
        create_reference(store, project="default", name=name, service=service, from_time=EPOCH, to_time=to_time)
    assert list_references(store, project="default") == []


@pytest.mark.parametrize(
    ("changes", "golden", "message"),
    [
        ({"kind": "version", "pinned_by": "colour"}, (), "expected one of prompt_version, release, model"),
        ({"kind": "version", "pinned_by": "release"}, (), "value of release"),
        ({"kind": "golden"}, (), "expected 1 to 50000 rows"),
        ({"kind": "golden"}, (GoldenRow(prompt=" ", completion=""),), "row 1"),
        ({"segment_by": "colour", "segment": "red"}, (), "got 'colour'"),
    ],
)
def test_other_kinds_need_what_they_are_made_of(
    store: Store, changes: dict[str, Any], golden: Sequence[GoldenRow], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        create_set(store, ReferenceSet(project="default", name="x", service="s", **changes), golden=golden)


def test_a_set_of_the_segment_wins_over_one_of_the_service(store: Store) -> None:
    store_calls(store, calls(5, start=EPOCH, seed=1) + calls(5, start=EPOCH, seed=2, model="gpt-5"))
    store_calls(store, calls(5, start=EPOCH, seed=3, service="billing"))
    create(store, "any")
    create(store, "own", model="gpt-5")
    create(store, "elsewhere", service="billing")
    references = list_references(store, project="default")
    for value, expected in (("gpt-5", "own"), ("gpt-4o", "any")):
        found = matching_reference(references, Segment(service="assistant", by="model", value=value))
        assert found is not None
        assert found.name == expected
    by_tenant = matching_reference(references, Segment(service="assistant", by="metadata.tenant", value="gpt-5"))
    assert by_tenant is not None
    assert by_tenant.name == "any"
    assert matching_reference(references, Segment(service="search", by="model", value="")) is None
