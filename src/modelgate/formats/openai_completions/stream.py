"""Streams of pieces of text, written and read."""

import msgspec

from modelgate.core.records import Json
from modelgate.core.usage import Usage
from modelgate.formats.chat.events import (
    AudioDelta,
    ChoiceEnd,
    ImageAdded,
    RefusalDelta,
    ResponseEnd,
    ResponseFailed,
    ResponseStart,
    StreamEvent,
    TextDelta,
    UsageReport,
)
from modelgate.formats.chat.markdown_images import render_markdown_image
from modelgate.formats.chat.wire_format import AnswerHead, ChatPeek
from modelgate.formats.json_fields import UNREADABLE
from modelgate.formats.openai_chat.errors import decode_error
from modelgate.formats.openai_chat.hub_stream_encoder import DONE
from modelgate.formats.openai_chat.usage import decode_usage, encode_usage
from modelgate.formats.openai_completions import schema
from modelgate.formats.openai_completions.request import own
from modelgate.formats.openai_completions.response import answer_id, finish_of, said_finish, text_of
from modelgate.formats.sse import Splitter, data_of, split_events

_encode = msgspec.json.Encoder().encode
_answer = msgspec.json.Decoder(schema.Answer)


class CompletionsEncoder:
    """A `StreamEncoder`."""

    def __init__(self, *, head: AnswerHead, usage_asked: bool) -> None:
        self._shared: dict[str, Json] = {
            "id": answer_id(head),
            "object": "text_completion",
            "created": head.created,
            "model": head.model,
        }
        self._usage_asked = usage_asked
        self._usage: Usage | None = None

    def encode(self, event: StreamEvent) -> bytes:
        """Return the chunk of one event; thoughts and calls have none."""
        match event:
            case TextDelta(text=text) | RefusalDelta(text=text) | AudioDelta(transcript=text) if text:
                return self._chunk(event.choice, text)
            case ImageAdded(image=image):
                return self._chunk(event.choice, render_markdown_image(image))
            case ChoiceEnd(finish=finish):
                return self._chunk(event.choice, "", finish=said_finish(finish))
            case UsageReport(usage=usage):
                self._usage = usage
                return b""
            case ResponseEnd():
                if not self._usage_asked or self._usage is None:
                    return DONE
                return b"data: %b\n\n%b" % (_encode({**self._shared, "choices": [], "usage": encode_usage(self._usage)}), DONE)
            case _:
                return b""

    def _chunk(self, index: int, text: str, *, finish: str | None = None) -> bytes:
        choice = {"text": text, "index": index, "logprobs": None, "finish_reason": finish}
        chunk: dict[str, Json] = {**self._shared, "choices": [choice]}
        if self._usage_asked:
            chunk["usage"] = None
        return b"data: %b\n\n" % _encode(chunk)


def make_encoder(peek: ChatPeek, head: AnswerHead) -> CompletionsEncoder:
    """Return an encoder for one stream."""
    return CompletionsEncoder(head=head, usage_asked=own(peek).includes_usage)


class CompletionsDecoder:
    """A `StreamDecoder`."""

    def __init__(self) -> None:
        self._splitter = Splitter()
        self._has_started = False
        self._is_over = False
        self._ended: set[int] = set()

    def feed(self, data: bytes) -> list[StreamEvent]:
        """Take bytes, return what is complete now. Raises sse.EventTooLong."""
        return self._read(self._splitter.feed(data))

    def finish(self) -> list[StreamEvent]:
        """The body ended; an event that lacks its blank line is read all the same."""
        return self._read(self._splitter.finish())

    def _read(self, data: bytes) -> list[StreamEvent]:
        events: list[StreamEvent] = []
        for event in split_events(data):
            payload = data_of(event)
            if self._is_over or not payload:
                continue
            if payload.startswith(b"[DONE]"):
                self._is_over = True
                events.append(ResponseEnd())
                continue
            try:
                events += self._take(_answer.decode(payload), payload)
            except UNREADABLE:
                continue
        return events

    def _take(self, found: schema.Answer, payload: bytes) -> list[StreamEvent]:
        if found.error:
            self._is_over = True
            return [ResponseFailed(error=decode_error(0, payload))]
        events: list[StreamEvent] = []
        if not self._has_started:
            self._has_started = True
            events.append(ResponseStart(id=text_of(found.id), model=text_of(found.model)))
        for choice in found.choices or []:
            index = choice.index or 0
            if index in self._ended:
                continue
            if choice.text:
                events.append(TextDelta(text=choice.text, choice=index))
            if choice.finish_reason:
                self._ended.add(index)
                events.append(ChoiceEnd(finish=finish_of(choice.finish_reason), choice=index))
        usage, refused = decode_usage(found.usage)
        return [*events, UsageReport(usage=usage)] if usage is not None or refused else events
