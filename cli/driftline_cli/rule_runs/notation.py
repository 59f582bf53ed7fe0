"""promtool's short notation of series: `name{label="value"}` and `0+10x30 _x5 stale 1e3`."""

import re
from typing import Final

from driftline_api.promql.errors import PromqlError
from driftline_api.promql.matchers import MatchKind
from driftline_api.promql.parsing import parse_selector
from driftline_api.promql.values import STALE_NAN
from driftline_core.errors import ConfigError

_NUMBER: Final = r"(?:[0-9]*\.?[0-9]+(?:[eE][+-]?[0-9]+)?|[0-9]+\.|[iI][nN][fF]|[nN][aA][nN])"
_BLANK: Final = re.compile(r"_(?:x(?P<times>[0-9]+))?")
_VALUES: Final = re.compile(rf"(?P<first>[+-]?{_NUMBER})(?:(?P<step>[+-]{_NUMBER})?x(?P<times>[0-9]+))?")
_MOST: Final = 1_000_000


def parse_series(text: str) -> dict[str, str]:
    """The labels that text names, the metric's among them. Raises ConfigError."""
    if text.strip() == "{}":
        return {}
    try:
        matchers = parse_selector(text)
    except PromqlError as error:
        raise ConfigError(f'expected a series such as name{{label="value"}}, got {text!r}: {error}') from error
    if any(matcher.kind is not MatchKind.EQUAL for matcher in matchers):
        raise ConfigError(f"expected only = between labels and values, got {text!r}")
    return {matcher.name: matcher.value for matcher in matchers}


def parse_values(text: str) -> list[float | None]:
    """One value an interval, None where there is no sample. Raises ConfigError.

    `axn` is a and n more of it, `a+bxn` and `a-bxn` go on in steps of b, `_` and `_xn` are missing, `stale` ends the series.
    """
    values: list[float | None] = []
    for item in text.split():
        if item == "stale":
            values.append(STALE_NAN)
        elif (blank := _BLANK.fullmatch(item)) is not None:
            values += [None] * int(blank["times"] or 1)
        elif (series := _VALUES.fullmatch(item)) is not None:
            value, step = float(series["first"]), float(series["step"] or 0)
            for _ in range(min(int(series["times"] or 0), _MOST) + 1):
                values.append(value)
                value += step
        else:
            raise ConfigError(f"expected values such as 1, 0+10x30, _x5 or stale, got {item!r}")
        if len(values) > _MOST:
            raise ConfigError(f"expected at most {_MOST} samples a series, got more: {item!r}")
    return values
