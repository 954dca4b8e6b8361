"""A stream written: the answer's events, numbered."""

import msgspec

from modelgate.formats.chat.events import StreamEvent
from modelgate.formats.chat.wire_format import AnswerHead, ChatPeek
from modelgate.formats.openai_responses.answer import Answer
from modelgate.formats.openai_responses.peek import RequestPeek

STREAM_TYPE = b"text/event-stream; charset=utf-8"
KEEP_ALIVE = b": keep-alive\n\n"

_encode = msgspec.json.Encoder().encode


class ResponsesEncoder:
    """A `StreamEncoder`."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer
        self._number = 0

    def encode(self, event: StreamEvent) -> bytes:
        """Return what goes on the wire for one event; for `ResponseEnd` the terminal event, which holds the whole answer."""
        written: list[bytes] = []
        for telling in self._answer.tell(event):
            kind: str = telling["type"]
            data = _encode({"type": kind, "sequence_number": self._number, **telling})
            written.append(b"event: %b\ndata: %b\n\n" % (kind.encode(), data))
            self._number += 1
        return b"".join(written)


def make_encoder(peek: ChatPeek, head: AnswerHead) -> ResponsesEncoder:
    """Return an encoder for one stream."""
    assert isinstance(peek, RequestPeek)  # made by this dialect's own `peek`
    return ResponsesEncoder(Answer(peek, head))
