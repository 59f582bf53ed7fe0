"""`driftline rules replay`: when rules would have fired over the store's past. Sends nothing and writes nothing."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

import httpx

from driftline_alerts.durations import format_duration
from driftline_alerts.rules import load_rules
from driftline_alerts.settings import AlertSettings
from driftline_api.promql.selectors import SeriesSource
from driftline_api.promql.store_source import StoreSource
from driftline_cli.console import human_console, progress_bars, write_json
from driftline_cli.rule_runs.http_source import HttpSource
from driftline_cli.rule_runs.replay import AlertReplay, Replay, replay
from driftline_cli.store_access import hold_store
from driftline_core.errors import InputError

_SHOWN_EPISODES: Final = 5
_TIMEOUT_S: Final = 120.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayRulesOptions:
    """Which rules over which range of event time. files: none means the shipped ones. interval_s: of groups that name none.

    url: of a Prometheus-compatible API to ask instead of the store in data_dir, without /api/v1.
    """

    files: Sequence[Path]
    data_dir: Path
    url: str | None
    project: str
    start: datetime
    end: datetime
    interval_s: float | None


def run_replay_rules(options: ReplayRulesOptions, *, is_json: bool) -> int:
    """Exit code: 1 when a rule could not be evaluated, else 0. Raises DataDirInUse, InputError, RuleError, StoreError."""
    if options.end <= options.start:
        raise InputError(f"expected --to after --from, got {options.start.isoformat()} to {options.end.isoformat()}")
    groups = load_rules(options.files, project=options.project)
    interval = timedelta(seconds=options.interval_s or AlertSettings().interval_s)
    console = human_console(is_json=is_json)
    with _source(options) as source, progress_bars(console) as bars:
        task = bars.add_task("rules evaluated", total=None, note="")
        result = replay(
            groups,
            source,
            start=options.start,
            end=options.end,
            interval=interval,
            advance=lambda done, total: bars.update(task, completed=done, total=total),
        )
    if is_json:
        write_json(_record(result))
    else:
        _show(result)
    return 1 if result.failed else 0


@contextmanager
def _source(options: ReplayRulesOptions) -> Iterator[SeriesSource]:
    if options.url is None:
        with hold_store(options.data_dir, command="rules replay") as store:
            yield StoreSource(store, options.project)
    else:
        headers = {"X-Driftline-Project": options.project}
        base = options.url.rstrip("/") + "/"
        with httpx.Client(base_url=base, headers=headers, timeout=_TIMEOUT_S, trust_env=False) as client:
            yield HttpSource(client)


def _record(result: Replay) -> dict[str, Any]:
    return {
        "from": result.start.isoformat(),
        "to": result.end.isoformat(),
        "evaluations": result.evaluations,
        "alerts": [
            {
                "group": alert.group,
                "alert": alert.alert,
                "labels": dict(alert.labels),
                "count": len(alert.episodes),
                "total_s": alert.total.total_seconds(),
                "longest_s": alert.longest.total_seconds(),
                "flaps": alert.flaps,
                "episodes": [
                    {"start": each.start.isoformat(), "end": each.end.isoformat() if each.end else None}
                    for each in alert.episodes
                ],
            }
            for alert in result.alerts
        ],
        "quiet": list(result.quiet),
        "failed": [asdict(rule) for rule in result.failed],
    }


def _show(result: Replay) -> None:
    console = human_console(is_json=False)
    for alert in result.alerts:
        labels = ", ".join(f"{name}={text}" for name, text in sorted(alert.labels.items()) if name != "alertname")
        console.print(f"[bold]{alert.alert}[/]", end=" ")
        console.print(labels, style="dim", markup=False, soft_wrap=True)
        console.print(f"  {_summary(alert)}")
        for each in alert.episodes[:_SHOWN_EPISODES]:
            end = f"{each.end:%m-%d %H:%M}" if each.end else "the end, still firing"
            console.print(f"    {each.start:%Y-%m-%d %H:%M} to {end}")
        if len(alert.episodes) > _SHOWN_EPISODES:
            console.print(f"    and {len(alert.episodes) - _SHOWN_EPISODES} more; --json has all")
    for rule in result.failed:
        console.print(
            f"{rule.name} could not be evaluated {rule.n_times} times: {rule.error}", style="red", markup=False
        )
    if result.quiet:
        console.print(f"never fired: {', '.join(result.quiet)}", markup=False)
    console.print(
        f"{len(result.alerts)} alerts in {_rounded(result.end - result.start)}, {result.evaluations:,} evaluations; nothing was sent"
    )


def _summary(alert: AlertReplay) -> str:
    times = f"{len(alert.episodes)} times" if len(alert.episodes) > 1 else "once"
    flaps = f", [yellow]{alert.flaps} of them within an hour of the last[/]" if alert.flaps else ""
    return f"{times}, {_rounded(alert.total)} in total, {_rounded(alert.longest)} the longest{flaps}"


def _rounded(duration: timedelta) -> str:
    return format_duration(timedelta(seconds=round(duration.total_seconds())))
