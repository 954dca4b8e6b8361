"""What a relay answers by itself, and with which methods."""

from pathlib import Path
from typing import cast

import msgspec
import pytest

from modelgate.app.relay_router import RelayRouter
from modelgate.core.errors import MethodNotAllowed
from modelgate.core.http import HeaderBlock, HttpRequest, HttpResponse
from modelgate.gateway.chat import ChatKind
from modelgate.gateway.free_calls import FreeCalls
from modelgate.gateway.idempotency import RepeatableCalls
from modelgate.gateway.images_door import ImagesDoor
from modelgate.gateway.models import ModelsGateway
from modelgate.gateway.passage import Passage

pytestmark = pytest.mark.anyio


class Named:
    """Stands for any part: answers with its name."""

    def __init__(self, name: str, *, alive: bool = True) -> None:
        self._name = name
        self._alive = alive

    async def handle(self, request: HttpRequest) -> HttpResponse:
        return HttpResponse(status=200, headers=HeaderBlock(), body=f"{self._name} {request.path}".encode())

    async def is_alive(self) -> bool:
        return self._alive


DIALECTS = ("openai_images", "openai_chat", "openai_responses", "anthropic_messages", "gemini_content")


class NamedCalls:
    """Stands for the pipeline: answers with the kind it was given."""

    async def handle(self, request: HttpRequest, kind: str) -> HttpResponse:
        return HttpResponse(status=200, headers=HeaderBlock(), body=f"{kind} {request.path}".encode())


class Door:
    """Stands for the fork of pictures: some models are the desk's."""

    async def handle(self, request: HttpRequest) -> HttpResponse | None:
        if b"task" not in request.body:
            return None
        return HttpResponse(status=200, headers=HeaderBlock(), body=f"door {request.path}".encode())


class NamedFree:
    """Stands for the calls that cost nothing."""

    async def count(self, request: HttpRequest, dialect: str) -> HttpResponse:
        return HttpResponse(status=200, headers=HeaderBlock(), body=f"count {dialect}".encode())

    async def stored(self, request: HttpRequest) -> HttpResponse:
        return HttpResponse(status=200, headers=HeaderBlock(), body=f"stored {request.path}".encode())


def router(tmp_path: Path, *, desk_alive: bool = True, book_alive: bool = True) -> RelayRouter:
    async def health() -> dict[str, bool]:
        return {"relay-0": True, "book": book_alive}

    return RelayRouter(
        calls=cast(RepeatableCalls, NamedCalls()),
        free=cast(FreeCalls, NamedFree()),
        kinds=cast(dict[str, ChatKind], {name: name for name in DIALECTS}),
        models=cast(ModelsGateway, Named("models")),
        images=cast(ImagesDoor, Door()),
        passage=cast(Passage, Named("desk", alive=desk_alive)),
        processes_path=tmp_path / "processes",
        health=health,
    )


async def ask(made: RelayRouter, method: str, path: str) -> HttpResponse:
    return await made.handle(HttpRequest(method=method, path=path, headers=HeaderBlock()))


@pytest.mark.parametrize(
    ("method", "path", "answer"),
    [
        ("POST", "/v1/chat/completions", b"openai_chat /v1/chat/completions"),
        ("POST", "/v1/v1/chat/completions/", b"openai_chat /v1/chat/completions"),
        ("POST", "/messages/", b"anthropic_messages /v1/messages"),
        ("POST", "/v1/v1/responses", b"openai_responses /v1/responses"),
        ("POST", "/v1/models/g:generateContent", b"gemini_content /v1/models/g:generateContent"),
        ("POST", "/v1/messages/count_tokens", b"count anthropic_messages"),
        ("POST", "/v1beta/models/g:countTokens", b"count gemini_content"),
        ("DELETE", "/v1/v1/responses/resp_1", b"stored /v1/responses/resp_1"),
        ("GET", "/v1beta/models", b"models /v1beta/models"),
        ("GET", "/v1beta/models/g", b"models /v1beta/models/g"),
        ("GET", "/v1/models", b"models /v1/models"),
        ("HEAD", "/v1/models/a/b", b"models /v1/models/a/b"),
        ("GET", "/kling/v1/images/generations/x", b"desk /kling/v1/images/generations/x"),
        ("POST", "/v1/elsewhere", b"desk /v1/elsewhere"),
        ("GET", "/healthz", b'{"alive":true}\n'),
    ],
)
async def test_which_part_answers(tmp_path: Path, method: str, path: str, answer: bytes) -> None:
    assert (await ask(router(tmp_path), method, path)).body == answer


@pytest.mark.parametrize(
    ("body", "answer"), [(b"task", b"door /v1/images/generations"), (b"call", b"openai_images /v1/images/generations")]
)
@pytest.mark.parametrize("path", ["/v1/images/generations", "/v1/v1/images/generations/", "/images/generations"])
async def test_pictures_go_where_their_model_is_served(tmp_path: Path, path: str, body: bytes, answer: bytes) -> None:
    response = await router(tmp_path).handle(HttpRequest(method="POST", path=path, headers=HeaderBlock(), body=body))
    assert response.body == answer


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", "/v1/images/generations", b"allow: POST\r\n"),
        ("GET", "/v1/chat/completions", b"allow: POST\r\n"),
        ("DELETE", "/v1/models/x", b"allow: GET, HEAD\r\n"),
        ("POST", "/healthz", b"allow: GET, HEAD\r\n"),
        ("PUT", "/readyz", b"allow: GET, HEAD\r\n"),
    ],
)
async def test_another_method_is_told_which_ones_are_served(tmp_path: Path, method: str, path: str, allowed: bytes) -> None:
    with pytest.raises(MethodNotAllowed) as refused:
        await ask(router(tmp_path), method, path)
    assert refused.value.header_lines == allowed


@pytest.mark.parametrize("desk_alive", [True, False])
@pytest.mark.parametrize("book_alive", [True, False])
async def test_readiness_says_who_is_missing(tmp_path: Path, book_alive: bool, desk_alive: bool) -> None:
    response = await ask(router(tmp_path, desk_alive=desk_alive, book_alive=book_alive), "GET", "/readyz")
    assert response.status == (200 if desk_alive and book_alive else 503)
    missing = [name for name, alive in (("book", book_alive), ("desk", desk_alive)) if not alive]
    assert msgspec.json.decode(cast(bytes, response.body))["missing"] == missing
