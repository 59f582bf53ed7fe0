"""`driftline references`: reference sets through the API."""

import uuid
from itertools import islice
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from rich.table import Table

from driftline_cli.api_client import ApiClient
from driftline_cli.console import human_console, write_json
from driftline_cli.importing.columns import ColumnMap, map_columns, parse_assignments
from driftline_cli.importing.readers import RawRow, read_rows
from driftline_cli.importing.times import parse_moment
from driftline_core.clock import utc_now
from driftline_core.errors import InputError

_PATH = "/api/v1/references"
_SAMPLE_ROWS: Final = 100
_PART_CHARS: Final = 200_000
"""Characters of one part of an upload: at four bytes each still below the API's usual limit of a megabyte."""
_GOLDEN_FIELDS: Final = {
    "prompt": "prompt",
    "completion": "completion",
    "session": "session",
    "model": "model",
    "prompt_version": "prompt_version",
    "user": "user_id",
}


def kind_of(*, pin: str | None, previous: str | None, segment: str | None, golden: Path | None) -> dict[str, str]:
    """The part of a set's definition that says what it is of. Raises InputError on flags that contradict each other."""
    given = [
        flag for flag, value in (("--pin", pin), ("--previous", previous), ("--golden", golden)) if value is not None
    ]
    if len(given) > 1:
        raise InputError(f"expected one of --pin, --previous and --golden, got {' and '.join(given)}")
    found: dict[str, str] = {}
    if segment is not None:
        ((found["segment_by"], found["segment"]),) = parse_assignments([segment], flag="--segment").items()
    if pin is not None:
        ((found["pinned_by"], found["pinned_value"]),) = parse_assignments([pin], flag="--pin").items()
        found["kind"] = "version"
    if previous is not None:
        found |= {"kind": "previous_release", "pinned_by": previous}
    return found


def run_create(
    body: dict[str, str],
    *,
    from_time: str | None,
    to_time: str | None,
    golden: Path | None,
    url: str,
    project: str,
    is_json: bool,
) -> None:
    """Create a set, or the next version of one. golden: a file of its rows. Raises InputError on an unreadable time or row, ApiError
    when the API refuses.
    """
    now = utc_now()
    times = {
        name: parse_moment(moment, now=now).isoformat()
        for name, moment in (("from", from_time), ("to", to_time))
        if moment is not None
    }
    with ApiClient(url, project=project) as api:
        if golden is not None:
            body = {**body, "kind": "golden", "upload": _upload(api, body["name"], golden)}
        created = api.post(_PATH, {**body, **times})
    if is_json:
        write_json(created)
        return
    console = human_console(is_json=False)
    console.print(
        f"[green]created[/] [bold]{created['name']}@{created['version']}[/] ({created['kind']}) for {created['service']}: "
        + _contents(created)
    )
    if created["is_too_small"]:
        console.print(
            f"[yellow]too small[/]: it carries windows of up to {created['largest_window']} texts, an eighth of its own; 30 are needed"
        )


def run_list(*, url: str, project: str, is_json: bool) -> None:
    """Show every set."""
    with ApiClient(url, project=project) as api:
        answer = api.get(_PATH)
    if is_json:
        write_json(answer)
        return
    table = Table(
        "name", "kind", "service", "segment", "of", "calls", "sessions", "window", box=None, header_style="dim"
    )
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


def _upload(api: ApiClient, name: str, path: Path) -> str:
    """Send the rows of a file in parts; the name of the upload. Raises InputError on the first row that cannot be read."""
    upload = uuid.uuid4().hex
    raw = read_rows(path)
    sample = list(islice(raw, _SAMPLE_ROWS))
    columns = map_columns([row.values for row in sample], named={}, constants={})
    part: list[dict[str, Any]] = []
    n_chars, n_sent = 0, 0
    for row in (*sample, *raw):
        part.append(_golden_row(row, columns, path))
        n_chars += sum(len(str(value)) for value in part[-1].values())
        if n_chars >= _PART_CHARS:
            n_sent = _send(api, name, upload, part, n_before=n_sent)
            part, n_chars = [], 0
    if part:
        n_sent = _send(api, name, upload, part, n_before=n_sent)
    if not n_sent:
        raise InputError(f"expected rows in {path.name}, got none")
    return upload


def _send(api: ApiClient, name: str, upload: str, part: list[dict[str, Any]], *, n_before: int) -> int:
    api.post(f"{_PATH}/{quote(name, safe='')}/rows", {"upload": upload, "n_before": n_before, "rows": part})
    return n_before + len(part)


def _golden_row(row: RawRow, columns: ColumnMap, path: Path) -> dict[str, Any]:
    if row.problem:
        raise InputError(f"line {row.line} of {path.name}: {row.problem}")
    values = {
        name: str(value)
        for field, name in _GOLDEN_FIELDS.items()
        if (value := columns.value(row.values, field)) is not None
    }
    documents = row.values.get("documents")
    if isinstance(documents, list):
        values_with_documents: dict[str, Any] = {**values, "documents": [str(document) for document in documents]}
        return values_with_documents
    return values


def _contents(item: dict[str, Any]) -> str:
    if item["kind"] == "previous_release":
        return f"each segment is compared with the {item['pinned_by']} before the one in the window, frozen when it is first used"
    between = f", {item['from']} to {item['to']}" if item["from"] else ""
    return f"{item['n_prompts']:,} prompts, {item['n_completions']:,} completions in {item['n_blocks']:,} sessions{between}"


def _cells(item: dict[str, Any]) -> tuple[str, ...]:
    of = {
        "range": f"{item['from']} to {item['to']}",
        "golden": "imported rows",
        "version": f"{item['pinned_by']} {item['pinned_value']}",
        "previous_release": f"{item['pinned_by']} before",
    }[item["kind"]]
    window = "too small" if item["is_too_small"] else f"{item['largest_window']:,}"
    return (
        f"{item['name']}@{item['version']}",
        item["kind"],
        item["service"],
        f"{item['segment_by']} {item['segment']}".strip() or "any",
        of,
        f"{item['n_generations']:,}",
        f"{item['n_blocks']:,}",
        "" if item["kind"] == "previous_release" else window,
    )
