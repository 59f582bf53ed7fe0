"""The way of a request from either receiver into the spool: check it, know it again, keep it."""

import re
from dataclasses import dataclass
from typing import Any, Final

from driftline_collector.envelope import digest_of
from driftline_collector.errors import Busy, RequestRefused
from driftline_collector.ledger import Ledger
from driftline_collector.otlp_json import parse_json
from driftline_collector.spool import AckSink, Spool
from driftline_collector.validation import Checked, check_message, check_protobuf

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A checked request, ready to be kept."""

    project: str
    digest: bytes
    checked: Checked


class Intake:
    """Checks requests and gives them to the spool; counts every one. Thread-safe."""

    def __init__(self, spool: Spool, ledger: Ledger) -> None:
        self._spool = spool
        self._ledger = ledger

    def check(self, body: bytes, *, project: str, is_json: bool = False, retry_of: str = "") -> Request:
        """Decode and check; the cost is a few µs a span, so large bodies belong in a thread. Raises RequestRefused.

        retry_of: the dead letter whose body this is; it is known again among its own retries only.
        """
        checked = check_message(parse_json(body), None) if is_json else check_protobuf(body)
        known_as = f"{project}\0{retry_of}" if retry_of else project
        return Request(project=project, digest=digest_of(known_as, body), checked=checked)

    def keep(self, request: Request, *, sink: AckSink, waiter: Any) -> bool:
        """Hand to the spool; counts it. True: nothing is left to wait for; False: the sink is told. Raises Busy."""
        checked = request.checked
        if not checked.n_spans:
            self._count(checked)
            return True
        is_known = self._spool.append(
            project=request.project,
            digest=request.digest,
            body=checked.body,
            n_spans=checked.n_spans,
            sink=sink,
            waiter=waiter,
        )
        self._count(checked)
        if is_known:
            self._ledger.count_duplicate(n_spans=checked.n_spans)
        return is_known

    def count_refused(self, error: RequestRefused | Busy) -> None:
        """A request that was not kept."""
        self._ledger.count_received(n_spans=0)
        self._ledger.count_rejected(error.reason)

    def _count(self, checked: Checked) -> None:
        self._ledger.count_received(n_spans=checked.n_spans + checked.n_rejected)
        if checked.n_rejected:
            self._ledger.count_rejected("invalid_ids", n_requests=0, n_spans=checked.n_rejected)
