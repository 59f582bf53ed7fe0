"""A disk that is really full (a small tmpfs): refused clearly, nothing lost, and well again by itself when space comes back."""

import os
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import grpc
import pytest

from driftline_collector import Collector
from driftline_collector.letters import find_letters
from driftline_core.store import Store
from tests.collector.otlp_requests import build_request, poisoned_request, post

StartCollector = Callable[..., Collector]
CountSpans = Callable[[], int]
_EXPORT = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
_MIB = 1 << 20


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """8 MiB. Skips where mounting is not permitted, whatever is required: the privilege is not to be installed."""
    folder = tmp_path / "small"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(folder)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        pytest.skip("there is no mount here")
    if done.returncode:
        pytest.skip(f"mounting a tmpfs is not permitted here: {done.stderr.strip()}")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.fixture
def store_away(ingest_store: Store) -> Iterator[Callable[[bool], None]]:
    """Takes the table of ingest away (True) or brings it back."""
    is_away = False

    def move(away: bool) -> None:
        nonlocal is_away
        if away != is_away:
            names = ("otlp_traces", "otlp_traces_away")
            ingest_store.command("RENAME TABLE {} TO {}".format(*(names if away else reversed(names))))
            is_away = away

    yield move
    move(False)


def fill(disk: Path, *, leave_bytes: int = 0) -> Path:
    """A file that takes what is free but leave_bytes."""
    filler = disk / "filler"
    with filler.open("wb", buffering=0) as file:
        state = os.statvfs(disk)
        left = state.f_bavail * state.f_frsize - leave_bytes
        try:
            while left > 0:
                left -= file.write(bytes(min(left, 4096)))
        except OSError:
            pass  # full to the last page
    return filler


def body(n_bytes: int = 200_000) -> bytes:
    return bytes(build_request(1, text=os.urandom(n_bytes // 2).hex()).SerializeToString())


def wait_for(claim: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60.0
    while not claim():
        assert time.monotonic() < deadline, "it did not come about"
        time.sleep(0.02)


def test_a_disk_that_others_filled_is_told_and_the_collector_recovers_by_itself(
    start_collector: StartCollector, count_spans: CountSpans, project: str, small_disk: Path
) -> None:
    collector = start_collector(spool_path=small_disk / "spool", spool_min_free_bytes=_MIB, retry_after_s=9)
    sent = {"x_driftline_project": project}
    assert post(collector.http_port, body(), **sent).status == 200
    filler = fill(small_disk, leave_bytes=_MIB // 2)
    for _ in range(3):
        refused = post(collector.http_port, body(), **sent)
        assert (refused.status, refused.headers["retry-after"]) == (503, "9")
        assert "No space left on device" in refused.error
    with grpc.insecure_channel(f"127.0.0.1:{collector.grpc_port}") as channel, pytest.raises(grpc.RpcError) as caught:
        channel.unary_unary(_EXPORT)(body(), timeout=30.0)
    assert caught.value.code() == grpc.StatusCode.UNAVAILABLE
    assert "No space left" in collector.health().detail
    filler.unlink()
    assert post(collector.http_port, body(), **sent).status == 200
    assert collector.flush(60.0)
    assert collector.health().is_ok
    assert count_spans() == 2
    assert not list((small_disk / "spool").glob("*/*.pb"))


def test_a_spool_that_filled_its_disk_drains(
    start_collector: StartCollector,
    count_spans: CountSpans,
    project: str,
    small_disk: Path,
    store_away: Callable[[bool], None],
) -> None:
    collector = start_collector(
        spool_path=small_disk / "spool",
        spool_min_free_bytes=_MIB,
        segment_max_bytes=_MIB,
        load_retry_max_s=0.2,
    )
    store_away(True)
    statuses = [post(collector.http_port, body(), x_driftline_project=project).status for _ in range(60)]
    assert set(statuses) == {200, 503}
    state = os.statvfs(small_disk)
    assert state.f_bavail * state.f_frsize >= _MIB
    store_away(False)
    assert collector.flush(120.0)
    assert count_spans() == statuses.count(200) == collector.stats().stored_spans
    assert post(collector.http_port, body(), x_driftline_project=project).status == 200
    assert collector.flush(60.0)


@pytest.mark.parametrize("has_poison", [True, False])
def test_digests_and_dead_letters_wait_for_space_and_nothing_counts_twice(
    start_collector: StartCollector,
    count_spans: CountSpans,
    project: str,
    small_disk: Path,
    store_away: Callable[[bool], None],
    *,
    has_poison: bool,
) -> None:
    spool = small_disk / "spool"
    collector = start_collector(
        spool_path=spool, spool_min_free_bytes=0, load_retry_max_s=0.2, linger_s=1.0, linger_max_s=1.0
    )
    store_away(True)
    for each in (body(), *([poisoned_request()] if has_poison else []), body()):
        assert post(collector.http_port, each, x_driftline_project=project).status == 200
    wait_for(lambda: collector.stats().load_errors > 0)  # the segment is closed
    filler = fill(small_disk)
    before = collector.stats().load_errors
    store_away(False)
    wait_for(lambda: collector.stats().load_errors > before + 3)
    wait_for(lambda: "No space left" in collector.health().detail)
    assert not find_letters(spool)
    filler.unlink()
    assert collector.flush(60.0)
    stats = collector.stats()
    assert (stats.stored_spans, stats.dead_lettered_spans, stats.dead_lettered_requests) == (
        2,
        has_poison,
        has_poison,
    )
    assert count_spans() == 2
    assert [letter.n_bytes - len(letter.body()) for letter in find_letters(spool)] == [0] * has_poison
    assert not list((spool / "dead-letters").glob("*.part"))
    assert collector.health().is_ok
