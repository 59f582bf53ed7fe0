"""`driftline rules check`: reads rule files as the evaluator would."""

from collections.abc import Sequence
from pathlib import Path

from rich.table import Table

from driftline_alerts.rules import AlertRule, load_rules
from driftline_cli.console import human_console, write_json


def run_check(files: Sequence[Path], *, is_json: bool) -> None:
    """List what the files hold. Raises RuleError on the first that cannot be used."""
    groups = load_rules(files)
    rules = [(group, rule) for group in groups for rule in group.rules]
    if is_json:
        write_json(
            {
                "groups": len(groups),
                "rules": [
                    {"file": group.file, "group": group.name, "name": rule.alert, "expr": rule.expr}
                    if isinstance(rule, AlertRule)
                    else {"file": group.file, "group": group.name, "record": rule.record, "expr": rule.expr}
                    for group, rule in rules
                ],
            }
        )
        return
    table = Table("file", "group", "rule", "for", box=None, header_style="dim", padding=(0, 2, 0, 0))
    for group, rule in rules:
        if isinstance(rule, AlertRule):
            table.add_row(group.file, group.name, rule.alert, f"{rule.hold_for.total_seconds():g} s")
        else:
            table.add_row(group.file, group.name, f"{rule.record} [dim]recorded[/]", "")
    console = human_console(is_json=False)
    console.print(table)
    console.print(f"[green]ok[/], {len(rules)} rules in {len(groups)} groups")
