"""The make-believe OpenAI: `/v1/chat/completions` and `/v1/models`, at the root and under `/openai`."""

import asyncio
import re
from collections.abc import Awaitable, Callable

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from modelgate.core.clock import Clock
from modelgate.core.ids import random_text
from modelgate.core.records import Json
from modelgate.core.sandbox import MAGIC_WORDS
from modelgate.sandbox.count import Counted, Counter
from modelgate.sandbox.faults import SLOW_S, STALL_S, BrokenAnswer, Left, drop_connection, malformed, request_id_of
from modelgate.sandbox.magic import MODEL_PREFIX, Magic
from modelgate.sandbox.openai_answers import Answer, Answerer
from modelgate.sandbox.openai_checks import check_chat
from modelgate.sandbox.openai_errors import Refused, provoked
from modelgate.sandbox.openai_request import ChatAsk, read_chat
from modelgate.sandbox.openai_wire import DONE, MALFORMED_CHUNK, Head, answered_model, render_chunks, render_completion
from modelgate.sandbox.schema_instance import Unsatisfiable
from modelgate.sandbox.tokens import Tokenizer

MAX_BODY_BYTES = 64 * 1024 * 1024
THINK_APART_BYTES = 32 * 1024
"""Longer bodies are answered in a thread: decoding their pictures and counting their tokens would hold up the others."""

CREATED_AT = 1_767_225_600  # 2026-01-01, of every model
MODELS = (
    "gpt-4o",
    "gpt-4o-mini",
    "gpt-4.1",
    "gpt-4.1-mini",
    "gpt-4.1-nano",
    "gpt-5",
    "gpt-5-mini",
    "gpt-5-nano",
    "o3",
    "o4-mini",
    "gpt-3.5-turbo",
    "sandbox-chat",
    *(MODEL_PREFIX + word for word in MAGIC_WORDS),
)
"""What GET /v1/models lists. Other names are served too, so that any model of a price list can be tried; none that starts with
`sandbox-`, though."""

_KEY = re.compile(r"^bearer +sk-[\x21-\x7e]{1,512}$", re.IGNORECASE)
_MODEL = re.compile(r"^[^\s\x00-\x1f]{1,200}$")

Handler = Callable[[Request], Awaitable[Response]]


class OpenaiSandbox:
    """The vendor's endpoints; counts what it is asked in `counter`."""

    def __init__(self, *, tokenizer: Tokenizer, counter: Counter, clock: Clock) -> None:
        self._tokenizer = tokenizer
        self._answerer = Answerer(tokenizer)
        self._counter = counter
        self._clock = clock

    def routes(self) -> list[Route]:
        """Return the routes, for both places."""
        return [route for prefix in ("", "/openai") for route in self._routes_at(prefix)]

    def _routes_at(self, prefix: str) -> list[Route]:
        return [
            Route(f"{prefix}/v1/chat/completions", self._guarded(self._chat), methods=["POST"]),
            Route(f"{prefix}/v1/models", self._guarded(self._models), methods=["GET"]),
            Route(f"{prefix}/v1/models/{{model:path}}", self._guarded(self._model), methods=["GET"]),
            Route(f"{prefix}/v1/{{rest:path}}", _no_such_url, methods=["GET", "POST", "PUT", "PATCH", "DELETE"]),
        ]

    def _guarded(self, handler: Handler) -> Handler:
        """Check the key, turn refusals into answers, and add the headers that every answer of the vendor has."""

        async def guarded(request: Request) -> Response:
            try:
                _check_key(request)
                response = await handler(request)
            except Refused as refused:
                response = refused.response()
            response.headers["x-request-id"] = "req_" + random_text(32)
            response.headers["openai-version"] = "2020-10-01"
            response.headers["openai-processing-ms"] = "12"
            response.headers["x-ratelimit-limit-requests"] = "10000"
            response.headers["x-ratelimit-remaining-requests"] = "9999"
            response.headers["x-ratelimit-reset-requests"] = "6ms"
            return response

        return guarded

    async def _models(self, _: Request) -> Response:
        return _json({"object": "list", "data": [_model_object(model) for model in MODELS]})

    async def _model(self, request: Request) -> Response:
        model = request.path_params["model"]
        if not is_known(model):
            raise no_such_model(model)
        return _json(_model_object(model))

    async def _chat(self, request: Request) -> Response:
        entry = self._counter.open(vendor="openai", request_id=request_id_of(request))
        try:
            return await self._answered(request, entry=entry)
        except Refused as refused:
            entry.status = refused.status
            raise

    async def _answered(self, request: Request, *, entry: Counted) -> Response:
        body = await _read_body(request)
        decoded = _decoded(body, content_type=request.headers.get("content-type", ""))
        if isinstance(decoded, dict) and isinstance(decoded.get("model"), str):
            entry.model = decoded["model"][:200]
        think = self._thought
        ask, answer, chunks = await asyncio.to_thread(think, decoded) if len(body) > THINK_APART_BYTES else think(decoded)
        entry.status = 200
        entry.prompt_tokens = answer.prompt_tokens
        if ask.stream:
            return StreamedAnswer(chunks, magic=ask.magic, entry=entry, completion_tokens=answer.completion_tokens)
        if ask.magic.has("slow"):
            await asyncio.sleep(SLOW_S)
        return _whole(chunks[0], magic=ask.magic, entry=entry, answer=answer)

    def _thought(self, decoded: Json) -> tuple[ChatAsk, Answer, list[bytes]]:
        """Check, read and answer a request: everything that takes the processor, nothing that waits."""
        check_chat(decoded)
        if not is_known(decoded["model"]):
            raise no_such_model(decoded["model"])
        ask = read_chat(decoded)
        if ask.magic.error_status is not None:
            raise provoked(ask.magic.error_status)
        try:
            answer = self._answerer.answer(ask)
        except Unsatisfiable:
            raise Refused("Invalid schema: no value of it can be made.", param="response_format" if ask.schema else "tools") from None
        head = Head(id="chatcmpl-" + random_text(29), created=int(self._clock()), model=answered_model(ask.model))
        if ask.stream:
            return ask, answer, render_chunks(answer, ask=ask, head=head, tokenizer=self._tokenizer)
        return ask, answer, [render_completion(answer, ask=ask, head=head, tokenizer=self._tokenizer)]


class StreamedAnswer(Response):
    """Sends the chunks one by one, broken where magic says so, and keeps the count up to date."""

    def __init__(self, chunks: list[bytes], *, magic: Magic, entry: Counted, completion_tokens: int) -> None:
        super().__init__(media_type="text/event-stream; charset=utf-8", headers={"cache-control": "no-cache"})
        del self.headers["content-length"]
        self._chunks = chunks
        self._magic = magic
        self._entry = entry
        self._completion_tokens = completion_tokens

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        left = Left(receive)
        try:
            await self._send_chunks(scope, left=left, send=send)
        finally:
            await left.close()

    async def _send_chunks(self, scope: Scope, *, left: Left, send: Send) -> None:
        pause_s = SLOW_S / len(self._chunks) if self._magic.has("slow") else 0.0
        for index, chunk in enumerate(self._chunks):
            if index == len(self._chunks) // 2 and await self._broke(scope, left=left, send=send):
                return
            await (left.wait(pause_s) if pause_s else asyncio.sleep(0))  # also lets each chunk leave in a write of its own
            if left.gone:
                return
            self._entry.completion_tokens = self._completion_tokens * (index + 1) // len(self._chunks)
            self._entry.finished = chunk is DONE
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
        await send({"type": "http.response.body", "body": b""})

    async def _broke(self, scope: Scope, *, left: Left, send: Send) -> bool:
        """Do the mischief that was asked for; return whether it ended the answer."""
        if self._magic.has("malformed-chunk"):
            await send({"type": "http.response.body", "body": MALFORMED_CHUNK, "more_body": True})
        if self._magic.has("stalled-stream"):
            await left.wait(STALL_S)
        if self._magic.has("cut-stream") or self._magic.has("stalled-stream"):
            drop_connection(scope)
            await left.wait(STALL_S)
            return True
        return False


def _whole(body: bytes, *, magic: Magic, entry: Counted, answer: Answer) -> Response:
    """Return an answer that is not streamed, broken where magic says so."""
    entry.completion_tokens = answer.completion_tokens
    if magic.has("cut-stream") or magic.has("stalled-stream"):
        return BrokenAnswer(body, stalls=magic.has("stalled-stream"))
    entry.finished = True
    return malformed(body) if magic.has("malformed-chunk") else Response(body, media_type="application/json")


def is_known(model: str) -> bool:
    """Say whether a model's name is served."""
    return model in MODELS or (_MODEL.match(model) is not None and not model.startswith(MODEL_PREFIX))


def no_such_model(model: str) -> Refused:
    """Return the vendor's 404 for an unknown model."""
    message = f"The model `{model[:200]}` does not exist or you do not have access to it."
    return Refused(message, status=404, code="model_not_found", param=None)


def _check_key(request: Request) -> None:
    given = request.headers.get("authorization")
    if given is None:
        raise Refused(
            "You didn't provide an API key. You need to provide your API key in an Authorization header using Bearer auth "
            "(i.e. Authorization: Bearer YOUR_KEY).",
            status=401,
        )
    if not _KEY.match(given):
        raise Refused(f"Incorrect API key provided: {given.split(' ')[-1][:6]}***.", status=401, code="invalid_api_key")


async def _read_body(request: Request) -> bytes:
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > MAX_BODY_BYTES:
            raise Refused("The request body is too large.", status=413)
        parts.append(part)
    return b"".join(parts)


def _decoded(body: bytes, *, content_type: str) -> Json:
    if not content_type.lower().startswith("application/json"):
        raise Refused("you must provide a model parameter", code="missing_required_parameter", param="model")
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError):
        raise Refused(
            "We could not parse the JSON body of your request. (HINT: This likely means you aren't using your HTTP library correctly.)"
        ) from None


async def _no_such_url(request: Request) -> Response:
    return Refused(f"Invalid URL ({request.method} {request.url.path[:200]})", status=404).response()


def _model_object(model: str) -> dict[str, Json]:
    return {"id": model, "object": "model", "created": CREATED_AT, "owned_by": "sandbox"}


def _json(data: Json) -> Response:
    return Response(msgspec.json.encode(data), media_type="application/json")
