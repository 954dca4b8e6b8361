"""The make-believe fal: its queue at `/fal/{owner}/{app}`, direct runs at `/fal/run/…`, Pika's videos at `/fal/media/`."""

import asyncio
import uuid
from collections.abc import Callable, Iterable
from urllib.parse import urlsplit

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from modelgate.core.clock import Clock
from modelgate.core.records import Json
from modelgate.sandbox.count import Counted, Counter
from modelgate.sandbox.fal.checks import APP, KEY, FalRefused, check_key
from modelgate.sandbox.fal.jobs import QUEUED_S, SLOW_TASK_S, WORKING_S, FalJob, failure_of, film, judge, log_line, provoked
from modelgate.sandbox.fal.storage import REST, FalStorage
from modelgate.sandbox.fal.webhooks import FalWebhooks
from modelgate.sandbox.faults import SLOW_S, answer_submit
from modelgate.sandbox.front import count_made, counted, elsewhere, guarded, json_answer, no_file, read_submit
from modelgate.sandbox.job_shelf import JobShelf
from modelgate.sandbox.magic import Magic, read_magic
from modelgate.sandbox.task_vendor import TaskVendor

MAX_BODY_BYTES = 64 * 1024 * 1024
PREFIX = "/fal"
PRIORITIES = ("normal", "low")


def _check(request: Request) -> None:
    check_key(request.headers.get("authorization"))


def _anyone(_: Request) -> None:
    """What is stored is fetched without a key."""


class FalSandbox:
    """The vendor's endpoints; counts submits in `counter`, with one completion token for each video ordered."""

    def __init__(
        self, *, counter: Counter, clock: Clock, recalled: Iterable[FalJob] = (), remember: Callable[[FalJob], None] | None = None
    ) -> None:
        """`recalled` are jobs of an earlier life, oldest first; `remember` is told of each new one, and again when it is cancelled."""
        self._counter = counter
        self._clock = clock
        self._jobs = JobShelf(recalled=recalled, remember=remember)
        self._storage = FalStorage(clock=clock)
        self._webhooks = FalWebhooks(clock=clock)

    def routes(self) -> list[Route]:
        """Return the vendor's routes."""
        storage = [
            Route(route.path, guarded(_anyone, route.endpoint), methods=sorted(route.methods or ())) for route in self._storage.routes()
        ]
        job = PREFIX + "/{owner}/{app}/requests/{job}"
        return [
            *storage,
            Route(REST + "/.well-known/jwks.json", self._key_set, methods=["GET"]),
            Route(PREFIX + "/media/{job}.mp4", self._file, methods=["GET"]),
            Route(PREFIX + "/run/{application:path}", guarded(_check, counted(self._counter, "fal", self._run_now)), methods=["POST"]),
            Route(job + "/status", guarded(_check, self._show_status), methods=["GET"]),
            Route(job + "/cancel", guarded(_check, self._cancel), methods=["PUT"]),
            Route(job, guarded(_check, self._show_result), methods=["GET"]),
            Route(PREFIX + "/{application:path}", guarded(_check, counted(self._counter, "fal", self._queue)), methods=["POST"]),
            elsewhere(PREFIX, _check, lambda: FalRefused(404, "Not Found")),
        ]

    async def _queue(self, request: Request, entry: Counted) -> Response:
        entry.model = request.path_params["application"][:200]
        webhook = request.query_params.get("fal_webhook", "")
        if webhook and urlsplit(webhook).scheme not in ("http", "https"):
            raise FalRefused(400, "fal_webhook must be an http or https address", kind="bad_request")
        if request.headers.get("x-fal-queue-priority", "normal") not in PRIORITIES:
            raise FalRefused(400, "X-Fal-Queue-Priority must be normal or low", kind="bad_request")
        job, magic = await self._accepted(request, webhook=webhook)
        count_made(entry, int(job.order is not None))
        self._call_later(job, base_url=str(request.base_url))
        answer = {"status": "IN_QUEUE", **self._links(job, str(request.base_url)), "queue_position": self._position(job)}
        answer["gateway_request_id"] = job.id
        response = await answer_submit(msgspec.json.encode(answer), magic=magic)
        response.headers["x-fal-request-id"] = job.id
        return response

    async def _run_now(self, request: Request, entry: Counted) -> Response:
        entry.model = request.path_params["application"][:200]
        job, magic = await self._accepted(request, webhook="")
        entry.completion_tokens = int(job.order is not None)
        await asyncio.sleep(job.working_s + (SLOW_S if magic.has("slow") else 0))
        answer = await self._outcome(job, str(request.base_url))
        entry.status, entry.finished = answer.status_code, True
        return answer

    async def _accepted(self, request: Request, *, webhook: str) -> tuple[FalJob, Magic]:
        application = request.path_params["application"].strip("/")
        if application != APP and not application.startswith(APP + "/"):
            raise FalRefused(404, f"Application '{application[:200]}' not found")
        body = await _read_json(request)
        prompt = body.get("prompt") if isinstance(body, dict) else None
        magic = read_magic("", prompt if isinstance(prompt, str) else "")
        if magic.error_status is not None:
            raise provoked(magic.error_status)
        order, failure = await asyncio.to_thread(judge, application.removeprefix(APP).strip("/"), body, magic)
        working_s = SLOW_TASK_S if magic.has("slow-task") else WORKING_S
        job = FalJob(id=str(uuid.uuid4()), created_at=self._clock(), working_s=working_s, order=order, failure=failure, webhook=webhook)
        self._jobs.put(job)
        return job, magic

    def _links(self, job: FalJob, base_url: str) -> dict[str, Json]:
        """Return what every answer about a job names; of the endpoint only owner and application remain."""
        url = f"{base_url}{PREFIX[1:]}/{APP}/requests/{job.id}"
        return {"request_id": job.id, "response_url": url, "status_url": url + "/status", "cancel_url": url + "/cancel"}

    def _position(self, job: FalJob) -> int:
        """Count the jobs that wait before this one; the youngest are last."""
        before = 0
        for other in self._jobs.youngest_first():
            if job.created_at - other.created_at > QUEUED_S:
                break
            before += other.id != job.id and other.created_at <= job.created_at and other.status(job.created_at) == "IN_QUEUE"
        return before

    def _job(self, request: Request) -> FalJob | None:
        params = request.path_params
        return self._jobs.get(params["job"]) if f"{params['owner']}/{params['app']}" == APP else None

    async def _show_status(self, request: Request) -> Response:
        job = self._job(request)
        if job is None:
            raise FalRefused(404, "Request not found")
        status = job.status(self._clock())
        answer: dict[str, Json] = {"status": status, **self._links(job, str(request.base_url))}
        if status == "IN_QUEUE":
            answer["queue_position"] = self._position(job)
        else:
            with_logs = request.query_params.get("logs", "").lower() in ("1", "true")
            answer["logs"] = [log_line(job)] if with_logs else None
        if status == "COMPLETED":
            answer["metrics"] = {"inference_time": job.working_s}
            failure = failure_of(job)
            if failure is not None and failure.told:
                answer |= {"error": failure.told, "error_type": failure.kind}
        return _json(answer, status=200 if status == "COMPLETED" else 202, job=job)

    async def _show_result(self, request: Request) -> Response:
        job = self._job(request)
        if job is None:
            raise FalRefused(404, "Request not found")
        if job.status(self._clock()) != "COMPLETED":
            raise FalRefused(400, "Request is still in progress", kind="bad_request")
        return await self._outcome(job, str(request.base_url))

    async def _cancel(self, request: Request) -> Response:
        job, now = self._job(request), self._clock()
        if job is None:
            return _json({"status": "NOT_FOUND"}, status=404)
        if job.status(now) == "COMPLETED":
            return _json({"status": "ALREADY_COMPLETED"}, status=400, job=job)
        self._jobs.put(msgspec.structs.replace(job, cancelled_at=now))
        return _json({"status": "CANCELLATION_REQUESTED"}, status=202, job=job)

    async def _outcome(self, job: FalJob, base_url: str) -> Response:
        failure = failure_of(job)
        if failure is not None:
            return FalRefused(failure.status, failure.detail, kind=failure.kind).response(job.id)
        return _json(await self._result(job, base_url), job=job)

    async def _result(self, job: FalJob, base_url: str) -> dict[str, Json]:
        size = len(await asyncio.to_thread(film, job))
        url = f"{base_url}{PREFIX[1:]}/media/{job.id}.mp4"
        return {"video": {"url": url, "content_type": "video/mp4", "file_name": "output.mp4", "file_size": size}}

    async def _file(self, request: Request) -> Response:
        job = self._jobs.get(request.path_params["job"])
        if job is None or failure_of(job) is not None or job.status(self._clock()) != "COMPLETED":
            return no_file()
        return Response(await asyncio.to_thread(film, job), media_type="video/mp4")

    async def _key_set(self, _: Request) -> Response:
        return _json(self._webhooks.key_set())

    def _call_later(self, job: FalJob, *, base_url: str) -> None:
        """Tell the webhook of a job how it ended, once it has."""
        if job.webhook:
            self._webhooks.send_later(job.webhook, job.id, after_s=QUEUED_S + job.working_s, make=lambda: self._news(job.id, base_url))

    async def _news(self, job_id: str, base_url: str) -> dict[str, Json] | None:
        job = self._jobs.get(job_id)
        if job is None or job.cancelled_at is not None:
            return None
        failure = failure_of(job)
        told: dict[str, Json] = {"request_id": job.id, "gateway_request_id": job.id}
        if failure is not None:
            return {**told, "status": "ERROR", "error": f"Unexpected status code: {failure.status}", "payload": {"detail": failure.detail}}
        return {**told, "status": "OK", "payload": await self._result(job, base_url)}


async def _read_json(request: Request) -> Json:
    too_large, not_json = FalRefused(413, "Request body too large"), FalRefused(400, "Invalid JSON in the request body", kind="bad_request")
    return await read_submit(request, limit_bytes=MAX_BODY_BYTES, too_large=too_large, not_json=not_json, any_type=True)


def _json(value: Json, *, status: int = 200, job: FalJob | None = None) -> Response:
    answer = json_answer(value, status=status)
    answer.headers["x-fal-request-id"] = job.id if job is not None else str(uuid.uuid4())
    return answer


VENDOR = TaskVendor(name="fal", key=KEY, opened=FalSandbox, job=FalJob)
