"""The floors of ingest: the engine inserting the rows of a run again from Native, and a disk that only keeps the bytes.

`measure` runs in the subject's process after its run, in the same engine with the same settings: INSERTs of the same rows in the same
blocks into fresh tables of the same DDL (fsync and all), from files, by as many threads as the loader has. Beside it, alone and with
nothing else running, what the engine does for Driftline: decoding frames of the same spans into `spans`, then deriving generations.
"""

import os
import resource
import secrets
import threading
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any, Final

from benchmarks.otlp_payload import Payload
from benchmarks.recordings import framed
from driftline_collector.deriver import Deriver
from driftline_collector.insert import SegmentInsert
from driftline_collector.mapping import load_table
from driftline_collector.schemas import INSERT_SETTINGS, SCHEMAS
from driftline_collector.segment import Segment
from driftline_core.store import Store

_THREADS: Final = 2
_MAX_ROWS: Final = 60_000
_BLOCK: Final = {
    name: value for name, value in INSERT_SETTINGS.items() if "format" not in name
}  # one INSERT, one block, deduplicated by its token: as the loader's


def measure(store: Store, folder: str, batch: str) -> dict[str, Any]:
    """By what was done: rows, INSERTs, wall seconds, CPU seconds of the process. folder: for the files."""
    place = Path(folder)
    place.mkdir()
    segments = _largest(store, "SELECT segment AS name, count() AS n FROM spans GROUP BY segment")
    files = {"spans": _dump(store, "spans", "segment", segments, place)}
    runs = _largest(store, "SELECT toString(derived_at) AS name, count() AS n FROM generations GROUP BY derived_at")
    files["generations"] = _dump(store, "generations", "toString(derived_at)", runs, place)
    n_rows = {"spans": sum(segments.values()), "generations": sum(runs.values())}
    both = {**_native(store, files), "n_spans": n_rows["spans"], "n_generations": n_rows["generations"]}
    alone = {**_native(store, {"spans": files["spans"]}), "n_spans": n_rows["spans"]}
    return {
        "native_spans": alone,
        "native_spans_and_generations": both,
        **_driftline(store, place, list(segments.values()), int(batch)),
    }


def fsync_spans_s(folder: Path, body: bytes, *, n_spans: int, group: int, seconds: float = 1.0) -> float:
    """Spans/s of a file that grows by groups of bodies, each made durable before the next."""
    path = folder / "fsync-floor"
    fd = os.open(path, os.O_CREAT | os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC, 0o600)
    n_groups = 0
    started_at = time.perf_counter()
    try:
        while (took_s := time.perf_counter() - started_at) < seconds:
            os.writev(fd, [body] * group)
            os.fdatasync(fd)
            n_groups += 1
    finally:
        os.close(fd)
        path.unlink()
    return n_groups * group * n_spans / took_s


def _largest(store: Store, sql: str) -> dict[str, int]:
    """The rows of a run's largest INSERTs, until there are enough: those that were made under load."""
    chosen: dict[str, int] = {}
    for row in store.rows(f"SELECT name, n FROM ({sql}) ORDER BY n DESC"):
        if sum(chosen.values()) >= _MAX_ROWS:
            break
        chosen[row["name"]] = row["n"]
    return chosen


def _dump(store: Store, table: str, key: str, names: Sequence[str] | dict[str, int], folder: Path) -> list[Path]:
    """A file of Native an INSERT of the run, every column that an INSERT may name."""
    paths = []
    for number, name in enumerate(names):
        path = folder / f"{table}-{number}.native"
        select = f"SELECT * FROM {table} WHERE {key} = {{name:String}}"
        data = store.client.raw_query(select, parameters={"name": name}, fmt="Native")
        path.write_bytes(data)
        paths.append(path)
    return paths


def _native(store: Store, files: dict[str, list[Path]]) -> dict[str, float]:
    jobs: list[Callable[[], object]] = []
    for table, paths in files.items():
        store.command(f"CREATE TABLE floor_{table} AS {table}")
        for path in paths:
            settings = _BLOCK | {"insert_deduplication_token": secrets.token_hex(8)}
            insert = f"INSERT INTO floor_{table} FROM INFILE '{path}' FORMAT Native"
            jobs.append(partial(store.command, insert, settings=settings))
    figures = _timed(jobs, n_threads=_THREADS)
    for table in files:
        store.command(f"DROP TABLE floor_{table} SYNC")
    return figures


def _driftline(store: Store, folder: Path, rows: Sequence[int], batch: int) -> dict[str, dict[str, float]]:
    """Segments of the same sizes decoded by the engine, then derived, each step alone."""
    insert = SegmentInsert(store, SCHEMAS["traces"])
    payloads = [Payload(batch, seed=7 * number) for number in range(4)]
    since = datetime.now(UTC) - timedelta(hours=1)
    jobs: list[Callable[[], object]] = []
    tokens = []
    for number, n_rows in enumerate(rows):
        segment = Segment.new(folder, number)
        bodies = (
            bytes(payloads[n % len(payloads)].renew(secrets.randbits(31))) for n in range(max(1, n_rows // batch))
        )
        now_ns = time.time_ns()
        frames = (framed(body, project="default", received_at_ns=now_ns, n_items=batch) for body in bodies)
        segment.path.write_bytes(b"".join(frames))
        jobs.append(partial(insert.whole, segment))
        tokens.append(segment.token)
    decoding = _timed(jobs, n_threads=_THREADS)
    n_spans = sum(max(1, n // batch) * batch for n in rows)
    deriver = Deriver(store, load_table())
    deriving = _timed([partial(deriver.spans, tokens, since=since)], n_threads=1)
    return {"decoding": {**decoding, "n_spans": n_spans}, "deriving": {**deriving, "n_spans": n_spans}}


def _timed(jobs: Sequence[Callable[[], object]], *, n_threads: int) -> dict[str, float]:
    waiting: SimpleQueue[Callable[[], object]] = SimpleQueue()
    for job in jobs:
        waiting.put(job)
    failures: list[Exception] = []

    def work() -> None:
        try:
            while True:
                waiting.get_nowait()()
        except Empty:
            return
        except Exception as error:  # noqa: BLE001 - carried to the caller: a floor of fewer rows would be a lie
            failures.append(error)

    threads = [threading.Thread(target=work) for _ in range(n_threads)]
    cpu_s, started_at = _cpu_s(), time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    wall_s = time.perf_counter() - started_at
    if failures:
        raise failures[0]
    return {"inserts": len(jobs), "wall_s": wall_s, "cpu_s": _cpu_s() - cpu_s}


def _cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime
