"""The make-believe Runway: its generating endpoints and tasks at `/runway/v1/`, their outputs at `/runway/files/`."""

import asyncio
import uuid

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from modelgate.core.clock import as_utc
from modelgate.core.records import Json
from modelgate.sandbox.body_shape import WrongField, check_names, read_shape
from modelgate.sandbox.count import Counted
from modelgate.sandbox.faults import answer_submit
from modelgate.sandbox.front import METHODS, TaskFront, VendorRefused, count_made, json_answer, no_file, read_submit
from modelgate.sandbox.magic import Magic, is_magic, read_magic
from modelgate.sandbox.orders import file_answer
from modelgate.sandbox.runway.schema import DEFAULT_SIZE, ENDPOINTS, LEGACY, MAGIC_RULES, REFERENCE_S, TARGETS, Body, Order, Rules
from modelgate.sandbox.task_vendor import TaskVendor

PREFIX = "/runway"
KEY = "key_sandbox"
VERSION = "2024-11-06"
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
_PROVOKED: dict[int, tuple[int, str, str]] = {
    400: (400, "The prompt asked for this error", "promptText"),
    401: (401, "The API key is missing or invalid.", ""),
    429: (429, "You have reached your daily generation limit for this model", ""),
    529: (503, "The service is overloaded", ""),
}
_PLACES = (*ENDPOINTS, "tasks/{task_id}", "organization")
_SAID = {"missing": "Required", "unknown": "Unrecognized key"}


class RunwayRefused(VendorRefused):
    """The make-believe Runway refuses; `field` is what stands in the way, empty when it is not a field."""

    def __init__(self, status: int, message: str, field: str = "") -> None:
        said: dict[str, Json] = {"error": message}
        if field:
            said = {"error": f"Validation of body failed: {field}: {message}", "issues": [{"path": field.split("."), "message": message}]}
        super().__init__(status, said, message)
        self.field = field


def check_headers(authorization: str | None, version: str | None) -> None:
    """Check the key, then the version. Raises RunwayRefused 401, 400."""
    if authorization != f"Bearer {KEY}":
        raise RunwayRefused(401, "The API key is missing or invalid.")
    if version != VERSION:
        raise RunwayRefused(400, f"The X-Runway-Version header must be {VERSION}", "X-Runway-Version")


def check_order(endpoint: str, body: Json) -> Order:
    """Check every field of a request; one that the model does not take is refused. Raises RunwayRefused 400."""
    if not isinstance(body, dict):
        raise RunwayRefused(400, "Expected an object")
    try:
        rules = _rules_of(endpoint, body)
        asked = read_shape(body, Body)
        _check_values(asked, body, rules)
    except WrongField as wrong:
        raise RunwayRefused(400, _SAID.get(wrong.kind, wrong.reason), wrong.field) from None
    return _order_of(endpoint, asked, rules)


def _rules_of(endpoint: str, body: dict[str, Json]) -> Rules:
    """Return the rules of the model, when it takes the fields that there are and all that it needs are there."""
    model, models = body.get("model"), ENDPOINTS[endpoint]
    if not isinstance(model, str):
        raise WrongField("model", "", kind="missing")
    rules = models.get(model) or (MAGIC_RULES.get(endpoint) if is_magic(model) else None)
    if rules is None:
        raise WrongField("model", f"Invalid discriminator value. Expected one of {', '.join(models)}")
    check_names(body, needs=rules.needs, takes=("model", *rules.needs, *rules.takes))
    return rules


def _check_values(asked: Body, body: dict[str, Json], rules: Rules) -> None:
    """Check what each model takes of its own."""
    allowed = (("ratio", asked.ratio, rules.ratios), ("duration", asked.duration, rules.seconds))
    for name, value, values in (*allowed, ("targetAspectRatio", asked.target_aspect_ratio, tuple(TARGETS))):
        if name in body and value not in values:
            raise WrongField(name, f"Invalid enum value. Expected one of {', '.join(map(str, values))}")
    positions = [image.position for image in asked.prompt_image]
    if len(positions) > len(rules.positions) or (rules.last_needs_first and positions == ["last"]):
        raise WrongField("promptImage", f"Expected a string, or up to {len(rules.positions)} images, a first one among them")
    for number, position in enumerate(positions):
        if position not in rules.positions or position in positions[:number]:
            raise WrongField(f"promptImage.{number}.position", f"Expected {' and '.join(rules.positions)}, each once")


def _order_of(endpoint: str, asked: Body, rules: Rules) -> Order:
    size = TARGETS.get(asked.target_aspect_ratio, asked.ratio or (rules.ratios[0] if rules is LEGACY else DEFAULT_SIZE))
    width, height = (int(side) for side in size.split(":"))
    is_picture = endpoint == "text_to_image"
    seconds = 0 if is_picture else asked.duration or (REFERENCE_S if 5 in rules.seconds or not rules.seconds else rules.seconds[-1])
    return Order(
        model=asked.model,
        words=str(asked.prompt_text) or f"{asked.model} {endpoint.replace('_', ' ')}",  # plain: it is written down
        width=width,
        height=height,
        seconds=seconds,
        format="png" if is_picture else "mp4",
        with_sound="audio" in rules.takes and asked.audio,
        credits=max(rules.fewest_credits, rules.credits * (1 if is_picture else seconds)),
    )


async def _no_such_method(request: Request) -> Response:
    raise RunwayRefused(405, f"Method {request.method} not allowed")


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


class RunwaySandbox(TaskFront[RunwayTask]):
    """The vendor's endpoints; counts submits in `counter`, with the seconds of the video as completion tokens (1 for a picture)."""

    vendor = "runway"

    def check(self, request: Request) -> None:
        """Let in who has the key."""
        check_headers(request.headers.get("authorization"), request.headers.get("x-runway-version"))

    def routes(self) -> list[Route]:
        """Return the vendor's routes."""
        return [
            *(self.submits(f"{PREFIX}/v1/{endpoint}", self._submit) for endpoint in ENDPOINTS),
            self.route("GET", PREFIX + "/v1/tasks/{task_id}", self._fetch),
            self.route("DELETE", PREFIX + "/v1/tasks/{task_id}", self._cancel),
            self.route("GET", PREFIX + "/v1/organization", self._organization),
            Route(PREFIX + "/files/{name}", self._file, methods=["GET"]),
            *(self.route(method, f"{PREFIX}/v1/{place}", _no_such_method) for place in _PLACES for method in METHODS),
            self.elsewhere(PREFIX, lambda: RunwayRefused(404, "Not found")),
        ]

    async def _submit(self, request: Request, entry: Counted) -> Response:
        too_large, not_json = RunwayRefused(413, "Request body is too large"), RunwayRefused(400, "Request body is not valid JSON")
        body = await read_submit(request, limit_bytes=MAX_BODY_BYTES, too_large=too_large, not_json=not_json)
        order = await asyncio.to_thread(check_order, request.url.path.rpartition("/")[2], body)
        entry.model = order.model
        magic = read_magic(order.model, order.words)
        if (status := magic.error_status) is not None:
            raise RunwayRefused(*_PROVOKED.get(status, (status, "Internal server error", "")))
        task = self._accept(order, magic=magic)
        count_made(entry, order.seconds or 1)
        return await answer_submit(msgspec.json.encode({"id": task.id}), magic=magic)

    def _accept(self, order: Order, *, magic: Magic) -> RunwayTask:
        now = self._clock()
        starts_at = self._free_at(order.model, now)
        lasts_s = PENDING_S + (SLOW_TASK_S if magic.has("slow-task") else RUNNING_S)
        task = RunwayTask(
            id=str(uuid.uuid4()),
            order=order,
            created_at=now,
            starts_at=starts_at,
            ends_at=starts_at + lasts_s,
            failure=magic.first_of(_FAILURES),
        )
        self._jobs.put(task)
        return task

    def _free_at(self, model: str, now: float) -> float:
        """Return when the model has room for one more task."""
        ends = sorted(task.ends_at for task in self._jobs.youngest_first() if task.order.model == model and task.live(now))
        return now if len(ends) < MAX_CONCURRENT else ends[-MAX_CONCURRENT]

    def _known(self, request: Request) -> RunwayTask:
        task = self._jobs.get(request.path_params["task_id"])
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
                answer["cost"] = {"credits": task.order.credits}
                answer["output"] = [f"{request.base_url}{PREFIX[1:]}/files/{task.id}.{task.order.format}"]
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
        self._jobs.put(msgspec.structs.replace(task, cancelled=live, deleted=not live))
        return Response(status_code=204)

    async def _organization(self, _: Request) -> Response:
        now = self._clock()
        models = dict.fromkeys(model for rules in ENDPOINTS.values() for model in rules)
        today = dict.fromkeys(models, 0)
        for task in self._jobs.youngest_first():
            if now - task.created_at > 86_400:
                break
            today[task.order.model] = today.get(task.order.model, 0) + 1
        limits = {model: {"maxConcurrentGenerations": MAX_CONCURRENT, "maxDailyGenerations": 25_000} for model in models}
        usage = {model: {"dailyGenerations": count} for model, count in today.items()}
        answer = {"creditBalance": 100_000, "tier": {"maxMonthlyCreditSpend": 10_000_000, "models": limits}, "usage": {"models": usage}}
        return json_answer(answer)

    async def _file(self, request: Request) -> Response:
        task_id, _, kind = request.path_params["name"].partition(".")
        task = self._jobs.get(task_id)
        if task is None or task.deleted or task.status(self._clock()) != "SUCCEEDED" or kind != task.order.format:
            return no_file()
        return await file_answer(task.order)


VENDOR = TaskVendor(name="runway", key=KEY, opened=RunwaySandbox, job=RunwayTask)
