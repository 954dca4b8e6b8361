"""The make-believe Kling: the image task at `/kling/v1/images/generations`, its pictures at `/kling/files/`."""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterable

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from modelgate.core.clock import Clock
from modelgate.core.ids import random_text
from modelgate.core.records import Json
from modelgate.sandbox.count import Counted, Counter
from modelgate.sandbox.faults import SLOW_S, BrokenAnswer, DroppedAnswer, malformed, request_id_of
from modelgate.sandbox.kling_checks import ImageOrder, KlingRefused, check_image_order, check_token
from modelgate.sandbox.magic import Magic, read_magic
from modelgate.sandbox.pictures import draw_picture

SUBMITTED_S = 0.3
PROCESSING_S = 0.9
SLOW_TASK_S = 12.0
"""A task rests in `submitted`, then in `processing`, this long; a slow one processes for `SLOW_TASK_S`."""

MAX_TASKS = 5_000
"""The oldest tasks beyond this many are forgotten, with their pictures."""

MAX_ACTIVE_PICTURES = 1_000
MAX_BODY_BYTES = 20 * 1024 * 1024
MAX_PAGE = 500
MAX_PAGES = 1_000
RETRY_AFTER_S = 1
PATH = "/kling/v1/images/generations"

Handler = Callable[[Request], Awaitable[Response]]


class KlingTask(msgspec.Struct, frozen=True, kw_only=True):
    """One accepted job. Its state follows from its age alone."""

    id: str
    order: ImageOrder
    created_at: float
    fails: bool
    slow: bool

    def state(self, now: float) -> str:
        """Return submitted, processing, succeed or failed."""
        age = now - self.created_at
        if age < SUBMITTED_S:
            return "submitted"
        if age < SUBMITTED_S + (SLOW_TASK_S if self.slow else PROCESSING_S):
            return "processing"
        return "failed" if self.fails else "succeed"

    def changed_at(self, now: float) -> float:
        """Return when the present state began."""
        done = SUBMITTED_S + (SLOW_TASK_S if self.slow else PROCESSING_S)
        begun = {"submitted": 0.0, "processing": SUBMITTED_S}.get(self.state(now), done)
        return self.created_at + begun


def _forget(_task: KlingTask) -> None:
    """Without a place to write them, jobs die with the process."""


class KlingSandbox:
    """The vendor's endpoints; counts submits in `counter`, with one completion token for each picture ordered."""

    def __init__(
        self,
        *,
        counter: Counter,
        clock: Clock,
        recalled: Iterable[KlingTask] = (),
        remember: Callable[[KlingTask], None] = _forget,
    ) -> None:
        """`recalled` are jobs of an earlier life, oldest first; `remember` is told of each new one before it is answered."""
        self._counter = counter
        self._clock = clock
        self._remember = remember
        self._tasks: OrderedDict[str, KlingTask] = OrderedDict()
        self._by_external_id: dict[str, str] = {}
        for task in recalled:
            self._take(task)

    def routes(self) -> list[Route]:
        """Return the vendor's routes."""
        return [
            Route(PATH, self._guarded(self._submit), methods=["POST"]),
            Route(PATH, self._guarded(self._list), methods=["GET"]),
            Route(PATH + "/{task_id}", self._guarded(self._fetch), methods=["GET"]),
            Route("/kling/files/{name}.png", self._file, methods=["GET"]),
            Route("/kling/{rest:path}", self._guarded(_no_such_method), methods=["GET", "POST", "PUT", "PATCH", "DELETE"]),
        ]

    def _guarded(self, handler: Handler) -> Handler:
        async def guarded(request: Request) -> Response:
            try:
                check_token(request.headers.get("authorization"), now=self._clock())
                return await handler(request)
            except KlingRefused as refused:
                return _refusal(refused)

        return guarded

    async def _submit(self, request: Request) -> Response:
        entry = self._counter.open(vendor="kling", request_id=request_id_of(request))
        try:
            return await self._submitted(request, entry=entry)
        except KlingRefused as refused:
            entry.status = refused.status
            raise

    async def _submitted(self, request: Request, *, entry: Counted) -> Response:
        body = await _read_json(request)
        order = await asyncio.to_thread(check_image_order, body)
        entry.model, entry.request_id = order.model, entry.request_id or order.external_id
        magic = read_magic(order.model, order.prompt)
        if magic.error_status is not None:
            raise _provoked(magic.error_status)
        task = self._accept(order, magic=magic)
        entry.status, entry.completion_tokens, entry.finished = 200, order.n, True
        if magic.has("slow"):
            await asyncio.sleep(SLOW_S)
        return self._answer(task, magic=magic)

    def _answer(self, task: KlingTask, *, magic: Magic) -> Response:
        if magic.has("unknown-submit"):
            return DroppedAnswer()
        body = _envelope(self._data(task, base_url=""))
        if magic.has("cut-stream") or magic.has("stalled-stream"):
            return BrokenAnswer(body, stalls=magic.has("stalled-stream"))
        return malformed(body) if magic.has("malformed-chunk") else Response(body, media_type="application/json")

    def _accept(self, order: ImageOrder, *, magic: Magic) -> KlingTask:
        if order.external_id in self._by_external_id:
            raise KlingRefused(1201, "external_task_id already exists")
        if self._active_pictures() + order.n > MAX_ACTIVE_PICTURES:
            raise KlingRefused(1303, "parallel task over resource pack limit")
        fails, slow = magic.has("fail-task"), magic.has("slow-task")
        task = KlingTask(id=random_text(22), order=order, created_at=self._clock(), fails=fails, slow=slow)
        self._remember(task)
        self._take(task)
        return task

    def _take(self, task: KlingTask) -> None:
        self._tasks[task.id] = task
        if task.order.external_id:
            self._by_external_id[task.order.external_id] = task.id
        if len(self._tasks) > MAX_TASKS:
            _, oldest = self._tasks.popitem(last=False)
            self._by_external_id.pop(oldest.order.external_id, None)

    def _active_pictures(self) -> int:
        """Count the pictures being made; the youngest tasks are last, and none works longer than a slow one."""
        now, active = self._clock(), 0
        for task in reversed(self._tasks.values()):
            if now - task.created_at > SUBMITTED_S + SLOW_TASK_S:
                break
            active += task.order.n if task.state(now) in ("submitted", "processing") else 0
        return active

    async def _fetch(self, request: Request) -> Response:
        asked = request.path_params["task_id"]
        task = self._tasks.get(self._by_external_id.get(asked, asked))
        if task is None:
            raise KlingRefused(1203, "task not found")
        return Response(_envelope(self._data(task, base_url=str(request.base_url))), media_type="application/json")

    async def _list(self, request: Request) -> Response:
        page = _page_number(request, "pageNum", default=1, most=MAX_PAGES)
        size = _page_number(request, "pageSize", default=30, most=MAX_PAGE)
        youngest_first = list(reversed(self._tasks.values()))[(page - 1) * size : page * size]
        data = [self._data(task, base_url=str(request.base_url)) for task in youngest_first]
        return Response(_envelope(data), media_type="application/json")

    def _data(self, task: KlingTask, *, base_url: str) -> dict[str, Json]:
        """Return the `data` member; with a base URL the way a fetch shows it, without as a submit answers."""
        now = self._clock()
        state = task.state(now)
        data: dict[str, Json] = {
            "task_id": task.id,
            "task_status": state,
            "task_info": {"external_task_id": task.order.external_id},
            "created_at": int(task.created_at * 1000),
            "updated_at": int(task.changed_at(now) * 1000),
        }
        if not base_url:
            return data
        data["task_status_msg"] = "The prompt asked for a failed task." if state == "failed" else ""
        if state == "succeed":
            data["final_unit_deduction"] = str(task.order.n)
            data["task_result"] = {
                "images": [{"index": index, "url": f"{base_url}kling/files/{task.id}-{index}.png"} for index in range(task.order.n)]
            }
        return data

    async def _file(self, request: Request) -> Response:
        task_id, _, index = request.path_params["name"].rpartition("-")
        task = self._tasks.get(task_id)
        if task is None or not index.isdecimal() or int(index) >= task.order.n or task.state(self._clock()) != "succeed":
            return Response("no such file", status_code=404, media_type="text/plain")
        prompt = read_magic("", task.order.prompt).text or task.order.prompt
        order = task.order
        drawn = await asyncio.to_thread(
            draw_picture, prompt, ratio=order.ratio, variant=int(index), large=order.resolution == "2k", reference=order.reference
        )
        return Response(drawn, media_type="image/png", headers={"cache-control": "public, max-age=86400"})


async def _read_json(request: Request) -> Json:
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > MAX_BODY_BYTES:
            raise KlingRefused(1200, "request body is too large", status=413)
        parts.append(part)
    if not request.headers.get("content-type", "").lower().startswith("application/json"):
        raise KlingRefused(1200, "Content-Type must be application/json")
    try:
        return msgspec.json.decode(b"".join(parts))
    except (msgspec.DecodeError, RecursionError):
        raise KlingRefused(1200, "request body is not valid JSON") from None


def _page_number(request: Request, name: str, *, default: int, most: int) -> int:
    value = request.query_params.get(name, str(default))
    if not value.isdecimal() or not 1 <= int(value[:9]) <= most:
        raise KlingRefused(1201, f"{name} value must be in [1, {most}]")
    return int(value)


def _provoked(status: int) -> KlingRefused:
    match status:
        case 400:
            return KlingRefused(1301, "the prompt asked for a content safety error")
        case 401:
            return KlingRefused(1002, "Authorization is invalid")
        case 429:
            return KlingRefused(1302, "requests are too frequent")
        case 529:
            return KlingRefused(5001, "server is temporarily unavailable", status=529)
    return KlingRefused(5000, "internal error", status=status)


def _envelope(data: Json) -> bytes:
    return msgspec.json.encode({"code": 0, "message": "SUCCEED", "request_id": random_text(22), "data": data})


def _refusal(refused: KlingRefused) -> Response:
    body = msgspec.json.encode({"code": refused.code, "message": refused.message, "request_id": random_text(22)})
    headers = {"retry-after": str(RETRY_AFTER_S)} if refused.status == 429 else None
    return Response(body, status_code=refused.status, media_type="application/json", headers=headers)


async def _no_such_method(request: Request) -> Response:
    raise KlingRefused(1202, f"method not found: {request.method} {request.url.path[:200]}")
