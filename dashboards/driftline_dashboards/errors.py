"""The errors of this component:

DriftlineError
├── GrafanaError   (RuntimeError)
└── QueryApiError  (RuntimeError)
"""

from driftline_core.errors import DriftlineError


class GrafanaError(DriftlineError, RuntimeError):
    """Grafana refused, did not answer, or is not Grafana. status: the HTTP status, 0 when there was no answer."""

    def __init__(self, message: str, *, status: int = 0) -> None:
        super().__init__(message)
        self.status = status


class QueryApiError(DriftlineError, RuntimeError):
    """What should answer PromQL does not, or is something else."""
