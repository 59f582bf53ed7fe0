"""Spans a second over OTLP until a query finds them, beside what one would run instead: `python -m benchmarks.bench_ingest`.

Load and servers share the machine. Every subject gets the same payloads, each in a process of its own with an empty store. Driftline
and the rows collector write into the same tables and answer after an fsync; the peers answer before one.
"""

import argparse
import sys
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

from benchmarks.ingest_floor import fsync_spans_s
from benchmarks.ingest_measures import Subject, Sustained, offered, overloaded, sustained
from benchmarks.ingest_report import Report
from benchmarks.otlp_payload import Payload
from benchmarks.own_subjects import OwnSubject
from benchmarks.peers import PEERS, PeerProcess, absent_because
from benchmarks.report import emit, machine

_OWN: Final = ("driftline", "python-rows", "driftline-grpc")
_PEERS: Final = tuple(
    f"{name}{suffix}" for name, peer in PEERS.items() for suffix in ("", "-grpc")[: 1 + peer.has_grpc]
)
_PARTS: Final = ("sustained", "floor", "disk", "half-load", "overload")
_WANTED: Final[Mapping[str, Mapping[int, float]]] = {
    "python-rows": {512: 4, 32: 8},
    "phoenix": {512: 200, 32: 200},
    "phoenix-grpc": {512: 200, 32: 200},
    "mlflow": {512: 40, 32: 40},
    "evidently": {512: 4, 32: 4},
}
_DRAIN_S: Final = 60.0
_DISK_SPANS: Final = 16_384
_OVERLOAD_SPOOL_BYTES: Final = 256 << 20


class _Run:
    """One round of everything that was asked for. n_lost: spans that were acknowledged and not found."""

    def __init__(self, given: argparse.Namespace) -> None:
        self._given = given
        self._report = Report()
        self._payloads: dict[tuple[int, str], list[Payload]] = {}
        self.n_lost = 0

    def round(self) -> None:
        given = self._given
        for batch in given.batches:
            if "sustained" in given.parts:
                for name in given.subjects:
                    if name in _OWN:
                        self._own(name, batch)
                    else:
                        self._peer(name, batch)
            if "half-load" in given.parts and "driftline" in given.subjects:
                self._half_load(batch)
        if "disk" in given.parts:
            for name in ("driftline", "python-rows"):
                if name in given.subjects:
                    self._disk(name, given.batches[0])
        if "overload" in given.parts and "driftline" in given.subjects:
            self._overload(given.batches[0])
        self._report.ratios(_WANTED)

    def _load(self, batch: int, peer: str = "") -> list[Payload]:
        """The same requests for everyone but for what a peer asks for or cannot take."""
        asked: dict[str, Any] = {"resource": PEERS[peer].resource, "has_lists": PEERS[peer].has_lists} if peer else {}
        found = self._payloads.setdefault((batch, str(asked)), [])
        if not found:
            n_payloads = self._given.connections * (4 if batch >= 256 else 12)
            found += [Payload(batch, seed=1000 * batch + number, **asked) for number in range(n_payloads)]
        return found

    def _sustained(
        self, subject: Subject, payloads: Sequence[Payload], *, warm_up: int | None, max_requests: int | None
    ) -> Sustained:
        """warm_up: requests before the first that counts; None takes half a second's."""
        sustained(subject, payloads, connections=2, seconds=0.5, drain_s=_DRAIN_S, max_requests=warm_up)
        given = self._given
        seconds = given.seconds if max_requests is None else 10 * given.seconds
        return sustained(
            subject,
            payloads,
            connections=given.connections,
            seconds=seconds,
            drain_s=_DRAIN_S,
            max_requests=max_requests,
        )

    def _own(self, name: str, batch: int) -> None:
        is_grpc = name.endswith("-grpc")
        payloads = self._load(batch)
        with OwnSubject(name.removesuffix("-grpc"), is_grpc=is_grpc) as subject:
            measured = self._sustained(subject, payloads, warm_up=None, max_requests=None)
            self.n_lost += measured.missing
            self._report.sustained(name, batch, self._given.connections, measured)
            if is_grpc:
                return
            floor = None
            if name == "driftline" and "floor" in self._given.parts:
                floor = subject.ask("floor", str(subject.folder / "floor"), str(batch))
                body = bytes(payloads[0].renew(0))
                for group in (1, self._given.connections):
                    self._report.fsync(batch, group, fsync_spans_s(subject.folder, body, n_spans=batch, group=group))
        if floor is not None:
            self._report.floor(batch, floor)

    def _peer(self, name: str, batch: int) -> None:
        plain = name.removesuffix("-grpc")
        reason = absent_because(plain, self._given.peers)
        if reason:
            self._report.absent(name, reason)
            return
        n_requests = max(1, PEERS[plain].n_spans // batch)
        payloads = self._load(batch, plain)
        try:
            with PeerProcess(plain, self._given.peers, is_grpc=name.endswith("-grpc")) as subject:
                measured = self._sustained(subject, payloads, warm_up=2, max_requests=n_requests)
                about = {
                    "version": subject.version,
                    "disk_bytes_a_span": subject.disk_bytes() / max(1, subject.counts()["spans"]),
                }
        except (RuntimeError, OSError) as error:
            self._report.absent(name, str(error))
            return
        if not measured.load.n_spans:
            self._report.absent(name, f"it took nothing: {measured.load.failures[:1]}")
            return
        self._report.sustained(name, batch, self._given.connections, measured, **about)

    def _disk(self, name: str, batch: int) -> None:
        """Of spans that are all different: the load's few payloads sent again and again would compress to nothing."""
        n_requests = max(1, _DISK_SPANS // batch)
        payloads = [Payload(batch, seed=-1 - number) for number in range(n_requests)]
        with OwnSubject(name) as subject:
            measured = sustained(
                subject, payloads, connections=1, seconds=60.0, drain_s=_DRAIN_S, max_requests=n_requests
            )
            self.n_lost += measured.missing
            self._report.disk(name, batch, subject.ask("disk"))

    def _half_load(self, batch: int) -> None:
        """Half of what Driftline keeps up with: the rate until generations are derived, which is the slower one."""
        payloads = self._load(batch)
        with OwnSubject("driftline") as subject:
            found = self._sustained(subject, payloads, warm_up=None, max_requests=None)
            spans_s = found.spans_s("generations") / 2
            measured = offered(subject, payloads, spans_s=spans_s, seconds=2 * self._given.seconds, drain_s=_DRAIN_S)
        self.n_lost += found.missing + measured.lost
        self._report.half_load(batch, measured)

    def _overload(self, batch: int) -> None:
        with OwnSubject("driftline", spool_max_bytes=_OVERLOAD_SPOOL_BYTES) as subject:
            measured = overloaded(
                subject,
                self._load(batch),
                connections=2 * self._given.connections,
                seconds=self._given.overload_seconds,
                drain_s=_DRAIN_S,
            )
        self.n_lost += measured.missing
        self._report.overload(batch, measured, _OVERLOAD_SPOOL_BYTES)


def main() -> int:
    """Everything that is asked for, as often as asked for; 1 when an acknowledged span was lost."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--seconds", type=float, default=5.0, help="load per subject and batch size, in seconds")
    parser.add_argument("--overload-seconds", type=float, default=20.0, help="load beyond what can be kept, in seconds")
    parser.add_argument("--batches", type=int, nargs="+", default=[512, 32], help="spans a request")
    parser.add_argument("--connections", type=int, default=8, help="connections at once")
    parser.add_argument("--subjects", nargs="+", choices=(*_OWN, *_PEERS), default=[*_OWN, *_PEERS])
    parser.add_argument("--parts", nargs="+", choices=_PARTS, default=list(_PARTS), help="what is measured")
    parser.add_argument("--peers", type=Path, default=Path(".peers"), help="folder of the peers' virtual environments")
    parser.add_argument("--rounds", type=int, default=1, help="how often all of it is done")
    given = parser.parse_args()
    packages = {name: version(name) for name in ("chdb", "clickhouse-connect", "protobuf", "uvicorn", "grpcio")}
    emit(bench="ingest", metric="environment", **machine(), versions=packages, seconds=given.seconds)
    n_lost = 0
    for _ in range(given.rounds):
        run = _Run(given)
        run.round()
        n_lost += run.n_lost
    return 1 if n_lost else 0


if __name__ == "__main__":
    sys.exit(main())
