"""The make-believe Suno-API relay: `POST /suno/submit/{MUSIC,LYRICS}`, `POST /suno/fetch` for many, its files at `/suno/files/`."""

import asyncio
import uuid
from collections.abc import Iterable
from functools import partial
from itertools import takewhile
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from modelgate.core.clock import as_utc
from modelgate.core.records import Json
from modelgate.sandbox.body_shape import ShapeT, WrongField, read_shape
from modelgate.sandbox.count import Counted
from modelgate.sandbox.faults import answer_submit
from modelgate.sandbox.front import TaskFront, VendorRefused, answering, count_made, counted, json_answer, no_file, read_submit
from modelgate.sandbox.magic import MAGIC_MODELS, Magic, read_magic
from modelgate.sandbox.music import make_lyrics, make_song
from modelgate.sandbox.pictures import encode_picture, paint
from modelgate.sandbox.suno import schema
from modelgate.sandbox.suno.schema import Asked, Clip, ShownClip, ShownTask, SunoOrder, SunoTask
from modelgate.sandbox.task_vendor import TaskVendor

MAX_TASKS = 20_000
"""The oldest tasks beyond this many are forgotten, with their files."""
MAX_ACTIVE = 1_000
MAX_BODY_BYTES = 1024 * 1024
CLIPS = 2
PREFIX = "/suno"
KEY = "suno-sandbox"


class SunoRefused(VendorRefused):
    """The make-believe relay refuses."""

    def __init__(self, message: str, code: str = "invalid_request", status: int = 400) -> None:
        super().__init__(status, {"code": code, "message": message, "data": None}, message)
        self.code = code


def check_secret(authorization: str | None) -> None:
    """Check `Authorization: Bearer <secret>`. Raises SunoRefused."""
    if authorization != f"Bearer {KEY}":
        raise SunoRefused("invalid secret token", "unauthorized", 401)


def _read(body: Json, shape: type[ShapeT], names: Iterable[str]) -> ShapeT:
    """Return what a body says under some names; null is as good as nothing. Raises SunoRefused."""
    if not isinstance(body, dict):
        raise SunoRefused("request body must be a JSON object")
    try:
        return read_shape({name: body[name] for name in names if body.get(name) is not None}, shape)
    except WrongField as wrong:
        raise SunoRefused(f"{wrong.field}: {wrong.reason}") from None


def check_lyrics(body: Json) -> SunoOrder:
    """Check a request for lyrics. Raises SunoRefused."""
    prompt = _read(body, schema.Lyrics, ("prompt",)).prompt
    if not prompt.strip():
        raise SunoRefused("prompt_empty")
    return SunoOrder(action="LYRICS", mv="", prompt=prompt)


def check_music(body: Json) -> SunoOrder:
    """Check a request for songs. Raises SunoRefused."""
    order = _read(body, SunoOrder, schema.MUSIC_FIELDS)
    order = msgspec.structs.replace(order, mv=order.mv or schema.DEFAULT_MV)
    if order.mv not in schema.VERSIONS and order.mv not in MAGIC_MODELS:
        raise SunoRefused(f"mv '{order.mv}' is not a model")
    for name, most in schema.OLDER_LIMITS.items() if schema.VERSIONS.get(order.mv) in schema.OLDER else ():
        if len(getattr(order, name)) > most:
            raise SunoRefused(f"{name} is too long: at most {most} characters")
    if order.clip_id and not order.task_id:
        raise SunoRefused("task id is empty")
    if order.continue_at is not None and not order.clip_id:
        raise SunoRefused("continue_at needs continue_clip_id")
    has_words = order.description or order.prompt or order.instrumental or order.clip_id
    if not has_words and not ("prompt" in body and (order.tags or order.title)):
        raise SunoRefused("gpt_description_prompt and prompt are empty")
    return order


def clip_of(task: SunoTask, index: int, *, now: float) -> Clip:
    """Return one of the songs of a task as it stands, with the title and the words that it gets."""
    order, status = task.order, task.clip_status(now, index)
    title, words = make_lyrics(read_magic("", order.description).text or order.tags or "the wind")
    if order.instrumental:
        words = "[Instrumental]"
    elif not order.description:
        words = read_magic("", order.prompt).text
    title = order.title or title
    return Clip(id=task.clips[index], order=order, status=status, created_at=task.created_at, title=title, words=words, index=index)


def make_clip(clip: Clip) -> bytes:
    """Return the song as MP3; the songs of one task differ."""
    return make_song(f"{clip.title}\n{clip.order.tags}\n{clip.words}\n{clip.index}", seconds=clip.duration_s)


def draw_cover(clip: Clip, *, large: bool) -> bytes:
    """Return the cover as JPEG."""
    side = schema.LARGE_COVER_PX if large else schema.COVER_PX
    return encode_picture(paint(clip.title, (side, side), variant=clip.index), "jpeg", quality=85)


def show_clip(clip: Clip, *, base_url: str) -> ShownClip:
    """Return a clip as Suno tells of it."""
    is_done, is_audible, failed = clip.status == "complete", clip.status in ("streaming", "complete"), clip.status == "error"
    order, files = clip.order, f"{base_url}suno/files"
    streamed = f"{base_url}suno/stream?item_id={clip.id}" if is_audible else ""
    metadata = schema.Metadata(
        tags=order.tags or schema.STYLES,
        negative_tags=order.negative_tags,
        prompt=clip.words,
        gpt_description_prompt=order.description or None,
        audio_prompt_id=order.clip_id or None,
        history=[{"id": order.clip_id, "continue_at": order.continue_at, "type": "gen"}] if order.clip_id else None,
        duration=clip.duration_s if is_done else None,
        refund_credits=failed,
        error_type="internal_error" if failed else None,
        error_message="The prompt asked for a failed clip." if failed else None,
    )
    return ShownClip(
        id=clip.id,
        title=clip.title,
        status=clip.status,
        audio_url=f"{files}/{clip.id}.mp3" if is_done else streamed,
        image_url=f"{files}/image_{clip.id}.jpeg" if is_audible else "",
        image_large_url=f"{files}/image_large_{clip.id}.jpeg" if is_audible else "",
        major_model_version=order.version,
        model_name=order.mv,
        metadata=metadata,
        created_at=as_utc(clip.created_at).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
    )


class SunoSandbox(TaskFront[SunoTask]):
    """The relay's endpoints; counts submits in `counter`, with one completion token for each song or text ordered."""

    vendor = "suno"
    most_jobs = MAX_TASKS

    def __init__(self, *, shown_url: str = "", **told: Any) -> None:
        """`shown_url` is where callers can hear what is not finished, with a slash at its end; empty: where the request came to."""
        super().__init__(**told)
        self._shown_url = shown_url
        self._by_clip = {clip: task.id for task in self._jobs.youngest_first() for clip in task.clips}

    def check(self, request: Request) -> None:
        """Let in who has the key."""
        check_secret(request.headers.get("authorization"))

    def routes(self) -> list[Route]:
        """Return the relay's routes."""
        credits_left = {"credits_left": 2_500, "period": "month", "monthly_limit": 2_500, "monthly_usage": 0}
        return [
            self.route("POST", PREFIX + "/submit/{action}", self._submit),
            self.route("POST", PREFIX + "/fetch", self._fetch_many),
            self.route("GET", PREFIX + "/fetch/{task_id}", self._fetch),
            self.route("GET", PREFIX + "/account", answering(_success(credits_left))),
            Route(PREFIX + "/stream", self._stream, methods=["GET"]),
            Route(PREFIX + "/files/{name}", self._file, methods=["GET"]),
            self.elsewhere(PREFIX, lambda: SunoRefused("no such endpoint", "not_found", 404)),
        ]

    async def _submit(self, request: Request) -> Response:
        action = request.path_params["action"].upper()
        if action not in ("MUSIC", "LYRICS"):
            raise SunoRefused("invalid_action")
        return await counted(self._counter, self.vendor, partial(self._submitted, action))(request)

    async def _submitted(self, action: str, request: Request, entry: Counted) -> Response:
        entry.model = f"suno_{action.lower()}"
        body = await _read_json(request)
        order = check_lyrics(body) if action == "LYRICS" else check_music(body)
        magic = read_magic(order.mv, f"{order.description}\n{order.prompt}")
        if (status := magic.error_status) is not None:
            raise SunoRefused(*schema.PROVOKED.get(status, ("the prompt asked for this error", "internal_error", status)))
        if magic.has("blocked-prompt"):
            raise SunoRefused("moderation_failure: the prompt asked to be refused")
        task = self._accept(order, magic=magic)
        count_made(entry, len(task.clips))
        if action == "LYRICS":
            await asyncio.sleep(task.working_s)
        return await answer_submit(msgspec.json.encode(_success(task.id)), magic=magic)

    def _accept(self, order: SunoOrder, *, magic: Magic) -> SunoTask:
        self._check_parent(order)
        now, is_music = self._clock(), order.action == "MUSIC"
        young = takewhile(lambda task: now - task.created_at <= schema.SLOW_TASK_S, self._jobs.youngest_first())
        if sum(now - task.created_at < task.working_s for task in young) >= MAX_ACTIVE:
            raise SunoRefused("too many running jobs", "rate_limit_exceeded", 429)
        ids = tuple(str(uuid.uuid4()) for _ in range(CLIPS if is_music else 1))
        task = SunoTask(
            id=str(uuid.uuid4()) if is_music else ids[0],
            order=order,
            clips=ids,
            created_at=now,
            working_s=schema.SLOW_TASK_S if magic.has("slow-task") else schema.WORKING_S if is_music else schema.LYRICS_S,
            end={"": "SUCCESS", "half-task": "HALF"}.get(magic.first_of(("fail-task", "blocked-answer", "half-task")), "FAILURE"),
        )
        self._jobs.put(task)
        self._by_clip.update(dict.fromkeys(ids, task.id))
        return task

    def _check_parent(self, order: SunoOrder) -> None:
        """A clip can be continued that the same task of the same account made, inside its length."""
        if not order.clip_id:
            return
        clip = self._known_clip(order.clip_id)
        if clip is None or self._by_clip[order.clip_id] != order.task_id:
            raise SunoRefused("continue_clip_id: no such clip in the task")
        if clip.status != "complete":
            raise SunoRefused("continue_clip_id: the clip is not complete")
        if order.continue_at is not None and order.continue_at > clip.duration_s:
            raise SunoRefused(f"continue_at {order.continue_at:g} is beyond the clip's end at {clip.duration_s:g}")

    async def _fetch_many(self, request: Request) -> Response:
        asked = _read(await _read_json(request), Asked, ("ids",))
        found = [task for one in dict.fromkeys(asked.ids) if (task := self._jobs.get(one)) is not None]
        return json_answer(_success([self._show(task, base_url=str(request.base_url)) for task in found]))

    async def _fetch(self, request: Request) -> Response:
        """Answer as the original relay does: the clips alone, without their task."""
        task = self._jobs.get(request.path_params["task_id"])
        if task is None:
            raise SunoRefused("task_not_exist", "task_not_exist")
        return json_answer(_success(self._made(task, base_url=str(request.base_url))))

    def _show(self, task: SunoTask, *, base_url: str) -> ShownTask:
        now, created = self._clock(), int(task.created_at)
        status = task.status(now)
        is_over, reason = status in ("SUCCESS", "FAILURE"), "time out" if task.end == "HALF" else "The prompt asked for a failed task."
        return ShownTask(
            id=int(task.id[:8], 16),
            created_at=created,
            updated_at=int(now),
            task_id=task.id,
            action=task.order.action,
            status=status,
            fail_reason=reason if status == "FAILURE" else "",
            submit_time=created,
            start_time=created if status not in ("SUBMITTED", "QUEUED") else 0,
            finish_time=int(task.created_at + task.working_s) if is_over else 0,
            search_item=",".join(task.clips),
            progress="100%" if is_over else "0%",
            data=self._made(task, base_url=base_url),
        )

    def _made(self, task: SunoTask, *, base_url: str) -> list[ShownClip] | schema.ShownLyrics | None:
        """Return what a task made so far: its clips, or its text."""
        now = self._clock()
        if task.order.action == "MUSIC":
            clips = [clip_of(task, index, now=now) for index in range(len(task.clips))]
            is_over = all(clip.status in ("complete", "error") for clip in clips)  # before that callers are shown the addresses as they are
            return [show_clip(clip, base_url=base_url if is_over else self._shown_url or base_url) for clip in clips]
        title, text = make_lyrics(read_magic("", task.order.prompt).text)
        return schema.ShownLyrics(id=task.id, title=title, text=text) if task.status(now) == "SUCCESS" else None

    def _known_clip(self, clip_id: str) -> Clip | None:
        task = self._jobs.get(self._by_clip.get(clip_id, ""))
        return None if task is None or task.order.action != "MUSIC" else clip_of(task, task.clips.index(clip_id), now=self._clock())

    async def _stream(self, request: Request) -> Response:
        clip = self._known_clip(request.query_params.get("item_id", ""))
        if clip is None or clip.status not in ("streaming", "complete"):
            return no_file()
        return Response(await asyncio.to_thread(make_clip, clip), media_type="audio/mp3")

    async def _file(self, request: Request) -> Response:
        stem, _, kind = request.path_params["name"].rpartition(".")
        is_large = stem.startswith("image_large_")
        clip = self._known_clip(stem.removeprefix("image_large_" if is_large else "image_"))
        is_song, is_cover = kind == "mp3" and "_" not in stem, kind == "jpeg" and stem.startswith("image_")
        is_there = clip is not None and (clip.status == "complete" or (is_cover and clip.status == "streaming"))
        if clip is None or not is_there or not (is_song or is_cover):
            return no_file()
        if is_song:
            return Response(await asyncio.to_thread(make_clip, clip), media_type="audio/mpeg")
        return Response(await asyncio.to_thread(draw_cover, clip, large=is_large), media_type="image/jpeg")


async def _read_json(request: Request) -> Json:
    too_large, not_json = SunoRefused("request body is too large", status=413), SunoRefused("request body is not valid JSON")
    return await read_submit(request, limit_bytes=MAX_BODY_BYTES, too_large=too_large, not_json=not_json, any_type=True)


def _success(data: Json) -> dict[str, Json]:
    return {"code": "success", "message": "", "data": data}


VENDOR = TaskVendor(name="suno", key=KEY, opened=SunoSandbox, job=SunoTask, takes_shown_url=True)
