"""The tasks and clips of the make-believe Suno: how they stand by their age, how the relay describes them, and their files."""

from datetime import UTC, datetime

import msgspec

from modelgate.core.records import Json
from modelgate.sandbox.magic import read_magic
from modelgate.sandbox.music import make_lyrics, make_song
from modelgate.sandbox.pictures import encode_picture, paint
from modelgate.sandbox.suno.checks import SunoOrder

SUBMITTED_S = 0.25
QUEUED_S = 0.5
STREAMING_S = 0.75
WORKING_S = 1.5
SLOW_TASK_S = 12.0
"""A task is submitted, queued, in progress, audible and done at these ages; a slow one is done at `SLOW_TASK_S`."""

RELAY_DEADLINE_S = 600.0

COVER_PX = 360
LARGE_COVER_PX = 1024
SHORTEST_S = 24.0
MAX_EXTRA_S = 8
_STYLES = "indie pop, warm, acoustic guitar"


class Clip(msgspec.Struct, frozen=True, kw_only=True):
    """One song of a task; `words` is what is sung and `status` how it stands."""

    id: str
    order: SunoOrder
    status: str
    created_at: float
    title: str
    words: str
    index: int

    @property
    def duration_s(self) -> float:
        """How long the song is, in whole tenths."""
        return SHORTEST_S + int(self.id[:8], 16) % (10 * MAX_EXTRA_S) / 10


class SunoTask(msgspec.Struct, frozen=True, kw_only=True):
    """One accepted job. Its state follows from its age alone; `end` is how it ends: SUCCESS, FAILURE, or HALF for one good clip."""

    id: str
    order: SunoOrder
    clips: tuple[str, ...]
    created_at: float
    working_s: float
    end: str = "SUCCESS"

    def status(self, now: float) -> str:
        """Return the status as the relay names it; of two unlike clips it takes the one that is not complete, until it gives up."""
        age = now - self.created_at
        if age < self.working_s:
            return "SUBMITTED" if age < SUBMITTED_S else "QUEUED" if age < QUEUED_S else "IN_PROGRESS"
        if self.end == "HALF":
            return "IN_PROGRESS" if age < RELAY_DEADLINE_S else "FAILURE"
        return self.end

    def clip_status(self, now: float, index: int) -> str:
        """Return how a clip stands."""
        age = now - self.created_at
        if age >= self.working_s:
            return "error" if self.end == "FAILURE" or (self.end == "HALF" and index) else "complete"
        return "submitted" if age < SUBMITTED_S else "queued" if age < STREAMING_S else "streaming"

    def clip(self, index: int, *, now: float) -> Clip:
        """Return one of its songs as it stands."""
        title, words = words_of(self.order)
        return Clip(
            id=self.clips[index],
            order=self.order,
            status=self.clip_status(now, index),
            created_at=self.created_at,
            title=title,
            words=words,
            index=index,
        )


def words_of(order: SunoOrder) -> tuple[str, str]:
    """Return the title and the words that a song gets."""
    about = read_magic("", order.description).text
    title, words = make_lyrics(about or order.tags or "the wind")
    if order.instrumental:
        words = "[Instrumental]"
    elif not order.description:
        words = read_magic("", order.prompt).text
    return order.title or title, words


def describe_task(task: SunoTask, *, now: float, base_url: str, shown_url: str = "") -> dict[str, Json]:
    """Return a task as the relay's fetch of many does."""
    status, created = task.status(now), int(task.created_at)
    is_over = status in ("SUCCESS", "FAILURE")
    reason = "time out" if task.end == "HALF" else "The prompt asked for a failed task."
    return {
        "id": int(task.id[:8], 16),
        "created_at": created,
        "updated_at": int(now),
        "task_id": task.id,
        "notify_hook": "",
        "action": task.order.action,
        "status": status,
        "fail_reason": reason if status == "FAILURE" else "",
        "submit_time": created,
        "start_time": created if status not in ("SUBMITTED", "QUEUED") else 0,
        "finish_time": int(task.created_at + task.working_s) if is_over else 0,
        "search_item": ",".join(task.clips),
        "progress": "100%" if is_over else "0%",
        "data": describe_result(task, now=now, base_url=base_url, shown_url=shown_url),
    }


def describe_result(task: SunoTask, *, now: float, base_url: str, shown_url: str = "") -> Json:
    """Return what a task made so far: its clips, or its text."""
    if task.order.action == "LYRICS":
        if task.status(now) != "SUCCESS":
            return None
        title, text = make_lyrics(read_magic("", task.order.prompt).text)
        return {"id": task.id, "title": title, "text": text, "status": "complete"}
    return [describe_clip(task.clip(index, now=now), base_url=base_url, shown_url=shown_url) for index in range(len(task.clips))]


def describe_clip(clip: Clip, *, base_url: str, shown_url: str = "") -> dict[str, Json]:
    """Return a clip as Suno does. What is not there yet is an empty address."""
    is_done, is_audible = clip.status == "complete", clip.status in ("streaming", "complete")
    files = f"{base_url}suno/files"
    streamed = f"{shown_url or base_url}suno/stream?item_id={clip.id}" if is_audible else ""
    return {
        "id": clip.id,
        "title": clip.title,
        "status": clip.status,
        "audio_url": f"{files}/{clip.id}.mp3" if is_done else streamed,
        "video_url": "",
        "image_url": f"{files}/image_{clip.id}.jpeg" if is_audible else "",
        "image_large_url": f"{files}/image_large_{clip.id}.jpeg" if is_audible else "",
        "is_video_pending": False,
        "major_model_version": clip.order.version,
        "model_name": clip.order.mv,
        "metadata": _metadata(clip, duration=clip.duration_s if is_done else None),
        "created_at": datetime.fromtimestamp(clip.created_at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "user_id": "5f9c1c6e-0000-4000-8000-00000000cafe",
        "display_name": "The operator's account",
        "handle": "operator",
        "is_handle_updated": False,
        "is_liked": False,
        "is_trashed": False,
        "is_public": False,
        "reaction": None,
        "play_count": 0,
        "upvote_count": 0,
    }


def make_clip(clip: Clip) -> bytes:
    """Return the song as MP3; the songs of one task differ."""
    return make_song(f"{clip.title}\n{clip.order.tags}\n{clip.words}\n{clip.index}", seconds=clip.duration_s)


def draw_cover(clip: Clip, *, large: bool) -> bytes:
    """Return the cover as JPEG."""
    side = LARGE_COVER_PX if large else COVER_PX
    return encode_picture(paint(clip.title, (side, side), variant=clip.index), "jpeg", quality=85)


def _metadata(clip: Clip, *, duration: float | None) -> Json:
    order, failed = clip.order, clip.status == "error"
    history: Json = [{"id": order.clip_id, "continue_at": order.continue_at, "type": "gen"}] if order.clip_id else None
    return {
        "tags": order.tags or _STYLES,
        "negative_tags": order.negative_tags,
        "prompt": clip.words,
        "gpt_description_prompt": order.description or None,
        "audio_prompt_id": order.clip_id or None,
        "history": history,
        "concat_history": None,
        "type": "gen",
        "duration": duration,
        "refund_credits": failed,
        "stream": True,
        "error_type": "internal_error" if failed else None,
        "error_message": "The prompt asked for a failed clip." if failed else None,
    }
