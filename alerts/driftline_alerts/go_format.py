"""Numbers as Go's fmt package prints them, so that our texts equal Prometheus' own."""

import math
import re
from datetime import UTC, datetime
from typing import Final

from driftline_alerts.errors import TemplateError

_BIG: Final = ("k", "M", "G", "T", "P", "E", "Z", "Y")
_BIG_1024: Final = ("ki", "Mi", "Gi", "Ti", "Pi", "Ei", "Zi", "Yi")
_SMALL: Final = ("m", "u", "n", "p", "f", "a", "z", "y")
_FIRST_LONG_EXPONENT: Final = 6  # Go prints 1e+06 rather than 1000000
_VERB: Final = re.compile(r"%(?P<flags>[-+# 0]*)(?P<width>\d*)(?P<precision>\.\d+)?(?P<verb>.)", re.DOTALL)


def format_value(value: float, *, verb: str = "g") -> str:
    """The shortest text that reads back as value: `%v` in Go; verb 'e' gives Prometheus' API form, e.g. 1e+00."""
    if not math.isfinite(value):
        return _not_finite(value)
    if value == 0:
        text = "0e+00" if verb == "e" else "0"
        return f"-{text}" if math.copysign(1, value) < 0 else text
    sign = "-" if value < 0 else ""
    mantissa, _, power = f"{abs(value)!r}".partition("e")
    whole, _, fraction = mantissa.partition(".")
    fraction = fraction.rstrip("0") if fraction != "0" else ""
    digits = (whole + fraction).lstrip("0")
    exponent = len(whole) - 1 + int(power or 0)
    if whole == "0":
        exponent -= len(fraction) - len(fraction.lstrip("0")) + 1
    digits = digits.rstrip("0") or "0"
    if verb == "e" or exponent < -4 or exponent >= _FIRST_LONG_EXPONENT:
        tail = f".{digits[1:]}" if len(digits) > 1 else ""
        return f"{sign}{digits[0]}{tail}e{'-' if exponent < 0 else '+'}{abs(exponent):02d}"
    if exponent < 0:
        return f"{sign}0.{'0' * (-exponent - 1)}{digits}"
    if len(digits) <= exponent + 1:
        return sign + digits.ljust(exponent + 1, "0")
    return f"{sign}{digits[: exponent + 1]}.{digits[exponent + 1 :]}"


def printf(template: str, *arguments: float | str) -> str:
    """Go's printf for the verbs v, s, q, f, e, g (and their capitals) and %%. Raises TemplateError for any other."""
    rest = list(arguments)

    def one(match: re.Match[str]) -> str:
        if match["verb"] == "%":
            return "%"
        if not rest:
            raise TemplateError(f"expected an argument for {match[0]} of printf {template!r}, got none")
        argument = rest.pop(0)
        text = _float_verb(match, argument) if isinstance(argument, float) else _string_verb(match, argument)
        if text is None:
            kind = "float64" if isinstance(argument, float) else "string"
            raise TemplateError(f"expected a verb for a {kind} in printf {template!r}, got {match[0]}")
        return text

    text = _VERB.sub(one, template)
    if rest:
        raise TemplateError(
            f"expected {len(arguments) - len(rest)} arguments for printf {template!r}, got {len(arguments)}"
        )
    return text


def humanize(value: float) -> str:
    """1234567 -> 1.235M."""
    if value == 0 or not math.isfinite(value):
        return _four(value)
    if abs(value) >= 1:
        return _scaled(value, _BIG, 1000)
    return _small(value)


def humanize1024(value: float) -> str:
    """1048576 -> 1Mi."""
    if abs(value) <= 1 or not math.isfinite(value):
        return _four(value)
    return _scaled(value, _BIG_1024, 1024)


def humanize_percentage(value: float) -> str:
    """0.1234 -> 12.34%."""
    return f"{_four(value * 100)}%"


def humanize_duration(value: float) -> str:
    """Seconds: 3700 -> 1h 1m 40s, 0.012 -> 12ms."""
    if not math.isfinite(value):
        return _four(value)
    if value == 0:
        return f"{_four(value)}s"
    if abs(value) < 1:
        return f"{_small(value)}s"
    sign, value = ("-", -value) if value < 0 else ("", value)
    total = int(value)
    seconds, minutes, hours, days = total % 60, total // 60 % 60, total // 3600 % 24, total // 86400
    parts = [f"{days}d", f"{hours}h", f"{minutes}m", f"{seconds}s"]
    first = next((index for index, count in enumerate((days, hours, minutes)) if count), None)
    return f"{sign}{_four(value)}s" if first is None else sign + " ".join(parts[first:])


def humanize_timestamp(value: float) -> str:
    """Unix seconds: 1435065584.128 -> 2015-06-23 13:19:44.128 +0000 UTC."""
    if not math.isfinite(value):
        return _four(value)
    try:
        at = datetime.fromtimestamp(math.floor(value), UTC)
    except (OverflowError, ValueError) as error:
        raise TemplateError(f"expected unix seconds for humanizeTimestamp, got {value}") from error
    fraction = f"{round((value - math.floor(value)) * 1000):03d}".rstrip("0")
    return f"{at:%Y-%m-%d %H:%M:%S}{'.' + fraction if fraction else ''} +0000 UTC"


def _four(value: float) -> str:
    return "%.4g" % value if math.isfinite(value) else _not_finite(value)  # noqa: UP031 - Go's own form


def _scaled(value: float, prefixes: tuple[str, ...], step: int) -> str:
    prefix = ""
    for candidate in prefixes:
        if abs(value) < step:
            break
        prefix = candidate
        value /= step
    return f"{_four(value)}{prefix}"


def _small(value: float) -> str:
    prefix = ""
    for candidate in _SMALL:
        if abs(value) >= 1:
            break
        prefix = candidate
        value *= 1000
    return f"{_four(value)}{prefix}"


def _not_finite(value: float) -> str:
    return "NaN" if math.isnan(value) else "+Inf" if value > 0 else "-Inf"


def _float_verb(match: re.Match[str], argument: float) -> str | None:
    verb, precision = match["verb"], match["precision"]
    if verb not in "feEgGv":
        return None
    if not math.isfinite(argument):
        return f"%{match['flags'].replace('0', '')}{match['width']}s" % _not_finite(argument)
    if precision is None and verb in "gGv":
        return f"%{match['flags']}{match['width']}s" % format_value(argument)
    return f"%{match['flags']}{match['width']}{precision or ''}{verb.replace('v', 'g')}" % argument


def _string_verb(match: re.Match[str], argument: str) -> str | None:
    if match["verb"] in "sv":
        return f"%{match['flags']}{match['width']}{match['precision'] or ''}s" % argument
    if match["verb"] == "q":
        quoted = argument.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
        return f'"{quoted}"'
    return None
