"""From series to alerts: the labels and annotations that a rule gives to each element of its expression."""

import math
from collections.abc import Mapping, Sequence
from typing import Final

from driftline_alerts.errors import TemplateError
from driftline_alerts.labels import fingerprint
from driftline_alerts.query import Sample
from driftline_alerts.rules import AlertRule
from driftline_alerts.template import Template
from driftline_alerts.transition import Observed
from driftline_core.errors import QueryError

_ALERTNAME: Final = "alertname"


def observe(
    rule: AlertRule, samples: Sequence[Sample], *, limit: int = 0, external_url: str = ""
) -> tuple[Observed, ...]:
    """The alerts that samples stand for. Raises QueryError when two have the same labels or there are more than limit (0: any)."""
    if limit and len(samples) > limit:
        raise QueryError(f"expected at most {limit} alerts of {rule.alert}, got {len(samples)}")
    observed: dict[str, Observed] = {}
    for sample in samples:
        series = _series_labels(sample)
        labels = _alert_labels(rule, series, sample.value, external_url)
        key = fingerprint(labels)
        if key in observed:
            raise QueryError(f"expected different labels for every alert of {rule.alert}, got {labels} twice")
        annotations = {
            name: _render(template, series, sample.value, external_url)
            for name, template in rule.annotation_templates.items()
        }
        observed[key] = Observed(fingerprint=key, labels=labels, annotations=annotations, value=sample.value)
    return tuple(observed.values())


def present_fingerprints(rule: AlertRule, samples: Sequence[Sample], *, external_url: str = "") -> frozenset[str]:
    """The alerts that samples would be, were they over the threshold. NaN is no data."""
    return frozenset(
        fingerprint(_alert_labels(rule, _series_labels(sample), sample.value, external_url))
        for sample in samples
        if not math.isnan(sample.value)
    )


def _series_labels(sample: Sample) -> dict[str, str]:
    return {name: text for name, text in sample.labels.items() if name != "__name__" and text}


def _alert_labels(rule: AlertRule, series: Mapping[str, str], value: float, external_url: str) -> dict[str, str]:
    labels = dict(series)
    for name, template in rule.label_templates.items():
        labels[name] = _render(template, series, value, external_url)
    labels[_ALERTNAME] = rule.alert
    return {name: text for name, text in labels.items() if text}


def _render(template: Template, labels: Mapping[str, str], value: float, external_url: str) -> str:
    try:
        return template.render(labels, value, external_url=external_url)
    except TemplateError as error:  # a page with a broken text is better than no page; Prometheus does the same
        return f"<error expanding template: {error}>"
