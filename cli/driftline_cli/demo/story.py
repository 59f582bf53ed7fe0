"""What the demo does, step by step, and what it learns on the way. Says nothing itself: `report` does."""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from rich.progress import Progress, TaskID

from driftline_analyzers.anomaly.budget_runner import BudgetRunner
from driftline_analyzers.anomaly.runner import AnomalyRunner
from driftline_analyzers.bias.runner import BiasRunner
from driftline_analyzers.bias.settings import BiasSettings
from driftline_analyzers.runner.report import RunReport
from driftline_analyzers.runner.runner import AnalysisRunner
from driftline_analyzers.scoring.progress import ScoringReport
from driftline_analyzers.scoring.runner import ScoringRunner
from driftline_cli.api_client import ApiClient
from driftline_cli.composition import Embedded
from driftline_cli.demo.corpus import load_topics
from driftline_cli.demo.desk import Run, plan_runs
from driftline_cli.demo.exporter import WeekExporter
from driftline_cli.demo.feedback import RatedSlice, Rating, rate, read_ratings, send_ratings
from driftline_cli.demo.grounding import GroundedSlice, grounded_slice
from driftline_cli.demo.groups import GroupVerdict, judge_groups
from driftline_cli.demo.receiver import WebhookReceiver
from driftline_cli.demo.review import Review, review
from driftline_cli.demo.safety import Flags, planted_calls, read_flags
from driftline_cli.demo.steps import AgentVerdict, read_steps
from driftline_cli.demo.told import EXPECTED
from driftline_cli.demo.traffic import SLICES, Call, Slice, plan_calls
from driftline_cli.demo.verdict import Verdict, judge
from driftline_cli.demo.week import Week
from driftline_core.errors import StoreError
from driftline_core.store.feedback_rollup import FeedbackRollup

_FLUSH_TIMEOUT_S: Final = 60.0
_DELIVERY_TIMEOUT_S: Final = 15.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """Everything the demo learnt. n_spans_stored is read back from the store; phases_s: seconds by phase, in order."""

    week: Week
    n_calls: int
    n_spans_sent: int
    n_spans_stored: int
    summary: Mapping[str, Any]
    references: Sequence[Mapping[str, Any]]
    findings: Sequence[Mapping[str, Any]]
    outliers: Sequence[Mapping[str, Any]]
    strays: Sequence[Call]
    payloads: Sequence[Mapping[str, Any]]
    verdict: Verdict
    analysis: RunReport
    scoring: ScoringReport
    grounding: Sequence[GroundedSlice]
    ungrounded: Sequence[Mapping[str, Any]]
    flags: Sequence[Flags]
    rated: Sequence[RatedSlice]
    groups: Sequence[GroupVerdict]
    steps: AgentVerdict
    review: Review
    phases_s: Mapping[str, float]

    @property
    def is_right(self) -> bool:
        """Whether everything was found as it was planted, and nothing else was told."""
        return all(
            (
                self.verdict.is_right,
                *(one.is_right for one in self.grounding),
                *(one.is_right for one in self.flags),
                *(one.is_right for one in self.rated),
                *(one.is_right for one in self.groups),
                self.steps.is_right,
                self.review.is_right,
            )
        )


@dataclass(slots=True, kw_only=True)
class _Phases:
    """Progress bars and times of the phases."""

    bars: Progress
    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def phase(self, name: str, label: str, *, total: int = 1) -> Iterator[TaskID]:
        """One phase: a bar that is full when it ends."""
        task = self.bars.add_task(label, total=total, note="")
        began = time.monotonic()
        yield task
        self.seconds[name] = round(time.monotonic() - began, 2)
        self.bars.update(task, completed=self.bars.tasks[task].total)


def play(
    embedded: Embedded, receiver: WebhookReceiver, week: Week, *, seed: int, scale: float, bars: Progress
) -> Outcome:
    """From planning the traffic to the alert's arrival. Raises StoreError when spans are missing in the end."""
    phases = _Phases(bars=bars)
    addresses = embedded.addresses()
    with phases.phase("plan", "a week of questions"):
        calls = plan_calls(week, load_topics(), seed=seed, scale=scale)
        runs = plan_runs(week, load_topics(), seed=seed)
    exporter, ratings = _export(calls, runs, addresses["otlp_http"], week=week, seed=seed, phases=phases)
    n_spans = exporter.n_spans
    with phases.phase("store", "stored and decoded by the engine"):
        if not embedded.collector.flush(_FLUSH_TIMEOUT_S):
            raise StoreError(f"expected every span stored within {_FLUSH_TIMEOUT_S:g} s, got some left in the spool")
    with phases.phase("rollup", "counted by the minute, priced"):
        embedded.rollup.tick()
        embedded.prices.sync()
        FeedbackRollup(embedded.store).tick()
    n_stored = int(embedded.store.scalar("SELECT count() FROM spans FINAL") or 0)
    if n_stored != n_spans:
        raise StoreError(f"expected {n_spans} spans in the store, got {n_stored}")
    with ApiClient(addresses["api"]) as api:
        with phases.phase("reference", "reference sets from the first days", total=len(SLICES)) as task:
            references = []
            for source in SLICES:
                references.append(_create_reference(api, source.service, source.model, week))
                bars.advance(task)
        analysis = _analyse(embedded, phases)
        scoring = _score(embedded, phases)
        _compare(embedded, phases)
        with phases.phase("alert", "alert rules evaluated, alert delivered"):
            stats = embedded.alerts.evaluate_once(deliver_within_s=_DELIVERY_TIMEOUT_S)
            if stats.rules_failing:
                raise StoreError(f"expected every alert rule to be evaluated, got {stats.rules_failing} that failed")
        findings = api.pages("/api/v1/findings", {"include": "explanation", "analyzer": "semantic_drift", "limit": 200})
        flagged_prompts = {"analyzer": "outliers", "is_flagged": "true", "field": "prompt", "limit": 200}
        outliers = api.get("/api/v1/scores", flagged_prompts)["items"]
        grounding = [_grounding(api, source, week) for source in SLICES]
        ungrounded = _ungrounded(api)
        group_findings = api.pages("/api/v1/findings", {"include": "explanation", "analyzer": "bias", "limit": 200})
        planted = planted_calls(calls, exporter.call_ids, runs, exporter.run_ids)
        flags = read_flags(api, week, planted)
        rated = read_ratings(api, week)
        if (n_rated := sum(one.rated_before + one.rated_after for one in rated)) != len(ratings):
            raise StoreError(f"expected {len(ratings)} ratings to be counted, got {n_rated}")
        steps = read_steps(api, week, runs)
        reviewed = review(api, week)
        summary = api.get(
            "/api/v1/summary", {"from": week.start.isoformat(), "to": (week.end + timedelta(minutes=1)).isoformat()}
        )
    payloads = receiver.payloads()
    return Outcome(
        week=week,
        n_calls=len(calls),
        n_spans_sent=n_spans,
        n_spans_stored=n_stored,
        summary=summary,
        references=references,
        findings=findings,
        outliers=outliers,
        strays=[call for call in calls if call.is_off_topic],
        payloads=payloads,
        verdict=judge(SLICES, findings, payloads, expected=EXPECTED),
        analysis=analysis,
        scoring=scoring,
        grounding=grounding,
        ungrounded=ungrounded,
        flags=flags,
        rated=rated,
        groups=judge_groups(group_findings),
        steps=steps,
        review=reviewed,
        phases_s=phases.seconds,
    )


def _export(
    calls: Sequence[Call], runs: Sequence[Run], endpoint: str, *, week: Week, seed: int, phases: _Phases
) -> tuple[WeekExporter, Sequence[Rating]]:
    """Traces, then what users said of them."""
    with (
        phases.phase("send", "calls through the OpenTelemetry SDK", total=len(calls)) as task,
        WeekExporter(endpoint=endpoint, seed=seed) as exporter,
    ):
        for n_calls in exporter.send(calls):
            phases.bars.update(task, completed=n_calls, note=f"{exporter.n_spans:,} spans")
        exporter.send_runs(runs)
        ratings = rate(calls, exporter.call_ids, week, seed=seed)
        send_ratings(ratings, endpoint)
        phases.bars.update(task, note=f"{exporter.n_spans:,} spans, {len(ratings):,} ratings")
    return exporter, ratings


def _create_reference(api: ApiClient, service: str, model: str, week: Week) -> Mapping[str, Any]:
    created: Mapping[str, Any] = api.post(
        "/api/v1/references",
        {
            "name": f"{service}-{model}-first-days",
            "service": service,
            "model": model,
            "from": _iso(week.start),
            "to": _iso(week.reference_end),
            "description": "before the prompt changed",
        },
    )
    return created


def _analyse(embedded: Embedded, phases: _Phases) -> RunReport:
    """One run over every settled window. Raises StoreError when a window failed."""
    with phases.phase("analyse", "texts embedded, windows tested", total=1) as task:

        def advance(phase: str, done: int, total: int) -> None:
            if phase == "windows":
                phases.bars.update(task, completed=done, total=max(1, total), note=f"{done} of {total} windows")
            elif total:
                phases.bars.update(task, note=f"embedding {total:,} new texts, {done / total:.0%}")

        report = AnalysisRunner(
            embedded.analysis.settings, embedded.store, progress=advance, embedder=embedded.embedder
        ).run_once()
        if report.errors:
            raise StoreError(f"expected every window to be tested, got {report.errors} that failed; see the log")
        phases.bars.update(task, total=report.windows, note=f"{report.texts_embedded:,} texts embedded")
    return report


def _score(embedded: Embedded, phases: _Phases) -> ScoringReport:
    """Every call by every scorer. Raises StoreError when one failed."""
    with phases.phase("score", "calls checked one by one", total=1) as task:

        def advance(phase: str, done: int, total: int) -> None:
            phases.bars.update(task, completed=done, total=max(1, total))

        report = ScoringRunner(
            embedded.scoring.settings, embedded.store, progress=advance, embedder=embedded.embedder
        ).run_once(is_settled=True)
        if report.errors:
            raise StoreError(f"expected every call to be scored, got: {report.errors[0]}")
        phases.bars.update(task, note=f"{sum(report.flagged.values()):,} flags on {report.calls:,} calls")
    return report


def _compare(embedded: Embedded, phases: _Phases) -> None:
    """Groups of riders, and figures with their own past. Raises StoreError when groups could not be compared."""
    settings, store = embedded.analysis.settings, embedded.store
    with phases.phase("compare", "groups compared, figures with their past"):
        report = BiasRunner(store, BiasSettings.of(settings), embedder=embedded.embedder).run_once()
        if report.errors:
            raise StoreError(f"expected groups to be compared, got {report.errors} windows that failed; see the log")
        AnomalyRunner(store, settings).run_once()
        BudgetRunner(store, settings).run_once()


def _grounding(api: ApiClient, source: Slice, week: Week) -> GroundedSlice:
    def summary(start: datetime, end: datetime) -> Mapping[str, Any]:
        bounds = {"from": _iso(start), "to": _iso(end), "step": 86_400}
        chosen = {"analyzer": "grounding", "service": source.service, "model": source.model}
        found: Mapping[str, Any] = api.get("/api/v1/scores/summary", {**chosen, **bounds})
        return found

    return grounded_slice(source, summary(week.start, week.change), summary(week.change, week.end))


def _ungrounded(api: ApiClient) -> Sequence[Mapping[str, Any]]:
    """Two examples, not of the same answer, from where they were planted."""
    source = next(one for one in SLICES if one.is_drift_planted)
    chosen = {"analyzer": "grounding", "is_flagged": "true", "service": source.service, "model": source.model}
    found = api.get("/api/v1/scores", {**chosen, "limit": 20})["items"]
    return list({score["text_preview"]: score for score in found}.values())[:2]


def _iso(at: datetime) -> str:
    return at.isoformat()
