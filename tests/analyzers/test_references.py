"""Named reference sets are rows."""

from datetime import datetime, timedelta

import pytest

from driftline_analyzers.runner.references import (
    create_reference,
    delete_reference,
    list_references,
    matching_reference,
)
from driftline_core.errors import InputError, NotFound
from driftline_core.store import Store
from tests.analyzers.traffic import EPOCH

HOUR = timedelta(hours=1)


def create(store: Store, name: str, *, service: str = "chat", model: str = "", hours: float = 1) -> None:
    create_reference(
        store,
        project="default",
        name=name,
        service=service,
        model=model,
        from_time=EPOCH,
        to_time=EPOCH + hours * HOUR,
        description="as launched",
    )


def test_a_set_is_created_listed_replaced_and_deleted(store: Store) -> None:
    create(store, "launch")
    (listed,) = list_references(store, project="default")
    assert (listed.name, listed.service, listed.from_time, listed.to_time) == ("launch", "chat", EPOCH, EPOCH + HOUR)
    create(store, "launch", hours=2)
    (replaced,) = list_references(store, project="default")
    assert replaced.to_time == EPOCH + 2 * HOUR
    assert list_references(store, project="other") == []
    delete_reference(store, project="default", name="launch")
    assert list_references(store, project="default") == []
    with pytest.raises(NotFound, match="'launch'"):
        delete_reference(store, project="default", name="launch")


@pytest.mark.parametrize(
    ("name", "service", "to_time", "message"),
    [
        ("a b", "chat", EPOCH + HOUR, "got 'a b'"),
        ("trailing", "chat", EPOCH + HOUR, "other than 'trailing'"),
        ("launch", "", EPOCH + HOUR, "name of a service"),
        ("launch", "chat", EPOCH, "expected from_time before to_time"),
        ("launch", "chat", (EPOCH + HOUR).replace(tzinfo=None), "with a time zone"),
    ],
)
def test_what_cannot_be_a_set_is_refused(
    store: Store, name: str, service: str, to_time: datetime, message: str
) -> None:
    with pytest.raises(InputError, match=message):
        create_reference(store, project="default", name=name, service=service, from_time=EPOCH, to_time=to_time)


def test_a_set_of_the_model_wins_over_one_of_any_model(store: Store) -> None:
    create(store, "any")
    create(store, "own", model="gpt-5")
    create(store, "elsewhere", service="billing")
    references = list_references(store, project="default")
    for model, expected in (("gpt-5", "own"), ("gpt-4o", "any")):
        found = matching_reference(references, service="chat", model=model)
        assert found is not None
        assert found.name == expected
    assert matching_reference(references, service="search", model="") is None
