"""Bodies of the Suno dialect, and their bounds. Source: the Suno-API relay and the gateways that serve its shape, read 2026-11.

The structs make the OpenAPI document; `request.py` checks by the same constants and says which rule broke.
"""

from typing import Annotated, Any, Final, Literal

from msgspec import Meta, Struct

from modelgate.formats.media.error_twin import ErrorTwin

MUSIC_MODEL: Final = "suno_music"
LYRICS_MODEL: Final = "suno_lyrics"
DEFAULT_MV: Final = "chirp-v3-0"
MAX_DESCRIPTION_CHARACTERS: Final = 500
MAX_PROMPT_CHARACTERS: Final = 5_000
MAX_LYRICS_PROMPT_CHARACTERS: Final = 2_000
MAX_TITLE_CHARACTERS: Final = 100
MAX_TAGS_CHARACTERS: Final = 1_000
MAX_MV_CHARACTERS: Final = 64
MAX_ID_CHARACTERS: Final = 200
MAX_URL_CHARACTERS: Final = 2_048
MAX_CONTINUE_AT_S: Final = 3_600
MAX_EXTRA_FIELDS: Final = 32
MAX_EXTRA_BYTES: Final = 16_384
MAX_FETCHED: Final = 100
CONTINUE_TASKS: Final = ("extend", "upload_extend")

TaskStatus = Literal["NOT_START", "SUBMITTED", "QUEUED", "IN_PROGRESS", "SUCCESS", "FAILURE", "UNKNOWN"]
ClipStatus = Literal["submitted", "queued", "streaming", "complete", "error"]
_Hook = Annotated[
    str, Meta(max_length=MAX_URL_CHARACTERS, description="Where to POST what a fetch would say, at every change; never sent to the vendor.")
]


class MusicBody(Struct, kw_only=True, omit_defaults=True):
    """Body of `POST /suno/submit/music`. An empty string means that the field is absent."""

    gpt_description_prompt: Annotated[
        str, Meta(max_length=MAX_DESCRIPTION_CHARACTERS, description="What the song is about; Suno writes words and style.")
    ] = ""
    prompt: Annotated[
        str, Meta(max_length=MAX_PROMPT_CHARACTERS, description="The words that are sung; empty with `tags` or `title`: instrumental.")
    ] = ""
    mv: Annotated[str, Meta(max_length=MAX_MV_CHARACTERS, description="Suno's model, such as `chirp-v4`, `chirp-auk`, `chirp-crow`.")] = (
        DEFAULT_MV
    )
    title: Annotated[str, Meta(max_length=MAX_TITLE_CHARACTERS)] = ""
    tags: Annotated[str, Meta(max_length=MAX_TAGS_CHARACTERS, description="Styles, comma separated.")] = ""
    negative_tags: Annotated[str, Meta(max_length=MAX_TAGS_CHARACTERS, description="Styles to keep out.")] = ""
    make_instrumental: Annotated[bool, Meta(description="Without words.")] = False
    task_id: Annotated[str, Meta(max_length=MAX_ID_CHARACTERS, description="The task whose clip is continued.")] = ""
    continue_clip_id: Annotated[str, Meta(max_length=MAX_ID_CHARACTERS, description="The clip to go on from.")] = ""
    continue_at: Annotated[float, Meta(gt=0, le=MAX_CONTINUE_AT_S, description="Where in the clip to go on, in seconds.")] | None = None
    task: Annotated[Literal["", "extend", "upload_extend"], Meta(description="What a continuation is.")] = ""
    notify_hook: _Hook = ""


class LyricsBody(Struct, kw_only=True, omit_defaults=True):
    """Body of `POST /suno/submit/lyrics`."""

    prompt: Annotated[str, Meta(min_length=1, max_length=MAX_LYRICS_PROMPT_CHARACTERS, description="What the lyrics are about.")]
    notify_hook: _Hook = ""


class FetchBody(Struct, kw_only=True, omit_defaults=True):
    """Body of `POST /suno/fetch`; `action` is ignored."""

    ids: Annotated[list[str], Meta(max_length=MAX_FETCHED)]
    action: str = ""


class SubmitEnvelope(Struct, kw_only=True):
    """The answer to a submit; `data` is the task's id."""

    code: str
    message: str
    data: str


class ClipMetadata(Struct, kw_only=True):
    """What a clip was made of. `duration` is in seconds, null while it is made."""

    tags: str
    prompt: str
    gpt_description_prompt: str | None
    audio_prompt_id: str | None
    history: list[dict[str, Any]] | None
    concat_history: list[dict[str, Any]] | None
    type: str
    duration: float | None
    refund_credits: bool
    stream: bool
    error_type: str | None
    error_message: str | None


class Clip(Struct, kw_only=True):
    """One song. While the task runs `audio_url` is Suno's own stream; in the end it is signed, and each fetch makes a fresh one."""

    id: str
    title: str
    status: ClipStatus
    audio_url: str
    video_url: str
    image_url: str
    image_large_url: str
    is_video_pending: bool
    major_model_version: str
    model_name: str
    metadata: ClipMetadata
    created_at: str
    user_id: str = ""
    display_name: str = ""
    handle: str = ""
    is_handle_updated: bool = False
    is_liked: bool = False
    is_trashed: bool = False
    is_public: bool = False
    reaction: None = None
    play_count: int = 0
    upvote_count: int = 0
    tags: str
    prompt: str
    duration: float | None


class Lyrics(Struct, kw_only=True):
    """Finished lyrics."""

    id: str
    title: str
    text: str
    status: str = "complete"


class SunoTask(Struct, kw_only=True):
    """A task as it stands. Times are Unix seconds, 0 while not known. `data` is null until there is something to show."""

    task_id: str
    notify_hook: str
    action: Literal["MUSIC", "LYRICS"]
    status: TaskStatus
    fail_reason: str
    submit_time: int
    start_time: int
    finish_time: int
    progress: str
    data: list[Clip] | Lyrics | None


class FetchEnvelope(Struct, kw_only=True):
    """The answer to a fetch."""

    code: str
    message: str
    data: SunoTask


class FetchManyEnvelope(Struct, kw_only=True):
    """The answer to a fetch of many: your own tasks only, unknown ids are missing."""

    code: str
    message: str
    data: list[SunoTask]


class ErrorEnvelope(Struct, kw_only=True):
    """An error: the family's code beside the twin that OpenAI's clients read."""

    code: str
    message: str
    data: None
    error: ErrorTwin
