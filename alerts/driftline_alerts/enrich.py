"""What a person wants to see with the alert: where to look, and three examples of what drifted."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final
from urllib.parse import urlencode

from driftline_alerts.labels import Labels
from driftline_alerts.rules import AlertRule
from driftline_alerts.settings import AlertSettings
from driftline_alerts.sql_files import read_sql
from driftline_alerts.state import as_utc, sql_time
from driftline_core.store import Store

MAX_EXAMPLES: Final = 3
MAX_EXAMPLE_CHARACTERS: Final = 200
_SLICE: Final = ("service", "environment", "provider", "model", "segment_by", "segment", "prompt_version", "field")
_DASHBOARD: Final = "driftline-overview"


def page_url(settings: AlertSettings, labels: Labels) -> str:
    """Driftline's page for the alert's slice."""
    chosen = {name: labels[name] for name in _SLICE if labels.get(name)}
    query = f"?{urlencode(chosen)}" if chosen else ""
    return f"{settings.external_url.rstrip('/')}/{query}#alerts"


def links(settings: AlertSettings, labels: Labels, annotations: Mapping[str, str]) -> dict[str, str]:
    """Annotations that lead somewhere: runbook_url made absolute, dashboard_url when Grafana is known, page_url."""
    added = {"page_url": page_url(settings, labels)}
    runbook = annotations.get("runbook_url", "")
    if runbook and "://" not in runbook and settings.runbook_base_url is not None:
        added["runbook_url"] = f"{settings.runbook_base_url.rstrip('/')}/{runbook.lstrip('/')}"
    if settings.grafana_url is not None and "dashboard_url" not in annotations:
        variables = urlencode({f"var-{name}": labels[name] for name in ("service", "model") if labels.get(name)})
        added["dashboard_url"] = f"{settings.grafana_url.rstrip('/')}/d/{_DASHBOARD}?{variables}".rstrip("?")
    return added


def finding_annotations(
    store: Store, settings: AlertSettings, rule: AlertRule, labels: Labels, until: datetime
) -> dict[str, str]:
    """`examples` and `finding` for an alert of a rule with driftline_examples; empty when there is no such finding. Raises StoreError.

    Texts are cut to MAX_EXAMPLE_CHARACTERS and are left out altogether when include_examples is off.
    """
    if rule.policy.examples is None or not labels.get("service"):
        return {}
    parameters = {
        "project": settings.project,
        "analyzer": labels.get("analyzer") or rule.policy.examples,
        "service": labels["service"],
        "model": labels.get("model", ""),
        "segment_by": labels.get("segment_by", ""),
        "segment": labels.get("segment", ""),
        "field": labels.get("field", ""),
        "reference": labels.get("reference", ""),
        "until": sql_time(until),
    }
    rows = store.rows(read_sql("newest_finding"), parameters)
    if not rows:
        return {}
    annotations = {"finding": _describe(rows[0])}
    if settings.include_examples:
        texts = example_lines(rows[0]["explanation"])
        if texts:
            annotations["examples"] = "\n".join(texts)
    return annotations


def example_lines(explanation: str) -> list[str]:
    """Up to MAX_EXAMPLES lines 'text (trace ...)' from a finding's explanation; none when it holds none."""
    try:
        examples = json.loads(explanation).get("examples", [])
    except (ValueError, AttributeError):
        return []
    lines = []
    for example in examples if isinstance(examples, list) else []:
        text = " ".join(str(example.get("text", "")).split()) if isinstance(example, dict) else ""
        if not text:
            continue
        if len(text) > MAX_EXAMPLE_CHARACTERS:
            text = f"{text[: MAX_EXAMPLE_CHARACTERS - 1]}…"
        trace_id = example.get("trace_id")
        lines.append(f"- {text} (trace {trace_id})" if trace_id else f"- {text}")
    return lines[:MAX_EXAMPLES]


def _sentence(explanation: str) -> str:
    """What the analyzer says in one line, with a full stop and a blank; '' when it says nothing."""
    try:
        sentence = json.loads(explanation).get("sentence", "")
    except (ValueError, AttributeError):
        return ""
    return f"{sentence.rstrip('.')}. " if isinstance(sentence, str) and sentence else ""


def _describe(row: Mapping[str, Any]) -> str:
    start, end = as_utc(row["window_start"]), as_utc(row["window_end"])
    p_value = "none" if row["p_value"] is None else f"{row['p_value']:.4g}"
    corrected = "" if row["p_value_corrected"] is None else f" (corrected {row['p_value_corrected']:.4g})"
    version = f", prompt version {row['prompt_version']}" if row["prompt_version"] else ""
    told = _sentence(row["explanation"])
    return told + (
        f"p-value {p_value}{corrected}, effect {row['effect_size']:.1f} standard deviations of its null, "
        f"{row['n_current']} texts against {row['n_reference']} of {row['reference']}, "
        f"window {start:%Y-%m-%d %H:%M} to {end:%Y-%m-%d %H:%M} UTC{version}"
    )
