import json
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from modelgate.core.http import HeaderBlock, HttpRequest
from modelgate.formats.chat.wire_format import AnswerHead

Ask = Callable[..., HttpRequest]

PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAAB"
"""The first bytes of a picture, as base64: enough to be known by."""


class ReversedIds:
    """`StateIds` that tell an id backwards."""

    def seal(self, vendor_id: str) -> str:
        return vendor_id[::-1]

    def open(self, our_id: str) -> str:
        return our_id[::-1]


@pytest.fixture
def state_ids() -> ReversedIds:
    return ReversedIds()


@pytest.fixture
def head() -> AnswerHead:
    return AnswerHead(model="caller-model", created=1_700_000_000, request_id="req_abc123")


@pytest.fixture
def ask() -> Ask:
    """Make a request of fields, a short conversation among them unless told otherwise."""

    def made(**fields: Any) -> HttpRequest:
        body = {"model": "m", "messages": [{"role": "user", "content": "hi"}], **fields}
        return HttpRequest(method="POST", path="/v1/chat/completions", headers=HeaderBlock(), body=json.dumps(body).encode())

    return made


def shown(value: Any) -> Any:
    """Return a neutral thing as JSON: only what is not the default, and what kind of thing it is."""
    if isinstance(value, msgspec.Struct):
        fields = msgspec.structs.fields(value)
        said = {field.name: getattr(value, field.name) for field in fields}
        return {"is": type(value).__name__} | {
            field.name: shown(said[field.name]) for field in fields if field.required or said[field.name] != field.default
        }
    if isinstance(value, list | tuple):
        return [shown(item) for item in value]
    if isinstance(value, dict):
        return {name: shown(item) for name, item in value.items()}
    return value
