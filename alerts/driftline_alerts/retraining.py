"""What a pipeline needs to take over from an alert: the slice, the evidence, and a data set of the calls that are meant."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from urllib.parse import urlencode

from driftline_alerts.rules import AlertRule
from driftline_alerts.settings import AlertSettings
from driftline_alerts.sql_files import read_sql
from driftline_alerts.state import sql_time
from driftline_alerts.transition import AlertState
from driftline_core.datasets import DatasetFolder, Selection
from driftline_core.errors import DriftlineError, InputError
from driftline_core.log import get_logger
from driftline_core.store import Store

FEEDBACK: Final = "feedback"
_LOG = get_logger("alerts")
_SLICE: Final = (
    "service", "environment", "provider", "model", "prompt_version", "segment_by", "segment", "field", "analyzer", "reference",
)  # fmt: skip
_EXPORTS_PATH: Final = "/api/v1/exports"


@dataclass(frozen=True, slots=True, kw_only=True)
class Retraining:
    """detail: for the webhook's body, under `driftline`. annotations: for every receiver. is_failed: no data set could be written."""

    detail: Mapping[str, Any]
    annotations: Mapping[str, str]
    is_failed: bool


def prepare(
    store: Store,
    folder: DatasetFolder,
    settings: AlertSettings,
    *,
    rule: AlertRule,
    state: AlertState,
    until: datetime,
) -> Retraining:
    """Write the data set of a firing alert of a rule with driftline_export; never raises, what went wrong is in the annotations.

    until: wall-clock time when it fired. The finding behind the alert says which calls are meant; without one those of its slice in the
    time of driftline_export_for before it. `feedback` takes the calls, of whatever time, that users disliked in it, another name those that
    this analyzer flagged.
    """
    detail: dict[str, Any] = {
        "slice": {name: state.labels[name] for name in _SLICE if state.labels.get(name)},
        "evidence": {"expr": rule.expr.strip(), "value": state.value, "finding": None},
        "export": None,
    }
    try:
        selection = _selection(store, settings, rule, state, until)
        manifest = folder.write(store, selection, formats=("jsonl", "parquet"), max_rows=folder.settings.alert_rows)
    except InputError as error:  # says something of the data, not of us: there are no such calls
        return Retraining(detail=detail, annotations={"export_error": str(error)}, is_failed=False)
    except (DriftlineError, OSError) as error:
        _LOG.error("data set not written", alert=rule.alert, error=type(error).__name__)
        said = f"the data set could not be written ({type(error).__name__}); `driftline export` writes it later"
        return Retraining(detail=detail, annotations={"export_error": said}, is_failed=True)
    detail["evidence"]["finding"] = manifest["finding"]
    detail["export"] = _with_urls(manifest, settings)
    annotations = {"export_version": manifest["version"], "export_url": detail["export"]["url"]}
    return Retraining(detail=detail, annotations=annotations, is_failed=False)


def _selection(store: Store, settings: AlertSettings, rule: AlertRule, state: AlertState, until: datetime) -> Selection:
    labels, wanted = state.labels, rule.policy.export or ""
    if not labels.get("service"):
        raise InputError("expected an alert with the label service to export calls of, got none")
    if wanted == "true":
        finding_id = _finding_id(store, settings, rule, labels, until)
        if finding_id:
            return Selection(project=settings.project, finding_id=finding_id)
    by_segment = labels.get("segment_by", "") not in ("", "service")
    is_analyzer = wanted not in ("true", FEEDBACK)
    return Selection(
        project=settings.project,
        service=labels["service"],
        model=labels.get("model", ""),
        segment_by=labels["segment_by"] if by_segment else "",
        segment=labels.get("segment", "") if by_segment else "",
        analyzer=wanted if is_analyzer else "",
        field=labels.get("field", "") if is_analyzer else "",
        is_flagged=True if is_analyzer else None,
        sentiment="negative" if wanted == FEEDBACK else "",
        from_time=until - rule.policy.export_for,
        to_time=until,
    )


def _finding_id(
    store: Store, settings: AlertSettings, rule: AlertRule, labels: Mapping[str, str], until: datetime
) -> str:
    """Of the newest finding that drifted, '' when there is none."""
    parameters = {
        "project": settings.project,
        "analyzer": labels.get("analyzer") or rule.policy.examples or "",
        "until": sql_time(until),
        **{name: labels.get(name, "") for name in ("service", "model", "segment_by", "segment", "field", "reference")},
    }
    rows = store.rows(read_sql("newest_finding"), parameters)
    return str(rows[0]["finding_id"]) if rows else ""


def _with_urls(manifest: Mapping[str, Any], settings: AlertSettings) -> dict[str, Any]:
    """The manifest with the addresses at which Driftline's API has it and its files."""
    path = f"{settings.external_url.rstrip('/')}{_EXPORTS_PATH}/{manifest['version']}"
    query = urlencode({"project": manifest["project"]})
    files = {name: {**what, "url": f"{path}/{name}?{query}"} for name, what in manifest["files"].items()}
    return {**manifest, "files": files, "url": f"{path}?{query}"}
