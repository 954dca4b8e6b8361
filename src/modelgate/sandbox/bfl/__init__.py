"""The make-believe Black Forest Labs: `POST /bfl/v1/{model}`, `GET /bfl/v1/get_result`, its pictures at `/bfl/files/` for ten minutes."""

import asyncio
import math
import re
import uuid

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from modelgate.core.records import Json
from modelgate.sandbox.bfl.schema import COMMON, FLUX_1, MODELS, Body, ModelRules, PictureOrder
from modelgate.sandbox.body_shape import MISSING, WrongField, read_shape
from modelgate.sandbox.count import Counted
from modelgate.sandbox.faults import answer_submit
from modelgate.sandbox.front import TaskFront, VendorRefused, answering, count_made, json_answer, no_file, read_submit
from modelgate.sandbox.magic import Magic, read_magic
from modelgate.sandbox.pictures import encode_picture, paint
from modelgate.sandbox.task_vendor import TaskVendor

WORKING_S = 1.0
SLOW_TASK_S = 12.0
"""A job is `Pending` so long; a slow one for `SLOW_TASK_S`."""
FILE_LIFETIME_S = 600.0
MAX_ACTIVE = 24
"""Jobs the vendor works on at once for one account."""
MAX_BODY_BYTES = 64 * 1024 * 1024
JPEG_QUALITY = 90
PREFIX = "/bfl"
KEY = "bfl-sandbox"
_WORDS = {"blocked-prompt": "Request Moderated", "blocked-answer": "Content Moderated", "fail-task": "Error"}
"""What a magic word makes of a job."""
_PROVOKED = {
    401: (403, "Not authenticated - Invalid Authentication"),
    429: (429, "Rate limit exceeded"),
    529: (503, "Service unavailable"),
}
MAX_PIXELS = 4 * 1024 * 1024
MAX_RATIO = 21 / 9
_RATIO = re.compile(r"^([1-9]\d{0,2}):([1-9]\d{0,2})$")


class BflRefused(VendorRefused):
    """The make-believe vendor refuses; `detail` is what stands under that name in its answer."""

    def __init__(self, status: int, detail: Json) -> None:
        super().__init__(status, {"detail": detail})
        self.detail = detail


def check_key(given: str | None) -> None:
    """Check the header `x-key` as the vendor does. Raises BflRefused 403."""
    if not given:
        raise BflRefused(403, "Not authenticated")
    if given != KEY:
        raise BflRefused(403, "Not authenticated - Invalid Authentication")


def check_order(model: str, body: Json) -> PictureOrder:
    """Check every field that the model knows; unknown ones are ignored, as the vendor does.

    Raises:
        BflRefused: 404 for a model that is not there, 422 naming the field.
    """
    rules = MODELS.get(model)
    if rules is None:
        raise BflRefused(404, "Not Found")
    if not isinstance(body, dict):
        raise invalid("", "Input should be a valid dictionary", kind="dict_type")
    try:
        if "prompt" not in body and rules.needs_prompt:
            raise WrongField("prompt", MISSING, kind="missing")
        known = (*COMMON, *rules.pictures, *(("width", "height") if rules.step else ("aspect_ratio",)))
        given = {name: value for name, value in body.items() if name in known and (value is not None or name == "prompt_upsampling")}
        asked = read_shape(given, Body)
        if not asked.prompt.strip() and not any(body.get(name) for name in rules.pictures):
            raise WrongField("prompt", "Either prompt or an input image is needed")
        if asked.safety_tolerance > rules.tolerance:
            raise WrongField("safety_tolerance", f"Input should be less than or equal to {rules.tolerance}", kind="less_than_equal")
        width, height = _size(asked, rules)
    except WrongField as wrong:
        raise invalid(wrong.field, wrong.reason, kind=wrong.kind) from None
    pictures = (getattr(asked, name) for name in rules.pictures)
    return PictureOrder(
        model=model,
        prompt=asked.prompt,
        width=width,
        height=height,
        format=asked.output_format or rules.default_format,
        seed=asked.seed,
        reference=next((picture.thumbnail for picture in pictures if picture and picture.thumbnail), None),
    )


def invalid(field: str, message: str, *, kind: str) -> BflRefused:
    """Return the refusal of a field in FastAPI's form."""
    place = ["body", field] if field else ["body"]
    return BflRefused(422, [{"type": kind, "loc": place, "msg": message}])


def _size(asked: Body, rules: ModelRules) -> tuple[int, int]:
    """Return width and height of the picture: as asked in pixels, or of the asked ratio. Raises WrongField."""
    if not rules.step:
        return _sides_of(asked.aspect_ratio or rules.default_ratio, rules.long_side)
    width = 1024 if asked.width is None else asked.width
    height = (768 if rules is FLUX_1 else 1024) if asked.height is None else asked.height
    for name, side in (("width", width), ("height", height)):
        if not rules.low <= side <= rules.high or side % rules.step:
            raise WrongField(name, f"Input should be a multiple of {rules.step} from {rules.low} to {rules.high}")
    if width * height > MAX_PIXELS:
        raise WrongField("width", "The picture should have at most 4 megapixels")
    return width, height


def _sides_of(ratio: str, long_side: int) -> tuple[int, int]:
    found = _RATIO.match(ratio)
    across, down = (int(found[1]), int(found[2])) if found else (0, 1)
    if not found or max(across / down, down / across) > MAX_RATIO + 0.001:
        raise WrongField("aspect_ratio", "Aspect ratio should lie between 21:9 and 9:21")
    shared = math.gcd(across, down)
    across, down = across // shared, down // shared
    unit = long_side / max(across, down)
    return round(across * unit / 8) * 8, round(down * unit / 8) * 8


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


class BflSandbox(TaskFront[BflJob]):
    """The vendor's endpoints; counts submits in `counter`, with one completion token for each picture."""

    vendor = "bfl"

    def check(self, request: Request) -> None:
        """Let in who has the key."""
        check_key(request.headers.get("x-key"))

    def routes(self) -> list[Route]:
        """Return the vendor's routes."""
        return [
            self.route("GET", PREFIX + "/v1/get_result", self._fetch),
            self.route("GET", PREFIX + "/v1/credits", answering({"credits": 1000.0})),
            self.submits(PREFIX + "/v1/{model}", self._submit),
            Route(PREFIX + "/files/{job}/sample.{kind}", self._file, methods=["GET"]),
            self.elsewhere(PREFIX, lambda: BflRefused(404, "Not Found")),
        ]

    async def _submit(self, request: Request, entry: Counted) -> Response:
        entry.model = request.path_params["model"][:200]
        too_large, not_json = BflRefused(413, "Request body too large"), invalid("", "JSON decode error", kind="json_invalid")
        body = await read_submit(request, limit_bytes=MAX_BODY_BYTES, too_large=too_large, not_json=not_json)
        order = await asyncio.to_thread(check_order, request.path_params["model"], body)
        magic = read_magic("", order.prompt)
        if (status := magic.error_status) is not None:
            raise BflRefused(*_PROVOKED.get(status, (status, "The prompt asked for this error.")))
        job = self._accept(order, magic=magic)
        count_made(entry, 1)
        megapixels = round(order.width * order.height / 1_000_000, 2)
        url = f"{request.base_url}{PREFIX[1:]}/v1/get_result?id={job.id}"
        answer = msgspec.json.encode({"id": job.id, "polling_url": url, "cost": None, "input_mp": None, "output_mp": megapixels})
        return await answer_submit(answer, magic=magic)

    def _accept(self, order: PictureOrder, *, magic: Magic) -> BflJob:
        if self._active() >= MAX_ACTIVE:
            raise BflRefused(429, f"You have reached the limit of {MAX_ACTIVE} active tasks.")
        end = next((told for word, told in _WORDS.items() if magic.has(word)), "Ready")
        working_s = SLOW_TASK_S if magic.has("slow-task") else WORKING_S
        job = BflJob(id=str(uuid.uuid4()), order=order, created_at=self._clock(), working_s=working_s, end=end)
        self._jobs.put(job)
        return job

    def _active(self) -> int:
        """Count the jobs that are worked on; the youngest are last, and none works longer than a slow one."""
        now, active = self._clock(), 0
        for job in self._jobs.youngest_first():
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
        return json_answer(answer, status=404 if job is None else 200)

    async def _file(self, request: Request) -> Response:
        job = self._jobs.get(request.path_params["job"])
        if job is None or job.order.format != request.path_params["kind"] or not job.has_file(self._clock()):
            return no_file()
        drawn = await asyncio.to_thread(_draw, job.order)
        return Response(drawn, media_type=f"image/{job.order.format}")


def _draw(order: PictureOrder) -> bytes:
    prompt = read_magic("", order.prompt).text or order.prompt
    picture = paint(prompt, (order.width, order.height), variant=order.seed, reference=order.reference)
    return encode_picture(picture, order.format, quality=JPEG_QUALITY)


VENDOR = TaskVendor(name="bfl", key=KEY, opened=BflSandbox, job=BflJob)
