"""Speech as one call. A model paid by tokens tells them in events only: it is asked for them, and the file is put together again."""

import msgspec

from modelgate.core.errors import InvalidRequest
from modelgate.core.http import HttpRequest
from modelgate.core.providers import Quirks
from modelgate.formats.chat.wire_format import UnreadableAnswer, UpstreamAsk
from modelgate.formats.json_fields import decode_fields, refuse_twins, replace_field
from modelgate.formats.openai_chat.errors import decode_error
from modelgate.formats.openai_chat.request import say
from modelgate.formats.openai_chat.response import encode_error
from modelgate.formats.openai_chat.stream import encode_stream_error
from modelgate.formats.openai_speech import count
from modelgate.formats.openai_speech.schema import CONTENT_TYPES, DEFAULT_FORMAT, PRICED, Family, SpeechRequest, family_of
from modelgate.formats.single.event_relay import EVENTS_TYPE, Ending, EventRelay
from modelgate.formats.single.file_relay import EventFileRelay, FileRelay
from modelgate.formats.single.single_format import SingleAnswer, SingleFormat, SinglePeek, Streamed

NAME = "openai_speech"
PATH = "/audio/speech"
PIECE, DONE = "speech.audio.delta", "speech.audio.done"

_request = msgspec.json.Decoder(SpeechRequest)
_encode = msgspec.json.Encoder().encode


def peek(request: HttpRequest) -> SinglePeek:
    """Read a request. Raises InvalidRequest, naming the field."""
    found = decode_fields(_request, request.body, say=say)
    for name in PRICED:
        if getattr(found, name) is not None:
            refuse_twins(request.body, name, say=say)
    family = family_of(found.model)
    _check(found, family)
    wants_events = found.stream_format == "sse"
    return SinglePeek(model=found.model, most=count.most(found, family), stream=wants_events, passes_bytes=not wants_events, facts=found)


def _check(found: SpeechRequest, family: Family) -> None:
    for name in ("input", "instructions"):
        length = len(getattr(found, name) or "")
        if length > family.max_characters:
            reason = f"at most {family.max_characters} characters, not {length}"
            raise InvalidRequest(say(name, reason), param=name, code="string_above_max_length")
    has_instructions, wants_events = bool(found.instructions), found.stream_format == "sse"
    for name, is_refused in (
        ("instructions", has_instructions and not family.takes_instructions),
        ("stream_format", wants_events and not family.has_events),
    ):
        if is_refused:
            raise InvalidRequest(f"'{name}' is not supported by this model.", param=name, code="unsupported_parameter")
    if found.response_format is not None and family.formats and found.response_format not in family.formats:
        reason = f"Expected one of {', '.join(family.formats)}"
        raise InvalidRequest(say("response_format", reason), param="response_format", code="invalid_value")


def pass_request(request: HttpRequest, peek: SinglePeek, upstream_model: str, quirks: Quirks) -> UpstreamAsk:
    """Return the request under the upstream's name of the model; for events where only they tell the tokens."""
    body, family = request.body, family_of(upstream_model)
    if upstream_model != peek.model:
        body = replace_field(body, "model", _encode(upstream_model))
    if peek.passes_bytes and family.counts_tokens and not family.counts_characters:
        body = replace_field(body, "stream_format", b'"sse"')
    return UpstreamAsk(path=quirks.path_of(NAME, PATH, model=upstream_model), body=body)


def pass_response(content_type: bytes, body: bytes | bytearray, peek: SinglePeek, renamed: bool) -> SingleAnswer:
    """Raise UnreadableAnswer: a sound comes as a file or as events, never as JSON."""
    raise UnreadableAnswer


def make_tap(content_type: bytes, peek: SinglePeek) -> Streamed:
    """Return the way of a sound that comes as a file or as events to a client that wants either."""
    found: SpeechRequest = peek.facts
    family = family_of(found.model)
    characters = count.characters_of(found, family)
    expected = count.estimate(found, family)
    ending = Ending(
        done=DONE,
        read_usage=lambda raw: count.read_usage(raw, characters=characters),
        expected=expected,
        spoiled=count.spoiled(found, family),
    )
    is_events = content_type.startswith(b"text/event-stream")
    if not peek.passes_bytes:
        return Streamed(relay=EventRelay(ending), content_type=EVENTS_TYPE)
    of_format = CONTENT_TYPES.get(found.response_format or DEFAULT_FORMAT, b"application/octet-stream")
    if is_events:
        return Streamed(relay=EventFileRelay(ending, piece=PIECE), content_type=of_format, is_file=True)
    said = content_type if content_type.startswith(b"audio/") else of_format
    return Streamed(relay=FileRelay(expected), content_type=said, is_file=True)


FORMAT = SingleFormat(
    name=NAME,
    peek=peek,
    pass_request=pass_request,
    pass_response=pass_response,
    make_tap=make_tap,
    encode_error=encode_error,
    encode_stream_error=encode_stream_error,
    decode_error=decode_error,
)
