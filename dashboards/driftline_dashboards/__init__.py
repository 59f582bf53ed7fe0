"""Grafana dashboards as code: built with grafana-foundation-sdk, checked in as JSON, pushed with grafana-client."""

from driftline_dashboards.check import CheckedQuery, check_dashboards
from driftline_dashboards.errors import GrafanaError, QueryApiError
from driftline_dashboards.files import load_dashboards
from driftline_dashboards.push import PushedDashboard, PushReport, datasource_model, push_dashboards

__all__ = [
    "CheckedQuery",
    "GrafanaError",
    "PushReport",
    "PushedDashboard",
    "QueryApiError",
    "check_dashboards",
    "datasource_model",
    "load_dashboards",
    "push_dashboards",
]
