"""`driftline up`: the embedded service until a signal ends it."""

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from rich.console import Console
from rich.table import Table

from driftline_cli.composition import EmbeddedOptions, run_embedded
from driftline_cli.console import human_console, write_json


def run_up(options: EmbeddedOptions, *, is_json: bool) -> None:
    """Start, say where everything is, wait for SIGINT or SIGTERM, stop. Raises PortInUse, DataDirInUse and other DriftlineErrors."""
    console = human_console(is_json=is_json)
    with (
        stop_signal() as stopping,
        console.status("starting") as spinner,
        run_embedded(options, command="up") as embedded,
    ):
        spinner.stop()
        addresses = embedded.addresses()
        if is_json:
            data_dir = str(options.data_dir.resolve())
            write_json({"event": "ready", "pid": os.getpid(), "data_dir": data_dir, **addresses})
        else:
            _welcome(console, addresses, options)
        stopping.wait()
        spinner.update("stopping: what was acknowledged is being stored")
        spinner.start()
    if is_json:
        write_json({"event": "stopped", "pid": os.getpid()})
    else:
        console.print("[green]stopped[/]")


def _welcome(console: Console, addresses: dict[str, str], options: EmbeddedOptions) -> None:
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    table.add_row("page", f"[bold]{addresses['api']}[/]", "traffic, cost, findings, alerts")
    table.add_row("OTLP/HTTP", addresses["otlp_http"], "OTEL_EXPORTER_OTLP_ENDPOINT of your app")
    table.add_row("OTLP/gRPC", addresses["otlp_grpc"], "the same over gRPC")
    table.add_row("Prometheus", addresses["prometheus"], "data source of Grafana")
    table.add_row("API docs", f"{addresses['api']}/docs", "")
    table.add_row("data", str(options.data_dir), "delete it to start over")
    console.print("[bold]Driftline is up.[/]")
    console.print(table)
    console.print(
        "\n[dim]In your app:[/] import driftline; driftline.instrument()"
        "\n[dim]Your past: [/] driftline import FILE"
        "\n[dim]To end:    [/] Ctrl-C"
    )


@contextmanager
def stop_signal() -> Iterator[threading.Event]:
    """An event that SIGINT and SIGTERM set; a second one ends the process as it always does."""
    stopping = threading.Event()
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def stop(number: int, frame: FrameType | None) -> None:
        stopping.set()
        for each, handler in before.items():
            signal.signal(each, handler)

    for number in before:
        signal.signal(number, stop)
    try:
        yield stopping
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
