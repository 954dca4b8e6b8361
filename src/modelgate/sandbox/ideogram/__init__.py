"""The make-believe Ideogram 3.0: `POST /ideogram/v1/ideogram-v3/…`, answered with finished pictures, which can be fetched for a day."""

import asyncio
import hashlib
from collections.abc import Callable, Iterable

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from modelgate.core.clock import Clock, as_utc
from modelgate.core.ids import random_text
from modelgate.core.records import Json
from modelgate.sandbox.count import Counted, Counter
from modelgate.sandbox.faults import SLOW_S, BrokenAnswer, DroppedAnswer, malformed
from modelgate.sandbox.front import count_made, counted, elsewhere, guarded, no_file
from modelgate.sandbox.ideogram.checks import FIELDS, KEY, MAX_SEED, IdeogramRefused, PictureOrder, check_key, check_order
from modelgate.sandbox.job_shelf import JobShelf
from modelgate.sandbox.magic import Magic, read_magic
from modelgate.sandbox.pictures import encode_picture, paint
from modelgate.sandbox.request_body import BodyTooLarge, read_body
from modelgate.sandbox.task_vendor import TaskVendor

WORKING_S = 0.3
SLOW_TASK_S = 12.0
"""An answer takes so long; a slow one `SLOW_S`, a slow task `SLOW_TASK_S`."""
FILE_LIFETIME_S = 24 * 3600
MAX_INFLIGHT = 10
"""Pictures the vendor makes at once for one account: pictures, not requests."""
MAX_BODY_BYTES = 64 * 1024 * 1024
PREFIX = "/ideogram"
OPERATIONS_PATH = PREFIX + "/v1/ideogram-v3/"


def _check(request: Request) -> None:
    check_key(request.headers.get("api-key"))


class IdeogramJob(msgspec.Struct, frozen=True, kw_only=True):
    """One accepted request. The pictures numbered below `unsafe` were withheld."""

    id: str
    order: PictureOrder
    created_at: float
    unsafe: int

    @property
    def expires_at(self) -> int:
        """When the addresses of its pictures die, in seconds."""
        return int(self.created_at + FILE_LIFETIME_S)

    def path(self, index: int) -> str:
        """Return the signed path of one of its pictures."""
        name = f"{self.id}-{index}"
        return f"{PREFIX}/api/images/ephemeral/{name}.png?exp={self.expires_at}&sig={_signature(name, self.expires_at)}"


def _signature(name: str, expires_at: int) -> str:
    return hashlib.sha256(f"{KEY}\0{name}\0{expires_at}".encode()).hexdigest()[:32]


class IdeogramSandbox:
    """The vendor's endpoints; counts requests in `counter`, with one completion token for each picture made, withheld ones too."""

    def __init__(
        self,
        *,
        counter: Counter,
        clock: Clock,
        recalled: Iterable[IdeogramJob] = (),
        remember: Callable[[IdeogramJob], None] | None = None,
    ) -> None:
        """`recalled` are jobs of an earlier life, oldest first; `remember` is told of each new one before it is answered."""
        self._counter = counter
        self._clock = clock
        self._inflight = 0
        self._jobs = JobShelf(recalled=recalled, remember=remember)

    def routes(self) -> list[Route]:
        """Return the vendor's routes."""
        make = guarded(_check, counted(self._counter, "ideogram", self._make))
        return [
            *(Route(OPERATIONS_PATH + operation, make, methods=["POST"]) for operation in FIELDS),
            Route(PREFIX + "/api/images/ephemeral/{name}.png", self._file, methods=["GET"]),
            elsewhere(PREFIX, _check, lambda: IdeogramRefused(404, "Not Found")),
        ]

    async def _make(self, request: Request, entry: Counted) -> Response:
        operation = request.url.path.rpartition("/")[2]
        entry.model = f"ideogram-v3/{operation}"
        try:
            body = await read_body(request, limit_bytes=MAX_BODY_BYTES)
        except BodyTooLarge:
            raise IdeogramRefused(413, "Request body too large") from None
        order = await asyncio.to_thread(check_order, operation, content_type=request.headers.get("content-type", ""), body=body)
        magic = read_magic("", order.prompt)
        if magic.error_status is not None:
            raise _provoked(magic.error_status)
        if magic.has("blocked-prompt"):
            raise IdeogramRefused(422, "The prompt failed the safety check")
        if self._inflight + order.n > MAX_INFLIGHT:
            raise _over_limit()
        self._inflight += order.n
        try:
            await asyncio.sleep(SLOW_TASK_S if magic.has("slow-task") else SLOW_S if magic.has("slow") else WORKING_S)
        finally:
            self._inflight -= order.n
        if magic.has("fail-task"):
            raise IdeogramRefused(422, "The generated image failed the safety check")
        job = self._keep(order, magic=magic)
        count_made(entry, order.n)
        return _answer(_result(job, base_url=str(request.base_url)), magic=magic, operation=operation)

    def _keep(self, order: PictureOrder, *, magic: Magic) -> IdeogramJob:
        job = IdeogramJob(id=random_text(22), order=order, created_at=self._clock(), unsafe=1 if magic.has("blocked-answer") else 0)
        self._jobs.put(job)
        return job

    async def _file(self, request: Request) -> Response:
        name = request.path_params["name"]
        job_id, _, index = name.rpartition("-")
        job = self._jobs.get(job_id)
        if job is None or not index.isdecimal() or not job.unsafe <= int(index[:2]) < job.order.n or self._clock() >= job.expires_at:
            return no_file()
        if dict(request.query_params) != {"exp": str(job.expires_at), "sig": _signature(name, job.expires_at)}:
            return Response("forbidden", status_code=403, media_type="text/plain")
        drawn = await asyncio.to_thread(_draw, job.order, int(index))
        return Response(drawn, media_type="image/png")


def _draw(order: PictureOrder, index: int) -> bytes:
    prompt = read_magic("", order.prompt).text or order.operation
    return encode_picture(paint(prompt, (order.width, order.height), variant=order.seed + index, reference=order.reference))


def _result(job: IdeogramJob, *, base_url: str) -> bytes:
    order = job.order
    plain = read_magic("", order.prompt).text
    prompt = f"A carefully composed, richly detailed picture: {plain}" if order.rewrites and plain else plain
    data: list[Json] = []
    for index in range(order.n):
        is_safe = index >= job.unsafe
        shown: dict[str, Json] = {
            "url": base_url.rstrip("/") + job.path(index) if is_safe else None,
            "prompt": prompt,
            "resolution": f"{order.width}x{order.height}",
            "is_image_safe": is_safe,
            "seed": (order.seed + index) % (MAX_SEED + 1),
            "style_type": order.style_type,
        }
        data.append(shown)
    return msgspec.json.encode({"created": as_utc(job.created_at).isoformat(timespec="microseconds"), "data": data})


def _answer(body: bytes, *, magic: Magic, operation: str) -> Response:
    if magic.has("unknown-submit"):
        return DroppedAnswer()
    if magic.has("cut-stream") or magic.has("stalled-stream"):
        return BrokenAnswer(body, stalls=magic.has("stalled-stream"))
    if magic.has("malformed-chunk"):
        return malformed(body)
    # The vendor announces what replaces an endpoint in this way; clients must not be troubled by it.
    deprecated = {"deprecation": "@1777420800", "link": '</v1/ideogram-v3/inpaint>; rel="successor-version"'}
    return Response(body, media_type="application/json", headers=deprecated if operation == "edit" else None)


def _over_limit() -> IdeogramRefused:
    return IdeogramRefused(
        429,
        "Too many requests in progress",
        reject_reason="inflight_limit",
        max_inflight_requests=MAX_INFLIGHT,
        task_completion_speed=WORKING_S,
    )


def _provoked(status: int) -> IdeogramRefused:
    match status:
        case 401:
            return IdeogramRefused(401, "Invalid or missing API key")
        case 429:
            return _over_limit()
        case 529:
            return IdeogramRefused(503, "No capacity at the moment")
    return IdeogramRefused(status, "The prompt asked for this error.")


VENDOR = TaskVendor(name="ideogram", key=KEY, opened=IdeogramSandbox, job=IdeogramJob)
