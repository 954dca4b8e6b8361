"""The make-believe Runway: its generating endpoints and tasks at `/runway/v1/`, their outputs at `/runway/files/`."""

import asyncio
import uuid
from collections.abc import Callable, Iterable

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from modelgate.core.clock import Clock, as_utc
from modelgate.core.records import Json
from modelgate.sandbox.count import Counted, Counter
from modelgate.sandbox.faults import answer_submit
from modelgate.sandbox.front import METHODS, count_made, counted, guarded, json_answer, no_file, read_submit, refusing
from modelgate.sandbox.job_shelf import JobShelf
from modelgate.sandbox.magic import Magic, read_magic
from modelgate.sandbox.pictures import encode_picture, paint
from modelgate.sandbox.runway.checks import KEY, Order, RunwayRefused, check_headers, check_order
from modelgate.sandbox.runway.schema import ENDPOINTS
from modelgate.sandbox.task_vendor import TaskVendor
from modelgate.sandbox.videos import make_video

PREFIX = "/runway"
PENDING_S = 0.3
RUNNING_S = 0.9
SLOW_TASK_S = 12.0
"""A task is PENDING, then RUNNING, this long; a slow one runs for `SLOW_TASK_S`."""

MAX_CONCURRENT = 20
"""Tasks of one model that are worked on at a time; the next ones are THROTTLED until it is their turn."""

MAX_BODY_BYTES = 48 * 1024 * 1024
_FAILURES = {
    "blocked-prompt": ("SAFETY.INPUT.TEXT", "The prompt asked to be moderated."),
    "blocked-answer": ("SAFETY.OUTPUT.VIDEO", "The prompt asked for a moderated output."),
    "fail-task": ("INTERNAL.BAD_OUTPUT.CODE01", "The prompt asked for a failed task."),
}


def _check(request: Request) -> None:
    check_headers(request.headers.get("authorization"), request.headers.get("x-runway-version"))


class RunwayTask(msgspec.Struct, frozen=True, kw_only=True):
    """One accepted job. Its status follows from the time alone, unless it was cancelled or deleted."""

    id: str
    order: Order
    created_at: float
    starts_at: float
    ends_at: float
    failure: str = ""
    cancelled: bool = False
    deleted: bool = False

    def status(self, now: float) -> str:
        """Return the vendor's word for where the task is."""
        if self.cancelled:
            return "CANCELLED"
        if now < self.starts_at:
            return "THROTTLED"
        if now < self.starts_at + PENDING_S:
            return "PENDING"
        if now < self.ends_at:
            return "RUNNING"
        return "FAILED" if self.failure else "SUCCEEDED"

    def live(self, now: float) -> bool:
        """Say whether it is still worked on or waits for that."""
        return not self.cancelled and now < self.ends_at


class RunwaySandbox:
    """The vendor's endpoints; counts submits in `counter`, with the seconds of the video as completion tokens (1 for a picture)."""

    def __init__(
        self,
        *,
        counter: Counter,
        clock: Clock,
        recalled: Iterable[RunwayTask] = (),
        remember: Callable[[RunwayTask], None] | None = None,
    ) -> None:
        """`recalled` are tasks of an earlier life, oldest first; `remember` is told of each new or changed one before it is answered."""
        self._counter = counter
        self._clock = clock
        self._tasks = JobShelf(recalled=recalled, remember=remember)

    def routes(self) -> list[Route]:
        """Return the vendor's routes."""
        submits = [
            Route(f"{PREFIX}/v1/{endpoint}", guarded(_check, counted(self._counter, "runway", self._submit)), methods=["POST"])
            for endpoint in ENDPOINTS
        ]
        return [
            *submits,
            Route(PREFIX + "/v1/tasks/{task_id}", guarded(_check, self._fetch), methods=["GET"]),
            Route(PREFIX + "/v1/tasks/{task_id}", guarded(_check, self._cancel), methods=["DELETE"]),
            Route(PREFIX + "/v1/organization", guarded(_check, self._organization), methods=["GET"]),
            Route(PREFIX + "/files/{name}", self._file, methods=["GET"]),
            Route(PREFIX + "/{rest:path}", guarded(_check, refusing(lambda: RunwayRefused(404, "Not found"))), methods=METHODS),
        ]

    async def _submit(self, request: Request, entry: Counted) -> Response:
        too_large, not_json = RunwayRefused(413, "Request body is too large"), RunwayRefused(400, "Request body is not valid JSON")
        body = await read_submit(request, limit_bytes=MAX_BODY_BYTES, too_large=too_large, not_json=not_json)
        order = await asyncio.to_thread(check_order, request.url.path.rpartition("/")[2], body)
        entry.model = order.model
        magic = read_magic(order.model, order.words)
        if magic.error_status is not None:
            raise _provoked(magic.error_status)
        task = self._accept(order, magic=magic)
        count_made(entry, order.seconds or 1)
        return await answer_submit(msgspec.json.encode({"id": task.id}), magic=magic)

    def _accept(self, order: Order, *, magic: Magic) -> RunwayTask:
        now = self._clock()
        starts_at = self._free_at(order.model, now)
        lasts_s = PENDING_S + (SLOW_TASK_S if magic.has("slow-task") else RUNNING_S)
        failure = next((word for word in _FAILURES if magic.has(word)), "")
        task = RunwayTask(
            id=str(uuid.uuid4()), order=order, created_at=now, starts_at=starts_at, ends_at=starts_at + lasts_s, failure=failure
        )
        self._tasks.put(task)
        return task

    def _free_at(self, model: str, now: float) -> float:
        """Return when the model has room for one more task."""
        ends = sorted(task.ends_at for task in self._tasks.youngest_first() if task.order.model == model and task.live(now))
        return now if len(ends) < MAX_CONCURRENT else ends[-MAX_CONCURRENT]

    def _known(self, request: Request) -> RunwayTask:
        task = self._tasks.get(request.path_params["task_id"])
        if task is None or task.deleted:
            raise RunwayRefused(404, "Task not found")
        return task

    async def _fetch(self, request: Request) -> Response:
        task, now = self._known(request), self._clock()
        status = task.status(now)
        answer: dict[str, Json] = {
            "id": task.id,
            "status": status,
            "createdAt": as_utc(task.created_at).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        }
        match status:
            case "PENDING" | "THROTTLED":
                answer["estimatedCost"] = {"credits": task.order.credits}
            case "RUNNING":
                begun_at = task.starts_at + PENDING_S
                answer["estimatedCost"] = {"credits": task.order.credits}
                answer["progress"] = round((now - begun_at) / (task.ends_at - begun_at), 3)
            case "SUCCEEDED":
                kind = "mp4" if task.order.seconds else "png"
                answer["cost"] = {"credits": task.order.credits}
                answer["output"] = [f"{request.base_url}{PREFIX[1:]}/files/{task.id}.{kind}"]
            case "FAILED":
                code, text = _FAILURES[task.failure]
                answer["cost"] = {"credits": task.order.credits if code.startswith("SAFETY") else 0}
                answer["failure"], answer["failureCode"] = text, code
            case _:
                answer["cost"] = {"credits": 0}
        return json_answer(answer)

    async def _cancel(self, request: Request) -> Response:
        """Cancel a live task; of one that has ended, delete the output, as the vendor does."""
        task = self._known(request)
        live = task.live(self._clock())
        self._tasks.put(msgspec.structs.replace(task, cancelled=live, deleted=not live))
        return Response(status_code=204)

    async def _organization(self, _: Request) -> Response:
        now = self._clock()
        models = dict.fromkeys(model for rules in ENDPOINTS.values() for model in rules)
        today = dict.fromkeys(models, 0)
        for task in self._tasks.youngest_first():
            if now - task.created_at > 86_400:
                break
            today[task.order.model] = today.get(task.order.model, 0) + 1
        limits = {model: {"maxConcurrentGenerations": MAX_CONCURRENT, "maxDailyGenerations": 25_000} for model in models}
        usage = {model: {"dailyGenerations": count} for model, count in today.items()}
        answer = {"creditBalance": 100_000, "tier": {"maxMonthlyCreditSpend": 10_000_000, "models": limits}, "usage": {"models": usage}}
        return json_answer(answer)

    async def _file(self, request: Request) -> Response:
        task_id, _, kind = request.path_params["name"].partition(".")
        task = self._tasks.get(task_id)
        if task is None or task.deleted or task.status(self._clock()) != "SUCCEEDED" or kind != ("mp4" if task.order.seconds else "png"):
            return no_file()
        made = await asyncio.to_thread(_make, task.order)
        return Response(made, media_type="video/mp4" if task.order.seconds else "image/png")


def _make(order: Order) -> bytes:
    words = read_magic("", order.words).text or order.words
    if not order.seconds:
        return encode_picture(paint(words, (order.width, order.height)))
    return make_video(words, width=order.width, height=order.height, seconds=order.seconds, with_sound=order.with_sound)


def _provoked(status: int) -> RunwayRefused:
    match status:
        case 400:
            return RunwayRefused(400, "The prompt asked for this error", field="promptText")
        case 401:
            return RunwayRefused(401, "The API key is missing or invalid.")
        case 429:
            return RunwayRefused(429, "You have reached your daily generation limit for this model")
        case 529:
            return RunwayRefused(503, "The service is overloaded")
    return RunwayRefused(status, "Internal server error")


VENDOR = TaskVendor(name="runway", key=KEY, opened=RunwaySandbox, job=RunwayTask)
