"""The make-believe fal: its queue at `/fal/{owner}/{app}`, direct runs at `/fal/run/…`, Pika's videos at `/fal/media/`."""

import asyncio
import re
import uuid
from typing import Any
from urllib.parse import urlsplit

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from modelgate.core.records import Json
from modelgate.sandbox.body_shape import WrongField, check_names, read_shape
from modelgate.sandbox.count import Counted
from modelgate.sandbox.fal import schema
from modelgate.sandbox.fal.schema import APP, QUEUED_S, RATIOS, Failure, FalJob, FalRefused, VideoOrder
from modelgate.sandbox.fal.storage import REST, FalStorage
from modelgate.sandbox.fal.webhooks import FalWebhooks
from modelgate.sandbox.faults import SLOW_S, answer_submit
from modelgate.sandbox.front import TaskFront, count_made, json_answer, no_file, read_submit
from modelgate.sandbox.magic import Magic, read_magic
from modelgate.sandbox.orders import size_with_short_side
from modelgate.sandbox.task_vendor import TaskVendor
from modelgate.sandbox.videos import make_video

MAX_BODY_BYTES = 64 * 1024 * 1024
PREFIX = "/fal"
PRIORITIES = ("normal", "low")
KEY = "sandbox-key-id:sandbox-key-secret"
_SCHEME = re.compile(r"^Key (?P<secret>\S+)$")


def check_key(given: str | None) -> None:
    """Check the header `authorization` as the vendor does: the scheme is `Key`. Raises FalRefused 401."""
    match = _SCHEME.match(given or "")
    if match is None:
        raise FalRefused(401, "Authentication is required to access this application. Use 'Authorization: Key <FAL_KEY>'.")
    if match["secret"] != KEY:
        raise FalRefused(401, "No user found for Key ID and Secret")


def check_order(path: str, body: Json) -> VideoOrder:
    """Check every field that an endpoint knows; unknown ones are ignored, as the vendor does.

    Raises:
        FalRefused: 404 for an endpoint that is not there, 422 naming the field.
    """
    endpoint = schema.ENDPOINTS.get(path)
    if endpoint is None:
        raise FalRefused(404, f"Path /{path[:200]} not found")
    try:
        if not isinstance(body, dict):
            raise WrongField("", "Input should be a valid dictionary or object to extract fields from", kind="model_attributes_type")
        known = (*endpoint.needs, *endpoint.takes, "negative_prompt", "seed")
        check_names({name: body[name] for name in known if name in body}, needs=endpoint.needs, takes=known)
        asked = read_shape({name: body[name] for name in known if name in body}, schema.Body)
        return _order_of(endpoint, asked)
    except WrongField as wrong:
        field = wrong.field.partition(".")[0]
        kind = "literal_error" if field == "duration" else wrong.kind
        raise FalRefused(422, [{"loc": ["body", field] if field else ["body"], "msg": wrong.reason, "type": kind}]) from None


def _order_of(endpoint: schema.Endpoint, asked: schema.Body) -> VideoOrder:
    fewest, most = endpoint.pictures
    if not fewest <= len(asked.image_urls) <= most:
        raise WrongField("image_urls", f"List should have {fewest} to {most} items")
    shown = (asked.image_urls or (asked.image_url,))[0].size
    ratio = RATIOS[asked.aspect_ratio] if "aspect_ratio" in endpoint.takes or not any(shown) else shown
    width, height = size_with_short_side(ratio, schema.SHORT_SIDES_PX[asked.resolution])
    seconds = _transition_seconds(asked) if "transitions" in endpoint.takes else asked.duration
    prompt = asked.prompt or (f"{asked.pikaffect} it" if asked.pikaffect else "")
    return VideoOrder(prompt=prompt, width=width, height=height, seconds=float(seconds), seed=asked.seed or 0)


def _transition_seconds(asked: schema.Body) -> int:
    """Return how long a video between frames is: the sum of its transitions."""
    gaps = len(asked.image_urls) - 1
    transitions = (schema.Transition(),) * gaps if asked.transitions is None else asked.transitions
    if len(transitions) != gaps:
        raise WrongField("transitions", f"{gaps} transitions are needed for {gaps + 1} images")
    total = sum(each.duration or schema.DEFAULT_SECONDS for each in transitions)
    if total > schema.MAX_FRAMES_SECONDS and asked.transitions is not None:
        raise WrongField("transitions", f"Total duration must be at most {schema.MAX_FRAMES_SECONDS} seconds")
    return total


def judge(path: str, body: Json, magic: Magic) -> tuple[VideoOrder | None, Failure | None]:
    """Check an order as the vendor's runner does, after the queue has taken it: what it refuses is an outcome, not an answer."""
    try:
        order = check_order(path, body)
    except FalRefused as refused:
        return None, Failure(refused.status, refused.detail, refused.kind)
    if magic.has("blocked-prompt") or magic.has("blocked-answer"):
        return order, schema.BLOCKED
    return order, schema.FAILED if magic.has("fail-task") else None


def failure_of(job: FalJob) -> Failure | None:
    """Return what a job that made nothing answers."""
    return schema.CANCELLED if job.cancelled_at is not None else job.failure


def film(job: FalJob) -> bytes:
    """Return the video of a job that did not fail."""
    order = job.order
    assert order is not None  # whoever asks has seen that the job did not fail
    words = read_magic("", order.prompt).text or order.prompt
    return make_video(words, width=order.width, height=order.height, seconds=order.seconds)


def log_line(job: FalJob) -> dict[str, Json]:
    """Return the one line of a job's log."""
    return {"message": "Making a video.", "level": "INFO", "source": "sandbox", "timestamp": str(int(job.created_at + QUEUED_S))}


class FalSandbox(TaskFront[FalJob]):
    """The vendor's endpoints; counts submits in `counter`, with one completion token for each video ordered."""

    vendor = "fal"

    def __init__(self, **told: Any) -> None:
        super().__init__(**told)
        self._storage = FalStorage(clock=self._clock)
        self._webhooks = FalWebhooks(clock=self._clock)

    def check(self, request: Request) -> None:
        """Let in who has the key."""
        check_key(request.headers.get("authorization"))

    def routes(self) -> list[Route]:
        """Return the vendor's routes."""
        job = PREFIX + "/{owner}/{app}/requests/{job}"
        return [
            *self._storage.routes(self.check),
            Route(REST + "/.well-known/jwks.json", self._key_set, methods=["GET"]),
            Route(PREFIX + "/media/{job}.mp4", self._file, methods=["GET"]),
            self.submits(PREFIX + "/run/{application:path}", self._run_now),
            self.route("GET", job + "/status", self._show_status),
            self.route("PUT", job + "/cancel", self._cancel),
            self.route("GET", job, self._show_result),
            self.submits(PREFIX + "/{application:path}", self._queue),
            self.elsewhere(PREFIX, lambda: FalRefused(404, "Not Found")),
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
        if (status := magic.error_status) is not None:
            raise FalRefused(*schema.PROVOKED.get(status, (status, "The prompt asked for this error.", schema.kind_of(status))))
        order, failure = await asyncio.to_thread(judge, application.removeprefix(APP).strip("/"), body, magic)
        working_s = schema.SLOW_TASK_S if magic.has("slow-task") else schema.WORKING_S
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
