"""The Anthropic messages dialect as the pipeline sees it."""

from modelgate.formats.anthropic_messages.errors import decode_error, encode_error, encode_stream_error
from modelgate.formats.anthropic_messages.rates import rate_lines
from modelgate.formats.anthropic_messages.request import pass_request, peek
from modelgate.formats.anthropic_messages.request_decoder import decode_request
from modelgate.formats.anthropic_messages.request_encoder import encode_request
from modelgate.formats.anthropic_messages.response import decode_response, encode_response, pass_response
from modelgate.formats.anthropic_messages.schema import NAME
from modelgate.formats.anthropic_messages.stream import KEEP_ALIVE, make_tap
from modelgate.formats.anthropic_messages.stream_decoder import MessageDecoder
from modelgate.formats.anthropic_messages.stream_encoder import make_encoder
from modelgate.formats.chat.wire_format import ChatPeek, WireFormat, always

FIELD_NAMES = {
    "max_output_tokens": "max_tokens",
    "stop": "stop_sequences",
    "parallel_tool_calls": "tool_choice.disable_parallel_tool_use",
    "output": "output_config.format",
    "reasoning": "thinking",
    "user": "metadata.user_id",
    "web_search": "tools",
    "cache": "cache_control",
}


def stream_type(peek: ChatPeek) -> bytes:
    """Return the content type of streams."""
    del peek
    return b"text/event-stream; charset=utf-8"


WIRE_FORMAT = WireFormat(
    name=NAME,
    peek=peek,
    decode_request=decode_request,
    encode_response=encode_response,
    make_encoder=make_encoder,
    encode_error=encode_error,
    encode_stream_error=encode_stream_error,
    rate_lines=rate_lines,
    stream_type=stream_type,
    field_names=FIELD_NAMES,
    keep_alive=KEEP_ALIVE,
    request_id_header=b"request-id",
    encode_request=encode_request,
    decode_response=decode_response,
    make_decoder=MessageDecoder,
    decode_error=decode_error,
    passes_untouched=always,
    pass_request=pass_request,
    pass_response=pass_response,
    make_tap=make_tap,
)
