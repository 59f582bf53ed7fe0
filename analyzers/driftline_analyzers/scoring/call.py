"""One LLM call with everything a scorer may look at."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from driftline_core.call_contexts import Unread


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A settled call. trace_id, span_id: lower hex; start_ns: Unix nanoseconds. prompt: the last user turn; completion: the answer's text.

    '' is what was not captured. documents: texts of its own documents, or of the retrievals of its trace when it has none.
    tool_results: texts that tools of its trace returned before it ended. unread: by field, of those that were not given whole.
    output_format: 'json' where a parameter of the request asked for it.
    """

    trace_id: str
    span_id: str
    start_ns: int
    service: str
    model: str
    prompt_version: str
    session_id: str
    system_prompt: str
    prompt: str
    completion: str
    documents: Sequence[str] = ()
    tool_results: Sequence[str] = ()
    unread: Mapping[str, Unread] = field(default_factory=dict)
    output_format: Literal["", "json"] = ""
