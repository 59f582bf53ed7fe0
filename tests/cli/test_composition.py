"""What the parts of one process share."""

import json
import os
import subprocess
import sys
from pathlib import Path

from tests.cli.first_ticks import RUNNERS


def test_windows_single_calls_and_groups_are_embedded_by_one_model(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.cli.first_ticks", str(tmp_path / "data")],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert json.loads(done.stdout) == dict.fromkeys(RUNNERS, 0)
    assert done.stderr.count("embedding model loaded") == 1
