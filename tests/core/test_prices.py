"""Prices: shipped ones for the models that are seen, one's own first, cost without counting cached tokens twice."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from driftline_core.prices import COST_SQL, FIRST, LAST, SOURCE, PriceBook, shipped_prices
from driftline_core.store import Store

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


def add_minute(store: Store, *, time: datetime = NOON, **changes: Any) -> None:
    row = {
        "project": "default",
        "minute": time,
        "service": "chat",
        "environment": "production",
        "provider": "openai",
        "model": "gpt-4o",
        "kind": "llm",
        "prompt_version": "v1",
        "calls": 1,
        "input_tokens": 0,
        "output_tokens": 0,
        "cache_read_tokens": 0,
        "cache_write_tokens": 0,
        "updated_at": time,
        **changes,
    }
    store.insert("rollup_1m", list(row), [list(row.values())])


def add_user_price(store: Store, *, start: datetime, end: datetime, usd: float) -> None:
    row = {
        "provider": "openai",
        "model": "gpt-4o",
        "valid_from": start,
        "valid_to": end,
        "input_usd_mtok": usd,
        "output_usd_mtok": usd,
        "cache_read_usd_mtok": usd,
        "cache_write_usd_mtok": usd,
        "source": "user",
    }
    store.insert("prices", list(row), [list(row.values())])


def costs(store: Store) -> list[dict[str, Any]]:
    sql = f"SELECT minute, model, is_priced, cost_usd FROM ({COST_SQL}) ORDER BY minute, model"
    return store.rows(sql, {"project": "default", "from_s": 0, "to_s": int(LAST.timestamp())})


def test_models_that_were_called_get_shipped_prices_once(store: Store) -> None:
    add_minute(store)
    add_minute(store, model="gpt-4o-mini")
    book = PriceBook(store)

    first = book.sync(NOON)
    second = book.sync(NOON)

    assert (first.n_seen, first.n_rows, first.unknown) == (2, 2, ())
    assert second.n_rows == 0
    rows = store.rows("SELECT model, source, input_usd_mtok FROM prices FINAL ORDER BY model")
    assert [(row["model"], row["source"], row["input_usd_mtok"]) for row in rows] == [
        ("gpt-4o", SOURCE, 2.5),
        ("gpt-4o-mini", SOURCE, 0.15),
    ]


def test_a_model_seen_after_the_first_sync_is_priced_by_the_next(store: Store) -> None:
    book = PriceBook(store)
    book.sync(NOON)
    add_minute(store, time=NOON + timedelta(minutes=1))

    assert book.sync(NOON + timedelta(minutes=2)).n_rows == 1


def test_an_unknown_model_is_named_once_and_has_no_cost(store: Store) -> None:
    add_minute(store, provider="openai", model="house-model-7", input_tokens=1_000_000)
    book = PriceBook(store)

    assert book.sync(NOON).unknown == (("openai", "house-model-7"),)
    assert book.sync(NOON).unknown == ()
    assert book.unknown == {("openai", "house-model-7")}
    assert [(row["is_priced"], row["cost_usd"]) for row in costs(store)] == [(0, 0.0)]


def test_cached_tokens_are_charged_once_at_their_own_price(store: Store) -> None:
    add_minute(
        store,
        provider="anthropic",
        model="claude-sonnet-4-5",
        input_tokens=1_000_000,
        cache_read_tokens=600_000,
        cache_write_tokens=100_000,
        output_tokens=10_000,
    )
    PriceBook(store).sync(NOON)

    (row,) = costs(store)
    assert row["is_priced"] == 1
    assert row["cost_usd"] == pytest.approx(0.3 * 3 + 0.6 * 0.3 + 0.1 * 3.75 + 0.01 * 15)


def test_more_cached_than_input_tokens_never_make_a_negative_cost(store: Store) -> None:
    add_minute(store, input_tokens=10, cache_read_tokens=1_000_000)
    PriceBook(store).sync(NOON)

    (row,) = costs(store)
    assert row["cost_usd"] == pytest.approx(1.25)


def test_ones_own_price_wins_while_it_is_valid(store: Store) -> None:
    for hour in (0, 1, 2):
        add_minute(store, time=NOON + timedelta(hours=hour), input_tokens=1_000_000)
    PriceBook(store).sync(NOON)
    add_user_price(store, start=NOON + timedelta(hours=1), end=NOON + timedelta(hours=2), usd=100.0)

    assert [row["cost_usd"] for row in costs(store)] == [2.5, 100.0, 2.5]


def test_rows_of_an_older_package_are_renewed_by_the_first_sync(store: Store) -> None:
    add_minute(store, input_tokens=1_000_000)
    columns = [
        "provider", "model", "valid_from", "valid_to",
        "input_usd_mtok", "output_usd_mtok", "cache_read_usd_mtok", "cache_write_usd_mtok", "source", "updated_at",
    ]  # fmt: skip
    old = NOON - timedelta(days=1)
    store.insert(
        "prices",
        columns,
        [
            ("openai", "gpt-4o", FIRST, LAST, 99.0, 99.0, 99.0, 99.0, SOURCE, old),
            ("openai", "gpt-4o", NOON - timedelta(days=9), LAST, 77.0, 77.0, 77.0, 77.0, SOURCE, old),
        ],
    )

    PriceBook(store).sync(NOON)

    assert [row["cost_usd"] for row in costs(store)] == [2.5]


def test_prices_follow_each_other_without_gap_or_overlap() -> None:
    for provider, model in [("openai", "gpt-4o"), ("deepseek", "deepseek-chat"), ("openai", "o3")]:
        prices = shipped_prices(provider, model)
        assert prices[0].valid_from == FIRST
        assert prices[-1].valid_to == LAST
        assert [price.valid_to for price in prices[:-1]] == [price.valid_from for price in prices[1:]]


def test_of_prices_by_time_of_day_the_dearest_is_kept() -> None:
    assert shipped_prices("deepseek", "deepseek-chat")[-1].input_usd_mtok == 0.27


def test_a_tiered_price_is_its_base_tier() -> None:
    assert shipped_prices("anthropic", "claude-sonnet-4-5")[-1].input_usd_mtok == 3.0


def test_an_unknown_provider_is_not_guessed_from_the_model() -> None:
    assert shipped_prices("our-own-gateway", "gpt-4o") == []
