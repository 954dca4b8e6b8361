"""The make-believe Luma Agents API: generations at `/luma-agents/v1/`, their outputs at `/luma-agents/files/` for an hour."""

import asyncio
import re
import uuid
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from modelgate.core.clock import as_utc
from modelgate.core.records import Json
from modelgate.sandbox.body_shape import WrongField
from modelgate.sandbox.count import Counted
from modelgate.sandbox.faults import answer_submit
from modelgate.sandbox.front import METHODS, Handler, TaskFront, count_made, counted, guarded, json_answer, no_file, refusing
from modelgate.sandbox.luma import LumaRefused, check_key, provoked, read_body_of
from modelgate.sandbox.luma.schema import IMAGE_LONG_SIDE_PX, SHORT_SIDES_PX, Order, PublicUrl
from modelgate.sandbox.luma.schema import RATIOS as ALL_RATIOS
from modelgate.sandbox.magic import Magic, is_magic, read_magic
from modelgate.sandbox.orders import file_answer, size_with_long_side, size_with_short_side
from modelgate.sandbox.task_vendor import TaskVendor
from modelgate.sandbox.vision import NotAPicture, decode_base64, open_picture

PREFIX = "/luma-agents/v1"
FILES = "/luma-agents/files"
VERSION = "2026-04-01"
KEY = "luma-api-sandbox"
QUEUED_S = 0.3
PROCESSING_S = 0.9
SLOW_TASK_S = 12.0
FILE_LIFETIME_S = 3_600
"""An address is good for this long; a new GET makes a new one."""

MAX_ACTIVE = 1_000
MAX_BODY_BYTES = 64 * 1024 * 1024
_FAILURES = {
    "blocked-prompt": ("content_moderated", "The prompt was moderated."),
    "blocked-answer": ("content_moderated", "The output was moderated."),
    "fail-task": ("generation_failed", "The prompt asked for a failed generation."),
}
MAX_PROMPT = 6_000
MAX_USER_ID = 256
MAX_DATA = 28 * 1024 * 1024
MAX_KEYFRAMES = 64
MAX_IMAGE_REFERENCES = 9
LAST_FRAME = {"5s": 120, "10s": 240}
VIDEO_MODELS = ("ray-3.2",)
IMAGE_MODELS = ("uni-1", "uni-1-max")
VIDEO_TYPES = ("video", "video_edit", "video_reframe")
IMAGE_TYPES = ("image", "image_edit")
RATIOS = {name: ratio for name, ratio in ALL_RATIOS.items() if name != "9:21"}
RESOLUTIONS = ("360p", "540p", "720p", "1080p")
SECONDS = {"5s": 5, "10s": 10}
DRAFT_PX = 360
VIDEO_FIELDS = frozenset(
    ("resolution", "duration", "start_frame", "end_frame", "keyframes", "keyframe_indexes", "loop", "hdr", "exr_export")
)
FIELDS = frozenset(("model", "type", "prompt", "aspect_ratio", "video", "source", "image_ref", "user_id", "output_format"))
_MEDIA_TYPE = re.compile(r"^image/(?:jpeg|png|webp)$")


def check_agents_key(authorization: str | None) -> None:
    """Check the bearer. Raises LumaRefused 401."""
    check_key(authorization, KEY)


def check_agents_order(body: dict[str, Json]) -> Order:
    """Check every field; one that nobody knows is refused. Raises LumaRefused 400."""
    for name in body:
        if name not in FIELDS:
            raise _invalid(name[:100], "Extra inputs are not permitted")
    kind = body.get("type", "video")
    if kind not in (*VIDEO_TYPES, *IMAGE_TYPES):
        raise _invalid("type", f"must be one of {', '.join((*VIDEO_TYPES, *IMAGE_TYPES))}")
    is_image = kind in IMAGE_TYPES
    model, models = body.get("model"), IMAGE_MODELS if is_image else VIDEO_MODELS
    if model not in models and not is_magic(str(model)):
        raise _invalid("model", f"must be one of {', '.join(models)} for the type {kind}")
    prompt = body.get("prompt")
    if not isinstance(prompt, str) or not 1 <= len(prompt) <= MAX_PROMPT:
        raise _invalid("prompt", f"must be 1 to {MAX_PROMPT} characters")
    ratio = RATIOS.get(str(body.get("aspect_ratio", "16:9")))
    if ratio is None:
        raise _invalid("aspect_ratio", f"must be one of {', '.join(RATIOS)}")
    _check_rest(body, kind=kind)
    if is_image:
        if body.get("video") is not None:
            raise _invalid("video", "is for videos")
        width, height = size_with_long_side(ratio, IMAGE_LONG_SIDE_PX)
        return Order(model=str(model), words=prompt, width=width, height=height, seconds=0, format="png")
    return _video_order(str(model), prompt, ratio, body.get("video") or {})


def _check_rest(body: dict[str, Json], *, kind: str) -> None:
    user_id = body.get("user_id", "")
    if not isinstance(user_id, str) or len(user_id) > MAX_USER_ID:
        raise _invalid("user_id", f"must be at most {MAX_USER_ID} characters")
    if kind not in ("video", "image") and body.get("source") is None:
        raise _invalid("source", f"is required for {kind}")
    if body.get("source") is not None:
        _check_reference("source", body["source"], is_picture=kind in IMAGE_TYPES)
    references = body.get("image_ref", [])
    if not isinstance(references, list) or len(references) > MAX_IMAGE_REFERENCES:
        raise _invalid("image_ref", f"must be a list of at most {MAX_IMAGE_REFERENCES}")
    for number, reference in enumerate(references):
        _check_reference(f"image_ref.{number}", reference)


def _video_order(model: str, prompt: str, ratio: tuple[int, int], video: Any) -> Order:
    if not isinstance(video, dict):
        raise _invalid("video", "must be an object")
    for name in video:
        if name not in VIDEO_FIELDS:
            raise _invalid(f"video.{name[:100]}", "Extra inputs are not permitted")
    resolution, duration = video.get("resolution", "720p"), video.get("duration", "5s")
    if resolution not in RESOLUTIONS:
        raise _invalid("video.resolution", f"must be one of {', '.join(RESOLUTIONS)}")
    if duration not in SECONDS:
        raise _invalid("video.duration", f"must be one of {', '.join(SECONDS)}")
    for name in ("loop", "hdr", "exr_export"):
        if not isinstance(video.get(name, False), bool):
            raise _invalid(f"video.{name}", "must be true or false")
    anchors = [name for name in ("start_frame", "end_frame") if video.get(name) is not None]
    for name in anchors:
        _check_reference(f"video.{name}", video[name])
    pictures = [name for name in anchors if "generation_id" not in video[name]]
    if pictures and duration != "5s":
        raise _invalid("video.duration", "must be 5s with an image as start_frame or end_frame")
    if video.get("loop") and (duration != "5s" or video.get("hdr") or "end_frame" in anchors):
        raise _invalid("video.loop", "does not go with 10s, hdr or end_frame")
    _check_keyframes(video, anchors=anchors, duration=duration)
    width, height = size_with_short_side(ratio, SHORT_SIDES_PX.get(resolution, DRAFT_PX))
    parents = tuple(video[name]["generation_id"] for name in anchors if "generation_id" in video[name])
    return Order(model=model, words=prompt, width=width, height=height, seconds=SECONDS[duration], parents=parents)


def _check_keyframes(video: dict[str, Json], *, anchors: list[str], duration: str) -> None:
    frames, indexes = video.get("keyframes"), video.get("keyframe_indexes")
    if frames is None and indexes is None:
        return
    if anchors or video.get("loop"):
        raise _invalid("video.keyframes", "do not go with start_frame, end_frame or loop")
    if not isinstance(frames, list) or not 1 <= len(frames) <= MAX_KEYFRAMES:
        raise _invalid("video.keyframes", f"must be a list of 1 to {MAX_KEYFRAMES}")
    if not isinstance(indexes, list) or len(indexes) != len(frames):
        raise _invalid("video.keyframe_indexes", "must be as many as the keyframes")
    if not all(type(index) is int and 0 <= index <= LAST_FRAME[duration] for index in indexes):
        raise _invalid("video.keyframe_indexes", f"must be from 0 to {LAST_FRAME[duration]}")
    for number, frame in enumerate(frames):
        _check_reference(f"video.keyframes.{number}", frame)


def _check_reference(name: str, value: Json, *, is_picture: bool = True) -> None:
    """Check one of: an address, base64 with its type, a file's id, a generation's id."""
    match value:
        case {"url": url}:
            _check_url(f"{name}.url", url)
        case {"data": str(data), "media_type": str(media_type)} if len(data) <= MAX_DATA:
            _check_data(name, data, media_type, is_picture=is_picture)
        case {"file_id": str()} | {"generation_id": str()}:
            pass
        case _:
            raise _invalid(name, "must be one of url, data with media_type, file_id, generation_id")


def _check_url(name: str, url: Json) -> None:
    try:
        PublicUrl.read(url)
    except WrongField as wrong:
        raise _invalid(name, wrong.reason) from None


def _check_data(name: str, data: str, media_type: str, *, is_picture: bool) -> None:
    if is_picture and not _MEDIA_TYPE.match(media_type):
        raise _invalid(f"{name}.media_type", "must be image/jpeg, image/png or image/webp")
    try:
        decoded = decode_base64(data)
        if is_picture:
            open_picture(decoded)
    except NotAPicture:
        raise _invalid(f"{name}.data", "must be a picture in base64, without data: before it") from None


def _invalid(field: str, rule: str) -> LumaRefused:
    return LumaRefused(400, f"{field}: {rule}")


class AgentsGeneration(msgspec.Struct, frozen=True, kw_only=True):
    """One accepted generation. Its state follows from its age alone."""

    id: str
    type: str
    order: Order
    created_at: float
    ends_at: float
    failure: str = ""

    def state(self, now: float) -> str:
        """Return queued, processing, completed or failed."""
        if now < self.created_at + QUEUED_S:
            return "queued"
        if now < self.ends_at:
            return "processing"
        return "failed" if self.failure else "completed"


class LumaAgentsSandbox(TaskFront[AgentsGeneration]):
    """The vendor's endpoints; counts submits in `counter`, with the seconds of the video as completion tokens (1 for a picture)."""

    def routes(self) -> list[Route]:
        """Return the vendor's routes."""
        return [
            Route(PREFIX + "/generations", self._guarded(counted(self._counter, "luma_agents", self._submit)), methods=["POST"]),
            Route(PREFIX + "/generations/{id}", self._guarded(self._fetch), methods=["GET"]),
            Route(FILES + "/{expires}/{name}", self._file, methods=["GET"]),
            Route("/luma-agents/{rest:path}", self._guarded(refusing(lambda: LumaRefused(404, "Not Found"))), methods=METHODS),
        ]

    def _guarded(self, handler: Handler) -> Handler:
        async def versioned(request: Request) -> Response:
            response = await guarded(lambda asked: check_agents_key(asked.headers.get("authorization")), handler)(request)
            response.headers["x-api-version"] = VERSION
            return response

        return versioned

    async def _submit(self, request: Request, entry: Counted) -> Response:
        body = await read_body_of(request, limit_bytes=MAX_BODY_BYTES)
        order = await asyncio.to_thread(check_agents_order, body)
        for parent in order.parents:
            found = self._jobs.get(parent)
            if found is None or found.state(self._clock()) != "completed":
                raise LumaRefused(400, f"generation_id: {parent[:100]} is not a completed generation")
        entry.model = order.model
        magic = read_magic(order.model, order.words)
        if magic.error_status is not None:
            raise provoked(magic.error_status)
        made = self._accept(order, magic=magic, kind=body.get("type", "video"))
        count_made(entry, order.seconds or 1, status=201)
        return await answer_submit(msgspec.json.encode(self._shown(made, base_url="")), magic=magic, status=201)

    def _accept(self, order: Order, *, magic: Magic, kind: str) -> AgentsGeneration:
        now = self._clock()
        if sum(1 for each in self._jobs.youngest_first() if each.ends_at > now) >= MAX_ACTIVE:
            raise LumaRefused(429, "Too many concurrent jobs")
        lasts_s = QUEUED_S + (SLOW_TASK_S if magic.has("slow-task") else PROCESSING_S)
        failure = magic.first_of(_FAILURES)
        made = AgentsGeneration(id=str(uuid.uuid4()), type=kind, order=order, created_at=now, ends_at=now + lasts_s, failure=failure)
        self._jobs.put(made)
        return made

    async def _fetch(self, request: Request) -> Response:
        found = self._jobs.get(request.path_params["id"])
        if found is None:
            raise LumaRefused(404, "Generation not found")
        return json_answer(self._shown(found, base_url=str(request.base_url)))

    def _shown(self, made: AgentsGeneration, *, base_url: str) -> dict[str, Json]:
        now, order = self._clock(), made.order
        state = made.state(now)
        code, reason = _FAILURES[made.failure] if state == "failed" else (None, None)
        url = f"{base_url}{FILES[1:]}/{int(now) + FILE_LIFETIME_S}/{made.id}.{order.format}"
        return {
            "id": made.id,
            "created_at": as_utc(made.created_at).isoformat().replace("+00:00", "Z"),
            "model": order.model,
            "type": made.type,
            "state": state,
            "failure_reason": reason,
            "failure_code": code,
            "output": [{"type": "video" if order.seconds else "image", "url": url}] if state == "completed" else [],
        }

    async def _file(self, request: Request) -> Response:
        made_id, _, kind = request.path_params["name"].partition(".")
        made, expires = self._jobs.get(made_id), request.path_params["expires"]
        if made is None or kind != made.order.format or made.state(self._clock()) != "completed":
            return no_file()
        if not expires.isdecimal() or int(expires[:12]) < self._clock():
            return Response("the address has expired", status_code=403, media_type="text/plain")
        return await file_answer(made.order)


VENDOR = TaskVendor(name="luma_agents", key=KEY, opened=LumaAgentsSandbox, job=AgentsGeneration)
