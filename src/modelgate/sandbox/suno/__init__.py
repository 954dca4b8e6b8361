"""The make-believe Suno-API relay: `POST /suno/submit/{MUSIC,LYRICS}`, `POST /suno/fetch` for many, its files at `/suno/files/`."""

import asyncio
import uuid
from collections import OrderedDict
from collections.abc import Callable, Iterable
from functools import partial

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from modelgate.core.clock import Clock
from modelgate.core.records import Json
from modelgate.sandbox.count import Counted, Counter
from modelgate.sandbox.faults import answer_submit
from modelgate.sandbox.front import count_made, counted, elsewhere, guarded, json_answer, no_file, read_submit
from modelgate.sandbox.magic import Magic, read_magic
from modelgate.sandbox.suno.checks import KEY, SunoOrder, SunoRefused, check_lyrics, check_music, check_secret, invalid
from modelgate.sandbox.suno.clips import SLOW_TASK_S, WORKING_S, Clip, SunoTask, describe_result, describe_task, draw_cover, make_clip
from modelgate.sandbox.task_vendor import TaskVendor

LYRICS_S = 0.25
"""Lyrics are done before the submit is answered; slow ones take `SLOW_TASK_S`."""

MAX_TASKS = 20_000
"""The oldest tasks beyond this many are forgotten, with their files."""
MAX_ACTIVE = 1_000
MAX_BODY_BYTES = 1024 * 1024
MAX_IDS = 1_000
CLIPS = 2
PREFIX = "/suno"


def _check(request: Request) -> None:
    check_secret(request.headers.get("authorization"))


class SunoSandbox:
    """The relay's endpoints; counts submits in `counter`, with one completion token for each song or text ordered."""

    def __init__(
        self,
        *,
        counter: Counter,
        clock: Clock,
        recalled: Iterable[SunoTask] = (),
        remember: Callable[[SunoTask], None] | None = None,
        shown_url: str = "",
    ) -> None:
        """`recalled` are jobs of an earlier life, oldest first; `remember` is told of each new one before it is answered.

        `shown_url` is where callers can hear what is not finished, with a slash at its end; empty: where the request came to.
        """
        self._counter = counter
        self._clock = clock
        self._remember = remember
        self._shown_url = shown_url
        self._tasks: OrderedDict[str, SunoTask] = OrderedDict()
        self._by_clip: dict[str, str] = {}
        for task in recalled:
            self._take(task)

    def routes(self) -> list[Route]:
        """Return the relay's routes."""
        return [
            Route(PREFIX + "/submit/{action}", guarded(_check, self._submit), methods=["POST"]),
            Route(PREFIX + "/fetch", guarded(_check, self._fetch_many), methods=["POST"]),
            Route(PREFIX + "/fetch/{task_id}", guarded(_check, self._fetch), methods=["GET"]),
            Route(PREFIX + "/account", guarded(_check, _account), methods=["GET"]),
            Route(PREFIX + "/stream", self._stream, methods=["GET"]),
            Route(PREFIX + "/files/{name}", self._file, methods=["GET"]),
            elsewhere(PREFIX, _check, lambda: SunoRefused("not_found", "no such endpoint", status=404)),
        ]

    async def _submit(self, request: Request) -> Response:
        action = request.path_params["action"].upper()
        if action not in ("MUSIC", "LYRICS"):
            raise invalid("invalid_action")
        return await counted(self._counter, "suno", partial(self._submitted, action))(request)

    async def _submitted(self, action: str, request: Request, entry: Counted) -> Response:
        entry.model = f"suno_{action.lower()}"
        body = await _read_json(request)
        order = check_lyrics(body) if action == "LYRICS" else check_music(body)
        magic = read_magic(order.mv, f"{order.description}\n{order.prompt}")
        if magic.error_status is not None:
            raise _provoked(magic.error_status)
        if magic.has("blocked-prompt"):
            raise invalid("moderation_failure: the prompt asked to be refused")
        task = self._accept(order, magic=magic)
        count_made(entry, len(task.clips))
        if action == "LYRICS":
            await asyncio.sleep(task.working_s)
        return await answer_submit(bytes(_success(task.id).body), magic=magic)

    def _accept(self, order: SunoOrder, *, magic: Magic) -> SunoTask:
        self._check_parent(order)
        if self._active() >= MAX_ACTIVE:
            raise SunoRefused("rate_limit_exceeded", "too many running jobs", status=429)
        end = "FAILURE" if magic.has("fail-task") or magic.has("blocked-answer") else "HALF" if magic.has("half-task") else "SUCCESS"
        is_music = order.action == "MUSIC"
        ids = tuple(str(uuid.uuid4()) for _ in range(CLIPS if is_music else 1))
        task = SunoTask(
            id=str(uuid.uuid4()) if is_music else ids[0],
            order=order,
            clips=ids,
            created_at=self._clock(),
            working_s=SLOW_TASK_S if magic.has("slow-task") else WORKING_S if is_music else LYRICS_S,
            end=end,
        )
        if self._remember is not None:
            self._remember(task)
        self._take(task)
        return task

    def _check_parent(self, order: SunoOrder) -> None:
        """A clip can be continued that the same task of the same account made, inside its length."""
        if not order.clip_id:
            return
        task = self._tasks.get(self._by_clip.get(order.clip_id, ""))
        if task is None or task.id != order.task_id:
            raise invalid("continue_clip_id: no such clip in the task")
        clip = task.clip(task.clips.index(order.clip_id), now=self._clock())
        if clip.status != "complete":
            raise invalid("continue_clip_id: the clip is not complete")
        if order.continue_at is not None and order.continue_at > clip.duration_s:
            raise invalid(f"continue_at {order.continue_at:g} is beyond the clip's end at {clip.duration_s:g}")

    def _take(self, task: SunoTask) -> None:
        self._tasks[task.id] = task
        self._by_clip.update(dict.fromkeys(task.clips, task.id))
        if len(self._tasks) > MAX_TASKS:
            _, oldest = self._tasks.popitem(last=False)
            for clip in oldest.clips:
                self._by_clip.pop(clip, None)

    def _active(self) -> int:
        """Count the jobs that are worked on; the youngest are last, and none works longer than a slow one."""
        now, active = self._clock(), 0
        for task in reversed(self._tasks.values()):
            if now - task.created_at > SLOW_TASK_S:
                break
            active += now - task.created_at < task.working_s
        return active

    async def _fetch_many(self, request: Request) -> Response:
        body = await _read_json(request)
        ids = body.get("ids") if isinstance(body, dict) else None
        if not isinstance(ids, list) or not all(isinstance(one, str) for one in ids):
            raise invalid("ids must be an array of strings")
        if len(ids) > MAX_IDS:
            raise invalid(f"ids must be at most {MAX_IDS}")
        found = [task for one in dict.fromkeys(ids) if (task := self._tasks.get(one)) is not None]
        return _success(
            [describe_task(task, now=self._clock(), base_url=str(request.base_url), shown_url=self._shown_url) for task in found]
        )

    async def _fetch(self, request: Request) -> Response:
        """Answer as the original relay does: the clips alone, without their task."""
        task = self._tasks.get(request.path_params["task_id"])
        if task is None:
            raise SunoRefused("task_not_exist", "task_not_exist", status=400)
        return _success(describe_result(task, now=self._clock(), base_url=str(request.base_url), shown_url=self._shown_url))

    def _known_clip(self, clip_id: str) -> Clip | None:
        task = self._tasks.get(self._by_clip.get(clip_id, ""))
        return None if task is None or task.order.action != "MUSIC" else task.clip(task.clips.index(clip_id), now=self._clock())

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
        if clip is None or clip.status != "complete" or not (is_song or is_cover):
            return no_file()
        if is_song:
            return Response(await asyncio.to_thread(make_clip, clip), media_type="audio/mpeg")
        return Response(await asyncio.to_thread(draw_cover, clip, large=is_large), media_type="image/jpeg")


async def _read_json(request: Request) -> Json:
    too_large = SunoRefused("invalid_request", "request body is too large", status=413)
    not_json = invalid("request body is not valid JSON")
    return await read_submit(request, limit_bytes=MAX_BODY_BYTES, too_large=too_large, not_json=not_json, any_type=True)


def _success(data: Json) -> Response:
    return json_answer({"code": "success", "message": "", "data": data})


def _provoked(status: int) -> SunoRefused:
    match status:
        case 400:
            return invalid("the prompt asked for this error")
        case 401:
            return SunoRefused("unauthorized", "invalid secret token", status=401)
        case 429:
            return SunoRefused("rate_limit_exceeded", "too many requests", status=429)
        case 529:
            return SunoRefused("service_unavailable", "no account is free", status=503)
    return SunoRefused("internal_error", "the prompt asked for this error", status=status)


async def _account(_: Request) -> Response:
    return _success({"credits_left": 2_500, "period": "month", "monthly_limit": 2_500, "monthly_usage": 0})


VENDOR = TaskVendor(name="suno", key=KEY, opened=SunoSandbox, job=SunoTask, takes_shown_url=True)
