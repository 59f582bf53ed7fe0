"""The demo's last page: what arrived, what was found, what was planted, where to look."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any, Final

from rich.console import Console, Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from driftline_cli.demo.grounding import unsupported_parts
from driftline_cli.demo.incident_report import alerts_panel, incident_panels, incident_rows, incidents_json
from driftline_cli.demo.story import Outcome
from driftline_cli.demo.verdict import SegmentVerdict, moment

_EXAMPLES_SHOWN: Final = 3
_SHOWN_IN_FULL: Final = "DriftlineSemanticDrift"
_TEXT_WIDTH: Final = 150


def show_outcome(console: Console, outcome: Outcome, addresses: Mapping[str, str]) -> None:
    """Print the report."""
    console.print()
    console.print(_traffic(outcome))
    planted = outcome.verdict.planted
    if planted.worst is not None:
        console.print(_drift(planted))
    console.print(_grounding(outcome))
    console.print(_outliers(outcome))
    for panel in incident_panels(outcome):
        console.print(panel)
    console.print(alerts_panel(outcome.payloads))
    for payload in outcome.payloads:
        if any(alert["labels"].get("alertname") == _SHOWN_IN_FULL for alert in payload.get("alerts", [])):
            console.print(_alert(payload))
    console.print(_planted_and_found(outcome))
    console.print(_incidents(outcome))
    console.print(_where(addresses))


def as_json(outcome: Outcome, addresses: Mapping[str, str], *, seed: int) -> dict[str, Any]:
    """The report for scripts."""
    total = outcome.summary["total"]
    return {
        "is_right": outcome.is_right,
        "seed": seed,
        "calls": outcome.n_calls,
        "spans": outcome.n_spans_stored,
        "input_tokens": total["input_tokens"],
        "output_tokens": total["output_tokens"],
        "cost_usd": total["cost_usd"],
        "segments": [_segment_json(segment) for segment in outcome.verdict.segments],
        "other_alerts": list(outcome.verdict.other_alerts),
        "prompts_flagged": len(outcome.outliers),
        "strays_planted": len(outcome.strays),
        "strays_flagged": n_strays_flagged(outcome),
        "alerts_delivered": [alert for payload in outcome.payloads for alert in payload.get("alerts", [])],
        "phases_s": dict(outcome.phases_s),
        "analysis": asdict(outcome.analysis),
        "scoring": asdict(outcome.scoring),
        "ungrounded": [
            {
                "service": one.source.service,
                "model": one.source.model,
                "is_planted": one.source.is_drift_planted,
                "is_right": one.is_right,
                "judged": [one.judged_before, one.judged_after],
                "flagged": [one.flagged_before, one.flagged_after],
            }
            for one in outcome.grounding
        ],
        **incidents_json(outcome),
        "addresses": dict(addresses),
    }


def n_strays_flagged(outcome: Outcome) -> int:
    """How many of the off-topic prompts the outlier analyzer flagged."""
    flagged = {score["text_preview"][:60] for score in outcome.outliers}
    return sum(call.question[:60] in flagged for call in outcome.strays)


def _segment_json(segment: SegmentVerdict) -> dict[str, Any]:
    first = segment.first_drift
    return {
        "service": segment.service,
        "model": segment.model,
        "field": segment.field,
        "is_planted": segment.is_planted,
        "is_found": segment.is_found,
        "is_right": segment.is_right,
        "windows": segment.n_windows,
        "windows_drift": segment.n_drift,
        "longest_run": segment.longest_run,
        "min_p_value": segment.min_p_value,
        "first_drift": first["window_start"] if first is not None else None,
        "effect_size": segment.worst["effect_size"] if segment.worst is not None else None,
        "alerts": list(segment.alerts),
    }


def _traffic(outcome: Outcome) -> RenderableType:
    total = outcome.summary["total"]
    table = Table("model", "calls", "errors", "tokens in", "tokens out", "cost", "p95", box=None, header_style="dim")
    for group in [*outcome.summary["by_model"], {**total, "provider": "", "model": "all"}]:
        p95 = group["p95_ms"]
        table.add_row(
            f"[bold]{group['model']}[/] [dim]{group['provider']}[/]",
            f"{group['calls']:,}",
            f"{group['errors']:,}",
            f"{group['input_tokens']:,}",
            f"{group['output_tokens']:,}",
            f"${group['cost_usd']:.3f}",
            f"{p95:,.0f} ms" if p95 is not None else "",
        )
    week = f"{outcome.week.start:%a %d %b %H:%M} to {outcome.week.end:%a %d %b %H:%M} UTC"
    title = f"[bold]A week of traffic[/] [dim]{outcome.n_spans_stored:,} spans, {week}[/]"
    return Panel(table, title=title, title_align="left", border_style="dim")


def _drift(segment: SegmentVerdict) -> RenderableType:
    worst, first = segment.worst, segment.first_drift
    if worst is None or first is None:
        return Text("no drift was found")
    facts = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    facts.add_row("slice", f"[bold]{segment.service}[/] × [bold]{segment.model}[/] × [bold]{segment.field}[/]")
    facts.add_row(
        "since", f"{moment(first, 'window_start'):%a %d %b %H:%M} UTC, prompt version {first['prompt_version']}"
    )
    facts.add_row("windows", f"{segment.n_drift} of {segment.n_windows} drifted, {segment.longest_run} in a row")
    facts.add_row(
        "p-value",
        f"{_p(worst['p_value'])}, {_p(worst['p_value_corrected'])} after correction across segments, "
        f"at a stated false-alarm rate of {worst['alpha']:g}",
    )
    facts.add_row(
        "effect",
        f"{worst['effect_size']:.0f} times the spread of no change; {worst['n_current']} answers of "
        f"{worst['n_effective']} sessions against {worst['n_reference']} in {worst['reference']}",
    )
    explanation = worst.get("explanation") or {}
    examples = Table("then", "now", box=None, header_style="dim", padding=(0, 2, 0, 0))
    then = _texts(explanation.get("reference_examples", []))
    now = _texts(explanation.get("examples", []))
    for old, new in zip(then, now, strict=False):
        examples.add_row(Text(old, style="green"), Text(new, style="red"))
    body = Group(facts, Text(), examples) if then and now else facts
    return Panel(body, title="[bold]Drift found[/]", title_align="left", border_style="red")


def _grounding(outcome: Outcome) -> RenderableType:
    table = Table("slice", "before day 5", "since then", "", box=None, header_style="dim", padding=(0, 2, 0, 0))
    for one in outcome.grounding:
        planted = "planted: answers lose their facts" if one.source.is_drift_planted else ""
        table.add_row(
            f"{one.source.service} × {one.source.model}",
            f"{one.share_before:.0%} of {one.judged_before:,}",
            f"{one.share_after:.0%} of {one.judged_after:,}",
            planted if one.is_right else f"[red]{planted}, not found[/]",
        )
    examples = [
        Text.assemble(
            *((part, "bold red" if is_unsupported else "") for part, is_unsupported in unsupported_parts(score))
        )
        for score in outcome.ungrounded
    ]
    title = "[bold]Answers that their documents do not support[/] [dim]unsupported words in red[/]"
    spaced = [part for example in examples for part in (Text(), example)]
    return Panel(Group(table, *spaced), title=title, title_align="left", border_style="red")


def _outliers(outcome: Outcome) -> RenderableType:
    table = Table("p", "slice", "prompt", box=None, header_style="dim", padding=(0, 2, 0, 0))
    for score in outcome.outliers[: 2 * _EXAMPLES_SHOWN]:
        where = f"{score['service']} × {score['model']}"
        table.add_row(_p(score["p_value"]), where, Text(_short(score["text_preview"], 90)))
    title = (
        f"[bold]Outliers[/] [dim]{len(outcome.outliers)} prompts flagged, among them {n_strays_flagged(outcome)} "
        f"of the {len(outcome.strays)} that have nothing to do with the product[/]"
    )
    return Panel(table, title=title, title_align="left", border_style="dim")


def _alert(payload: Mapping[str, Any]) -> RenderableType:
    parts: list[RenderableType] = []
    for alert in payload.get("alerts", []):
        labels = {name: value for name, value in alert["labels"].items() if name != "alertname"}
        annotations = alert.get("annotations", {})
        table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
        table.add_row("alert", f"[bold]{alert['labels'].get('alertname', '')}[/] {alert.get('status', '')}")
        table.add_row("labels", Text(json.dumps(labels)))
        for name in ("summary", "description", "finding"):
            if annotations.get(name):
                table.add_row(name, Text(annotations[name]))
        if alert.get("generatorURL"):
            table.add_row("link", Text(alert["generatorURL"]))
        parts.append(table)
    title = "[bold]One of them in full[/]"
    return Panel(Group(*parts), title=title, title_align="left", border_style="red")


def _planted_and_found(outcome: Outcome) -> RenderableType:
    table = Table(
        "slice", "planted", "found", "windows", "lowest p", "", box=None, header_style="dim", padding=(0, 2, 0, 0)
    )
    for segment in outcome.verdict.segments:
        found = f"drift, {', '.join(segment.alerts)}" if segment.alerts else "silent"
        table.add_row(
            f"{segment.service} × {segment.model} × {segment.field}",
            _what_was_planted(segment),
            found,
            f"{segment.n_drift}/{segment.n_windows} drift",
            _p(segment.min_p_value),
            "[green]✓[/]" if segment.is_right else "[red]✗[/]",
        )
    if outcome.verdict.other_alerts:
        table.add_row(
            "anything else", "nothing", f"[red]{', '.join(outcome.verdict.other_alerts)}[/]", "", "", "[red]✗[/]"
        )
    else:
        table.add_row("cost, errors, latency", "nothing", "silent", "", "", "[green]✓[/]")
    is_right = outcome.verdict.is_right
    return Panel(
        table,
        title=f"[bold]Drift planted and found[/] {'[green]all as planted[/]' if is_right else '[red]not as planted[/]'}",
        title_align="left",
        border_style="green" if is_right else "red",
    )


def _incidents(outcome: Outcome) -> RenderableType:
    table = Table("what", "planted", "found", "", box=None, header_style="dim", padding=(0, 2, 0, 0))
    for name, planted, found, is_right in incident_rows(outcome):
        table.add_row(name, planted, found, "[green]✓[/]" if is_right else "[red]✗[/]")
    seconds = sum(outcome.phases_s.values())
    mark = "[green]all as planted[/]" if outcome.is_right else "[red]not as planted[/]"
    return Panel(
        table,
        title=f"[bold]Planted and found[/] {mark} [dim]{seconds:.0f} s[/]",
        title_align="left",
        border_style="green" if outcome.is_right else "red",
    )


def _what_was_planted(segment: SegmentVerdict) -> str:
    if segment.is_planted:
        return "day 5: prompt v2, answers lose their facts"
    if segment.service == "help-search" and segment.field == "completion":
        return "day 5: prompt v1.1, answers alike"
    return "nothing"


def _where(addresses: Mapping[str, str]) -> RenderableType:
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    table.add_row("page", f"[bold]{addresses['api']}[/]")
    table.add_row("Prometheus API", f"{addresses['prometheus']} [dim](data source of Grafana)[/]")
    table.add_row("OTLP", f"{addresses['otlp_http']} [dim]and over gRPC[/] {addresses['otlp_grpc']}")
    return Panel(table, title="[bold]Where to look[/]", title_align="left", border_style="dim")


def _texts(examples: Sequence[Mapping[str, Any]]) -> list[str]:
    return [_short(str(example.get("text", "")), _TEXT_WIDTH) for example in examples[:_EXAMPLES_SHOWN]]


def _short(text: str, width: int) -> str:
    line = " ".join(text.split())
    return line if len(line) <= width else line[: width - 1] + "…"


def _p(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}" if value >= 0.0001 else f"{value:.1e}"
