"""Asking a running Driftline every query of every dashboard: does it take them, and which show nothing."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

import httpx

from driftline_core.errors import ConfigError
from driftline_dashboards.errors import QueryApiError
from driftline_dashboards.files import load_dashboards
from driftline_dashboards.queries import DATASOURCE, OWN_PROMETHEUS

Outcome = Literal["data", "empty", "refused", "not asked"]
_INTERVALS: Final[Mapping[str, str]] = {"$__rate_interval": "4m", "$__range": "6h", "$__interval": "1m"}
_CHOSEN: Final = re.compile(r'"\$[a-z]+"')


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedQuery:
    """One query or annotation of a dashboard. error: what the API said where outcome is 'refused', else ''.

    'not asked': it goes to the user's own Prometheus, and no address of that was given.
    """

    dashboard: str
    panel: str
    expr: str
    outcome: Outcome
    error: str = ""


def check_dashboards(
    url: str,
    *,
    own_prometheus_url: str | None = None,
    headers: Mapping[str, str] | None = None,
    at_s: float | None = None,
    dashboards: Sequence[Mapping[str, Any]] | None = None,
    timeout_s: float = 30.0,
) -> tuple[CheckedQuery, ...]:
    """Every query of the dashboards with everything chosen, asked for one moment.

    url: Driftline's query API, `http://127.0.0.1:8000/prometheus`; own_prometheus_url: for the panels of GPUs and the process.
    headers: sent to Driftline alone. at_s: Unix time, by default the server's now. dashboards: by default the shipped ones.
    timeout_s: for each query. Raises ConfigError for an address that cannot be one, QueryApiError where nothing answers as a query API.
    """
    found = []
    with httpx.Client(timeout=timeout_s) as client:
        for dashboard, panel, source, expr in _queries(load_dashboards() if dashboards is None else dashboards):
            base = {DATASOURCE: url, OWN_PROMETHEUS: own_prometheus_url}.get(source)
            if base is None:
                found.append(CheckedQuery(dashboard=dashboard, panel=panel, expr=expr, outcome="not asked"))
                continue
            given = headers or {} if source == DATASOURCE else {}
            outcome, error = _ask(client, base, with_choices(expr), at_s=at_s, headers=given)
            found.append(CheckedQuery(dashboard=dashboard, panel=panel, expr=expr, outcome=outcome, error=error))
    return tuple(found)


def with_choices(expr: str, *, chosen: str = ".*") -> str:
    """The expression as Grafana would send it: intervals filled in, `chosen` in place of every variable of labels."""
    for variable, value in _INTERVALS.items():
        expr = expr.replace(variable, value)
    return _CHOSEN.sub(lambda _: f'"{chosen}"', expr)


def _queries(dashboards: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, str, str, str]]:
    """Dashboard's uid, panel's title, data source and expression."""
    for dashboard in dashboards:
        for panel in dashboard["panels"]:
            for target in panel.get("targets", ()):
                yield dashboard["uid"], panel["title"], target["datasource"]["uid"], target["expr"]
        for annotation in dashboard["annotations"]["list"]:
            yield (
                dashboard["uid"],
                f"annotation {annotation['name']}",
                annotation["datasource"]["uid"],
                annotation["expr"],
            )


def _ask(
    client: httpx.Client, base: str, expr: str, *, at_s: float | None, headers: Mapping[str, str]
) -> tuple[Outcome, str]:
    if not base.startswith(("http://", "https://")):
        raise ConfigError(f"expected the query API's address like http://127.0.0.1:8000/prometheus, got {base!r}")
    form = {"query": expr} | ({} if at_s is None else {"time": str(at_s)})
    try:
        answer = client.post(f"{base.rstrip('/')}/api/v1/query", data=form, headers=dict(headers))
        body = answer.json()
    except httpx.HTTPError as error:
        raise QueryApiError(f"the query API at {base} cannot be reached: {type(error).__name__}") from error
    except ValueError as error:
        raise QueryApiError(f"expected a Prometheus query API at {base}, got an answer that is not JSON") from error
    match body:
        case {"status": "success", "data": {"result": result}}:
            return ("data" if result else "empty"), ""
        case {"status": "error", "error": str(message)}:
            return "refused", message
    raise QueryApiError(f"expected a Prometheus query API at {base}, got status {answer.status_code}")
