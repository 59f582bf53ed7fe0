"""The commands and their flags. Everything a command needs is imported when it runs, so that --help answers in a blink."""

from pathlib import Path
from typing import Annotated, Any

import typer

from driftline_cli.deadletter_app import deadletter
from driftline_cli.flags import DEFAULT_API, DEFAULT_DATA_DIR, ApiUrl, AsJson, DataDir, LogLevel, Project
from driftline_cli.human_app import HUMAN_COMMANDS
from driftline_cli.references_app import references
from driftline_cli.rules_app import rules

app = typer.Typer(
    name="driftline",
    help="Makes the silent failures of LLM applications visible: OpenTelemetry in, drift with a stated false-alarm rate out.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
dashboards = typer.Typer(help="Grafana dashboards.", no_args_is_help=True)
app.add_typer(references, name="references")
app.add_typer(dashboards, name="dashboards")
app.add_typer(rules, name="rules")
app.add_typer(deadletter, name="deadletter")
dialects = typer.Typer(help="Dialect files of your own: what further SDKs call things.", no_args_is_help=True)
app.add_typer(dialects, name="dialects")
for _name, _function in HUMAN_COMMANDS.items():
    app.command(_name)(_function)


@app.command()
def up(
    *,
    data_dir: DataDir = DEFAULT_DATA_DIR,
    host: Annotated[str | None, typer.Option(help="Address to listen on; default 127.0.0.1.")] = None,
    http_port: Annotated[
        int | None, typer.Option(help="Port of OTLP/HTTP; default 4318, 0 any free one.", min=0)
    ] = None,
    grpc_port: Annotated[
        int | None, typer.Option(help="Port of OTLP/gRPC; default 4317, 0 any free one.", min=0)
    ] = None,
    port: Annotated[
        int | None, typer.Option(help="Port of the API and page; default 8000, 0 any free one.", min=0)
    ] = None,
    analysis_interval: Annotated[float | None, typer.Option(help="Seconds between looks for settled windows.")] = None,
    window: Annotated[float | None, typer.Option(help="Hours of one analysis window.")] = None,
    webhook: Annotated[list[str] | None, typer.Option(help="URL that gets alerts; may be repeated.")] = None,
    alertmanager: Annotated[list[str] | None, typer.Option(help="URL of an Alertmanager; may be repeated.")] = None,
    log_level: LogLevel = "warning",
    log_json: Annotated[bool, typer.Option("--log-json", help="Log JSON lines instead of text.")] = False,
    is_json: AsJson = False,
) -> None:
    """Run everything in one process: collector, analyzers, alerts, API and page, until Ctrl-C."""
    from datetime import timedelta

    from driftline_cli.composition import EmbeddedOptions
    from driftline_cli.up import run_up
    from driftline_core.log import configure_logging

    configure_logging(level=log_level, json=log_json)
    run_up(
        EmbeddedOptions(
            data_dir=data_dir,
            collector=_given(host=host, http_port=http_port, grpc_port=grpc_port),
            analyzers=_given(
                interval_s=analysis_interval, window=timedelta(hours=window) if window is not None else None
            ),
            alerts=_given(webhook_urls=webhook or None, alertmanager_urls=alertmanager or None),
            api=_given(host=host, port=port),
        ),
        is_json=is_json,
    )


@app.command()
def demo(
    *,
    seed: Annotated[int, typer.Option(help="Seed of the traffic.")] = 7,
    scale: Annotated[float, typer.Option(help="Share of the usual traffic.", min=0.1, max=20)] = 1.0,
    data_dir: Annotated[
        Path | None, typer.Option(help="Keep the data here instead of in a temporary directory.")
    ] = None,
    port: Annotated[int, typer.Option(help="Port of the API and page; 0 any free one.", min=0)] = 0,
    is_exit: Annotated[bool, typer.Option("--exit", help="End when done: 0 if all was as planted, else 1.")] = False,
    log_level: LogLevel = "error",
    is_json: AsJson = False,
) -> None:
    """A week of a support assistant's traffic, its drift found, an alert delivered; stays up until Ctrl-C."""
    from driftline_cli.demo.run import DemoOptions, run_demo
    from driftline_core.log import configure_logging

    configure_logging(level=log_level)
    options = DemoOptions(seed=seed, scale=scale, data_dir=data_dir, api_port=port, is_exit=is_exit, is_json=is_json)
    raise typer.Exit(run_demo(options))


@app.command()
def migrate(*, data_dir: DataDir = DEFAULT_DATA_DIR, is_json: AsJson = False) -> None:
    """Bring the store's tables to this version; safe to repeat."""
    from driftline_cli.maintenance import run_migrate

    run_migrate(data_dir, is_json=is_json)


@app.command()
def analyze(
    *,
    from_time: Annotated[
        str | None,
        typer.Option("--from", help="Windows that began at or after this, tested again: RFC 3339 or epoch."),
    ] = None,
    to_time: Annotated[
        str | None, typer.Option("--to", help="Windows that began before this: RFC 3339, epoch or 'now'.")
    ] = None,
    project: Annotated[str | None, typer.Option(help="Only this project; default: every one.")] = None,
    data_dir: DataDir = DEFAULT_DATA_DIR,
    log_level: LogLevel = "warning",
    is_json: AsJson = False,
) -> None:
    """Test every settled window that is new or has changed, or with --from and --to a range of the past again.

    The embedded store must not be held by a running `up`. Safe to repeat and to interrupt.
    """
    from driftline_cli.analyze import AnalyzeOptions, run_analyze
    from driftline_cli.importing.times import parse_moment
    from driftline_core.clock import utc_now
    from driftline_core.log import configure_logging

    configure_logging(level=log_level)
    now = utc_now()
    options = AnalyzeOptions(
        data_dir=data_dir,
        start=parse_moment(from_time, now=now) if from_time is not None else None,
        end=parse_moment(to_time, now=now) if to_time is not None else None,
        project=project,
    )
    raise typer.Exit(run_analyze(options, is_json=is_json))


@app.command("replay-mapping")
def replay_mapping(
    *,
    from_time: Annotated[
        str | None,
        typer.Option("--from", help="Spans that began at or after this: RFC 3339 or epoch; default: all stored."),
    ] = None,
    to_time: Annotated[
        str | None, typer.Option("--to", help="Spans that began before this: RFC 3339, epoch or 'now'.")
    ] = None,
    project: Annotated[str | None, typer.Option(help="Only this project; default: every one.")] = None,
    is_all: Annotated[bool, typer.Option("--all", help="Also what this mapping derived already.")] = False,
    is_dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be looked at and change nothing.")
    ] = False,
    dialects_file: Annotated[
        Path | None,
        typer.Option(
            "--dialects",
            help="A dialect file of your own; default: the collector's setting DRIFTLINE_COLLECTOR_DIALECTS_PATH.",
        ),
    ] = None,
    data_dir: DataDir = DEFAULT_DATA_DIR,
    log_level: LogLevel = "warning",
    is_json: AsJson = False,
) -> None:
    """Derive generations anew from the stored spans after the dialect table changed. Safe to repeat and to interrupt."""
    from driftline_cli.importing.times import parse_moment
    from driftline_cli.replay import ReplayOptions, run_replay
    from driftline_core.clock import utc_now
    from driftline_core.log import configure_logging

    configure_logging(level=log_level)
    now = utc_now()
    options = ReplayOptions(
        data_dir=data_dir,
        start=parse_moment(from_time, now=now) if from_time is not None else None,
        end=parse_moment(to_time, now=now) if to_time is not None else None,
        project=project,
        dialects=dialects_file,
        is_all=is_all,
        is_dry_run=is_dry_run,
    )
    raise typer.Exit(run_replay(options, is_json=is_json))


@app.command()
def status(*, url: ApiUrl = DEFAULT_API, project: Project = "default", is_json: AsJson = False) -> None:
    """How a running Driftline is: services, spans, lag, the last findings, alerts that fire. Exit code 1 when it is not well."""
    from driftline_cli.status import run_status

    raise typer.Exit(run_status(url, project=project, is_json=is_json))


@app.command(name="import")
def import_log(
    *,
    file: Annotated[Path, typer.Argument(help="Log of prompts and responses: .jsonl, .csv (also .gz) or .parquet.")],
    prompt: Annotated[str | None, typer.Option(help="Column of the prompt.")] = None,
    completion: Annotated[str | None, typer.Option(help="Column of the response.")] = None,
    system: Annotated[str | None, typer.Option(help="Column of the system prompt.")] = None,
    time: Annotated[
        str | None, typer.Option(help="Column of the time: RFC 3339, epoch seconds or milliseconds.")
    ] = None,
    session: Annotated[str | None, typer.Option(help="Column of the session id.")] = None,
    user: Annotated[str | None, typer.Option(help="Column of the user id.")] = None,
    input_tokens: Annotated[str | None, typer.Option(help="Column of the input tokens.")] = None,
    output_tokens: Annotated[str | None, typer.Option(help="Column of the output tokens.")] = None,
    duration_ms: Annotated[str | None, typer.Option(help="Column of the duration in milliseconds.")] = None,
    error: Annotated[str | None, typer.Option(help="Column of the error; empty means none.")] = None,
    service: Annotated[str | None, typer.Option(help="Service of every row that names none.")] = None,
    service_column: Annotated[str | None, typer.Option(help="Column of the service.")] = None,
    model: Annotated[str | None, typer.Option(help="Model of every row that names none.")] = None,
    model_column: Annotated[str | None, typer.Option(help="Column of the model.")] = None,
    provider: Annotated[str | None, typer.Option(help="Provider of every row that names none.")] = None,
    provider_column: Annotated[str | None, typer.Option(help="Column of the provider.")] = None,
    prompt_version: Annotated[str | None, typer.Option(help="Prompt version of every row that names none.")] = None,
    prompt_version_column: Annotated[str | None, typer.Option(help="Column of the prompt version.")] = None,
    environment: Annotated[str | None, typer.Option(help="Environment of every row that names none.")] = None,
    filters: Annotated[
        list[str] | None, typer.Option("--filter", help="Only rows with column=value; repeatable.")
    ] = None,
    join: Annotated[
        str | None, typer.Option(help="FILE:COLUMN adds that file's columns to rows equal in COLUMN.")
    ] = None,
    start: Annotated[str | None, typer.Option(help="Without times: when the first row happened.")] = None,
    end: Annotated[
        str | None, typer.Option(help="Without times: when the last ended, or 'now'; default: file's date.")
    ] = None,
    spacing: Annotated[
        float | None, typer.Option(help="Without times: seconds between rows; default 60.", min=0)
    ] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Stop at the first bad row.")] = False,
    rejected: Annotated[Path | None, typer.Option(help="Where bad rows go; default <file>.rejected.jsonl.")] = None,
    endpoint: Annotated[str, typer.Option(help="OTLP/HTTP address of a collector.")] = "http://127.0.0.1:4318",
    embedded: Annotated[
        bool, typer.Option("--embedded", help="Import into --data-dir with no service running.")
    ] = False,
    data_dir: DataDir = DEFAULT_DATA_DIR,
    project: Project = "default",
    is_json: AsJson = False,
) -> None:
    """Bring the past: send a log of prompts and responses as OTLP. Importing the same file again adds nothing."""
    from datetime import timedelta

    from driftline_cli.importing.columns import parse_assignments
    from driftline_cli.importing.pipeline import ImportOptions
    from driftline_cli.importing.run import Destination, parse_join, run_import_command
    from driftline_cli.importing.times import parse_moment
    from driftline_core.clock import utc_now
    from driftline_core.log import configure_logging

    configure_logging(level="warning")
    named = _given(
        prompt=prompt,
        completion=completion,
        system=system,
        time=time,
        session=session,
        user=user,
        input_tokens=input_tokens,
        output_tokens=output_tokens,
        duration_ms=duration_ms,
        error=error,
        service=service_column,
        model=model_column,
        provider=provider_column,
        prompt_version=prompt_version_column,
    )
    constants = _given(
        service=service, model=model, provider=provider, prompt_version=prompt_version, environment=environment
    )
    now = utc_now()
    options = ImportOptions(
        path=file,
        named=named,
        constants=constants,
        filters=parse_assignments(filters or [], flag="--filter"),
        join=parse_join(join) if join is not None else None,
        start=parse_moment(start, now=now) if start is not None else None,
        end=parse_moment(end, now=now) if end is not None else None,
        spacing=timedelta(seconds=spacing) if spacing is not None else None,
        is_strict=strict,
        rejected_path=rejected,
    )
    destination = Destination(endpoint=endpoint, data_dir=data_dir if embedded else None, project=project)
    run_import_command(options, destination, is_json=is_json)


@dashboards.command("push")
def push_dashboards(
    *,
    grafana_url: Annotated[str, typer.Argument(help="Grafana's address, e.g. http://127.0.0.1:3000.")],
    token: Annotated[str | None, typer.Option(envvar="GRAFANA_TOKEN", help="Token of a service account.")] = None,
    user: Annotated[str | None, typer.Option(envvar="GRAFANA_USER", help="User, instead of a token.")] = None,
    password: Annotated[str | None, typer.Option(envvar="GRAFANA_PASSWORD", help="Password of the user.")] = None,
    folder: Annotated[str, typer.Option(help="Folder the dashboards go into.")] = "LLM Observability",
    datasource_url: Annotated[
        str | None,
        typer.Option(help="Driftline's query API as Grafana reaches it, e.g. http://driftline:8000/prometheus."),
    ] = None,
    page_url: Annotated[
        str | None,
        typer.Option(help="Driftline's own page as browsers reach it, where links to examples lead."),
    ] = None,
    is_json: AsJson = False,
) -> None:
    """Create or update the dashboards, their folder and their data source in a running Grafana."""
    from driftline_cli.dashboards import run_push

    run_push(
        grafana_url,
        token=token,
        user=user,
        password=password,
        folder=folder,
        datasource_url=datasource_url,
        page_url=page_url,
        is_json=is_json,
    )


@dashboards.command("check")
def check_dashboards(
    *,
    url: Annotated[str, typer.Argument(help="Driftline's query API.")] = "http://127.0.0.1:8000/prometheus",
    own_prometheus_url: Annotated[
        str | None,
        typer.Option("--own-prometheus", help="Your Prometheus, for the panels of GPUs and of Driftline's process."),
    ] = None,
    project: Project = "default",
    at: Annotated[str | None, typer.Option(help="The moment to ask for: RFC 3339 or epoch; by default now.")] = None,
    is_json: AsJson = False,
) -> None:
    """Ask a running Driftline every query of every dashboard; say which it refuses and which are empty. Exit code 1 when one is refused."""
    from driftline_cli.dashboards import run_check
    from driftline_cli.importing.times import parse_moment
    from driftline_core.clock import utc_now

    at_s = parse_moment(at, now=utc_now()).timestamp() if at is not None else None
    raise typer.Exit(run_check(url, own_prometheus_url=own_prometheus_url, project=project, at_s=at_s, is_json=is_json))


@dialects.command("check")
def check_dialects(
    *,
    file: Annotated[Path, typer.Argument(help="A dialect file of your own.")],
    is_json: AsJson = False,
) -> None:
    """Say whether a dialect file can be used, and what it adds. Exit code 1 when not."""
    from driftline_cli.dialects import run_check

    run_check(file, is_json=is_json)


def _given(**flags: Any) -> dict[str, Any]:
    """The flags that were given."""
    return {name: value for name, value in flags.items() if value is not None}
