"""The durable ledger's writer: what the collector counts goes into the store every few seconds, and so does every dead letter.

What is stored writes itself: a view behind each signal's Null table (sql/ledger_view.sql) puts a row into `ingest_ledger` in the same
INSERT. What never gets there is written here: counts of what was kept, sent again and refused, and of what waits in the spools, into
`ingest_counts`. A process that is killed loses the refusals and repeats of its last seconds, of which none was acknowledged for the first
time; what it kept is in the spool, and counted there by the next process.
"""

import secrets
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from driftline_collector.ledger import Ledger, MinuteCount
from driftline_collector.segment import sync_directory
from driftline_collector.spool import Spool
from driftline_core.errors import StoreError
from driftline_core.log import get_logger
from driftline_core.store import Store

_LOG = get_logger("collector")
_EVERY_S: Final = 2.0
_REMEMBER_S: Final = 900
_COLUMNS: Final = ("project", "signal", "minute", "outcome", "reason", "source", "requests", "items", "version")
_WAITING: Final = """
SELECT signal, project, toUInt32(minute) AS minute, requests, items FROM ingest_counts FINAL
WHERE source = {source:String} AND outcome = 'waiting' AND requests > 0
"""

_Waiting = dict[tuple[str, str, int], tuple[int, int]]  # signal, project, minute -> requests, items


def spool_id(folder: Path) -> str:
    """What a spool's rows are known by, whichever process has it: made once, beside its segments. Raises OSError."""
    path = folder / "id"
    if path.exists() and (known := path.read_text(encoding="ascii").strip()):
        return known
    made = secrets.token_hex(8)
    draft = folder / ".id"
    draft.write_text(made + "\n", encoding="ascii")
    draft.replace(path)
    sync_directory(folder)
    return made


class Books:
    """A thread that writes what has changed. A store that is away is tried again: nothing is forgotten before it is written."""

    def __init__(self, store: Store, ledger: Ledger, spools: Mapping[str, Spool], *, source: str) -> None:
        self._store = store
        self._ledger = ledger
        self._spools = spools
        self._source = source
        self._process = secrets.token_hex(8)
        self._written: dict[tuple[Any, ...], tuple[int, int]] = {}
        self._waiting: _Waiting | None = None
        self._version = 0
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        self._thread = threading.Thread(target=self._run, name="ingest-books", daemon=True)
        self._thread.start()

    def stop(self, *, deadline_s: float) -> None:
        """Write what is left, once; to be called when nothing counts any more."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join(deadline_s)
        self._try()

    def write(self) -> int:
        """Write every count that has changed; how many rows that took. Raises StoreError."""
        with self._lock:
            # In this order: what is counted as kept here is waiting there, or gone into the store since.
            minutes = self._ledger.minutes()
            waiting = self._waiting_now()
            if self._waiting is None:
                self._waiting = self._left_behind()
            self._version = version = max(self._version + 1, time.time_ns())
            changed = [one for one in minutes if self._written.get(_key(one)) != (one.requests, one.items)]
            rows: list[tuple[Any, ...]] = [
                (*_key(one), self._process, one.requests, one.items, version) for one in changed
            ]
            rows += [
                (project, signal, minute, "waiting", "", self._source, *count, version)
                for (signal, project, minute), count in self._changed_waiting(waiting)
            ]
            self._store.insert("ingest_counts", _COLUMNS, rows)
            self._waiting = waiting
            self._written |= {_key(one): (one.requests, one.items) for one in changed}
            self._forget(minutes)
            return len(rows)

    def _run(self) -> None:
        while not self._stopping.wait(_EVERY_S):
            self._try()

    def _try(self) -> None:
        try:
            self.write()
        except Exception as error:  # noqa: BLE001 - the edge of the loop: what was counted must be tried again
            _LOG.warning("ingest counts not written, will be tried again", error=f"{type(error).__name__}: {error}")

    def _waiting_now(self) -> _Waiting:
        return {
            (signal, project, minute): count
            for signal, spool in self._spools.items()
            for (project, minute), count in spool.waiting().items()
        }

    def _changed_waiting(self, now: _Waiting) -> list[tuple[tuple[str, str, int], tuple[int, int]]]:
        before = self._waiting or {}
        gone = [(key, (0, 0)) for key in before if key not in now]
        return gone + [(key, count) for key, count in now.items() if before.get(key) != count]

    def _left_behind(self) -> _Waiting:
        """What an earlier process of this spool wrote as waiting: it may have been stored since."""
        rows = self._store.rows(_WAITING, {"source": self._source})
        return {(row["signal"], row["project"], row["minute"]): (row["requests"], row["items"]) for row in rows}

    def _forget(self, minutes: list[MinuteCount]) -> None:
        oldest = time.time() - _REMEMBER_S
        over = [one for one in minutes if one.minute < oldest]
        self._ledger.forget(over)
        for one in over:
            self._written.pop(_key(one), None)


def _key(one: MinuteCount) -> tuple[str, str, int, str, str]:
    return (one.project, one.signal, one.minute, one.outcome, one.reason)


def record_dead_letter(store: Store, about: Mapping[str, Any]) -> None:
    """A request that was set aside, told by its dead letter's .json; doing it again changes nothing. Raises StoreError."""
    _record(store, about, outcome="dead_lettered")


def record_retried(store: Store, about: Mapping[str, Any]) -> None:
    """A dead letter that was sent in again and acknowledged, told by its .json: from then on it is another request. Raises StoreError."""
    _record(store, about, outcome="retried")


def _record(store: Store, about: Mapping[str, Any], *, outcome: str) -> None:
    entry = about.get("ledger")
    if entry is None:  # set aside by a version that kept no books
        return
    row = (about["project"], about["signal"], entry["minute"], int(entry["frame"], 16), outcome, about["reason"])
    columns = ("project", "signal", "minute", "frame", "outcome", "reason", "n_acknowledged", "n_stored")
    try:
        store.insert("ingest_ledger", columns, [(*row, about["n_items"], 0)])
    except OSError as error:
        raise StoreError(f"cannot record the dead letter: {error}") from error
