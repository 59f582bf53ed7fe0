"""`driftline demo`: sets the stage, plays the story, shows the outcome, stays up or ends."""

import contextlib
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final

from driftline_cli.composition import EmbeddedOptions, run_embedded
from driftline_cli.console import human_console, progress_bars, write_json
from driftline_cli.demo import groups
from driftline_cli.demo.receiver import WebhookReceiver
from driftline_cli.demo.report import as_json, show_outcome
from driftline_cli.demo.story import play
from driftline_cli.demo.week import week_ending
from driftline_cli.up import stop_signal
from driftline_core.clock import utc_now
from driftline_core.errors import InputError

WINDOW: Final = timedelta(hours=12)
DAILY_BUDGET_USD: Final = 1.0
"""Many times what a day of the demo costs at --scale 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoOptions:
    """scale: share of the usual traffic; data_dir: None is a temporary directory that is removed in the end."""

    seed: int
    scale: float
    data_dir: Path | None
    api_port: int
    is_exit: bool
    is_json: bool


def run_demo(options: DemoOptions) -> int:
    """Play the demo; the exit code: 0 when all was as planted, else 1. Raises DriftlineErrors."""
    console = human_console(is_json=options.is_json)
    if not options.is_json:
        console.print(
            "[bold]Driftline demo[/]: a support assistant for an e-bike subscription, seven days of questions, two models.\n"
            "On day five one prompt was edited. Nothing failed, nothing got slower. Did the answers change?\n"
        )
    with stop_signal() as stopping, _receiver() as receiver, _data_dir(options.data_dir) as data_dir:
        embedded_options = EmbeddedOptions(
            data_dir=data_dir,
            collector={"http_port": 0, "grpc_port": 0},
            # a week is short: at one false alarm a month one demo in eight would have it
            analyzers={
                "window": WINDOW,
                "mean_time_between_false_alarms": timedelta(days=365),
                "bias_window": groups.WINDOW,
                "bias_declared": (groups.DECLARED,),
                "budgets": {"day": DAILY_BUDGET_USD},
            },
            alerts={"webhook_urls": (receiver.url,)},
            api={"port": options.api_port},
        )
        with run_embedded(embedded_options, command="demo", is_driven=True) as embedded:
            with progress_bars(console) as bars:
                outcome = play(
                    embedded, receiver, week_ending(utc_now()), seed=options.seed, scale=options.scale, bars=bars
                )
            addresses = embedded.addresses()
            if options.is_json:
                write_json(as_json(outcome, addresses, seed=options.seed))
            else:
                show_outcome(console, outcome, addresses)
            if not options.is_exit:
                console.print("\n[dim]Ctrl-C ends it.[/]")
                with embedded.background:
                    stopping.wait()
    return 0 if outcome.is_right else 1


@contextlib.contextmanager
def _receiver() -> Iterator[WebhookReceiver]:
    receiver = WebhookReceiver()
    receiver.start()
    try:
        yield receiver
    finally:
        receiver.stop()


@contextlib.contextmanager
def _data_dir(chosen: Path | None) -> Iterator[Path]:
    if chosen is not None:
        if chosen.exists() and any(chosen.iterdir()):
            raise InputError(f"expected a new or empty --data-dir for the demo, got {chosen}, which holds something")
        yield chosen
        return
    with tempfile.TemporaryDirectory(prefix="driftline-demo-", ignore_cleanup_errors=True) as folder:
        yield Path(folder)
