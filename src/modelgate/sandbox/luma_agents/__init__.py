"""The make-believe Luma Agents API: generations at `/luma-agents/v1/`, their outputs at `/luma-agents/files/` for an hour."""

import asyncio
import uuid
from collections.abc import Awaitable, Callable, Iterable

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from modelgate.core.clock import Clock, as_utc
from modelgate.core.records import Json
from modelgate.sandbox.count import Counted, Counter
from modelgate.sandbox.faults import answer_submit, request_id_of
from modelgate.sandbox.job_shelf import JobShelf
from modelgate.sandbox.luma import make_file, provoked, read_body_of, refusal
from modelgate.sandbox.luma.checks import LumaRefused, Order
from modelgate.sandbox.luma_agents.checks import KEY, check_agents_key, check_agents_order
from modelgate.sandbox.magic import Magic, read_magic
from modelgate.sandbox.task_vendor import TaskVendor

PREFIX = "/luma-agents/v1"
FILES = "/luma-agents/files"
VERSION = "2026-04-01"
QUEUED_S = 0.3
PROCESSING_S = 0.9
SLOW_TASK_S = 12.0
FILE_LIFETIME_S = 3_600
"""An address is good for this long; a new GET makes a new one."""

MAX_ACTIVE = 1_000
MAX_BODY_BYTES = 64 * 1024 * 1024
_FAILURES = {
    "blocked-prompt": ("content_moderated", "The prompt was moderated."),
    "blocked-answer": ("content_moderated", "The output was moderated."),
    "fail-task": ("generation_failed", "The prompt asked for a failed generation."),
}

Handler = Callable[[Request], Awaitable[Response]]


class AgentsGeneration(msgspec.Struct, frozen=True, kw_only=True):
    """One accepted generation. Its state follows from its age alone."""

    id: str
    type: str
    order: Order
    created_at: float
    ends_at: float
    failure: str = ""

    def state(self, now: float) -> str:
        """Return queued, processing, completed or failed."""
        if now < self.created_at + QUEUED_S:
            return "queued"
        if now < self.ends_at:
            return "processing"
        return "failed" if self.failure else "completed"


class LumaAgentsSandbox:
    """The vendor's endpoints; counts submits in `counter`, with the seconds of the video as completion tokens (1 for a picture)."""

    def __init__(
        self,
        *,
        counter: Counter,
        clock: Clock,
        recalled: Iterable[AgentsGeneration] = (),
        remember: Callable[[AgentsGeneration], None] | None = None,
    ) -> None:
        """`recalled` are generations of an earlier life, oldest first; `remember` is told of each new one."""
        self._counter = counter
        self._clock = clock
        self._made = JobShelf(recalled=recalled, remember=remember)

    def routes(self) -> list[Route]:
        """Return the vendor's routes."""
        return [
            Route(PREFIX + "/generations", self._guarded(self._submit), methods=["POST"]),
            Route(PREFIX + "/generations/{id}", self._guarded(self._fetch), methods=["GET"]),
            Route(FILES + "/{expires}/{name}", self._file, methods=["GET"]),
            Route("/luma-agents/{rest:path}", self._guarded(_not_found), methods=["GET", "POST", "PUT", "PATCH", "DELETE"]),
        ]

    def _guarded(self, handler: Handler) -> Handler:
        async def guarded(request: Request) -> Response:
            try:
                check_agents_key(request.headers.get("authorization"))
                response = await handler(request)
            except LumaRefused as refused:
                response = refusal(refused)
            response.headers["x-api-version"] = VERSION
            return response

        return guarded

    async def _submit(self, request: Request) -> Response:
        entry = self._counter.open(vendor="luma_agents", request_id=request_id_of(request))
        try:
            return await self._submitted(request, entry=entry)
        except LumaRefused as refused:
            entry.status = refused.status
            raise

    async def _submitted(self, request: Request, *, entry: Counted) -> Response:
        body = await read_body_of(request, limit_bytes=MAX_BODY_BYTES)
        order = await asyncio.to_thread(check_agents_order, body)
        for parent in order.parents:
            found = self._made.get(parent)
            if found is None or found.state(self._clock()) != "completed":
                raise LumaRefused(400, f"generation_id: {parent[:100]} is not a completed generation")
        entry.model = order.model
        magic = read_magic(order.model, order.words)
        if magic.error_status is not None:
            raise provoked(magic.error_status)
        made = self._accept(order, magic=magic, kind=body.get("type", "video"))
        entry.status, entry.completion_tokens, entry.finished = 201, order.seconds or 1, True
        return await answer_submit(msgspec.json.encode(self._shown(made, base_url="")), magic=magic, status=201)

    def _accept(self, order: Order, *, magic: Magic, kind: str) -> AgentsGeneration:
        now = self._clock()
        if sum(1 for each in self._made.youngest_first() if each.ends_at > now) >= MAX_ACTIVE:
            raise LumaRefused(429, "Too many concurrent jobs")
        lasts_s = QUEUED_S + (SLOW_TASK_S if magic.has("slow-task") else PROCESSING_S)
        failure = next((word for word in _FAILURES if magic.has(word)), "")
        made = AgentsGeneration(id=str(uuid.uuid4()), type=kind, order=order, created_at=now, ends_at=now + lasts_s, failure=failure)
        self._made.put(made)
        return made

    async def _fetch(self, request: Request) -> Response:
        found = self._made.get(request.path_params["id"])
        if found is None:
            raise LumaRefused(404, "Generation not found")
        return Response(msgspec.json.encode(self._shown(found, base_url=str(request.base_url))), media_type="application/json")

    def _shown(self, made: AgentsGeneration, *, base_url: str) -> dict[str, Json]:
        now, order = self._clock(), made.order
        state = made.state(now)
        code, reason = _FAILURES[made.failure] if state == "failed" else (None, None)
        url = f"{base_url}{FILES[1:]}/{int(now) + FILE_LIFETIME_S}/{made.id}.{order.format}"
        return {
            "id": made.id,
            "created_at": as_utc(made.created_at).isoformat().replace("+00:00", "Z"),
            "model": order.model,
            "type": made.type,
            "state": state,
            "failure_reason": reason,
            "failure_code": code,
            "output": [{"type": "video" if order.seconds else "image", "url": url}] if state == "completed" else [],
        }

    async def _file(self, request: Request) -> Response:
        made_id, _, kind = request.path_params["name"].partition(".")
        made, expires = self._made.get(made_id), request.path_params["expires"]
        if made is None or kind != made.order.format or made.state(self._clock()) != "completed":
            return Response("no such file", status_code=404, media_type="text/plain")
        if not expires.isdecimal() or int(expires[:12]) < self._clock():
            return Response("the address has expired", status_code=403, media_type="text/plain")
        content = await asyncio.to_thread(make_file, made.order)
        return Response(content, media_type="video/mp4" if made.order.seconds else "image/png")


async def _not_found(_: Request) -> Response:
    raise LumaRefused(404, "Not Found")


VENDOR = TaskVendor(name="luma_agents", key=KEY, opened=LumaAgentsSandbox, job=AgentsGeneration)
