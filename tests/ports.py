"""Ports for servers that cannot choose their own, or that keep theirs over a restart."""

import itertools
import os
import socket

_FIRST, _COUNT = 20_000, 12_000
"""Below what Linux gives to connections and to port 0 (from 32768), so that nothing takes a port between two starts."""
_NUMBERS = itertools.count(os.getpid() * 997)
"""Test processes beside this one begin elsewhere."""


def free_port() -> int:
    """A port of the loopback interface that nobody listens on and no other test of this process was given lately."""
    for number in itertools.islice(_NUMBERS, _COUNT):
        port = _FIRST + number % _COUNT
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise AssertionError(f"expected a free port from {_FIRST} to {_FIRST + _COUNT - 1}, got none")
