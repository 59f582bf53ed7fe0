"""What a PromQL query can fail with; `kind` is Prometheus' errorType, the text is Prometheus' wording.

driftline_core.errors.QueryError
└── PromqlError
    ├── BadQuery        (ValueError)    bad_data: does not parse, or asks for what cannot be
    │   └── BadSelector                 bad_data: a match[] that is no selector
    ├── ExecutionError                  execution: understood, and failed on the data
    ├── QueryTimeout    (TimeoutError)  timeout
    └── QueryCanceled                   canceled
"""

from typing import ClassVar

from driftline_core.errors import QueryError


class PromqlError(QueryError):
    """Root; `kind` is one of bad_data, execution, timeout, canceled."""

    kind: ClassVar[str] = "execution"


class BadQuery(PromqlError, ValueError):
    """The query or one of its parameters cannot mean anything."""

    kind: ClassVar[str] = "bad_data"


class BadSelector(BadQuery):
    """A series selector does not parse."""


class ExecutionError(PromqlError):
    """The query was understood and failed on these data."""


class QueryTimeout(PromqlError, TimeoutError):
    """The query ran past its deadline."""

    kind: ClassVar[str] = "timeout"


class QueryCanceled(PromqlError):
    """Whoever asked has gone away."""

    kind: ClassVar[str] = "canceled"
