"""Leases in the store: of several workers that share one, each piece of work is done by one.

ClickHouse has no compare-and-set. A worker bids by inserting a row that the store's clock dates, waits until every earlier bid must be
visible, and holds the lease if its bid is the first that counts. A bid counts until it expires, so a killed worker's work is taken over.
What a holder writes must still be safe to write twice: a lease saves work, no lock around a store that can stall longer than `settle`.
"""

import os
import secrets
import socket
import threading
import time
from datetime import timedelta
from importlib.resources import files
from typing import Final

from driftline_core.errors import StoreError
from driftline_core.log import get_logger
from driftline_core.store.client import Store

_SQL = files("driftline_core") / "store" / "queries"
_BIDS: Final = (_SQL / "lease_holder.sql").read_text(encoding="utf-8")
_BID: Final = (_SQL / "lease_bid.sql").read_text(encoding="utf-8")
_LOG = get_logger("store")


def worker_name() -> str:
    """Host, process and a random part: no two workers share it."""
    return f"{socket.gethostname()}/{os.getpid()}/{secrets.token_hex(3)}"


class Leases:
    """The leases of one worker.

    ttl: how long a lease outlives a worker that stops renewing it. settle: how long a bid is given to become visible to others.
    """

    def __init__(
        self,
        store: Store,
        *,
        worker: str | None = None,
        ttl: timedelta = timedelta(seconds=60),
        settle: timedelta = timedelta(seconds=1),
    ) -> None:
        self._store = store
        self.worker = worker_name() if worker is None else worker
        self._ttl = ttl
        self._settle = settle

    def acquire(self, name: str) -> "Lease | None":
        """The lease, renewed in the background until it is released, or None while somebody holds it. Raises StoreError."""
        if self._bids(name):
            return None
        holder = f"{self.worker}#{secrets.token_hex(4)}"  # each bid is a row of its own, also of one worker's threads
        self._bid(name, holder, bid_us=0)
        time.sleep(self._settle.total_seconds())
        bids = self._bids(name)
        mine = [bid_us for other, bid_us in bids if other == holder]
        if bids and bids[0][0] == holder:
            return Lease(self, name, holder=holder, bid_us=bids[0][1], every=self._ttl / 3)
        if mine:
            self._bid(name, holder, bid_us=mine[0], is_released=True)
        return None

    def _bids(self, name: str) -> list[tuple[str, int]]:
        return [(str(row["holder"]), int(row["bid_us"])) for row in self._store.rows(_BIDS, {"name": name})]

    def _bid(self, name: str, holder: str, *, bid_us: int, is_released: bool = False) -> None:
        parameters = {
            "name": name,
            "holder": holder,
            "bid_us": bid_us,
            "ttl_us": int(self._ttl.total_seconds() * 1e6),
            "is_released": int(is_released),
            "version": time.time_ns(),
        }
        self._store.command(_BID, parameters)


class Lease:
    """A held lease; a context that gives it back at its end."""

    def __init__(self, leases: Leases, name: str, *, holder: str, bid_us: int, every: timedelta) -> None:
        self.name = name
        self._leases = leases
        self._holder = holder
        self._bid_us = bid_us
        self._every = every
        self._released = threading.Event()
        self._thread = threading.Thread(target=self._renew, name=f"lease {name}", daemon=True)
        self._thread.start()

    def is_held(self) -> bool:
        """Whether it still is this worker's: false after a stall that was longer than the lease. Raises StoreError."""
        bids = self._leases._bids(self.name)
        return bool(bids) and bids[0][0] == self._holder

    def release(self) -> None:
        """Give it back; another worker may have it at once. Raises StoreError."""
        if self._released.is_set():
            return
        self._released.set()
        self._thread.join()
        self._leases._bid(self.name, self._holder, bid_us=self._bid_us, is_released=True)

    def __enter__(self) -> "Lease":
        return self

    def __exit__(self, *_: object) -> None:
        self.release()

    def _renew(self) -> None:
        while not self._released.wait(self._every.total_seconds()):
            try:
                self._leases._bid(self.name, self._holder, bid_us=self._bid_us)
            except StoreError:
                _LOG.warning("lease not renewed", lease=self.name)
