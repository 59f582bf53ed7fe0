"""Whether prompts and completions are recorded.

OpenTelemetry's instrumentations read this from environment variables and offer no other way, so the SDK sets those variables. What the
operator has set beforehand stays, except that `capture_content=False` always wins: text then leaves the process nowhere.
"""

import os
from typing import Final

CAPTURE_VARIABLE: Final = "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"
SEMCONV_VARIABLE: Final = "OTEL_SEMCONV_STABILITY_OPT_IN"

_ON: Final = {CAPTURE_VARIABLE: "SPAN_ONLY"}
_OFF: Final = {
    CAPTURE_VARIABLE: "NO_CONTENT",
    "OPENINFERENCE_HIDE_INPUTS": "true",
    "OPENINFERENCE_HIDE_OUTPUTS": "true",
    "OPENINFERENCE_HIDE_PROMPTS": "true",
    "OPENINFERENCE_HIDE_CHOICES": "true",
    "OPENINFERENCE_HIDE_EMBEDDINGS_TEXT": "true",
    "OPENINFERENCE_HIDE_RETRIEVAL_DOCUMENTS": "true",
    "TRACELOOP_TRACE_CONTENT": "false",
}
_SPAN_CONTENT: Final = frozenset({"", "true", "1", "span_only", "span_and_event"})


def configure_capture(*, is_on: bool) -> None:
    """Set what OTel, OpenInference and OpenLLMetry instrumentations read, before they are turned on."""
    os.environ.setdefault(SEMCONV_VARIABLE, "gen_ai_latest_experimental")
    if is_on:
        for name, value in _ON.items():
            os.environ.setdefault(name, value)
    else:
        os.environ.update(_OFF)


def is_content_captured() -> bool:
    """True when the SDK's own spans may carry text; unset means yes, because whoever writes the decorator asks for it."""
    return os.environ.get(CAPTURE_VARIABLE, "").strip().lower() in _SPAN_CONTENT
