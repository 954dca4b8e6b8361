"""What the make-believe model says, in any vendor's chat: deterministic, sensible, and counted with the real tokenizer."""

import re

import msgspec

from modelgate.sandbox.calls import Call, hints_from, plan_calls
from modelgate.sandbox.chat_ask import ChatAsk
from modelgate.sandbox.schema_instance import make_instance
from modelgate.sandbox.tokens import Tokenizer
from modelgate.sandbox.vision import NotAPicture, decode_data_url, look_at

MAX_ECHO = 400
MAX_COUNT_TO = 1_000
MAX_SHOWN_IMAGES = 16
PINNED_WORDS = 50
TOKENS_PER_CALL = 4
_SAY = re.compile(
    r"^(?:please )?(?:say|repeat|echo|reply with|respond with|answer with)(?: exactly)?(?::| )\s*(.+)$", re.IGNORECASE | re.DOTALL
)
_COUNT_TO = re.compile(r"\bcount (?:from (\d{1,6}) )?(?:up )?to (\d{1,6})\b", re.IGNORECASE)


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """One answer: text, or calls, or both when the model announces its calls. `tokens` counts its output with its reasoning.

    `finish`: stop, length, tool_calls or function_call. `stopped_by`: the stop sequence that ended it.
    """

    text: str | None
    calls: tuple[Call, ...] = ()
    finish: str
    tokens: int
    reasoning: int = 0
    thought: str = ""
    stopped_by: str | None = None


class Speaker:
    """Makes choices. Holds the tokenizer."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer

    def speak(self, ask: ChatAsk, index: int = 0) -> Choice:
        """Return the answer to a request; those of other indexes differ. Raises Unsatisfiable when a schema allows no value."""
        if ask.magic.pinned:
            words = min(ask.magic.pinned.completion, PINNED_WORDS)
            return Choice(text=" ".join(["ok"] * words), finish="stop", tokens=words)
        calls = plan_calls(ask)
        thought, reasoning, limit = self._reasoning(ask, calls=calls)
        if calls:
            choice = self._calling(ask, calls=calls, limit=limit)
        else:
            text, stopped_by = _until_stop(self._text(ask, index).removeprefix(ask.begun), ask.stops)
            text, tokens, cut = self._cut(text, limit=limit)
            choice = Choice(text=text, finish="length" if cut else "stop", tokens=tokens, stopped_by=None if cut else stopped_by)
        return msgspec.structs.replace(choice, tokens=choice.tokens + reasoning, reasoning=reasoning, thought=thought)

    def _reasoning(self, ask: ChatAsk, *, calls: tuple[Call, ...]) -> tuple[str, int, int | None]:
        """Return the thought of one choice, its tokens with the hidden ones, and what is left of the limit."""
        thought, tokens, _ = self._cut(_thought(ask, calls=calls) if ask.thinks else "", limit=ask.limit)
        spent = tokens + ask.hidden_tokens
        if ask.limit is None:
            return thought, spent, None
        return thought, min(spent, ask.limit), max(ask.limit - spent, 0)

    def _cut(self, text: str, *, limit: int | None) -> tuple[str, int, bool]:
        """Return a text within a limit, its tokens, and whether it was cut."""
        tokens = self._tokenizer.count(text)
        if limit is None or tokens <= limit:
            return text, tokens, False
        return self._tokenizer.cut(text, limit=limit), limit, True

    def _calling(self, ask: ChatAsk, *, calls: tuple[Call, ...], limit: int | None) -> Choice:
        """Forced by name ends `stop`, else `tool_calls`; a limit cuts the arguments of the last call that still fits."""
        finish = "stop" if ask.mode == "named" else "function_call" if ask.legacy else "tool_calls"
        text, tokens, cut = self._cut(_announcement(calls), limit=limit) if ask.announces else (None, 0, False)
        if cut:
            return Choice(text=text, finish="length", tokens=tokens)
        kept: list[Call] = []
        for call in calls:
            overhead = TOKENS_PER_CALL + self._tokenizer.count(call.name)
            needed = overhead + self._tokenizer.count(call.arguments)
            if limit is not None and tokens + needed > limit:
                room = max(limit - tokens - overhead, 0)
                kept.append(msgspec.structs.replace(call, arguments=self._tokenizer.cut(call.arguments, limit=room)))
                tokens, finish = limit, "length"
                break
            kept.append(call)
            tokens += needed
        return Choice(text=text, calls=tuple(kept), finish=finish, tokens=tokens)

    def _text(self, ask: ChatAsk, index: int) -> str:
        if ask.format == "json_schema":
            return msgspec.json.encode(make_instance(ask.schema or {"type": "object"}, hints_from(ask.text, turn=index))).decode()
        sentence = _sentence(ask) if index == 0 else f"Choice {index + 1}: {_sentence(ask)}"
        return msgspec.json.encode({"answer": sentence, "model": ask.model}).decode() if ask.format == "json_object" else sentence


def describe_picture(url: str, number: int) -> str:
    """Return a sentence about a picture: what it really is when it is a data URL, else where it is."""
    if not url.startswith("data:"):
        return f"Picture {number} is at {url[:MAX_ECHO]}, which the sandbox does not fetch, so it cannot say what it shows."
    try:
        picture = look_at(decode_data_url(url))
    except NotAPicture:
        return f"Picture {number} cannot be read."
    colours = " and ".join([", ".join(picture.colours[:-1]), picture.colours[-1]] if len(picture.colours) > 1 else picture.colours)
    noun = "colours are" if len(picture.colours) > 1 else "colour is"
    return f"Picture {number} is a {picture.format} of {picture.width}x{picture.height} pixels; its dominant {noun} {colours}."


def _until_stop(text: str, stops: tuple[str, ...]) -> tuple[str, str | None]:
    """Return the text up to the first stop sequence in it, and which that is."""
    found = min(((text.find(stop), stop) for stop in stops if stop and stop in text), default=None)
    return (text[: found[0]], found[1]) if found else (text, None)


def _announcement(calls: tuple[Call, ...]) -> str:
    return f"I will call {', '.join(dict.fromkeys(call.name for call in calls))}."


def _thought(ask: ChatAsk, *, calls: tuple[Call, ...]) -> str:
    """Choose what to think aloud: what was asked, and what to do about it."""
    plan = (
        _announcement(calls) if calls else "The tools have answered, so I can tell the result." if ask.results else "I can answer at once."
    )
    return f"The user says: “{_quoted(ask.text)}” {plan}"


def _sentence(ask: ChatAsk) -> str:
    """Choose what to say: quote the tools' results, describe what was shown, do as told, or tell what was said."""
    if ask.results:
        return " ".join(f"According to {name}: {content[:MAX_ECHO]}" for name, content in ask.results)
    if ask.images or ask.documents:
        pictures = [describe_picture(url, number) for number, (url, _) in enumerate(ask.images[:MAX_SHOWN_IMAGES], 1)]
        return " ".join([*pictures, *ask.documents])
    if said := _SAY.match(ask.text):
        return said[1].strip().strip("\"'“”")
    if counted := _COUNT_TO.search(ask.text):
        first, last = int(counted[1] or 1), int(counted[2])
        return ", ".join(str(number) for number in range(first, min(last, first + MAX_COUNT_TO) + 1))
    return f"This is the sandbox speaking as {ask.model}. You said: “{_quoted(ask.text)}”"


def _quoted(text: str) -> str:
    return text if len(text) <= MAX_ECHO else text[: MAX_ECHO - 1] + "…"
