"""The turns of a conversation in the order that the API demands.

One turn after another changes sides, the first is the user's; results of tools stand first in the turn that follows their calls; no
text is empty; ids are of letters, digits, `_` and `-`, and each is used for one call.
"""

import re
from collections import deque

from modelgate.core.errors import InvalidRequest
from modelgate.core.records import Json
from modelgate.formats.anthropic_messages.blocks import encode_cache, encode_file, encode_image, encode_input, encode_result, encode_text
from modelgate.formats.anthropic_messages.blocks import encode_thinking as encode_thought
from modelgate.formats.chat.request import Audio, File, Image, Message, Part, Refusal, Text, Thinking, ToolCall, ToolResult

PLACEHOLDER = "Continue."
"""Said for the user where the API wants a word and the caller said none."""
_ONLY_USERS = ("image", "document")
_NOT_IN_IDS = re.compile(r"[^a-zA-Z0-9_-]")


class _CallIds:
    """The ids of calls as they may be said: vendors write `functions.f:0`, and some the same for every call."""

    def __init__(self) -> None:
        self._used: dict[str, int] = {}
        self._open: dict[str, deque[str]] = {}

    def start_turn(self) -> None:
        """Forget which calls wait for a result: only those of the last turn can get one."""
        self._open = {}

    def open(self, id: str) -> str:
        """Return the id for a call."""
        plain = _NOT_IN_IDS.sub("_", id) or "call"
        said = plain
        while said in self._used:
            self._used[plain] += 1
            said = f"{plain}_{self._used[plain]}"
        self._used[said] = 1
        self._open.setdefault(id, deque()).append(said)
        return said

    def answered(self, id: str) -> str:
        """Return the id for a result: of the first call so named that has none yet, else of the last."""
        calls = self._open.get(id)
        if not calls:
            return _NOT_IN_IDS.sub("_", id) or "call"
        return calls.popleft() if len(calls) > 1 else calls[0]


class Turns:
    """Collects turns."""

    def __init__(self) -> None:
        self._turns: list[tuple[str, list[Json]]] = []
        self._ids = _CallIds()
        self._pictures: list[Json] = []
        self._names: dict[str, None] = {}

    @property
    def names(self) -> tuple[str, ...]:
        """The tools that were called, in order of their first call."""
        return tuple(self._names)

    @property
    def has_tool_blocks(self) -> bool:
        """Return whether the API wants tools on offer because of the history."""
        return any(block["type"] in ("tool_use", "tool_result") for _, blocks in self._turns for block in blocks)

    @property
    def is_prefilled(self) -> bool:
        """Return whether the last word is the model's, which it shall go on with."""
        return bool(self._turns) and self._turns[-1][0] == "assistant"

    def add(self, message: Message) -> None:
        """Take the next turn; one of the same side goes on with the last. Raises InvalidRequest: a part cannot be said.

        Pictures that a model made go to the user's turn after them: the API takes none from a model.
        """
        is_new = not self._turns or self._turns[-1][0] != message.role
        if is_new and message.role == "assistant":
            self._ids.start_turn()
        blocks = [block for part in message.parts if (block := self._encode(part)) is not None]
        if message.role == "assistant":
            self._pictures += [block for block in blocks if block["type"] in _ONLY_USERS]
            blocks = [block for block in blocks if block["type"] not in _ONLY_USERS]
            if not blocks:
                return
        else:
            blocks, self._pictures = self._pictures + blocks, []
        if is_new:
            self._turns.append((message.role, []))
        self._turns[-1][1].extend(blocks)

    def may_think(self) -> bool:
        """Return whether the API allows thinking: no prefill, and what the model said since the user's last words begins with its signed
        thoughts."""
        if self.is_prefilled:
            return False
        first = ""
        for role, blocks in reversed(self._turns):
            if role == "assistant":
                first = blocks[0]["type"] if blocks else ""
            elif not any(block["type"] == "tool_result" for block in blocks):
                break
        return first in ("", "thinking", "redacted_thinking")

    def encode(self) -> list[Json]:
        """Return the messages."""
        said: list[tuple[str, list[Json]]] = []
        for at, (role, blocks) in enumerate(self._turns):
            if role == "user":
                # A stable sort: results first, all else in its order.
                ordered = sorted(blocks, key=lambda block: block["type"] != "tool_result")
                said.append((role, ordered or [{"type": "text", "text": PLACEHOLDER}]))
            else:
                kept = _without_trailing_space(blocks) if at == len(self._turns) - 1 else blocks
                if kept:
                    said.append((role, kept))
        if not said or said[0][0] == "assistant":
            said.insert(0, ("user", [{"type": "text", "text": PLACEHOLDER}]))
        return [{"role": role, "content": blocks} for role, blocks in said]

    def _encode(self, part: Part) -> Json | None:
        match part:
            case Text():
                return encode_text(part) if part.text.strip() else None
            case Refusal(text=text):
                return encode_text(Text(text=text)) if text.strip() else None
            case Image():
                return encode_image(part)
            case File():
                return encode_file(part)
            case Audio():
                raise InvalidRequest(
                    "This model cannot hear: the conversation holds audio.", param="messages", code="unsupported_parameter"
                )
            case Thinking():
                return encode_thought(part)
            case ToolCall():
                self._names[part.name] = None
                block = {"type": "tool_use", "id": self._ids.open(part.id), "name": part.name, "input": encode_input(part.arguments)}
                return {**block, **encode_cache(part.cache)}
            case ToolResult():
                return encode_result(part, self._ids.answered(part.call_id))


def _without_trailing_space(blocks: list[Json]) -> list[Json]:
    """What the model shall go on with may not end in white space."""
    kept = list(blocks)
    while kept and kept[-1]["type"] == "text":
        text = kept[-1]["text"].rstrip()
        if text:
            kept[-1] = {**kept[-1], "text": text}
            break
        kept.pop()
    return kept
