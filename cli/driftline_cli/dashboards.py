"""`driftline dashboards push`: the shipped Grafana dashboards into a running Grafana."""

from dataclasses import asdict

from driftline_cli.console import human_console, write_json
from driftline_core.errors import ConfigError
from driftline_dashboards import push_dashboards


def run_push(
    grafana_url: str,
    *,
    token: str | None,
    user: str | None,
    password: str | None,
    folder: str,
    datasource_url: str | None,
    is_json: bool,
) -> None:
    """Push and say where they are. Raises ConfigError, GrafanaError."""
    if (user is None) != (password is None):
        raise ConfigError("expected a user and a password, got one of them")
    basic = (user, password) if user is not None and password is not None else None
    report = push_dashboards(grafana_url, token=token, basic=basic, folder=folder, datasource_url=datasource_url)
    if is_json:
        write_json(asdict(report))
        return
    console = human_console(is_json=False)
    console.print(f"data source {report.datasource}, folder {report.folder}")
    for dashboard in report.dashboards:
        console.print(f"[bold]{dashboard.title}[/] version {dashboard.version}: {dashboard.url}")
