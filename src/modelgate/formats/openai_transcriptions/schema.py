"""What is read of transcriptions' requests and answers. Fields that are not listed travel on as they are."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

MAX_MODEL_CHARACTERS = 256
MAX_SPEAKERS = 4
MAX_HINTS = 256

SpokenFormat = Literal["json", "text", "srt", "verbose_json", "vtt", "diarized_json"]
Model = Annotated[str, Meta(min_length=1, max_length=MAX_MODEL_CHARACTERS, description="Name of the model.")]
Temperature = Annotated[float, Meta(ge=0, le=1)]
Hints = Annotated[list[str], Meta(max_length=MAX_HINTS, description="Only for gpt-transcribe.")]
Speakers = Annotated[list[str], Meta(max_length=MAX_SPEAKERS, description="Only for models that tell speakers apart.")]


class HearingFields(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The texts of a form that both endpoints know; beside them comes `file`, a sound with a filename."""

    model: Model
    prompt: Annotated[str, Meta(description="Words that set the style, or go before.")] | None = None
    response_format: SpokenFormat | None = None
    temperature: Temperature | None = None


class TranscriptionFields(HearingFields, frozen=True, kw_only=True, omit_defaults=True):
    """The texts of a form for a transcription. Lists are repeated fields, `name` or `name[]`."""

    language: Annotated[str, Meta(max_length=32, description="As in ISO 639-1.")] | None = None
    languages: Hints | None = None
    keywords: Hints | None = None
    include: list[Literal["logprobs"]] | None = None
    timestamp_granularities: list[Literal["word", "segment"]] | None = None
    stream: bool | None = None
    chunking_strategy: Annotated[str, Meta(description="`auto`, or a JSON object of type `server_vad`.")] | None = None
    known_speaker_names: Speakers | None = None
    known_speaker_references: Speakers | None = None


LISTS = frozenset(("languages", "keywords", "include", "timestamp_granularities", "known_speaker_names", "known_speaker_references"))
FILES = frozenset(("file",))


class SoundDetails(msgspec.Struct, frozen=True, kw_only=True):
    text_tokens: int | None = None
    audio_tokens: int | None = None


class SoundUsage(msgspec.Struct, frozen=True, kw_only=True):
    """Tokens, or seconds."""

    type: str = ""
    input_tokens: int = 0
    output_tokens: int = 0
    total_tokens: int = 0
    input_token_details: SoundDetails | None = None
    seconds: float | None = None


class Segment(msgspec.Struct, frozen=True, kw_only=True):
    """A piece of what was said, with its time in seconds."""

    start: float
    end: float
    text: str


class Transcription(msgspec.Struct, frozen=True, kw_only=True):
    """What was said. Words, segments and speakers where they were asked for."""

    text: str
    language: str | None = None
    duration: float | str | None = None
    segments: list[Segment] | None = None
    usage: SoundUsage | None = None
