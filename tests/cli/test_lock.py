"""A data directory has one holder."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from driftline_cli.lock import DataDirInUse, DataDirLock

HOLD = """
import sys
from pathlib import Path
from driftline_cli.lock import DataDirLock
with DataDirLock(Path(sys.argv[1]), command="up") as lock:
    lock.describe({"api": "http://127.0.0.1:1"})
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_second_holder_is_told_who_the_first_is(tmp_path: Path) -> None:
    with (
        DataDirLock(tmp_path / "new" / "folder", command="up"),
        pytest.raises(DataDirInUse, match=rf"in use by `driftline up` \(pid {os.getpid()}\)"),
        DataDirLock(tmp_path / "new" / "folder", command="analyze"),
    ):
        pass


def test_the_lock_ends_with_its_process_however_it_dies(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(DataDirInUse) as caught, DataDirLock(tmp_path, command="analyze"):
            pass
        assert caught.value.holder == {"pid": holder.pid, "command": "up", "api": "http://127.0.0.1:1"}
        holder.kill()
        holder.wait(10)
    with DataDirLock(tmp_path, command="analyze"):
        pass
