"""Numbers as Prometheus writes and reads them: samples, label values, times, durations."""

import math
import re
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Final

_DURATION: Final = re.compile(
    r"^(?:(\d+)y)?(?:(\d+)w)?(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m(?!s))?(?:(\d+)s)?(?:(\d+)ms)?$", re.ASCII
)
_UNITS_MS: Final = (365 * 86_400_000, 7 * 86_400_000, 86_400_000, 3_600_000, 60_000, 1000, 1)
_MAX_MS: Final = (1 << 63) // 1_000_000 - 1
_RFC3339: Final = re.compile(r"^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)$", re.ASCII)


def format_value(value: float) -> str:
    """Shortest text that reads back as the same number, never with an exponent: label values (strconv 'f', -1)."""
    if not math.isfinite(value):
        return _format_special(value)
    text = repr(value)
    if "e" in text:
        text = format(Decimal(text), "f")
    return text.removesuffix(".0")


def format_sample(value: float) -> str:
    """As a sample in JSON: like format_value, with an exponent below 1e-6 and from 1e21."""
    if not math.isfinite(value):
        return _format_special(value)
    text = repr(value)
    magnitude = abs(value)
    if value != 0 and (magnitude < 1e-6 or magnitude >= 1e21):
        mantissa, _, exponent = format(Decimal(text), "e").partition("e")
        if "." in mantissa:
            mantissa = mantissa.rstrip("0").rstrip(".")
        sign, digits = exponent[0], exponent.lstrip("+-").rjust(2, "0")
        return f"{mantissa}e{sign}{digits}"
    if "e" in text:
        text = format(Decimal(text), "f")
    return text.removesuffix(".0")


def _format_special(value: float) -> str:
    if math.isnan(value):
        return "NaN"
    return "+Inf" if value > 0 else "-Inf"


def json_time(time_ms: int) -> int | float:
    """Seconds since 1970, an integer where it is one."""
    return time_ms // 1000 if time_ms % 1000 == 0 else time_ms / 1000


def parse_float(text: str) -> float | None:
    """A number as Go's ParseFloat reads it in a label or parameter; None if it is none."""
    if not text or text != text.strip() or not text.isascii():
        return None
    try:
        if "x" in text.lower():
            return float.fromhex(text)
        return float(text)
    except (ValueError, OverflowError):
        return None


def parse_time_ms(text: str) -> int | None:
    """A time parameter, Unix seconds or RFC 3339, in ms; None if it is neither."""
    try:
        seconds = Decimal(text) if text.isascii() and text == text.strip() and "_" not in text else None
    except InvalidOperation:
        seconds = None
    if seconds is not None:
        if not seconds.is_finite() or abs(seconds) > Decimal(_MAX_MS) / 1000:
            return None
        return round(seconds * 1000)
    if not _RFC3339.match(text):
        return None
    try:
        moment = datetime.fromisoformat(text.upper())
    except ValueError:
        return None
    return round((moment - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds() * 1000)


def parse_duration_ms(text: str) -> int | None:
    """A duration parameter, seconds or Prometheus' form (1h30m), in ms; None if it is neither or too long."""
    seconds = parse_float(text)
    if seconds is not None:
        if not math.isfinite(seconds) or abs(seconds) * 1000 > _MAX_MS:
            return None
        return round(seconds * 1000)
    found = _DURATION.match(text)
    if found is None or not text:
        return None
    total = sum(int(part) * unit for part, unit in zip(found.groups(), _UNITS_MS, strict=True) if part)
    return total if total <= _MAX_MS else None
