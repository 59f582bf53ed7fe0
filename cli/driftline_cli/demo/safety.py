"""What was planted for the safety scorers beside what they flagged."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from driftline_cli.api_client import ApiClient
from driftline_cli.demo.call_id import CallId
from driftline_cli.demo.desk import Plant, Run
from driftline_cli.demo.traffic import Call
from driftline_cli.demo.week import Week

_LEAST_FOUND: Final = 0.8
_MOST_ELSEWHERE: Final = 0.005

Checked = tuple[str, str]
"""A scorer and the field that it looked at."""

NAMES: Final[dict[Checked, str]] = {
    ("injection", "prompt"): "injections by a user",
    ("injection", "tool_result"): "injections in what tools returned",
    ("injection", "document"): "injections in documents",
    ("prompt_leak", "completion"): "answers with the system prompt",
    ("secrets", "completion"): "answers with a credential",
    ("pii", "completion"): "answers with personal data",
}
_OF_RUNS: Final[dict[Checked, Plant]] = {
    ("injection", "tool_result"): "poisoned tool",
    ("injection", "document"): "poisoned page",
    ("secrets", "completion"): "secret",
    ("pii", "completion"): "personal data",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Flags:
    """Of one scorer and field: calls with something planted, those of them that are flagged, other flagged calls, and all scored ones."""

    checked: Checked
    n_planted: int
    n_found: int
    n_elsewhere: int
    n_scored: int

    @property
    def name(self) -> str:
        """For people."""
        return NAMES[self.checked]

    @property
    def is_right(self) -> bool:
        """Four of five or more are found, and at most one in two hundred of the others is flagged."""
        n_others = self.n_scored - self.n_planted
        is_quiet = self.n_elsewhere <= _MOST_ELSEWHERE * max(0, n_others)
        return self.n_planted > 0 and self.n_found >= _LEAST_FOUND * self.n_planted and is_quiet


def planted_calls(
    calls: Sequence[Call], call_ids: Sequence[CallId], runs: Sequence[Run], run_ids: Sequence[CallId]
) -> dict[Checked, frozenset[CallId]]:
    """Which calls a scorer should flag on which field. A prompt that makes the assistant leak is an injection too."""
    of_calls = list(zip(calls, call_ids, strict=True))
    planted = {
        ("injection", "prompt"): frozenset(one for call, one in of_calls if call.plant in ("injection", "leak")),
        ("prompt_leak", "completion"): frozenset(one for call, one in of_calls if call.plant == "leak"),
    }
    for checked, plant in _OF_RUNS.items():
        planted[checked] = frozenset(one for run, one in zip(runs, run_ids, strict=True) if plant in run.plants)
    return planted


def read_flags(api: ApiClient, week: Week, planted: dict[Checked, frozenset[CallId]]) -> list[Flags]:
    """Every kind of NAMES from the scores of the week."""
    found = []
    for checked in NAMES:
        chosen = {
            "analyzer": checked[0],
            "field": checked[1],
            "from": week.start.isoformat(),
            "to": week.end.isoformat(),
        }
        flagged = api.pages("/api/v1/scores", {**chosen, "is_flagged": "true", "limit": 200})
        scored = api.get("/api/v1/scores/summary", {**chosen, "step": 86_400})["series"]
        found.append(count_flags(checked, planted[checked], flagged, n_scored=sum(one["scored"] for one in scored)))
    return found


def count_flags(
    checked: Checked, planted: frozenset[CallId], flagged: Iterable[dict[str, Any]], *, n_scored: int
) -> Flags:
    """flagged: scores of the API."""
    ids = {CallId(trace_id=score["trace_id"], span_id=score["span_id"]) for score in flagged}
    return Flags(
        checked=checked,
        n_planted=len(planted),
        n_found=len(ids & planted),
        n_elsewhere=len(ids - planted),
        n_scored=n_scored,
    )
