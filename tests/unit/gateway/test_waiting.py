"""Waiting for tasks: the whole of it is shown with pictures in test_images; here what is its own."""

import pytest

from modelgate.core.errors import Overloaded
from modelgate.gateway import waiting as waiting_module
from modelgate.gateway.waiting import Waiting


@pytest.mark.anyio
async def test_places_are_bounded_and_given_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting_module, "MAX_WAITING", 1)
    waiting = Waiting(store=None, submissions=None, mover=None, clock=lambda: 0.0)  # type: ignore[arg-type]  # nobody waits for a task
    async with waiting:
        with pytest.raises(Overloaded):
            async with waiting:
                raise AssertionError("there was no place")
    async with waiting:
        assert await waiting.until_ended([]) == []
