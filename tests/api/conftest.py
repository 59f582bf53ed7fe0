"""Fixtures of the API's tests: a client over a store of its own."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from driftline_api.app import create_app
from driftline_api.settings import ApiSettings
from driftline_core.settings import StoreSettings
from driftline_core.store import Store, migrate
from tests.api.records import NOON

ClientFactory = Callable[..., TestClient]


@pytest.fixture
def client_of(store: Store) -> Iterator[ClientFactory]:
    """Makes clients of apps over the test's store; keywords go to create_app, `settings` are changes to the defaults."""
    with ExitStack() as stack:

        def make(*, settings: dict[str, Any] | None = None, over: Store = store, **parts: Any) -> TestClient:
            app = create_app(ApiSettings(**(settings or {})), over, **{"clock": lambda: NOON, **parts})
            return stack.enter_context(TestClient(app, base_url="http://127.0.0.1", raise_server_exceptions=False))

        yield make


@pytest.fixture
def client(client_of: ClientFactory) -> TestClient:
    """A client with default settings."""
    return client_of()


@pytest.fixture(scope="session")
def quiet_client(engine: Store, engine_path: Path) -> Iterator[TestClient]:
    """A client over an empty store that a session's tests share: for requests that change nothing."""
    store = Store(StoreSettings(path=engine_path, database="quiet"))
    migrate(store)
    with TestClient(
        create_app(ApiSettings(), store, clock=lambda: NOON), base_url="http://127.0.0.1", raise_server_exceptions=False
    ) as client:
        yield client
    store.close()
