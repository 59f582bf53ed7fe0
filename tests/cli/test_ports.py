"""A port that is taken is named with the flag that moves it."""

import socket

import pytest

from driftline_cli.ports import PortInUse, require_free_ports


def test_a_taken_port_is_named_with_its_flag() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(PortInUse, match=rf"port {port} on 127\.0\.0\.1 is in use.*--http-port"):
            require_free_ports({"--grpc-port": ("127.0.0.1", 0), "--http-port": ("127.0.0.1", port)})


def test_a_free_port_and_any_port_pass() -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    require_free_ports({"--port": ("127.0.0.1", port), "--http-port": ("127.0.0.1", 0)})
