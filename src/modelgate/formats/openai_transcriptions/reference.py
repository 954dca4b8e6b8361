"""Forms with sounds as documented to readers: types for the OpenAPI document; what is read of them has no files in it.

Source: the OpenAI API reference, read 2026-11.
"""

from typing import Annotated

from msgspec import Meta

from modelgate.formats.openai_transcriptions.schema import HearingFields, TranscriptionFields

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
