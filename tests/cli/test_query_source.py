"""Whom the rules ask: the store in this process, or a server that the settings name."""

from datetime import timedelta

import pytest

from driftline_alerts.settings import AlertSettings
from driftline_api.app import create_app
from driftline_api.service import ApiServer
from driftline_api.settings import ApiSettings
from driftline_cli.query_source import query_source
from driftline_core.errors import QueryError
from driftline_core.store import Store
from tests.api.records import NOON, generation, put, roll_up

CALLS = "sum by (service) (increase(driftline_requests_total[1h]))"


def test_a_named_server_is_asked_instead_of_the_store_and_answers_the_same(store: Store) -> None:
    put(store, "generations", [generation(n, time=NOON + timedelta(seconds=n)) for n in range(1, 6)])
    roll_up(store)
    at = NOON + timedelta(minutes=30)
    settings = ApiSettings(port=0)
    server = ApiServer(settings, create_app(settings, store))
    server.start()
    try:
        theirs = query_source(AlertSettings(query_url=f"{server.url}/prometheus"), store)
        [answered] = theirs.instant(CALLS, at)
    finally:
        server.stop(deadline_s=5)
    [ours] = query_source(AlertSettings(), store).instant(CALLS, at)
    assert (answered.labels, answered.value) == (ours.labels, ours.value) == ({"service": "support"}, 5.0)
    with pytest.raises(QueryError, match="no answer from the query API"):
        theirs.instant(CALLS, at)
