"""The make-believe Black Forest Labs: `POST /bfl/v1/{model}`, `GET /bfl/v1/get_result`, its pictures at `/bfl/files/` for ten minutes."""

import asyncio
import uuid
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterable

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from modelgate.core.clock import Clock
from modelgate.core.records import Json
from modelgate.sandbox.bfl.checks import KEY, BflRefused, PictureOrder, check_key, check_order, invalid
from modelgate.sandbox.count import Counted, Counter
from modelgate.sandbox.faults import SLOW_S, BrokenAnswer, DroppedAnswer, malformed, request_id_of
from modelgate.sandbox.magic import Magic, read_magic
from modelgate.sandbox.pictures import encode_picture, paint
from modelgate.sandbox.task_vendor import TaskVendor

WORKING_S = 1.0
SLOW_TASK_S = 12.0
"""A job is `Pending` so long; a slow one for `SLOW_TASK_S`."""
FILE_LIFETIME_S = 600.0
MAX_JOBS = 5_000
"""The oldest jobs beyond this many are forgotten, with their pictures."""
MAX_ACTIVE = 24
"""Jobs the vendor works on at once for one account."""
MAX_BODY_BYTES = 64 * 1024 * 1024
RETRY_AFTER_S = 1
JPEG_QUALITY = 90
PREFIX = "/bfl"
_WORDS = {"blocked-prompt": "Request Moderated", "blocked-answer": "Content Moderated", "fail-task": "Error"}
"""What a magic word makes of a job."""

Handler = Callable[[Request], Awaitable[Response]]


class BflJob(msgspec.Struct, frozen=True, kw_only=True):
    """One accepted job. Its state follows from its age alone; `end` is how it ends."""

    id: str
    order: PictureOrder
    created_at: float
    working_s: float
    end: str

    def status(self, now: float) -> str:
        """Return Pending, or how it ended; a prompt that is refused is so at once."""
        is_over = self.end == "Request Moderated" or now - self.created_at >= self.working_s
        return self.end if is_over else "Pending"

    def has_file(self, now: float) -> bool:
        """Say whether its picture can be fetched."""
        return self.status(now) == "Ready" and now - self.created_at < self.working_s + FILE_LIFETIME_S


def _forget(_job: BflJob) -> None:
    """Without a place to write them, jobs die with the process."""


class BflSandbox:
    """The vendor's endpoints; counts submits in `counter`, with one completion token for each picture."""

    def __init__(
        self, *, counter: Counter, clock: Clock, recalled: Iterable[BflJob] = (), remember: Callable[[BflJob], None] = _forget
    ) -> None:
        """`recalled` are jobs of an earlier life, oldest first; `remember` is told of each new one before it is answered."""
        self._counter = counter
        self._clock = clock
        self._remember = remember
        self._jobs: OrderedDict[str, BflJob] = OrderedDict((job.id, job) for job in recalled)

    def routes(self) -> list[Route]:
        """Return the vendor's routes."""
        return [
            Route(PREFIX + "/v1/get_result", self._guarded(self._fetch), methods=["GET"]),
            Route(PREFIX + "/v1/credits", self._guarded(_credits), methods=["GET"]),
            Route(PREFIX + "/v1/{model}", self._guarded(self._submit), methods=["POST"]),
            Route(PREFIX + "/files/{job}/sample.{kind}", self._file, methods=["GET"]),
            Route(PREFIX + "/{rest:path}", self._guarded(_not_found), methods=["GET", "POST", "PUT", "PATCH", "DELETE"]),
        ]

    def _guarded(self, handler: Handler) -> Handler:
        async def guarded(request: Request) -> Response:
            try:
                check_key(request.headers.get("x-key"))
                return await handler(request)
            except BflRefused as refused:
                return _refusal(refused)

        return guarded

    async def _submit(self, request: Request) -> Response:
        entry = self._counter.open(vendor="bfl", request_id=request_id_of(request), model=request.path_params["model"][:200])
        try:
            return await self._submitted(request, entry=entry)
        except BflRefused as refused:
            entry.status = refused.status
            raise

    async def _submitted(self, request: Request, *, entry: Counted) -> Response:
        body = await _read_json(request)
        order = await asyncio.to_thread(check_order, request.path_params["model"], body)
        magic = read_magic("", order.prompt)
        if magic.error_status is not None:
            raise _provoked(magic.error_status)
        job = self._accept(order, magic=magic)
        entry.status, entry.completion_tokens, entry.finished = 200, 1, True
        if magic.has("slow"):
            await asyncio.sleep(SLOW_S)
        if magic.has("unknown-submit"):
            return DroppedAnswer()
        megapixels = round(order.width * order.height / 1_000_000, 2)
        url = f"{request.base_url}{PREFIX[1:]}/v1/get_result?id={job.id}"
        answer = msgspec.json.encode({"id": job.id, "polling_url": url, "cost": None, "input_mp": None, "output_mp": megapixels})
        if magic.has("cut-stream") or magic.has("stalled-stream"):
            return BrokenAnswer(answer, stalls=magic.has("stalled-stream"))
        return malformed(answer) if magic.has("malformed-chunk") else Response(answer, media_type="application/json")

    def _accept(self, order: PictureOrder, *, magic: Magic) -> BflJob:
        if self._active() >= MAX_ACTIVE:
            raise BflRefused(429, f"You have reached the limit of {MAX_ACTIVE} active tasks.")
        end = next((told for word, told in _WORDS.items() if magic.has(word)), "Ready")
        working_s = SLOW_TASK_S if magic.has("slow-task") else WORKING_S
        job = BflJob(id=str(uuid.uuid4()), order=order, created_at=self._clock(), working_s=working_s, end=end)
        self._remember(job)
        self._jobs[job.id] = job
        if len(self._jobs) > MAX_JOBS:
            self._jobs.popitem(last=False)
        return job

    def _active(self) -> int:
        """Count the jobs that are worked on; the youngest are last, and none works longer than a slow one."""
        now, active = self._clock(), 0
        for job in reversed(self._jobs.values()):
            if now - job.created_at > SLOW_TASK_S:
                break
            active += job.status(now) == "Pending"
        return active

    async def _fetch(self, request: Request) -> Response:
        asked = request.query_params.get("id")
        if asked is None:
            raise BflRefused(422, [{"type": "missing", "loc": ["query", "id"], "msg": "Field required"}])
        job, now = self._jobs.get(asked), self._clock()
        status = job.status(now) if job is not None else "Task not found"
        result: Json = None
        if job is not None and status == "Ready":
            url = f"{request.base_url}{PREFIX[1:]}/files/{job.id}/sample.{job.order.format}"
            ended_at = job.created_at + job.working_s
            times = {"start_time": job.created_at, "end_time": ended_at, "duration": job.working_s}
            result = {"sample": url, "prompt": job.order.prompt, "seed": job.order.seed, **times}
        details: Json = {"Moderation Reasons": ["The prompt asked for it"]} if status.endswith("Moderated") else None
        progress = min(1.0, (now - job.created_at) / job.working_s) if job is not None else None
        answer = {"id": asked[:200], "status": status, "result": result, "progress": progress, "details": details, "preview": None}
        return Response(msgspec.json.encode(answer), status_code=404 if job is None else 200, media_type="application/json")

    async def _file(self, request: Request) -> Response:
        job = self._jobs.get(request.path_params["job"])
        if job is None or job.order.format != request.path_params["kind"] or not job.has_file(self._clock()):
            return Response("no such file", status_code=404, media_type="text/plain")
        drawn = await asyncio.to_thread(_draw, job.order)
        return Response(drawn, media_type=f"image/{job.order.format}")


def _draw(order: PictureOrder) -> bytes:
    prompt = read_magic("", order.prompt).text or order.prompt
    picture = paint(prompt, (order.width, order.height), variant=order.seed, reference=order.reference)
    return encode_picture(picture, order.format, quality=JPEG_QUALITY)


async def _read_json(request: Request) -> Json:
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > MAX_BODY_BYTES:
            raise BflRefused(413, "Request body too large")
        parts.append(part)
    if not request.headers.get("content-type", "").lower().startswith("application/json"):
        raise invalid("", "Input should be a valid dictionary", kind="model_attributes_type")
    try:
        return msgspec.json.decode(b"".join(parts))
    except (msgspec.DecodeError, RecursionError):
        raise invalid("", "JSON decode error", kind="json_invalid") from None


def _provoked(status: int) -> BflRefused:
    match status:
        case 401:
            return BflRefused(403, "Not authenticated - Invalid Authentication")
        case 429:
            return BflRefused(429, "Rate limit exceeded")
        case 529:
            return BflRefused(503, "Service unavailable")
    return BflRefused(status, "The prompt asked for this error.")


def _refusal(refused: BflRefused) -> Response:
    headers = {"retry-after": str(RETRY_AFTER_S)} if refused.status == 429 else None
    return Response(
        msgspec.json.encode({"detail": refused.detail}), status_code=refused.status, media_type="application/json", headers=headers
    )


async def _credits(_: Request) -> Response:
    return Response(b'{"credits": 1000.0}', media_type="application/json")


async def _not_found(_: Request) -> Response:
    raise BflRefused(404, "Not Found")


VENDOR = TaskVendor(name="bfl", key=KEY, opened=BflSandbox, job=BflJob)
