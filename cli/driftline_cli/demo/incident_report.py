"""The panels of what happened beside drift: attempts on the model, the agent's loops, what users say, groups of riders, the reviewer."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from rich.console import RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from driftline_cli.demo.groups import GroupVerdict
from driftline_cli.demo.steps import Steps
from driftline_cli.demo.story import Outcome

_SEVERITY_STYLES = {"critical": "bold red", "warning": "yellow"}


def incident_panels(outcome: Outcome) -> Iterator[RenderableType]:
    """One panel each, worst first."""
    yield _flags(outcome)
    yield _agent(outcome)
    yield _feedback(outcome)
    yield _groups(outcome.groups)


def alerts_panel(payloads: Sequence[Mapping[str, Any]]) -> RenderableType:
    """Every alert that arrived in a line."""
    table = _table("severity", "alert", "says")
    alerts = [alert for payload in payloads for alert in payload.get("alerts", [])]
    for alert in sorted(
        alerts, key=lambda one: (one["labels"].get("severity", ""), one["labels"].get("alertname", ""))
    ):
        severity = alert["labels"].get("severity", "")
        summary = Text(alert.get("annotations", {}).get("summary", ""))
        table.add_row(
            Text(severity, style=_SEVERITY_STYLES.get(severity, "")), alert["labels"].get("alertname", ""), summary
        )
    return _panel(table, f"{len(alerts)} alerts delivered", "as the webhook receiver got them")


def incident_rows(outcome: Outcome) -> Iterator[tuple[str, str, str, bool]]:
    """What, what was planted, what was found, and whether that is right."""
    for flags in outcome.flags:
        elsewhere = f"{flags.n_elsewhere} of {flags.n_scored - flags.n_planted:,} elsewhere"
        yield flags.name, f"{flags.n_planted} calls", f"{flags.n_found} flagged, {elsewhere}", flags.is_right
    for one in outcome.rated:
        slice_name = f"feedback on {one.source.service} × {one.source.model}"
        found = f"{one.share_before:.0%} negative, then {one.share_after:.0%}"
        yield slice_name, "users dislike v2" if one.source.is_drift_planted else "nothing", found, one.is_right
    for group in outcome.groups:
        planted = "riders of 60 and over are turned away" if group.is_planted else "nothing"
        yield f"groups of riders in {group.service}", planted, _gap_in_words(group), group.is_right
    before, last = outcome.steps.before, outcome.steps.last
    found = f"{before.tools_of_run:.1f} tool calls a run, then {last.tools_of_run:.1f}"
    yield "the agent's tools", "three loops in six hours", found, outcome.steps.is_right
    precision = outcome.review.precision
    told = "too few labels" if precision is None else f"precision {precision:.0%} by {outcome.review.n_labels} labels"
    yield "the reviewer's labels", "the truth", told, outcome.review.is_right
    for alert in outcome.verdict.told:
        if alert.expected.is_due or alert.arrived:
            yield alert.expected.name, "alert is due", f"{len(alert.arrived)} delivered", alert.is_right


def incidents_json(outcome: Outcome) -> dict[str, Any]:
    """The same for scripts."""
    return {
        "flags": [
            {
                "analyzer": one.checked[0],
                "field": one.checked[1],
                "planted": one.n_planted,
                "found": one.n_found,
                "elsewhere": one.n_elsewhere,
                "scored": one.n_scored,
                "is_right": one.is_right,
            }
            for one in outcome.flags
        ],
        "feedback": [
            {
                "service": one.source.service,
                "model": one.source.model,
                "is_planted": one.source.is_drift_planted,
                "rated": [one.rated_before, one.rated_after],
                "negative": [one.negative_before, one.negative_after],
                "is_right": one.is_right,
            }
            for one in outcome.rated
        ],
        "groups": [
            {
                "service": one.service,
                "is_planted": one.is_planted,
                "compared": one.n_compared,
                "gaps": [
                    [gap["field"], gap["statistic"], gap["p_value_corrected"], gap["is_confirmed"]] for gap in one.gaps
                ],
                "is_right": one.is_right,
            }
            for one in outcome.groups
        ],
        "agent": {
            **{name: asdict(getattr(outcome.steps, name)) for name in ("before", "last", "sent")},
            "is_right": outcome.steps.is_right,
        },
        "review": {
            "labels": outcome.review.n_labels,
            "precision": outcome.review.precision,
            "is_right": outcome.review.is_right,
        },
        "incident_alerts": [
            {
                "alert": one.expected.name,
                "labels": dict(one.expected.labels),
                "is_due": one.expected.is_due,
                "delivered": len(one.arrived),
                "is_right": one.is_right,
            }
            for one in outcome.verdict.told
        ],
    }


def _flags(outcome: Outcome) -> RenderableType:
    table = _table("what", "in calls", "flagged", "elsewhere")
    for one in outcome.flags:
        table.add_row(
            one.name, str(one.n_planted), str(one.n_found), f"{one.n_elsewhere} of {one.n_scored - one.n_planted:,}"
        )
    return _panel(table, "Attempts on the model, and what got out", "in the last hour; no detector finds all")


def _agent(outcome: Outcome) -> RenderableType:
    table = _table("", "runs", "tool calls", "of a run", "failed")
    for name, steps in (("until six hours before the end", outcome.steps.before), ("since then", outcome.steps.last)):
        table.add_row(name, *_step_cells(steps))
    return _panel(table, "The agent runs in circles", "a ticket tool that times out is called again and again")


def _step_cells(steps: Steps) -> tuple[str, ...]:
    return f"{steps.runs:,}", f"{steps.tool_calls:,}", f"{steps.tools_of_run:.1f}", f"{steps.failed_share:.0%}"


def _feedback(outcome: Outcome) -> RenderableType:
    table = _table("slice", "negative before day 5", "since then")
    for one in outcome.rated:
        table.add_row(
            f"{one.source.service} × {one.source.model}",
            f"{one.share_before:.0%} of {one.rated_before}",
            f"{one.share_after:.0%} of {one.rated_after}",
        )
    return _panel(table, "What users say", "thumbs through the SDK")


def _groups(groups: Sequence[GroupVerdict]) -> RenderableType:
    table = _table("service", "refusals, 60 and over against under 60")
    for group in groups:
        table.add_row(group.service, _gap_in_words(group))
    return _panel(
        table, "Groups of riders compared", "among like prompts; a statistic of many answers, it names no cause"
    )


def _gap_in_words(group: GroupVerdict) -> str:
    gap = group.planted_gap
    if gap is None:
        return f"{len(group.gaps)} gaps in {group.n_compared} comparisons, none confirmed"
    told = gap.get("explanation") or {}
    interval = f" ({told['low']:+.0%} to {told['high']:+.0%})" if "low" in told and "high" in told else ""
    return f"{gap['statistic']:+.0%} of answers are refusals{interval}"


def _table(*headers: str) -> Table:
    return Table(*headers, box=None, header_style="dim", padding=(0, 2, 0, 0))


def _panel(body: RenderableType, title: str, told: str) -> Panel:
    return Panel(body, title=f"[bold]{title}[/] [dim]{told}[/]", title_align="left", border_style="red")
