"""What a process makes when it is first needed: what that imports is no part of its start, nor of its memory until then."""

import asyncio
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Later(Generic[T]):
    """Something made once, in a thread, by the first who asks; whoever else asks meanwhile waits for it."""

    def __init__(self, make: Callable[[], T]) -> None:
        """`make` imports what it needs. When it raises, the next who asks tries again."""
        self.made: T | None = None
        self._make = make
        self._turn = asyncio.Lock()

    async def get(self) -> T:
        """Return it. Raises what `make` does."""
        if self.made is None:
            async with self._turn:
                if self.made is None:
                    self.made = await asyncio.to_thread(self._make)
        return self.made
