"""The make-believe Kling tells the customer's `callback_url` of each change of a job, and does not try twice."""

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from urllib.parse import urlsplit

from modelgate.sandbox.kling.jobs import SUBMITTED_S, KlingTask

TIMEOUT_S = 5.0
MAX_TOLD = 200
"""Jobs told of at once; those beyond are not."""

MARGIN_S = 0.02
"""Told so long after a change, when the clock surely shows it."""

Sleep = Callable[[float], Awaitable[object]]
Post = Callable[[str, bytes], None]


def post_json(url: str, body: bytes) -> None:
    """Send one POST and forget the answer; no redirect is followed. Blocks. Trouble is the customer's."""
    target = urlsplit(url)
    kind = HTTPSConnection if target.scheme == "https" else HTTPConnection
    try:
        connection = kind(target.hostname or "", target.port, timeout=TIMEOUT_S)
    except ValueError:
        return
    path = (target.path or "/") + (f"?{target.query}" if target.query else "")
    try:
        connection.request("POST", path, body=body, headers={"content-type": "application/json"})
        connection.getresponse().read(1_024)
    except (OSError, ssl.SSLError, HTTPException, ValueError):
        return
    finally:
        connection.close()


class Callbacks:
    """Tells of jobs in the background, for as long as the process lives."""

    def __init__(self, *, sleep: Sleep = asyncio.sleep, post: Post = post_json) -> None:
        self._sleep = sleep
        self._post = post
        self._telling: set[asyncio.Task[None]] = set()

    def follow(self, task: KlingTask, describe: Callable[[], bytes]) -> None:
        """Tell of a job's two changes; `describe` returns the body as the job then stands. Needs a running loop."""
        if not task.order.callback_url or len(self._telling) >= MAX_TOLD:
            return
        telling = asyncio.ensure_future(self._tell(task, describe))
        self._telling.add(telling)
        telling.add_done_callback(self._telling.discard)

    async def _tell(self, task: KlingTask, describe: Callable[[], bytes]) -> None:
        for wait_s in (SUBMITTED_S, task.working_s):
            await self._sleep(wait_s + MARGIN_S)
            await asyncio.to_thread(self._post, task.order.callback_url, describe())
