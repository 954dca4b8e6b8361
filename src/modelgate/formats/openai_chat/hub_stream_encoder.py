"""Neutral events as a stream of chunks."""

import msgspec

from modelgate.core.records import Json
from modelgate.core.usage import Usage
from modelgate.formats.chat.events import (
    AudioDelta,
    ChoiceEnd,
    CitationAdded,
    ImageAdded,
    RefusalDelta,
    ResponseEnd,
    ResponseFailed,
    ResponseStart,
    StreamEvent,
    TextDelta,
    ThinkingDelta,
    ThinkingEnd,
    ToolCallDelta,
    ToolCallEnd,
    ToolCallStart,
    UsageReport,
)
from modelgate.formats.chat.markdown_images import render_markdown_image
from modelgate.formats.chat.request import Thinking
from modelgate.formats.chat.wire_format import AnswerHead, ChatPeek
from modelgate.formats.openai_chat.hub_response import answer_id, carrying_id, said_finish
from modelgate.formats.openai_chat.options import NAME
from modelgate.formats.openai_chat.peek import RequestPeek, own
from modelgate.formats.openai_chat.reasoning_details import detail_of
from modelgate.formats.openai_chat.usage import encode_usage

DONE = b"data: [DONE]\n\n"
MAX_CARRIED_CHARACTERS = 1024 * 1024
"""Thoughts beyond it cannot be carried in a call's id; their words are told all the same."""

_encode = msgspec.json.Encoder().encode


class _Written:
    """What a choice has said so far, as far as later events ask."""

    __slots__ = ("argued", "carried", "customs", "has_text", "thought", "thought_characters")

    def __init__(self) -> None:
        self.has_text = False
        self.argued: set[int] = set()
        self.customs: set[int] = set()
        self.thought: list[str] = []
        self.thought_characters = 0
        self.carried: list[Thinking] = []


class ChatEncoder:
    """Writes the chunks of one answer."""

    def __init__(self, peek: RequestPeek, head: AnswerHead) -> None:
        self._peek = peek
        self._is_legacy = peek.is_legacy
        shared = {"id": answer_id(head), "object": "chat.completion.chunk", "created": head.created, "model": head.model}
        self._begin = b"data: " + _encode(shared)[:-1] + b',"choices":['
        self._usage_asked = peek.includes_usage
        self._end = b'],"usage":null}\n\n' if self._usage_asked else b"]}\n\n"
        self._choices: dict[int, _Written] = {}
        self._usage: Usage | None = None

    def encode(self, event: StreamEvent) -> bytes:
        """Return the chunks of one event."""
        if type(event) is TextDelta and event.logprobs is None and (written := self._choices.get(event.choice)) is not None:
            written.has_text = True
            said = b'{"index":%d,"delta":{"content":%b},"logprobs":null,"finish_reason":null}' % (event.choice, _encode(event.text))
            return self._begin + said + self._end
        match event:
            case ResponseStart():
                return self._opened(0)
            case UsageReport(usage=usage):
                self._usage = usage
                return b""
            case ResponseFailed():
                return b""
            case ResponseEnd():
                return self._last_words()
            case _:
                return self._opened(event.choice) + self._delta_of(event, self._choices[event.choice])

    def _opened(self, choice: int) -> bytes:
        """Return the first chunk of a choice, once."""
        if choice in self._choices:
            return b""
        self._choices[choice] = _Written()
        return self._chunk(choice, {"role": "assistant", "content": "", "refusal": None})

    def _chunk(self, choice: int, delta: Json, *, finish: str | None = None, logprobs: Json = None) -> bytes:
        said = {"index": choice, "delta": delta, "logprobs": logprobs, "finish_reason": finish}
        return self._begin + _encode(said) + self._end

    def _delta_of(self, event: StreamEvent, written: _Written) -> bytes:
        match event:
            case TextDelta(text=text, choice=choice):
                written.has_text = True
                logprobs = None if event.logprobs is None else {"content": event.logprobs, "refusal": None}
                return self._chunk(choice, {"content": text}, logprobs=logprobs)
            case ThinkingDelta(text=text, choice=choice):
                self._remember(written, text)
                return self._chunk(choice, {"reasoning_content": text})
            case ThinkingEnd():
                return self._thinking_end(event, written)
            case RefusalDelta(text=text, choice=choice):
                return self._chunk(choice, {"refusal": text})
            case ImageAdded(image=image, choice=choice):
                picture = ("\n" if written.has_text else "") + render_markdown_image(image)
                written.has_text = True
                return self._chunk(choice, {"content": picture})
            case AudioDelta(choice=choice):
                return self._chunk(choice, {"audio": _audio(event)})
            case CitationAdded(citation=citation, choice=choice):
                return self._chunk(choice, {"annotations": [citation]})
            case ToolCallStart() | ToolCallDelta() | ToolCallEnd():
                return self._call(event, written)
            case ChoiceEnd(finish=finish, choice=choice):
                return self._chunk(choice, {}, finish=said_finish(finish, self._peek))
            case _:
                return b""

    @staticmethod
    def _remember(written: _Written, text: str) -> None:
        written.thought_characters += len(text)
        if written.thought_characters <= MAX_CARRIED_CHARACTERS:
            written.thought.append(text)

    def _thinking_end(self, event: ThinkingEnd, written: _Written) -> bytes:
        text = "".join(written.thought)
        written.thought.clear()
        thinking = Thinking(text=text, signature=event.signature, sealed=event.sealed, format=event.format)
        detail = detail_of(thinking, text=False)
        if detail is not None:
            return self._chunk(event.choice, {"reasoning_details": [detail]})
        if event.format and event.format != NAME:
            written.carried.append(thinking)
        return b""

    def _call(self, event: ToolCallStart | ToolCallDelta | ToolCallEnd, written: _Written) -> bytes:
        if self._is_legacy:
            return self._legacy_call(event, written)
        match event:
            case ToolCallStart(index=index, custom=custom):
                id = carrying_id(event.id, signature=event.signature, format=event.format, thinking=tuple(written.carried))
                written.carried.clear()
                if custom:
                    written.customs.add(index)
                    started: Json = {"index": index, "id": id, "type": "custom", "custom": {"name": event.name, "input": ""}}
                else:
                    started = {"index": index, "id": id, "type": "function", "function": {"name": event.name, "arguments": ""}}
                return self._chunk(event.choice, {"tool_calls": [started]})
            case ToolCallDelta(index=index, arguments=arguments):
                written.argued.add(index)
                piece = {"custom": {"input": arguments}} if index in written.customs else {"function": {"arguments": arguments}}
                return self._chunk(event.choice, {"tool_calls": [{"index": index, **piece}]})
            case ToolCallEnd(index=index):
                if index in written.argued or index in written.customs:
                    return b""
                return self._chunk(event.choice, {"tool_calls": [{"index": index, "function": {"arguments": "{}"}}]})

    def _legacy_call(self, event: ToolCallStart | ToolCallDelta | ToolCallEnd, written: _Written) -> bytes:
        """The older form knows one call."""
        if event.index != 0:
            return b""
        match event:
            case ToolCallStart(name=name):
                return self._chunk(event.choice, {"function_call": {"name": name, "arguments": ""}})
            case ToolCallDelta(arguments=arguments):
                written.argued.add(0)
                return self._chunk(event.choice, {"function_call": {"arguments": arguments}})
            case ToolCallEnd():
                return b"" if 0 in written.argued else self._chunk(event.choice, {"function_call": {"arguments": "{}"}})

    def _last_words(self) -> bytes:
        if not self._usage_asked or self._usage is None:
            return DONE
        return self._begin + b'],"usage":' + _encode(encode_usage(self._usage)) + b"}\n\n" + DONE


def _audio(event: AudioDelta) -> dict[str, Json]:
    said = {"id": event.id, "data": event.data, "transcript": event.transcript, "expires_at": event.expires_at}
    return {name: value for name, value in said.items() if value}


def make_encoder(peek: ChatPeek, head: AnswerHead) -> ChatEncoder:
    """Return a writer of one stream."""
    return ChatEncoder(own(peek), head)
