"""One embedder, many threads: loaded once, the vectors of one thread, nobody kept waiting by a long job."""

import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import numpy as np
import pytest
import torch

from driftline_analyzers.embed.chunks import Reading
from driftline_analyzers.embed.embedder import Embeddings, SentenceEmbedder
from driftline_analyzers.embed.recent import Known, RecentVectors
from driftline_analyzers.embed.tokens import RustTokenizer
from driftline_analyzers.embed.word_cache import WordPieceCache
from driftline_analyzers.embed.workers import Workers
from driftline_core.errors import ConfigError
from tests.analyzers.embed.tiny_models import SENTENCES, bundled_folder, tiny_bert, tiny_mpnet

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

Result = TypeVar("Result")

_N_THREADS = 6


@pytest.fixture(autouse=True)
def _hasty_switches() -> Iterator[None]:
    """Threads take turns a thousand times as often as they usually do."""
    before, n_torch = sys.getswitchinterval(), torch.get_num_threads()
    sys.setswitchinterval(5e-6)
    yield
    sys.setswitchinterval(before)
    torch.set_num_threads(n_torch)


class CountingEmbedder(SentenceEmbedder):
    """Counts how often the model was really loaded."""

    n_loads = 0

    def _load_model(self) -> "SentenceTransformer":
        self.n_loads += 1
        return super()._load_model()


def at_once(work: Callable[[int], Result]) -> list[Result]:
    """What work(number) gives in threads that begin together."""
    together = threading.Barrier(_N_THREADS)

    def begin(number: int) -> Result:
        together.wait()
        return work(number)

    with ThreadPoolExecutor(_N_THREADS) as pool:
        return list(pool.map(begin, range(_N_THREADS)))


def texts_of(number: int) -> list[str]:
    """Texts of a thread, of many lengths: some short, some cut into chunks, words that no other thread has."""
    return [
        f"{sentence} {'seven' * (i % 3)} thread{number} {'and so on ' * (i * number)}"
        for i, sentence in enumerate(SENTENCES * 3)
    ]


@pytest.mark.parametrize(("make", "threads"), [(tiny_bert, 1), (tiny_bert, 2), (tiny_mpnet, 1)])
def test_threads_get_the_vectors_of_one_thread_from_one_load(
    make: Callable[[Path], Path], threads: int, tmp_path: Path
) -> None:
    folder = str(make(tmp_path))
    shared = CountingEmbedder(model=folder, dtype="float32", batch_tokens=256, threads=threads)
    alone = SentenceEmbedder(model=folder, dtype="float32", batch_tokens=256, threads=threads)

    def work(number: int) -> tuple[str, list[Embeddings], list[Reading]]:
        texts = texts_of(number)
        return shared.model_id, [shared.embed(texts) for _ in range(5)], shared.readings(texts)

    for number, (model_id, embedded, readings) in enumerate(at_once(work)):
        expected = alone.embed(texts_of(number))
        assert model_id == alone.model_id
        assert readings == alone.readings(texts_of(number))
        for vectors in embedded:
            np.testing.assert_allclose(vectors, expected, atol=1e-6)
    assert shared.n_loads == 1


def test_a_model_that_cannot_be_loaded_fails_in_every_thread() -> None:
    embedder = SentenceEmbedder(model="no/such-model")

    def work(number: int) -> str:
        with pytest.raises(ConfigError):
            embedder.embed([f"text {number}"])
        with pytest.raises(ConfigError) as error:
            str(embedder.model_id)
        return str(error.value)

    assert all("no/such-model" in said for said in at_once(work))


def test_words_are_learnt_by_several_threads_while_the_dictionary_is_emptied() -> None:
    from tokenizers import Tokenizer

    rust = RustTokenizer(Tokenizer.from_file(str(bundled_folder() / "tokenizer.json")))
    shared = WordPieceCache(rust, max_words=20)
    for number, runs in enumerate(at_once(lambda number: [shared.encode(texts_of(number)) for _ in range(20)])):
        expected = rust.encode(texts_of(number))
        assert all(ids == expected for ids in runs)


def test_recent_vectors_are_kept_and_dropped_by_several_threads() -> None:
    recent = RecentVectors(1)
    known = {bytes([i]): Known(np.full(2, i, dtype=np.float32), Reading.WHOLE) for i in range(3)}

    def work(number: int) -> bool:
        right = True
        for i in range(20_000):
            key = bytes([(i * (number + 1)) % len(known)])
            recent.put(key, known[key])
            right = right and recent.get(key) in (known[key], None)
        return right

    assert all(at_once(work))
    assert sum(recent.get(key) is not None for key in known) == 1


@pytest.mark.parametrize("n", [1, 2])
def test_one_batch_waits_for_a_few_of_a_long_job_and_not_for_its_end(n: int) -> None:
    workers = Workers(n)
    is_waiting, n_done = threading.Event(), 0
    seen: list[int] = []
    lock = threading.Lock()

    def long_batch() -> None:
        nonlocal n_done
        is_waiting.wait(30)
        with lock:
            n_done += 1

    def short_jobs() -> Iterator[Callable[[], None]]:
        yield lambda: seen.append(n_done)
        is_waiting.set()  # asked for a second job: the first is in the queue

    with ThreadPoolExecutor(1) as pool:
        long = pool.submit(lambda: list(workers.run([long_batch] * 200)))
        list(workers.run(short_jobs()))
        assert len(long.result()) == n_done == 200
    assert seen[0] <= 4 * n


def test_batches_of_several_callers_come_back_to_whom_they_belong() -> None:
    workers = Workers(2)

    def work(number: int) -> Sequence[int]:
        return sorted(workers.run(partial(int, number * 1000 + i) for i in range(200)))

    for number, results in enumerate(at_once(work)):
        assert results == [number * 1000 + i for i in range(200)]
