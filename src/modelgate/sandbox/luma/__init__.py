"""The make-believe Luma: Dream Machine at `/luma/dream-machine/v1/`, its outputs at `/luma/files/`."""

import asyncio
import uuid
from collections.abc import Callable, Iterable
from functools import partial

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from modelgate.core.clock import Clock, as_utc
from modelgate.core.records import Json
from modelgate.sandbox.callbacks import Teller
from modelgate.sandbox.count import Counted, Counter
from modelgate.sandbox.faults import answer_submit
from modelgate.sandbox.front import METHODS, Handler, count_made, counted, guarded, json_answer, no_file, read_submit, refusing
from modelgate.sandbox.job_shelf import JobShelf
from modelgate.sandbox.luma.checks import CONCEPTS, KEY, KINDS, Kind, LumaRefused, Order, check_key, check_order
from modelgate.sandbox.magic import Magic, read_magic
from modelgate.sandbox.pictures import encode_picture, paint
from modelgate.sandbox.task_vendor import TaskVendor
from modelgate.sandbox.videos import make_video

PREFIX = "/luma/dream-machine/v1"
FILES = "/luma/files"
QUEUED_S = 0.3
DREAMING_S = 0.9
SLOW_TASK_S = 12.0
"""A generation is `queued`, then `dreaming`, this long; a slow one dreams for `SLOW_TASK_S`."""

MAX_ACTIVE = 1_000
MAX_BODY_BYTES = 1024 * 1024
"""Pictures come by address, so that a body is small."""

MAX_PAGE = 100
CALLBACK_RETRIES = 3
JPEG_QUALITY = 90
_FAILURES = {
    "blocked-prompt": "Prompt not allowed because advanced moderation failed",
    "blocked-answer": "The output was moderated",
    "fail-task": "The prompt asked for a failed generation.",
}


def _check(request: Request) -> None:
    check_key(request.headers.get("authorization"))


class LumaGeneration(msgspec.Struct, frozen=True, kw_only=True):
    """One accepted generation. Its state follows from its age alone. `request` is what was sent, as the vendor gives it back."""

    id: str
    order: Order
    request: dict[str, Json]
    created_at: float
    ends_at: float
    failure: str = ""
    deleted: bool = False

    def state(self, now: float) -> str:
        """Return queued, dreaming, completed or failed."""
        if now < self.created_at + QUEUED_S:
            return "queued"
        if now < self.ends_at:
            return "dreaming"
        return "failed" if self.failure else "completed"


class LumaSandbox:
    """The vendor's endpoints; counts submits in `counter`, with the seconds of the video as completion tokens (1 for a picture)."""

    def __init__(
        self,
        *,
        counter: Counter,
        clock: Clock,
        recalled: Iterable[LumaGeneration] = (),
        remember: Callable[[LumaGeneration], None] | None = None,
    ) -> None:
        """`recalled` are generations of an earlier life, oldest first; `remember` is told of each new or changed one."""
        self._counter = counter
        self._clock = clock
        self._made = JobShelf(recalled=recalled, remember=remember)
        self._callbacks = Teller(retries=CALLBACK_RETRIES)

    def routes(self) -> list[Route]:
        """Return the vendor's routes."""
        generations = PREFIX + "/generations"
        paths = {path: f"{generations}/{path}".rstrip("/") for path in KINDS if path not in ("upscale", "audio")}
        return [
            *(Route(whole, self._submit_of(KINDS[path]), methods=["POST"]) for path, whole in paths.items()),
            *(Route(f"{generations}/{{id}}/{path}", self._submit_of(KINDS[path]), methods=["POST"]) for path in ("upscale", "audio")),
            Route(generations, guarded(_check, self._list), methods=["GET"]),
            Route(generations + "/concepts/list", guarded(_check, _concepts), methods=["GET"]),
            Route(generations + "/{id}", guarded(_check, self._fetch), methods=["GET"]),
            Route(generations + "/{id}", guarded(_check, self._delete), methods=["DELETE"]),
            Route(PREFIX + "/credits", guarded(_check, _credits), methods=["GET"]),
            Route(PREFIX + "/ping", guarded(_check, _ping), methods=["GET"]),
            Route(FILES + "/{name}", self._file, methods=["GET"]),
            Route("/luma/{rest:path}", guarded(_check, refusing(lambda: LumaRefused(404, "Not Found"))), methods=METHODS),
        ]

    def _submit_of(self, kind: Kind) -> Handler:
        return guarded(_check, counted(self._counter, "luma", partial(self._submit, kind)))

    async def _submit(self, kind: Kind, request: Request, entry: Counted) -> Response:
        body = await read_body_of(request, limit_bytes=MAX_BODY_BYTES)
        order = check_order(kind, body)
        if "id" in request.path_params:
            order = _order_after(self._known(request, done=True).order, order, body)
        for parent in order.parents:
            self._finished(parent)
        entry.model = order.model
        magic = read_magic(order.model, order.words)
        if magic.error_status is not None:
            raise provoked(magic.error_status)
        made = self._accept(order, magic=magic, request={**body, "generation_type": kind.word})
        base_url = str(request.base_url)
        changes_s = (QUEUED_S, made.ends_at - made.created_at - QUEUED_S)
        self._callbacks.follow(body.get("callback_url"), changes_s, lambda: self._described(made.id, base_url=base_url))
        count_made(entry, order.seconds or 1, status=201)
        if body.get("sync"):
            until = min(made.ends_at, self._clock() + (body.get("sync_timeout") or 60))
            while (left_s := until - self._clock()) > 0:  # noqa: ASYNC110  # a clock is waited for: timers go by another, and ring early
                await asyncio.sleep(left_s)
        answer = msgspec.json.encode(self._shown(made, base_url=base_url))
        return await answer_submit(answer, magic=magic, status=200 if "id" in request.path_params else 201)

    def _accept(self, order: Order, *, magic: Magic, request: dict[str, Json]) -> LumaGeneration:
        now = self._clock()
        if sum(1 for each in self._made.youngest_first() if each.ends_at > now) >= MAX_ACTIVE:
            raise LumaRefused(429, "Too many concurrent generations")
        lasts_s = QUEUED_S + (SLOW_TASK_S if magic.has("slow-task") else DREAMING_S)
        failure = next((word for word in _FAILURES if magic.has(word)), "")
        made = LumaGeneration(id=str(uuid.uuid4()), order=order, request=request, created_at=now, ends_at=now + lasts_s, failure=failure)
        self._made.put(made)
        return made

    def _known(self, request: Request, *, done: bool = False) -> LumaGeneration:
        found = self._made.get(request.path_params["id"])
        if found is None or found.deleted:
            raise LumaRefused(404, "Generation not found")
        if done and (found.state(self._clock()) != "completed" or not found.order.seconds):
            raise LumaRefused(400, "Generation must be a completed video")
        return found

    def _finished(self, parent: str) -> None:
        found = self._made.get(parent)
        if found is None or found.deleted or found.state(self._clock()) != "completed" or not found.order.seconds:
            raise LumaRefused(400, f"keyframes: generation {parent[:100]} is not a completed video")

    async def _fetch(self, request: Request) -> Response:
        return json_answer(self._shown(self._known(request), base_url=str(request.base_url)))

    async def _list(self, request: Request) -> Response:
        limit, offset = _page_number(request, "limit", default=10), _page_number(request, "offset", default=0)
        kept = [each for each in self._made.youngest_first() if not each.deleted]
        page = [self._shown(each, base_url=str(request.base_url)) for each in kept[offset : offset + limit]]
        more = len(kept) > offset + limit
        return json_answer({"has_more": more, "count": len(kept), "limit": limit, "offset": offset, "generations": page})

    async def _delete(self, request: Request) -> Response:
        self._made.put(msgspec.structs.replace(self._known(request), deleted=True))
        return Response(status_code=204)

    def _described(self, made_id: str, *, base_url: str) -> bytes:
        made = self._made.get(made_id)
        return b"{}" if made is None else msgspec.json.encode(self._shown(made, base_url=base_url))

    def _shown(self, made: LumaGeneration, *, base_url: str) -> dict[str, Json]:
        state, order = made.state(self._clock()), made.order
        assets: Json = None
        if state == "completed":
            url = f"{base_url}{FILES[1:]}/{made.id}.{order.format}"
            assets = {"video": url if order.seconds else None, "image": None if order.seconds else url, "progress_video": None}
        return {
            "id": made.id,
            "generation_type": "video" if order.seconds else "image",
            "state": state,
            "failure_reason": _FAILURES[made.failure] if state == "failed" else None,
            "created_at": as_utc(made.created_at).isoformat().replace("+00:00", "Z"),
            "assets": assets,
            "model": order.model,
            "request": made.request,
        }

    async def _file(self, request: Request) -> Response:
        made_id, _, kind = request.path_params["name"].partition(".")
        made = self._made.get(made_id)
        if made is None or made.deleted or kind != made.order.format or made.state(self._clock()) != "completed":
            return no_file()
        content = await asyncio.to_thread(make_file, made.order)
        return Response(content, media_type={"mp4": "video/mp4", "png": "image/png"}.get(kind, "image/jpeg"))


def _order_after(parent: Order, order: Order, body: dict[str, Json]) -> Order:
    """Return the order of what is made out of a finished video: as it is, larger, or with sound."""
    words = body.get("prompt") or parent.words
    if order.with_sound:
        return msgspec.structs.replace(parent, words=words, with_sound=True)
    factor = min(order.width, order.height) / min(parent.width, parent.height)
    if factor < 1:
        raise LumaRefused(400, "resolution: Input should be larger than that of the generation")
    return msgspec.structs.replace(parent, width=round(parent.width * factor / 2) * 2, height=round(parent.height * factor / 2) * 2)


def make_file(order: Order) -> bytes:
    """Return the video or picture of an order. Blocks: call it in a thread."""
    words = read_magic("", order.words).text or order.words
    if order.seconds:
        return make_video(words, width=order.width, height=order.height, seconds=order.seconds, with_sound=order.with_sound)
    return encode_picture(paint(words, (order.width, order.height)), "png" if order.format == "png" else "jpeg", quality=JPEG_QUALITY)


async def read_body_of(request: Request, *, limit_bytes: int) -> dict[str, Json]:
    """Return the body of a submit. Raises LumaRefused."""
    too_large, not_json = LumaRefused(413, "Request body is too large"), LumaRefused(400, "Request body is not valid JSON")
    body = await read_submit(request, limit_bytes=limit_bytes, too_large=too_large, not_json=not_json)
    if not isinstance(body, dict):
        raise LumaRefused(400, "Input should be a valid dictionary")
    return body


def provoked(status: int) -> LumaRefused:
    """Return the refusal that magic asked for."""
    match status:
        case 400:
            return LumaRefused(400, "Prompt not allowed because advanced moderation failed")
        case 401:
            return LumaRefused(401, "Invalid API key")
        case 429:
            return LumaRefused(429, "Rate limit exceeded")
        case 529:
            return LumaRefused(503, "Service unavailable")
    return LumaRefused(status, "Internal server error")


def _page_number(request: Request, name: str, *, default: int) -> int:
    value = request.query_params.get(name, str(default))
    most = MAX_PAGE if name == "limit" else 1_000_000
    if not value.isdecimal() or int(value[:9]) > most:
        raise LumaRefused(400, f"{name}: Input should be a whole number up to {most}")
    return int(value)


async def _concepts(_: Request) -> Response:
    return json_answer(CONCEPTS)


async def _credits(_: Request) -> Response:
    return json_answer({"credit_balance": 100000.0})


async def _ping(_: Request) -> Response:
    return json_answer({"message": "pong"})


VENDOR = TaskVendor(name="luma", key=KEY, opened=LumaSandbox, job=LumaGeneration)
