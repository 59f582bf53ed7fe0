"""docs/collector.md says what is: names, defaults, commands, metrics, and code that can be read."""

import ast
import re
from pathlib import Path

import pytest
import typer
import yaml

from docs.settings_page import settings_classes, variable
from driftline_api.ingest_stats import ingest_metrics
from driftline_cli.app import app
from driftline_collector.intake import PROJECT_HEADER
from driftline_collector.ledger import CollectorStats, Ledger
from driftline_collector.settings import CollectorSettings
from driftline_collector.signals import SIGNAL_OF_PATH
from driftline_core.service import Health

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/collector.md").read_text(encoding="utf-8")
UNITS = {"KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30, "s": 1, "": 1}


def test_every_setting_that_is_named_exists() -> None:
    named = set(re.findall(r"\bDRIFTLINE_[A-Z_]+\b", PAGE))
    known = {variable(settings, name) for settings in settings_classes() for name in settings.model_fields}
    assert len(named) > 15
    assert named <= known


def test_every_default_that_is_named_is_the_default() -> None:
    fields = {
        variable(CollectorSettings, name): field.default for name, field in CollectorSettings.model_fields.items()
    }
    rows = re.findall(r"^\|[^|]*\| `(DRIFTLINE_COLLECTOR_[A-Z_]+)` \| ([\d.]+) ?(\w*) \|$", PAGE, re.MULTILINE)
    assert len(rows) == 8
    assert {name: float(number) * UNITS[unit] for name, number, unit in rows} == {
        name: float(fields[name]) for name, _, _ in rows
    }


def _commands(of: typer.Typer) -> set[str]:
    return {str(command.name or getattr(command.callback, "__name__", "")) for command in of.registered_commands}


def test_every_command_that_is_named_exists() -> None:
    groups = {group.name: _commands(group.typer_instance) for group in app.registered_groups if group.typer_instance}
    named = set(re.findall(r"(?:^|`)driftline ([a-z-]+)(?: ([a-z]+))?", PAGE, re.MULTILINE))
    assert {("up", ""), ("deadletter", "list"), ("status", "")} <= named
    assert {name for name, _ in named} <= {*groups, *_commands(app)}
    assert {(name, below) for name, below in named if name in groups and below not in groups[name]} == set()


class _Counted:
    name = "collector"

    def start(self) -> None: ...

    def stop(self, *, deadline_s: float) -> None: ...

    def health(self) -> Health:
        return Health(is_ok=True)

    def stats(self) -> CollectorStats:
        ledger = Ledger()
        ledger.count_rejected("traces", "default", "malformed", received_at_ns=0)
        return ledger.stats(spool_bytes=0, spool_max_bytes=0, oldest_unloaded_s=0.0)


def test_every_metric_that_is_named_exists() -> None:
    named = set(re.findall(r"\bdriftline_ingest_[a-z_]+\b", PAGE))
    known = {
        f"{metric.name}_total" if metric.type == "counter" else metric.name for metric in ingest_metrics([_Counted()])
    }
    assert len(named) > 10
    assert named <= known


def test_every_path_and_the_header_that_are_named_are_taken() -> None:
    paths = set(re.findall(r"`(?:POST )?(/v1/[a-z]+|/api/public/otel[a-z0-9/]+)`", PAGE))
    assert paths == set(SIGNAL_OF_PATH)
    assert f"`{PROJECT_HEADER}`" in PAGE


@pytest.mark.parametrize("block", re.findall(r"^```python\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL))
def test_every_example_is_python(block: str) -> None:
    ast.parse(block)


def test_every_link_leads_somewhere() -> None:
    links = set(re.findall(r"\]\(([^)#:]+)", PAGE))
    assert {"../deploy/kafka", "dialects.md", "settings.md"} <= links
    assert [link for link in links if not (ROOT / "docs" / link).exists()] == []


def test_every_link_within_the_page_leads_to_a_heading() -> None:
    headings = {
        re.sub(r"[^a-z0-9 -]", "", heading.lower()).replace(" ", "-")
        for heading in re.findall(r"^#+ (.*)$", PAGE, re.MULTILINE)
    }
    assert set(re.findall(r"\]\(#([^)]+)\)", PAGE)) <= headings


def test_the_configuration_in_front_names_only_what_it_defines() -> None:
    config = yaml.safe_load((ROOT / "deploy/otel-collector/config.yaml").read_text(encoding="utf-8"))
    assert set(config["service"]["extensions"]) <= set(config["extensions"])
    assert set(config["service"]["pipelines"]) == {"traces", "logs", "metrics"}
    for pipeline in config["service"]["pipelines"].values():
        for kind in ("receivers", "processors", "exporters"):
            assert set(pipeline[kind]) <= set(config[kind])
    (exporter,) = config["exporters"].values()
    assert PROJECT_HEADER in exporter["headers"]
    assert exporter["retry_on_failure"]["max_elapsed_time"] == 0
    assert exporter["sending_queue"]["storage"] in config["extensions"]
