"""The queue of batches, and threads that each compute one with one core: no barrier between cores inside a matrix product."""

import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from itertools import islice
from typing import Final, TypeVar

Result = TypeVar("Result")

_THREADS: Final = "driftline-embed"


class Workers:
    """n threads with one torch thread each; n = 1: one thread, with as many torch threads as there are.

    Several threads may call at once. All their batches go through one queue, first come, first served, and each caller has at most 2 n in
    it: who comes with one batch waits for 2 n of every other caller, however long their jobs are. A job must not call run.

    Batches are independent, so a core never waits for another inside an operator: on a machine that is busy with other work too, waiting
    at every operator's end costs more than the work.
    """

    def __init__(self, n: int) -> None:
        self._pool = _pool_of_single_threads(n) if n > 1 else ThreadPoolExecutor(1, thread_name_prefix=_THREADS)
        self._n = n

    def run(self, jobs: Iterable[Callable[[], Result]]) -> Iterator[Result]:
        """Results as they come. jobs: read when a worker is about to be idle, so what makes them overlaps with their work.

        When the iterator is closed early, jobs not begun are dropped and those at work are waited for.
        """
        pending: set[Future[Result]] = set()
        coming = iter(jobs)
        try:
            while True:
                for job in islice(coming, 2 * self._n - len(pending)):
                    pending.add(self._pool.submit(job))
                if not pending:
                    return
                done, pending = wait(pending, return_when=FIRST_COMPLETED)
                for future in done:
                    yield future.result()
        finally:
            for future in pending:
                future.cancel()
            wait(pending)


def _pool_of_single_threads(n: int) -> ThreadPoolExecutor:
    import torch

    everyone = threading.Barrier(n + 1)

    def begin() -> None:
        torch.get_num_threads()  # a thread's first use of torch sets its count to the process's: let that be over
        torch.set_num_threads(1)
        everyone.wait()

    n_threads = torch.get_num_threads()
    pool = ThreadPoolExecutor(max_workers=n, thread_name_prefix=_THREADS, initializer=begin)
    for _ in range(n):
        pool.submit(bool)
    everyone.wait()
    torch.set_num_threads(n_threads)  # threads that others start take the last number that any thread set
    return pool
