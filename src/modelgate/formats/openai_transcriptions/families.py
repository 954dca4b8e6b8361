"""What the vendor's families of hearing models take, as data, and in which format each is asked so that it counts what it is paid for.

Subtitles and plain texts carry no usage: a model is asked for JSON, and they are rendered here. A model of no family is somebody else's, or
has a name of the operator's: its requests are passed on unchecked.
"""

from collections.abc import Mapping

import msgspec

from modelgate.core.errors import BodyTooLarge, InvalidRequest
from modelgate.formats.json_fields import MISSING
from modelgate.formats.multipart import Form, Part
from modelgate.formats.openai_chat.request import say
from modelgate.formats.openai_transcriptions.schema import HearingFields, TranscriptionFields

MAX_FILE_BYTES = 25 * 1024 * 1024
EXTENSIONS = frozenset(("flac", "m4a", "mp3", "mp4", "mpeg", "mpga", "oga", "ogg", "wav", "webm"))

_SHARED = frozenset(("model", "prompt", "response_format", "temperature", "language", "include", "stream", "chunking_strategy"))
_SUBTITLES = {"text": "verbose_json", "srt": "verbose_json", "vtt": "verbose_json"}


class Family(msgspec.Struct, frozen=True, kw_only=True):
    """One family; `models` are the beginnings of its names. Empty `formats` and `fields`: any.

    `asks`: format that a client wants -> the one that is asked for. `max_s` bounds what it hears in one call. `counts_tokens`,
    `counts_time`: what it may be paid by.
    """

    models: tuple[str, ...] = ()
    formats: frozenset[str] = frozenset()
    fields: frozenset[str] = frozenset()
    asks: Mapping[str, str] = {}
    max_s: int = 24 * 3600
    max_output_tokens: int = 100_000
    counts_tokens: bool = True
    counts_time: bool = True
    has_streams: bool = True


_WHISPER = Family(
    models=("whisper-1",),
    formats=frozenset(("json", "text", "srt", "verbose_json", "vtt")),
    fields=_SHARED - {"include"} | {"timestamp_granularities"},
    asks=_SUBTITLES,
    counts_tokens=False,
    has_streams=False,
)
_GPT = Family(
    models=("gpt-4o-transcribe", "gpt-4o-mini-transcribe"),
    formats=frozenset(("json", "text")),
    fields=_SHARED,
    asks={"text": "json"},
    max_s=1_500,
    max_output_tokens=2_000,
    counts_time=False,
)
FAMILIES = (
    _WHISPER,
    msgspec.structs.replace(
        _GPT,
        models=("gpt-4o-transcribe-diarize",),
        formats=frozenset(("json", "text", "diarized_json")),
        fields=_SHARED - {"prompt", "include"} | {"known_speaker_names", "known_speaker_references"},
        max_output_tokens=16_000,
    ),
    _GPT,
    msgspec.structs.replace(_GPT, models=("gpt-transcribe",), fields=_SHARED | {"languages", "keywords"}),
)
WHISPER_ELSEWHERE = msgspec.structs.replace(_WHISPER, models=(), fields=frozenset(), asks={**_SUBTITLES, "json": "verbose_json"})
"""Elsewhere whisper counts nothing in plain JSON, but tells the duration in verbose."""
ANY = Family(asks={"text": "json", "srt": "verbose_json", "vtt": "verbose_json"})
"""Any other model."""

TRANSLATING = Family(
    formats=frozenset(("json", "text", "srt", "verbose_json", "vtt")),
    asks={**_SUBTITLES, "json": "verbose_json"},
    has_streams=False,
)
"""Whoever translates: its plain JSON tells nothing but the text."""


def family_of(model: str) -> Family:
    """Return the family of a model."""
    elsewhere = WHISPER_ELSEWHERE if "whisper" in model else ANY
    return next((family for family in FAMILIES if model.startswith(family.models)), elsewhere)


def check_fields(found: HearingFields, family: Family) -> None:
    """Raise InvalidRequest for what the family does not take."""
    if family.fields:
        for name in found.__struct_fields__:
            if getattr(found, name) is not None and name not in family.fields:
                raise _unsupported(name)
    wanted = found.response_format or "json"
    if family.formats and wanted not in family.formats:
        reason = f"this model has {', '.join(sorted(family.formats))}"
        raise InvalidRequest(say("response_format", reason), param="response_format", code="unsupported_value")
    if isinstance(found, TranscriptionFields):
        _check_transcription(found, wanted)


def _check_transcription(found: TranscriptionFields, wanted: str) -> None:
    if found.timestamp_granularities and wanted != "verbose_json":
        reason = "it needs response_format verbose_json"
        raise InvalidRequest(say("timestamp_granularities", reason), param="timestamp_granularities", code="invalid_value")
    if found.include and wanted != "json":
        raise InvalidRequest(say("include", "it needs response_format json"), param="include", code="invalid_value")
    if len(found.known_speaker_names or ()) != len(found.known_speaker_references or ()):
        reason = "as many names as references are expected"
        raise InvalidRequest(say("known_speaker_names", reason), param="known_speaker_names", code="invalid_value")
    if found.chunking_strategy is not None and found.chunking_strategy != "auto" and not _is_object(found.chunking_strategy):
        reason = "auto or a JSON object is expected"
        raise InvalidRequest(say("chunking_strategy", reason), param="chunking_strategy", code="invalid_value")


def sound_of(form: Form, family: Family) -> Part:
    """Return the file of a form. Raises InvalidRequest: there is none, or none that a model of this family hears."""
    files = form.files("file")
    if not files:
        raise InvalidRequest(say("file", MISSING), param="file", code="missing_required_parameter")
    sound = files[0]
    if len(files) > 1 or not sound.size_bytes or not sound.filename:
        reason = "one file with a filename is expected" if sound.size_bytes else "the file is empty"
        raise InvalidRequest(say("file", reason), param="file", code="invalid_value")
    if family is not ANY:
        if extension_of(sound) not in EXTENSIONS:
            reason = f"the filename must end in one of {', '.join(sorted(EXTENSIONS))}"
            raise InvalidRequest(say("file", reason), param="file", code="invalid_value")
        if sound.size_bytes > MAX_FILE_BYTES:
            raise BodyTooLarge(f"The file has {sound.size_bytes} bytes; at most {MAX_FILE_BYTES} are heard.", param="file")
    return sound


def extension_of(sound: Part) -> str:
    """Return what a file's name ends in."""
    return (sound.filename or "").rpartition(".")[2].lower()


def _is_object(text: str) -> bool:
    try:
        return isinstance(msgspec.json.decode(text), dict)
    except (msgspec.DecodeError, RecursionError):
        return False


def _unsupported(name: str) -> InvalidRequest:
    return InvalidRequest(f"'{name}' is not supported by this model.", param=name, code="unsupported_parameter")
