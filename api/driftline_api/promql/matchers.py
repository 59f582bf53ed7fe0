"""Label matchers, with the regular expressions of RE2 as in Prometheus (linear time whatever the pattern)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from driftline_api.promql.errors import BadQuery
from driftline_api.promql.values import Labels


class MatchKind(StrEnum):
    """The four operators of a label matcher."""

    EQUAL = "="
    NOT_EQUAL = "!="
    MATCHES = "=~"
    NOT_MATCHES = "!~"


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelMatcher:
    """One `name op "value"`. A label that a series lacks has the value ''."""

    name: str
    kind: MatchKind
    value: str

    def matches(self, text: str) -> bool:
        """Whether a label value passes. Raises BadQuery on a pattern that RE2 refuses."""
        match self.kind:
            case MatchKind.EQUAL:
                return text == self.value
            case MatchKind.NOT_EQUAL:
                return text != self.value
            case MatchKind.MATCHES:
                return _matches_whole(self.value, text)
            case MatchKind.NOT_MATCHES:
                return not _matches_whole(self.value, text)

    def select(self, texts: Sequence[str]) -> npt.NDArray[np.bool_]:
        """`matches` of many values at once: (n,) bool."""
        distinct = {text: self.matches(text) for text in set(texts)}
        return np.fromiter((distinct[text] for text in texts), dtype=np.bool_, count=len(texts))

    def __str__(self) -> str:
        return f'{self.name}{self.kind.value}"{self.value}"'


def equal(name: str, value: str) -> LabelMatcher:
    """The matcher `name="value"`."""
    return LabelMatcher(name=name, kind=MatchKind.EQUAL, value=value)


def matches_all(matchers: Iterable[LabelMatcher], labels: Labels) -> bool:
    """Whether a series passes every matcher."""
    values = dict(labels)
    return all(matcher.matches(values.get(matcher.name, "")) for matcher in matchers)


def anchored(pattern: str) -> str:
    """The pattern as Prometheus means it: the whole value."""
    return f"^(?:{pattern})$"


@lru_cache(maxsize=65536)
def _matches_whole(pattern: str, text: str) -> bool:
    try:
        return bool(pc.match_substring_regex(pa.scalar(text, pa.string()), anchored(pattern)).as_py())
    except pa.ArrowInvalid as error:
        raise BadQuery(f"error parsing regexp: {error}") from error
