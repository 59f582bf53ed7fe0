"""What an app imports to be watched by Driftline. Needs OpenTelemetry and nothing else.

import driftline

driftline.instrument(service_name="checkout-bot")

@driftline.generation(model="my-model")
def answer(question: str) -> str: ...
"""

from driftline.decorators import generation, retrieval, start_generation, start_retrieval, start_tool, tool
from driftline.instrumentation import Instrumentation, instrument
from driftline.operation import Generation, Operation, Retrieval, ToolCall, current_generation
from driftline.sessions import session
from driftline.user_feedback import feedback

__all__ = [
    "Generation",
    "Instrumentation",
    "Operation",
    "Retrieval",
    "ToolCall",
    "current_generation",
    "feedback",
    "generation",
    "instrument",
    "retrieval",
    "session",
    "start_generation",
    "start_retrieval",
    "start_tool",
    "tool",
]
