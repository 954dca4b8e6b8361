"""Errors in this dialect. Whole answers are those of chat completions; in a stream an error is an event of its own."""

from contextlib import suppress

import msgspec

from modelgate.core.errors import ModelgateError
from modelgate.formats.chat.vendor_error import VendorError
from modelgate.formats.json_fields import UNREADABLE
from modelgate.formats.openai_chat.errors import decode_error
from modelgate.formats.openai_responses import schema

LAST_NUMBER = 2**31 - 1
"""An error that ends a stream from outside does not know how many events went before; numbers only have to rise."""

_answer = msgspec.json.Decoder(schema.Answer)


def encode_stream_error(error: ModelgateError, request_id: str) -> bytes:
    """Return an error as one more event; the status went out long ago."""
    message = error.message_for(request_id)
    said = {"type": "error", "sequence_number": LAST_NUMBER, "code": error.code, "message": message, "param": error.param}
    return b"event: error\ndata: %b\n\n" % msgspec.json.encode(said)


def stream_error_of(found: schema.Event) -> VendorError:
    """Return what an `error` event, or a response that failed, says."""
    detail = found.error or {"code": found.code, "message": found.message, "param": found.param}
    if found.response:
        with suppress(*UNREADABLE):
            detail = _answer.decode(found.response).error or detail
    return decode_error(0, msgspec.json.encode({"error": detail}))
