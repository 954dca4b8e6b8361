"""OpenRouter's `reasoning_details`: thoughts as a list whose entries must come back as they were.

The text of an entry is a thought's text; all else of it travels as the thought's seal. Source: openrouter.ai/docs, reasoning tokens,
read 2026-11.
"""

from collections.abc import Iterable, Mapping

import msgspec

from modelgate.core.records import Json
from modelgate.formats.chat.request import Thinking
from modelgate.formats.openai_chat.options import NAME

_TEXT_FIELDS = ("text", "summary")
MAX_DETAILS = 256

_encode = msgspec.json.Encoder(order="deterministic").encode
_decode = msgspec.json.Decoder(dict[str, Json]).decode


def text_of_detail(detail: Mapping[str, Json]) -> str:
    """Return what an entry says in words."""
    return "".join(text for field in _TEXT_FIELDS if isinstance(text := detail.get(field), str))


def seal_of_detail(detail: Mapping[str, Json]) -> str:
    """Return an entry without its words; which of the fields held them is kept, empty."""
    return _encode({name: "" if name in _TEXT_FIELDS else value for name, value in detail.items()}).decode()


def thinking_of_details(details: Iterable[Mapping[str, Json]]) -> list[Thinking]:
    """Return a message's entries as thoughts."""
    return [Thinking(text=text_of_detail(detail), sealed=seal_of_detail(detail), format=NAME) for detail in [*details][:MAX_DETAILS]]


def detail_of(thinking: Thinking, *, text: bool = True) -> dict[str, Json] | None:
    """Return the entry a thought was made of, with or without its words, None when it was none."""
    if thinking.format != NAME or not thinking.sealed:
        return None
    try:
        detail = _decode(thinking.sealed)
    except msgspec.DecodeError:
        return None
    place = next((field for field in _TEXT_FIELDS if field in detail), "")
    return {**detail, place: thinking.text} if text and place else detail
