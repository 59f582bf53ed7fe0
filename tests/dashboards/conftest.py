from collections.abc import Iterator

import pytest

from tests.dashboards.fake_grafana import FakeGrafana, running_grafana


@pytest.fixture
def grafana() -> Iterator[FakeGrafana]:
    with running_grafana() as running:
        yield running
