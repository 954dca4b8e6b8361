"""The make-believe Ideogram 3.0: `POST /ideogram/v1/ideogram-v3/…`, answered with finished pictures, which can be fetched for a day."""

import asyncio
import hashlib

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from modelgate.core.clock import as_utc
from modelgate.core.ids import random_text
from modelgate.core.records import Json
from modelgate.sandbox.body_shape import MISSING, WrongField, check_names, read_shape
from modelgate.sandbox.count import Counted
from modelgate.sandbox.faults import SLOW_S, BrokenAnswer, DroppedAnswer, malformed
from modelgate.sandbox.forms import NotAForm, read_form
from modelgate.sandbox.front import TaskFront, VendorRefused, count_made, no_file
from modelgate.sandbox.ideogram.schema import FIELDS, LISTS, LONG_SIDE_PX, MAX_SEED, NUMBERS, RATIOS, REQUIRED, Body, PictureOrder
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
MAX_DIGITS = 10
_PROVOKED = {401: (401, "Invalid or missing API key"), 529: (503, "No capacity at the moment")}
PREFIX = "/ideogram"
KEY = "ideogram-sandbox"
OPERATIONS_PATH = PREFIX + "/v1/ideogram-v3/"


class IdeogramRefused(VendorRefused):
    """The make-believe vendor refuses; `more` is what stands beside `error` in its answer."""

    def __init__(self, status: int, error: str, **more: Json) -> None:
        super().__init__(status, {"error": error, **more}, error)


def check_key(given: str | None) -> None:
    """Check the header `Api-Key` as the vendor does. Raises IdeogramRefused 401."""
    if given != KEY:
        raise IdeogramRefused(401, "Invalid or missing API key")


def check_order(operation: str, *, content_type: str, body: bytes) -> PictureOrder:
    """Check the form of an operation, part by part.

    Raises:
        IdeogramRefused: 400 naming the part, 413 for a file that is too large, 403 for somebody's own model.
    """
    try:
        form = read_form(body, content_type=content_type)
        check_names(form, needs=REQUIRED[operation], takes=FIELDS[operation])
        asked = read_shape({name: _typed(name, value) for name, value in form.items()}, Body)
        if blank := [name for name in REQUIRED[operation] if not str(getattr(asked, name)).strip()]:
            raise WrongField(blank[0], MISSING)
        _check_pictures(asked)
        _check_style(asked)
        return _order_of(operation, asked)
    except NotAForm as error:
        raise IdeogramRefused(400, error.message) from None
    except WrongField as wrong:
        raise IdeogramRefused(413 if wrong.kind == "file_too_large" else 400, f"Invalid request: {wrong.field} {wrong.reason}") from None


def _typed(name: str, value: Json) -> Json:
    """Return a part as its schema has it: all arrive as texts, any as a list."""
    if name in LISTS:
        return value if isinstance(value, list) else [value]
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    is_number = name in NUMBERS and isinstance(value, str) and len(value) <= MAX_DIGITS and value.isascii() and value.isdecimal()
    return int(value) if is_number else value


def _check_pictures(asked: Body) -> None:
    character = asked.character_reference_images
    for name, masks, of in (
        ("mask", [asked.mask], asked.image),
        ("character_reference_images_mask", asked.character_reference_images_mask, character),
    ):
        if any(masks) and [mask.size for mask in masks if mask] != [of.size for of in (of,) if of]:
            raise WrongField(name, "must have the dimensions of its picture")
    if character and asked.rendering_speed == "FLASH":
        raise WrongField("rendering_speed", "cannot be FLASH with character references")
    if character and asked.style_type not in ("", "AUTO", "REALISTIC", "FICTION"):
        raise WrongField("style_type", "must be AUTO, REALISTIC or FICTION with character references")


def _check_style(asked: Body) -> None:
    has_references = bool(asked.style_reference_images)
    if asked.style_codes and (has_references or asked.style_type):
        raise WrongField("style_codes", "cannot be used with style_reference_images or style_type")
    if asked.style_preset and has_references:
        raise WrongField("style_preset", "cannot be used with style_reference_images")
    if (asked.style_preset or has_references) and asked.style_type not in ("", "AUTO", "GENERAL"):
        raise WrongField("style_type", "must be AUTO or GENERAL with a preset or references")
    if asked.custom_model_uri is not None:
        raise IdeogramRefused(403, "No access to this model")
    if asked.resolution and asked.aspect_ratio:
        raise WrongField("resolution", "cannot be used with aspect_ratio")


def _order_of(operation: str, asked: Body) -> PictureOrder:
    width, height = _size_of(asked, in_place=operation not in ("generate", "remix"))
    given = (asked.image, asked.character_reference_images, *asked.style_reference_images)
    return PictureOrder(
        operation=operation,
        prompt=asked.prompt,
        rewrites=asked.magic_prompt != "OFF",
        width=width,
        height=height,
        n=asked.num_images,
        seed=_seed_of(asked.prompt) if asked.seed is None else asked.seed,
        style_type=asked.style_type or "GENERAL",
        reference=next((picture.thumbnail for picture in given if picture), None),
    )


def _size_of(asked: Body, *, in_place: bool) -> tuple[int, int]:
    """Return width and height of the pictures to make: as asked, else those of the given picture where that is changed in place."""
    if asked.resolution:
        width, _, height = asked.resolution.partition("x")
        return int(width), int(height)
    if asked.aspect_ratio or asked.image is None or not in_place:
        return RATIOS[asked.aspect_ratio or "1x1"]
    scale = min(1.0, LONG_SIDE_PX / max(asked.image.size))
    across, down = (max(1, round(side * scale)) for side in asked.image.size)
    return across, down


def _seed_of(prompt: str) -> int:
    """Return the seed of a request without one: the same for the same prompt, so that tests can be repeated."""
    return int.from_bytes(hashlib.sha256(prompt.encode("utf-8", "replace")).digest()[:4]) & MAX_SEED


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


class IdeogramSandbox(TaskFront[IdeogramJob]):
    """The vendor's endpoints; counts requests in `counter`, with one completion token for each picture made, withheld ones too."""

    vendor = "ideogram"
    _inflight = 0

    def check(self, request: Request) -> None:
        """Let in who has the key."""
        check_key(request.headers.get("api-key"))

    def routes(self) -> list[Route]:
        """Return the vendor's routes."""
        return [
            *(self.submits(OPERATIONS_PATH + operation, self._make) for operation in FIELDS),
            Route(PREFIX + "/api/images/ephemeral/{name}.png", self._file, methods=["GET"]),
            self.elsewhere(PREFIX, lambda: IdeogramRefused(404, "Not Found")),
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
        if (status := magic.error_status) is not None:
            raise _over_limit() if status == 429 else IdeogramRefused(*_PROVOKED.get(status, (status, "The prompt asked for this error.")))
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
    more = {"reject_reason": "inflight_limit", "max_inflight_requests": MAX_INFLIGHT, "task_completion_speed": WORKING_S}
    return IdeogramRefused(429, "Too many requests in progress", **more)


VENDOR = TaskVendor(name="ideogram", key=KEY, opened=IdeogramSandbox, job=IdeogramJob)
