"""Times of a log in every usual shape, and times for logs that have none."""

from datetime import UTC, datetime, timedelta

import pytest

from driftline_cli.importing.times import parse_moment, parse_time, plan_spread
from driftline_core.errors import InputError

NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)
NOON_NS = int(NOON.timestamp()) * 10**9


@pytest.mark.parametrize(
    "value",
    [
        "2026-11-01T12:00:00Z",
        "2026-11-01T13:00:00+01:00",
        "2026-11-01 12:00:00",
        NOON,
        NOON.replace(tzinfo=None),
        NOON_NS // 10**9,
        str(NOON_NS // 10**9),
        f"{NOON_NS // 10**9}.0",
        NOON_NS / 1e9,
        NOON_NS // 10**6,
        NOON_NS // 10**3,
        NOON_NS,
    ],
)
def test_every_usual_shape_of_a_time_is_the_same_moment(value: object) -> None:
    assert parse_time(value) == NOON_NS


@pytest.mark.parametrize(
    "value", ["yesterday", "", None, True, -5, 0, float("nan"), float("inf"), [], "1969-01-01T00:00:00Z", "9999-01-01"]
)
def test_what_is_no_time_is_refused_with_what_came(value: object) -> None:
    with pytest.raises(InputError, match="expected a time as RFC 3339 or epoch"):
        parse_time(value)


def test_now_is_a_moment_on_the_command_line() -> None:
    assert parse_moment("now", now=NOON) == NOON
    assert parse_moment("2026-11-01T12:00:00Z", now=datetime.now(UTC)) == NOON


def test_rows_without_times_end_at_the_end_one_a_minute() -> None:
    spread = plan_spread(n_rows=3, start=None, end=None, spacing=None, fallback_end=NOON)
    assert [spread.time_ns(i) for i in range(3)] == [NOON_NS - 180 * 10**9, NOON_NS - 120 * 10**9, NOON_NS - 60 * 10**9]


def test_rows_lie_evenly_between_start_and_end() -> None:
    spread = plan_spread(n_rows=4, start=NOON, end=NOON + timedelta(hours=1), spacing=None, fallback_end=NOON)
    assert spread.start == NOON
    assert spread.spacing == timedelta(minutes=15)


def test_rows_follow_the_start_by_the_spacing() -> None:
    spread = plan_spread(n_rows=4, start=NOON, end=None, spacing=timedelta(seconds=0.5), fallback_end=NOON)
    assert spread.time_ns(3) == NOON_NS + 1_500_000_000


@pytest.mark.parametrize(
    ("start", "end", "spacing", "message"),
    [
        (NOON, NOON + timedelta(1), timedelta(1), "got all three"),
        (NOON, NOON, None, "expected --end after --start"),
        (NOON, None, timedelta(0), "expected --spacing above 0"),
    ],
)
def test_a_range_that_cannot_be_is_refused(
    start: datetime, end: datetime | None, spacing: timedelta | None, message: str
) -> None:
    with pytest.raises(InputError, match=message):
        plan_spread(n_rows=4, start=start, end=end, spacing=spacing, fallback_end=NOON)
