"""`driftline rules test`: promtool's unit test files, run by the engine and evaluator that run in production."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from driftline_cli.console import human_console, write_json
from driftline_cli.rule_runs.unit_file import load_unit_file
from driftline_cli.rule_runs.unit_run import run_unit_file


def run_test(files: Sequence[Path], *, as_prometheus: bool, is_json: bool) -> int:
    """Exit code: 0 when everything is as expected, else 1. Raises RuleError on a file that cannot be used."""
    console = human_console(is_json=is_json)
    n_failures = 0
    for path in files:
        file = load_unit_file(path)
        failures = run_unit_file(file, as_prometheus=as_prometheus)
        n_failures += len(failures)
        if is_json:
            write_json(
                {"file": str(path), "tests": len(file.tests), "failures": [asdict(failure) for failure in failures]}
            )
            continue
        if not failures:
            console.print(f"[green]ok[/] {path}, {len(file.tests)} tests")
            continue
        console.print(f"[red]failed[/] {path}, {len(failures)} expectations of {len(file.tests)} tests")
        for failure in failures:
            console.print(f"  {failure.test}", markup=False)
            console.print(f"    {failure.subject} at {failure.time}", markup=False)
            for line in failure.differences:
                console.print(f"      {line}", markup=False, soft_wrap=True)
    return 1 if n_failures else 0
