"""The rules that come with Driftline: valid for promtool, tested by it, each with a page that says what to do."""

import re
import shutil
import subprocess
from collections.abc import Callable
from importlib.resources import as_file, files
from pathlib import Path

import pytest

from driftline_alerts.expressions import check_expression
from driftline_alerts.rules import AlertRule, load_rules

ROOT = Path(__file__).parents[2]
TESTS = sorted(Path(__file__).parent.glob("*_test.yaml"))
RULES = [rule for group in load_rules() for rule in group.rules if isinstance(rule, AlertRule)]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The shipped files, that for Prometheus, and the tests of them, side by side."""
    with as_file(files("driftline_alerts") / "shipped") as shipped:
        for file in shipped.glob("*.yaml"):
            shutil.copy(file, tmp_path)
    for file in (*TESTS, ROOT / "deploy" / "prometheus" / "gpu.yml"):
        shutil.copy(file, tmp_path)
    return tmp_path


def test_promtool_finds_nothing_to_say(system_binary: Callable[[str], str], folder: Path) -> None:
    names = [file.name for file in folder.glob("*.yaml") if not file.name.endswith("_test.yaml")]
    done = subprocess.run(
        [system_binary("promtool"), "check", "rules", *names], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_rules_fire_where_promtool_expects_it(system_binary: Callable[[str], str], folder: Path) -> None:
    done = subprocess.run(
        [system_binary("promtool"), "test", "rules", *(file.name for file in TESTS)],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr + done.stdout


def test_every_shipped_rule_has_a_promtool_test() -> None:
    tests = "".join(file.read_text(encoding="utf-8") for file in TESTS)
    assert [rule.alert for rule in RULES if f"alertname: {rule.alert}" not in tests] == []


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.alert)
def test_rule_says_how_bad_what_and_what_to_do(rule: AlertRule) -> None:
    assert rule.labels["severity"] in ("critical", "warning")
    assert {"summary", "description", "runbook_url"} <= set(rule.annotations)
    assert "$value" in rule.annotations["description"]
    assert re.search(r"\$labels\.(service|provider|collector|project|part|disk)\b", rule.annotations["summary"])
    assert (ROOT / rule.annotations["runbook_url"]).is_file()


def test_every_shipped_rule_is_in_the_list_of_runbooks() -> None:
    listed = (ROOT / "docs" / "runbooks" / "README.md").read_text(encoding="utf-8")
    assert [
        rule.alert for rule in RULES if f"[{rule.alert}]({Path(rule.annotations['runbook_url']).name})" not in listed
    ] == []


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.alert)
def test_gap_in_the_data_can_be_told_from_recovery(rule: AlertRule) -> None:
    assert rule.presence_expr is not None
    check_expression(rule.presence_expr)


def test_shipped_rules_are_found_where_the_layout_says() -> None:
    names = sorted(file.name for file in (ROOT / "alerts" / "rules").glob("*.yaml"))
    assert names == sorted({group.file for group in load_rules()})
