"""A stream written: the answer's events, numbered."""

import msgspec

from modelgate.formats.chat.events import StreamEvent, TextDelta
from modelgate.formats.chat.wire_format import AnswerHead, ChatPeek
from modelgate.formats.openai_responses.answer import Answer
from modelgate.formats.openai_responses.peek import RequestPeek

STREAM_TYPE = b"text/event-stream; charset=utf-8"
KEEP_ALIVE = b": keep-alive\n\n"

_GROWN = b'event: %b\ndata: {"type":"%b","sequence_number":%%d,%%b,"delta":%%b,"logprobs":[]}\n\n' % ((b"response.output_text.delta",) * 2)

_encode = msgspec.json.Encoder().encode


class ResponsesEncoder:
    """A `StreamEncoder`."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer
        self._number = 0

    def encode(self, event: StreamEvent) -> bytes:
        """Return what goes on the wire for one event; for `ResponseEnd` the terminal event, which holds the whole answer."""
        if type(event) is TextDelta and event.logprobs is None and event.choice == 0 and (place := self._answer.grow(event.text)):
            written_text = _GROWN % (self._number, place, _encode(event.text))
            self._number += 1
            return written_text
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
