"""Prometheus rule files: what promtool accepts is accepted here and means the same; what it refuses is refused.

Driftline's own settings of a rule are annotations, so the files stay valid for promtool and vmalert. They never leave this process:

    driftline_no_data          hold (default) | resolve | alert | ok       what an alert does when its data are gone
    driftline_no_data_for      duration, default 1h (alert: 0s)            how long it holds before that counts
    driftline_on_error         hold                                        a failed query never resolves; there is no other choice
    driftline_query_offset     duration, default from the settings         evaluate this far in the past (ingest and analyzer lag)
    driftline_min_samples      number, with driftline_samples_expr         with fewer samples the rule says nothing either way
    driftline_samples_expr     PromQL, matched on the labels it has in common with the alert
    driftline_resolve_expr     PromQL, matched likewise: what fires resolves only where this has an element (hysteresis)
    driftline_examples         name of an analyzer                         add its newest finding; a label analyzer goes first
    driftline_export           true | feedback | name of an analyzer       write a data set of the calls that are meant and tell of it
    driftline_export_for       duration, default 1d                        the calls of this time before, where no finding says which
"""

import hashlib
import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, Final, Literal, TypeVar

from driftline_alerts.durations import parse_duration
from driftline_alerts.errors import RuleError
from driftline_alerts.expressions import check_expression, metric_names, presence
from driftline_alerts.labels import LABEL_NAME, METRIC_NAME
from driftline_alerts.strict_yaml import load_strict_yaml
from driftline_alerts.template import Template
from driftline_core.errors import ConfigError

NoDataPolicy = Literal["hold", "resolve", "alert", "ok"]

_T = TypeVar("_T")
_PREFIX: Final = "driftline_"
_GROUP_FIELDS: Final = ("name", "interval", "limit", "rules")
_RULE_FIELDS: Final = ("record", "alert", "expr", "for", "keep_firing_for", "labels", "annotations")
_DAY: Final = timedelta(days=1)
_EXPORT: Final = re.compile(r"[a-z0-9][a-z0-9_.-]{0,99}")
_NO_DATA: Final[tuple[NoDataPolicy, ...]] = ("hold", "resolve", "alert", "ok")
_OWN_ANNOTATIONS: Final = (
    "no_data",
    "no_data_for",
    "on_error",
    "query_offset",
    "min_samples",
    "samples_expr",
    "resolve_expr",
    "examples",
    "export",
    "export_for",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class RulePolicy:
    """What Driftline adds to a rule; see the module's docstring. query_offset None: the evaluator's own."""

    no_data: NoDataPolicy = "hold"
    no_data_for: timedelta = timedelta(hours=1)
    query_offset: timedelta | None = None
    min_samples: float | None = None
    samples_expr: str | None = None
    resolve_expr: str | None = None
    examples: str | None = None
    export: str | None = None
    export_for: timedelta = _DAY


@dataclass(frozen=True, kw_only=True)
class AlertRule:
    """One alerting rule. hold_for is the file's `for`. annotations: without ours, which are in own_annotations as written and in policy.
    uid: stable across restarts and edits of expr."""

    uid: str
    group: str
    alert: str
    expr: str
    hold_for: timedelta = timedelta(0)
    keep_firing_for: timedelta = timedelta(0)
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    own_annotations: Mapping[str, str] = field(default_factory=dict)
    policy: RulePolicy = field(default_factory=RulePolicy)

    @cached_property
    def presence_expr(self) -> str | None:
        """The query that tells a data gap from a recovery; None when there is none or the policy does not ask."""
        return None if self.policy.no_data == "ok" else presence(self.expr)

    @cached_property
    def metric_names(self) -> frozenset[str]:
        """The metrics that its queries select by name."""
        policy = self.policy
        asked = (self.expr, policy.samples_expr, policy.resolve_expr)
        return frozenset(name for expr in asked if expr is not None for name in metric_names(expr))

    @cached_property
    def label_templates(self) -> dict[str, Template]:
        """Parsed labels by name."""
        return {name: Template(text) for name, text in self.labels.items()}

    @cached_property
    def annotation_templates(self) -> dict[str, Template]:
        """Parsed annotations by name."""
        return {name: Template(text) for name, text in self.annotations.items()}


@dataclass(frozen=True, kw_only=True)
class RecordingRule:
    """One recording rule: the results of expr, with labels, under the name record. uid: as of an alerting rule."""

    uid: str
    group: str
    record: str
    expr: str
    labels: Mapping[str, str]

    @cached_property
    def metric_names(self) -> frozenset[str]:
        """The metrics that its query selects by name."""
        return metric_names(self.expr)


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleGroup:
    """Rules that are evaluated together, in order. interval None: the evaluator's default. limit 0: none."""

    name: str
    file: str
    interval: timedelta | None
    limit: int
    rules: tuple[AlertRule | RecordingRule, ...]


def load_rules(paths: Iterable[Path] = (), *, project: str = "default") -> tuple[RuleGroup, ...]:
    """The groups of every file (a folder means its *.yaml and *.yml); without paths, the shipped rules. Raises RuleError."""
    sources: list[tuple[str, Path | Traversable]] = []
    for path in paths:
        if path.is_dir():
            found = sorted([*path.glob("*.yaml"), *path.glob("*.yml")])
            if not found:
                raise RuleError(f"expected rule files (*.yaml, *.yml) in {path}, got none")
            sources += [(str(file), file) for file in found]
        else:
            sources.append((str(path), path))
    if not sources:
        sources = sorted(
            (f.name, f) for f in (files("driftline_alerts") / "shipped").iterdir() if f.name.endswith(".yaml")
        )
    groups: list[RuleGroup] = []
    for name, source in sources:
        try:
            text = source.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise RuleError(f"cannot read rule file {name}: {error}") from error
        groups += parse_rules(text, file=name, project=project)
    seen: dict[str, str] = {}
    for group in groups:
        if seen.setdefault(group.name, group.file) != group.file:
            raise RuleError(
                f"{group.file}: expected a group name of its own, got {group.name!r}, also in {seen[group.name]}"
            )
    return tuple(groups)


def parse_rules(text: str, *, file: str, project: str = "default") -> tuple[RuleGroup, ...]:
    """The groups of one file's text. Raises RuleError naming file, group, rule and field."""
    document = load_strict_yaml(text, where=file)
    content = _mapping(document, where=file, fields=("groups",))
    groups = []
    names: set[str] = set()
    uses: dict[str, int] = {}
    for index, raw in enumerate(_list(content.get("groups"), where=f"{file}, groups")):
        group = _group(raw, where=f"{file}, group {index + 1}", file=file, project=project, uses=uses)
        if group.name in names:
            raise RuleError(f"{file}: expected every group name once, got {group.name!r} twice")
        names.add(group.name)
        groups.append(group)
    return tuple(groups)


def _group(raw: Any, *, where: str, file: str, project: str, uses: dict[str, int]) -> RuleGroup:
    content = _mapping(raw, where=where, fields=_GROUP_FIELDS)
    name = content.get("name")
    if not isinstance(name, str) or not name:
        raise RuleError(f"{where}, name: expected a name, got {name!r}")
    where = f"{file}, group {name!r}"
    interval = _duration(content, "interval", where=where)
    if interval is not None and interval < timedelta(seconds=1):
        raise RuleError(f"{where}, interval: expected at least 1s, got {content['interval']!r}")
    limit_text = content.get("limit") or "0"
    if not isinstance(limit_text, str) or not limit_text.isascii() or not limit_text.isdigit():
        raise RuleError(f"{where}, limit: expected a whole number of alerts, got {limit_text!r}")
    rules = []
    for index, raw_rule in enumerate(_list(content.get("rules"), where=f"{where}, rules")):
        rules.append(_rule(raw_rule, where=f"{where}, rule {index + 1}", group=name, project=project, uses=uses))
    return RuleGroup(name=name, file=file, interval=interval, limit=int(limit_text), rules=tuple(rules))


def _rule(raw: Any, *, where: str, group: str, project: str, uses: dict[str, int]) -> AlertRule | RecordingRule:
    content = _mapping(raw, where=where, fields=_RULE_FIELDS)
    record, alert = content.get("record") or "", content.get("alert") or ""
    if not isinstance(record, str) or not isinstance(alert, str) or bool(record) == bool(alert):
        raise RuleError(f"{where}: expected one of record and alert, got {'both' if record and alert else 'neither'}")
    where = f"{where} ({record or alert})"
    expr = content.get("expr")
    if not isinstance(expr, str) or not expr.strip():
        raise RuleError(f"{where}, expr: expected PromQL, got {expr!r}")
    _checked(check_expression, expr, where=f"{where}, expr")
    labels = _strings(content.get("labels"), where=f"{where}, labels")
    if "__name__" in labels:
        raise RuleError(f"{where}, labels: expected no __name__, got {labels['__name__']!r}")
    if record:
        if METRIC_NAME.fullmatch(record) is None:
            raise RuleError(f"{where}, record: expected a metric name, got {record!r}")
        for name in ("for", "keep_firing_for", "annotations"):
            if content.get(name):
                raise RuleError(f"{where}, {name}: expected in alerting rules only, got it in a recording rule")
        uid = _uid(project, group, record, labels, uses)
        return RecordingRule(uid=uid, group=group, record=record, expr=expr, labels=labels)
    annotations = _strings(content.get("annotations"), where=f"{where}, annotations")
    for kind, texts in (("labels", labels), ("annotations", annotations)):
        for name, text in texts.items():
            _checked(Template, text, where=f"{where}, {kind}, {name}")
    own = {name: text for name, text in annotations.items() if name.startswith(_PREFIX)}
    return AlertRule(
        uid=_uid(project, group, alert, labels, uses),
        group=group,
        alert=alert,
        expr=expr,
        hold_for=_duration(content, "for", where=where) or timedelta(0),
        keep_firing_for=_duration(content, "keep_firing_for", where=where) or timedelta(0),
        labels=labels,
        annotations={name: text for name, text in annotations.items() if name not in own},
        own_annotations=own,
        policy=_policy(own, expr, where=f"{where}, annotations"),
    )


def _policy(own: Mapping[str, str], expr: str, *, where: str) -> RulePolicy:
    values = {name.removeprefix(_PREFIX): text for name, text in own.items()}
    for name in values:
        if name not in _OWN_ANNOTATIONS:
            known = ", ".join(_PREFIX + each for each in _OWN_ANNOTATIONS)
            raise RuleError(f"{where}: expected one of {known}, got {_PREFIX}{name}")
    no_data = values.get("no_data", "hold")
    if no_data not in _NO_DATA:
        raise RuleError(f"{where}, driftline_no_data: expected one of {', '.join(_NO_DATA)}, got {no_data!r}")
    if values.get("on_error", "hold") != "hold":
        raise RuleError(f"{where}, driftline_on_error: expected hold, got {values['on_error']!r}")
    if ("min_samples" in values) != ("samples_expr" in values):
        raise RuleError(f"{where}: expected driftline_min_samples and driftline_samples_expr together, got only one")
    if "samples_expr" in values:
        _checked(check_expression, values["samples_expr"], where=f"{where}, driftline_samples_expr")
    if "resolve_expr" in values:
        _checked(check_expression, values["resolve_expr"], where=f"{where}, driftline_resolve_expr")
        if no_data == "ok" or presence(expr) is None:
            raise RuleError(
                f"{where}, driftline_resolve_expr: expected an expr that compares and driftline_no_data other than ok, "
                "so that lost data can be told from a condition that ended"
            )
    durations = {
        name: _checked(parse_duration, values[name], where=f"{where}, {_PREFIX}{name}")
        for name in ("no_data_for", "query_offset", "export_for")
        if name in values
    }
    export = values.get("export", "false")
    if not _EXPORT.fullmatch(export):
        raise RuleError(
            f"{where}, driftline_export: expected true, false, feedback or an analyzer's name, got {export!r}"
        )
    if durations.get("export_for", _DAY) <= timedelta(0):
        raise RuleError(f"{where}, driftline_export_for: expected more than 0, got {values['export_for']!r}")
    default_no_data_for = timedelta(0) if no_data == "alert" else timedelta(hours=1)
    return RulePolicy(
        no_data=no_data,
        no_data_for=durations.get("no_data_for", default_no_data_for),
        query_offset=durations.get("query_offset"),
        min_samples=_positive(values["min_samples"], where=where) if "min_samples" in values else None,
        samples_expr=values.get("samples_expr"),
        resolve_expr=values.get("resolve_expr"),
        examples=values.get("examples"),
        export=None if export == "false" else export,
        export_for=durations.get("export_for", _DAY),
    )


def _positive(text: str, *, where: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not 0 < number < float("inf"):
        raise RuleError(f"{where}, driftline_min_samples: expected a number above 0, got {text!r}")
    return number


def _uid(project: str, group: str, name: str, labels: Mapping[str, str], uses: dict[str, int]) -> str:
    key = json.dumps([project, group, name, sorted(labels.items())], ensure_ascii=False)
    uses[key] = uses.get(key, 0) + 1  # the same name and labels twice in a group, as burn-rate pairs have it
    return hashlib.sha256(f"{key}{uses[key]}".encode()).hexdigest()[:16]


def _duration(content: Mapping[str, Any], name: str, *, where: str) -> timedelta | None:
    if content.get(name) in (None, ""):
        return None
    return _checked(parse_duration, content[name], where=f"{where}, {name}")


def _checked(parse: Callable[[str], _T], text: Any, *, where: str) -> _T:
    if not isinstance(text, str):
        raise RuleError(f"{where}: expected a text, got {type(text).__name__}")
    try:
        return parse(text)
    except (ConfigError, ValueError) as error:
        raise RuleError(f"{where}: {error}") from error


def _strings(raw: Any, *, where: str) -> dict[str, str]:
    if raw in (None, ""):
        return {}
    content = _mapping(raw, where=where)
    for name, text in content.items():
        if LABEL_NAME.fullmatch(name) is None:
            raise RuleError(f"{where}: expected a name of letters, digits and _, got {name!r}")
        if not isinstance(text, str):
            raise RuleError(f"{where}, {name}: expected a text, got {type(text).__name__}")
    return content


def _mapping(raw: Any, *, where: str, fields: tuple[str, ...] | None = None) -> dict[str, Any]:
    if raw in (None, ""):
        raw = {}
    if not isinstance(raw, dict):
        raise RuleError(f"{where}: expected a mapping, got {type(raw).__name__}")
    for name in raw:
        if fields is not None and name not in fields:
            raise RuleError(f"{where}: expected only {', '.join(fields)}, got unknown field {name!r}")
    return raw


def _list(raw: Any, *, where: str) -> list[Any]:
    if raw in (None, ""):
        return []
    if not isinstance(raw, list):
        raise RuleError(f"{where}: expected a list, got {type(raw).__name__}")
    return raw
