"""`driftline deadletter`: what the store refused, looked at, sent again, taken elsewhere."""

import json
import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from rich.table import Table

from driftline_cli.console import human_console, write_json
from driftline_cli.importing.sender import DeliveryError, OtlpSender
from driftline_collector.intake import RETRY_HEADER
from driftline_collector.letters import REQUESTS, DeadLetter, Unreadable, find_letters
from driftline_collector.segment import sync_directory
from driftline_core.errors import InputError

_DETAIL_SHOWN: Final = 60
_ITEMS_SHOWN: Final = 20


def run_list(spool: Path, *, is_json: bool) -> None:
    """Show every dead letter, oldest first."""
    letters = find_letters(spool)
    n_bytes = sum(letter.n_bytes for letter in letters)
    if is_json:
        write_json({"items": [_record(letter) for letter in letters], "n_bytes": n_bytes})
        return
    console = human_console(is_json=False)
    if not letters:
        console.print(f"[dim]no dead letters in {spool}[/]")
        return
    table = Table(box=None)
    # Whole, however narrow the terminal: `show NAME` and `retry NAME` need it.
    table.add_column("name", no_wrap=True, min_width=max(len(letter.name) for letter in letters))
    for heading in ("signal", "project", "reason", "detail", "items", "bytes", "received"):
        table.add_column(heading)
    for letter in letters:
        table.add_row(
            letter.name,
            letter.signal,
            letter.project,
            letter.reason,
            _shortened(letter.detail),
            f"{letter.n_items:,}",
            f"{letter.n_bytes:,}",
            letter.received_at[:19],
        )
    console.print(table, markup=False)
    console.print(f"{len(letters)} dead letters, {n_bytes:,} bytes")


def run_show(spool: Path, name: str, *, is_json: bool) -> None:
    """One dead letter whole: its note and what is in it. Raises InputError when there is none of that name."""
    (letter,) = chosen(spool, [name], is_all=False)
    record = _record(letter) | {"files": [str(letter.path.with_suffix(".pb")), str(letter.path)]}
    try:
        record["request"] = letter.otlp_json()
    except Unreadable as error:
        record["unreadable"] = str(error)
    if is_json:
        write_json(record)
        return
    console = human_console(is_json=False)
    for key, value in record.items():
        if key not in ("request", "files"):
            console.print(f"{key}: {value}", markup=False)
    for file in record["files"]:
        console.print(f"file: {file}", markup=False)
    named = list(_named_items(record.get("request", {})))
    for line in named[:_ITEMS_SHOWN]:
        console.print(f"  {line}", markup=False)
    if len(named) > _ITEMS_SHOWN:
        console.print(f"  and {len(named) - _ITEMS_SHOWN} more; export has all", markup=False)


def run_retry(spool: Path, names: Sequence[str], *, is_all: bool, endpoint: str, is_json: bool) -> int:
    """Send them again; each is removed after its acknowledgement. 0 when all were taken, else 1. Raises InputError.

    What the store still refuses comes back as a dead letter of another name. A retry that was acknowledged but not removed, as after
    a crash, is known again by the collector while it remembers bodies, so it is stored once.
    """
    console = human_console(is_json=is_json)
    retried: list[str] = []
    kept: list[dict[str, str]] = []
    for letter in chosen(spool, names, is_all=is_all):
        problem = _send(letter, endpoint)
        if problem is None:
            letter.remove()
            retried.append(letter.name)
            console.print(f"[green]taken[/] {letter.name}")
        else:
            kept.append({"name": letter.name, "why": problem})
            console.print("[red]kept[/]", end=" ")
            console.print(f"{letter.name}: {problem}", markup=False)
    if is_json:
        write_json({"retried": retried, "kept": kept})
    return 1 if kept else 0


def run_export(spool: Path, names: Sequence[str], *, is_all: bool, to: Path | None, is_json: bool) -> int:
    """Copy the files into a folder, or write a line of OTLP/JSON for each to standard output; nothing is removed.

    0 when all were exported, 1 when the bytes of some are no request. Raises InputError.
    """
    if (to is None) != is_json:
        raise InputError("expected either --to DIR or --json, got " + ("both" if is_json else "neither"))
    letters = chosen(spool, names, is_all=is_all)
    status = 0
    if to is not None:
        to.mkdir(parents=True, exist_ok=True)
        for letter in letters:
            for source in (letter.path.with_suffix(".pb"), letter.path):
                _copy(source, to / source.name)
        sync_directory(to)
        human_console(is_json=False).print(f"exported {len(letters)} dead letters to {to}", markup=False)
        return status
    for letter in letters:
        try:
            sys.stdout.write(json.dumps(letter.otlp_json(), separators=(",", ":")) + "\n")
        except Unreadable as error:
            sys.stderr.write(f"driftline: {error}\n")
            status = 1
    return status


def chosen(spool: Path, names: Sequence[str], *, is_all: bool) -> list[DeadLetter]:
    """The dead letters of these names, or all. Raises InputError when one is not there, or neither or both were asked for."""
    letters = find_letters(spool)
    if is_all == bool(names):
        raise InputError("expected names of dead letters or --all, got " + ("both" if is_all else "neither"))
    if is_all:
        return letters
    by_name = {letter.name: letter for letter in letters}
    wanted = dict.fromkeys(name.removesuffix(".json").removesuffix(".pb") for name in names)
    unknown = [name for name in wanted if name not in by_name]
    if unknown:
        raise InputError(f"expected names that `driftline deadletter list` shows, got {', '.join(unknown)}")
    return [by_name[name] for name in wanted]


def _send(letter: DeadLetter, endpoint: str) -> str | None:
    """Why it was not taken, None when it was."""
    if letter.is_damaged:
        return "its bytes failed their checksum, so they are no request that could be sent; `export` them or delete the files"
    if letter.signal not in REQUESTS:
        return f"its signal {letter.signal!r} is none of {', '.join(REQUESTS)}"
    sender = OtlpSender(
        endpoint, project=letter.project, path=f"/v1/{letter.signal}", headers={RETRY_HEADER: letter.name}
    )
    try:
        with sender:
            n_rejected, why = sender.send(letter.body())
    except (DeliveryError, Unreadable) as error:
        return str(error)
    return f"{n_rejected} items were rejected: {why}" if n_rejected else None


def _copy(source: Path, target: Path) -> None:
    shutil.copyfile(source, target)
    fd = os.open(target, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def _record(letter: DeadLetter) -> dict[str, Any]:
    return {
        "name": letter.name,
        "signal": letter.signal,
        "project": letter.project,
        "reason": letter.reason,
        "detail": letter.detail,
        "n_items": letter.n_items,
        "n_bytes": letter.n_bytes,
        "received_at": letter.received_at or None,
    }


def _named_items(tree: Any) -> Any:
    """A line for whatever in the request has a span id or a name of a metric. Contents are not shown: they may be prompts."""
    if isinstance(tree, dict):
        if "spanId" in tree or ("name" in tree and "description" in tree):
            yield " ".join(str(tree[key]) for key in ("traceId", "spanId", "name") if key in tree)
        else:
            for value in tree.values():
                yield from _named_items(value)
    elif isinstance(tree, list):
        for item in tree:
            yield from _named_items(item)


def _shortened(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _DETAIL_SHOWN else line[: _DETAIL_SHOWN - 1] + "…"
