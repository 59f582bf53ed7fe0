import threading
from collections.abc import Callable
from datetime import UTC, date, datetime

import pytest

from driftline_analyzers.judge import JudgeScorer, JudgeSettings
from driftline_analyzers.judge.budget import Budget, Cost
from driftline_core.errors import StoreError
from driftline_core.store import Store
from tests.analyzers.judge.conftest import call, scores, unknown
from tests.analyzers.judge.judge_server import Answered, JudgeServer, in_turn, refuses, says

Make = Callable[..., JudgeScorer]
MakeSettings = Callable[..., JudgeSettings]
PRICES = {"input_usd_mtok": 1.0, "output_usd_mtok": 10.0}


def test_what_the_server_counted_is_what_was_spent(judge: JudgeServer, scorer: Make) -> None:
    judge.respond = lambda _: says(4, usage=(1000, 50))
    asking = scorer(**PRICES)
    scores(asking, call(1), call(2))
    spent = asking.budget.spent()
    assert (spent.requests, spent.input_tokens, spent.output_tokens) == (2, 2000, 100)
    assert spent.usd == pytest.approx(2 * (1000 * 1 + 50 * 10) / 1e6)


def test_a_server_that_does_not_count_costs_the_most_it_can(judge: JudgeServer, scorer: Make) -> None:
    judge.respond = lambda _: says(4, usage=None)
    asking = scorer(max_tokens=200)
    scores(asking, call(1))
    spent = asking.budget.spent()
    sent = sum(len(message["content"].encode()) for message in judge.asked[0].body["messages"])
    assert spent.output_tokens == 200
    assert spent.input_tokens > sent


def test_a_timeout_is_paid_for_and_a_refusal_to_work_is_not(judge: JudgeServer, scorer: Make) -> None:
    judge.respond = lambda _: refuses(500)
    asking = scorer(timeout_s=1.0, max_retries=2)
    assert unknown(asking, call(1)) == "server_error"
    assert asking.budget.spent() == Cost()
    judge.respond = lambda _: Answered(body=says(1).body, delay_s=30)
    assert unknown(asking, call(2)) == "timeout"
    assert asking.budget.spent().requests == 1
    assert asking.budget.spent().output_tokens == 512


def test_what_is_over_the_budget_is_unknown_and_stays_so_after_a_restart(judge: JudgeServer, scorer: Make) -> None:
    found = scores(scorer(budget_requests=3), *(call(n) for n in range(5)))
    assert [one.evidence.get("unknown") for one in found] == [None, None, None, "budget", "budget"]
    assert found[4].value is None
    assert unknown(scorer(budget_requests=3), call(9)) == "budget"
    assert len(judge.asked) == 3
    assert unknown(scorer(budget_requests=3), call(0)) is None, "what is cached costs nothing"
    assert unknown(scorer(budget_requests=4), call(9)) is None


def test_a_new_day_has_a_new_budget(judge: JudgeServer, settings: MakeSettings, store: Store) -> None:
    def at(day: int) -> JudgeScorer:
        return JudgeScorer(
            settings(budget_requests=1), store, clock=lambda: datetime(2026, 11, day, 23, 59, tzinfo=UTC)
        )

    assert unknown(at(1), call(1)) is None
    assert unknown(at(1), call(2)) == "budget"
    assert unknown(at(2), call(2)) is None
    assert at(2).budget.spent(date(2026, 11, 1)).requests == 1


@pytest.mark.parametrize("limit", [{"budget_usd": 0.02}, {"budget_tokens": 4000}], ids=["usd", "tokens"])
def test_dollars_and_tokens_are_never_overspent(judge: JudgeServer, scorer: Make, limit: dict[str, float]) -> None:
    judge.respond = lambda _: says(4, usage=(400, 100))
    asking = scorer(**PRICES, **limit, max_concurrency=2)
    found = scores(asking, *(call(n) for n in range(40)))
    spent = asking.budget.spent()
    n_known = sum(one.value is not None for one in found)
    assert 1 <= n_known < 40
    assert spent.requests == n_known == len(judge.asked)
    assert spent.usd <= 0.02
    assert "budget_tokens" not in limit or spent.input_tokens + spent.output_tokens <= 4000


def test_a_budget_of_nothing_asks_nothing(judge: JudgeServer, scorer: Make) -> None:
    assert unknown(scorer(budget_requests=0)) == "budget"
    assert judge.asked == []


def test_workers_that_reserve_at_once_stay_within_the_budget_together(
    judge: JudgeServer, settings: MakeSettings, store: Store
) -> None:
    judge.respond = lambda _: Answered(body=says(4).body, delay_s=0.005)
    start = threading.Barrier(4)
    of = settings(budget_requests=25, max_concurrency=2)
    unknowns: list[str | None] = []

    def work(worker: int) -> None:
        scorer = JudgeScorer(of, store)
        start.wait()
        for block in range(5):
            calls = [call(1000 * worker + 10 * block + n) for n in range(10)]
            unknowns.extend(one.evidence.get("unknown") for one in scores(scorer, *calls))

    threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(unknowns) == 200
    assert unknowns.count(None) == len(judge.asked) <= 25
    assert unknowns.count("budget") == 200 - len(judge.asked)
    assert Budget(store, of).spent().requests == len(judge.asked)


def test_a_killed_worker_s_reservation_still_counts(settings: MakeSettings, store: Store) -> None:
    budget = Budget(store, settings(budget_requests=10))
    assert budget.reserve([budget.cost(input_tokens=100, output_tokens=10)] * 7) is not None
    other = Budget(store, settings(budget_requests=10))
    assert other.spent() == Cost(requests=7, input_tokens=700, output_tokens=70)
    second = other.reserve([other.cost(input_tokens=1, output_tokens=1)] * 7)
    assert second is not None
    assert second.n == 3
    assert other.reserve([other.cost(input_tokens=1, output_tokens=1)]) is None


def test_settling_gives_back_what_was_not_used(settings: MakeSettings, store: Store) -> None:
    budget = Budget(store, settings(budget_requests=10))
    reservation = budget.reserve([budget.cost(input_tokens=100, output_tokens=10)] * 10)
    assert reservation is not None
    budget.settle(reservation, budget.cost(input_tokens=5, output_tokens=1))
    assert budget.spent() == Cost(requests=1, input_tokens=5, output_tokens=1)


def test_without_its_tables_nothing_is_asked_and_nothing_raised(
    judge: JudgeServer, settings: MakeSettings, store: Store
) -> None:
    store.command("DROP TABLE judge_spending SYNC")
    assert unknown(JudgeScorer(settings(), store), call(1)) == "store"
    store.command("DROP TABLE judge_verdicts SYNC")
    assert unknown(JudgeScorer(settings(), store), call(1)) == "store"
    assert judge.asked == []
    with pytest.raises(StoreError):
        Budget(store, settings()).spent()


def test_a_verdict_that_cannot_be_kept_is_still_given_and_stays_paid_for(
    judge: JudgeServer, settings: MakeSettings, store: Store
) -> None:
    scorer = JudgeScorer(settings(), store)

    def respond(_: object) -> Answered:
        store.command("RENAME TABLE judge_verdicts TO judge_verdicts_away")
        return says(5)

    judge.respond = respond
    assert scores(scorer, call(1))[0].value == 1.0
    assert scorer.budget.spent().requests == 1


def test_a_retried_request_is_paid_for_once(judge: JudgeServer, scorer: Make) -> None:
    judge.respond = in_turn(refuses(429), refuses(503), says(4, usage=(10, 5)))
    asking = scorer()
    assert unknown(asking) is None
    assert asking.budget.spent() == Cost(requests=1, input_tokens=10, output_tokens=5)
