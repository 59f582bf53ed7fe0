"""Errors that only alerting raises.

DriftlineError
├── ConfigError
│   ├── RuleError                 a rule file that promtool would refuse, or an annotation of ours that means nothing
│   └── TemplateError             a label or annotation template that cannot be parsed or rendered
└── DeliveryError (RuntimeError)  a receiver did not take a notification
"""

from typing import Final

from driftline_core.errors import ConfigError, DriftlineError

# 400, 413, 422: the body; None: our own code failed on it.
_ABOUT_ALERTS: Final = (400, 413, 422, None)


class RuleError(ConfigError):
    """A rule that cannot mean anything; the message names file, group, rule and field."""


class TemplateError(ConfigError):
    """A template outside the subset that Driftline renders; the message quotes the offending part."""


class DeliveryError(DriftlineError, RuntimeError):
    """A receiver did not take a notification.

    is_retryable: the same request may succeed later (network, 408, 429, 5xx). retry_after_s: what the receiver asked for.
    """

    def __init__(
        self, message: str, *, is_retryable: bool, status_code: int | None = None, retry_after_s: float | None = None
    ) -> None:
        super().__init__(message)
        self.is_retryable = is_retryable
        self.status_code = status_code
        self.retry_after_s = retry_after_s

    @property
    def is_about_alerts(self) -> bool:
        """True when the receiver refuses what it was told; False when it is away, or refuses us (401, 404, ...), which somebody
        may put right while the alerts wait."""
        return not self.is_retryable and self.status_code in _ABOUT_ALERTS
