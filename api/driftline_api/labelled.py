"""Reads an analyzer's labelled scores, and how many calls they stand for."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from driftline_api.agreement import LabelledScore
from driftline_api.parameters import TimeRange
from driftline_api.problems import unprocessable
from driftline_api.reader import ProjectReader

_MOST_LABELS: Final = 200_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Labelled:
    """One analyzer and field. grid: values above which given shares of the scored lie; unflagged_to: highest value that is not flagged,
    None where all are; newest_version: of the analyzer; n_with_p_value: scored calls with a p-value."""

    analyzer: str
    field: str
    newest_version: str
    n_scored: int
    n_flagged: int
    n_with_p_value: int
    flagged_from: float | None
    unflagged_to: float | None
    grid: Sequence[float]
    labels: Sequence[LabelledScore]


def read_labelled(
    reader: ProjectReader,
    time_range: TimeRange,
    *,
    analyzer: str = "",
    field: str = "",
    service: str = "",
    model: str = "",
    version: str = "",
) -> list[Labelled]:
    """Each analyzer and field with scores in the range. Raises StoreError, and a 422 problem above 200,000 labels."""
    asked = {"analyzer": analyzer, "field": field, "service": service, "model": model, "version": version}
    between = {"from_ns": time_range.from_ns, "to_ns": time_range.to_ns}
    rows = reader.rows("labelled_scores", **asked, **between, max_rows=_MOST_LABELS + 1)
    if len(rows) > _MOST_LABELS:
        raise unprocessable(f"expected at most {_MOST_LABELS} labels, got more: choose a shorter range or one analyzer")
    labels: dict[tuple[str, str], list[LabelledScore]] = {}
    for row in rows:
        known = {name: row[name] for name in LabelledScore.__slots__}
        labels.setdefault((row["analyzer"], row["field"]), []).append(LabelledScore(**known))
    names = (
        "analyzer",
        "field",
        "newest_version",
        "n_scored",
        "n_flagged",
        "n_with_p_value",
        "flagged_from",
        "unflagged_to",
        "grid",
    )
    return [
        Labelled(**{name: row[name] for name in names}, labels=labels.get((row["analyzer"], row["field"]), []))
        for row in reader.rows("scored_population", **asked, **between)
    ]
