"""The way of a request from either receiver into its signal's spool: check it, know it again, keep it."""

import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from driftline_collector.acknowledgement import AckSink
from driftline_collector.envelope import digest_of
from driftline_collector.errors import Busy, RequestRefused
from driftline_collector.ledger import Ledger
from driftline_collector.otlp_json import parse_json
from driftline_collector.signals import Signal
from driftline_collector.spool import Spool
from driftline_collector.validation import Checked, decode

DEFAULT_PROJECT: Final = "default"
PROJECT_HEADER: Final = "x-driftline-project"
RETRY_HEADER: Final = "x-driftline-retry-of"
"""Name of the dead letter that is sent again: its bytes were acknowledged before, which must not pass for having been stored."""
_PROJECT: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")


def project_of(header: str | None) -> str:
    """The project that a header names, the default one without it. Raises RequestRefused."""
    if header is None:
        return DEFAULT_PROJECT
    if not _PROJECT.fullmatch(header):
        raise RequestRefused(
            f"expected {PROJECT_HEADER} to be 1 to 63 of a-z, 0-9, _ and -, beginning with a letter or digit, got {header[:80]!r}",
            reason="invalid_project",
        )
    return header


@dataclass(slots=True, kw_only=True)
class Origin:
    """Whose request it is, as far as is known yet: signal and project are '' until they are, n_items 0."""

    signal: str = ""
    project: str = ""
    n_items: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A checked request, ready to be kept."""

    signal: Signal
    project: str
    digest: bytes
    checked: Checked


class Intake:
    """Checks requests and gives them to the spool of their signal; counts every one. Thread-safe."""

    def __init__(
        self, spools: Mapping[str, Spool], ledger: Ledger, *, note_retried: Callable[[str], None] = lambda name: None
    ) -> None:
        """note_retried: told the name of a dead letter once its body was sent in again and is durable."""
        self._spools = spools
        self._ledger = ledger
        self.note_retried = note_retried

    def check(self, signal: Signal, body: bytes, *, project: str, is_json: bool = False, retry_of: str = "") -> Request:
        """Decode and check; the cost is a few µs an item, so large bodies belong in a thread. Raises RequestRefused.

        retry_of: the dead letter whose body this is; it is known again among its own retries only.
        """
        message = parse_json(body, signal) if is_json else decode(body, signal.request)
        checked = signal.check(message, None if is_json else body)
        known_as = f"{project}\0{retry_of}" if retry_of else project
        return Request(signal=signal, project=project, digest=digest_of(known_as, body), checked=checked)

    def keep(self, request: Request, *, sink: AckSink, waiter: Any) -> bool:
        """Hand to the spool. True: nothing is left to wait for; False: the sink is told. Raises Busy.

        What is durable is counted by the spool that made it so; a repeated request here.
        """
        checked = request.checked
        signal, project = request.signal.name, request.project
        if checked.n_items:
            is_settled = self._spools[signal].append(
                project=project,
                digest=request.digest,
                body=checked.body,
                n_items=checked.n_items,
                sink=sink,
                waiter=waiter,
            )
            now_ns = time.time_ns()
            if is_settled:
                self._ledger.count_duplicate(signal, project, received_at_ns=now_ns, n_items=checked.n_items)
            if checked.n_rejected:
                self._ledger.count_rejected(
                    signal, project, "invalid_ids", received_at_ns=now_ns, n_requests=0, n_items=checked.n_rejected
                )
            return is_settled
        self._ledger.count_empty(signal, project)
        return True

    def count_refused(self, error: RequestRefused | Busy | None, origin: Origin) -> None:
        """A request that was not kept; error is None for a fault of ours."""
        n_items = error.n_items if isinstance(error, RequestRefused) else origin.n_items
        self._ledger.count_rejected(
            origin.signal,
            origin.project,
            error.reason if error is not None else "internal_error",
            received_at_ns=time.time_ns(),
            n_items=n_items,
        )
