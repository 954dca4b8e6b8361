"""Pictures of tasks that still run, as their vendors show them: fetched when somebody looks, and kept for a moment only."""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping

import msgspec
import structlog

from modelgate.core.clock import Clock
from modelgate.core.errors import InvalidRequest, Overloaded
from modelgate.core.http import HeaderBlock, HttpResponse
from modelgate.core.records import Task, Upstream
from modelgate.tasks.calls import ProxyFor, no_proxy, way_to
from modelgate.tasks.outputs import Fetcher, sniff
from modelgate.transport.errors import TransportError
from modelgate.transport.target import Target

APART_S = 2.0
"""A task's preview is fetched no more often than this, however many look."""
TIMEOUT_S = 10.0
MAX_BYTES = 4 * 1024 * 1024
MAX_KEPT = 16
"""Previews in memory; the one fetched longest ago goes first."""
MAX_FETCHING = 8
"""Previews one process fetches at once; whoever wants one more is told to come again."""

_log = structlog.get_logger("previews")


class _Kept(msgspec.Struct):
    """The preview of one task: empty, when it could not be had. `fetched_at` 0: it never was."""

    lock: asyncio.Lock
    body: bytes = b""
    content_type: str = ""
    fetched_at: float = 0.0


class Previews:
    """Shows them."""

    def __init__(
        self, fetcher: Fetcher, *, upstreams: Callable[[], Iterable[Upstream]], clock: Clock, proxy_for: ProxyFor = no_proxy
    ) -> None:
        self._fetcher = fetcher
        self._upstreams = upstreams
        self._clock = clock
        self._proxy_for = proxy_for
        self._kept: OrderedDict[str, _Kept] = OrderedDict()
        self._fetching = 0

    async def serve(self, task: Task) -> HttpResponse:
        """Answer with what a task that still runs looks like now.

        Raises:
            InvalidRequest: its vendor shows nothing yet.
            Overloaded: it cannot be had at this moment.
        """
        url = next((output.url for output in task.outputs if output.kind == "image" and output.url), "")
        if not url:
            raise InvalidRequest("The task is not finished yet, and its upstream shows no preview.", code="task_not_ready")
        kept = self._kept.get(task.id)
        if kept is None:
            while len(self._kept) >= MAX_KEPT:
                self._kept.popitem(last=False)
            kept = self._kept[task.id] = _Kept(lock=asyncio.Lock())
        async with kept.lock:
            if self._clock() - kept.fetched_at >= APART_S:
                await self._fetch(kept, task, url)
        if not kept.body:
            raise Overloaded(retry_after_s=APART_S)
        return HttpResponse(status=200, headers=_headers(kept.content_type), body=kept.body)

    async def _fetch(self, kept: _Kept, task: Task, url: str) -> None:
        if self._fetching >= MAX_FETCHING:
            raise Overloaded(retry_after_s=APART_S)
        self._fetching += 1
        try:
            fetched = await self._fetcher.fetch(
                url, max_bytes=MAX_BYTES, timeout_s=TIMEOUT_S, content_types=None, exempt=self._exempt(task)
            )
            content_type = sniff(fetched.body) or ""
            if not content_type.startswith("image/"):
                raise ValueError("the preview is no picture")
            kept.body, kept.content_type = fetched.body, content_type
        except (TransportError, ValueError) as error:
            kept.body = b""
            _log.warning("preview_not_fetched", task=task.id, upstream=task.upstream, reason=str(error))
        finally:
            self._fetching -= 1
            kept.fetched_at = self._clock()

    def _exempt(self, task: Task) -> Mapping[str, Target]:
        """Return the origin of the task's upstream, which its operator configured."""
        targets = [way_to(upstream, self._proxy_for) for upstream in self._upstreams() if upstream.id == task.upstream]
        return {target.origin: target for target in targets}


def _headers(content_type: str) -> HeaderBlock:
    return HeaderBlock.of(
        ("content-type", content_type),
        ("cache-control", "no-store"),
        ("x-content-type-options", "nosniff"),
        ("content-security-policy", "default-src 'none'; sandbox"),
        ("cross-origin-resource-policy", "cross-origin"),
    )
