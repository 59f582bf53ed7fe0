"""`driftline status`: how a running Driftline is, asked through its API."""

from typing import Any

from rich.console import Console
from rich.table import Table

from driftline_cli.api_client import ApiClient
from driftline_cli.console import human_console, write_json


def run_status(url: str, *, project: str, is_json: bool) -> int:
    """Show it; 0 when everything is well, 1 when a part is not. Raises ApiError."""
    with ApiClient(url, project=project) as api:
        readiness = api.readiness()
        ingest = api.get("/api/v1/ingest")
        ledger = api.get("/api/v1/ledger")
        findings = api.get("/api/v1/findings", {"limit": 1})["items"]
        alerts = api.get("/api/v1/alerts")["items"]
    firing = [alert for alert in alerts if alert["state"] == "firing"]
    record = {
        "url": url,
        "is_ready": bool(readiness.get("is_ready")),
        "services": readiness.get("parts", []),
        "ingest": ingest,
        "ledger": ledger,
        "last_analysis": findings[0]["computed_at"] if findings else None,
        "last_window_end": findings[0]["window_end"] if findings else None,
        "firing": firing,
    }
    if is_json:
        write_json(record)
    else:
        _show(human_console(is_json=False), record)
    return 0 if record["is_ready"] else 1


def _show(console: Console, record: dict[str, Any]) -> None:
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    for part in record["services"]:
        mark = "[green]ok[/]" if part["is_ok"] else "[red]not ok[/]"
        table.add_row(part["name"], mark, part["detail"])
    console.print(table)
    ingest = record["ingest"]
    console.print(
        f"\nspans stored: {ingest['spans_1m']:,} in the last minute, {ingest['spans_1h']:,} in the last hour, "
        f"{ingest['spans_24h']:,} in 24 hours"
    )
    for collector in ingest["collectors"]:
        stats = collector["stats"]
        waiting = stats.get("spool_bytes", 0) / 1e6
        console.print(f"lag: {stats.get('oldest_unloaded_s', 0):.1f} s, {waiting:.1f} MB waiting in the spool")
    _show_ledger(console, record["ledger"])
    console.print(f"last analysis: {record['last_analysis'] or 'none yet'}")
    if not record["firing"]:
        console.print("alerts firing: none")
    for alert in record["firing"]:
        labels = alert["labels"]
        where = " ".join(f"{name}={value}" for name, value in sorted(labels.items()) if name != "alertname")
        console.print(f"[red]firing[/] [bold]{labels.get('alertname', '?')}[/] {where}", markup=True)


def _show_ledger(console: Console, ledger: dict[str, Any]) -> None:
    for signal in sorted({entry["signal"] for entry in ledger["items"]}):
        entries = [entry for entry in ledger["items"] if entry["signal"] == signal]
        rejected = sum(refused["items"] for entry in entries for refused in entry["rejected"])
        told = [
            f"{sum(entry[name] for entry in entries):,} {name.replace('_', '-')}"
            for name in ("received", "stored", "duplicate", "dead_lettered", "retried", "waiting")
        ]
        mark = "" if all(entry["is_balanced"] for entry in entries) else " [red]does not add up[/]"
        console.print(f"{signal or 'no signal'} in the last hour: {', '.join(told)}, {rejected:,} rejected{mark}")
