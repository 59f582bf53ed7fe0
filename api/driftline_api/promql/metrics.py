"""The catalogue: which metrics there are, and the SQL that yields each."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from importlib.resources import files
from importlib.resources.abc import Traversable
from re import fullmatch
from typing import Any, Final

import yaml

from driftline_api.promql.matchers import LabelMatcher
from driftline_api.promql.values import METRIC_NAME
from driftline_core.errors import ConfigError
from driftline_core.prices import COST_SQL

_FIELDS: Final = ("name", "type", "unit", "help", "labels", "sql")
_OPTIONAL: Final = ("value",)
_NAME: Final = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
_LABEL: Final = r"[a-z][a-z0-9_]*"
_INCLUDES: Final = {"-- include cost": COST_SQL.replace("{from_s:Int64}", "{since_s:Int64}")}
"""Cost of every minute since then: a counter holds what was before the range too."""


class MetricKind(StrEnum):
    """Prometheus' metric types, as far as they are used."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """One entry of the catalogue. labels: columns of the SQL; unit: base unit, '' for a plain number.

    value: which of its figures the SQL is asked for, '' when it knows one.
    """

    name: str
    kind: MetricKind
    unit: str
    help: str
    labels: tuple[str, ...]
    sql: str
    value: str = ""

    @property
    def series_names(self) -> tuple[str, ...]:
        """The names that a query can select."""
        if self.kind is MetricKind.HISTOGRAM:
            return (f"{self.name}_bucket", f"{self.name}_sum", f"{self.name}_count")
        return (self.name,)


@dataclass(frozen=True)
class MetricCatalogue:
    """All metrics, by what a query can ask for."""

    metrics: tuple[Metric, ...]

    @classmethod
    def load(cls, file: Traversable | None = None) -> "MetricCatalogue":
        """The shipped catalogue, or a file beside a folder `sql`. Raises ConfigError, naming the entry and what was expected."""
        folder: Traversable = files("driftline_api.promql")
        text = (folder / "metrics.yaml" if file is None else file).read_text(encoding="utf-8")
        return cls.parse(text, folder / "sql")

    @classmethod
    def parse(cls, text: str, folder: Traversable) -> "MetricCatalogue":
        """A catalogue from YAML text; its SQL files are in the folder. Raises ConfigError."""
        try:
            document = yaml.safe_load(text)
        except yaml.YAMLError as error:
            raise ConfigError(f"expected YAML, got {error}") from error
        if not isinstance(document, dict) or set(document) != {"metrics"} or not isinstance(document["metrics"], list):
            raise ConfigError("expected a mapping with one key, metrics, and a list under it")
        metrics = tuple(_metric(entry, folder) for entry in document["metrics"])
        names = [name for metric in metrics for name in metric.series_names]
        for name in names:
            if names.count(name) > 1:
                raise ConfigError(f"expected every metric once, got {name} {names.count(name)} times")
        return cls(metrics)

    @cached_property
    def _by_series_name(self) -> Mapping[str, Metric]:
        return {name: metric for metric in self.metrics for name in metric.series_names}

    @property
    def series_names(self) -> list[str]:
        """Every value that __name__ can have, sorted."""
        return sorted(self._by_series_name)

    def selected(self, matchers: Sequence[LabelMatcher]) -> Iterator[tuple[Metric, list[str]]]:
        """Metrics of which at least one series name passes the matchers on __name__, with those names."""
        on_name = [matcher for matcher in matchers if matcher.name == METRIC_NAME]
        for metric in self.metrics:
            names = [name for name in metric.series_names if all(matcher.matches(name) for matcher in on_name)]
            if names:
                yield metric, names


def _metric(entry: Any, folder: Traversable) -> Metric:
    name = entry.get("name") if isinstance(entry, dict) else None
    if not isinstance(entry, dict) or set(entry) - set(_OPTIONAL) != set(_FIELDS):
        got = sorted(entry) if isinstance(entry, dict) else entry
        raise ConfigError(f"metric {name!r}: expected the keys {', '.join(_FIELDS)}, got {got}")
    if not isinstance(name, str) or not fullmatch(_NAME, name):
        raise ConfigError(f"expected a metric name like {_NAME}, got {name!r}")
    if entry["type"] not in list(MetricKind):
        raise ConfigError(f"metric {name}: expected type {', '.join(MetricKind)}, got {entry['type']!r}")
    for key in ("unit", "help", "sql", "value"):
        if not isinstance(entry.get(key, ""), str):
            raise ConfigError(f"metric {name}: expected {key} as text, got {entry[key]!r}")
    labels = entry["labels"]
    if not isinstance(labels, list) or not labels:
        raise ConfigError(f"metric {name}: expected a list of labels, got {labels!r}")
    for label in labels:
        if not isinstance(label, str) or not fullmatch(_LABEL, label) or label == "le" or labels.count(label) > 1:
            raise ConfigError(f"metric {name}: expected each label once, like {_LABEL} and not le, got {label!r}")
    file = folder / entry["sql"]
    if not fullmatch(r"[a-z0-9_]+\.sql", entry["sql"]) or not file.is_file():
        raise ConfigError(f"metric {name}: expected an SQL file in {folder}, got {entry['sql']!r}")
    return Metric(
        name=name,
        kind=MetricKind(entry["type"]),
        unit=entry["unit"],
        help=entry["help"].strip(),
        labels=tuple(labels),
        sql=_with_includes(file.read_text(encoding="utf-8")),
        value=entry.get("value", ""),
    )


def _with_includes(sql: str) -> str:
    lines = [_INCLUDES.get(line.strip(), line) for line in sql.splitlines()]
    return "\n".join(lines)
