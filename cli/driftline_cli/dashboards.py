"""`driftline dashboards push` and `check`: the shipped Grafana dashboards into a Grafana, and their queries asked of a Driftline."""

from collections import Counter
from dataclasses import asdict

from rich.table import Table

from driftline_cli.console import human_console, write_json
from driftline_core.errors import ConfigError
from driftline_dashboards import check_dashboards, push_dashboards


def run_push(
    grafana_url: str,
    *,
    token: str | None,
    user: str | None,
    password: str | None,
    folder: str,
    datasource_url: str | None,
    page_url: str | None,
    is_json: bool,
) -> None:
    """Push and say where they are. Raises ConfigError, GrafanaError."""
    if (user is None) != (password is None):
        raise ConfigError("expected a user and a password, got one of them")
    basic = (user, password) if user is not None and password is not None else None
    report = push_dashboards(
        grafana_url, token=token, basic=basic, folder=folder, datasource_url=datasource_url, page_url=page_url
    )
    if is_json:
        write_json(asdict(report))
        return
    console = human_console(is_json=False)
    console.print(f"data source {report.datasource}, folder {report.folder}")
    for dashboard in report.dashboards:
        console.print(f"[bold]{dashboard.title}[/] version {dashboard.version}: {dashboard.url}")


def run_check(url: str, *, own_prometheus_url: str | None, project: str, at_s: float | None, is_json: bool) -> int:
    """Ask every query and say which are refused or show nothing. Returns 1 when one is refused. Raises ConfigError, QueryApiError."""
    queries = check_dashboards(
        url, own_prometheus_url=own_prometheus_url, headers={"x-driftline-project": project}, at_s=at_s
    )
    status = 1 if any(query.outcome == "refused" for query in queries) else 0
    if is_json:
        write_json({"queries": [asdict(query) for query in queries]})
        return status
    console = human_console(is_json=False)
    table = Table(
        "dashboard",
        "queries",
        "data",
        "empty",
        "refused",
        "not asked",
        box=None,
        header_style="dim",
        padding=(0, 2, 0, 0),
    )
    for dashboard in dict.fromkeys(query.dashboard for query in queries):
        counts = Counter(query.outcome for query in queries if query.dashboard == dashboard)
        cells = (counts[outcome] for outcome in ("data", "empty", "refused", "not asked"))
        table.add_row(dashboard, str(counts.total()), *(str(cell) for cell in cells))
    console.print(table)
    for query in queries:
        if query.outcome == "refused":
            console.print(f"[red]refused[/] {query.dashboard}, {query.panel}: {query.error}", soft_wrap=True)
    for dashboard in dict.fromkeys(query.dashboard for query in queries):
        empty = dict.fromkeys(one.panel for one in queries if one.dashboard == dashboard and one.outcome == "empty")
        if empty:
            console.print(f"[yellow]empty[/] {dashboard}: {'; '.join(empty)}", soft_wrap=True)
    return status
