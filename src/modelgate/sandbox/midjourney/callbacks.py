"""The make-believe Midjourney tells a `notifyHook` of each change of a job, older states never after newer ones, unsigned and once."""

import asyncio
from collections.abc import Awaitable, Callable

from modelgate.sandbox.callbacks import CallbackFailed, post_callback
from modelgate.sandbox.midjourney.jobs import SUBMITTED_S, MidjourneyJob

MAX_TOLD = 200
"""Jobs told of at once; those beyond are not."""

MARGIN_S = 0.02
"""Told so long after a change, when the clock surely shows it."""

Post = Callable[[str, bytes], Awaitable[object]]
Sleep = Callable[[float], Awaitable[object]]


async def post_json(url: str, body: bytes) -> None:
    """Send one POST and forget the answer. Trouble is the receiver's."""
    try:
        await post_callback(url, body, headers={})
    except CallbackFailed:
        return


class MidjourneyCallbacks:
    """Tells of jobs in the background, for as long as the process lives."""

    def __init__(self, *, sleep: Sleep = asyncio.sleep, post: Post = post_json) -> None:
        self._sleep = sleep
        self._post = post
        self._telling: set[asyncio.Task[None]] = set()

    def follow(self, job: MidjourneyJob, now: float, describe: Callable[[], bytes]) -> None:
        """Tell of a job's changes from now on; `describe` returns the body as the job then stands. Needs a running loop."""
        if not job.notify_hook or len(self._telling) >= MAX_TOLD:
            return
        begins_at = job.starts_at + SUBMITTED_S if job.starts_at is not None else now
        changes = [begins_at - now, job.ends_at() - begins_at] if job.starts_at is not None else [0.0]
        telling = asyncio.ensure_future(self._tell(job.notify_hook, changes, describe))
        self._telling.add(telling)
        telling.add_done_callback(self._telling.discard)

    async def _tell(self, url: str, waits_s: list[float], describe: Callable[[], bytes]) -> None:
        for wait_s in waits_s:
            await self._sleep(max(0.0, wait_s) + MARGIN_S)
            await self._post(url, describe())
