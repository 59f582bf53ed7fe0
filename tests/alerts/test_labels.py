"""Names and durations as Prometheus and Alertmanager have them."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from driftline_alerts.durations import format_duration, parse_duration
from driftline_alerts.labels import LABEL_NAME, fingerprint, sanitise_labels


def test_identity_does_not_depend_on_order() -> None:
    assert fingerprint({"a": "1", "b": "2"}) == fingerprint({"b": "2", "a": "1"})
    assert fingerprint({"a": "1", "b": "2"}) != fingerprint({"a": "1b", "": "2"})


def test_names_become_ones_that_every_alertmanager_takes() -> None:
    assert sanitise_labels({"gen_ai.request.model": "m", "1st": "x", "none": "", "a-b": "\ud800"}) == {
        "gen_ai_request_model": "m",
        "_1st": "x",
        "a_b": "?",
    }


NAMES = st.text(alphabet="aZ_.-1é /", max_size=6)


@given(st.dictionaries(NAMES, st.sampled_from(["x", "é", "\ud800"]), max_size=4))
def test_any_labels_can_be_sent(labels: dict[str, str]) -> None:
    for name, text in sanitise_labels(labels).items():
        assert LABEL_NAME.fullmatch(name)
        text.encode()


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("0", 0.0), ("30s", 30.0), ("1h30m", 5400.0), ("1w", 604_800.0), ("1y", 31_536_000.0), ("5ms", 0.005)],
)
def test_durations_are_those_of_prometheus(text: str, seconds: float) -> None:
    assert parse_duration(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize("text", ["", "5", "5 m", "1m1h", "1.5h", "-5m", "m", "1m1m", "99999999999y"])
def test_other_texts_are_no_durations(text: str) -> None:
    with pytest.raises(ValueError, match="expected a duration"):
        parse_duration(text)


@given(st.integers(0, 10**13))
def test_duration_reads_back_as_itself(milliseconds: int) -> None:
    duration = timedelta(milliseconds=milliseconds)
    assert parse_duration(format_duration(duration)) == duration
