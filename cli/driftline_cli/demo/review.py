"""A reviewer who works through the queue of a scorer and knows the truth; and how far the scorer agrees."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from driftline_cli.api_client import ApiClient
from driftline_cli.demo.traffic import SLICES
from driftline_cli.demo.week import Week

_ANALYZER: Final = "grounding"
_ORDERS: Final = {"flagged": 24, "random": 12}
"""How many of each order are labelled: 20 flagged ones are the fewest that a precision rests on."""
_ANNOTATOR: Final = "kim"


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    """n_labels: given; agreement: what the API says of the scorer and its reviewers afterwards."""

    n_labels: int
    agreement: Mapping[str, Any]

    @property
    def precision(self) -> float | None:
        """Estimated from the labels; None when they are too few."""
        value: float | None = self.agreement["precision"]["value"]
        return value

    @property
    def is_right(self) -> bool:
        """Every label counts, and what is flagged is mostly rightly flagged."""
        return self.agreement["n_labelled"] == self.n_labels > 0 and (self.precision or 0.0) >= 0.8


def review(api: ApiClient, week: Week) -> Review:
    """Label the first calls of the queue in each order, as `driftline review` and `driftline label` would."""
    bounds = {"from": week.start.isoformat(), "to": week.end.isoformat()}
    labelled = set()
    for order, limit in _ORDERS.items():
        queue = {**bounds, "analyzer": _ANALYZER, "order": order, "is_labelled": "false", "limit": limit}
        for item in api.get("/api/v1/review", queue)["items"]:
            body = {name: item[name] for name in ("trace_id", "span_id", "analyzer", "field", "picked_by")}
            api.put("/api/v1/labels", {**body, "is_positive": _is_unsupported(item), "annotator": _ANNOTATOR})
            labelled.add((item["trace_id"], item["span_id"]))
    found = api.get("/api/v1/agreement", {**bounds, "analyzer": _ANALYZER, "field": "completion"})["items"]
    return Review(n_labels=len(labelled), agreement=found[0])


def _is_unsupported(item: Mapping[str, Any]) -> bool:
    """The truth: an answer of the planted prompt version says what no document says."""
    return any(
        (item["service"], item["model"], item["prompt_version"])
        == (source.service, source.model, source.changed_version)
        for source in SLICES
        if source.is_drift_planted
    )
