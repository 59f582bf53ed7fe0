"""`driftline references`: reference sets through the API."""

from typing import Any
from urllib.parse import quote

from rich.table import Table

from driftline_cli.api_client import ApiClient
from driftline_cli.console import human_console, write_json
from driftline_cli.importing.times import parse_moment
from driftline_core.clock import utc_now

_PATH = "/api/v1/references"


def run_create(body: dict[str, str], *, from_time: str, to_time: str, url: str, project: str, is_json: bool) -> None:
    """Create a set. Raises InputError on an unreadable time, ApiError when the API refuses."""
    now = utc_now()
    times = {
        "from": parse_moment(from_time, now=now).isoformat(),
        "to": parse_moment(to_time, now=now).isoformat(),
    }
    with ApiClient(url, project=project) as api:
        created = api.post(_PATH, {**body, **times})
    if is_json:
        write_json(created)
    else:
        n_prompts, n_completions = created["n_prompts"], created["n_completions"]
        human_console(is_json=False).print(
            f"[green]created[/] [bold]{created['name']}[/]: {n_prompts:,} prompts, {n_completions:,} completions "
            f"of {created['service']}, {created['from']} to {created['to']}"
        )


def run_list(*, url: str, project: str, is_json: bool) -> None:
    """Show every set."""
    with ApiClient(url, project=project) as api:
        answer = api.get(_PATH)
    if is_json:
        write_json(answer)
        return
    table = Table("name", "service", "model", "from", "to", "calls", box=None, header_style="dim")
    for item in answer["items"]:
        table.add_row(*_cells(item))
    console = human_console(is_json=False)
    console.print(table if answer["items"] else "[dim]no reference sets yet: driftline references create[/]")


def run_delete(name: str, *, url: str, project: str, is_json: bool) -> None:
    """Delete a set. Raises ApiError when there is none of that name."""
    with ApiClient(url, project=project) as api:
        api.delete(f"{_PATH}/{quote(name, safe='')}")
    if is_json:
        write_json({"deleted": name})
    else:
        human_console(is_json=False).print(f"deleted [bold]{name}[/]")


def _cells(item: dict[str, Any]) -> tuple[str, ...]:
    return (
        item["name"],
        item["service"],
        item["model"] or "any",
        str(item["from"]),
        str(item["to"]),
        f"{item['n_generations']:,}",
    )
