"""Which part of a relay answers a request: chat and models here, probes here, everything else the desk."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from pathlib import Path
from typing import Any

import msgspec

from modelgate.app.processes import read_processes
from modelgate.core.errors import MethodNotAllowed
from modelgate.core.http import HeaderBlock, HttpRequest, HttpResponse
from modelgate.gateway.calls import AnyKind
from modelgate.gateway.free_calls import RESPONSES_PATH, FreeCalls
from modelgate.gateway.idempotency import RepeatableCalls
from modelgate.gateway.images_door import IMAGES_PATH, ImagesDoor
from modelgate.gateway.models import GEMINI_PREFIX as GEMINI_MODELS_PATH
from modelgate.gateway.models import PREFIX as MODELS_PATH
from modelgate.gateway.models import ModelsGateway
from modelgate.gateway.passage import Passage
from modelgate.gateway.paths import count_of, format_of, proper_path, usual_format

_JSON = HeaderBlock(b"content-type: application/json\r\n")


class RelayRouter:
    """`handle` is what the edge calls."""

    def __init__(
        self,
        *,
        calls: RepeatableCalls,
        kinds: Mapping[str, AnyKind],
        free: FreeCalls,
        models: ModelsGateway,
        images: ImagesDoor,
        passage: Passage,
        processes_path: Path,
        health: Callable[[], Awaitable[dict[str, bool]]],
    ) -> None:
        """`health` tells of each process this relay knows at first hand whether it serves, within a bound of its own."""
        self._calls = calls
        self._kinds = kinds
        self._free = free
        self._models = models
        self._images = images
        self._passage = passage
        self._processes_path = processes_path
        self._health = health

    def handle(self, request: HttpRequest) -> Coroutine[Any, Any, HttpResponse]:
        """Answer one request of a client.

        Raises (when awaited):
            MethodNotAllowed: the path is served with another method. Overloaded: the desk is being started again.
        """
        if request.method == "POST" and (kind := self._kinds.get(usual_format(request.path))) is not None:
            return self._calls.handle(request, kind)  # nothing of ours around it on every request's way
        return self._handle(request)

    async def _handle(self, request: HttpRequest) -> HttpResponse:
        path = request.path
        if path == "/healthz":
            _allow(request, "GET", "HEAD")
            return HttpResponse(status=200, headers=_JSON, body=b'{"alive":true}\n')
        if path == "/readyz":
            _allow(request, "GET", "HEAD")
            return await self._readiness()
        path = proper_path(path)
        if path == IMAGES_PATH and request.method == "POST":
            request.path = path
            if (answer := await self._images.handle(request)) is not None:
                return answer
        kind = self._kinds.get(format_of(path))
        if kind is not None:
            request.path = path
            _allow(request, "POST")
            return await self._calls.handle(request, kind)
        if dialect := count_of(path):
            request.path = path
            _allow(request, "POST")
            return await self._free.count(request, dialect)
        if path.startswith(RESPONSES_PATH + "/"):
            request.path = path
            return await self._free.stored(request)
        if path in (MODELS_PATH, GEMINI_MODELS_PATH) or path.startswith((MODELS_PATH + "/", GEMINI_MODELS_PATH + "/")):
            request.path = path
            _allow(request, "GET", "HEAD")
            return await self._models.handle(request)
        return await self._passage.handle(request)

    async def _readiness(self) -> HttpResponse:
        """Say which process is missing or does not answer, with 503, or that all are there."""
        written = read_processes(self._processes_path)
        processes = {name: facts.ready for name, facts in written.processes.items()} if written is not None else {}
        known, desk_answers = await asyncio.gather(self._health(), self._passage.is_alive())
        processes.update(known, desk=desk_answers)
        missing = [name for name, serves in processes.items() if not serves and name != "sandbox"]
        body = msgspec.json.encode({"ready": not missing, "missing": missing, "processes": processes})
        return HttpResponse(status=503 if missing else 200, headers=_JSON, body=body + b"\n")


def _allow(request: HttpRequest, *methods: str) -> None:
    if request.method not in methods:
        raise MethodNotAllowed(f"{request.method} is not served at {request.path}. Use {methods[0]}.", allowed=methods)
