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
MODELS: Final = (
    "Suno's model: `chirp-v3-0` (3), `chirp-v3-5` (3.5), `chirp-v4` (4), `chirp-auk` (4.5), `chirp-auk-turbo` (4.5-all), "
    "`chirp-bluejay` (4.5+), `chirp-crow` (5)."
)
_Hook = Annotated[
    str,
    Meta(
        max_length=MAX_URL_CHARACTERS,
        description="Where to POST what a fetch would say, at every change; never sent to the vendor.",
        examples=["https://example.com/suno"],
    ),
]


class MusicBody(Struct, kw_only=True, omit_defaults=True):
    """Body of `POST /suno/submit/music`. An empty string means that the field is absent."""

    gpt_description_prompt: Annotated[
        str,
        Meta(
            max_length=MAX_DESCRIPTION_CHARACTERS,
            description="What the song is about; Suno writes words and style. With it `prompt` does not count.",
            examples=["bright pop song about the weekend"],
        ),
    ] = ""
    prompt: Annotated[
        str,
        Meta(
            max_length=MAX_PROMPT_CHARACTERS,
            description="The words that are sung; empty with `tags` or `title`: instrumental.",
            examples=["[Verse]\nThe city sleeps"],
        ),
    ] = ""
    mv: Annotated[str, Meta(max_length=MAX_MV_CHARACTERS, description=MODELS, examples=["chirp-v4"])] = DEFAULT_MV
    title: Annotated[str, Meta(max_length=MAX_TITLE_CHARACTERS, description="Title of the song.", examples=["City Lights"])] = ""
    tags: Annotated[str, Meta(max_length=MAX_TAGS_CHARACTERS, description="Styles, comma separated.", examples=["emotional punk"])] = ""
    negative_tags: Annotated[
        str, Meta(max_length=MAX_TAGS_CHARACTERS, description="Styles to keep out, comma separated.", examples=["jazz"])
    ] = ""
    make_instrumental: Annotated[bool, Meta(description="Without words.")] = False
    task_id: Annotated[
        str,
        Meta(
            max_length=MAX_ID_CHARACTERS,
            description="The task whose clip is continued; without it the clip is looked for among your tasks.",
            examples=["task_4fK2mQpX7cVbN1sLr8YwZd"],
        ),
    ] = ""
    continue_clip_id: Annotated[
        str,
        Meta(
            max_length=MAX_ID_CHARACTERS,
            description="The clip to go on from: an `id` out of that task's `data`.",
            examples=["971c0fb8-1f0d-4a5e-9d3c-2b7f6e8a9c10"],
        ),
    ] = ""
    continue_at: (
        Annotated[
            float,
            Meta(
                gt=0,
                le=MAX_CONTINUE_AT_S,
                description="Where in the clip to go on, in seconds; needs `continue_clip_id`.",
                examples=[120.0],
            ),
        ]
        | None
    ) = None
    task: Annotated[
        Literal["", "extend", "upload_extend"], Meta(description="What a continuation is; needs `continue_clip_id`.", examples=["extend"])
    ] = ""
    notify_hook: _Hook = ""


class LyricsBody(Struct, kw_only=True, omit_defaults=True):
    """Body of `POST /suno/submit/lyrics`."""

    prompt: Annotated[
        str,
        Meta(min_length=1, max_length=MAX_LYRICS_PROMPT_CHARACTERS, description="What the lyrics are about.", examples=["a night train"]),
    ]
    notify_hook: _Hook = ""


class FetchBody(Struct, kw_only=True, omit_defaults=True):
    """Body of `POST /suno/fetch`; `action` is ignored."""

    ids: Annotated[list[str], Meta(max_length=MAX_FETCHED, description="The tasks' ids.", examples=[["task_4fK2mQpX7cVbN1sLr8YwZd"]])]
    action: Annotated[str, Meta(description="Not heeded.", examples=["MUSIC"])] = ""


_Code = Annotated[str, Meta(description="Always `success`.", examples=["success"])]
_Message = Annotated[str, Meta(description="Always empty.")]


class SubmitEnvelope(Struct, kw_only=True):
    """The answer to a submit; `data` is the task's id."""

    code: _Code
    message: _Message
    data: Annotated[str, Meta(description="Id of the task; fetch it by this.", examples=["task_4fK2mQpX7cVbN1sLr8YwZd"])]


class ClipMetadata(Struct, kw_only=True):
    """What a clip was made of. `duration` is in seconds, null while it is made."""

    tags: Annotated[str, Meta(description="Its styles.", examples=["emotional punk"])]
    prompt: Annotated[str, Meta(description="The words that are sung.")]
    gpt_description_prompt: Annotated[str | None, Meta(description="What it was asked to be about.")]
    audio_prompt_id: Annotated[str | None, Meta(description="The clip it goes on from.")]
    history: Annotated[list[dict[str, Any]] | None, Meta(description="Always null here.")]
    concat_history: Annotated[list[dict[str, Any]] | None, Meta(description="Always null here.")]
    type: Annotated[str, Meta(description="How it was made, at Suno.", examples=["gen"])]
    duration: Annotated[float | None, Meta(description="Length in seconds; null while it is made.", examples=[183.2])]
    refund_credits: Annotated[bool, Meta(description="Always false here.")]
    stream: Annotated[bool, Meta(description="Always true here.")]
    error_type: Annotated[str | None, Meta(description="Of a failed clip: Suno's word for it.")]
    error_message: Annotated[str | None, Meta(description="Of a failed clip: why.")]


class Clip(Struct, kw_only=True):
    """One song. While the task runs `audio_url` is Suno's own stream; in the end it is signed, and each fetch makes a fresh one."""

    id: Annotated[str, Meta(description="Id of the clip: `continue_clip_id` of a song that goes on from it.")]
    title: Annotated[str, Meta(description="Its title.", examples=["City Lights"])]
    status: Annotated[ClipStatus, Meta(description="`streaming`: it can be heard already; `complete` and `error` are the end.")]
    audio_url: Annotated[str, Meta(description="Where it can be heard; empty before that.")]
    video_url: Annotated[str, Meta(description="Always empty here.")]
    image_url: Annotated[str, Meta(description="Its cover.")]
    image_large_url: Annotated[str, Meta(description="The same cover.")]
    is_video_pending: Annotated[bool, Meta(description="Always false here.")]
    major_model_version: Annotated[str, Meta(description="Version of the model.", examples=["v4"])]
    model_name: Annotated[str, Meta(description="Name of the model at Suno.", examples=["chirp-v4"])]
    metadata: Annotated[ClipMetadata, Meta(description="What it was made of.")]
    created_at: Annotated[str, Meta(description="When, ISO 8601.", examples=["2026-11-27T10:00:00.000Z"])]
    user_id: Annotated[str, Meta(description="Always empty: the account at Suno is not yours.")] = ""
    display_name: Annotated[str, Meta(description="Always empty, as `user_id`.")] = ""
    handle: Annotated[str, Meta(description="Always empty, as `user_id`.")] = ""
    is_handle_updated: Annotated[bool, Meta(description="Always false.")] = False
    is_liked: Annotated[bool, Meta(description="Always false.")] = False
    is_trashed: Annotated[bool, Meta(description="Always false.")] = False
    is_public: Annotated[bool, Meta(description="Always false.")] = False
    reaction: Annotated[None, Meta(description="Always null.")] = None
    play_count: Annotated[int, Meta(description="Always 0.")] = 0
    upvote_count: Annotated[int, Meta(description="Always 0.")] = 0
    tags: Annotated[str, Meta(description="As in `metadata`.")]
    prompt: Annotated[str, Meta(description="As in `metadata`.")]
    duration: Annotated[float | None, Meta(description="As in `metadata`.")]


class Lyrics(Struct, kw_only=True):
    """Finished lyrics."""

    id: Annotated[str, Meta(description="Their id.")]
    title: Annotated[str, Meta(description="Title of the song.", examples=["City Lights"])]
    text: Annotated[str, Meta(description="The words, with marks such as `[Verse]`; they can go into `prompt` of a song.")]
    status: Annotated[str, Meta(description="Always `complete`.")] = "complete"


class SunoTask(Struct, kw_only=True):
    """A task as it stands. Times are Unix seconds, 0 while not known. `data` is null until there is something to show."""

    task_id: Annotated[str, Meta(description="Id of the task.", examples=["task_4fK2mQpX7cVbN1sLr8YwZd"])]
    notify_hook: Annotated[str, Meta(description="The address that was given to be told of changes.")]
    action: Annotated[Literal["MUSIC", "LYRICS"], Meta(description="What is made.")]
    status: Annotated[TaskStatus, Meta(description="How far it is; `SUCCESS` and `FAILURE` are the end. One finished song is a success.")]
    fail_reason: Annotated[str, Meta(description="With `FAILURE`: why; nothing is charged then.")]
    submit_time: Annotated[int, Meta(description="When it was taken, unix seconds.", examples=[1764237600])]
    start_time: Annotated[int, Meta(description="When the vendor took it, unix seconds; 0 before.")]
    finish_time: Annotated[int, Meta(description="When it ended, unix seconds; 0 before.")]
    progress: Annotated[str, Meta(description="In percent.", examples=["100%"])]
    data: Annotated[
        list[Clip] | Lyrics | None,
        Meta(description="Songs, usually two, already while they are made; or the lyrics once they are there; null before."),
    ]


class FetchEnvelope(Struct, kw_only=True):
    """The answer to a fetch."""

    code: _Code
    message: _Message
    data: Annotated[SunoTask, Meta(description="The task.")]


class FetchManyEnvelope(Struct, kw_only=True):
    """The answer to a fetch of many: your own tasks only, unknown ids are missing."""

    code: _Code
    message: _Message
    data: Annotated[list[SunoTask], Meta(description="The tasks.")]


class ErrorEnvelope(Struct, kw_only=True):
    """An error: the family's code beside the twin that OpenAI's clients read."""

    code: Annotated[
        str,
        Meta(
            description="`invalid_request`, `task_not_exist`, `quota_not_enough` or a code of the page Error codes.",
            examples=["invalid_request"],
        ),
    ]
    message: Annotated[str, Meta(description="One sentence for people.")]
    data: Annotated[None, Meta(description="Always null.")]
    error: Annotated[ErrorTwin, Meta(description="The same error where OpenAI's clients look for it.")]
