"""`driftline replay-mapping`: derives generations anew from the stored spans after the dialect table changed."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from rich.table import Table

from driftline_cli.console import human_console, progress_bars, write_json
from driftline_cli.store_access import hold_store
from driftline_collector.mapping import load_table
from driftline_collector.replay import Chunk, Replay
from driftline_collector.settings import CollectorSettings
from driftline_core.errors import InputError


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayOptions:
    """What is replayed. start, end: by the spans' own time, end exclusive; is_all: also what the present table derived already."""

    data_dir: Path
    start: datetime | None
    end: datetime | None
    project: str | None
    dialects: Path | None
    is_all: bool
    is_dry_run: bool


def run_replay(options: ReplayOptions, *, is_json: bool) -> int:
    """Replay with progress; 0, or 1 when spans could not be derived. Raises DataDirInUse, ConfigError, StoreError, InsertFailed."""
    if options.start is not None and options.end is not None and options.end <= options.start:
        raise InputError(f"expected --to after --from, got {options.start.isoformat()} to {options.end.isoformat()}")
    table = load_table(extension=options.dialects or CollectorSettings().dialects_path)
    console = human_console(is_json=is_json)
    written: Counter[str] = Counter()
    n_spans = n_removed = n_failed = n_skipped = 0
    with (
        hold_store(options.data_dir, command="replay-mapping") as store,
        progress_bars(console, has_counts=False) as bars,
    ):
        replay = Replay(store, table, project=options.project)
        chunks = replay.plan(start=options.start, end=options.end)
        task = bars.add_task("spans derived anew", total=max(1, sum(chunk.n_spans for chunk in chunks)), note="")
        for chunk in chunks:
            if not options.is_all and replay.is_current(chunk):
                n_skipped += chunk.n_spans
            elif options.is_dry_run:
                n_spans += chunk.n_spans
            else:
                outcome = replay.run(chunk)
                n_spans += outcome.n_spans
                written.update(outcome.written)
                n_removed += outcome.n_removed
                n_failed += outcome.n_failed
            bars.update(task, advance=chunk.n_spans, note=_when(chunk))
        bars.update(task, completed=max(1, sum(chunk.n_spans for chunk in chunks)))
    report = {
        "mapping": replay.mapping,
        "chunks": len(chunks),
        "spans": n_spans,
        "spans_skipped": n_skipped,
        "spans_failed": n_failed,
        "written": written.total(),
        "removed": n_removed,
        "dialects": dict(sorted(written.items())),
        "is_dry_run": options.is_dry_run,
    }
    if is_json:
        write_json(report)
    elif options.is_dry_run:
        console.print(f"{n_spans:,} spans would be looked at; {n_skipped:,} were already, by mapping {replay.mapping}")
    else:
        console.print(
            f"{n_spans:,} spans looked at, {written.total():,} generations written, {n_removed:,} removed; "
            f"{n_skipped:,} spans skipped that mapping {replay.mapping} derived already"
        )
        if written:
            rows = Table("dialect", "generations", box=None, header_style="dim", padding=(0, 2, 0, 0))
            for dialect, count in written.most_common():
                rows.add_row(dialect, f"{count:,}")
            console.print(rows)
        if n_failed:
            console.print(f"[red]{n_failed:,} spans could not be derived[/]; their rows stand as they were")
    return 1 if n_failed else 0


def _when(chunk: Chunk) -> str:
    return f"{chunk.start:%Y-%m-%d %H:%M}"
