"""Flags that several commands have, and their defaults."""

from pathlib import Path
from typing import Annotated, Literal

import typer

DataDir = Annotated[
    Path,
    typer.Option(envvar="DRIFTLINE_DATA_DIR", help="Directory of the embedded store and the spool.", show_envvar=False),
]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object on standard output, for scripts.")]
ApiUrl = Annotated[str, typer.Option("--url", help="Address of Driftline's API.")]
Project = Annotated[str, typer.Option(help="Project to use.")]
LogLevel = Annotated[Literal["debug", "info", "warning", "error"], typer.Option(help="Least level that is logged.")]
Port = typer.Option(min=0, max=65535)
DEFAULT_DATA_DIR = Path(".driftline")
DEFAULT_API = "http://127.0.0.1:8000"
