"""The dialect of OpenAI's legacy completions, as the pipeline of conversations uses it."""

from modelgate.formats.chat.wire_format import ChatPeek, WireFormat, always
from modelgate.formats.openai_chat.errors import decode_error
from modelgate.formats.openai_chat.response import encode_error
from modelgate.formats.openai_chat.stream import KEEP_ALIVE, encode_stream_error
from modelgate.formats.openai_completions import NAME
from modelgate.formats.openai_completions.passage import make_tap, pass_request, pass_response
from modelgate.formats.openai_completions.request import FIELD_NAMES, decode_request, encode_request, peek_request
from modelgate.formats.openai_completions.response import decode_response, encode_response
from modelgate.formats.openai_completions.stream import CompletionsDecoder, make_encoder


def stream_type(peek: ChatPeek) -> bytes:
    """Every stream of this dialect is one of server-sent events."""
    del peek
    return b"text/event-stream; charset=utf-8"


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
    make_decoder=CompletionsDecoder,
    decode_error=decode_error,
    passes_untouched=always,
    pass_request=pass_request,
    pass_response=pass_response,
    make_tap=make_tap,
)
