"""Workers in processes of their own that share a server's store."""

import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from driftline_analyzers.judge import JudgeScorer, JudgeSettings
from driftline_core.settings import StoreSettings
from driftline_core.store import Store, load_migrations, migrate
from tests.analyzers.judge.conftest import RUBRIC, call, scores
from tests.analyzers.judge.judge_server import Answered, JudgeServer, says

WORKER = """
    import sys
    from pydantic import SecretStr
    from driftline_analyzers.judge import JudgeScorer, JudgeSettings
    from driftline_core.settings import StoreSettings
    from driftline_core.store import Store
    from tests.analyzers.judge.conftest import RUBRIC, call, scores

    dsn, url = sys.argv[1:]
    store = Store(StoreSettings(dsn=SecretStr(dsn), database="judged"))
    of = JudgeSettings(url=url, model="judge-1", criteria={"helpfulness": RUBRIC}, share=1.0, budget_requests=10)
    scores(JudgeScorer(of, store), *(call(100 + n) for n in range(4)))
"""


@pytest.fixture
def shared_store(server_dsn: str) -> Iterator[Store]:
    store = Store(StoreSettings(dsn=SecretStr(server_dsn), database="judged"))
    migrate(store, [one for one in load_migrations() if one.name == "judge"])
    yield store
    store.command("DROP DATABASE judged SYNC")
    store.close()


def test_what_a_killed_worker_had_in_flight_is_counted_as_spent(
    judge: JudgeServer, settings: Callable[..., JudgeSettings], shared_store: Store, server_dsn: str
) -> None:
    judge.respond = lambda _: Answered(body=says(4).body, delay_s=60)
    command = [sys.executable, "-c", textwrap.dedent(WORKER), server_dsn, judge.url]
    process = subprocess.Popen(command, cwd=Path(__file__).parents[3], stderr=subprocess.DEVNULL)
    try:
        until = time.monotonic() + 60
        while len(judge.asked) < 4:
            assert process.poll() is None, "the worker ended before it asked"
            assert time.monotonic() < until, "the worker never asked"
            time.sleep(0.02)
    finally:
        process.kill()
        process.wait()
    judge.respond = lambda _: says(4)
    scorer = JudgeScorer(settings(budget_requests=10), shared_store)
    assert scorer.budget.spent().requests == 4
    found = scores(scorer, *(call(n) for n in range(10)))
    assert [one.evidence.get("unknown") for one in found] == [None] * 6 + ["budget"] * 4
    assert scores(JudgeScorer(settings(), shared_store), call(0)) == found[:1]
    assert len(judge.asked) == 10
    assert RUBRIC in judge.asked[-1].system
