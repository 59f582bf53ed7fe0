"""Receivers and real servers for the alerting tests."""

import os
import signal
import socket
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from driftline_alerts.alertmanager import Alertmanager
from tests.alerts.receiver import Receiver, wait_until


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A webhook receiver."""
    receiver = Receiver()
    yield receiver
    receiver.close()


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class AlertmanagerProcess:
    """A real Alertmanager that notifies a webhook quickly. Its storage stays between start and stop."""

    def __init__(self, program: str, folder: Path, receiver_url: str) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._program = program
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        (folder / "alertmanager.yml").write_text(
            f"""
route:
  receiver: hook
  group_by: [alertname, service]
  group_wait: 100ms
  group_interval: 500ms
  repeat_interval: 1h
receivers:
  - name: hook
    webhook_configs:
      - {{url: '{receiver_url}', send_resolved: true}}
""",
            encoding="utf-8",
        )

    def start(self) -> None:
        with (self._folder / "alertmanager.log").open("ab") as log:
            self._process = subprocess.Popen(
                [
                    self._program,
                    f"--config.file={self._folder / 'alertmanager.yml'}",
                    f"--storage.path={self._folder / 'data'}",
                    f"--web.listen-address=127.0.0.1:{self.port}",
                    "--cluster.listen-address=",
                ],
                stdout=log,
                stderr=log,
            )
        with Alertmanager(self.url) as client:
            wait_until(client.is_ready)

    def stop(self, number: signal.Signals = signal.SIGTERM) -> None:
        if self._process is not None:
            os.kill(self._process.pid, number)
            self._process.wait(10)
            self._process = None


@pytest.fixture
def alertmanager(
    system_binary: Callable[[str], str], tmp_path: Path, receiver: Receiver
) -> Iterator[AlertmanagerProcess]:
    """A running Alertmanager whose notifications go to `receiver`."""
    folder = tmp_path / "alertmanager"
    folder.mkdir()
    process = AlertmanagerProcess(system_binary("prometheus-alertmanager"), folder, receiver.url)
    process.start()
    yield process
    process.stop()
