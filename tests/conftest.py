"""What every test gets: a closed network and an event loop like production's."""

import socket
from typing import Any

import pytest

_connect = socket.socket.connect


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, Any]]:
    return "asyncio", {"use_uvloop": True}


@pytest.fixture(autouse=True)
def closed_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests talk to this machine only."""

    def connect(self: socket.socket, address: Any) -> None:
        if self.family in (socket.AF_INET, socket.AF_INET6) and not str(address[0]).startswith(("127.", "::1", "localhost")):
            raise AssertionError(f"a test tried to reach {address}")
        _connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", connect)
