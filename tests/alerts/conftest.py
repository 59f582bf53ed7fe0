"""Receivers and real servers for the alerting tests."""

import os
import signal
import subprocess
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from driftline_alerts.alertmanager import Alertmanager
from tests.alerts.pagerduty_server import PagerDutyServer
from tests.alerts.receiver import Receiver, wait_until
from tests.ports import free_port


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A webhook receiver."""
    receiver = Receiver()
    yield receiver
    receiver.close()


@pytest.fixture
def pagerduty() -> Iterator[PagerDutyServer]:
    """A PagerDuty."""
    server = PagerDutyServer()
    yield server
    server.close()


@pytest.fixture
def authority(system_binary: Callable[[str], str], tmp_path: Path) -> Path:
    """A certificate for 127.0.0.1 that vouches for itself; its key is beside it."""
    subprocess.run(
        [
            *(system_binary("openssl"), "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"),
            *("-nodes", "-days", "2", "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"),
            *("-keyout", str(tmp_path / "key.pem"), "-out", str(tmp_path / "ca.pem")),
        ],
        check=True,
        capture_output=True,
    )
    return tmp_path / "ca.pem"


ONE_HOOK = """
route:
  receiver: hook
  group_by: [alertname, service]
  group_wait: 100ms
  group_interval: 500ms
  repeat_interval: 1h
receivers:
  - name: hook
    webhook_configs:
      - {{url: '{url}', send_resolved: true}}
"""


class AlertmanagerProcess:
    """A real Alertmanager. Its storage stays between start and stop. peers: gossip addresses of its cluster, the first its own."""

    def __init__(self, program: str, folder: Path, config: str, *, peers: Sequence[str] = ()) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._program = program
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        self._cluster = ["--cluster.listen-address="]
        if peers:
            times = ("--cluster.peer-timeout=1s", "--cluster.settle-timeout=1s", "--cluster.gossip-interval=50ms")
            self._cluster = [f"--cluster.listen-address={peers[0]}", *times, *(f"--cluster.peer={p}" for p in peers)]
        (folder / "alertmanager.yml").write_text(config, encoding="utf-8")

    def start(self) -> None:
        with (self._folder / "alertmanager.log").open("ab") as log:
            self._process = subprocess.Popen(
                [
                    self._program,
                    f"--config.file={self._folder / 'alertmanager.yml'}",
                    f"--storage.path={self._folder / 'data'}",
                    f"--web.listen-address=127.0.0.1:{self.port}",
                    *self._cluster,
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
    process = AlertmanagerProcess(system_binary("prometheus-alertmanager"), folder, ONE_HOOK.format(url=receiver.url))
    process.start()
    yield process
    process.stop()
