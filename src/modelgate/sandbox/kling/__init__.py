"""The make-believe Kling: its tasks under `/kling/v1/images/…` and `/kling/v1/videos/…`, what they make at `/kling/files/`."""

import asyncio
from collections.abc import Callable, Iterable
from itertools import islice

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from modelgate.core.clock import Clock
from modelgate.core.ids import random_text
from modelgate.core.records import Json
from modelgate.sandbox.callbacks import Teller
from modelgate.sandbox.count import Counted, Counter
from modelgate.sandbox.faults import answer_submit
from modelgate.sandbox.front import METHODS, Handler, count_made, counted, guarded, json_answer, no_file, read_submit
from modelgate.sandbox.kling.checks import check_image_order, check_try_on_order
from modelgate.sandbox.kling.edit_checks import check_effects_order, check_extend_order, check_lip_sync_order
from modelgate.sandbox.kling.fields import KlingRefused
from modelgate.sandbox.kling.files import has_file, make_file
from modelgate.sandbox.kling.jobs import SUBMITTED_S, KlingJobs, KlingTask, describe_task
from modelgate.sandbox.kling.order import KlingOrder, Videos
from modelgate.sandbox.kling.token import KEY, check_token
from modelgate.sandbox.kling.video_checks import check_image_video_order, check_multi_image_order, check_text_order
from modelgate.sandbox.magic import read_magic
from modelgate.sandbox.task_vendor import TaskVendor

MAX_BODY_BYTES = 80 * 1024 * 1024
"""Four pictures of 10 MB as base64, and room for their words."""

MAX_PAGE = 500
MAX_PAGES = 1_000

Check = Callable[[dict[str, Json], Videos], KlingOrder]

PATH = "/kling/v1/images/generations"
CHECKS: dict[str, Check] = {
    PATH: check_image_order,
    "/kling/v1/images/kolors-virtual-try-on": check_try_on_order,
    "/kling/v1/videos/text2video": check_text_order,
    "/kling/v1/videos/image2video": check_image_video_order,
    "/kling/v1/videos/multi-image2video": check_multi_image_order,
    "/kling/v1/videos/video-extend": check_extend_order,
    "/kling/v1/videos/lip-sync": check_lip_sync_order,
    "/kling/v1/videos/effects": check_effects_order,
}
"""Every kind of task by its path, whose last part is the kind's name."""

_FILE_TYPES = {"png": "image/png", "mp4": "video/mp4"}


class KlingSandbox:
    """The vendor's endpoints; counts submits in `counter`, with one completion token for each picture or video ordered."""

    def __init__(
        self,
        *,
        counter: Counter,
        clock: Clock,
        recalled: Iterable[KlingTask] = (),
        remember: Callable[[KlingTask], None] | None = None,
        callbacks: Teller | None = None,
    ) -> None:
        """`recalled` are jobs of an earlier life, oldest first; `remember` is told of each new one before it is answered."""
        self._counter = counter
        self._clock = clock
        self._jobs = KlingJobs(clock=clock, recalled=recalled, remember=remember)
        self._callbacks = callbacks or Teller()

    def routes(self) -> list[Route]:
        """Return the vendor's routes."""
        routes: list[Route] = []
        submit = self._guarded(counted(self._counter, "kling", self._submit))
        for path in CHECKS:
            routes.append(Route(path, submit, methods=["POST"]))
            routes.append(Route(path, self._guarded(self._list), methods=["GET"]))
            routes.append(Route(path + "/{task_id}", self._guarded(self._fetch), methods=["GET"]))
        return [
            *routes,
            Route("/kling/files/{name}.{kind}", self._file, methods=["GET"]),
            Route("/kling/{rest:path}", self._guarded(_no_such_method), methods=METHODS),
        ]

    def _guarded(self, handler: Handler) -> Handler:
        return guarded(lambda request: check_token(request.headers.get("authorization"), now=self._clock()), handler)

    async def _submit(self, request: Request, entry: Counted) -> Response:
        body = await _read_object(request)
        order = await asyncio.to_thread(CHECKS[request.url.path], body, self._jobs.video)
        entry.model, entry.request_id = order.model or order.kind, entry.request_id or order.external_id
        magic = read_magic(order.model, order.prompt)
        if magic.error_status is not None:
            raise _provoked(magic.error_status)
        task = self._jobs.accept(order, magic=magic)
        count_made(entry, order.n)
        base_url = str(request.base_url)
        changes_s = (SUBMITTED_S, task.working_s)
        self._callbacks.follow(order.callback_url, changes_s, lambda: msgspec.json.encode(self._shown(task, base_url=base_url)))
        return await answer_submit(msgspec.json.encode(_envelope(self._shown(task, base_url=""))), magic=magic)

    def _shown(self, task: KlingTask, *, base_url: str) -> dict[str, Json]:
        parent_url = ""
        if base_url and (parent := self._jobs.task_of_video(task.order.parent)):
            parent_url = f"{base_url}kling/files/{parent.id}-0.mp4"
        return describe_task(task, now=self._clock(), base_url=base_url, parent_url=parent_url)

    async def _fetch(self, request: Request) -> Response:
        task = self._jobs.find(request.path_params["task_id"], kind=_kind_of(request))
        if task is None:
            raise KlingRefused(1203, "task not found")
        return json_answer(_envelope(self._shown(task, base_url=str(request.base_url))))

    async def _list(self, request: Request) -> Response:
        page = _page_number(request, "pageNum", default=1, most=MAX_PAGES)
        size = _page_number(request, "pageSize", default=30, most=MAX_PAGE)
        found = islice(self._jobs.youngest_first(_kind_of(request)), (page - 1) * size, page * size)
        base_url = str(request.base_url)
        return json_answer(_envelope([self._shown(task, base_url=base_url) for task in found]))

    async def _file(self, request: Request) -> Response:
        task_id, _, number = request.path_params["name"].rpartition("-")
        kind = request.path_params["kind"]
        task = self._jobs.find(task_id)
        index = int(number) if number.isdecimal() and len(number) < 3 else -1
        if task is None or index < 0 or not has_file(task.order, index=index, kind=kind) or task.state(self._clock()) != "succeed":
            return no_file()
        made = await asyncio.to_thread(make_file, task.order, index=index)
        return Response(made, media_type=_FILE_TYPES[kind], headers={"cache-control": "public, max-age=86400"})


def _kind_of(request: Request) -> str:
    """Return the kind of task that a path of `CHECKS`, or one below it, is about."""
    return request.url.path.split("/")[4]


async def _read_object(request: Request) -> dict[str, Json]:
    too_large = KlingRefused(1200, "request body is too large", status=413)
    not_json = KlingRefused(1200, "request body is not valid JSON, or Content-Type not application/json")
    body = await read_submit(request, limit_bytes=MAX_BODY_BYTES, too_large=too_large, not_json=not_json)
    if not isinstance(body, dict):
        raise KlingRefused(1200, "request body must be a JSON object")
    return body


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


def _envelope(data: Json) -> Json:
    return {"code": 0, "message": "SUCCEED", "request_id": random_text(22), "data": data}


async def _no_such_method(request: Request) -> Response:
    raise KlingRefused(1202, f"method not found: {request.method} {request.url.path[:200]}")


VENDOR = TaskVendor(name="kling", key=KEY, opened=KlingSandbox, job=KlingTask)
