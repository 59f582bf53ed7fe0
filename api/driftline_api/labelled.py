"""Reads an analyzer's labelled scores, and how many calls they stand for."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from driftline_api.agreement import LabelledScore, Reach
from driftline_api.parameters import TimeRange
from driftline_api.problems import unprocessable
from driftline_api.reader import ProjectReader, Row
from driftline_core.directions import LOW_ANALYZERS, sign_of

_MOST_LABELS: Final = 200_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Labelled:
    """One analyzer and field. Values are turned so that higher is more of what the analyzer looks for (driftline_core.directions).

    grid: values above which given shares of the scored lie; unflagged_to: highest value that is not flagged,
    None where all are; newest_version: of the analyzer; n_with_p_value: scored calls with a p-value. reach: of what calls the labels are a
    sample; reviewed_services: with labels picked in random order."""

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
    reach: Reach
    reviewed_services: Sequence[str]


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
        known = {name: row[name] for name in LabelledScore.__slots__} | {
            "value": sign_of(row["analyzer"]) * row["value"]
        }
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
    reaches = (
        {(row["analyzer"], row["field"]): row for row in reader.rows("label_reach", **asked, **between)}
        if labels
        else {}
    )
    return [
        Labelled(
            **{name: row[name] for name in names},
            labels=labels.get((row["analyzer"], row["field"]), []),
            reach=_reach(reaches.get((row["analyzer"], row["field"]))),
            reviewed_services=reaches.get((row["analyzer"], row["field"]), {}).get("services", []),
        )
        for row in reader.rows("scored_population", **asked, **between, low_analyzers=list(LOW_ANALYZERS))
    ]


def _reach(row: Row | None) -> Reach:
    if row is None:
        return Reach()
    return Reach(
        random_until=row["random_until"],
        flagged_until=row["flagged_until"],
        random_gap=_gap(row, "random_part"),
        flagged_gap=_gap(row, "flagged_part"),
    )


def _gap(row: Row, name: str) -> str:
    """Which calls were not walked, and what to ask instead; '' where all were."""
    if not row[name]:
        return ""
    service, model, day = row[name]
    if day:
        return f"most calls of {day} were not reviewed in that order: choose from and to around the days that were"
    reviewed = ", ".join(row["services"]) or "none"
    what = f"service {service!r}, model {model!r}"
    return f"calls of {what}, were not reviewed in that order; services that were: {reviewed} (ask for one of them)"
