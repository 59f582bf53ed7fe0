"""Why a request is refused; each carries the reason that it is counted under.

DriftlineError
├── InputError
│   └── RequestRefused (reason)      the sender must not send it again as it is
└── StoreError
    └── Busy (reason, is_full)       nothing is wrong with the request: come back later
"""

from driftline_core.errors import InputError, StoreError


class RequestRefused(InputError):
    """A request that cannot be taken. reason: a counter's label, e.g. 'malformed', 'too_large'. n_items: of it, when known."""

    def __init__(self, message: str, *, reason: str, n_items: int = 0) -> None:
        super().__init__(message)
        self.reason = reason
        self.n_items = n_items


class Busy(StoreError):
    """A request that cannot be taken now. is_full: a limit was reached (429); else the disk refused (503)."""

    def __init__(self, message: str, *, reason: str, is_full: bool) -> None:
        super().__init__(message)
        self.reason = reason
        self.is_full = is_full
