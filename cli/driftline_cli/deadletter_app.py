"""The commands of `driftline deadletter` and their flags."""

from pathlib import Path
from typing import Annotated

import typer

from driftline_cli.flags import DEFAULT_DATA_DIR, AsJson, DataDir

SpoolDir = Annotated[
    Path | None,
    typer.Option(
        "--spool",
        envvar="DRIFTLINE_COLLECTOR_SPOOL_PATH",
        help="Directory of the spool; default: 'spool' in --data-dir.",
        show_envvar=False,
    ),
]
LetterNames = Annotated[list[str] | None, typer.Argument(metavar="NAME...", help="Names that `list` shows.")]
AllLetters = Annotated[bool, typer.Option("--all", help="Every dead letter.")]

deadletter = typer.Typer(help="Dead letters: requests that the store refused, kept as files.", no_args_is_help=True)


@deadletter.command("list")
def list_dead_letters(*, data_dir: DataDir = DEFAULT_DATA_DIR, spool: SpoolDir = None, is_json: AsJson = False) -> None:
    """Show what the store refused, oldest first. A collector may be running."""
    from driftline_cli.deadletter import run_list

    run_list(spool or data_dir / "spool", is_json=is_json)


@deadletter.command("show")
def show_dead_letter(
    *,
    name: Annotated[str, typer.Argument(help="Name that `list` shows.")],
    data_dir: DataDir = DEFAULT_DATA_DIR,
    spool: SpoolDir = None,
    is_json: AsJson = False,
) -> None:
    """Show one whole: why it was refused and what is in it; the request's contents with --json only."""
    from driftline_cli.deadletter import run_show

    run_show(spool or data_dir / "spool", name, is_json=is_json)


@deadletter.command("retry")
def retry_dead_letters(
    *,
    names: LetterNames = None,
    is_all: AllLetters = False,
    endpoint: Annotated[str, typer.Option(help="OTLP/HTTP address of a collector.")] = "http://127.0.0.1:4318",
    data_dir: DataDir = DEFAULT_DATA_DIR,
    spool: SpoolDir = None,
    is_json: AsJson = False,
) -> None:
    """Send them to a running collector again; each is removed once it is acknowledged. Exit code 1 when one was kept."""
    from driftline_cli.deadletter import run_retry

    status = run_retry(spool or data_dir / "spool", names or [], is_all=is_all, endpoint=endpoint, is_json=is_json)
    raise typer.Exit(status)


@deadletter.command("export")
def export_dead_letters(
    *,
    names: LetterNames = None,
    is_all: AllLetters = False,
    to: Annotated[Path | None, typer.Option(help="Folder that the files are copied into.")] = None,
    data_dir: DataDir = DEFAULT_DATA_DIR,
    spool: SpoolDir = None,
    is_json: Annotated[bool, typer.Option("--json", help="OTLP/JSON on standard output, a request a line.")] = False,
) -> None:
    """Copy them into a folder, or write them as OTLP/JSON; nothing is removed."""
    from driftline_cli.deadletter import run_export

    raise typer.Exit(run_export(spool or data_dir / "spool", names or [], is_all=is_all, to=to, is_json=is_json))
