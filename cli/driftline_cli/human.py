"""`driftline review`, `label`, `agreement`, `calibrate` and `export`: the human loop through the API."""

from pathlib import Path
from typing import Any

from rich.markup import escape
from rich.table import Table

from driftline_cli.api_client import ApiClient
from driftline_cli.console import human_console, write_json
from driftline_cli.importing.columns import parse_assignments
from driftline_cli.importing.times import parse_moment
from driftline_core.clock import utc_now

_API = "/api/v1"


def run_review(
    parameters: dict[str, Any], *, from_time: str | None, to_time: str | None, url: str, project: str, is_json: bool
) -> None:
    """Show the queue."""
    with ApiClient(url, project=project) as api:
        answer = api.get(f"{_API}/review", {**parameters, **_range(from_time, to_time)})
    if is_json:
        write_json(answer)
        return
    console = human_console(is_json=False)
    table = Table("value", "flag", "picked by", "trace", "span", "text", box=None, header_style="dim")
    for item in answer["items"]:
        text = " ".join(item["text_preview"].split())[:80]
        flag = ("[yellow]flagged[/]" if item["is_flagged"] else "") + (
            " [dim]labelled[/]" if item["is_labelled"] else ""
        )
        table.add_row(f"{item['value']:.3f}", flag, item["picked_by"], item["trace_id"], item["span_id"], escape(text))
    console.print(table if answer["items"] else f"[dim]no scores of {escape(parameters['analyzer'])} in this range[/]")


def run_label(body: dict[str, Any], *, url: str, project: str, is_json: bool) -> None:
    """Label a call."""
    with ApiClient(url, project=project) as api:
        written = api.put(f"{_API}/labels", body)
    if is_json:
        write_json(written)
        return
    verdict = "is" if written["value"] else "is not"
    human_console(is_json=False).print(f"labelled: it {verdict} what {written['name']} looks for ({written['field']})")


def run_agreement(
    analyzer: str, *, service: str, from_time: str | None, to_time: str | None, url: str, project: str, is_json: bool
) -> None:
    """Show how far analyzers and reviewers agree."""
    with ApiClient(url, project=project) as api:
        answer = api.get(f"{_API}/agreement", {"analyzer": analyzer, "service": service, **_range(from_time, to_time)})
    if is_json:
        write_json(answer)
        return
    table = Table(
        "analyzer",
        "field",
        "service",
        "scored",
        "flagged",
        "labelled",
        "precision",
        "recall",
        "kappa",
        box=None,
        header_style="dim",
    )
    lacks: dict[str, None] = {}
    for item in answer["items"]:
        rates = [item[name] for name in ("precision", "recall", "kappa")]
        counts = [f"{item[name]:,}" for name in ("n_scored", "n_flagged", "n_labelled")]
        table.add_row(item["analyzer"], item["field"], escape(item["service"]) or "all", *counts, *map(_rate, rates))
        lacks |= {f"{item['analyzer']} {item['field']}: {rate['reason']}": None for rate in rates if rate["reason"]}
    console = human_console(is_json=False)
    console.print(table if answer["items"] else "[dim]no scores in this range[/]")
    for lack in lacks:
        console.print(f"[dim]{escape(lack)}[/]")


def run_calibrate(
    body: dict[str, Any], *, from_time: str | None, to_time: str | None, url: str, project: str, is_json: bool
) -> None:
    """Set a threshold from labels. Raises ApiError where they cannot carry one."""
    with ApiClient(url, project=project) as api:
        made = api.post(f"{_API}/thresholds", {**body, **_range(from_time, to_time)})
    if is_json:
        write_json(made)
        return
    of_service = f" of {escape(body['service'])}" if body["service"] else ""
    rate = "precision at least" if made["rule"] == "precision" else "false-positive rate at most"
    side = "up to" if made["flagged_end"] == "low" else "from"
    state = f"version {made['version']}" if made["version"] else "dry run, nothing kept"
    human_console(is_json=False).print(
        f"[bold]{made['analyzer']} {made['field']}[/]: flagged {side} [bold]{made['threshold']:.6g}[/] ({state})\n"
        f"{rate} {made['bound']:.3f} with {made['confidence']:.0%} confidence, by {made['n_labels']:,} labels\n"
        f"of {made['n_scored']:,} scored calls{of_service} it would flag {made['n_flagged_after']:,}; "
        f"{made['n_flagged_before']:,} are flagged now"
    )


def run_uncalibrate(analyzer: str, *, field: str, url: str, project: str, is_json: bool) -> None:
    """Remove a threshold. Raises ApiError when there is none."""
    with ApiClient(url, project=project) as api:
        api.delete(f"{_API}/thresholds", {"analyzer": analyzer, "field": field})
    if is_json:
        write_json({"removed": analyzer, "field": field})
    else:
        human_console(is_json=False).print(f"{analyzer} {field}: the analyzer's own threshold counts again")


def run_export(
    body: dict[str, Any],
    *,
    segment: str | None,
    from_time: str | None,
    to_time: str | None,
    out: Path | None,
    url: str,
    project: str,
    is_json: bool,
) -> None:
    """Write a data set, and copy its files to `out`. Raises ApiError, OSError."""
    wanted = {**body, **_range(from_time, to_time)}
    if segment is not None:
        ((wanted["segment_by"], wanted["segment"]),) = parse_assignments([segment], flag="--segment").items()
    with ApiClient(url, project=project, timeout_s=600.0) as api:
        made = api.post(f"{_API}/exports", wanted)
        if out is not None:
            out.mkdir(parents=True, exist_ok=True)
            for name, file in made["files"].items():
                api.download(file["url"], out / name)
    if is_json:
        write_json(made)
        return
    console = human_console(is_json=False)
    part = f", a part of {made['n_selected']:,}" if made["is_cut"] else ""
    console.print(
        f"[green]data set[/] [bold]{made['version']}[/]: {made['n_rows']:,} calls{part}, {made['n_flagged']:,} flagged, "
        f"{made['n_labelled']:,} labelled, {made['n_with_feedback']:,} with feedback"
    )
    for name, file in made["files"].items():
        console.print(f"  {out / name if out is not None else url.rstrip('/') + file['url']}  {file['bytes']:,} bytes")


def _range(from_time: str | None, to_time: str | None) -> dict[str, str]:
    now = utc_now()
    given = {"from": from_time, "to": to_time}
    return {name: parse_moment(text, now=now).isoformat() for name, text in given.items() if text is not None}


def _rate(rate: dict[str, Any]) -> str:
    if rate["value"] is None:
        return "[dim]too few labels[/]"
    return f"{rate['value']:.2f} [dim]{rate['low']:.2f}-{rate['high']:.2f}[/]"
