"""A port for a process group of this machine."""

import socket


def free_port() -> int:
    """A port on which nothing listens now, so that two runs on one machine do not collide."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
