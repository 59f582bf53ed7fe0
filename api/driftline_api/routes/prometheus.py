"""Prometheus' HTTP query API over the store, under /prometheus/api/v1: what Grafana's data source, promtool and vmalert speak."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import parse_qsl

import orjson
from fastapi import APIRouter, Request, Response
from fastapi.concurrency import run_in_threadpool

from driftline_api.alerts_view import AlertsView
from driftline_api.parameters import DEFAULT_PROJECT, PROJECT_PATTERN
from driftline_api.promql.earlier_sums import EarlierSums
from driftline_api.promql.engine import EngineOptions, PromqlEngine
from driftline_api.promql.errors import BadQuery, BadSelector, ExecutionError, PromqlError
from driftline_api.promql.label_functions import LABEL_NAME
from driftline_api.promql.matchers import LabelMatcher
from driftline_api.promql.metrics import Metric, MetricCatalogue
from driftline_api.promql.numbers import parse_duration_ms, parse_time_ms
from driftline_api.promql.parsing import parse, parse_selector
from driftline_api.promql.payload import result_json
from driftline_api.promql.store_source import StoreSource
from driftline_api.promql.values import Labels
from driftline_core import Clock, QueryError, StoreError, get_logger
from driftline_core.store import Store

_STATUS: Final = {
    "bad_data": HTTPStatus.BAD_REQUEST,
    "execution": HTTPStatus.UNPROCESSABLE_ENTITY,
    "timeout": HTTPStatus.SERVICE_UNAVAILABLE,
    "canceled": HTTPStatus.SERVICE_UNAVAILABLE,
}
_VERSION: Final = "2.42.0"
"""The Prometheus whose semantics and API these are; clients choose features by it."""
_TRUNCATED: Final = "results truncated due to limit"
_LOG = get_logger("prometheus")


@dataclass(frozen=True, slots=True)
class Form:
    """Parameters from the form body and the URL; those of the body come first, as in Go's ParseForm."""

    pairs: Sequence[tuple[str, str]]

    @classmethod
    async def of(cls, request: Request) -> "Form":
        """Raises BadQuery when the body is not an UTF-8 form."""
        pairs: list[tuple[str, str]] = []
        media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if request.method == "POST" and media_type == "application/x-www-form-urlencoded":
            try:
                body = (await request.body()).decode()
                pairs += parse_qsl(body, keep_blank_values=True, errors="strict", max_num_fields=1000)
            except ValueError as error:
                raise BadQuery("error parsing form values: expected an UTF-8 form") from error
        return cls([*pairs, *request.query_params.multi_items()])

    def text(self, name: str) -> str:
        """The first value, '' without one."""
        return next((value for key, value in self.pairs if key == name), "")

    def texts(self, name: str) -> list[str]:
        """Every value."""
        return [value for key, value in self.pairs if key == name]

    def time_ms(self, name: str) -> int:
        """A time that must be there: Unix seconds or RFC 3339. Raises BadQuery."""
        text = self.text(name)
        time_ms = parse_time_ms(text)
        if time_ms is None:
            raise BadQuery(f'invalid parameter "{name}": cannot parse "{text}" to a valid timestamp')
        return time_ms

    def time_or(self, name: str, default_ms: int) -> int:
        """A time that may be left out. Raises BadQuery, in the words that Prometheus has for these."""
        text = self.text(name)
        if not text:
            return default_ms
        time_ms = parse_time_ms(text)
        if time_ms is None:
            raise BadQuery(
                f'invalid parameter "{name}": Invalid time value for \'{name}\': cannot parse "{text}" to a valid timestamp'
            )
        return time_ms

    def duration_ms(self, name: str) -> int:
        """A duration: seconds or 1h30m. Raises BadQuery."""
        text = self.text(name)
        duration_ms = parse_duration_ms(text)
        if duration_ms is None:
            raise BadQuery(f'invalid parameter "{name}": cannot parse "{text}" to a valid duration')
        return duration_ms

    def timeout_s(self) -> float | None:
        """The query's own timeout, None without one. Raises BadQuery."""
        return self.duration_ms("timeout") / 1000 if self.text("timeout") else None

    def limit(self) -> int:
        """Most entries wanted, 0 for all. Raises BadQuery."""
        text = self.text("limit")
        if text and not (text.isascii() and text.isdigit()):
            raise BadQuery('invalid parameter "limit": limit must be non-negative')
        return int(text) if text else 0


Answer = Callable[[Form, str], "tuple[Any, bool]"]
"""(form, project) -> the `data` of the answer, and whether a limit cut it."""


def prometheus_router(
    store: Store, *, alerts: AlertsView | None, clock: Clock, options: EngineOptions | None = None
) -> APIRouter:
    """The routes. The project is that of the header or query parameter x-driftline-project, else 'default'."""
    catalogue = MetricCatalogue.load()
    api = _PrometheusApi(
        store=store, alerts_view=alerts, clock=clock, catalogue=catalogue, options=options or EngineOptions()
    )
    router = APIRouter(prefix="/prometheus/api/v1", tags=["prometheus"])

    def add(path: str, answer: Answer, *, summary: str, with_post: bool = False) -> None:
        endpoint = _endpoint(answer)
        name = answer.__name__
        router.add_api_route(path, endpoint, methods=["GET"], summary=summary, name=f"prometheus_{name}")
        if with_post:
            router.add_api_route(
                path, endpoint, methods=["POST"], include_in_schema=False, name=f"prometheus_{name}_form"
            )

    add("/query", api.query, summary="PromQL at one time: query, time, timeout", with_post=True)
    add(
        "/query_range", api.query_range, summary="PromQL over a range: query, start, end, step, timeout", with_post=True
    )
    add("/labels", api.labels, summary="Names of labels: match[], start, end, limit", with_post=True)
    add("/series", api.series, summary="Label sets: match[], start, end, limit", with_post=True)
    add("/metadata", api.metadata, summary="Type, unit and help of metrics: metric, limit")
    add("/status/buildinfo", api.buildinfo, summary="Version of the query API")
    add("/query_exemplars", api.query_exemplars, summary="Exemplars: there are none", with_post=True)
    add("/rules", api.rules, summary="Rule groups and their state: type")
    add("/alerts", api.alerts, summary="Pending and firing alerts")

    @router.get(
        "/label/{name}/values", summary="Values of a label: match[], start, end, limit", name="prometheus_label_values"
    )
    async def label_values(request: Request, name: str) -> Response:
        def answer(form: Form, project: str) -> tuple[Any, bool]:
            return api.label_values(form, project, name)

        return await _answered(request, answer)

    return router


@dataclass(frozen=True, slots=True, kw_only=True)
class _PrometheusApi:
    """What each route answers, without HTTP."""

    store: Store
    alerts_view: AlertsView | None
    clock: Clock
    catalogue: MetricCatalogue
    options: EngineOptions
    earlier: EarlierSums = field(default_factory=EarlierSums)

    def query(self, form: Form, project: str) -> tuple[Any, bool]:
        time_ms = form.time_or("time", self._now_ms())
        timeout_s = form.timeout_s()
        try:
            result = self._engine(project).instant(_expr(form), time_ms / 1000, timeout_s=timeout_s)
        except BadQuery as error:
            raise BadQuery(f'invalid parameter "query": {error}') from error
        return orjson.Fragment(result_json(result)), False

    def query_range(self, form: Form, project: str) -> tuple[Any, bool]:
        start_ms, end_ms = form.time_ms("start"), form.time_ms("end")
        if end_ms < start_ms:
            raise BadQuery('invalid parameter "end": end timestamp must not be before start time')
        step_ms = form.duration_ms("step")
        if step_ms <= 0:
            raise BadQuery(
                'invalid parameter "step": zero or negative query resolution step widths are not accepted. '
                "Try a positive integer"
            )
        timeout_s = form.timeout_s()
        engine = self._engine(project)
        result = engine.range(_expr(form), start_ms / 1000, end_ms / 1000, step_ms / 1000, timeout_s=timeout_s)
        return orjson.Fragment(result_json(result)), False

    def labels(self, form: Form, project: str) -> tuple[Any, bool]:
        names = {name for labels in self._label_sets(form, project) for name, _ in labels}
        return _limited(sorted(names), form.limit())

    def label_values(self, form: Form, project: str, name: str) -> tuple[Any, bool]:
        if not LABEL_NAME.match(name):
            raise BadQuery(f'invalid label name: "{name}"')
        values = {value for labels in self._label_sets(form, project) for key, value in labels if key == name}
        return _limited(sorted(values), form.limit())

    def series(self, form: Form, project: str) -> tuple[Any, bool]:
        if not form.texts("match[]"):
            raise BadQuery("no match[] parameter provided")
        try:
            found = [dict(labels) for labels in sorted(set(self._label_sets(form, project)))]
        except BadSelector as error:
            raise BadQuery(f'invalid parameter "match[]": {error}') from error
        return _limited(found, form.limit())

    def metadata(self, form: Form, _project: str) -> tuple[Any, bool]:
        wanted = form.text("metric")
        try:
            limit = int(form.text("limit") or 0)
        except ValueError as error:
            raise BadQuery("limit must be a number") from error
        chosen = [metric for metric in self.catalogue.metrics if wanted in ("", metric.name)]
        kept, _ = _limited(chosen, max(limit, 0))
        return {metric.name: [_metadata(metric)] for metric in kept}, False

    def buildinfo(self, _form: Form, _project: str) -> tuple[Any, bool]:
        keys = ("revision", "branch", "buildUser", "buildDate", "goVersion")
        return {"version": _VERSION, **dict.fromkeys(keys, "")}, False

    def query_exemplars(self, form: Form, _project: str) -> tuple[Any, bool]:
        """Metrics here come from rollups, which keep no example of their own: always empty, as where Prometheus has none."""
        start_ms, end_ms = form.time_or("start", 0), form.time_or("end", self._now_ms())
        if end_ms < start_ms:
            raise BadQuery('invalid parameter "end": end timestamp must not be before start timestamp')
        parse(_expr(form))
        return [], False

    def rules(self, form: Form, _project: str) -> tuple[Any, bool]:
        wanted = form.text("type").lower()
        if wanted not in ("", "alert", "record"):
            raise BadQuery(f'invalid parameter "type": not supported value "{wanted}"')
        payload = self.alerts_view.rules_payload() if self.alerts_view is not None else {"groups": []}
        if not wanted:
            return payload, False
        kind = "alerting" if wanted == "alert" else "recording"
        groups = [
            {**group, "rules": [rule for rule in group["rules"] if rule["type"] == kind]} for group in payload["groups"]
        ]
        return {**payload, "groups": [group for group in groups if group["rules"]]}, False

    def alerts(self, _form: Form, _project: str) -> tuple[Any, bool]:
        return (self.alerts_view.alerts_payload() if self.alerts_view is not None else {"alerts": []}), False

    def _label_sets(self, form: Form, project: str) -> list[Labels]:
        start_ms, end_ms = form.time_or("start", 0), form.time_or("end", self._now_ms())
        if end_ms < start_ms:
            raise BadQuery('invalid parameter "end": end timestamp must not be before start time')
        source = self._source(project)
        selections: list[list[LabelMatcher]] = [parse_selector(text) for text in form.texts("match[]")] or [[]]
        return [labels for matchers in selections for labels in source.label_sets(matchers, start_ms, end_ms)]

    def _engine(self, project: str) -> PromqlEngine:
        return PromqlEngine(self._source(project), self.options)

    def _source(self, project: str) -> StoreSource:
        return StoreSource(
            self.store,
            project,
            catalogue=self.catalogue,
            clock=self.clock,
            max_samples=self.options.max_samples,
            earlier=self.earlier,
        )

    def _now_ms(self) -> int:
        return int(self.clock().timestamp() * 1000)


def _endpoint(answer: Answer) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        return await _answered(request, answer)

    return endpoint


async def _answered(request: Request, answer: Answer) -> Response:
    """The answer in Prometheus' envelope; every error that a query can have becomes its error shape."""
    try:
        form = await Form.of(request)
        project = _project(request, form)
        content = await run_in_threadpool(lambda: _encoded(*answer(form, project)))
    except PromqlError as error:
        return _failure(error.kind, str(error))
    except (QueryError, StoreError) as error:
        _LOG.warning("query failed", path=request.url.path, error=type(error).__name__)
        return _failure(ExecutionError.kind, str(error))
    return Response(content, media_type="application/json")


def _encoded(data: Any, was_cut: bool) -> bytes:
    envelope: dict[str, Any] = {"status": "success", "data": data}
    if was_cut:
        envelope["warnings"] = [_TRUNCATED]
    return orjson.dumps(envelope)


def _failure(kind: str, message: str) -> Response:
    body = {"status": "error", "errorType": kind, "error": message}
    return Response(orjson.dumps(body), status_code=_STATUS[kind], media_type="application/json")


def _project(request: Request, form: Form) -> str:
    project = request.headers.get("x-driftline-project") or form.text("x-driftline-project") or DEFAULT_PROJECT
    if not PROJECT_PATTERN.fullmatch(project):
        raise BadQuery(f"expected a project like {PROJECT_PATTERN.pattern}, got {project[:80]!r}")
    return project


def _expr(form: Form) -> str:
    expr = form.text("query")
    if not expr:
        raise BadQuery("1:1: parse error: no expression found in input")
    return expr


def _limited(entries: list[Any], limit: int) -> tuple[list[Any], bool]:
    if limit and len(entries) > limit:
        return entries[:limit], True
    return entries, False


def _metadata(metric: Metric) -> dict[str, str]:
    return {"type": metric.kind.value, "help": metric.help, "unit": metric.unit}
