"""What Suno takes and says, as structs and tables.

The relay itself checks little; the lengths are those that Suno's page has for each version of its model (aggregators write them
down too, read 2026-11).
"""

from typing import Annotated, Final

import msgspec

from modelgate.core.records import Json
from modelgate.sandbox.body_shape import one_of
from modelgate.sandbox.job_shelf import stage_of

DEFAULT_MV = "chirp-v3-0"
VERSIONS: Final = {
    "chirp-v3-0": "v3",
    "chirp-v3-5": "v3.5",
    "chirp-v3-5-upload": "v3.5",
    "chirp-v4": "v4",
    "chirp-auk": "v4.5",
    "chirp-auk-turbo": "v4.5-all",
    "chirp-bluejay": "v4.5+",
    "chirp-crow": "v5",
    "chirp-v5": "v5",
}
"""What each `mv` is called in a clip."""

OLDER = ("v3", "v3.5", "v4")
OLDER_LIMITS: Final = {"prompt": 3_000, "tags": 200, "negative_tags": 200, "title": 80}
"""What the older versions take of a text."""

MAX_LYRICS_PROMPT = 2_000
MAX_IDS = 1_000
MAX_CONTINUE_AT_S = 3_600

SUBMITTED_S = 0.25
QUEUED_S = 0.5
STREAMING_S = 0.75
WORKING_S = 1.5
SLOW_TASK_S = 12.0
"""A task is submitted, queued, in progress, audible and done at these ages; a slow one is done at `SLOW_TASK_S`."""

LYRICS_S = 0.25
"""Lyrics are done before the submit is answered; slow ones take `SLOW_TASK_S`."""

RELAY_DEADLINE_S = 600.0
TASK_STAGES = ((SUBMITTED_S, "SUBMITTED"), (QUEUED_S, "QUEUED"))
CLIP_STAGES = ((SUBMITTED_S, "submitted"), (STREAMING_S, "queued"))
SHORTEST_S = 24.0
MAX_EXTRA_S = 8
COVER_PX = 360
LARGE_COVER_PX = 1024
STYLES = "indie pop, warm, acoustic guitar"
PROVOKED = {
    400: ("the prompt asked for this error", "invalid_request", 400),
    401: ("invalid secret token", "unauthorized", 401),
    429: ("too many requests", "rate_limit_exceeded", 429),
    529: ("no account is free", "service_unavailable", 503),
}
"""What magic makes of a submit: message, code and status."""


Tags = Annotated[str, msgspec.Meta(max_length=1_000)]
Id = Annotated[str, msgspec.Meta(max_length=100)]
_NAMES = {"description": "gpt_description_prompt", "instrumental": "make_instrumental", "clip_id": "continue_clip_id"}


class Lyrics(msgspec.Struct, frozen=True):
    """What a submit of lyrics asks for."""

    prompt: Annotated[str, msgspec.Meta(max_length=MAX_LYRICS_PROMPT)] = ""


class Asked(msgspec.Struct, frozen=True):
    """What `/fetch` takes."""

    ids: Annotated[list[str], msgspec.Meta(max_length=MAX_IDS)]


class SunoOrder(msgspec.Struct, frozen=True, kw_only=True, rename=_NAMES):
    """What a submit asks for: `description` for inspiration, `prompt` is the words that are sung, or what lyrics should be about.

    `task_id`, `clip_id` and `continue_at` name what a continuation goes on from. Fields that nobody knows are dropped without a word,
    as the relay does.
    """

    action: str = "MUSIC"
    mv: Id = DEFAULT_MV
    description: Annotated[str, msgspec.Meta(max_length=500)] = ""
    prompt: Annotated[str, msgspec.Meta(max_length=5_000)] = ""
    title: Id = ""
    tags: Tags = ""
    negative_tags: Tags = ""
    instrumental: bool = False
    task: Annotated[str, one_of(("", "extend", "upload_extend"))] = ""
    task_id: Id = ""
    clip_id: Id = ""
    continue_at: Annotated[float, msgspec.Meta(gt=0, le=MAX_CONTINUE_AT_S)] | None = None

    @property
    def version(self) -> str:
        """What the model's version is called in a clip."""
        return VERSIONS.get(self.mv, VERSIONS[DEFAULT_MV])


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
            return stage_of(age, TASK_STAGES, "IN_PROGRESS")
        gives_up = "IN_PROGRESS" if age < RELAY_DEADLINE_S else "FAILURE"
        return gives_up if self.end == "HALF" else self.end

    def clip_status(self, now: float, index: int) -> str:
        """Return how a clip stands."""
        age = now - self.created_at
        if age < self.working_s:
            return stage_of(age, CLIP_STAGES, "streaming")
        return "error" if self.end == "FAILURE" or (self.end == "HALF" and index) else "complete"


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


class Metadata(msgspec.Struct, frozen=True, kw_only=True):
    """What a clip says of how it was made."""

    tags: str
    negative_tags: str
    prompt: str
    gpt_description_prompt: str | None
    audio_prompt_id: str | None
    history: Json
    concat_history: None = None
    type: str = "gen"
    duration: float | None = None
    refund_credits: bool = False
    stream: bool = True
    error_type: str | None = None
    error_message: str | None = None


class ShownClip(msgspec.Struct, frozen=True, kw_only=True):
    """A song as Suno tells of it. What is not there yet is an empty address."""

    id: str
    title: str
    status: str
    audio_url: str
    video_url: str = ""
    image_url: str
    image_large_url: str
    is_video_pending: bool = False
    major_model_version: str
    model_name: str
    metadata: Metadata
    created_at: str
    user_id: str = "5f9c1c6e-0000-4000-8000-00000000cafe"
    display_name: str = "The operator's account"
    handle: str = "operator"
    is_handle_updated: bool = False
    is_liked: bool = False
    is_trashed: bool = False
    is_public: bool = False
    reaction: None = None
    play_count: int = 0
    upvote_count: int = 0


class ShownLyrics(msgspec.Struct, frozen=True, kw_only=True):
    """A text as Suno tells of it."""

    id: str
    title: str
    text: str
    status: str = "complete"


class ShownTask(msgspec.Struct, frozen=True, kw_only=True):
    """A task as the relay's fetch of many tells of it."""

    id: int
    created_at: int
    updated_at: int
    task_id: str
    notify_hook: str = ""
    action: str
    status: str
    fail_reason: str
    submit_time: int
    start_time: int
    finish_time: int
    search_item: str
    progress: str
    data: list[ShownClip] | ShownLyrics | None


MUSIC_FIELDS = tuple(name for name in SunoOrder.__struct_encode_fields__ if name != "action")
