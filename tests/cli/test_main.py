"""The entry point, before anything else of Driftline is loaded."""

import os
import subprocess
import sys
import time
import venv
from pathlib import Path

import driftline_cli
from tests.cli.conftest import Run


def test_without_the_server_extra_it_says_what_to_install(tmp_path: Path) -> None:
    venv.create(tmp_path / "venv", with_pip=False, symlinks=True)
    python = tmp_path / "venv" / "bin" / "python"
    done = subprocess.run(
        [str(python), "-m", "driftline_cli.main", "--help"],
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(Path(driftline_cli.__file__).parents[1])},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 2
    assert "driftline's server needs its extra: pip install 'driftline[server]'" in done.stderr
    assert "Traceback" not in done.stderr


def test_help_names_every_command(driftline: Run) -> None:
    done = driftline("--help")
    assert done.returncode == 0
    commands = ("up", "demo", "migrate", "analyze", "replay-mapping", "status", "import")
    human = ("review", "label", "agreement", "calibrate", "export")
    for command in (*commands, *human, "references", "dashboards", "rules", "dialects"):
        assert f" {command} " in done.stdout


def test_help_loads_none_of_the_heavy_parts() -> None:
    code = (
        "import sys; sys.argv = ['driftline', '--help']\n"
        "from driftline_cli.main import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "heavy = {'torch', 'chdb', 'clickhouse_connect', 'pyarrow', 'fastapi', 'pydantic', 'httpx', 'yaml'}\n"
        "print('LOADED', sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert "LOADED []" in done.stdout


def test_an_expected_error_is_one_line_and_exit_code_1(driftline: Run) -> None:
    began = time.monotonic()
    done = driftline("status", "--url", "http://127.0.0.1:9")
    assert done.returncode == 1
    assert done.stderr.startswith("driftline: no Driftline answers at http://127.0.0.1:9")
    assert "Traceback" not in done.stderr
    assert time.monotonic() - began < 60
