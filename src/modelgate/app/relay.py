"""The relay process: the edge in front, chat served here, everything else passed to the desk.

It runs no SQL but its own journal, works from a configuration pushed by the book, and never forks: its journal's lock is what
tells others that it lives.
"""

import asyncio
import gc
import signal
import socket
import ssl
from collections.abc import Awaitable, Callable
from pathlib import Path
from urllib.parse import urlsplit

import msgspec
import uvloop

from modelgate.app.book_link import BookLink
from modelgate.app.dialects import ErrorDialects
from modelgate.app.ready import report_failure, report_ready
from modelgate.app.settings import Settings
from modelgate.core.clock import system_clock
from modelgate.core.errors import MethodNotAllowed, ModelgateError
from modelgate.core.http import HeaderBlock, HttpRequest, HttpResponse
from modelgate.core.ids import new_id
from modelgate.core.records import Snapshot
from modelgate.edge.limits import EdgeLimits
from modelgate.edge.server import EdgeServer
from modelgate.formats.media.family import load_media_families
from modelgate.gateway.chat import OPERATION, ChatGateway
from modelgate.gateway.chat_call import ChatDesk
from modelgate.gateway.configuration import Configuration
from modelgate.gateway.models import ModelsGateway
from modelgate.gateway.passage import Passage
from modelgate.identity.keys import parse_networks
from modelgate.identity.table import KeyTable
from modelgate.metering.leases import Leases
from modelgate.metering.meter import Meter
from modelgate.metering.price_list import read_shipped_prices
from modelgate.metering.rates import RateCounters
from modelgate.providers import load_providers
from modelgate.storage.journal import JournalBroken
from modelgate.storage.journal_writer import JournalWriter
from modelgate.telemetry.logs import configure_logs, log
from modelgate.telemetry.metrics import Metrics
from modelgate.transport.client import Transport
from modelgate.transport.errors import TransportError
from modelgate.transport.target import is_exempt_from_proxy, target_of

Handler = Callable[[HttpRequest], Awaitable[HttpResponse]]

FIRST_CONFIGURATION_S = 30.0
BROKEN_GRACE_S = 1.0
"""A relay that lost its journal or its right to spend says 503 for so long, then exits."""
LEFT_STREAMS_POLL_S = 0.1
COLLECT_AFTER_ALLOCATIONS = 50_000
_JSON = HeaderBlock(b"content-type: application/json\r\n")


def main(settings: Settings, *, index: int, listen_fd: int) -> None:
    """Run one relay until SIGTERM on the listening socket passed by the supervisor."""
    configure_logs(level=settings.log_level, format=settings.log_format)
    try:
        uvloop.run(Relay(settings, index=index).run(socket.socket(fileno=listen_fd)))
    except (OSError, ValueError) as error:
        report_failure(f"relay {index}: {error}")
        raise SystemExit(1) from error


class Relay:
    """Composition of one relay. Everything it needs is made here and handed on."""

    def __init__(self, settings: Settings, *, index: int) -> None:
        self._settings = settings
        self._index = index
        self._configuration: Configuration | None = None
        self._configured = asyncio.Event()
        self._stop = asyncio.Event()
        self._is_broken = False
        self._providers = load_providers()
        self._shipped = read_shipped_prices()

    async def run(self, listening: socket.socket) -> None:
        """Serve until told to stop; then finish what runs and give all money back."""
        settings = self._settings
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop.set)
        incarnation = new_id("inc")
        journal = JournalWriter.create(settings.journal_path, incarnation=incarnation, synchronous=settings.journal_sync)
        leases = Leases(clock=system_clock)
        meter = Meter(journal=journal, leases=leases, clock=system_clock, on_broken=self._break, broken_by=JournalBroken)
        link = BookLink(
            Path(settings.book_socket),
            incarnation=incarnation,
            leases=leases,
            meter=meter,
            on_snapshot=self._configure,
            on_keys_changed=lambda ids: self._keys.forget(ids),
            on_fenced=self._break,
        )
        self._keys = KeyTable(link.lookup)
        transport = Transport()
        metrics = Metrics()
        rates = RateCounters(settings.rates_path, writer=self._index, writers=settings.workers + 1)
        desk = ChatDesk(meter=meter, rates=rates, metrics=metrics, clock=system_clock)
        self._chat = ChatGateway(
            keys=self._keys, desk=desk, transport=transport, configuration=lambda: self._configuration, log_fault=_log_fault
        )
        operations = tuple({name for provider in self._providers.values() for name in (*provider.formats, *provider.media)} | {OPERATION})
        self._models = ModelsGateway(keys=self._keys, configuration=lambda: self._configuration, operations=operations, clock=system_clock)
        self._passage = Passage(transport=transport, socket=settings.desk_socket)
        self._transport = transport
        self._link = link
        edge = self._make_edge()
        meter.start()
        link.start()
        await asyncio.wait_for(self._configured.wait(), FIRST_CONFIGURATION_S)
        await edge.start(listening)
        keeper = asyncio.create_task(self._chat.keep_streams())
        _calm_collector()
        report_ready(role="relay", index=self._index)
        await self._stop.wait()
        await edge.drain(BROKEN_GRACE_S if self._is_broken else settings.drain_s)
        await self._wait_for_left_streams()
        keeper.cancel()
        if not self._is_broken:
            await meter.close()
        await link.close()
        await transport.close()
        if self._is_broken:
            raise SystemExit(3)

    def _make_edge(self) -> EdgeServer:
        settings = self._settings
        tls = None
        if settings.tls_cert:
            tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            tls.load_cert_chain(settings.tls_cert, settings.tls_key)
        dialects = ErrorDialects(load_media_families())
        return EdgeServer(
            self.handle,
            render_error=dialects.render,
            log_fault=lambda error, path, request_id: _log_fault(error, request_id, path=path),
            limits=EdgeLimits(max_body_bytes=settings.max_body_bytes),
            clock=system_clock,
            tls=tls,
            trusted_proxies=parse_networks(settings.trusted_proxies),
        )

    async def handle(self, request: HttpRequest) -> HttpResponse:
        """Answer one request of a client."""
        path = request.path
        if path == "/v1/chat/completions":
            if request.method != "POST":
                raise MethodNotAllowed(f"{request.method} is not served at {path}. Use POST.")
            return await self._chat.handle(request)
        if path.startswith("/v1/"):
            return await self._openai(request)
        if path == "/healthz":
            return HttpResponse(status=200, headers=_JSON, body=b'{"alive":true}\n')
        if path == "/readyz":
            return await self._readiness()
        return await self._passage.handle(request)

    async def _openai(self, request: HttpRequest) -> HttpResponse:
        path = request.path
        while path.startswith("/v1/v1/"):  # a base URL that already ends in /v1, given to a client that adds it
            path = path[3:]
        path = path.rstrip("/")
        if path == "/v1/models" or path.startswith("/v1/models/"):
            if request.method not in ("GET", "HEAD"):
                raise MethodNotAllowed(f"{request.method} is not served at {path}. Use GET.")
            request.path = path
            return await self._models.handle(request)
        if path != request.path and path == "/v1/chat/completions":
            request.path = path
            return await self.handle(request)
        return await self._passage.handle(request)

    async def _readiness(self) -> HttpResponse:
        """Say which process is missing, with 503, or that all are there."""
        processes = {"relay": not self._is_broken, "book": self._link.connected, "desk": await self._is_desk_alive()}
        ready = all(processes.values())
        body = msgspec.json.encode(
            {"ready": ready, "processes": processes, "missing": [name for name, alive in processes.items() if not alive]}
        )
        return HttpResponse(status=200 if ready else 503, headers=_JSON, body=body + b"\n")

    async def _is_desk_alive(self) -> bool:
        target = target_of("http://desk", socket=self._settings.desk_socket)
        try:
            response = await self._transport.send(target, method="GET", path="/healthz", headers=HeaderBlock(), body=b"")
            await response.read(1024)
        except TransportError:
            return False
        return response.status == 200

    def _configure(self, snapshot: Snapshot) -> None:
        settings = self._settings
        try:
            self._configuration = Configuration(
                snapshot,
                providers=self._providers,
                shipped=self._shipped,
                now=system_clock(),
                proxy_for=self._proxy_for,
                ca_file=settings.ca_file,
            )
        except ValueError as error:  # a price row that cannot be used: the last good configuration stays
            log.error("configuration_refused", version=snapshot.version, reason=str(error))
            return
        self._configured.set()

    def _proxy_for(self, base_url: str) -> str:
        settings = self._settings
        parts = urlsplit(base_url)
        if is_exempt_from_proxy(parts.hostname or "", settings.no_proxy):
            return ""
        return settings.https_proxy if parts.scheme == "https" else settings.http_proxy

    def _break(self, *_reason: object) -> None:
        """The journal or the lease is lost: stop spending, answer 503, make room for a successor."""
        self._is_broken = True
        log.error("relay_broken", index=self._index)
        self._stop.set()

    async def _wait_for_left_streams(self) -> None:
        """Answers whose clients left are read to their end, so that they are charged for what they cost."""
        deadline = asyncio.get_running_loop().time() + (BROKEN_GRACE_S if self._is_broken else self._settings.drain_s)
        # Polling, at the end of a process: streams stay free of an event.
        while self._chat.open_streams and asyncio.get_running_loop().time() < deadline:  # noqa: ASYNC110
            await asyncio.sleep(LEFT_STREAMS_POLL_S)


def _calm_collector() -> None:
    """What is here now stays for good, and requests leave no cycles behind: looking for them cost 4 % of the CPU."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(COLLECT_AFTER_ALLOCATIONS)


def _log_fault(error: BaseException, request_id: str, *, path: str = "") -> None:
    if isinstance(error, ModelgateError):
        log.error("fault", request_id=request_id, path=path, kind=type(error).__name__)
    else:
        log.error("fault", request_id=request_id, path=path, exc_info=error)
