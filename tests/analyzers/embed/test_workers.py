"""Threads that embed."""

import threading
from collections.abc import Iterator
from functools import partial

import pytest
import torch

from driftline_analyzers.embed.workers import Workers


@pytest.mark.parametrize("n", [1, 3])
def test_every_job_is_done_once(n: int) -> None:
    results = Workers(n).run(partial(pow, i, 2) for i in range(40))
    assert sorted(results) == [i * i for i in range(40)]


def test_each_worker_computes_with_one_thread_and_the_caller_keeps_its_own() -> None:
    before = torch.get_num_threads()
    assert set(Workers(3).run([torch.get_num_threads] * 20)) == {1}
    assert torch.get_num_threads() == before


def test_jobs_are_made_when_they_are_needed_and_dropped_when_nobody_waits() -> None:
    made = 0
    done = threading.Semaphore(0)

    def jobs() -> Iterator[partial[None]]:
        nonlocal made
        for _ in range(1000):
            made += 1
            yield partial(done.release)

    results = Workers(2).run(jobs())
    next(results)
    assert isinstance(results, Iterator)
    results.close()  # type: ignore[attr-defined]  # a generator
    assert made <= 8


def test_an_error_in_a_job_reaches_the_caller() -> None:
    with pytest.raises(ZeroDivisionError):
        list(Workers(2).run([partial(divmod, 1, 0)] * 5))
