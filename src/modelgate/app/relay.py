"""The relay process: the edge in front, chat served here, everything else passed to the desk.

It runs no SQL but its own journal, works from a configuration pushed by the book, and never forks: its journal's lock is what
tells others that it lives.
"""

import asyncio
import gc
import signal
import socket
from pathlib import Path

import uvloop

from modelgate.app.book_link import BookLink
from modelgate.app.data_directory import CannotStart
from modelgate.app.https import server_tls
from modelgate.app.operator_settings import OPERATOR_SETTINGS
from modelgate.app.proxies import proxy_for
from modelgate.app.ready import report_failure, report_ready
from modelgate.app.relay_router import RelayRouter
from modelgate.app.settings import Settings
from modelgate.core.clock import system_clock
from modelgate.core.errors import ModelgateError
from modelgate.core.ids import new_id
from modelgate.core.providers import operation_of
from modelgate.core.records import Snapshot
from modelgate.edge.limits import EdgeLimits
from modelgate.edge.server import EdgeServer
from modelgate.formats.chat.wire_format import load_wire_formats
from modelgate.formats.media.family import load_media_families
from modelgate.formats.single.single_format import load_single_formats
from modelgate.gateway.cached_calls import HIT_PRICE_SETTING, CachedCalls
from modelgate.gateway.call import CallDesk
from modelgate.gateway.calls import AnyKind, CallGateway
from modelgate.gateway.chat import chat_kinds
from modelgate.gateway.chat_inputs import FetchedImages
from modelgate.gateway.configuration import Configuration
from modelgate.gateway.families import MediaRoutes, render_error
from modelgate.gateway.free_calls import FreeCalls
from modelgate.gateway.idempotency import Idempotency, RepeatableCalls
from modelgate.gateway.images_door import ImagesDoor
from modelgate.gateway.models import ModelsGateway
from modelgate.gateway.passage import Passage
from modelgate.gateway.refusals import RefusalLog
from modelgate.gateway.single import single_kinds
from modelgate.gateway.token_counting import TokenCounting
from modelgate.gateway.usual_calls import UsualCalls
from modelgate.identity.keys import parse_networks
from modelgate.identity.table import KeyTable
from modelgate.metering.leases import Leases
from modelgate.metering.meter import Meter
from modelgate.metering.price_list import read_shipped_prices
from modelgate.metering.rates import RateCounters
from modelgate.providers import load_providers
from modelgate.routing.health import Health
from modelgate.storage.journal import JournalBroken
from modelgate.storage.journal_writer import JournalWriter
from modelgate.telemetry.counts import counts_file
from modelgate.telemetry.logs import configure_logs, log
from modelgate.telemetry.metrics import Metrics
from modelgate.transport.client import Transport
from modelgate.transport.guard import GuardedFetcher

FIRST_CONFIGURATION_S = 30.0
BROKEN_GRACE_S = 1.0
"""A relay that lost its journal or its right to spend says 503 for so long, then exits."""
BROKEN_EXIT_CODE = 3
LEFT_STREAMS_POLL_S = 0.1
LAST_COUNT_S = 1.0
"""What the words of streams that were ended get to be counted; then their size tells."""
METRICS_FLUSH_S = 1.0
COLLECT_AFTER_ALLOCATIONS = 50_000


def main(settings: Settings, *, index: int, listen_fd: int) -> None:
    """Run one relay until SIGTERM on the listening socket passed by the supervisor."""
    configure_logs(level=settings.log_level, format=settings.log_format, role=f"relay-{index}")
    try:
        uvloop.run(Relay(settings, index=index).run(socket.socket(fileno=listen_fd)))
    except TimeoutError:
        report_failure(f"relay {index}: the book sent no configuration within {FIRST_CONFIGURATION_S:.0f} s")
        raise SystemExit(1) from None
    except (CannotStart, OSError, ValueError) as error:
        report_failure(f"relay {index}: {error}")
        raise SystemExit(1) from error


class Relay:
    """Composition of one relay. Make it inside the running event loop's reach; everything it needs is made in `run`."""

    def __init__(self, settings: Settings, *, index: int) -> None:
        self._settings = settings
        self._index = index
        self._configuration: Configuration | None = None
        self._configured = asyncio.Event()
        self._stop = asyncio.Event()
        self._is_broken = False
        self._providers = load_providers()
        self._shipped = read_shipped_prices()
        self._wire_formats = load_wire_formats()

    async def run(self, listening: socket.socket) -> None:
        """Serve until told to stop; then finish what runs and give all money back."""
        settings = self._settings
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, self._stop.set)
        self._transport = Transport()
        self._metrics = Metrics(counts_file(settings.metrics_path, f"relay-{self._index}"))
        self._compose_money()
        self._compose_gateway()
        self._meter.start()
        self._link.start()
        await asyncio.wait_for(self._configured.wait(), FIRST_CONFIGURATION_S)
        edge = self._make_edge()
        await edge.start(listening)
        keepers = [asyncio.create_task(self._calls.keep_streams()), asyncio.create_task(self._keep_metrics(edge))]
        _calm_collector()
        report_ready(role="relay", index=self._index)
        await self._stop.wait()
        deadline = asyncio.get_running_loop().time() + (BROKEN_GRACE_S if self._is_broken else settings.drain_s)
        await edge.drain(deadline - asyncio.get_running_loop().time())
        await self._wait_for_left_streams(deadline)
        for keeper in keepers:
            keeper.cancel()
        if not self._is_broken:
            await self._calls.end_streams(LAST_COUNT_S)
            await self._meter.close()
        self._metrics.flush()
        await self._link.close()
        await self._transport.close()
        if self._is_broken:
            raise SystemExit(BROKEN_EXIT_CODE)

    def _compose_money(self) -> None:
        settings = self._settings
        incarnation = new_id("inc")
        self._journal = JournalWriter.create(settings.journal_path, incarnation=incarnation, synchronous=settings.journal_sync)
        self._leases = Leases(clock=system_clock)
        self._meter = Meter(journal=self._journal, leases=self._leases, clock=system_clock, on_broken=self._break, broken_by=JournalBroken)
        self._link = BookLink(
            Path(settings.book_socket),
            incarnation=incarnation,
            leases=self._leases,
            meter=self._meter,
            on_snapshot=self._configure,
            on_keys_changed=lambda ids: self._keys.forget(ids),
            on_fenced=self._break,
        )
        self._keys = KeyTable(self._link.lookup)

    def _compose_gateway(self) -> None:
        settings = self._settings
        rates = RateCounters(settings.rates_path, writer=self._index, writers=settings.workers + 1)  # and the desk
        self._refusals = RefusalLog()
        counter = TokenCounting(transport=self._transport, socket=settings.desk_socket)
        desk = CallDesk(
            meter=self._meter, rates=rates, metrics=self._metrics, clock=system_clock, count_tokens=counter.count, refusals=self._refusals
        )
        images = FetchedImages(GuardedFetcher(self._transport))
        kinds: dict[str, AnyKind] = {**chat_kinds(self._wire_formats, images=images), **single_kinds(load_single_formats())}
        cached = CachedCalls(keys=self._keys, desk=desk, hit_price=self._hit_price)
        health = Health()
        self._calls = CallGateway(
            keys=self._keys,
            desk=desk,
            transport=self._transport,
            health=health,
            configuration=lambda: self._configuration,
            log_fault=_log_fault,
            by_cache=cached,
        )
        self._usual = UsualCalls(
            self._calls,
            kinds=kinds,
            keys=self._keys,
            desk=desk,
            transport=self._transport,
            health=health,
        )
        idempotency = Idempotency(self._link.claims, keys=self._keys, clock=system_clock, log_fault=_log_fault)
        operations = {operation_of(name) for provider in self._providers.values() for name in (*provider.formats, *provider.media)}
        models = ModelsGateway(
            keys=self._keys,
            configuration=lambda: self._configuration,
            operations=tuple(sorted(operations)),
            wire_formats=self._wire_formats,
            clock=system_clock,
        )
        free = FreeCalls(
            keys=self._keys,
            desk=desk,
            transport=self._transport,
            wire_formats=self._wire_formats,
            configuration=lambda: self._configuration,
            log_fault=_log_fault,
        )
        passage = Passage(transport=self._transport, socket=settings.desk_socket)
        self._router = RelayRouter(
            calls=RepeatableCalls(self._calls, idempotency=idempotency, cached=cached),
            kinds=kinds,
            free=free,
            models=models,
            images=ImagesDoor(
                keys=self._keys,
                configuration=lambda: self._configuration,
                passage=passage,
                clock=system_clock,
                wait_s=settings.image_wait_s,
            ),
            passage=passage,
            processes_path=settings.processes_path,
            health=self._health,
        )

    async def _health(self) -> dict[str, bool]:
        """Return whether we serve, and whether the book answers."""
        return {f"relay-{self._index}": not self._is_broken, "book": await self._link.answers()}

    def _hit_price(self) -> str:
        """Return the share of the original charge that an answer from the cache costs."""
        settings = self._configuration.snapshot.settings if self._configuration is not None else {}
        return settings.get(HIT_PRICE_SETTING, OPERATOR_SETTINGS[HIT_PRICE_SETTING].default)

    def _make_edge(self) -> EdgeServer:
        settings = self._settings
        families = MediaRoutes(load_media_families())
        return EdgeServer(
            self._router.handle,
            begin=self._usual.begin,
            render_error=lambda error, path, request_id: render_error(
                families, self._wire_formats, error, path=path, request_id=request_id
            ),
            log_fault=lambda error, path, request_id: _log_fault(error, request_id, path=path),
            limits=EdgeLimits(max_body_bytes=settings.max_body_bytes),
            clock=system_clock,
            tls=server_tls(settings),
            trusted_proxies=parse_networks(settings.trusted_proxies),
        )

    def _configure(self, snapshot: Snapshot) -> None:
        settings = self._settings
        try:
            self._configuration = Configuration(
                snapshot,
                providers=self._providers,
                shipped=self._shipped,
                now=system_clock(),
                proxy_for=lambda base_url: proxy_for(settings, base_url),
                ca_file=settings.ca_file,
            )
        except ValueError as error:  # a price row that cannot be used: the last good configuration stays
            log.error("configuration_refused", version=snapshot.version, reason=str(error))
            return
        self._usual.configuration = self._configuration
        self._configured.set()

    def _break(self, *_reason: object) -> None:
        """The journal or the lease is lost: stop spending, answer 503, make room for a successor."""
        self._is_broken = True
        log.error("relay_broken", index=self._index)
        self._stop.set()

    async def _keep_metrics(self, edge: EdgeServer) -> None:
        """Hand this process's counts to the shared files, and what was refused to the book, until cancelled."""
        while True:
            await asyncio.sleep(METRICS_FLUSH_S)
            self._metrics.set_connections("client", edge.connection_count)
            self._metrics.set_connections("upstream", self._transport.connections)
            self._metrics.set_journal_backlog(self._journal.last_seq - self._leases.posted_seq)
            self._metrics.flush()
            if self._link.connected:
                self._link.tell_refusals(self._refusals.take())

    async def _wait_for_left_streams(self, deadline: float) -> None:
        """Answers whose clients left are read to their end, so that they are charged for what they cost."""
        # Polling, at the end of a process: streams stay free of an event.
        while self._calls.open_streams and asyncio.get_running_loop().time() < deadline:  # noqa: ASYNC110
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
