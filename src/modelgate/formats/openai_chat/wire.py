"""The dialect of OpenAI's chat completions, as the pipeline of conversations uses it."""

from modelgate.formats.chat.wire_format import ChatPeek, WireFormat
from modelgate.formats.openai_chat.decode_request import decode_request
from modelgate.formats.openai_chat.encode_request import encode_request
from modelgate.formats.openai_chat.errors import decode_error
from modelgate.formats.openai_chat.hub_response import decode_response, encode_response
from modelgate.formats.openai_chat.hub_stream import make_decoder
from modelgate.formats.openai_chat.hub_stream_encoder import make_encoder
from modelgate.formats.openai_chat.options import FIELD_NAMES, NAME
from modelgate.formats.openai_chat.passing import pass_request, pass_response, passes_untouched
from modelgate.formats.openai_chat.peek import is_plain, peek_request
from modelgate.formats.openai_chat.response import encode_error
from modelgate.formats.openai_chat.stream import KEEP_ALIVE, encode_stream_error
from modelgate.formats.openai_chat.tap import make_tap

STREAM_TYPE = b"text/event-stream; charset=utf-8"


def stream_type(peek: ChatPeek) -> bytes:
    """Every stream of this dialect is one of server-sent events."""
    del peek
    return STREAM_TYPE


WIRE_FORMAT = WireFormat(
    name=NAME,
    peek=peek_request,
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
    make_decoder=make_decoder,
    decode_error=decode_error,
    is_plain=is_plain,
    passes_untouched=passes_untouched,
    pass_request=pass_request,
    pass_response=pass_response,
    make_tap=make_tap,
)
