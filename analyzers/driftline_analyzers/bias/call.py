"""What the comparison of groups looks at of one call."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class BiasCall:
    """A call. session: whose calls are not independent; the trace where the app sends no session.

    matched_by: calls are compared inside equal values alone: the model, and the prompt's name where it is declared ('' when not).
    pair: what the app calls the pair that this call belongs to, '' when nothing. declared: group by axis, from attributes of the span.
    values: scores that the call carries, by measure ('toxicity', 'grounding').
    """

    trace_id: str
    span_id: str
    session: str
    prompt: str
    completion: str
    matched_by: str = ""
    pair: str = ""
    declared: Mapping[str, str] = field(default_factory=dict)
    values: Mapping[str, float] = field(default_factory=dict)
