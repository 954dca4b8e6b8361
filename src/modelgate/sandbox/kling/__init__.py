"""The make-believe Kling: its tasks under `/kling/v1/images/…` and `/kling/v1/videos/…`, what they make at `/kling/files/`."""

import asyncio
import hmac
from base64 import urlsafe_b64decode
from collections.abc import Callable, Iterable
from itertools import islice

import msgspec
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import OctKey
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from modelgate.core.clock import Clock
from modelgate.core.ids import random_text
from modelgate.core.records import Json
from modelgate.sandbox.callbacks import Teller
from modelgate.sandbox.count import Counted, Counter
from modelgate.sandbox.faults import answer_submit
from modelgate.sandbox.front import METHODS, TaskFront, count_made, json_answer, no_file, read_submit
from modelgate.sandbox.kling.checks import (
    Videos,
    check_image_order,
    check_image_video_order,
    check_multi_image_order,
    check_text_order,
    check_try_on_order,
)
from modelgate.sandbox.kling.edit_checks import check_effects_order, check_extend_order, check_lip_sync_order
from modelgate.sandbox.kling.jobs import SUBMITTED_S, KlingJobs, KlingTask, describe_task
from modelgate.sandbox.kling.schema import PROVOKED, KlingOrder, KlingRefused
from modelgate.sandbox.magic import read_magic
from modelgate.sandbox.pictures import draw_picture
from modelgate.sandbox.task_vendor import TaskVendor
from modelgate.sandbox.videos import make_video

MAX_BODY_BYTES = 80 * 1024 * 1024
"""Four pictures of 10 MB as base64, and room for their words."""

MAX_PAGE = 500
MAX_PAGES = 1_000

Check = Callable[[dict[str, Json], Videos], KlingOrder]

KEY = "sandbox-access|sandbox-secret-key-of-the-make-believe-kling"
"""Access key and secret key, joined as the family writes them."""
API_KEY = "kling-sandbox-api-key"
"""What Kling takes since 2026 in place of a signed token."""

WATERMARK = "Kling AI (make-believe)"
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


def check_token(authorization: str | None, *, now: float) -> None:
    """Check `Authorization: Bearer <JWT or API key>` as the vendor does. Raises KlingRefused 1000 to 1004."""
    if not authorization:
        raise KlingRefused(1001, "Authorization is empty")
    scheme, _, token = authorization.partition(" ")
    if scheme == "Bearer" and hmac.compare_digest(token.encode(), API_KEY.encode()):
        return
    if scheme != "Bearer" or token.count(".") != 2:
        raise KlingRefused(1002, "Authorization is invalid")
    access_key, _, secret_key = KEY.partition("|")
    if _header_of(token) != {"alg": "HS256", "typ": "JWT"}:
        raise KlingRefused(1000, "auth failed: the token's header must be alg HS256, typ JWT")
    try:
        claims = jwt.decode(token, OctKey.import_key(secret_key), algorithms=["HS256"]).claims
    except (JoseError, ValueError):
        raise KlingRefused(1002, "Authorization is invalid: signature") from None
    if claims.get("iss") != access_key:
        raise KlingRefused(1002, "Authorization is invalid: access key not found")
    if not isinstance(claims.get("exp"), int) or not isinstance(claims.get("nbf"), int):
        raise KlingRefused(1000, "auth failed: the token needs exp and nbf")
    if claims["nbf"] > now:
        raise KlingRefused(1003, "Authorization is not yet valid")
    if claims["exp"] <= now:
        raise KlingRefused(1004, "Authorization has expired")


def _header_of(token: str) -> Json:
    head = token.partition(".")[0]
    try:
        return msgspec.json.decode(urlsafe_b64decode(head + "=" * (-len(head) % 4)))
    except (ValueError, msgspec.DecodeError):
        raise KlingRefused(1002, "Authorization is invalid") from None


def has_file(order: KlingOrder, *, index: int, kind: str) -> bool:
    """Say whether a job makes such a file: `png` for each picture, `mp4` 0 for a video and 1 for the one with a watermark."""
    if order.is_video:
        return kind == "mp4" and index <= int(order.watermark)
    return kind == "png" and index < order.n


def make_file(order: KlingOrder, *, index: int) -> bytes:
    """Return the PNG or MP4. Blocks: call it in a thread."""
    words = read_magic("", order.prompt).text or order.prompt
    if not order.is_video:
        return draw_picture(words, ratio=order.ratio, variant=index, large=order.resolution == "2k", reference=order.reference)
    if index:
        words = f"{WATERMARK} {words}"
    return make_video(
        words, width=order.width, height=order.height, seconds=order.seconds, with_sound=order.sound, reference=order.reference
    )


class KlingSandbox(TaskFront[KlingTask]):
    """The vendor's endpoints; counts submits in `counter`, with one completion token for each picture or video ordered."""

    vendor = "kling"

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
        super().__init__(counter=counter, clock=clock, callbacks=callbacks)
        self._tasks = KlingJobs(clock=clock, recalled=recalled, remember=remember)

    def check(self, request: Request) -> None:
        """Let in who has the key."""
        check_token(request.headers.get("authorization"), now=self._clock())

    def routes(self) -> list[Route]:
        """Return the vendor's routes."""
        routes: list[Route] = []
        for path in CHECKS:
            routes.append(self.submits(path, self._submit))
            routes.append(self.route("GET", path, self._list))
            routes.append(self.route("GET", path + "/{task_id}", self._fetch))
        files = Route("/kling/files/{name}.{kind}", self._file, methods=["GET"])
        return [*routes, files, *(self.route(method, "/kling/{rest:path}", _no_such_method) for method in METHODS)]

    async def _submit(self, request: Request, entry: Counted) -> Response:
        body = await _read_object(request)
        order = await asyncio.to_thread(CHECKS[request.url.path], body, self._tasks.video)
        entry.model, entry.request_id = order.model or order.kind, entry.request_id or order.external_id
        magic = read_magic(order.model, order.prompt)
        if (status := magic.error_status) is not None:
            raise KlingRefused(*PROVOKED.get(status, (5000, "internal error", status)))
        task = self._tasks.accept(order, magic=magic)
        count_made(entry, order.n)
        base_url = str(request.base_url)
        changes_s = (SUBMITTED_S, task.working_s)
        self._callbacks.follow(order.callback_url, changes_s, lambda: msgspec.json.encode(self._shown(task, base_url=base_url)))
        return await answer_submit(msgspec.json.encode(_envelope(self._shown(task, base_url=""))), magic=magic)

    def _shown(self, task: KlingTask, *, base_url: str) -> dict[str, Json]:
        parent_url = ""
        if base_url and (parent := self._tasks.task_of_video(task.order.parent)):
            parent_url = f"{base_url}kling/files/{parent.id}-0.mp4"
        return describe_task(task, now=self._clock(), base_url=base_url, parent_url=parent_url)

    async def _fetch(self, request: Request) -> Response:
        task = self._tasks.find(request.path_params["task_id"], kind=_kind_of(request))
        if task is None:
            raise KlingRefused(1203, "task not found")
        return json_answer(_envelope(self._shown(task, base_url=str(request.base_url))))

    async def _list(self, request: Request) -> Response:
        page = _page_number(request, "pageNum", default=1, most=MAX_PAGES)
        size = _page_number(request, "pageSize", default=30, most=MAX_PAGE)
        found = islice(self._tasks.youngest_first(_kind_of(request)), (page - 1) * size, page * size)
        base_url = str(request.base_url)
        return json_answer(_envelope([self._shown(task, base_url=base_url) for task in found]))

    async def _file(self, request: Request) -> Response:
        task_id, _, number = request.path_params["name"].rpartition("-")
        kind = request.path_params["kind"]
        task = self._tasks.find(task_id)
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


def _envelope(data: Json) -> Json:
    return {"code": 0, "message": "SUCCEED", "request_id": random_text(22), "data": data}


async def _no_such_method(request: Request) -> Response:
    raise KlingRefused(1202, f"method not found: {request.method} {request.url.path[:200]}")


VENDOR = TaskVendor(name="kling", key=KEY, opened=KlingSandbox, job=KlingTask)
