"""Neutral structs as JSON and back, for the files in testdata."""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from modelgate.core.http import HeaderBlock, HttpRequest
from modelgate.core.usage import Usage
from modelgate.formats.chat import events, request, response, vendor_error
from modelgate.formats.chat.wire_format import AnswerHead

DATA = Path(__file__).parents[3] / "testdata" / "anthropic_messages"
KINDS = {
    kind.__name__: kind
    for module in (events, request, response, vendor_error)
    for kind in vars(module).values()
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct)
} | {"Usage": Usage}


def plain(value: Any) -> Any:
    """Return neutral structs as JSON: the kind under `_`, and the fields that differ from their defaults."""
    if isinstance(value, msgspec.Struct):
        fields = {field.name: field for field in msgspec.structs.fields(type(value))}
        said = {name: plain(found) for name, field in fields.items() if (found := getattr(value, name)) != field.default or field.required}
        return {"_": type(value).__name__, **said}
    if isinstance(value, list | tuple):
        return [plain(one) for one in value]
    return {name: plain(one) for name, one in value.items()} if isinstance(value, dict) else value


def neutral(value: Any) -> Any:
    """Return what `plain` made again."""
    if isinstance(value, list):
        return tuple(neutral(one) for one in value)
    if isinstance(value, dict) and "_" in value:
        return KINDS[value["_"]](**{name: neutral(one) for name, one in value.items() if name != "_"})
    return value


def cases(folder: str) -> list[Any]:
    """Return the files of a folder for `parametrize`."""
    found = [pytest.param(json.loads(path.read_text()), id=path.stem) for path in sorted((DATA / folder).glob("*.json"))]
    assert found, folder
    return found


def asked(body: Any, *headers: tuple[str, str]) -> HttpRequest:
    return HttpRequest(
        method="POST",
        path="/v1/messages",
        headers=HeaderBlock.of(*headers),
        body=body if isinstance(body, bytes) else json.dumps(body).encode(),
    )


HEAD = AnswerHead(model="my-claude", created=1_790_000_000, request_id="req_1")
