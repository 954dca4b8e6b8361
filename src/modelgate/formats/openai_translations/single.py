"""Translations as one call: whoever translates is asked for the long form, which tells the duration; the rest is as with transcriptions."""

from modelgate.core.http import HttpRequest
from modelgate.core.providers import Quirks
from modelgate.formats.chat.wire_format import UpstreamAsk
from modelgate.formats.multipart import parse_form, read_fields
from modelgate.formats.openai_chat.errors import decode_error
from modelgate.formats.openai_chat.request import say
from modelgate.formats.openai_chat.response import encode_error
from modelgate.formats.openai_chat.stream import encode_stream_error
from modelgate.formats.openai_transcriptions import count
from modelgate.formats.openai_transcriptions.families import TRANSLATING, check_fields, sound_of
from modelgate.formats.openai_transcriptions.hearing import Hearing, pass_hearing, tell_heard
from modelgate.formats.openai_transcriptions.schema import FILES, HearingFields
from modelgate.formats.single.single_format import SingleAnswer, SingleFormat, SinglePeek

NAME = "openai_translations"
PATH = "/audio/translations"


def peek(request: HttpRequest) -> SinglePeek:
    """Read a request. Raises InvalidRequest, naming the field."""
    form = parse_form(request, say=say)
    found = read_fields(form, HearingFields, files=FILES, say=say)
    check_fields(found, TRANSLATING)
    sound = sound_of(form, TRANSLATING)
    facts = Hearing(fields=found, family=TRANSLATING, form=form, sound=sound)
    return SinglePeek(model=found.model, most=count.most(found, TRANSLATING, sound), facts=facts)


def pass_request(request: HttpRequest, peek: SinglePeek, upstream_model: str, quirks: Quirks) -> UpstreamAsk:
    """Return the request for an upstream."""
    hearing: Hearing = peek.facts
    path = quirks.path_of(NAME, PATH, model=upstream_model)
    asked = TRANSLATING.asks.get(hearing.wanted, hearing.wanted)
    return pass_hearing(request, hearing, path=path, upstream_model=upstream_model, asked=asked)


def pass_response(content_type: bytes, body: bytes | bytearray, peek: SinglePeek, renamed: bool) -> SingleAnswer:
    """Return what was heard, in English; it names no model. Raises UnreadableAnswer."""
    del renamed
    return tell_heard(content_type, body, peek.facts)


FORMAT = SingleFormat(
    name=NAME,
    peek=peek,
    pass_request=pass_request,
    pass_response=pass_response,
    encode_error=encode_error,
    encode_stream_error=encode_stream_error,
    decode_error=decode_error,
)
