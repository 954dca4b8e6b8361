"""Whole answers, there and back, and what they say was used."""

import re

import msgspec

from modelgate.core.records import Json
from modelgate.core.usage import MAX_UNITS, Usage
from modelgate.formats.anthropic_messages.blocks import encode_input, pack_thinking
from modelgate.formats.anthropic_messages.citations import decode_citations, encode_citation
from modelgate.formats.anthropic_messages.schema import NAME, Answer, AnswerBlock, AnswerGlance, UsageBody
from modelgate.formats.chat.carried import Carried, pack_id
from modelgate.formats.chat.markdown_images import render_markdown_image
from modelgate.formats.chat.request import Audio, Image, Refusal, Text, Thinking, ToolCall
from modelgate.formats.chat.response import AnswerPart, ChatResponse, Choice, FinishReason
from modelgate.formats.chat.wire_format import AnswerHead, ChatPeek, Passed, StateIds, UnreadableAnswer
from modelgate.formats.json_fields import UNREADABLE, replace_field

FINISH: dict[str, FinishReason] = {
    "end_turn": "stop",
    "stop_sequence": "stop_sequence",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "tool_use": "tool_calls",
    "refusal": "content_filter",
    "pause_turn": "pause",
}
STOP_REASONS: dict[FinishReason, str] = {
    "stop": "end_turn",
    "stop_sequence": "stop_sequence",
    "length": "max_tokens",
    "tool_calls": "tool_use",
    "content_filter": "refusal",
    "pause": "pause_turn",
}
_ID = re.compile(r"[a-zA-Z0-9_-]+")
_TIERS = {"standard": "default", "priority": "priority", "batch": "batch"}

_answer = msgspec.json.Decoder(Answer)
_glance = msgspec.json.Decoder(AnswerGlance)
_usage = msgspec.json.Decoder(UsageBody)
_encode = msgspec.json.Encoder().encode
_NOTHING_SAID = UsageBody()


class Counted:
    """What an upstream counted so far. Counts are cumulative: a later figure replaces the one before, what is not said again stays.

    `usage` None: nothing credible; `is_refused`: figures came that cannot be.
    """

    __slots__ = ("_said", "is_refused", "usage")

    def __init__(self) -> None:
        self._said = _NOTHING_SAID
        self.usage: Usage | None = None
        self.is_refused = False

    def add(self, raw: msgspec.Raw) -> None:
        """Take one `usage` object."""
        if bytes(raw) in (b"", b"null"):
            return
        try:
            said = _usage.decode(raw)
        except UNREADABLE:
            self.usage, self.is_refused = None, True
            return
        if self._said is not _NOTHING_SAID:
            newer = {name: value for name in UsageBody.__struct_fields__ if (value := getattr(said, name)) is not None}
            said = msgspec.structs.replace(self._said, **newer)
        self._said = said
        self.usage = usage_of(self._said)
        self.is_refused = self.usage is None

    @property
    def service_tier(self) -> str:
        """Which tier served, in neutral words."""
        return _TIERS.get(self._said.service_tier or "", "")


def usage_of(body: UsageBody) -> Usage | None:
    """Return the counted units, None when the vendor's figures cannot be true: negative, absurd, or parts above their whole."""
    fresh, read = body.input_tokens or 0, body.cache_read_input_tokens or 0
    short = long = 0
    if body.cache_creation is not None:
        short, long = body.cache_creation.ephemeral_5m_input_tokens or 0, body.cache_creation.ephemeral_1h_input_tokens or 0
    written = body.cache_creation_input_tokens if body.cache_creation_input_tokens is not None else short + long
    output = body.output_tokens or 0
    thought = (body.output_tokens_details.thinking_tokens or 0) if body.output_tokens_details is not None else 0
    if min(fresh, read, written, short, long, output, thought) < 0 or long > written or thought > output:
        return None
    total = fresh + read + written
    if total > MAX_UNITS or output > MAX_UNITS:
        return None
    return Usage(
        input_tokens=total,
        cached_tokens=read,
        cache_write_tokens=written,
        cache_write_1h_tokens=long,
        output_tokens=output,
        reasoning_tokens=thought,
    )


def encode_usage(usage: Usage | None) -> dict[str, Json]:
    """Return a `usage` object; `input_tokens` are those that had nothing to do with the cache."""
    usage = usage or Usage()
    written, long = usage.cache_write_tokens, usage.cache_write_1h_tokens
    return {
        "input_tokens": max(0, usage.input_tokens - usage.cached_tokens - written),
        "cache_creation_input_tokens": written,
        "cache_read_input_tokens": usage.cached_tokens,
        "cache_creation": {"ephemeral_5m_input_tokens": max(0, written - long), "ephemeral_1h_input_tokens": long},
        "output_tokens": usage.output_tokens,
        "output_tokens_details": {"thinking_tokens": usage.reasoning_tokens},
    }


def decode_response(body: bytes | bytearray) -> ChatResponse:
    """Return an upstream's answer in neutral words. Raises UnreadableAnswer."""
    try:
        answer = _answer.decode(body)
    except UNREADABLE as error:
        raise UnreadableAnswer from error
    parts: list[AnswerPart] = []
    citations: list[Json] = []
    length = 0
    for block in answer.content:
        part = _decode_block(block, number=len(parts))
        if part is None:
            continue
        if isinstance(part, Text):
            citations += decode_citations(block.citations, start=length, end=length + len(part.text))
            length += len(part.text)
            if parts and isinstance(last := parts[-1], Text):  # cited text comes in pieces; they are one answer
                parts[-1] = Text(text=last.text + part.text)
                continue
        parts.append(part)
    finish = FINISH.get(answer.stop_reason or "", "stop")
    counted = Counted()
    counted.add(answer.usage)
    choice = Choice(index=0, parts=tuple(parts), finish=finish, stop_sequence=answer.stop_sequence, citations=tuple(citations))
    return ChatResponse(
        id=answer.id or "",
        model=answer.model or "",
        choices=(choice,),
        usage=counted.usage,
        usage_refused=counted.is_refused,
        service_tier=counted.service_tier,
    )


def _decode_block(block: AnswerBlock, *, number: int) -> AnswerPart | None:
    """Return the part a block is; None for what the vendor's own tools did, and for kinds that came later."""
    match block.type:
        case "text":
            return Text(text=block.text) if block.text else None
        case "thinking":
            text, signature = block.thinking or "", block.signature or ""
            return Thinking(text=text, signature=signature, format=NAME if signature else "") if text or signature else None
        case "redacted_thinking":
            return Thinking(sealed=block.data, format=NAME) if block.data else None
        case "tool_use":
            return ToolCall(id=block.id or f"toolu_{number}", name=block.name or "", arguments=arguments_of(block.input))
        case _:
            return None


def arguments_of(input: msgspec.Raw) -> str:
    """Return a call's arguments as JSON text."""
    raw = bytes(input)
    return raw.decode() if raw not in (b"", b"null") else "{}"


def encode_response(response: ChatResponse, peek: ChatPeek, head: AnswerHead) -> bytes:
    """Return an answer for a client; of several the first."""
    del peek
    choice = min(response.choices, key=lambda one: one.index, default=Choice(index=0, parts=(), finish="stop"))
    blocks: list[dict[str, Json]] = []
    for part in choice.parts:
        blocks += _encode_part(part, head, len(blocks))
    if not blocks:
        blocks = [{"type": "text", "text": "", "citations": None}]
    _cite(blocks, choice.citations)
    has_calls = any(block["type"] == "tool_use" for block in blocks)
    is_refused = any(isinstance(part, Refusal) for part in choice.parts)
    reason = stop_reason_of(choice.finish, has_calls=has_calls, is_refused=is_refused)
    message = {
        "id": message_id(head),
        "type": "message",
        "role": "assistant",
        "model": head.model,
        "content": blocks,
        "stop_reason": reason,
        "stop_sequence": choice.stop_sequence if reason == "stop_sequence" else None,
        "usage": {**encode_usage(response.usage), "service_tier": "priority" if response.service_tier == "priority" else "standard"},
    }
    return _encode(message)


def stop_reason_of(finish: FinishReason, *, has_calls: bool, is_refused: bool) -> str:
    """Return why an answer ended. Vendors say stop though they call tools, and tool calls though there are none."""
    if is_refused and finish in ("stop", "content_filter"):
        return "refusal"
    if finish in ("stop", "tool_calls"):
        return "tool_use" if has_calls else "end_turn"
    return STOP_REASONS[finish]


def message_id(head: AnswerHead) -> str:
    """Return the id of an answer."""
    return f"msg_{head.request_id.removeprefix('req_')}"


def call_id(call_id: str, *, format: str, signature: str, head: AnswerHead, number: int) -> str:
    """Return the id of a call for clients: the vendor's own, inside one of ours if it is signed or has letters not allowed here."""
    id = call_id or f"toolu_{head.request_id.removeprefix('req_')}_{number}"
    if not signature and _ID.fullmatch(id):
        return id
    return pack_id(Carried(id, format, signature, () if signature else (Thinking(),)))


def _encode_part(part: AnswerPart, head: AnswerHead, number: int) -> list[dict[str, Json]]:
    match part:
        case Text(text=text) | Refusal(text=text) | Audio(transcript=text):
            return [{"type": "text", "text": text, "citations": None}] if text else []
        case Image():
            return [{"type": "text", "text": render_markdown_image(part), "citations": None}]
        case Thinking(format=format, sealed=sealed) if format == NAME and sealed:
            return [{"type": "redacted_thinking", "data": sealed}]
        case Thinking(text=text):
            signature = part.signature if part.format == NAME and part.signature else pack_thinking(part)
            return [{"type": "thinking", "thinking": text, "signature": signature}]
        case ToolCall():
            id = call_id(part.id, format=part.format, signature=part.signature, head=head, number=number)
            return [{"type": "tool_use", "id": id, "name": part.name, "input": encode_input(part.arguments)}]


def _cite(blocks: list[dict[str, Json]], citations: tuple[Json, ...]) -> None:
    """Put the sources to the last text."""
    text = "".join(block["text"] for block in blocks if block["type"] == "text")
    found = [said for citation in citations if (said := encode_citation(citation, text)) is not None]
    last = next((block for block in reversed(blocks) if block["type"] == "text"), None)
    if found and last is not None:
        last["citations"] = found


def pass_response(body: bytes | bytearray, peek: ChatPeek, renamed: bool, state_ids: StateIds) -> Passed:
    """Return an answer for a client of the same dialect, every byte but the model's name as it came. Raises UnreadableAnswer."""
    del state_ids  # nothing in this dialect is kept at an upstream
    try:
        glance = _glance.decode(body)
    except UNREADABLE as error:
        raise UnreadableAnswer from error
    counted = Counted()
    counted.add(glance.usage)
    if renamed:
        body = replace_field(body, "model", _encode(peek.model))
    return Passed(body=body, usage=counted.usage, usage_refused=counted.is_refused)
