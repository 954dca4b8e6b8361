"""How a reply looks on Anthropic's wire: one body, or the events of a stream."""

from collections.abc import Iterator
from typing import assert_never

import msgspec

from modelgate.core.records import Json
from modelgate.sandbox.anthropic.answers import Block, Redacted, Reply, Text, Thinking
from modelgate.sandbox.anthropic.errors import OVERLOADED
from modelgate.sandbox.calls import Call
from modelgate.sandbox.magic import Magic
from modelgate.sandbox.openai.sending import event
from modelgate.sandbox.tokens import Tokenizer

MAX_FRAGMENTS = 50
"""A text, a thought or the input of a call goes out in at most this many fragments."""

PLACEHOLDER_TOKENS = 1
"""What `message_start` says of the output, before there is any."""

MALFORMED_EVENT = b'event: content_block_delta\ndata: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"bro\n\n'
ERROR_EVENT = event({"type": "error", "error": {"type": "overloaded_error", "message": OVERLOADED}}, name="error")


class Head(msgspec.Struct, frozen=True, kw_only=True):
    """What one answer is called, and whose it is."""

    id: str
    model: str
    magic: Magic


def render_message(reply: Reply, *, head: Head) -> bytes:
    """Return the whole answer as one JSON body."""
    content = [_block(block, cut=reply.cut) for block in reply.blocks if block != Text("")]
    end = {"stop_reason": reply.stop_reason, "stop_sequence": reply.stop_sequence, "stop_details": reply.stop_details}
    return msgspec.json.encode({**_opening(head), "content": content, **end, **_usage(reply, head=head, output_tokens=reply.output_tokens)})


def render_events(reply: Reply, *, head: Head, tokenizer: Tokenizer) -> list[bytes]:
    """Return the events of the whole stream in order."""
    return [event(data, name=data["type"]) for data in _events(reply, head=head, tokenizer=tokenizer)]


def _opening(head: Head) -> dict[str, Json]:
    return {"id": head.id, "type": "message", "role": "assistant", "model": head.model}


def _usage(reply: Reply, *, head: Head, output_tokens: int) -> dict[str, Json]:
    """Return the `usage` member, or what magic makes of it."""
    prompt = reply.prompt
    usage = head.magic.usage(
        {
            "input_tokens": prompt.fresh,
            "cache_creation_input_tokens": prompt.written,
            "cache_read_input_tokens": prompt.read,
            "cache_creation": {"ephemeral_5m_input_tokens": prompt.written_5m, "ephemeral_1h_input_tokens": prompt.written_1h},
            "output_tokens": output_tokens,
            "output_tokens_details": {"thinking_tokens": min(reply.thinking_tokens, output_tokens)},
            "server_tool_use": None,
            "service_tier": "standard",
        }
    )
    return {} if usage is None else {"usage": usage}


def _block(block: Block, *, cut: bool) -> dict[str, Json]:
    match block:
        case Thinking(shown, signature):
            return {"type": "thinking", "thinking": shown, "signature": signature}
        case Redacted(data):
            return {"type": "redacted_thinking", "data": data}
        case Text(text):
            return {"type": "text", "text": text, "citations": None}
        case Call():
            return {"type": "tool_use", "id": block.id, "name": block.name, "input": _input(block.arguments, cut=cut)}
    assert_never(block)


def _input(arguments: str, *, cut: bool) -> Json:
    """Return the input of a call; of one that was cut off, nothing."""
    try:
        return msgspec.json.decode(arguments)
    except msgspec.DecodeError:
        assert cut, arguments  # whole arguments are made from a value
        return {}


def _events(reply: Reply, *, head: Head, tokenizer: Tokenizer) -> Iterator[dict[str, Json]]:
    opening = {**_opening(head), "content": [], "stop_reason": None, "stop_sequence": None}
    placeholder = min(PLACEHOLDER_TOKENS, reply.output_tokens)
    yield {"type": "message_start", "message": {**opening, **_usage(reply, head=head, output_tokens=placeholder)}}
    for index, block in enumerate(reply.blocks):
        yield {"type": "content_block_start", "index": index, "content_block": _start(block)}
        yield {"type": "ping"}
        for delta in _deltas(block, tokenizer=tokenizer):
            yield {"type": "content_block_delta", "index": index, "delta": delta}
        if not (reply.cut and index == len(reply.blocks) - 1):  # the vendor breaks off without closing a call that was cut
            yield {"type": "content_block_stop", "index": index}
    end = {"stop_reason": reply.stop_reason, "stop_sequence": reply.stop_sequence, "stop_details": reply.stop_details}
    usage = _usage(reply, head=head, output_tokens=reply.output_tokens)
    for name in ("cache_creation", "service_tier"):  # known since the start, and not repeated
        usage.get("usage", {}).pop(name, None)
    yield {"type": "message_delta", "delta": end, **usage}
    yield {"type": "message_stop"}


def _start(block: Block) -> dict[str, Json]:
    match block:
        case Thinking():
            return {"type": "thinking", "thinking": "", "signature": ""}
        case Redacted(data):
            return {"type": "redacted_thinking", "data": data}
        case Text():
            return {"type": "text", "text": ""}
        case Call():
            return {"type": "tool_use", "id": block.id, "name": block.name, "input": {}}
    assert_never(block)


def _deltas(block: Block, *, tokenizer: Tokenizer) -> Iterator[dict[str, Json]]:
    match block:
        case Thinking(shown, signature):
            for fragment in _fragments(shown, tokenizer=tokenizer):
                yield {"type": "thinking_delta", "thinking": fragment}
            yield {"type": "signature_delta", "signature": signature}
        case Redacted():
            return
        case Text(text):
            for fragment in _fragments(text, tokenizer=tokenizer):
                yield {"type": "text_delta", "text": fragment}
        case Call():
            yield {"type": "input_json_delta", "partial_json": ""}
            if block.arguments != "{}":
                for fragment in _fragments(block.arguments, tokenizer=tokenizer):
                    yield {"type": "input_json_delta", "partial_json": fragment}
        case _:
            assert_never(block)


def _fragments(text: str, *, tokenizer: Tokenizer) -> Iterator[str]:
    pieces = [piece for piece, _ in tokenizer.pieces(text)]
    size = -(-len(pieces) // MAX_FRAGMENTS) or 1
    for start in range(0, len(pieces), size):
        yield "".join(pieces[start : start + size])
