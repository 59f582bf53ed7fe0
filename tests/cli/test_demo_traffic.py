"""The demo's week: a seed makes it, and only what is planted changes in it."""

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from driftline_cli.demo.corpus import load_topics
from driftline_cli.demo.traffic import SLICES, Call, plan_calls
from driftline_cli.demo.week import week_ending

WEEK = week_ending(datetime(2026, 11, 20, 9, 30, tzinfo=UTC))


@pytest.fixture(scope="module")
def calls() -> list[Call]:
    return plan_calls(WEEK, load_topics(), seed=7)


def test_the_same_seed_is_the_same_week(calls: list[Call]) -> None:
    again = plan_calls(WEEK, load_topics(), seed=7)
    assert again == calls
    assert plan_calls(WEEK, load_topics(), seed=8) != calls


def test_the_corpus_is_eight_topics_or_more_and_forty_documents_or_more() -> None:
    topics = load_topics()
    documents = [document for topic in topics for document in topic.documents]
    assert len(topics) >= 8
    assert len(documents) >= 40
    assert len({document.document_id for document in documents}) == len(documents)
    assert all(len(document.facts) == 3 and len(document.questions) >= 3 for document in documents)


def test_the_week_ends_when_it_should_and_comes_in_order(calls: list[Call]) -> None:
    assert WEEK.end - WEEK.start == timedelta(days=7)
    assert WEEK.change - WEEK.start == timedelta(days=4)
    assert calls == sorted(calls, key=lambda call: call.start_time)
    assert WEEK.start <= calls[0].start_time
    assert calls[-1].start_time < WEEK.end


def test_there_are_fewer_calls_at_night(calls: list[Call]) -> None:
    hours = Counter(call.start_time.hour for call in calls)
    assert sum(hours[hour] for hour in (12, 13, 14, 15)) > 2 * sum(hours[hour] for hour in (0, 1, 2, 3))


def test_only_the_planted_slice_loses_the_facts_and_only_from_day_five_on(calls: list[Call]) -> None:
    facts = {document.facts[1] for topic in load_topics() for document in topic.documents}
    for call in calls:
        if call.error_type or call.is_off_topic or call.plant:
            continue
        is_changed = call.source.is_drift_planted and call.start_time >= WEEK.change
        assert any(fact in call.answer for fact in facts) != is_changed


def test_the_prompt_version_changes_on_day_five_with_and_without_consequence(calls: list[Call]) -> None:
    versions = {
        (call.source.service, call.source.model, call.prompt_version, call.start_time >= WEEK.change) for call in calls
    }
    assert versions == {
        ("support-chat", "gpt-4o-mini", "v1", False),
        ("support-chat", "gpt-4o-mini", "v2", True),
        ("support-chat", "claude-haiku-4-5", "v1", False),
        ("support-chat", "claude-haiku-4-5", "v1", True),
        ("help-search", "gpt-4o-mini", "v1", False),
        ("help-search", "gpt-4o-mini", "v1.1", True),
    }


def test_it_is_small_enough_to_embed_in_a_minute(calls: list[Call]) -> None:
    texts = {call.question for call in calls} | {call.answer for call in calls}
    assert 3000 <= len(calls) <= 6000
    assert 1200 <= len(texts) <= 2000


def test_sessions_hold_several_turns_and_some_calls_fail(calls: list[Call]) -> None:
    turns = Counter(call.session_id for call in calls if call.source is SLICES[0])
    assert 2 <= sum(turns.values()) / len(turns) <= 5
    assert 0.002 < sum(bool(call.error_type) for call in calls) / len(calls) < 0.02
    assert all(call.answer == "" for call in calls if call.error_type)


def test_riders_of_one_age_are_turned_away_in_one_service_alone_and_all_week(calls: list[Call]) -> None:
    def share(service: str, age: str, *, is_changed: bool) -> float:
        mine = [
            call.plant == "referral"
            for call in calls
            if (call.source.service, call.rider_age, call.start_time >= WEEK.change) == (service, age, is_changed)
        ]
        return sum(mine) / len(mine)

    for is_changed in (False, True):
        assert 0.2 < share("support-chat", "60 and over", is_changed=is_changed) < 0.4
        assert share("support-chat", "under 60", is_changed=is_changed) < 0.05
        assert share("help-search", "60 and over", is_changed=is_changed) == 0
    ages = {call.session_id: call.rider_age for call in calls}
    assert all(ages[call.session_id] == call.rider_age for call in calls)


def test_the_attack_is_one_session_of_the_last_minutes_that_gets_the_prompt_out_twice(calls: list[Call]) -> None:
    attack = [call for call in calls if call.plant in ("injection", "leak")]
    assert len({call.session_id for call in attack}) == 1
    assert all(WEEK.end - timedelta(minutes=6) <= call.start_time < WEEK.end for call in attack)
    assert [call.answer == call.system_prompt for call in attack].count(True) == 2
    assert not any(call.error_type for call in attack)
