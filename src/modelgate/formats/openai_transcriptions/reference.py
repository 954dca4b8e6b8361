"""Forms with sounds as documented to readers: types for the OpenAPI document; what is read of them has no files in it.

Source: the OpenAI API reference, read 2026-11.
"""

from typing import Annotated

import msgspec
from msgspec import Meta

from modelgate.formats.openai_transcriptions.schema import HearingFields, SoundUsage, TranscriptionFields

Sound = Annotated[
    str,
    Meta(
        description="A file with a filename: flac, m4a, mp3, mp4, mpeg, mpga, ogg, wav or webm, up to 25 MB.",
        extra_json_schema={"format": "binary"},
    ),
]


class TranscriptionForm(TranscriptionFields, frozen=True, kw_only=True, omit_defaults=True):
    """A form: a sound to be written down. Lists are repeated fields, `name` or `name[]`."""

    file: Sound


class TranslationForm(HearingFields, frozen=True, kw_only=True, omit_defaults=True):
    """A form: a sound to be written down in English."""

    file: Sound


class HeardWord(msgspec.Struct, frozen=True, kw_only=True):
    """A word with its time."""

    word: Annotated[str, Meta(description="The word.")]
    start: Annotated[float, Meta(description="Where it begins, in seconds.")]
    end: Annotated[float, Meta(description="Where it ends, in seconds.")]


class HeardSegment(msgspec.Struct, frozen=True, kw_only=True):
    """A piece of what was said, with its time."""

    id: Annotated[int | str, Meta(description="Number of the piece; with `diarized_json` its id.")]
    start: Annotated[float, Meta(description="Where it begins, in seconds.")]
    end: Annotated[float, Meta(description="Where it ends, in seconds.")]
    text: Annotated[str, Meta(description="What was said.")]
    speaker: Annotated[str | None, Meta(description="With `diarized_json`: who speaks, by the name given or a letter.")] = None
    type: Annotated[str | None, Meta(description="With `diarized_json`: always `transcript.text.segment`.")] = None
    seek: Annotated[int | None, Meta(description="With `verbose_json`: where the model's window began, in hundredths of a second.")] = None
    tokens: Annotated[list[int] | None, Meta(description="With `verbose_json`: the tokens of the text.")] = None
    temperature: Annotated[float | None, Meta(description="With `verbose_json`: the temperature that was used.")] = None
    compression_ratio: Annotated[float | None, Meta(description="With `verbose_json`: above 2.4 it is likely wrong.")] = None
    avg_logprob: Annotated[float | None, Meta(description="With `verbose_json`: mean log probability; below -1 it is likely wrong.")] = None
    no_speech_prob: Annotated[float | None, Meta(description="With `verbose_json`: how likely nobody spoke, 0 to 1.")] = None


class TokenLogprob(msgspec.Struct, frozen=True, kw_only=True):
    """How likely a token was."""

    token: Annotated[str, Meta(description="The token's text.")]
    logprob: Annotated[float, Meta(description="Log of its probability.")]
    bytes: Annotated[list[int] | None, Meta(description="Its UTF-8 bytes.")] = None


class Transcription(msgspec.Struct, frozen=True, kw_only=True):
    """What was said, in one of the JSON formats; `text`, `srt` and `vtt` answer plain text."""

    text: Annotated[str, Meta(description="All that was said.", examples=["Hello!"])]
    task: Annotated[str | None, Meta(description="With `verbose_json`: `transcribe` or `translate`.", examples=["transcribe"])] = None
    language: Annotated[str | None, Meta(description="With `verbose_json`: name of the language.", examples=["english"])] = None
    duration: Annotated[
        float | str | None, Meta(description="With `verbose_json` and `diarized_json`: length of the sound in seconds.", examples=[8.47])
    ] = None
    segments: Annotated[
        list[HeardSegment] | None, Meta(description="With `verbose_json` and `diarized_json`: pieces with their times.")
    ] = None
    words: Annotated[list[HeardWord] | None, Meta(description="When `timestamp_granularities` asks for `word`.")] = None
    logprobs: Annotated[list[TokenLogprob] | None, Meta(description="When `include` asks for them.")] = None
    usage: Annotated[SoundUsage | None, Meta(description="What is charged: tokens or seconds.")] = None
