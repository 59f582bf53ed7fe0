"""Where a page ended, as an opaque text: base64url of a short JSON array, checked when it comes back."""

import base64
import binascii
from collections.abc import Sequence

import orjson

from driftline_api.problems import bad_request

CursorValue = int | str


def encode_cursor(values: Sequence[CursorValue]) -> str:
    """The sort key of a page's last row as text for the next request."""
    return base64.urlsafe_b64encode(orjson.dumps(list(values))).rstrip(b"=").decode()


def decode_cursor(text: str, kinds: Sequence[type[int] | type[str]]) -> tuple[CursorValue, ...]:
    """The sort key again, one value of each kind. Raises a 400 problem on anything this API did not hand out."""
    try:
        values = orjson.loads(base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True))
    except (binascii.Error, ValueError):
        raise bad_request(f"expected the next_cursor of an earlier answer, got {text[:80]!r}") from None
    is_ours = (
        isinstance(values, list)
        and len(values) == len(kinds)
        and all(type(value) is kind for value, kind in zip(values, kinds, strict=True))
        and all(0 <= value < 1 << 63 for value in values if isinstance(value, int))
        and all(len(value) <= 128 and value.isprintable() for value in values if isinstance(value, str))
    )
    if not is_ours:
        raise bad_request(f"expected the next_cursor of an earlier answer of this route, got {text[:80]!r}")
    return tuple(values)
