"""A world for tasks; see `tests/twins/task_world.py`."""

import asyncio
import importlib.util
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

_spec = importlib.util.spec_from_file_location("task_world", Path(__file__).parents[2] / "twins" / "task_world.py")
assert _spec is not None
assert _spec.loader is not None
_twin = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_twin)


@pytest.fixture
def world() -> Any:
    return _twin.World()


@pytest.fixture
def make_world() -> Callable[[], Any]:
    return _twin.World  # type: ignore[no-any-return]


@pytest.fixture
def shuffled_pauses() -> Callable[[int], Callable[[], Any]]:
    """Pauses of a random number of loop turns, the same for the same seed."""

    def make(seed: int) -> Callable[[], Any]:
        draw = random.Random(seed)

        async def pause() -> None:
            for _ in range(draw.randrange(4)):
                await asyncio.sleep(0)

        return pause

    return make
