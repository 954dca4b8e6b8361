"""The pooled HTTP/1.1 client for upstreams.

One `Transport` per process and event loop. It keeps a pool for every target, bounded in connections, idle ones and waiters, and
one coarse timer for all of their deadlines.
"""

import asyncio
import ssl
from collections import deque
from collections.abc import Coroutine
from math import inf

from modelgate.core.http import HeaderBlock
from modelgate.transport.connection import SLICE_BYTES, Connection, Listener
from modelgate.transport.errors import ConnectFailed, ConnectionBroken, TimedOut, TimeoutPhase
from modelgate.transport.framing import encode_prepared_head, encode_request_head
from modelgate.transport.response import UpstreamResponse
from modelgate.transport.target import Target, Timeouts, proxy_address, proxy_authorization

SWEEP_S = 0.25
"""How often deadlines are looked at: one timer for all, because one per exchange costs a microsecond each."""
MAX_TARGETS = 4096
KEPT_TARGETS = 256
"""Pools without a connection are forgotten (with their TLS session) when there are more."""

NO_HEADERS = HeaderBlock()
DEFAULT_TIMEOUTS = Timeouts()


class Transport:
    """Sends requests to upstreams over kept connections. Never sends a request twice."""

    def __init__(
        self,
        *,
        max_connections_per_target: int = 1024,
        max_idle_per_target: int = 256,
        max_waiting_per_target: int = 1024,
        idle_s: float = 50.0,
    ) -> None:
        self.max_connections = max_connections_per_target
        self.max_idle = max_idle_per_target
        self.max_waiting = max_waiting_per_target
        self.idle_s = idle_s
        self._pools: dict[Target, Pool] = {}
        self._contexts: dict[str, ssl.SSLContext] = {}
        self._sweep: asyncio.TimerHandle | None = None
        self.is_closed = False

    @property
    def connections(self) -> int:
        """How many connections are open, idle ones included."""
        return sum(len(pool.connections) for pool in self._pools.values())

    async def send(
        self,
        target: Target,
        *,
        method: str,
        path: str,
        headers: HeaderBlock = NO_HEADERS,
        body: bytes | bytearray = b"",
        timeouts: Timeouts = DEFAULT_TIMEOUTS,
    ) -> UpstreamResponse:
        """Send one request and return its answer as soon as the head is here.

        `path` is absolute, percent-encoded, with the query. `headers` hold neither Host nor framing nor Connection.
        Cancelling drops the connection.

        Raises:
            TransportError: see `errors`; it says whether the upstream may have seen the request.
            ValueError: method, path or headers would break the framing.
        """
        pool = self.pool(target)
        head = encode_request_head(method, path, host=pool.host, headers=headers, length=len(body), prefix=pool.prefix)
        return await self._exchange(pool, head, body, timeouts=timeouts, head_only=method == "HEAD")

    def pool(self, target: Target) -> "Pool":
        """Return the connections to a target. Raises ConnectFailed: the transport is closed, or has too many targets."""
        return self._pools.get(target) or self._new_pool(target)

    def prepare(self, target: Target, *, method: str, path: str, headers: HeaderBlock = NO_HEADERS) -> bytes:
        """Return a head for `send_prepared`. Raises ValueError as `send` does."""
        pool = self.pool(target)
        return encode_prepared_head(method, path, host=pool.host, headers=headers, prefix=pool.prefix)

    def send_prepared(
        self, target: Target, head: bytes, *, lines: bytes, body: bytes | bytearray, timeouts: Timeouts = DEFAULT_TIMEOUTS
    ) -> Coroutine[None, None, UpstreamResponse]:
        """`send` with a body on a head made by `prepare`; `lines` are header lines of our own making, each ending in CRLF."""
        pool = self.pool(target)
        whole = b"%b%bContent-Length: %d\r\n\r\n" % (head, lines, len(body))
        return self._exchange(pool, whole, body, timeouts=timeouts, head_only=False)

    async def _exchange(
        self, pool: "Pool", head: bytes, body: bytes | bytearray, *, timeouts: Timeouts, head_only: bool
    ) -> UpstreamResponse:
        if pool.proxy_header:
            head = head[:-2] + pool.proxy_header + head[-2:]
        connection = pool.take_idle() or await pool.take(timeouts.connect_s)
        large = len(body) > SLICE_BYTES
        waiter = connection.begin(head, b"" if large else body, timeouts=timeouts, head_only=head_only)
        try:
            if large:
                await connection.upload(body)
            return await waiter
        except asyncio.CancelledError:
            _give_up(connection, waiter)
            raise

    async def close(self) -> None:
        """Drop every connection; answers under way break off."""
        self.is_closed = True
        if self._sweep is not None:
            self._sweep.cancel()
            self._sweep = None
        for pool in self._pools.values():
            pool.close()
        await asyncio.sleep(0)  # lets the event loop close the sockets

    def context_of(self, target: Target) -> ssl.SSLContext:
        """Return the TLS context for a target: one per file of extra authorities, as loading them takes milliseconds.

        Raises:
            ConnectFailed: the file cannot be used.
        """
        context = self._contexts.get(target.ca_file)
        if context is None:
            context = ssl.create_default_context()
            context.set_alpn_protocols(["http/1.1"])
            try:
                if target.ca_file:
                    context.load_verify_locations(target.ca_file)
            except OSError as error:
                raise ConnectFailed(f"CA file {target.ca_file}: {error.strerror or error}") from error
            self._contexts[target.ca_file] = context
        return context

    def watch(self) -> None:
        """Make sure that deadlines are looked at while there are connections."""
        if self._sweep is None and not self.is_closed:
            self._sweep = asyncio.get_running_loop().call_later(SWEEP_S, self._look_at_deadlines)

    def _new_pool(self, target: Target) -> "Pool":
        if self.is_closed:
            raise ConnectFailed("the transport is closed")
        if len(self._pools) >= KEPT_TARGETS:
            self._pools = {known: pool for known, pool in self._pools.items() if not pool.is_empty}
        if len(self._pools) >= MAX_TARGETS:
            raise ConnectFailed("too many upstreams at once")
        pool = self._pools[target] = Pool(self, target)
        return pool

    def _look_at_deadlines(self) -> None:
        self._sweep = None
        loop = asyncio.get_running_loop()
        now, any_left = loop.time(), False
        for pool in self._pools.values():
            due = [connection for connection in pool.connections if connection.deadline < now]
            for connection in due:
                connection.expire()
            any_left = any_left or bool(pool.connections)
        if any_left:
            self.watch()


def _give_up(connection: Connection, waiter: asyncio.Future[UpstreamResponse]) -> None:
    """Drop an exchange whose caller was cancelled. An answer that is already whole has given its connection to others."""
    if not waiter.done() or waiter.cancelled():
        connection.abort()
    elif waiter.exception() is None:
        waiter.result().abort()


class Pool:
    """The connections to one target."""

    def __init__(self, transport: Transport, target: Target) -> None:
        self.target = target
        self.host = target.host_header
        self.name = f"{target.origin} over {target.socket}" if target.socket else target.origin
        self.connections: set[Connection] = set()
        self.prefix = target.origin if target.proxy and not target.tls else ""
        self._authorization = proxy_authorization(target.proxy) if target.proxy else ""
        self.proxy_header = f"Proxy-Authorization: {self._authorization}\r\n".encode() if self.prefix and self._authorization else b""
        self._transport = transport
        self._loop = asyncio.get_running_loop()
        self._idle: list[Connection] = []
        self._opening = 0
        self._waiting: deque[asyncio.Future[Connection | None]] = deque()
        self._session: ssl.SSLSession | None = None

    @property
    def is_empty(self) -> bool:
        return not (self.connections or self._opening or self._waiting)

    def take_idle(self) -> Connection | None:
        """Return the connection that was used last, if it is still open."""
        idle = self._idle
        while idle:
            connection = idle.pop()
            if connection.is_usable():
                return connection
        return None

    def ask_idle(self, data: bytes | bytearray, listener: Listener, *, timeouts: Timeouts) -> Connection | None:
        """Write a whole request on an idle connection; None when there is none, or where heads need more than the caller wrote."""
        connection = self.take_idle() if not self.proxy_header else None
        if connection is not None:
            connection.ask(data, listener, timeouts=timeouts)
        return connection

    async def take(self, within_s: float) -> Connection:
        """Return a connection: a new one, or the next that comes free. Raises ConnectFailed or TimedOut."""
        queued = False
        try:
            async with asyncio.timeout(within_s):
                while len(self.connections) + self._opening >= self._transport.max_connections:
                    queued = True
                    connection = await self._wait()
                    if connection is not None and connection.is_usable():
                        return connection
                queued = False
                return await self._open()
        except TimeoutError:
            phase: TimeoutPhase = "queue" if queued else "connect"
            raise TimedOut(f"{self.name}: no connection within {within_s:g} s", phase=phase) from None

    async def _wait(self) -> Connection | None:
        """Wait for a connection to come free (returned) or to end (None: look again)."""
        if len(self._waiting) >= self._transport.max_waiting:
            raise ConnectFailed(f"{self.name}: too many requests wait for a connection")
        waiting: asyncio.Future[Connection | None] = asyncio.get_running_loop().create_future()
        self._waiting.append(waiting)
        try:
            return await waiting
        except asyncio.CancelledError:
            if waiting.cancelled():
                self._waiting.remove(waiting)
            elif waiting.exception() is None:
                self._pass_on(waiting.result())
            raise

    def _pass_on(self, connection: Connection | None) -> None:
        """Give a connection, or the news that one may be opened, to the first who waits; else keep it."""
        while self._waiting:
            waiting = self._waiting.popleft()
            if not waiting.done():
                waiting.set_result(connection)
                return
        if connection is not None:
            self._keep(connection)

    def _keep(self, connection: Connection) -> None:
        if len(self._idle) >= self._transport.max_idle:
            connection.abort()
            return
        connection.deadline = self._loop.time() + self._transport.idle_s
        self._idle.append(connection)

    async def _open(self) -> Connection:
        if self._transport.is_closed:
            raise ConnectFailed("the transport is closed")
        self._opening += 1
        connection = Connection(self, self.name)
        try:
            await self._connect(connection)
            await self._prepare(connection)
            connection.opened()
        except (OSError, UnicodeError) as error:
            connection.abort()
            raise ConnectFailed(f"{self.name}: {getattr(error, 'strerror', None) or error}") from error
        except BaseException:
            connection.abort()
            raise
        finally:
            self._opening -= 1
            if connection.is_usable():
                self.connections.add(connection)
                self._transport.watch()
            else:
                self._pass_on(None)
        return connection

    async def _connect(self, connection: Connection) -> None:
        target = self.target
        loop = asyncio.get_running_loop()
        if target.socket:
            await loop.create_unix_connection(lambda: connection, target.socket)
            return
        host, port = proxy_address(target.proxy) if target.proxy else (target.address or target.host, target.port)
        await loop.create_connection(lambda: connection, host, port)

    async def _prepare(self, connection: Connection) -> None:
        target = self.target
        if not target.tls:
            return
        if target.proxy:
            await connection.ask_proxy(self._tunnel_request())
        name = target.server_name or target.host
        await connection.start_tls(self._transport.context_of(target), server_name=name, session=self._session)

    def _tunnel_request(self) -> bytes:
        host = self.target.address or self.target.host
        authority = f"{f'[{host}]' if ':' in host else host}:{self.target.port}"
        authorization = f"Proxy-Authorization: {self._authorization}\r\n" if self._authorization else ""
        return f"CONNECT {authority} HTTP/1.1\r\nHost: {authority}\r\n{authorization}\r\n".encode("ascii")

    # What connections say.

    def resumable(self, session: ssl.SSLSession | None) -> None:
        """A connection with a full handshake had its first answer; with TLS 1.3 the session comes that late."""
        self._session = session

    def released(self, connection: Connection) -> None:
        """An exchange ended well."""
        if self._waiting:
            connection.deadline = inf
            self._pass_on(connection)
        else:
            self._keep(connection)

    def lost(self, connection: Connection) -> None:
        """A connection is gone."""
        self.connections.discard(connection)
        if connection in self._idle:
            self._idle.remove(connection)
        self._pass_on(None)

    def close(self) -> None:
        """Break off everything."""
        for waiting in self._waiting:
            if not waiting.done():
                waiting.set_exception(ConnectFailed("the transport is closed"))
        self._waiting.clear()
        for connection in tuple(self.connections):
            connection.break_off(ConnectionBroken("the transport is closed", sent=True))
