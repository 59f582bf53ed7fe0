"""The tracer that the SDK's own spans come from."""

from opentelemetry import trace
from opentelemetry.trace import Tracer, TracerProvider

SCOPE = "driftline"

_chosen: TracerProvider | None = None


def use_provider(provider: TracerProvider | None) -> None:
    """Make spans with this provider; None goes back to the global one."""
    global _chosen  # noqa: PLW0603 - like OTel's own provider: one a process, set once at start-up
    _chosen = provider


def tracer() -> Tracer:
    """A tracer of the chosen provider, else of the global one (which makes no-op spans until the app sets it up)."""
    return (_chosen or trace.get_tracer_provider()).get_tracer(SCOPE)
