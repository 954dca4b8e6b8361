"""The server: accepts clients on a listening socket, looks after deadlines, drains at the end."""

import asyncio
import socket
import ssl
from collections.abc import Sequence

from modelgate.core.clock import Clock
from modelgate.core.http import Begin, Handle
from modelgate.edge.connection import Connection
from modelgate.edge.forwarded import Network
from modelgate.edge.limits import EdgeLimits
from modelgate.edge.service import LogFault, RenderError, Service, take_none
from modelgate.edge.tls import TlsProtocol

CUT_GRACE_S = 1.0
"""What cancelled handlers get to put their affairs in order at the end of a drain."""


class EdgeServer:
    """HTTP/1.1 for clients. Make it inside the running event loop.

    `begin` is offered requests whose answers need no header line of the edge's but the usual two, and may decline; `handle` answers all
    others; a ModelgateError it raises is rendered by `render_error`, any other exception goes to
    `log_fault` and becomes a 500. It is never cancelled because a client left.
    """

    def __init__(  # noqa: PLR0913  # one thing each, by name
        self,
        handle: Handle,
        *,
        begin: Begin = take_none,
        render_error: RenderError,
        log_fault: LogFault,
        limits: EdgeLimits,
        clock: Clock,
        tls: ssl.SSLContext | None = None,
        trusted_proxies: Sequence[Network] = (),
        cors: bool = True,
    ) -> None:
        self._service = Service(
            handle,
            begin=begin,
            render_error=render_error,
            log_fault=log_fault,
            limits=limits,
            clock=clock,
            trusted_proxies=trusted_proxies,
            cors=cors,
        )
        self._tls = tls
        self._server: asyncio.AbstractServer | None = None
        self._sweeper: asyncio.TimerHandle | None = None

    @property
    def connection_count(self) -> int:
        """Connections that are open, or whose request is still worked on."""
        return len(self._service.connections)

    @property
    def buffered_bytes(self) -> int:
        """Request bodies held now, in bytes."""
        return self._service.buffered_bytes

    async def start(self, sock: socket.socket) -> None:
        """Accept on a listening socket (TCP or Unix), which the server owns from now on."""
        loop = self._service.loop
        backlog = self._service.limits.backlog
        if sock.family == socket.AF_UNIX:
            self._server = await loop.create_unix_server(self._connect, sock=sock, backlog=backlog)
        else:
            self._server = await loop.create_server(self._connect, sock=sock, backlog=backlog)
        self._sweep()

    async def drain(self, timeout_s: float) -> None:
        """Stop accepting, let running requests finish, then cut what is left."""
        service = self._service
        service.draining = True
        if self._server is not None:
            self._server.close()
        for connection in tuple(service.connections):
            connection.wind_down()
        await self._wait_until_empty(timeout_s)
        for connection in tuple(service.connections):
            connection.cut()
        await self._wait_until_empty(CUT_GRACE_S)
        if self._sweeper is not None:
            self._sweeper.cancel()

    def _connect(self) -> asyncio.Protocol:
        if self._tls is None:
            return Connection(self._service, tls=False)
        return TlsProtocol(Connection(self._service, tls=True), self._tls)

    async def _wait_until_empty(self, timeout_s: float) -> None:
        service = self._service
        if not service.connections:
            return
        service.emptied.clear()
        try:
            await asyncio.wait_for(service.emptied.wait(), timeout_s)
        except TimeoutError:
            return

    def _sweep(self) -> None:
        """End what is past its deadline. One timer for all: a timer per request would cost a microsecond each."""
        service = self._service
        now = service.loop.time()
        for connection in [live for live in service.connections if live.deadline < now]:
            connection.expire(now)
        self._sweeper = service.loop.call_later(service.limits.sweep_interval_s, self._sweep)
