"""The make-believe Luma: Dream Machine at `/luma/dream-machine/v1/`, its outputs at `/luma/files/`."""

import asyncio
import uuid
from functools import partial

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from modelgate.core.clock import as_utc
from modelgate.core.records import Json
from modelgate.sandbox.body_shape import WrongField, read_shape
from modelgate.sandbox.count import Counted
from modelgate.sandbox.faults import answer_submit
from modelgate.sandbox.front import TaskFront, VendorRefused, answering, count_made, json_answer, no_file, read_submit
from modelgate.sandbox.luma.schema import CONCEPTS, KINDS, SECONDS, VIDEO, Body, Kind, Order
from modelgate.sandbox.magic import Magic, is_magic, read_magic
from modelgate.sandbox.orders import file_answer
from modelgate.sandbox.task_vendor import TaskVendor

PREFIX = "/luma/dream-machine/v1"
FILES = "/luma/files"
KEY = "luma-sandbox"
QUEUED_S = 0.3
DREAMING_S = 0.9
SLOW_TASK_S = 12.0
"""A generation is `queued`, then `dreaming`, this long; a slow one dreams for `SLOW_TASK_S`."""

MAX_ACTIVE = 1_000
MAX_BODY_BYTES = 1024 * 1024
"""Pictures come by address, so that a body is small."""

MAX_PAGE = 100
MAX_OFFSET = 1_000_000
_FAILURES = {
    "blocked-prompt": "Prompt not allowed because advanced moderation failed",
    "blocked-answer": "The output was moderated",
    "fail-task": "The prompt asked for a failed generation.",
}
_PROVOKED = {
    400: (400, "Prompt not allowed because advanced moderation failed"),
    401: (401, "Invalid API key"),
    429: (429, "Rate limit exceeded"),
    529: (503, "Service unavailable"),
}


class LumaRefused(VendorRefused):
    """The make-believe Luma refuses; `detail` is what it says."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(status, {"detail": detail}, detail)
        self.detail = detail


def check_key(authorization: str | None, secret: str = KEY) -> None:
    """Check the bearer. Raises LumaRefused 401."""
    if authorization != f"Bearer {secret}":
        raise LumaRefused(401, "Invalid API key")


def check_order(kind: Kind, body: dict[str, Json]) -> Order:
    """Check every field of a request; those nobody knows are ignored, as the vendor does. Raises LumaRefused 400."""
    try:
        model = _model_of(kind, body)
        for name in kind.needs:
            if body.get(name) is None:
                raise WrongField(name, "Field required")
        if body.get("generation_type", kind.word) != kind.word:
            raise WrongField("generation_type", f"Input should be '{kind.word}'")
        known = (*kind.needs, *kind.takes, "callback_url")
        asked = read_shape({name: value for name in known if (value := body.get(name)) is not None}, Body)
        if kind is VIDEO and not asked.prompt and not body.get("keyframes"):
            raise WrongField("prompt", "Field required")
    except WrongField as wrong:
        raise LumaRefused(400, f"{wrong.field}: {wrong.reason}") from None
    return _order_of(kind, model, asked)


def _model_of(kind: Kind, body: dict[str, Json]) -> str:
    model = str(body.get("model"))
    if not kind.models:
        return ""
    if model not in kind.models and not is_magic(model):
        raise WrongField("model", f"Input should be {' or '.join(kind.models)}")
    return model


def _order_of(kind: Kind, model: str, asked: Body) -> Order:
    width, height = asked.image_size if kind.is_image else asked.video_size
    return Order(
        model=model,
        words=asked.prompt or f"{model} {kind.word.replace('_', ' ')}",
        width=width,
        height=height,
        seconds=0 if kind.is_image else SECONDS[asked.duration],
        format=asked.format if kind.is_image else "mp4",
        with_sound=kind.word == "add_audio",
        parents=asked.parents,
    )


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


class LumaSandbox(TaskFront[LumaGeneration]):
    """The vendor's endpoints; counts submits in `counter`, with the seconds of the video as completion tokens (1 for a picture)."""

    vendor = "luma"
    retries = 3

    def check(self, request: Request) -> None:
        """Let in who has the key."""
        check_key(request.headers.get("authorization"))

    def routes(self) -> list[Route]:
        """Return the vendor's routes."""
        generations = PREFIX + "/generations"
        after = {"upscale": "/{id}/upscale", "audio": "/{id}/audio"}
        paths = {path: generations + after.get(path, f"/{path}".rstrip("/")) for path in KINDS}
        return [
            *(self.submits(paths[path], partial(self._submit, kind)) for path, kind in KINDS.items()),
            self.route("GET", generations, self._list),
            self.route("GET", generations + "/concepts/list", answering(CONCEPTS)),
            self.route("GET", generations + "/{id}", self._fetch),
            self.route("DELETE", generations + "/{id}", self._delete),
            self.route("GET", PREFIX + "/credits", answering({"credit_balance": 100000.0})),
            self.route("GET", PREFIX + "/ping", answering({"message": "pong"})),
            Route(FILES + "/{name}", self._file, methods=["GET"]),
            self.elsewhere("/luma", lambda: LumaRefused(404, "Not Found")),
        ]

    async def _submit(self, kind: Kind, request: Request, entry: Counted) -> Response:
        body = await read_body_of(request, limit_bytes=MAX_BODY_BYTES)
        order = check_order(kind, body)
        if made_id := request.path_params.get("id"):
            parent = self._known(made_id)
            if not self._is_video(parent):
                raise LumaRefused(400, "Generation must be a completed video")
            order = _order_after(parent.order, order, body)
        for frame in order.parents:
            if not self._is_video(self._jobs.get(frame)):
                raise LumaRefused(400, f"keyframes: generation {frame[:100]} is not a completed video")
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
        return await answer_submit(answer, magic=magic, status=200 if made_id else 201)

    def _accept(self, order: Order, *, magic: Magic, request: dict[str, Json]) -> LumaGeneration:
        now = self._clock()
        if sum(1 for each in self._jobs.youngest_first() if each.ends_at > now) >= MAX_ACTIVE:
            raise LumaRefused(429, "Too many concurrent generations")
        lasts_s = QUEUED_S + (SLOW_TASK_S if magic.has("slow-task") else DREAMING_S)
        made = LumaGeneration(
            id=str(uuid.uuid4()), order=order, request=request, created_at=now, ends_at=now + lasts_s, failure=magic.first_of(_FAILURES)
        )
        self._jobs.put(made)
        return made

    def _known(self, made_id: str) -> LumaGeneration:
        found = self._jobs.get(made_id)
        if found is None or found.deleted:
            raise LumaRefused(404, "Generation not found")
        return found

    def _is_video(self, made: LumaGeneration | None) -> bool:
        """Say whether there is a video to go on from."""
        return made is not None and not made.deleted and made.order.seconds > 0 and made.state(self._clock()) == "completed"

    async def _fetch(self, request: Request) -> Response:
        return json_answer(self._shown(self._known(request.path_params["id"]), base_url=str(request.base_url)))

    async def _list(self, request: Request) -> Response:
        limit, offset = _page_number(request, "limit", default=10), _page_number(request, "offset", default=0)
        kept = [each for each in self._jobs.youngest_first() if not each.deleted]
        page = [self._shown(each, base_url=str(request.base_url)) for each in kept[offset : offset + limit]]
        more = len(kept) > offset + limit
        return json_answer({"has_more": more, "count": len(kept), "limit": limit, "offset": offset, "generations": page})

    async def _delete(self, request: Request) -> Response:
        self._jobs.put(msgspec.structs.replace(self._known(request.path_params["id"]), deleted=True))
        return Response(status_code=204)

    def _described(self, made_id: str, *, base_url: str) -> bytes:
        made = self._jobs.get(made_id)
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
        made = self._jobs.get(made_id)
        if made is None or made.deleted or kind != made.order.format or made.state(self._clock()) != "completed":
            return no_file()
        return await file_answer(made.order)


def _order_after(parent: Order, order: Order, body: dict[str, Json]) -> Order:
    """Return the order of what is made out of a finished video: as it is, larger, or with sound."""
    words = body.get("prompt") or parent.words
    if order.with_sound:
        return msgspec.structs.replace(parent, words=words, with_sound=True)
    factor = min(order.width, order.height) / min(parent.width, parent.height)
    if factor < 1:
        raise LumaRefused(400, "resolution: Input should be larger than that of the generation")
    return msgspec.structs.replace(parent, width=round(parent.width * factor / 2) * 2, height=round(parent.height * factor / 2) * 2)


async def read_body_of(request: Request, *, limit_bytes: int) -> dict[str, Json]:
    """Return the body of a submit. Raises LumaRefused."""
    too_large, not_json = LumaRefused(413, "Request body is too large"), LumaRefused(400, "Request body is not valid JSON")
    body = await read_submit(request, limit_bytes=limit_bytes, too_large=too_large, not_json=not_json)
    if not isinstance(body, dict):
        raise LumaRefused(400, "Input should be a valid dictionary")
    return body


def provoked(status: int) -> LumaRefused:
    """Return the refusal that magic asked for."""
    return LumaRefused(*_PROVOKED.get(status, (status, "Internal server error")))


def _page_number(request: Request, name: str, *, default: int) -> int:
    value = request.query_params.get(name, str(default))
    most = MAX_PAGE if name == "limit" else MAX_OFFSET
    if not value.isdecimal() or int(value[:9]) > most:
        raise LumaRefused(400, f"{name}: Input should be a whole number up to {most}")
    return int(value)


VENDOR = TaskVendor(name="luma", key=KEY, opened=LumaSandbox, job=LumaGeneration)
