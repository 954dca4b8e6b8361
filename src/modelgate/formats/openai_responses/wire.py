"""The dialect of OpenAI's responses, as the pipeline of conversations uses it."""

from modelgate.formats.chat.wire_format import ChatPeek, WireFormat
from modelgate.formats.openai_chat.errors import decode_error
from modelgate.formats.openai_chat.response import encode_error
from modelgate.formats.openai_responses import NAME
from modelgate.formats.openai_responses.errors import encode_stream_error
from modelgate.formats.openai_responses.passage import make_tap, pass_request, pass_response, passes_untouched
from modelgate.formats.openai_responses.peek import peek
from modelgate.formats.openai_responses.request import FIELD_NAMES, decode_request
from modelgate.formats.openai_responses.response import decode_response, encode_response
from modelgate.formats.openai_responses.stream_decoder import ResponsesDecoder
from modelgate.formats.openai_responses.stream_encoder import KEEP_ALIVE, STREAM_TYPE, make_encoder
from modelgate.formats.openai_responses.upstream_request import encode_request


def stream_type(peek: ChatPeek) -> bytes:
    """Every stream of this dialect is one of server-sent events."""
    del peek
    return STREAM_TYPE


WIRE_FORMAT = WireFormat(
    name=NAME,
    peek=peek,
    decode_request=decode_request,
    encode_response=encode_response,
    make_encoder=make_encoder,
    encode_error=encode_error,
    encode_stream_error=encode_stream_error,
    stream_type=stream_type,
    field_names=FIELD_NAMES,
    keep_alive=KEEP_ALIVE,
    encode_request=encode_request,
    decode_response=decode_response,
    make_decoder=ResponsesDecoder,
    decode_error=decode_error,
    passes_untouched=passes_untouched,
    pass_request=pass_request,
    pass_response=pass_response,
    make_tap=make_tap,
)
