"""Sound in chats: recordings that are sent along, answers that are spoken, and turns that refer to an earlier spoken answer."""

from collections import OrderedDict

import msgspec

from modelgate.core.ids import random_text
from modelgate.core.records import Json
from modelgate.sandbox.openai.errors import Refused
from modelgate.sandbox.openai.fields import check_words, invalid, missing, wants
from modelgate.sandbox.openai.kinds import kind_of
from modelgate.sandbox.openai.speech import check_voice, say, spoken_tokens
from modelgate.sandbox.sound_files import NotASound, Sound, read_sound, write_sound
from modelgate.sandbox.vision import NotAPicture, decode_base64

FORMATS = ("wav", "aac", "mp3", "flac", "opus", "pcm16")
STREAMED_FORMAT = "pcm16"
LIFE_S = 3_600
MAX_REMEMBERED = 2_000
INPUT_TOKENS_PER_S = 10


class Spoken(msgspec.Struct, frozen=True, kw_only=True):
    """An answer as sound. `tokens` counts the sound alone."""

    id: str
    transcript: str
    expires_at: int
    sound: bytes
    tokens: int


class SpokenMemory:
    """Transcripts of spoken answers for an hour, so that a later turn can refer to them by id. Bounded."""

    def __init__(self, limit: int = MAX_REMEMBERED) -> None:
        self._limit = limit
        self._kept: OrderedDict[str, Spoken] = OrderedDict()

    def keep(self, spoken: Spoken) -> None:
        """Remember what was said."""
        self._kept[spoken.id] = msgspec.structs.replace(spoken, sound=b"")
        while len(self._kept) > self._limit:
            self._kept.popitem(last=False)

    def recalled(self, messages: list[dict[str, Json]], *, now: float) -> list[dict[str, Json]]:
        """Return messages with the text in place of what refers to a spoken answer. Raises Refused for what is not remembered."""
        return [self._recalled(message, where=f"messages[{index}].audio.id", now=now) for index, message in enumerate(messages)]

    def _recalled(self, message: dict[str, Json], *, where: str, now: float) -> dict[str, Json]:
        if message["role"] != "assistant" or not message.get("audio"):
            return message
        name = message["audio"].get("id") if isinstance(message["audio"], dict) else None
        if not isinstance(name, str):
            raise missing(where)
        found = self._kept.get(name)
        if found is None or now >= found.expires_at:
            raise Refused(f"Audio with id '{name[:80]}' not found, or expired.", status=404, param=where)
        return {**message, "content": found.transcript}


def check_chat_audio(body: dict[str, Json]) -> None:
    """Check what is wanted to be spoken, and that recordings can be heard. Raises Refused."""
    speaks = _check_modalities(body)
    if speaks:
        if not wants(body, "audio", dict):
            raise missing("audio")
        check_voice(body["audio"], where="audio.")
        check_words(body["audio"], {"format": FORMATS}, where="audio.")
        if body["audio"].get("format") is None:
            raise missing("audio.format")
        if body.get("stream") and body["audio"]["format"] != STREAMED_FORMAT:
            raise Refused(
                f"Unsupported value: 'audio.format' does not support '{body['audio']['format']}' when stream=true. Supported values are: "
                f"'{STREAMED_FORMAT}'.",
                param="audio.format",
                code="unsupported_value",
            )
        if (body.get("n") or 1) > 1:
            raise Refused("Spoken answers come one at a time.", param="n", code="invalid_value")
    sounds = [sound for message in body["messages"] for sound in sounds_of(message)]
    if not speaks and not sounds and _needs_sound(body["model"]):
        raise Refused(
            "This model requires that either input content or output modality contain audio.", param="model", code="invalid_value"
        )


def sounds_of(message: dict[str, Json]) -> list[Sound]:
    """Return the recordings of a message. Raises Refused for one that cannot be heard."""
    content = message.get("content")
    parts = content if isinstance(content, list) else []
    return [_sound(part["input_audio"]) for part in parts if part["type"] == "input_audio"]


def sound_tokens(message: dict[str, Json]) -> int:
    """Return what the recordings of a message count."""
    return sum(max(1, round(sound.duration_s * INPUT_TOKENS_PER_S)) for sound in sounds_of(message))


def describe_sounds(sounds: list[Sound]) -> tuple[str, ...]:
    """Return a sentence about each recording: what is said in it, or what it is."""
    return tuple(
        f"Recording {number} says: “{sound.text}”" if sound.text is not None else f"Recording {number}: {sound.describe()}"
        for number, sound in enumerate(sounds, 1)
    )


def speak_answer(text: str, *, audio: dict[str, Json], now: float) -> Spoken:
    """Return an answer as sound, in the wanted voice and format. Raises Refused: the sandbox cannot speak here."""
    pcm = say(text, voice=audio["voice"])
    return Spoken(
        id="audio_" + random_text(24),
        transcript=text,
        expires_at=int(now) + LIFE_S,
        sound=write_sound(pcm, audio["format"], text=text),
        tokens=spoken_tokens(pcm),
    )


def _check_modalities(body: dict[str, Json]) -> bool:
    """Return whether the answer is to be spoken."""
    if not wants(body, "modalities", list):
        return False
    for index, each in enumerate(body["modalities"]):
        if each not in ("text", "audio"):
            raise invalid(f"modalities[{index}]", each, ("text", "audio"))
    if "audio" not in body["modalities"]:
        return False
    if kind_of(body["model"]) is not None and "audio" not in body["model"]:
        raise Refused("This model does not support the requested output modality 'audio'.", param="modalities", code="unsupported_value")
    return True


def _needs_sound(model: str) -> bool:
    return kind_of(model) is not None and "-audio" in model


def _sound(given: dict[str, Json]) -> Sound:
    try:
        return read_sound(decode_base64(given["data"]), given["format"])
    except (NotAPicture, NotASound):
        raise Refused(
            f"The data provided for 'input_audio' is not valid {given['format']} audio.", param="messages", code="invalid_value"
        ) from None
