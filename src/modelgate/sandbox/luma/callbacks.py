"""The make-believe Luma tells a `callback_url` of each change of a generation, unsigned, and again when it is not answered with 200."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from modelgate.sandbox.callbacks import CallbackFailed, post_callback

MAX_TOLD = 200
"""Generations told of at once; those beyond are not."""
RETRIES = 3
RETRY_PAUSE_S = 0.1
MARGIN_S = 0.02
"""Told so long after a change, when the clock surely shows it."""
TAKEN = 200

Post = Callable[[str, bytes], Awaitable[int]]
Sleep = Callable[[float], Awaitable[object]]


async def post_json(url: str, body: bytes) -> int:
    """Send one POST and return the status of the answer, 0 without one."""
    try:
        return await post_callback(url, body, headers={})
    except CallbackFailed:
        return 0


class LumaCallbacks:
    """Tells of generations in the background, for as long as the process lives."""

    def __init__(self, *, sleep: Sleep = asyncio.sleep, post: Post = post_json) -> None:
        self._sleep = sleep
        self._post = post
        self._telling: set[asyncio.Task[None]] = set()

    def follow(self, url: object, waits_s: Sequence[float], describe: Callable[[], bytes]) -> None:
        """Tell of changes that are so far apart; `describe` returns the body as the generation then stands. Needs a running loop."""
        if not isinstance(url, str) or not url or len(self._telling) >= MAX_TOLD:
            return
        telling = asyncio.ensure_future(self._tell(url, waits_s, describe))
        self._telling.add(telling)
        telling.add_done_callback(self._telling.discard)

    async def _tell(self, url: str, waits_s: Sequence[float], describe: Callable[[], bytes]) -> None:
        for wait_s in waits_s:
            await self._sleep(max(0.0, wait_s) + MARGIN_S)
            for _ in range(1 + RETRIES):
                if await self._post(url, describe()) == TAKEN:
                    break
                await self._sleep(RETRY_PAUSE_S)
