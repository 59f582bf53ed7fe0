"""The demo's agent: what it does every day, and what goes wrong in the end."""

from datetime import UTC, datetime, timedelta

import pytest

from driftline_cli.demo.corpus import load_topics
from driftline_cli.demo.desk import N_LOOPS, N_REPEATS, Run, plan_runs
from driftline_cli.demo.week import week_ending

WEEK = week_ending(datetime(2026, 11, 20, 9, 30, tzinfo=UTC))
FEWEST_TESTED = 30


@pytest.fixture(scope="module")
def runs() -> list[Run]:
    return plan_runs(WEEK, load_topics(), seed=7)


def test_the_same_seed_is_the_same_runs(runs: list[Run]) -> None:
    assert plan_runs(WEEK, load_topics(), seed=7) == runs
    assert plan_runs(WEEK, load_topics(), seed=8) != runs


def test_the_runs_lie_in_the_week_and_come_in_order(runs: list[Run]) -> None:
    assert runs == sorted(runs, key=lambda run: run.start_time)
    assert WEEK.start <= runs[0].start_time
    assert runs[-1].start_time < WEEK.end - timedelta(minutes=1)


@pytest.mark.parametrize("seed", range(20))
def test_no_window_of_twelve_hours_has_enough_calls_to_be_tested_for_drift(seed: int) -> None:
    calls = [
        run.start_time for run in plan_runs(WEEK, load_topics(), seed=seed) for _ in range(1 + bool(run.n_tool_calls))
    ]
    assert max(sum(begin <= at < begin + timedelta(hours=12) for at in calls) for begin in calls) < FEWEST_TESTED


def test_a_loop_calls_the_same_tool_with_the_same_arguments_and_it_fails(runs: list[Run]) -> None:
    loops = [run for run in runs if "loop" in run.plants]
    assert len(loops) == N_LOOPS
    for run in loops:
        assert len(run.steps) == N_REPEATS
        assert len({(step.name, str(step.arguments), step.error_type) for step in run.steps}) == 1
        assert run.steps[0].error_type
    assert [run.answer == "" for run in loops] == [False, False, True]


def test_personal_data_and_the_password_stand_in_answers_of_the_last_hour_alone(runs: list[Run]) -> None:
    for run in runs:
        assert ("@example.com" in run.answer) == ("personal data" in run.plants)
        assert ("lock password" in run.answer) == ("secret" in run.plants)
        if run.plants & {"personal data", "secret"}:
            assert run.start_time >= WEEK.end - timedelta(hours=1)
