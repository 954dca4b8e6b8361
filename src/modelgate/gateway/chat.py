"""Conversations as a kind of call: any client's dialect over any upstream's."""

from collections.abc import Callable, Mapping

from modelgate.core.errors import ModelgateError
from modelgate.core.http import HttpRequest, HttpResponse
from modelgate.core.providers import CHAT
from modelgate.core.rates import RateFacts
from modelgate.formats.chat.wire_format import ChatPeek, WireFormat
from modelgate.gateway.answer_stream import AnswerStream
from modelgate.gateway.call import Call
from modelgate.gateway.chat_exchange import ChatExchange
from modelgate.gateway.chat_inputs import InlineImages
from modelgate.gateway.configuration import Configuration
from modelgate.metering.prices import Price

MAX_KEPT_TOKENS = 1_000_000
"""Taken for the earlier turns that an upstream keeps; the model's context bounds it where that is known."""


class ChatKind:
    """Conversations with clients of one dialect. See `calls.Kind`."""

    operation = CHAT

    def __init__(self, wire_format: WireFormat, *, wire_formats: Mapping[str, WireFormat], images: InlineImages) -> None:
        self.wire_format = wire_format
        self.wire_formats = wire_formats
        self._images = images
        self.name = wire_format.name
        self.request_id_header = wire_format.request_id_header
        self.rate_lines: Callable[[RateFacts, float], bytes] | None = wire_format.rate_lines
        # On every request's way: the dialect's own functions, without one of ours around them.
        self.peek: Callable[[HttpRequest], ChatPeek] = wire_format.peek
        self.encode_error: Callable[[ModelgateError, str], HttpResponse] = wire_format.encode_error

    def estimate(self, request: HttpRequest, peeked: ChatPeek, price: Price) -> int:
        """Return an upper bound of the charge in nano-USD, without a tokenizer."""
        n = peeked.n
        # What an upstream keeps of an earlier answer is counted too, and is not in the body: it may fill the model's context.
        kept = MAX_KEPT_TOKENS if peeked.state else 0
        return price.estimate_chat(
            body_bytes=len(request.body) + kept, images=peeked.images, max_output_tokens=peeked.output_limit, n=1 if n is None else n
        )

    def exchange(
        self, call: Call, peeked: ChatPeek, *, configuration: Configuration, on_stream_over: Callable[[AnswerStream], None]
    ) -> ChatExchange:
        """Return the conversation in the words of whichever upstream it is put to."""
        return ChatExchange(
            call,
            peeked,
            wire_format=self.wire_format,
            wire_formats=self.wire_formats,
            configuration=configuration,
            images=self._images,
            on_stream_over=on_stream_over,
        )


def chat_kinds(wire_formats: Mapping[str, WireFormat], *, images: InlineImages) -> dict[str, ChatKind]:
    """Return the kinds of every dialect, by its name."""
    return {name: ChatKind(wire_format, wire_formats=wire_formats, images=images) for name, wire_format in wire_formats.items()}
