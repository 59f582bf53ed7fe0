"""How commands speak: people read the terminal through rich, scripts read one JSON object a line on standard output."""

import json
import sys
from typing import Any

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
)


def human_console(*, is_json: bool) -> Console:
    """Standard output for people; standard error when standard output carries JSON."""
    return Console(stderr=is_json, highlight=False)


def write_json(record: dict[str, Any]) -> None:
    """One record as one line of standard output, flushed at once."""
    sys.stdout.write(json.dumps(record, default=str) + "\n")
    sys.stdout.flush()


def progress_bars(console: Console, *, has_counts: bool = True) -> Progress:
    """Progress bars that stay when done. has_counts: show n/m instead of a percentage."""
    return Progress(
        SpinnerColumn(finished_text="[green]✓[/]"),
        TextColumn("{task.description}"),
        BarColumn(bar_width=28),
        MofNCompleteColumn() if has_counts else TaskProgressColumn(),
        TimeElapsedColumn(),
        TextColumn("[dim]{task.fields[note]}[/]"),
        console=console,
    )
