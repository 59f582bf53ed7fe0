"""Which tests a segment gets. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from driftline_analyzers.runner.findings import (
    CONDITIONAL,
    NUMBERS,
    OUTLIERS,
    RETRIEVAL,
    SEMANTIC,
    STYLE,
    AnalyzerName,
)
from driftline_analyzers.runner.sides import NUMBER_FIELDS, RETRIEVAL_FIELDS
from driftline_analyzers.settings import AnalyzerSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One test: an analyzer and the field it looks at."""

    analyzer: AnalyzerName
    field: str


def checks_of(settings: AnalyzerSettings, *, has_calls: bool, has_retrievals: bool) -> list[Check]:
    """The tests of a segment with LLM calls, retrievals or both, in the order in which they are made."""
    fields: Sequence[str] = settings.fields
    checks: list[Check] = []
    if has_calls:
        checks += [Check(analyzer=SEMANTIC, field=field) for field in fields]
        checks += [Check(analyzer=OUTLIERS, field=field) for field in fields]
        if "completion" in fields:
            checks.append(Check(analyzer=STYLE, field="completion"))
        if "completion" in fields and "prompt" in fields:
            checks.append(Check(analyzer=CONDITIONAL, field="completion"))
        checks += [Check(analyzer=NUMBERS, field=field) for field in NUMBER_FIELDS]
    if has_retrievals:
        checks += [Check(analyzer=RETRIEVAL, field=field) for field in RETRIEVAL_FIELDS]
    return [check for check in checks if check.analyzer in settings.analyzers]
