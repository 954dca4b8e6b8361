"""The make-believe midjourney-proxy under `/midjourney`: submits, fetches and lists at `mj/` and `mj-SPEED/mj/`, its files at `files/`."""

import asyncio
import uuid
from collections import OrderedDict
from collections.abc import Callable, Iterable
from functools import partial

import msgspec
from msgspec.structs import replace
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from modelgate.core.clock import Clock
from modelgate.core.records import Json
from modelgate.sandbox.callbacks import Teller
from modelgate.sandbox.count import Counted, Counter
from modelgate.sandbox.faults import answer_submit
from modelgate.sandbox.front import Handler, count_made, counted, guarded, json_answer, no_file
from modelgate.sandbox.magic import read_magic
from modelgate.sandbox.midjourney.checks import KEY, PLANNERS, Planner, check_secret, plan_modal
from modelgate.sandbox.midjourney.drawing import draw_job, film_job
from modelgate.sandbox.midjourney.jobs import MidjourneyJob, show_job
from modelgate.sandbox.midjourney.queue import INSTANCE, MidjourneyQueue
from modelgate.sandbox.midjourney.schema import (
    EXISTS,
    FAILED,
    INVALID,
    NOT_FOUND,
    QUEUED,
    Listing,
    MidjourneyRefused,
    Modal,
    Submit,
    Upload,
)
from modelgate.sandbox.midjourney.words import check_words, picture_of
from modelgate.sandbox.request_body import UNREADABLE, BodyTooLarge, read_body
from modelgate.sandbox.task_vendor import TaskVendor

MAX_UPLOADS = 100
MAX_BODY_BYTES = 64 * 1024 * 1024
PREFIX = "/midjourney"


def _check(request: Request) -> None:
    if not check_secret(request.headers.get("mj-api-secret"), request.headers.get("authorization")):
        raise MidjourneyRefused(0, "", status=401)


class MidjourneySandbox:
    """The proxy's endpoints; counts submits in `counter`, with one completion token for each."""

    def __init__(
        self,
        *,
        counter: Counter,
        clock: Clock,
        recalled: Iterable[MidjourneyJob] = (),
        remember: Callable[[MidjourneyJob], None] | None = None,
        callbacks: Teller | None = None,
    ) -> None:
        """`recalled` are jobs of an earlier life, oldest first; `remember` is told of each new one before it is answered."""
        self._counter = counter
        self._callbacks = callbacks or Teller()
        self._clock = clock
        self._queue = MidjourneyQueue(clock=clock, recalled=recalled, remember=remember)
        self._uploads: OrderedDict[str, tuple[bytes, str]] = OrderedDict()

    def routes(self) -> list[Route]:
        """Return the proxy's routes."""
        routes = [Route(f"{PREFIX}/files/{{name}}", self._file, methods=["GET"])]
        for prefix in ("mj", "mj-fast/mj", "mj-relax/mj", "mj-turbo/mj"):
            speed = prefix.partition("/")[0]
            for path, planner in PLANNERS.items():
                routes.append(self._route(f"{prefix}/{path}", self._submitter(planner, speed), "POST"))
            routes += [
                self._route(f"{prefix}/submit/modal", self._modal, "POST"),
                self._route(f"{prefix}/submit/upload-discord-images", counted(self._counter, "midjourney", self._upload), "POST"),
                self._route(f"{prefix}/task/list-by-condition", self._list, "POST"),
                self._route(f"{prefix}/task/{{job}}/fetch", self._fetch, "GET"),
                self._route(f"{prefix}/task/{{job}}/image-seed", self._seed, "GET"),
                self._route(f"{prefix}/task/{{job}}/cancel", self._cancel, "POST"),
            ]
        return routes

    def _route(self, path: str, handler: Handler, method: str) -> Route:
        return Route(f"{PREFIX}/{path}", guarded(_check, handler), methods=[method])

    def _submitter(self, planner: Planner, speed: str) -> Handler:
        return self._counted(lambda body: planner(body, self._queue.parent), speed)

    async def _modal(self, request: Request) -> Response:
        def planned(body: bytes) -> tuple[Submit, MidjourneyJob]:
            asked = msgspec.json.decode(body, type=Modal)
            waiting = self._queue.find(asked.task_id or "")
            if waiting is None:
                raise MidjourneyRefused(NOT_FOUND, "the task does not exist or has expired")
            if waiting.status(self._clock()) != "MODAL":
                raise MidjourneyRefused(INVALID, "the task has no open dialog")
            return asked, replace(plan_modal(asked, waiting), starts_at=0.0)

        return await self._counted(planned, "mj")(request)

    def _counted(self, plan: Callable[[bytes], tuple[Submit, MidjourneyJob]], speed: str) -> Handler:
        return counted(self._counter, "midjourney", partial(self._submitted, plan, speed))

    async def _submitted(
        self, plan: Callable[[bytes], tuple[Submit, MidjourneyJob]], speed: str, request: Request, entry: Counted
    ) -> Response:
        entry.model = request.url.path.rpartition("/")[2]
        body = await _body_of(request)
        asked, planned = await asyncio.to_thread(_read, plan, body)
        magic = read_magic("", f"{planned.prompt if not planned.parent or planned.id else ''}\n{asked.state or ''}")
        if magic.error_status is not None:
            raise _provoked(magic.error_status)
        check_words(planned.prompt)
        existing = self._queue.same_upscale(planned)
        if existing is not None:
            entry.status = 200
            shown = show_job(existing, self._clock(), files_url=_files_url(request))
            properties = {"status": shown["status"], "imageUrl": shown["imageUrl"]}
            return json_answer(_said(EXISTS, "the task exists already", existing.id, properties))
        job = self._queue.accept(asked, planned, magic=magic, speed=speed)
        changes_s = job.changes_s(self._clock())
        self._callbacks.follow(job.notify_hook, changes_s, lambda: self._described(job.id, files_url=_files_url(request)))
        count_made(entry, 1)
        return await answer_submit(msgspec.json.encode(self._taken(job)), magic=magic)

    def _described(self, job_id: str, *, files_url: str) -> bytes:
        job = self._queue.find(job_id)
        return b"{}" if job is None else msgspec.json.encode(show_job(job, self._clock(), files_url=files_url))

    def _taken(self, job: MidjourneyJob) -> Json:
        if job.starts_at is None:
            return _said(EXISTS, "Waiting for window confirm", job.id, {"finalPrompt": job.prompt, "remix": True})
        if job.starts_at > self._clock():
            ahead = self._queue.waiting() - 1
            return _said(QUEUED, f"queued, {ahead} before it", job.id, {"numberOfQueues": ahead, "discordInstanceId": INSTANCE})
        return _said(1, "Submit success", job.id, {"discordInstanceId": INSTANCE})

    async def _fetch(self, request: Request) -> Response:
        job = self._queue.find(request.path_params["job"])
        if job is None:
            return Response(b"")
        return json_answer(show_job(job, self._clock(), files_url=_files_url(request)))

    async def _list(self, request: Request) -> Response:
        listing: Listing = _read(lambda body: msgspec.json.decode(body, type=Listing), await _body_of(request))
        found = [job for job in map(self._queue.find, listing.ids) if job is not None]
        now, files_url = self._clock(), _files_url(request)
        return json_answer([show_job(job, now, files_url=files_url) for job in found])

    async def _seed(self, request: Request) -> Response:
        job = self._queue.parent(request.path_params["job"])
        return json_answer(_said(1, "success", job.seed(), {}))

    async def _cancel(self, request: Request) -> Response:
        job = self._queue.find(request.path_params["job"])
        if job is None:
            raise MidjourneyRefused(NOT_FOUND, "the task does not exist or has expired")
        if job.status(self._clock()) in ("SUCCESS", "FAILURE", "CANCEL"):
            raise MidjourneyRefused(FAILED, "the task is over")
        self._queue.cancel(job)
        return json_answer(_said(1, "cancelled", job.id, {}))

    async def _upload(self, request: Request, entry: Counted) -> Response:
        entry.model = "upload-discord-images"
        body: Upload = _read(lambda text: msgspec.json.decode(text, type=Upload), await _body_of(request))
        pictures = [await asyncio.to_thread(picture_of, text, "base64Array") for text in body.base64_array or []]
        if not pictures:
            raise MidjourneyRefused(INVALID, "base64Array must not be empty")
        urls: list[Json] = []
        for data, text in zip(pictures, body.base64_array or [], strict=True):
            kind = text[len("data:") :].partition(";")[0]
            name = f"{uuid.uuid4()}.{kind.partition('/')[2]}"
            self._uploads[name] = (data, kind)
            urls.append(_files_url(request) + name)
            if len(self._uploads) > MAX_UPLOADS:
                self._uploads.popitem(last=False)
        count_made(entry, 1)
        return json_answer(_said(1, "success", urls, {}))

    async def _file(self, request: Request) -> Response:
        name = request.path_params["name"]
        data, kind = self._uploads.get(name, (b"", ""))
        stem, _, suffix = name.partition(".")
        job_id, _, number = stem.partition("-")
        job = self._queue.find(job_id)
        status = job.status(self._clock()) if job is not None else ""
        if job is not None and suffix == "png" and not number and status in ("IN_PROGRESS", "SUCCESS"):
            data, kind = await asyncio.to_thread(draw_job, job, is_preview=status != "SUCCESS"), "image/png"
        elif job is not None and suffix == "mp4" and status == "SUCCESS" and number in map(str, range(job.videos)):
            data, kind = await asyncio.to_thread(film_job, job, int(number)), "video/mp4"
        return Response(data, media_type=kind) if data else no_file()


def _read(plan: Callable[[bytes], Json], body: bytes) -> Json:
    """Run what reads a body, with its errors in the proxy's words."""
    try:
        return plan(body)
    except UNREADABLE as error:
        raise MidjourneyRefused(INVALID, f"the body is not as it must be: {error}") from None


async def _body_of(request: Request) -> bytes:
    try:
        return await read_body(request, limit_bytes=MAX_BODY_BYTES)
    except BodyTooLarge:
        raise MidjourneyRefused(INVALID, "the body is too large", status=413) from None


def _files_url(request: Request) -> str:
    return f"{request.base_url}{PREFIX[1:]}/files/"


def _provoked(status: int) -> MidjourneyRefused:
    match status:
        case 400:
            return MidjourneyRefused(INVALID, "the prompt asked for a refusal")
        case 401:
            return MidjourneyRefused(0, "", status=401)
        case 429:
            return MidjourneyRefused(30, "too many requests", status=429)
        case 529:
            return MidjourneyRefused(FAILED, "service unavailable", status=503)
    return MidjourneyRefused(FAILED, "internal error", status=status)


def _said(code: int, description: str, result: Json, properties: dict[str, Json]) -> Json:
    return {"code": code, "description": description, "result": result, "properties": properties}


VENDOR = TaskVendor(name="midjourney", key=KEY, opened=MidjourneySandbox, job=MidjourneyJob)
