"""Transcriptions as one call: a form passes as it is where the upstream then tells what it used; else it is written anew."""

import msgspec

from modelgate.core.http import HttpRequest
from modelgate.core.providers import Quirks
from modelgate.formats.chat.wire_format import UpstreamAsk
from modelgate.formats.multipart import parse_form, read_fields
from modelgate.formats.openai_chat.errors import decode_error
from modelgate.formats.openai_chat.request import say
from modelgate.formats.openai_chat.response import encode_error
from modelgate.formats.openai_chat.stream import encode_stream_error
from modelgate.formats.openai_transcriptions import count
from modelgate.formats.openai_transcriptions.families import check_fields, family_of, sound_of
from modelgate.formats.openai_transcriptions.hearing import Hearing, pass_hearing, tell_heard
from modelgate.formats.openai_transcriptions.schema import FILES, LISTS, TranscriptionFields
from modelgate.formats.single.event_relay import EVENTS_TYPE, Ending, EventRelay
from modelgate.formats.single.single_format import SingleAnswer, SingleFormat, SinglePeek, Streamed

NAME = "openai_transcriptions"
PATH = "/audio/transcriptions"
DONE = "transcript.text.done"


def peek(request: HttpRequest) -> SinglePeek:
    """Read a request. Raises InvalidRequest, naming the field."""
    form = parse_form(request, say=say)
    found = read_fields(form, TranscriptionFields, lists=LISTS, files=FILES, say=say)
    family = family_of(found.model)
    check_fields(found, family)
    sound = sound_of(form, family)
    facts = Hearing(fields=found, family=family, form=form, sound=sound)
    stream = bool(found.stream) and family.has_streams
    return SinglePeek(model=found.model, most=count.most(found, family, sound), stream=stream, facts=facts)


def pass_request(request: HttpRequest, peek: SinglePeek, upstream_model: str, quirks: Quirks) -> UpstreamAsk:
    """Return the request for an upstream."""
    hearing: Hearing = peek.facts
    path = quirks.path_of(NAME, PATH, model=upstream_model)
    asked = family_of(upstream_model).asks.get(hearing.wanted, hearing.wanted)
    return pass_hearing(request, hearing, path=path, upstream_model=upstream_model, asked=asked)


def pass_response(content_type: bytes, body: bytes | bytearray, peek: SinglePeek, renamed: bool) -> SingleAnswer:
    """Return what was heard; it names no model. Raises UnreadableAnswer."""
    del renamed
    return tell_heard(content_type, body, peek.facts)


def make_tap(content_type: bytes, peek: SinglePeek) -> Streamed:
    """Return the way of what was heard as events."""
    del content_type
    hearing: Hearing = peek.facts
    expected = count.estimate(hearing.fields, hearing.family, hearing.sound)
    spoiled = msgspec.structs.replace(expected, output_tokens=0)
    return Streamed(
        relay=EventRelay(Ending(done=DONE, read_usage=count.read_usage, expected=expected, spoiled=spoiled)), content_type=EVENTS_TYPE
    )


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
