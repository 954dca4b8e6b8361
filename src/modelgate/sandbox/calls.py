"""Which offered tools the make-believe model calls, and with which arguments."""

import re
from collections.abc import Iterator

import msgspec

from modelgate.core.ids import random_text
from modelgate.sandbox.chat_ask import ChatAsk, Tool
from modelgate.sandbox.schema_instance import Hints, Unsatisfiable, make_instance

MAX_CALLS = 8
MAX_HINTS = 32
MAX_HINT = 200
_QUOTED = re.compile(r"[\"“«]([^\"”»\n]{1,200})[\"”»]|(?<!\w)'([^'\n]{1,200})'(?!\w)")
_PROPER = re.compile(r"(?<![.!?:\n] )(?<!^)\b[^\W\d_a-z][\w'-]+(?: [^\W\d_a-z][\w'-]+)*")
_NUMBER = re.compile(r"(?<![\w.])-?\d{1,12}(?:\.\d{1,6})?(?![\w])")
_WORD = re.compile(r"[^\W\d_]+")
_LIST = re.compile(r"([^\W\d_a-z][\w'-]+(?: [^\W\d_a-z][\w'-]+)*)(?:, and |, | and | or )(?=[^\W\d_a-z])")
_SEVERAL = re.compile(r"\b(both|each|every|all|several|parallel)\b", re.IGNORECASE)
_COMMON = frozenset(
    ("get", "set", "the", "for", "and", "find", "list", "current", "create", "make", "with", "from", "tool", "function", "call")
)


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """One tool call. `arguments` is JSON text, or plain text for a custom tool."""

    id: str
    name: str
    arguments: str
    custom: bool = False


def hints_from(text: str, *, turn: int = 0) -> Hints:
    """Return what a text offers as argument values: quoted words, then names, then all of it; `turn` starts further on."""
    quoted = [first or second for first, second in _QUOTED.findall(text)]
    found = [*quoted, *(match[0] for match in _PROPER.finditer(text))][:MAX_HINTS]
    found = list(dict.fromkeys(found))
    if found:
        turn %= len(found)
        found = [*found[turn:], *found[:turn]]
    texts = tuple(found) or ((text[:MAX_HINT],) if text else ())
    words = frozenset(word.casefold() for word in _WORD.findall(text))
    return Hints(texts, tuple(float(number) for number in _NUMBER.findall(text)[:MAX_HINTS]), words)


def plan_calls(ask: ChatAsk) -> tuple[Call, ...]:
    """Return the calls to make now: none after a result, unless the caller demands one. Raises Unsatisfiable."""
    if ask.mode == "none" or (ask.mode == "auto" and ask.results):
        return ()
    return tuple(_call(tool, hints) for tool, hints in _targets(ask))


def _targets(ask: ChatAsk) -> Iterator[tuple[Tool, Hints]]:
    ranked = sorted(ask.tools, key=lambda tool: -_mentions(tool, ask.text))
    if not ask.parallel or ask.mode == "named":
        yield ranked[0], hints_from(ask.text)
        return
    mentioned = [tool for tool in ask.tools if _mentions(tool, ask.text)]
    if len(mentioned) < 2 and _SEVERAL.search(ask.text) and not _LIST.search(ask.text):
        mentioned = list(ask.tools)
    if len(mentioned) > 1:
        yield from ((tool, hints_from(ask.text)) for tool in mentioned[:MAX_CALLS])
        return
    listed = len(_LIST.findall(ask.text))
    for turn in range(min(1 + listed, MAX_CALLS)):
        yield ranked[0], hints_from(ask.text, turn=turn)


def _mentions(tool: Tool, text: str) -> int:
    """Count the words of a tool's name that the text uses."""
    spoken = {word.casefold() for word in _WORD.findall(text)}
    parts = {part.casefold() for part in re.findall(r"[A-Z]?[a-z]+|[A-Z]+", tool.name)} - _COMMON
    return sum(1 for part in parts if len(part) > 2 and any(word.startswith(part) for word in spoken))


def _call(tool: Tool, hints: Hints) -> Call:
    if tool.custom:
        return Call(id=_new_call_id(), name=tool.name, arguments=next(iter(hints.texts), "example"), custom=True)
    arguments = make_instance({"type": "object", **(tool.parameters or {})}, hints)
    if not isinstance(arguments, dict):
        raise Unsatisfiable
    return Call(id=_new_call_id(), name=tool.name, arguments=msgspec.json.encode(arguments).decode())


def _new_call_id() -> str:
    return "call_" + random_text(24)
