"""What the connections of one server share: the handler, the bounds, the counts."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Protocol

from modelgate.core.clock import Clock
from modelgate.core.errors import ModelgateError
from modelgate.core.http import Begin, Begun, Handle, HeaderBlock, HttpRequest, HttpResponse, Reply
from modelgate.core.ids import RequestIds
from modelgate.edge.answer import TurnWrites
from modelgate.edge.forwarded import Network
from modelgate.edge.limits import EdgeLimits

RenderError = Callable[[ModelgateError, str, str], HttpResponse]
"""(error, path, request id) -> the answer, in the dialect of that path."""
LogFault = Callable[[BaseException, str, str], None]
"""(fault, path, request id): an exception that nobody meant."""


def take_none(request: HttpRequest, reply: Reply) -> Begun | None:
    """Leave every request to the coroutine."""
    del request, reply
    return None


class Live(Protocol):
    """A connection, as the server sees it."""

    deadline: float

    def expire(self, now: float) -> None:
        """Its deadline has passed."""

    def wind_down(self) -> None:
        """Finish what runs, take nothing more."""

    def cut(self) -> None:
        """Drop the client and cancel what still runs."""


class Service:
    """The shared state of one server on one event loop."""

    __slots__ = (
        "begin",
        "buffered_bytes",
        "clock",
        "connections",
        "cors",
        "draining",
        "emptied",
        "handle",
        "limits",
        "log_fault",
        "loop",
        "max_buffered_bytes",
        "new_request_id",
        "render_error",
        "trusted_proxies",
        "turn",
    )

    def __init__(
        self,
        handle: Handle,
        *,
        begin: Begin = take_none,
        render_error: RenderError,
        log_fault: LogFault,
        limits: EdgeLimits,
        clock: Clock,
        trusted_proxies: Sequence[Network],
        cors: bool,
    ) -> None:
        self.handle = handle
        self.begin = begin
        self.render_error = render_error
        self.log_fault = log_fault
        self.limits = limits
        self.max_buffered_bytes = max(limits.max_buffered_bytes, limits.max_body_bytes)  # a body that is allowed fits, alone
        self.clock = clock
        self.trusted_proxies = tuple(trusted_proxies)
        self.cors = cors
        self.loop = asyncio.get_running_loop()
        self.turn = TurnWrites(self.loop)
        self.new_request_id = RequestIds().new
        self.connections: set[Live] = set()
        self.buffered_bytes = 0
        self.draining = False
        self.emptied = asyncio.Event()

    def forget(self, connection: Live) -> None:
        """Drop a connection of which nothing is left."""
        self.connections.discard(connection)
        if not self.connections:
            self.emptied.set()

    def render(self, error: ModelgateError, path: str, request_id: str) -> HttpResponse:
        """Return the error in the caller's dialect; a renderer at fault costs the body, not the answer."""
        try:
            return self.render_error(error, path, request_id)
        except Exception as fault:  # noqa: BLE001  # the request's edge
            self.log_fault(fault, path, request_id)
            return HttpResponse(status=error.status, headers=HeaderBlock())
