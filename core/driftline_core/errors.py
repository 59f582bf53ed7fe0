"""Every error Driftline raises on purpose.

DriftlineError
├── ConfigError      (ValueError)    a setting, rule or mapping that cannot mean anything
├── InputError       (ValueError)    data from outside that breaks its contract
│   └── TooFewSamples                fewer samples than a statistic needs
├── NotFound         (LookupError)   a name or id that does not exist
├── QueryError       (RuntimeError)  a query that was understood and failed
└── StoreError       (RuntimeError)  the store refused or did not answer
"""


class DriftlineError(Exception):
    """Root of the tree; catch it to catch all of Driftline's own errors."""


class ConfigError(DriftlineError, ValueError):
    """A setting, rule file or mapping table that cannot mean anything."""


class InputError(DriftlineError, ValueError):
    """Data from outside that breaks its contract; the message names what was expected and what came."""


class TooFewSamples(InputError):
    """Fewer samples than a statistic needs.

    what: the noun, e.g. 'embeddings in the reference'; needed, got: counts.
    """

    def __init__(self, *, what: str, needed: int, got: int) -> None:
        super().__init__(f"need at least {needed} {what}, got {got}")
        self.what = what
        self.needed = needed
        self.got = got


class NotFound(DriftlineError, LookupError):
    """A name or id that does not exist."""


class QueryError(DriftlineError, RuntimeError):
    """A query that was understood and failed while it ran. Never the same as an empty result."""


class StoreError(DriftlineError, RuntimeError):
    """The store refused a statement or did not answer."""
