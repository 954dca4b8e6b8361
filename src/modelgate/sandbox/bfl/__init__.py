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
from modelgate.sandbox.bfl.schema import FLUX_1, MODELS, ModelRules, PictureOrder
from modelgate.sandbox.count import Counted
from modelgate.sandbox.faults import answer_submit
from modelgate.sandbox.front import TaskFront, VendorRefused, answering, count_made, json_answer, no_file, read_submit
from modelgate.sandbox.magic import Magic, read_magic
from modelgate.sandbox.pictures import encode_picture, paint
from modelgate.sandbox.task_vendor import TaskVendor
from modelgate.sandbox.vision import NotAPicture, decode_base64, open_picture, shrink

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
MAX_PROMPT = 100_000
MAX_SEED = 2**32 - 1
MAX_IMAGE_BYTES = 20 * 1024 * 1024
MAX_IMAGE_PIXELS = 20_000_000
MAX_PIXELS = 4 * 1024 * 1024
MAX_RATIO = 21 / 9
FORMATS = ("jpeg", "png")
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
    prompt = _text(body, "prompt", most=MAX_PROMPT) or ""
    if "prompt" not in body and rules.needs_prompt:
        raise invalid("prompt", "Field required", kind="missing")
    pictures = [thumbnail for name in rules.pictures if (thumbnail := _picture(body, name)) is not None]
    if not prompt.strip() and not any(body.get(name) for name in rules.pictures):
        raise invalid("prompt", "Either prompt or an input image is needed", kind="value_error")
    width, height = _size(body, rules)
    _number(body, "safety_tolerance", low=0, high=rules.tolerance)
    seed = _number(body, "seed", low=0, high=MAX_SEED)
    if not isinstance(body.get("prompt_upsampling", False), bool):
        raise invalid("prompt_upsampling", "Input should be a valid boolean", kind="bool_type")
    chosen = _text(body, "output_format", most=20) or rules.default_format
    if chosen not in FORMATS:
        raise invalid("output_format", "Input should be 'jpeg' or 'png'", kind="enum")
    return PictureOrder(
        model=model,
        prompt=prompt,
        width=width,
        height=height,
        format=chosen,
        seed=seed if seed is not None else 42,
        reference=pictures[0] if pictures else None,
    )


def invalid(field: str, message: str, *, kind: str) -> BflRefused:
    """Return the refusal of a field in FastAPI's form."""
    place = ["body", field] if field else ["body"]
    return BflRefused(422, [{"type": kind, "loc": place, "msg": message}])


def _text(body: dict[str, Json], name: str, *, most: int) -> str | None:
    value = body.get(name)
    if value is None:
        return None
    if not isinstance(value, str):
        raise invalid(name, "Input should be a valid string", kind="string_type")
    if len(value) > most:
        raise invalid(name, f"String should have at most {most} characters", kind="string_too_long")
    return value


def _number(body: dict[str, Json], name: str, *, low: int, high: int) -> int | None:
    value = body.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int):
        raise invalid(name, "Input should be a valid integer", kind="int_type")
    if value < low:
        raise invalid(name, f"Input should be greater than or equal to {low}", kind="greater_than_equal")
    if value > high:
        raise invalid(name, f"Input should be less than or equal to {high}", kind="less_than_equal")
    return value


def _size(body: dict[str, Json], rules: ModelRules) -> tuple[int, int]:
    """Return width and height of the picture: as asked in pixels, or of the asked ratio."""
    if not rules.step:
        return _sides_of(_text(body, "aspect_ratio", most=20) or rules.default_ratio, rules.long_side)
    sides = []
    for name, default in (("width", 1024), ("height", 768 if rules is FLUX_1 else 1024)):
        side = _number(body, name, low=rules.low, high=rules.high)
        side = default if side is None else side
        if side % rules.step:
            raise invalid(name, f"Input should be a multiple of {rules.step}", kind="multiple_of")
        sides.append(side)
    if sides[0] * sides[1] > MAX_PIXELS:
        raise invalid("width", "The picture should have at most 4 megapixels", kind="value_error")
    return sides[0], sides[1]


def _sides_of(ratio: str, long_side: int) -> tuple[int, int]:
    found = _RATIO.match(ratio)
    across, down = (int(found[1]), int(found[2])) if found else (0, 1)
    if not found or max(across / down, down / across) > MAX_RATIO + 0.001:
        raise invalid("aspect_ratio", "Aspect ratio should lie between 21:9 and 9:21", kind="value_error")
    shared = math.gcd(across, down)
    across, down = across // shared, down // shared
    unit = long_side / max(across, down)
    return round(across * unit / 8) * 8, round(down * unit / 8) * 8


def _picture(body: dict[str, Json], name: str) -> bytes | None:
    """Return a thumbnail of a picture in base64; None without one, and for an address, which is not fetched here."""
    value = _text(body, name, most=2 * MAX_IMAGE_BYTES)
    if not value or value.startswith(("http://", "https://")):
        return None
    try:
        data = decode_base64(value.partition(",")[2] if value.startswith("data:") else value)
        picture = open_picture(data)
        if len(data) > MAX_IMAGE_BYTES or picture.width * picture.height > MAX_IMAGE_PIXELS:
            raise invalid(name, "Image should have at most 20 MB and 20 megapixels", kind="value_error")
        return shrink(picture)
    except NotAPicture:
        raise invalid(name, "Input should be the base64 of a picture, or a URL", kind="value_error") from None


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
        if magic.error_status is not None:
            raise _provoked(magic.error_status)
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


def _provoked(status: int) -> BflRefused:
    match status:
        case 401:
            return BflRefused(403, "Not authenticated - Invalid Authentication")
        case 429:
            return BflRefused(429, "Rate limit exceeded")
        case 529:
            return BflRefused(503, "Service unavailable")
    return BflRefused(status, "The prompt asked for this error.")


VENDOR = TaskVendor(name="bfl", key=KEY, opened=BflSandbox, job=BflJob)
