"""The commands of `driftline references` and their flags."""

from pathlib import Path
from typing import Annotated

import typer

from driftline_cli.flags import DEFAULT_API, ApiUrl, AsJson, Project

references = typer.Typer(
    help="Reference sets: named, frozen texts that later traffic is compared with.", no_args_is_help=True
)


@references.command("create")
def create_reference(
    *,
    name: Annotated[str, typer.Argument(help="Name of the set; a name that exists gets its next version.")],
    service: Annotated[str, typer.Option(help="Service whose windows are compared with it.")],
    from_time: Annotated[
        str | None, typer.Option("--from", help="Start (event time), inclusive: RFC 3339 or epoch.")
    ] = None,
    to_time: Annotated[
        str | None, typer.Option("--to", help="End (event time), exclusive: RFC 3339, epoch or 'now'.")
    ] = None,
    golden: Annotated[
        Path | None,
        typer.Option(help="A golden set's rows: .jsonl, .csv or .parquet with prompt, completion, session, ..."),
    ] = None,
    pin: Annotated[
        str | None, typer.Option(help="Calls of one version: prompt_version=, release= or model= and its value.")
    ] = None,
    previous: Annotated[
        str | None, typer.Option(help="For each segment the version before: prompt_version, release or model.")
    ] = None,
    segment: Annotated[
        str | None, typer.Option(help="Only one segment: column=value, e.g. metadata.tenant=acme.")
    ] = None,
    model: Annotated[str, typer.Option(help="Only this model; empty is every model.")] = "",
    description: Annotated[str, typer.Option(help="A note for people.")] = "",
    url: ApiUrl = DEFAULT_API,
    project: Project = "default",
    is_json: AsJson = False,
) -> None:
    """Freeze texts under a name: a time range, a golden set, a pinned version, or the release before."""
    from driftline_cli.references import kind_of, run_create

    run_create(
        {
            "name": name,
            "service": service,
            "model": model,
            "description": description,
            **kind_of(pin=pin, previous=previous, segment=segment, golden=golden),
        },
        from_time=from_time,
        to_time=to_time,
        golden=golden,
        url=url,
        project=project,
        is_json=is_json,
    )


@references.command("list")
def list_references(*, url: ApiUrl = DEFAULT_API, project: Project = "default", is_json: AsJson = False) -> None:
    """Show every reference set."""
    from driftline_cli.references import run_list

    run_list(url=url, project=project, is_json=is_json)


@references.command("delete")
def delete_reference(
    *,
    name: Annotated[str, typer.Argument(help="Name of the set.")],
    url: ApiUrl = DEFAULT_API,
    project: Project = "default",
    is_json: AsJson = False,
) -> None:
    """Forget a reference set and its frozen texts; its traffic stays."""
    from driftline_cli.references import run_delete

    run_delete(name, url=url, project=project, is_json=is_json)
