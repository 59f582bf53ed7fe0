"""Bodies of requests: JSON may carry half a surrogate pair, which is no Unicode and cannot be stored."""

from typing import Any

from pydantic import BaseModel, model_validator


class Body(BaseModel):
    """A body whose texts are whole: half a surrogate pair ("\\ud800") is read as U+FFFD, as a browser would send it."""

    @model_validator(mode="before")
    @classmethod
    def _is_unicode(cls, value: Any) -> Any:
        return with_whole_texts(value)


def with_whole_texts(value: Any) -> Any:
    """A JSON value, each half of a surrogate pair in its texts and keys replaced by U+FFFD."""
    if isinstance(value, str):
        return whole_text(value)
    if isinstance(value, list):
        return [with_whole_texts(one) for one in value]
    if isinstance(value, dict):
        return {with_whole_texts(name): with_whole_texts(one) for name, one in value.items()}
    return value


def whole_text(text: str) -> str:
    """The text with U+FFFD for each half of a surrogate pair."""
    return text if text.isascii() else text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
