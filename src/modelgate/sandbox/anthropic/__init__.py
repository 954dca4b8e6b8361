"""The make-believe Anthropic: `/v1/messages`, its token count, and `/v1/models`, at the root and under `/anthropic`."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import TypeVar

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from modelgate.core.clock import Clock
from modelgate.core.ids import random_text
from modelgate.core.records import Json
from modelgate.sandbox.anthropic.answers import Replier
from modelgate.sandbox.anthropic.checks import NO_SAMPLING_SINCE, Terms, check_count, check_create, marks_of
from modelgate.sandbox.anthropic.errors import Refused, provoked
from modelgate.sandbox.anthropic.models import MAX_INPUT_TOKENS, check_served, describe_model, list_models
from modelgate.sandbox.anthropic.prompt import PromptCache, pinned_usage, split_prompt
from modelgate.sandbox.anthropic.request import read_message
from modelgate.sandbox.anthropic.wire import ERROR_EVENT, MALFORMED_EVENT, Head, render_events, render_message
from modelgate.sandbox.count import Counter
from modelgate.sandbox.dialects import DialectRoute
from modelgate.sandbox.faults import request_id_of
from modelgate.sandbox.openai.sending import EVENT_STREAM, Thought, send_thought
from modelgate.sandbox.request_body import UNREADABLE, BodyTooLarge, read_body
from modelgate.sandbox.schema_instance import Unsatisfiable
from modelgate.sandbox.tokens import Tokenizer

MAX_BODY_BYTES = 32 * 1024 * 1024
THINK_APART_BYTES = 32 * 1024
"""Longer bodies are answered in a thread: decoding their pictures and counting their tokens would hold up the others."""

VERSIONS = ("2023-01-01", "2023-06-01", NO_SAMPLING_SINCE)
VERSION_HEADER = "anthropic-version"
LIMITS = {"requests": 4_000, "tokens": 480_000, "input-tokens": 400_000, "output-tokens": 80_000}
_KEY = re.compile(r"^sk-ant-[\x21-\x7e]{1,512}$")
_BEARER = re.compile(r"^bearer +", re.IGNORECASE)

Result = TypeVar("Result")
Handler = Callable[[Request], Awaitable[Response]]


class AnthropicSandbox:
    """The vendor's endpoints; counts what it is asked in `counter`."""

    def __init__(self, *, tokenizer: Tokenizer, counter: Counter, clock: Clock) -> None:
        self._tokenizer = tokenizer
        self._replier = Replier(tokenizer)
        self._cache = PromptCache(clock)
        self._counter = counter
        self._clock = clock

    def routes(self) -> list[Route]:
        """Return the routes, for both places. At the root, models are listed here only for who speaks this dialect."""
        methods = ["GET", "POST", "PUT", "PATCH", "DELETE"]
        return [
            *self._message_routes(""),
            DialectRoute("/v1/models", self._guarded(self._models), methods=["GET"], spoken=is_spoken),
            DialectRoute("/v1/models/{model:path}", self._guarded(self._model), methods=["GET"], spoken=is_spoken),
            *self._message_routes("/anthropic"),
            Route("/anthropic/v1/models", self._guarded(self._models), methods=["GET"]),
            Route("/anthropic/v1/models/{model:path}", self._guarded(self._model), methods=["GET"]),
            Route("/anthropic/{rest:path}", self._guarded(_no_such_url), methods=methods),
        ]

    def _message_routes(self, prefix: str) -> list[Route]:
        return [
            Route(f"{prefix}/v1/messages", self._guarded(self._create), methods=["POST"]),
            Route(f"{prefix}/v1/messages/count_tokens", self._guarded(self._count), methods=["POST"]),
        ]

    def _guarded(self, handler: Handler) -> Handler:
        """Check key and version, turn refusals into answers, and add the headers that every answer of the vendor has."""

        async def guarded(request: Request) -> Response:
            request_id = "req_011C" + random_text(20)
            try:
                _check_key(request)
                _check_version(request)
                response = await handler(request)
            except Refused as refused:
                response = refused.response(request_id=request_id)
            response.headers["request-id"] = request_id
            response.headers["anthropic-organization-id"] = "00000000-0000-4000-8000-000000000000"
            self._add_limits(response)
            return response

        return guarded

    def _add_limits(self, response: Response) -> None:
        reset = datetime.fromtimestamp(self._clock() + 1, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        for name, limit in LIMITS.items():
            response.headers[f"anthropic-ratelimit-{name}-limit"] = str(limit)
            response.headers[f"anthropic-ratelimit-{name}-remaining"] = "0" if response.status_code == 429 else str(limit - 1)
            response.headers[f"anthropic-ratelimit-{name}-reset"] = reset

    async def _models(self, request: Request) -> Response:
        return _json(list_models(request.query_params))

    async def _model(self, request: Request) -> Response:
        return _json(describe_model(request.path_params["model"]))

    async def _create(self, request: Request) -> Response:
        entry = self._counter.open(vendor="anthropic", request_id=request_id_of(request))
        try:
            data = await _read(request)
            body = _decoded(data)
            if isinstance(body, dict) and isinstance(body.get("model"), str):
                entry.model = body["model"][:200]
            thought = await _apart(lambda: self._think(body, _terms_of(request)), size_bytes=len(data))
        except Refused as refused:
            entry.status = refused.status
            raise
        entry.status, entry.prompt_tokens = 200, thought.prompt_tokens
        return await send_thought(thought, entry=entry)

    async def _count(self, request: Request) -> Response:
        data = await _read(request)
        body = _decoded(data)

        def count() -> int:
            check_count(body, _terms_of(request))
            check_served(body["model"])
            return sum(piece.tokens for piece in split_prompt(body, tokenizer=self._tokenizer))

        return _json({"input_tokens": await _apart(count, size_bytes=len(data))})

    def _think(self, body: Json, terms: Terms) -> Thought:
        """Check, read and answer a request: everything that takes the processor, nothing that waits."""
        check_create(body, terms)
        check_served(body["model"])
        ask = read_message(body)
        magic = ask.chat.magic
        if magic.error_status is not None:
            raise provoked(magic.error_status)
        if magic.has("error-in-stream") and not ask.chat.stream:
            raise provoked(529)
        pieces = split_prompt(body, tokenizer=self._tokenizer)
        tokens = sum(piece.tokens for piece in pieces)
        if magic.has("context-too-long"):
            tokens += MAX_INPUT_TOKENS
        if tokens > MAX_INPUT_TOKENS:
            raise Refused(f"prompt is too long: {tokens} tokens > {MAX_INPUT_TOKENS} maximum")
        prompt = pinned_usage(magic.pinned, marks=marks_of(body)) if magic.pinned else self._cache.use(body["model"], pieces)
        try:
            reply = self._replier.reply(ask, prompt=prompt)
        except Unsatisfiable:
            raise Refused(f"{'output_config.format' if ask.chat.schema else 'tools'}: no value of this schema can be made") from None
        head = Head(id="msg_01" + random_text(22), model=body["model"], magic=magic)
        return Thought(
            magic=magic,
            parts=render_events(reply, head=head, tokenizer=self._tokenizer) if ask.chat.stream else [render_message(reply, head=head)],
            stream=ask.chat.stream,
            prompt_tokens=prompt.total,
            completion_tokens=reply.output_tokens,
            content_type=EVENT_STREAM if ask.chat.stream else "application/json",
            malformed=MALFORMED_EVENT,
            failure=ERROR_EVENT,
        )


def is_spoken(request: Request) -> bool:
    """Say whether a request is in this vendor's dialect: all of its clients send their version."""
    return VERSION_HEADER in request.headers


def _check_key(request: Request) -> None:
    """Accept the key in either header; where there are both, `x-api-key` counts."""
    given = request.headers.get("x-api-key")
    if given is not None:
        if not _KEY.match(given):
            raise Refused("invalid x-api-key", status=401)
        return
    bearer = request.headers.get("authorization")
    if bearer is None:
        raise Refused("x-api-key header is required", status=401)
    if not _BEARER.match(bearer) or not _KEY.match(_BEARER.sub("", bearer)):
        raise Refused("Invalid bearer token", status=401)


def _check_version(request: Request) -> None:
    version = request.headers.get(VERSION_HEADER)
    if version is None:
        raise Refused(f"{VERSION_HEADER}: header is required")
    if version not in VERSIONS:
        raise Refused(f'{VERSION_HEADER}: "{version[:40]}" is not a valid version')


def _terms_of(request: Request) -> Terms:
    return Terms(version=request.headers[VERSION_HEADER], beta=bool(request.headers.get("anthropic-beta")))


async def _read(request: Request) -> bytes:
    try:
        return await read_body(request, limit_bytes=MAX_BODY_BYTES)
    except BodyTooLarge:
        raise Refused("Request exceeds the maximum size", status=413) from None


def _decoded(data: bytes) -> Json:
    try:
        return msgspec.json.decode(data)
    except UNREADABLE:
        raise Refused("The request body is not valid JSON") from None


async def _apart(work: Callable[[], Result], *, size_bytes: int) -> Result:
    """Do work at once, or in a thread when it is much."""
    return await asyncio.to_thread(work) if size_bytes > THINK_APART_BYTES else work()


async def _no_such_url(_: Request) -> Response:
    raise Refused("Not Found", status=404)


def _json(data: Json) -> Response:
    return Response(msgspec.json.encode(data), media_type="application/json")
