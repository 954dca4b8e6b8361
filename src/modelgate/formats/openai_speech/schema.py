"""What is read of speech's requests and events, and what the vendor's models take, as data."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

MAX_MODEL_CHARACTERS = 256
MAX_INPUT_CHARACTERS = 200_000
"""No upstream reads more aloud in one call; what the vendor's own models take is less."""


class Voice(msgspec.Struct, frozen=True, kw_only=True):
    """A voice that was made at the vendor."""

    id: Annotated[str, Meta(min_length=1, description="Its id at the vendor.", examples=["voice_8dQ2"])]


class SpeechRequest(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A text to be read aloud. Fields that are not listed travel on as they are."""

    model: Annotated[
        str, Meta(min_length=1, max_length=MAX_MODEL_CHARACTERS, description="Name of the model.", examples=["gpt-4o-mini-tts"])
    ]
    input: Annotated[
        str,
        Meta(
            min_length=1,
            max_length=MAX_INPUT_CHARACTERS,
            description="The text; OpenAI's models read 4,096 characters.",
            examples=["Hello!"],
        ),
    ]
    voice: Annotated[
        Annotated[str, Meta(min_length=1)] | Voice,
        Meta(
            description=(
                "`alloy`, `ash`, `ballad`, `coral`, `echo`, `fable`, `nova`, `onyx`, `sage`, `shimmer`, `verse`, `marin`, `cedar`, "
                "as the model has them, or an own voice by `id`."
            ),
            examples=["alloy"],
        ),
    ]
    instructions: Annotated[
        str | None, Meta(description="How it is to sound, up to 4,096 characters; not for tts-1.", examples=["Cheerful."])
    ] = None
    response_format: (
        Annotated[
            str,
            Meta(
                max_length=32,
                description="`mp3` (when left out), `opus`, `aac`, `flac`, `wav`, or `pcm`: 24 kHz, mono, 16 bit, no header.",
                examples=["mp3"],
            ),
        ]
        | None
    ) = None
    speed: Annotated[float, Meta(ge=0.25, le=4, description="Times the usual speed, 1 when left out.", examples=[1.25])] | None = None
    stream_format: Annotated[
        Literal["audio", "sse"] | None,
        Meta(description="`audio` (when left out): the file. `sse`: events, the usage in the last; not for tts-1.", examples=["audio"]),
    ] = None


PRICED = ("model", "input", "instructions", "speed")
"""Fields that the price depends on: none of them may be said twice."""

CONTENT_TYPES = {
    "mp3": b"audio/mpeg",
    "opus": b"audio/opus",
    "aac": b"audio/aac",
    "flac": b"audio/flac",
    "wav": b"audio/wav",
    "pcm": b"audio/pcm",
}
DEFAULT_FORMAT = "mp3"


class Family(msgspec.Struct, frozen=True, kw_only=True):
    """One family of models; `models` are the beginnings of its names. Empty `formats`: any.

    `counts_tokens`: it is paid by tokens, which only its events tell, so that it is asked for events. `counts_characters`: by characters.
    """

    models: tuple[str, ...] = ()
    max_characters: int = MAX_INPUT_CHARACTERS
    formats: tuple[str, ...] = ()
    takes_instructions: bool = True
    has_events: bool = True
    counts_tokens: bool = True
    counts_characters: bool = True


FAMILIES = (
    Family(
        models=("tts-1",), max_characters=4_096, formats=(*CONTENT_TYPES,), takes_instructions=False, has_events=False, counts_tokens=False
    ),
    Family(models=("gpt-4o-mini-tts",), max_characters=4_096, formats=(*CONTENT_TYPES,), counts_characters=False),
)
ANY = Family()
"""Any other model: whether it is paid by characters or by tokens is its price's to say."""


def family_of(model: str) -> Family:
    """Return the family of a model."""
    return next((family for family in FAMILIES if model.startswith(family.models)), ANY)
