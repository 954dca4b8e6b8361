"""What the make-believe Anthropic answers: blocks, why they end, and what they cost."""

import msgspec

from modelgate.core.ids import random_text
from modelgate.core.records import Json
from modelgate.sandbox.anthropic.prompt import PromptUsage
from modelgate.sandbox.anthropic.request import MessageAsk
from modelgate.sandbox.anthropic.thinking import redact_thought, sign_thought
from modelgate.sandbox.calls import Call
from modelgate.sandbox.speaker import Choice, Speaker
from modelgate.sandbox.tokens import Tokenizer

REFUSAL: dict[str, Json] = {
    "type": "refusal",
    "category": "general_harms",
    "explanation": "This prompt asked the sandbox to refuse.",
}
EMPTY_TOKENS = 1
"""Output tokens of an answer that says nothing: at the vendor not even that is free."""

_REASONS = {"stop": "end_turn", "length": "max_tokens", "tool_calls": "tool_use"}


class Thinking(msgspec.Struct, frozen=True):
    """A thought as it is shown, which may be not at all, and its signature."""

    shown: str
    signature: str


class Redacted(msgspec.Struct, frozen=True):
    """A thought that is hidden in `data`."""

    data: str


class Text(msgspec.Struct, frozen=True):
    """Something said."""

    text: str


Block = Thinking | Redacted | Text | Call


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """One answer. `cut`: it broke off inside the arguments of its last call."""

    blocks: tuple[Block, ...]
    stop_reason: str
    stop_sequence: str | None = None
    stop_details: Json = None
    cut: bool = False
    prompt: PromptUsage
    output_tokens: int
    thinking_tokens: int = 0


class Replier:
    """Makes replies out of what the make-believe model says."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer
        self._speaker = Speaker(tokenizer)

    def reply(self, ask: MessageAsk, *, prompt: PromptUsage) -> Reply:
        """Return the answer to a request. Raises Unsatisfiable when a schema allows no value."""
        magic = ask.chat.magic
        if magic.has("refusal"):
            return Reply(blocks=(Text(""),), stop_reason="refusal", stop_details=REFUSAL, prompt=prompt, output_tokens=0)
        if magic.has("empty-answer"):
            return Reply(blocks=(), stop_reason="end_turn", prompt=prompt, output_tokens=EMPTY_TOKENS)
        choice = self._speaker.speak(ask.chat)
        paused = magic.has("pause-turn") and not ask.continues and not choice.calls and choice.finish == "stop"
        if paused:
            choice = self._half(choice)
        reason = "tool_use" if choice.calls and choice.finish != "length" else _REASONS[choice.finish]
        return Reply(
            blocks=tuple(_blocks(choice, ask=ask)),
            stop_reason="pause_turn" if paused else "stop_sequence" if choice.stopped_by else reason,
            stop_sequence=choice.stopped_by if not paused else None,
            cut=bool(choice.calls) and choice.finish == "length",
            prompt=prompt,
            output_tokens=magic.pinned.completion if magic.pinned else max(choice.tokens, min(EMPTY_TOKENS, ask.chat.limit or 0)),
            thinking_tokens=choice.reasoning,
        )

    def _half(self, choice: Choice) -> Choice:
        """Return the first half of what was to be said; its end is no blank, because it comes back as the beginning of the rest."""
        spoken = choice.tokens - choice.reasoning
        text = self._tokenizer.cut(choice.text or "", limit=-(-spoken // 2)).rstrip()
        return msgspec.structs.replace(choice, text=text, tokens=choice.reasoning + self._tokenizer.count(text))


def _blocks(choice: Choice, *, ask: MessageAsk) -> list[Block]:
    blocks: list[Block] = []
    if choice.thought and ask.chat.magic.has("redacted-thinking"):
        blocks.append(Redacted(redact_thought(choice.thought)))
    elif choice.thought:
        shown = "" if ask.omits else choice.thought
        blocks.append(Thinking(shown, sign_thought(shown, thought=choice.thought)))
    if choice.text:
        blocks.append(Text(choice.text))
    return [*blocks, *(msgspec.structs.replace(call, id="toolu_01" + random_text(22)) for call in choice.calls)]
