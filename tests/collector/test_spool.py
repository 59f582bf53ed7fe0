"""The spool alone: what was acknowledged survives cuts, flips and full disks, and is handed on once."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from driftline_collector.digests import DigestMemory
from driftline_collector.envelope import Frame, digest_of, frame_head, read_frames, varint
from driftline_collector.errors import Busy, RequestRefused
from driftline_collector.segment import Segment
from driftline_collector.spool import Spool
from driftline_core.errors import StoreError


class Waiter:
    def __init__(self) -> None:
        self.settled = threading.Event()
        self.error: Busy | None = None


class Sink:
    """Settles waiters of these tests."""

    def settle(self, waiters: Sequence[Waiter], error: Busy | None) -> None:
        for waiter in waiters:
            waiter.error = error
            waiter.settled.set()


def open_spool(
    folder: Path, *, max_bytes: int = 1 << 30, segment_max_bytes: int = 1 << 20, linger_s: float = 0.0
) -> Spool:
    return Spool(folder, max_bytes=max_bytes, segment_max_bytes=segment_max_bytes, linger_s=linger_s)


def keep(spool: Spool, body: bytes, *, project: str = "p", n_items: int = 1) -> bool:
    """Append and wait for the acknowledgement; True when it was kept before. Raises Busy."""
    waiter = Waiter()
    digest = digest_of(project, body)
    if spool.append(project=project, digest=digest, body=body, n_items=n_items, sink=Sink(), waiter=waiter):
        return True
    assert waiter.settled.wait(30.0)
    if waiter.error is not None:
        raise waiter.error
    return False


def bodies_in(segment: Segment) -> list[bytes]:
    data, frames = segment.read()
    return [data[frame.body : frame.end] for frame in frames]


def recovered_bodies(folder: Path) -> tuple[list[bytes], list[bytes]]:
    """What a new process finds: bodies, and damaged stretches."""
    damaged: list[bytes] = []
    spool = open_spool(folder)
    try:
        found = spool.recover(bury=lambda _, data: damaged.append(data))
        kept = [recovered.segment for recovered in found if recovered.segment.n_bytes]
        return [body for segment in kept for body in bodies_in(segment)], damaged
    finally:
        spool.close()


def write_segment(folder: Path, bodies: list[bytes]) -> Segment:
    """A segment as a process that was killed leaves it."""
    folder.mkdir(parents=True, exist_ok=True)
    segment = Segment.new(folder, 1)
    with segment.path.open("wb") as file:
        for body in bodies:
            head = frame_head(
                project="p", received_at_ns=7, digest=digest_of("p", body), n_items=2, body=body, salt=segment.salt
            )
            file.write(head + body)
    return segment


def test_what_was_acknowledged_is_taken_once_and_in_order(tmp_path: Path) -> None:
    spool = open_spool(tmp_path)
    spool.start()
    bodies = [os.urandom(1000) for _ in range(20)]
    for body in bodies:
        assert not keep(spool, body, n_items=3)
    taken: list[bytes] = []
    while spool.n_bytes:
        segment = spool.take(timeout_s=5.0)
        assert segment is not None
        taken += bodies_in(segment)
        assert segment.n_items == 3 * len(segment.digests)
        spool.remove(segment)
    assert taken == bodies
    assert spool.oldest_age_s() == 0.0
    assert not list(tmp_path.glob("*.pb"))
    spool.stop(deadline_s=5.0)
    spool.close()


def test_many_senders_share_a_segment_and_none_is_forgotten(tmp_path: Path) -> None:
    spool = open_spool(tmp_path, linger_s=30.0)
    spool.start()
    bodies = [os.urandom(2000) for _ in range(64)]
    threads = [threading.Thread(target=keep, args=(spool, body)) for body in bodies]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    spool.stop(deadline_s=5.0)  # stopping does not wait for the linger time
    segment = spool.take(timeout_s=1.0)
    assert segment is not None
    assert sorted(bodies_in(segment)) == sorted(bodies)
    assert spool.take(timeout_s=0.0) is None
    spool.close()


def test_a_segment_closes_when_it_is_full(tmp_path: Path) -> None:
    spool = open_spool(tmp_path, segment_max_bytes=64 << 10, linger_s=60.0)
    spool.start()
    for _ in range(5):
        keep(spool, os.urandom(40 << 10))
    assert spool.take(timeout_s=0.0) is not None
    assert spool.take(timeout_s=0.0) is not None
    assert spool.take(timeout_s=0.0) is None
    spool.stop(deadline_s=5.0)
    spool.close()


def test_a_full_spool_refuses_until_it_drains(tmp_path: Path) -> None:
    spool = open_spool(tmp_path, max_bytes=3000)
    spool.start()
    keep(spool, bytes(2000))
    with pytest.raises(Busy, match="the spool is full") as caught:
        keep(spool, bytes(2001))
    assert caught.value.is_full
    segment = spool.take(timeout_s=5.0)
    assert segment is not None
    spool.remove(segment)
    assert not keep(spool, bytes(2001))
    spool.stop(deadline_s=5.0)
    spool.close()


def test_what_an_empty_spool_could_not_hold_is_refused_for_good(tmp_path: Path) -> None:
    spool = open_spool(tmp_path, max_bytes=3000)
    with pytest.raises(RequestRefused, match="expected at most 3000 bytes, all that the spool may hold, got 3001"):
        keep(spool, bytes(3001))
    spool.close()


def test_a_segment_given_back_is_taken_again(tmp_path: Path) -> None:
    spool = open_spool(tmp_path)
    spool.start()
    keep(spool, b"body")
    first = spool.take(timeout_s=5.0)
    assert first is not None
    spool.give_back(first)
    assert spool.take(timeout_s=5.0) is first
    spool.stop(deadline_s=5.0)
    spool.close()


def test_drain_waits_for_what_came_before_it(tmp_path: Path) -> None:
    spool = open_spool(tmp_path, linger_s=60.0)
    spool.start()
    assert spool.drain(timeout_s=0.0)
    keep(spool, b"body")
    assert not spool.drain(timeout_s=0.05)

    def load() -> None:
        segment = spool.take(timeout_s=10.0)
        assert segment is not None
        spool.remove(segment)

    loader = threading.Thread(target=load)
    loader.start()
    assert spool.drain(timeout_s=10.0)
    loader.join()
    spool.stop(deadline_s=5.0)
    spool.close()


def test_a_repeated_body_is_known_in_flight_on_disk_and_after_it_left(tmp_path: Path) -> None:
    spool = open_spool(tmp_path)
    spool.start()
    assert not keep(spool, b"one")
    assert keep(spool, b"one")
    assert not keep(spool, b"one", project="other")
    spool.stop(deadline_s=5.0)
    spool.close()

    spool = open_spool(tmp_path)  # a new process: it lies in a segment
    spool.recover(bury=lambda *_: None)
    spool.start()
    assert keep(spool, b"one")
    while spool.n_bytes:
        segment = spool.take(timeout_s=5.0)
        assert segment is not None
        spool.remove(segment)
    spool.stop(deadline_s=5.0)
    spool.close()

    spool = open_spool(tmp_path)  # another one: it was loaded, its digest was saved
    spool.recover(bury=lambda *_: None)
    spool.start()
    assert keep(spool, b"one")
    assert not keep(spool, b"two")
    spool.stop(deadline_s=5.0)
    spool.close()


def test_a_spool_belongs_to_one_process(tmp_path: Path) -> None:
    spool = open_spool(tmp_path)
    with pytest.raises(StoreError, match="another process uses"):
        open_spool(tmp_path)
    spool.close()
    open_spool(tmp_path).close()


@settings(max_examples=40, deadline=None)
@given(bodies=st.lists(st.binary(max_size=300), max_size=6), data=st.data())
def test_whatever_is_cut_off_the_whole_frames_before_it_are_recovered(bodies: list[bytes], data: st.DataObject) -> None:
    with TemporaryDirectory() as name:
        folder = Path(name)
        segment = write_segment(folder, bodies)
        whole = segment.path.read_bytes()
        cut = data.draw(st.integers(min_value=0, max_value=len(whole)))
        ends = [part.end for part in read_frames(whole, salt=segment.salt) if isinstance(part, Frame)]
        segment.path.write_bytes(whole[:cut])
        found, damaged = recovered_bodies(folder)
        assert found == bodies[: sum(end <= cut for end in ends)]
        assert not damaged
        # What is left is sound: a second recovery finds the same.
        assert recovered_bodies(folder) == (found, [])


@settings(max_examples=50, deadline=None)
@given(bodies=st.lists(st.binary(min_size=1, max_size=200), min_size=2, max_size=5), data=st.data())
def test_a_flipped_bit_costs_at_most_the_frame_that_it_hit(bodies: list[bytes], data: st.DataObject) -> None:
    with TemporaryDirectory() as name:
        folder = Path(name)
        segment = write_segment(folder, bodies)
        whole = bytearray(segment.path.read_bytes())
        at = data.draw(st.integers(min_value=0, max_value=len(whole) - 1))
        frames = [part for part in read_frames(bytes(whole), salt=segment.salt) if isinstance(part, Frame)]
        hit = next(index for index, frame in enumerate(frames) if frame.start <= at < frame.end)
        whole[at] ^= 1 << data.draw(st.integers(min_value=0, max_value=7))
        segment.path.write_bytes(whole)
        found, damaged = recovered_bodies(folder)
        without = bodies[:hit] + bodies[hit + 1 :]
        # A flip in the length in front is healed by the seal's own.
        assert found in (bodies, without)
        if found == without and hit < len(bodies) - 1:
            assert len(damaged) == 1
        assert recovered_bodies(folder) == (found, [])


_WOUNDS: st.SearchStrategy[list[tuple[int, int, int]]] = (
    st.lists(  # which frame, how far from its start, which bit: heads are as likely as bodies
        st.tuples(st.integers(0, 4), st.integers(0, 80) | st.integers(0, 5), st.integers(0, 7)), max_size=4
    )
)


@settings(max_examples=300, deadline=None)
@given(
    bodies=st.lists(st.binary(max_size=200), min_size=1, max_size=5, unique=True),
    flips=_WOUNDS,
    cut=st.none() | st.integers(min_value=0, max_value=2000),
)
def test_whatever_is_flipped_and_cut_a_frame_is_recovered_whole_or_buried(
    bodies: list[bytes], flips: list[tuple[int, int, int]], cut: int | None
) -> None:
    with TemporaryDirectory() as name:
        folder = Path(name)
        segment = write_segment(folder, bodies)
        whole = segment.path.read_bytes()
        data = bytearray(whole)
        frames = [part for part in read_frames(whole, salt=segment.salt) if isinstance(part, Frame)]
        for index, offset, bit in flips:
            data[(frames[index % len(frames)].start + offset) % len(data)] ^= 1 << bit
        if cut is not None:
            del data[cut % len(data) :]
        segment.path.write_bytes(data)
        found, damaged = recovered_bodies(folder)
        assert found == [body for body in bodies if body in found]  # none altered, all in their order
        for frame in frames:
            left = bytes(data[frame.start : frame.end])
            if frame.end > len(data) or whole[frame.body : frame.end] in found:
                continue  # cut off, or recovered
            assert left != whole[frame.start : frame.end]
            assert any(left in stretch for stretch in damaged)
        assert recovered_bodies(folder) == (found, [])


def test_a_body_that_holds_a_frame_cannot_pass_for_one(tmp_path: Path) -> None:
    forged = frame_head(project="p", received_at_ns=1, digest=bytes(16), n_items=1, body=b"x", salt=0) + b"x"
    segment = write_segment(tmp_path, [b"first" + forged * 3, b"second"])
    data = bytearray(segment.path.read_bytes())
    data[60] ^= 1
    segment.path.write_bytes(data)
    assert recovered_bodies(tmp_path)[0] == [b"second"]


def test_zeros_at_the_end_are_a_torn_tail(tmp_path: Path) -> None:
    segment = write_segment(tmp_path, [b"body"])
    with segment.path.open("ab") as file:
        file.write(bytes(4096))
    assert recovered_bodies(tmp_path) == ([b"body"], [])


_FULL_DISK = """
import resource, sys
from pathlib import Path
from driftline_collector.errors import Busy
from tests.collector.test_spool import keep, open_spool, recovered_bodies
folder = Path(sys.argv[1])
spool = open_spool(folder, segment_max_bytes=1 << 30, linger_s=60.0)
spool.start()
keep(spool, b"a" * 50_000)
resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, resource.RLIM_INFINITY))
for _ in range(2):
    try:
        keep(spool, b"b" * 50_000 + bytes(_))
        keep(spool, b"c" * 50_000 + bytes(_))
    except Busy as error:
        assert not error.is_full and "cannot be written" in str(error), error
        assert spool.disk_error
        break
else:
    raise SystemExit("the disk did not fill")
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
keep(spool, b"b" * 50_000)
assert spool.disk_error is None
spool.stop(deadline_s=5.0)
spool.close()
bodies, damaged = recovered_bodies(folder)
assert not damaged and b"a" * 50_000 in bodies and b"b" * 50_000 in bodies, [len(body) for body in bodies]
assert len(bodies) == len(set(bodies))
"""


def test_a_write_that_fails_is_refused_and_the_next_one_kept(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _FULL_DISK, str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_an_unexpected_error_is_answered_and_the_writer_goes_on(tmp_path: Path) -> None:
    spool = open_spool(tmp_path)
    spool.start()
    with pytest.raises(Busy, match="internal error") as caught:
        keep(spool, b"body", n_items=1 << 40)  # more than the frame has room for
    assert not caught.value.is_full
    assert not keep(spool, b"body")
    assert spool.n_bytes > 0
    spool.stop(deadline_s=5.0)
    spool.close()
    assert recovered_bodies(tmp_path) == ([b"body"], [])


def test_digests_are_forgotten_after_the_window_and_beyond_the_bound(tmp_path: Path) -> None:
    memory = DigestMemory(tmp_path, window_s=120, max_bodies=1000)
    memory.remember([b"a" * 16], now_s=0.0)
    memory.save([b"a" * 16], now_s=0.0)
    memory.remember([b"b" * 16], now_s=100.0)
    assert memory.knows(b"a" * 16)
    memory.remember([b"c" * 16], now_s=300.0)
    assert not memory.knows(b"a" * 16)
    memory.remember([number.to_bytes(16, "big") for number in range(1000)], now_s=400.0)
    assert not memory.knows(b"c" * 16)
    assert len(memory) == 1000
    again = DigestMemory(tmp_path, window_s=120, max_bodies=1000)
    again.load(now_s=90.0)
    assert again.knows(b"a" * 16)
    later = DigestMemory(tmp_path, window_s=120, max_bodies=1000)
    later.load(now_s=time.time())
    assert not later.knows(b"a" * 16)
    assert not list(tmp_path.glob("*.digests"))


@given(st.integers(min_value=0, max_value=2**63))
def test_varints_are_protobufs(value: int) -> None:
    from google.protobuf.internal.encoder import _VarintBytes

    assert varint(value) == _VarintBytes(value)
