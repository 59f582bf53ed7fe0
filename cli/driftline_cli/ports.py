"""Finds out which ports are free before anything is started."""

import errno
import socket
from collections.abc import Mapping

from driftline_core.errors import DriftlineError


class PortInUse(DriftlineError, OSError):
    """A port that a service needs is taken or not allowed."""


def require_free_ports(ports: Mapping[str, tuple[str, int]]) -> None:
    """ports: flag -> (host, port); port 0 is always free. Raises PortInUse with the flag that moves it."""
    for flag, (host, port) in ports.items():
        if port == 0:
            continue
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
            except OSError as error:
                if error.errno == errno.EADDRINUSE:
                    reason = "is in use by another program (is another `driftline up` running?)"
                else:
                    reason = f"cannot be used: {error.strerror}"
                raise PortInUse(
                    f"port {port} on {host} {reason}; choose another with {flag}, 0 takes any free one"
                ) from error


def free_port(host: str) -> int:
    """A TCP port of host that nobody listens on now."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.bind((host, 0))
        port: int = probe.getsockname()[1]
        return port
