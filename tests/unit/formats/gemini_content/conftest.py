"""Neutral requests, answers and events as JSON, for the files of testdata/gemini_content: a part or an event says its `type`."""

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from modelgate.core.usage import Usage
from modelgate.formats.chat import events, request, response

KINDS: dict[str, type[msgspec.Struct]] = {
    kind.__name__: kind
    for module in (events, request)
    for kind in vars(module).values()
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct)
}
FIELDS: dict[str, type[msgspec.Struct]] = {
    "cache": request.CacheMark,
    "system": request.Text,
    "messages": request.Message,
    "tools": request.Tool,
    "tool_choice": request.ToolChoice,
    "output": request.OutputFormat,
    "reasoning": request.Reasoning,
    "audio": request.AudioOutput,
    "web_search": request.WebSearch,
    "choices": response.Choice,
    "usage": Usage,
    "image": request.Image,
}
"""Field -> what stands in it."""
OPAQUE = frozenset(("citations", "citation", "logprobs", "schema", "vendor", "voice", "metadata", "logit_bias", "gemini_safety_settings"))


def _as_struct(kind: type[msgspec.Struct], value: dict[str, Any]) -> Any:
    return kind(**{name: _inside(name, inside) for name, inside in value.items() if name != "type"})


def _inside(name: str, value: Any) -> Any:
    if name in OPAQUE:
        return tuple(value) if name == "citations" else value
    if isinstance(value, list):
        return tuple(_inside(name, item) for item in value)
    if not isinstance(value, dict):
        return value
    return _as_struct(KINDS[value["type"]] if "type" in value else FIELDS[name], value)


def _as_json(value: Any) -> Any:
    if isinstance(value, tuple | list):
        return [_as_json(item) for item in value]
    if not isinstance(value, msgspec.Struct):
        return value
    kind = type(value)
    said: dict[str, Any] = {"type": kind.__name__} if KINDS.get(kind.__name__) is kind and kind not in FIELDS.values() else {}
    if kind in (request.Text, request.Image):
        said = {"type": kind.__name__}
    for field in msgspec.structs.fields(kind):
        inside = getattr(value, field.name)
        if field.required or inside != field.default:
            said[field.name] = _as_json(inside)
    return said


@pytest.fixture(scope="session")
def read() -> Callable[[str, Any], Any]:
    """Function (`request`, `response` or `events`, JSON) -> neutral."""
    kinds = {"request": request.ChatRequest, "response": response.ChatResponse}
    return lambda name, value: [_inside("event", event) for event in value] if name == "events" else _as_struct(kinds[name], value)


@pytest.fixture(scope="session")
def tell() -> Callable[[Any], Any]:
    """Function neutral -> JSON, defaults left out."""
    return _as_json
