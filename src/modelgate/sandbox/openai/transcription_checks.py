"""What OpenAI refuses about transcriptions and translations, which differs from family to family of models."""

import re
from typing import Literal

import msgspec

from modelgate.core.records import Json
from modelgate.sandbox.forms import Form, Upload
from modelgate.sandbox.openai.errors import Refused
from modelgate.sandbox.openai.fields import check_ranges, check_words, invalid, missing
from modelgate.sandbox.openai.forms import as_typed, texts_of, uploads_of
from modelgate.sandbox.openai.kinds import check_kind
from modelgate.sandbox.openai.models import check_model
from modelgate.sandbox.sound_files import NotASound, Sound, read_sound

MAX_FILE_BYTES = 25 * 1024 * 1024
LEAST_S = 0.1
UNCHUNKED_S = 30.0
"""Longer recordings need a chunking strategy when speakers are told apart."""

MAX_SPEAKERS = 4
EXTENSIONS = ("flac", "m4a", "mp3", "mp4", "mpeg", "mpga", "oga", "ogg", "wav", "webm")
_LANGUAGE = re.compile(r"^[a-z]{2,3}$", re.IGNORECASE)
_SHARED = frozenset(("file", "model", "prompt", "response_format", "temperature"))
_TRANSCRIPTION = _SHARED | {"language", "include", "timestamp_granularities", "stream", "chunking_strategy"}
_SPEAKERS = frozenset(("known_speaker_names", "known_speaker_references"))
_HINTS = frozenset(("languages", "keywords"))

Family = Literal["whisper", "gpt", "diarize", "imitator"]
_FORMATS: dict[Family, tuple[str, ...]] = {
    "whisper": ("json", "text", "srt", "verbose_json", "vtt"),
    "gpt": ("json",),
    "diarize": ("json", "text", "diarized_json"),
    "imitator": ("json", "text", "srt", "verbose_json", "vtt", "diarized_json"),
}
_OWN_FIELDS: dict[Family, frozenset[str]] = {
    "whisper": frozenset(),
    "gpt": _HINTS,
    "diarize": _SPEAKERS,
    "imitator": _SPEAKERS | _HINTS,
}


class HearAsk(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be heard, and how it is to be told. `translates`: into English."""

    model: str
    family: Family
    sound: Sound
    prompt: str
    language: str | None
    format: str
    temperature: float
    granularities: tuple[str, ...]
    logprobs: bool
    stream: bool
    speakers: tuple[str, ...] = ()
    translates: bool = False


def read_transcription(form: Form) -> HearAsk:
    """Return what is asked, of a form. Raises Refused."""
    fields, family = _fields(form)
    _gather_strategy(fields)
    _check_names(fields, _TRANSCRIPTION | _OWN_FIELDS[family])
    _check_lists(fields)
    language = fields.get("language")
    if language is not None and (not isinstance(language, str) or not _LANGUAGE.match(language)):
        raise Refused(
            f"Invalid language '{str(language)[:20]}'. Language parameter must be specified in ISO-639-1 format.",
            param="language",
            code="invalid_language_format",
        )
    if family == "diarize" and fields.get("prompt"):
        raise _unsupported("prompt")
    ask = _ask(fields, family=family, formats=_FORMATS[family])
    if "word" in ask.granularities and ask.format != "verbose_json":
        raise _needs("timestamp_granularities", "verbose_json")
    if ask.logprobs and (ask.format != "json" or family not in ("gpt", "imitator")):
        raise _unsupported("include")
    if family == "diarize" and ask.sound.duration_s > UNCHUNKED_S and fields.get("chunking_strategy") is None:
        raise Refused("chunking_strategy is required for diarization models", param="chunking_strategy", code="missing_required_parameter")
    return ask


def read_translation(form: Form) -> HearAsk:
    """Return what is asked, of a form. Raises Refused."""
    fields, family = _fields(form)
    _check_names(fields, _SHARED)
    if family in ("gpt", "diarize"):
        raise Refused(f"The model `{fields['model'][:80]}` does not translate.", param="model", code="invalid_value")
    return msgspec.structs.replace(_ask(fields, family=family, formats=_FORMATS["whisper"]), translates=True)


def family_of(model: str) -> Family:
    """Return the family of a model."""
    if model.startswith("whisper"):
        return "whisper"
    if "transcribe" in model and model.startswith("gpt-"):
        return "diarize" if "diarize" in model else "gpt"
    return "imitator"


def hear(upload: Upload) -> Sound:
    """Return what a file is. Raises Refused."""
    if len(upload.data) > MAX_FILE_BYTES:
        raise Refused(f"413: Maximum content size limit ({MAX_FILE_BYTES}) exceeded ({len(upload.data)} bytes read)", status=413)
    extension = upload.filename.rpartition(".")[2].lower()
    if extension not in EXTENSIONS:
        raise Refused(f"Unrecognized file format. Supported formats: {list(EXTENSIONS)}", param="file")
    try:
        sound = read_sound(upload.data, extension)
    except NotASound:
        raise Refused("Audio file might be corrupted or unsupported", param="file", code="invalid_value") from None
    if sound.duration_s < LEAST_S:
        raise Refused(f"Audio file is too short. Minimum audio length is {LEAST_S} seconds.", param="file", code="audio_too_short")
    return sound


def _fields(form: Form) -> tuple[dict[str, Json], Family]:
    fields = as_typed(form, numbers=("temperature",), switches=("stream",))
    check_model(fields)
    check_kind(fields["model"], "transcription")
    check_ranges(fields, ("temperature", float, 0, 1))
    return fields, family_of(fields["model"])


def _check_names(fields: dict[str, Json], allowed: frozenset[str]) -> None:
    for name in fields:
        if name not in allowed:
            raise Refused(f"Unrecognized request argument supplied: {name[:80]}", param=name[:80])


def _ask(fields: dict[str, Json], *, family: Family, formats: tuple[str, ...]) -> HearAsk:
    wanted = fields.get("response_format") or "json"
    check_words(fields, {"response_format": _FORMATS["imitator"]})
    if wanted not in formats:
        raise Refused(
            f"response_format '{wanted}' is not compatible with model '{fields['model'][:80]}'. Use one of {', '.join(formats)} instead.",
            param="response_format",
            code="unsupported_value",
        )
    files = uploads_of(fields, "file")
    if len(files) != 1:
        raise missing("file")
    prompts = texts_of(fields, "prompt")
    return HearAsk(
        model=fields["model"],
        family=family,
        sound=hear(files[0]),
        prompt=prompts[0] if prompts else "",
        language=fields.get("language"),
        format=wanted,
        temperature=float(fields.get("temperature") or 0),
        granularities=tuple(texts_of(fields, "timestamp_granularities")) or ("segment",),
        logprobs="logprobs" in texts_of(fields, "include"),
        stream=bool(fields.get("stream")) and family != "whisper",
        speakers=tuple(texts_of(fields, "known_speaker_names")),
    )


def _check_lists(fields: dict[str, Json]) -> None:
    for name, supported in (("timestamp_granularities", ("word", "segment")), ("include", ("logprobs",))):
        for each in texts_of(fields, name):
            if each not in supported:
                raise invalid(f"{name}[]", each, supported)
    names, references = texts_of(fields, "known_speaker_names"), texts_of(fields, "known_speaker_references")
    if len(names) > MAX_SPEAKERS or len(names) != len(references) or not all(each.startswith("data:") for each in references):
        raise Refused(
            f"Invalid 'known_speaker_names[]': up to {MAX_SPEAKERS}, with as many known_speaker_references[] as data URLs.",
            param="known_speaker_names",
            code="invalid_value",
        )
    strategy = fields.get("chunking_strategy")
    if strategy is not None and strategy != "auto" and not _is_detection(strategy):
        raise invalid("chunking_strategy", strategy, ("auto", '{"type":"server_vad"}'))


def _gather_strategy(fields: dict[str, Json]) -> None:
    """Put a strategy together that came in fields of its own, `chunking_strategy[type]`, as the official client sends it."""
    prefix = "chunking_strategy["
    given = {name[len(prefix) : -1]: fields.pop(name) for name in tuple(fields) if name.startswith(prefix) and name.endswith("]")}
    if given:
        fields["chunking_strategy"] = msgspec.json.encode({name: str(value) for name, value in given.items()}).decode()


def _is_detection(text: Json) -> bool:
    try:
        decoded = msgspec.json.decode(text) if isinstance(text, str) else None
    except msgspec.DecodeError:
        return False
    return isinstance(decoded, dict) and decoded.get("type") == "server_vad"


def _unsupported(param: str) -> Refused:
    return Refused(
        f"Unsupported parameter: '{param}' is not supported with this model or format.", param=param, code="unsupported_parameter"
    )


def _needs(param: str, wanted: str) -> Refused:
    return Refused(f"'{param}' needs response_format '{wanted}'.", param=param, code="invalid_value")
