"""What a gateway itself says on a stream of chunks."""

from modelgate.core.errors import ModelgateError
from modelgate.formats.openai_chat.response import encode_error_body

KEEP_ALIVE = b": keep-alive\n\n"
"""A comment; official clients skip it."""


def encode_stream_error(error: ModelgateError, request_id: str) -> bytes:
    """Return an error as one more event; the status went out long ago."""
    return b"data: " + encode_error_body(error, request_id) + b"\n\n"
