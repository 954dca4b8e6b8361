"""What is read of transcriptions' requests and answers. Fields that are not listed travel on as they are."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

MAX_MODEL_CHARACTERS = 256
MAX_SPEAKERS = 4
MAX_HINTS = 256

SpokenFormat = Literal["json", "text", "srt", "verbose_json", "vtt", "diarized_json"]
Model = Annotated[str, Meta(min_length=1, max_length=MAX_MODEL_CHARACTERS, description="Name of the model.", examples=["whisper-1"])]
Temperature = Annotated[float, Meta(ge=0, le=1, description="Higher is more varied; 0 when left out.", examples=[0])]
Hints = Annotated[list[str], Meta(max_length=MAX_HINTS)]
Speakers = Annotated[list[str], Meta(max_length=MAX_SPEAKERS)]


class HearingFields(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The texts of a form that both endpoints know; beside them comes `file`, a sound with a filename."""

    model: Model
    prompt: Annotated[
        str | None,
        Meta(description="Words that set the style, or go before. Not for models that tell speakers apart.", examples=["Modelgate"]),
    ] = None
    response_format: Annotated[
        SpokenFormat | None,
        Meta(
            description=(
                "`json` when left out. whisper: also `text`, `srt`, `vtt`, `verbose_json`; gpt-4o-transcribe: `text`; models that tell "
                "speakers apart: `text`, `diarized_json`. `text`, `srt` and `vtt` answer plain text."
            ),
            examples=["json"],
        ),
    ] = None
    temperature: Temperature | None = None


class TranscriptionFields(HearingFields, frozen=True, kw_only=True, omit_defaults=True):
    """The texts of a form for a transcription. Lists are repeated fields, `name` or `name[]`."""

    language: Annotated[str, Meta(max_length=32, description="Language of the sound, as in ISO 639-1.", examples=["en"])] | None = None
    languages: Annotated[
        Hints | None, Meta(description="Languages that may be spoken, as in ISO 639-1; only for gpt-transcribe.", examples=[["en", "fr"]])
    ] = None
    keywords: Annotated[
        Hints | None, Meta(description="Words that are likely said; only for gpt-transcribe.", examples=[["Modelgate"]])
    ] = None
    include: Annotated[
        list[Literal["logprobs"]] | None,
        Meta(description="`logprobs`: log probability of every token; gpt-4o-transcribe with `json`.", examples=[["logprobs"]]),
    ] = None
    timestamp_granularities: Annotated[
        list[Literal["word", "segment"]] | None,
        Meta(description="What gets its time, segments when left out; needs `verbose_json`.", examples=[["word"]]),
    ] = None
    stream: Annotated[bool | None, Meta(description="Send the text as server-sent events; whisper-1 ignores it.")] = None
    chunking_strategy: Annotated[
        str | None,
        Meta(
            description="How a long sound is cut: `auto`, or a JSON object of type `server_vad`. Speakers need it beyond 30 s.",
            examples=["auto"],
        ),
    ] = None
    known_speaker_names: Annotated[
        Speakers | None, Meta(description="Names of speakers, for models that tell them apart.", examples=[["Ada"]])
    ] = None
    known_speaker_references: Annotated[
        Speakers | None, Meta(description="A sample of 2 to 10 s of each named speaker, as a data URL, in the order of the names.")
    ] = None


LISTS = frozenset(("languages", "keywords", "include", "timestamp_granularities", "known_speaker_names", "known_speaker_references"))
FILES = frozenset(("file",))


class SoundDetails(msgspec.Struct, frozen=True, kw_only=True):
    """Parts of the input."""

    text_tokens: Annotated[int | None, Meta(description="Of words.")] = None
    audio_tokens: Annotated[int | None, Meta(description="Of sound.")] = None


class SoundUsage(msgspec.Struct, frozen=True, kw_only=True):
    """Tokens, or seconds."""

    type: Annotated[str, Meta(description="`tokens` or `duration`: what counts.", examples=["duration"])] = ""
    input_tokens: Annotated[int, Meta(description="With `tokens`: all input.")] = 0
    output_tokens: Annotated[int, Meta(description="With `tokens`: all output.")] = 0
    total_tokens: Annotated[int, Meta(description="With `tokens`: the sum of both.")] = 0
    input_token_details: Annotated[SoundDetails | None, Meta(description="With `tokens`: parts of the input.")] = None
    seconds: Annotated[float | None, Meta(description="With `duration`: how long the sound is, in seconds.", examples=[9])] = None


class Segment(msgspec.Struct, frozen=True, kw_only=True):
    """A piece of what was said, with its time in seconds."""

    start: Annotated[float, Meta(description="Where it begins, in seconds.")]
    end: Annotated[float, Meta(description="Where it ends, in seconds.")]
    text: Annotated[str, Meta(description="What was said.")]
