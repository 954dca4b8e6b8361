"""What of a conversation a tokenizer can count: for estimates where an upstream did not count, and for counting before asking."""

from collections.abc import Sequence

import msgspec

from modelgate.formats.chat.request import ChatRequest, Image, Part, Refusal, Text, Thinking, ToolCall, ToolResult
from modelgate.gateway.call import Words


def words_of(request: ChatRequest, *, answer: Sequence[Part]) -> Words:
    """Return the texts of a request, tools and all, and of the parts of an answer."""
    prompt = [text.text for text in request.system]
    parts = [part for message in request.messages for part in message.parts]
    for tool in request.tools:
        prompt.append(tool.name + " " + tool.description + (msgspec.json.encode(tool.schema).decode() if tool.schema else ""))
    if request.output is not None and request.output.schema:
        prompt.append(msgspec.json.encode(request.output.schema).decode())
    prompt += _texts(parts)
    return Words(prompt, _texts(answer), messages=len(request.messages) + bool(request.system), images=_count_images(parts))


def _texts(parts: Sequence[Part]) -> list[str]:
    found: list[str] = []
    for part in parts:
        match part:
            case Text(text=text) | Thinking(text=text) | Refusal(text=text):
                found.append(text)
            case ToolCall():
                found.append(f"{part.name} {part.arguments}")
            case ToolResult():
                found += _texts(part.parts)
            case _:
                pass
    return found


def _count_images(parts: Sequence[Part]) -> int:
    return sum(isinstance(part, Image) or (isinstance(part, ToolResult) and _count_images(part.parts)) for part in parts)
