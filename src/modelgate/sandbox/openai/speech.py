"""`POST /v1/audio/speech`: texts become sound, as a body that comes in pieces or as events."""

from base64 import b64encode
from collections.abc import Iterator

from modelgate.core.records import Json
from modelgate.sandbox.magic import Magic, read_magic
from modelgate.sandbox.openai.errors import Refused, refuse_if_asked
from modelgate.sandbox.openai.fields import check_ranges, check_words, invalid, missing, wants, wrong_type
from modelgate.sandbox.openai.gate import Asked, Operation
from modelgate.sandbox.openai.kinds import check_kind
from modelgate.sandbox.openai.models import check_model
from modelgate.sandbox.openai.sending import ERROR_EVENT, EVENT_STREAM, MALFORMED_EVENT, Thought, event
from modelgate.sandbox.sound_files import write_sound
from modelgate.sandbox.sounds import duration_s, play
from modelgate.sandbox.tokens import Tokenizer
from modelgate.sandbox.voice import NoVoice

MAX_INPUT = 4_096
MAX_INSTRUCTIONS = 4_096
OUTPUT_TOKENS_PER_S = 20
PART_BYTES = 16 * 1024
MAX_PARTS = 200
"""A sound leaves in pieces of `PART_BYTES`, or larger ones when it were more than so many."""

OLD_VOICES = ("alloy", "ash", "coral", "echo", "fable", "nova", "onyx", "sage", "shimmer")
VOICES = (*OLD_VOICES, "ballad", "verse", "marin", "cedar")
_NOISE = b"\x07no sound\x07" * 8
_TYPES = {
    "mp3": "audio/mpeg",
    "opus": "audio/opus",
    "aac": "audio/aac",
    "flac": "audio/flac",
    "wav": "audio/wav",
    "pcm": "audio/pcm",
}


class Speech:
    """Reads texts aloud."""

    def __init__(self, *, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer

    def operations(self) -> tuple[Operation, ...]:
        """Return what can be asked here."""
        return (Operation("POST", "/audio/speech", think=self._think, apart=True),)

    def _think(self, asked: Asked) -> Thought:
        body = asked.body
        check_model(body)
        check_kind(body["model"], "speech")
        _check_speech(body)
        magic = read_magic(body["model"], body["input"])
        refuse_if_asked(magic, param="input")
        kind, said = body.get("response_format") or "mp3", magic.text or "ok"
        pcm = say(said, voice=body["voice"], speed=body.get("speed") or 1.0)
        parts = list(in_parts(write_sound(pcm, kind, text=said)))
        spent, made = self._tokens(body, pcm=pcm, magic=magic)
        as_events = body.get("stream_format") == "sse"
        if as_events:
            usage = magic.usage({"input_tokens": spent, "output_tokens": made, "total_tokens": spent + made})
            done = {"type": "speech.audio.done", **({"usage": usage} if usage is not None else {})}
            parts = [*(event({"type": "speech.audio.delta", "audio": b64encode(part).decode()}) for part in parts), event(done)]
        return Thought(
            magic=magic,
            parts=parts,
            stream=True,
            prompt_tokens=len(body["input"]) if _is_old(body["model"]) else spent,
            completion_tokens=0 if _is_old(body["model"]) else made,
            content_type=EVENT_STREAM if as_events else _TYPES[kind],
            malformed=MALFORMED_EVENT if as_events else _NOISE,
            failure=ERROR_EVENT if as_events else None,  # a sound has no place for an error
        )

    def _tokens(self, body: dict[str, Json], *, pcm: bytes, magic: Magic) -> tuple[int, int]:
        if magic.pinned:
            return magic.pinned.prompt, magic.pinned.completion
        text = body["input"] + (body.get("instructions") or "")
        return self._tokenizer.count(text), spoken_tokens(pcm)


def say(text: str, *, voice: Json, speed: float = 1.0) -> bytes:
    """Return a text as PCM in a checked voice. Raises Refused: the sandbox cannot speak here."""
    try:
        return play(text, voice=name_of_voice(voice), speed=speed)
    except NoVoice as error:
        raise Refused(str(error), code="no_voice") from None


def spoken_tokens(pcm: bytes) -> int:
    """Return what speech counts as output."""
    return max(1, round(duration_s(pcm) * OUTPUT_TOKENS_PER_S))


def in_parts(data: bytes) -> Iterator[bytes]:
    """Cut a sound into the pieces that it leaves in."""
    size = max(PART_BYTES, -(-len(data) // MAX_PARTS))
    size += size % 2  # no sample is torn
    yield from (data[start : start + size] for start in range(0, len(data), size))


def check_voice(body: dict[str, Json], *, where: str = "", supported: tuple[str, ...] | None = VOICES) -> None:
    """Check a voice: one of the supported names, or the id of one that was made. Raises Refused."""
    voice = body.get("voice")
    if voice is None:
        raise missing(f"{where}voice")
    if isinstance(voice, dict):
        if not isinstance(voice.get("id"), str):
            raise missing(f"{where}voice.id")
        return
    if not isinstance(voice, str):
        raise wrong_type(f"{where}voice", wanted="a string", value=voice)
    if not voice or (supported is not None and voice not in supported):
        raise invalid(f"{where}voice", voice, supported or VOICES)


def name_of_voice(voice: Json) -> str:
    """Return the name of a checked voice, or its id."""
    return str(voice["id"] if isinstance(voice, dict) else voice)


def _is_old(model: str) -> bool:
    return model.startswith("tts-1")


def _check_speech(body: dict[str, Json]) -> None:
    """Refuse what the vendor would. Raises Refused."""
    for name, limit in (("input", MAX_INPUT), ("instructions", MAX_INSTRUCTIONS)):
        if wants(body, name, str) and len(body[name]) > limit:
            raise Refused(
                f"Invalid '{name}': string too long. Expected a string with maximum length {limit}, but got a string with length "
                f"{len(body[name])} instead.",
                param=name,
                code="string_above_max_length",
            )
    if not body.get("input"):
        raise missing("input")
    check_voice(body, supported=_voices_of(body["model"]))
    check_words(body, {"response_format": tuple(_TYPES), "stream_format": ("audio", "sse")})
    check_ranges(body, ("speed", float, 0.25, 4.0))
    if _is_old(body["model"]):
        for name in ("instructions", "stream_format"):
            if body.get(name) not in (None, "audio"):
                raise Refused(
                    f"Unsupported parameter: '{name}' is not supported with this model.", param=name, code="unsupported_parameter"
                )


def _voices_of(model: str) -> tuple[str, ...] | None:
    """Return the voices of a model; None: any, of an imitator."""
    if _is_old(model):
        return OLD_VOICES
    return VOICES if model.startswith("gpt-") else None
