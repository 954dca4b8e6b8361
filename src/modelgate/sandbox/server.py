"""The ASGI application of all make-believe vendors, and what serves it."""

import asyncio
import socket
import ssl
from collections.abc import Callable
from pathlib import Path

import uvicorn
from starlette.applications import Starlette
from starlette.routing import BaseRoute
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from modelgate.core.clock import Clock, system_clock
from modelgate.sandbox.anthropic import AnthropicSandbox
from modelgate.sandbox.count import Counter, count_routes
from modelgate.sandbox.faults import DROP
from modelgate.sandbox.gemini import GeminiSandbox
from modelgate.sandbox.openai import OpenaiSandbox
from modelgate.sandbox.task_vendor import load_task_vendors
from modelgate.sandbox.tokens import Tokenizer

KEEP_ALIVE_S = 75
SHUTDOWN_S = 5
BACKLOG = 1024


class DroppableProtocol(HttpToolsProtocol):
    """uvicorn's protocol, which also hands each request the means to drop its connection."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn itself narrows it
        super().connection_made(transport)
        self.app_state = {**self.app_state, DROP: transport.close}


def make_app(*, tokenizer: Tokenizer, clock: Clock = system_clock, folder: Path | None = None, shown_url: str = "") -> Starlette:
    """Return the application: OpenAI, Anthropic and Gemini at the root, where the request shows which is meant, also under `/openai`,
    `/anthropic` and `/gemini`; the vendors of tasks each under its own name, the count at `/sandbox/requests`.

    Tasks are kept in `folder`; without one they die with the process. `shown_url` is where callers find what they are given by address as
    it is, empty: where requests come to. Raises OSError: the folder cannot be used.
    """
    counter = Counter()
    vendors = [one.open(counter=counter, clock=clock, folder=folder, shown_url=shown_url) for one in load_task_vendors()]
    routes: list[BaseRoute] = [
        *AnthropicSandbox(tokenizer=tokenizer, counter=counter, clock=clock).routes(),
        *GeminiSandbox(tokenizer=tokenizer, counter=counter).routes(),
        *OpenaiSandbox(
            tokenizer=tokenizer, counter=counter, clock=clock, shown_url=shown_url
        ).routes(),  # after the others, for its paths have no sign
        *(route for vendor in vendors for route in vendor.routes()),
        *count_routes(counter),
    ]
    return Starlette(routes=routes)


class SandboxServer(uvicorn.Server):
    """Serves the application on a listening socket and says when it is ready."""

    def __init__(self, config: uvicorn.Config, *, on_ready: Callable[[], None] | None) -> None:
        super().__init__(config)
        self._on_ready = on_ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self._on_ready is not None:
            self._on_ready()


def make_server(app: Starlette, *, tls: ssl.SSLContext | None = None, on_ready: Callable[[], None] | None = None) -> SandboxServer:
    """Return a server; `await server.serve(sockets=[listening])` runs it until it is told to stop."""
    config = uvicorn.Config(
        app,
        http=DroppableProtocol,
        ws="none",
        lifespan="off",
        access_log=False,
        log_config=None,
        backlog=BACKLOG,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=SHUTDOWN_S,
        server_header=False,
        date_header=False,
    )
    config.load()
    config.ssl = tls
    return SandboxServer(config, on_ready=on_ready)
