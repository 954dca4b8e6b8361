"""What every test gets: a closed network, an event loop like production's, and examples that are the same in every run."""

import contextlib
import gc
import socket
from collections import Counter
from collections.abc import Generator
from typing import Any

import pytest

with contextlib.suppress(ImportError):  # the frameworks' environment has none
    from hypothesis import HealthCheck, settings

    # A busy machine leaves a process alone for longer than Hypothesis's 200 ms for an example, which says nothing of our code.
    settings.register_profile("anew", deadline=None, suppress_health_check=[HealthCheck.too_slow])
    settings.register_profile("same", settings.get_profile("anew"), derandomize=True)
    settings.load_profile("same")  # pytest --hypothesis-profile=anew looks for examples that nobody has tried

_connect = socket.socket.connect


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """What is collected stays until the end: the garbage collector, and every test that calls it, need not walk through all of it again."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Where several processes share the files, hand out those with slow tests first: at the end nobody waits for the one who has the longest."""
    if hasattr(config, "workerinput"):
        slow = {item.path for item in items if item.get_closest_marker("slow") is not None}
        counts = Counter(item.path for item in items)
        items.sort(key=lambda item: (item.path not in slow, -counts[item.path]))


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
