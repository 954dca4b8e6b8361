"""The desk: media endpoints, result files, documentation and metrics on a private Unix socket, and the task worker beside them.

Only relays speak to its socket. They add the client's address and the request id, and take both away from what clients send.
"""

import asyncio
import contextlib
import signal
import socket
from collections.abc import Callable, Coroutine, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import structlog
import uvicorn
import uvloop
from sqlalchemy.exc import DBAPIError
from starlette.applications import Starlette
from starlette.routing import Route

import modelgate
from modelgate.app.asgi import Handler, HandlerApp
from modelgate.app.control_reach import MAX_BODY_BYTES, PREFIXES, YESCALE_PREFIX, Reach, reach_of
from modelgate.app.following import ConfigurationFollower, wait_until_prepared
from modelgate.app.later import Later
from modelgate.app.memory import give_large_blocks_back
from modelgate.app.outage import Outage
from modelgate.app.pages import PATHS, Pages, served_models
from modelgate.app.ready import report_failure, report_ready
from modelgate.app.retention import sweep_files
from modelgate.app.row_keeper import RowKeeper
from modelgate.app.sandbox_upstreams import shown_paths
from modelgate.app.settings import Settings
from modelgate.app.snapshots import installation_secret
from modelgate.app.token_counter import count_tokens
from modelgate.app.webhooks import own_origins, task_encoder, vendor_callbacks, webhook_sender
from modelgate.app.workshop import Workshop, addresses_of, file_links, log_task_fault, open_database, owner_of
from modelgate.core.clock import system_clock
from modelgate.core.errors import MethodNotAllowed, ModelgateError, Overloaded, UnknownPath
from modelgate.core.http import HeaderBlock, HttpRequest, HttpResponse
from modelgate.core.providers import Provider
from modelgate.core.records import ApiKey
from modelgate.core.sandbox import SHOWN_PREFIX
from modelgate.formats.chat.wire_format import WireFormatsOnDemand
from modelgate.formats.media.family import MediaFamily, load_media_families
from modelgate.formats.openai_chat.response import encode_error
from modelgate.gateway.callbacks import CALLBACKS_PATH, MAX_CALLBACK_BYTES, VendorCallbacks
from modelgate.gateway.families import MediaRoutes, render_error, render_family_error
from modelgate.gateway.files import FILES_PREFIX, FileLinks, Files
from modelgate.gateway.idempotency import HEADER as IDEMPOTENCY_KEY
from modelgate.gateway.idempotency import Idempotency, Spoken
from modelgate.gateway.images import ImagesGateway
from modelgate.gateway.images_door import IMAGES_PATH
from modelgate.gateway.inputs import Inputs
from modelgate.gateway.media import MediaGateway
from modelgate.gateway.previews import Previews
from modelgate.gateway.sandbox_files import SandboxFiles
from modelgate.gateway.submissions import MediaDesk, Submissions
from modelgate.gateway.token_counting import COUNT_PATH
from modelgate.gateway.waiting import Waiting
from modelgate.gateway.webhooks import DELIVERIES_PATH, REDELIVER_PATH, Deliveries, callback_check
from modelgate.identity.table import KeyTable
from modelgate.metering.periods import current_period
from modelgate.metering.rates import RateCounters
from modelgate.portal.pages import ListedModels
from modelgate.portal.web_files import WebFiles
from modelgate.providers import load_providers
from modelgate.storage.cipher import Cipher, SecretUnusable, WrongSecret
from modelgate.storage.claims import DatabaseClaims
from modelgate.storage.database import Database, DatabaseAway, OutageListener
from modelgate.storage.identity import find_key
from modelgate.storage.migrations import DatabaseUnusable
from modelgate.storage.webhooks import DatabaseWebhookStore
from modelgate.telemetry.counts import counts_file
from modelgate.telemetry.logs import configure_logs
from modelgate.telemetry.metrics import Metrics
from modelgate.telemetry.metrics_page import other_files, render_page

if TYPE_CHECKING:
    from modelgate.app.control import ControlRoom
    from modelgate.portal.site import Site

KEEP_ALIVE_S = 75
FLUSH_S = 1.0
DATABASE_RETRY_AFTER_S = 2.0
BACKLOG = 2048
SOCKET_MODE = 0o600
"""Whoever may connect is believed about client addresses, so nobody but this user may."""

_JSON = HeaderBlock.of(("content-type", "application/json"))
_log = structlog.get_logger("desk")


class Server(uvicorn.Server):
    """uvicorn without its signal handlers: the desk decides when to stop."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class Desk:
    """Composition of the desk."""

    def __init__(self, settings: Settings, database: Database, secret: bytes) -> None:
        self._settings = settings
        self._database = database
        self._secret = secret
        self._counts_file = counts_file(settings.metrics_path, "desk")
        self._families = load_media_families()
        self._routes = MediaRoutes(self._families)
        self._wire_formats = WireFormatsOnDemand()

    async def run(self, stop: asyncio.Event) -> None:
        """Serve until `stop` is set; then finish what runs, within the settings' bound."""
        settings = self._settings
        providers = load_providers()
        keys = KeyTable(self._look_up)
        follower = ConfigurationFollower(
            self._database, Cipher(self._secret), settings, providers=providers, clock=system_clock, on_keys_changed=keys.forget
        )
        await follower.follow()
        links = file_links(settings, self._secret)
        workshop = self._workshop(follower, providers=providers, links=links)
        rates = RateCounters(settings.rates_path, writer=settings.workers, writers=settings.workers + 1)
        metrics = Metrics(self._counts_file)
        desk = MediaDesk(keys=keys, rates=rates, configuration=follower.current, providers=providers, metrics=metrics, clock=system_clock)
        submissions = Submissions(
            desk,
            inputs=Inputs(blobs=workshop.blobs, fetcher=workshop.fetcher, own_file=links.key_of),
            store=workshop.store,
            mover=workshop.mover,
            log_fault=log_task_fault,
            check_callback=callback_check(ports=settings.fetch_ports, own=own_origins(settings)),
        )
        previews = Previews(workshop.fetcher, upstreams=workshop.upstreams, clock=system_clock, proxy_for=workshop.proxy_for)
        files = Files(workshop.blobs, links, clock=system_clock, previews=previews)
        waiting = Waiting(store=workshop.store, submissions=submissions, mover=workshop.mover, clock=system_clock)
        media = MediaGateway(
            desk,
            routes=self._routes,
            submissions=submissions,
            store=workshop.store,
            links=links,
            files=files,
            waiting=waiting,
            wait_s=settings.image_wait_s,
        )
        blobs, wait_s = workshop.blobs, settings.image_wait_s
        images = ImagesGateway(desk, submissions=submissions, waiting=waiting, blobs=blobs, links=links, wait_s=wait_s)
        claims = DatabaseClaims(self._database, owner=owner_of("desk", settings.data_path), clock=system_clock)
        await claims.settle()
        once = Once(Idempotency(claims, keys=keys, clock=system_clock, log_fault=log_task_fault), routes=self._routes)
        deliveries = Deliveries(keys=keys, tasks=workshop.store, store=DatabaseWebhookStore(self._database), clock=system_clock)
        callbacks = vendor_callbacks(self._secret, workshop=workshop, providers=providers)
        reach = reach_of(
            settings, follower, transport=workshop.transport, providers=providers, cancel=submissions.cancel, urls_of=links.urls_of
        )
        self._control = Later(partial(_make_control, settings, self._secret, reach, outage=self._database.outage))
        application = self._application(
            once.of_media(media.handle),
            once.of_images(images.handle),
            files=files,
            deliveries=deliveries,
            callbacks=callbacks,
            sandbox=SandboxFiles(workshop.transport, socket=settings.sandbox_socket),
            metrics=metrics,
            models=lambda: served_models(follower.current(), providers),
        )
        following = [asyncio.create_task(loop) for loop in (follower.run(), _flush(metrics), *self._keepers(desk, workshop))]
        encode = task_encoder(self._families, links)
        sender = webhook_sender(settings, self._database, self._secret, workshop=workshop, encode=encode, count=metrics.webhook_tried)
        working = [asyncio.create_task(work) for work in (workshop.worker.run(stop), sender.run(stop))]
        await self._serve(application, stop)
        await submissions.drain(settings.drain_s)
        await asyncio.gather(*working)
        for loop in following:
            loop.cancel()
        await workshop.close()
        if self._control.made is not None:
            self._control.made.close()
        rates.close()

    def _workshop(self, follower: ConfigurationFollower, *, providers: Mapping[str, Provider], links: FileLinks) -> Workshop:
        """Return what moves this process's tasks."""
        return Workshop(
            self._settings,
            self._database,
            follower,
            role="desk",
            providers=providers,
            clock=system_clock,
            addresses=addresses_of(self._settings, self._secret, links),
            families=self._families,
        )

    def _keepers(self, desk: MediaDesk, workshop: Workshop) -> Iterator[Coroutine[Any, Any, None]]:
        """Yield what writes down and removes rows and files, each for as long as the desk runs."""
        keeper = RowKeeper(
            self._database, refusals=desk.refusals, settings=lambda: desk.configuration().snapshot.settings, clock=system_clock
        )
        yield keeper.run()
        yield sweep_files(workshop.blobs, days=self._settings.file_retention_days, clock=system_clock)

    def _application(
        self,
        media: Handler,
        images: Handler,
        *,
        files: Files,
        deliveries: Deliveries,
        callbacks: VendorCallbacks,
        sandbox: SandboxFiles,
        metrics: Metrics,
        models: Callable[[], ListedModels],
    ) -> Starlette:
        """Return the routes: media families and account API by prefix, pictures, files, the site, metrics, health; the rest is 404."""
        base_url = self._settings.base_url
        site = Later(partial(_make_site, self._families, base_url))
        pages = Pages(site, web=WebFiles(), models=models, base_url=base_url)

        async def health(_: HttpRequest) -> HttpResponse:
            return HttpResponse(status=200, headers=_JSON, body=b'{"alive":true}\n')

        async def show_metrics(_: HttpRequest) -> HttpResponse:
            text = await asyncio.to_thread(lambda own: render_page(own, other_files(self._counts_file)), metrics.current())
            return HttpResponse(status=200, headers=HeaderBlock.of(("content-type", "text/plain; version=0.0.4; charset=utf-8")), body=text)

        async def control(request: HttpRequest) -> HttpResponse:
            return await (await self._control.get()).handle(request)

        async def unknown(request: HttpRequest) -> HttpResponse:
            raise UnknownPath(f"There is nothing at {request.path[:200]}.")

        reading = ("GET", "HEAD")
        routes = [
            *(Route(path, self._app(_only(reading, pages.handle))) for path in PATHS),
            Route("/metrics", self._app(_only(reading, show_metrics))),
            Route("/healthz", self._app(_only(reading, health))),
            Route(COUNT_PATH, self._app(_only(("POST",), count_tokens)), methods=["POST"]),
            Route(IMAGES_PATH, self._app(_only(("POST",), _with_database(images)))),
            Route(FILES_PREFIX + "{file}", self._app(_only(reading, files.handle))),
            *(Route(SHOWN_PREFIX + path, self._app(_only(reading, sandbox.handle))) for path in shown_paths()),
            Route(CALLBACKS_PATH, self._app(_with_database(callbacks.handle), max_body_bytes=MAX_CALLBACK_BYTES)),
            Route(DELIVERIES_PATH, self._app(_with_database(deliveries.handle_list))),
            Route(REDELIVER_PATH, self._app(_with_database(deliveries.handle_redeliver))),
            *(Route(prefix + "{rest:path}", self._app(_with_database(control), max_body_bytes=MAX_BODY_BYTES)) for prefix in PREFIXES),
            *(Route(prefix + "{rest:path}", self._app(_with_database(media))) for family in self._families for prefix in family.prefixes),
            Route("/{rest:path}", self._app(unknown)),
        ]
        return Starlette(routes=routes)

    def _app(self, handle: Handler, *, max_body_bytes: int | None = None) -> HandlerApp:
        return HandlerApp(
            handle,
            render_error=self._render_error,
            log_fault=_log_fault,
            max_body_bytes=max_body_bytes or self._settings.max_body_bytes,
            clock=system_clock,
        )

    def _render_error(self, error: ModelgateError, request: HttpRequest) -> HttpResponse:
        if request.path.startswith(YESCALE_PREFIX):
            return _encode_yescale_error(error, request.id)
        return render_error(self._routes, self._wire_formats, error, path=request.path, request_id=request.id)

    async def _look_up(self, digest: str) -> tuple[ApiKey | None, str, float | None]:
        key = await self._database.fetch(find_key, digest)
        if key is None:
            return None, "", None
        return key, *current_period(key.limit_reset, system_clock())

    async def _serve(self, application: Starlette, stop: asyncio.Event) -> None:
        listening = listen_on(Path(self._settings.desk_socket))
        server = Server(
            uvicorn.Config(
                application,
                http="httptools",
                ws="none",
                lifespan="off",
                loop="none",
                log_config=None,
                access_log=False,
                server_header=False,
                date_header=False,
                proxy_headers=False,
                timeout_keep_alive=KEEP_ALIVE_S,
                timeout_graceful_shutdown=self._settings.drain_s,
                backlog=BACKLOG,
            )
        )
        serving = asyncio.create_task(server.serve(sockets=[listening]))
        stopping = asyncio.create_task(stop.wait())
        report_ready(role="desk")
        await asyncio.wait((serving, stopping), return_when=asyncio.FIRST_COMPLETED)
        server.should_exit = True
        stopping.cancel()
        await serving


# What nobody may ask for is imported when somebody does: 10 MB and a fifth of a second that a start does without.


def _make_control(settings: Settings, secret: bytes, reach: Reach, *, outage: OutageListener | None) -> "ControlRoom":
    from modelgate.app.control import ControlRoom  # noqa: PLC0415

    return ControlRoom(settings, secret, reach=reach, outage=outage)


def _encode_yescale_error(error: ModelgateError, request_id: str) -> HttpResponse:
    from modelgate.control.yescale import encode_yescale_error  # noqa: PLC0415

    return encode_yescale_error(error, request_id)


def _make_site(families: tuple[MediaFamily, ...], base_url: str) -> "Site":
    from modelgate.app.endpoints import every_endpoint  # noqa: PLC0415
    from modelgate.portal.site import Site  # noqa: PLC0415

    return Site(every_endpoint(families), version=modelgate.__version__, base_url=base_url)


class Once:
    """Handlers whose answers to requests with an `Idempotency-Key` are given again."""

    def __init__(self, idempotency: Idempotency, *, routes: MediaRoutes) -> None:
        self._idempotency = idempotency
        self._routes = routes

    def of_media(self, handle: Handler) -> Handler:
        """Return a handler that serves media families."""

        async def once(request: HttpRequest) -> HttpResponse:
            family = self._routes.family_of(request.path)
            if family is None or not _is_repeatable(request):
                return await handle(request)
            request.path = request.path.rstrip("/")
            return await self._idempotency.answer(request, Spoken(partial(render_family_error, family)), lambda _: handle(request))

        return once

    def of_images(self, handle: Handler) -> Handler:
        """Return a handler that speaks OpenAI's dialect."""

        async def once(request: HttpRequest) -> HttpResponse:
            if not _is_repeatable(request):
                return await handle(request)
            return await self._idempotency.answer(request, Spoken(encode_error), lambda _: handle(request))

        return once


def _is_repeatable(request: HttpRequest) -> bool:
    return request.method == "POST" and request.headers.get(IDEMPOTENCY_KEY) is not None


def _with_database(handle: Handler) -> Handler:
    async def mapped(request: HttpRequest) -> HttpResponse:
        try:
            return await handle(request)
        except DBAPIError as error:
            _log_fault(error, request)
            raise Overloaded(retry_after_s=DATABASE_RETRY_AFTER_S) from error

    return mapped


async def _flush(metrics: Metrics) -> None:
    while True:
        await asyncio.sleep(FLUSH_S)
        metrics.flush()


def listen_on(path: Path) -> socket.socket:
    """Return a listening Unix socket at a path, replacing what a dead predecessor left there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listening.bind(str(path))
    path.chmod(SOCKET_MODE)
    listening.listen(BACKLOG)
    listening.setblocking(False)
    return listening


def _only(methods: tuple[str, ...], handle: Handler) -> Handler:
    async def checked(request: HttpRequest) -> HttpResponse:
        if request.method not in methods:
            raise MethodNotAllowed(allowed=methods)
        return await handle(request)

    return checked


def main(settings: Settings) -> None:
    """Serve until SIGTERM. Ends with status 1 and one reported line when it cannot begin."""
    configure_logs(level=settings.log_level, format=settings.log_format, role="desk")
    give_large_blocks_back()
    try:
        wait_until_prepared(settings.database_url)
        uvloop.run(_serve_until_told(settings, installation_secret(settings)))
    except (DatabaseUnusable, SecretUnusable, WrongSecret, OSError, ValueError) as error:
        report_failure(f"desk: {error}")
        raise SystemExit(1) from error


async def _serve_until_told(settings: Settings, secret: bytes) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    database = open_database(settings, Outage())
    try:
        await Desk(settings, database, secret).run(stop)
    finally:
        database.close()


def _log_fault(error: Exception, request: HttpRequest) -> None:
    if not isinstance(error, DatabaseAway):  # that has been said
        _log.error("fault", request_id=request.id, path=request.path, exc_info=error)
