"""Who a piece of work is for: attributes that every span below a block carries, whichever library makes the span."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final

from opentelemetry import context as otel_context
from opentelemetry.context import Context
from opentelemetry.util.types import AttributeValue

from driftline import semconv

_KEY: Final = otel_context.create_key("driftline-session")


@contextmanager
def session(
    *,
    session_id: str | None = None,
    user_id: str | None = None,
    prompt_name: str | None = None,
    prompt_version: str | None = None,
    attributes: Mapping[str, AttributeValue] | None = None,
) -> Iterator[None]:
    """Put these attributes on every span that begins inside the block; blocks nest, the inner one wins.

    Spans of other libraries get them through the span processor that `instrument()` adds.
    """
    given = {
        semconv.SESSION_ID: session_id,
        semconv.USER_ID: user_id,
        semconv.PROMPT_NAME: prompt_name,
        semconv.PROMPT_VERSION: prompt_version,
    }
    merged = {
        **session_attributes(),
        **{key: value for key, value in given.items() if value is not None},
        **(attributes or {}),
    }
    token = otel_context.attach(otel_context.set_value(_KEY, merged))
    try:
        yield
    finally:
        otel_context.detach(token)


def session_attributes(context: Context | None = None) -> Mapping[str, AttributeValue]:
    """Attributes of the blocks around; of `context` when it is given and holds any."""
    value = otel_context.get_value(_KEY, context)
    if value is None and context is not None:
        value = otel_context.get_value(_KEY)
    return value if isinstance(value, dict) else {}
