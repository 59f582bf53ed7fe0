"""`driftline rules ...`: the commands and their flags."""

from pathlib import Path
from typing import Annotated

import typer

from driftline_cli.flags import DEFAULT_DATA_DIR, AsJson, DataDir, Project

rules = typer.Typer(help="Alert rules, which are Prometheus rule files.", no_args_is_help=True)


@rules.command("check")
def check_rules(
    *,
    files: Annotated[
        list[Path] | None, typer.Argument(help="Rule files or folders; none checks the shipped ones.")
    ] = None,
    is_json: AsJson = False,
) -> None:
    """Say whether rule files can be used, and what is in them. Exit code 1 when not."""
    from driftline_cli.rules import run_check

    run_check(files or [], is_json=is_json)


@rules.command("test")
def rules_test(
    *,
    files: Annotated[list[Path], typer.Argument(help="Unit test files in promtool's format.")],
    as_prometheus: Annotated[
        bool,
        typer.Option("--as-prometheus", help="Leave our driftline_* annotations without effect, as promtool does."),
    ] = False,
    is_json: AsJson = False,
) -> None:
    """Run the rules over the samples of unit test files and say what is not as expected. Exit code 1 when something is not."""
    from driftline_cli.rules_test import run_test
    from driftline_core.log import configure_logging

    configure_logging(level="error")
    raise typer.Exit(run_test(files, as_prometheus=as_prometheus, is_json=is_json))


@rules.command("replay")
def rules_replay(
    *,
    files: Annotated[
        list[Path] | None, typer.Argument(help="Rule files or folders; none replays the shipped ones.")
    ] = None,
    from_time: Annotated[str, typer.Option("--from", help="Beginning of the range, event time: RFC 3339 or epoch.")],
    to_time: Annotated[str, typer.Option("--to", help="Its end: RFC 3339, epoch or 'now'.")] = "now",
    interval: Annotated[
        float | None, typer.Option(help="Seconds between evaluations of groups that name no interval.", min=1)
    ] = None,
    project: Project = "default",
    data_dir: DataDir = DEFAULT_DATA_DIR,
    url: Annotated[
        str | None,
        typer.Option(
            help="Ask a running Driftline (http://127.0.0.1:8000/prometheus) or a Prometheus instead of the data directory."
        ),
    ] = None,
    is_json: AsJson = False,
) -> None:
    """Say when rules would have fired over the stored past, for how long, and how often they would have flapped. Sends nothing.

    The embedded store must not be held by a running `up`: ask that with --url. Exit code 1 when a rule could not be evaluated.
    """
    from driftline_cli.importing.times import parse_moment
    from driftline_cli.rules_replay import ReplayRulesOptions, run_replay_rules
    from driftline_core.clock import utc_now
    from driftline_core.log import configure_logging

    configure_logging(level="error")
    now = utc_now()
    options = ReplayRulesOptions(
        files=files or [],
        data_dir=data_dir,
        url=url,
        project=project,
        start=parse_moment(from_time, now=now),
        end=parse_moment(to_time, now=now),
        interval_s=interval,
    )
    raise typer.Exit(run_replay_rules(options, is_json=is_json))
