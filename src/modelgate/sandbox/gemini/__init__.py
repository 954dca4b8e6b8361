"""The make-believe Gemini: its native API at `/v1beta` and `/gemini/v1beta`, and at `/v1` the models' methods, as its client calls them."""

import asyncio
import re
from collections.abc import Awaitable, Callable

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from modelgate.core.ids import random_text
from modelgate.core.records import Json
from modelgate.sandbox.count import Counted, Counter
from modelgate.sandbox.dialects import DialectRoute
from modelgate.sandbox.faults import request_id_of
from modelgate.sandbox.gemini.answers import GeminiAnswerer
from modelgate.sandbox.gemini.checks import check_generation, check_tools
from modelgate.sandbox.gemini.content_checks import check_contents, check_parts
from modelgate.sandbox.gemini.embeddings import check_batch, check_embedding, dimensions_of
from modelgate.sandbox.gemini.errors import GeminiRefused, bad_key, no_key, no_such_model, pretty, provoked
from modelgate.sandbox.gemini.fields import read_message
from modelgate.sandbox.gemini.models import Traits, list_models, render_model, traits_of
from modelgate.sandbox.gemini.prompt import count_prompt
from modelgate.sandbox.gemini.request import read_generation
from modelgate.sandbox.gemini.wire import (
    ERROR_EVENT,
    ERROR_ITEM,
    MALFORMED_EVENT,
    MALFORMED_ITEM,
    Head,
    make_chunks,
    render_answer,
    render_events,
    render_items,
)
from modelgate.sandbox.magic import is_served, read_magic
from modelgate.sandbox.openai.embeddings import make_vector
from modelgate.sandbox.openai.sending import Thought, send_thought
from modelgate.sandbox.request_body import UNREADABLE, BodyTooLarge, read_body
from modelgate.sandbox.schema_instance import Unsatisfiable
from modelgate.sandbox.tokens import Tokenizer

MAX_BODY_BYTES = 64 * 1024 * 1024
THINK_APART_BYTES = 32 * 1024
"""Longer bodies are answered in a thread, as are pictures and speech: they would hold up the others."""

JSON = "application/json; charset=UTF-8"
EVENT_STREAM = "text/event-stream"
_KEY = re.compile(r"^AIza[\w-]{1,200}$")
_ANY_METHOD = ["GET", "POST", "PUT", "PATCH", "DELETE"]

Handler = Callable[[Request], Awaitable[Response]]


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """One request to a model's method. `version`: of the API, as in the path; `events`: the stream comes as events, not as an array."""

    model: str
    method: str
    version: str
    events: bool
    body: Json
    traits: Traits

    @property
    def stream(self) -> bool:
        """Whether the answer is streamed."""
        return self.method == "streamGenerateContent"


class GeminiSandbox:
    """The vendor's endpoints; counts what it is asked in `counter`."""

    def __init__(self, *, tokenizer: Tokenizer, counter: Counter) -> None:
        self._tokenizer = tokenizer
        self._answerer = GeminiAnswerer(tokenizer)
        self._counter = counter
        self._methods: dict[str, Callable[[Asked], Thought]] = {
            "generateContent": self._generate,
            "streamGenerateContent": self._generate,
            "embedContent": self._embed,
            "batchEmbedContents": self._embed_batch,
            "countTokens": self._count,
        }

    def routes(self) -> list[Route]:
        """Return the routes; they go before those of a vendor that has all of `/v1`."""
        models, model, call = (_guarded(handler) for handler in (_models, _model, self._call))
        return [
            DialectRoute("/v1/models", models, methods=["GET"], spoken=has_key),
            DialectRoute("/v1/models/{model:path}", model, methods=["GET"], spoken=has_key),
            DialectRoute("/v1/models/{rest:path}", call, methods=["POST"], spoken=lambda request: ":" in request.url.path),
            *(
                route
                for prefix in ("/v1beta", "/gemini/v1beta", "/gemini/v1")
                for route in (
                    Route(f"{prefix}/models", models, methods=["GET"]),
                    Route(f"{prefix}/models/{{model:path}}", model, methods=["GET"]),
                    Route(f"{prefix}/models/{{rest:path}}", call, methods=["POST"]),
                    Route(f"{prefix}/{{rest:path}}", _guarded(_no_such_url), methods=_ANY_METHOD),
                )
            ),
        ]

    async def _call(self, request: Request) -> Response:
        model, _, method = request.path_params["rest"].rpartition(":")
        if method not in self._methods:
            return await _no_such_url(request)
        entry = Counted(seq=0, vendor="gemini", request_id="")  # counting tokens is free, and so is not counted
        if method != "countTokens":
            entry = self._counter.open(vendor="gemini", request_id=request_id_of(request), model=model[:200])
        try:
            return await self._answered(request, model=model, method=method, entry=entry)
        except GeminiRefused as refused:
            entry.status = refused.status
            raise

    async def _answered(self, request: Request, *, model: str, method: str, entry: Counted) -> Response:
        version, traits = version_of(request), traits_of(model)
        if not is_served(model) or not traits.can(method):
            raise no_such_model(f"models/{model}", version=version, method=method)
        body = await _read(request)
        asked = Asked(
            model=model,
            method=method,
            version=version,
            events=request.query_params.get("alt") == "sse",
            body=_decoded(body),
            traits=traits,
        )
        apart = len(body) > THINK_APART_BYTES or traits.outputs[:1] != (("TEXT",),)
        think = self._methods[method]
        thought = await asyncio.to_thread(think, asked) if apart else think(asked)
        if thought.magic.has("error-in-stream") and not thought.stream:
            raise provoked(500)
        entry.status, entry.prompt_tokens = 200, thought.prompt_tokens
        return await send_thought(thought, entry=entry)

    def _generate(self, asked: Asked) -> Thought:
        """Check, read and answer a generation: everything that takes the processor, nothing that waits."""
        body = read_message(asked.body, "GenerateContentRequest")
        check_generation(body, model=asked.model, traits=asked.traits, stream=asked.stream)
        ask = read_generation(body, model=asked.model, traits=asked.traits, stream=asked.stream)
        if ask.magic.error_status is not None:
            raise provoked(ask.magic.error_status)
        try:
            answer = self._answerer.answer(ask)
        except Unsatisfiable:
            raise GeminiRefused("The specified schema produces a constraint that no value can satisfy.") from None
        head = Head(id=random_text(22), model=asked.model)
        thought = Thought(
            magic=ask.magic,
            parts=[],
            stream=asked.stream,
            prompt_tokens=answer.usage.prompt_tokens,
            completion_tokens=answer.usage.completion_tokens,
            content_type=EVENT_STREAM if asked.stream and asked.events else JSON,
            malformed=MALFORMED_EVENT if asked.events else MALFORMED_ITEM,
            failure=ERROR_EVENT if asked.events else ERROR_ITEM,
        )
        if not asked.stream:
            parts = [render_answer(answer, ask=ask, head=head, tokenizer=self._tokenizer)]
        else:
            chunks = make_chunks(answer, ask=ask, head=head, tokenizer=self._tokenizer)
            parts = render_events(chunks) if asked.events else render_items(chunks)
        return msgspec.structs.replace(thought, parts=parts)

    def _embed(self, asked: Asked) -> Thought:
        body = read_message(asked.body, "EmbedContentRequest")
        text = check_embedding(body, model=asked.model, place="EmbedContentRequest")
        return self._embedded(asked, texts=[text], entries=[body])

    def _embed_batch(self, asked: Asked) -> Thought:
        body = read_message(asked.body, "BatchEmbedContentsRequest")
        return self._embedded(asked, texts=check_batch(body, model=asked.model), entries=body["requests"])

    def _embedded(self, asked: Asked, *, texts: list[str], entries: list[dict[str, Json]]) -> Thought:
        magics = [read_magic(asked.model, text) for text in texts]
        magic = next((magic for magic in magics if magic.words), magics[0])
        if magic.error_status is not None:
            raise provoked(magic.error_status)
        full = dimensions_of(asked.model)
        vectors = [
            {"values": make_vector(text, entry.get("outputDimensionality") or full).tolist()}
            for text, entry in zip(texts, entries, strict=True)
        ]
        answer = {"embeddings": vectors} if asked.method == "batchEmbedContents" else {"embedding": vectors[0]}
        counted = sum(
            magic.pinned.prompt if magic.pinned else self._tokenizer.count(text) for magic, text in zip(magics, texts, strict=True)
        )
        return Thought(magic=magic, parts=[msgspec.json.encode(answer)], prompt_tokens=counted, content_type=JSON)

    def _count(self, asked: Asked) -> Thought:
        """Count a prompt; either form of the body."""
        body = read_message(asked.body, "CountTokensRequest")
        whole = body.get("generateContentRequest")
        if whole is not None and "contents" in body:
            raise GeminiRefused("* CountTokensRequest.generate_content_request: must not be set together with contents\n")
        wanted = whole if whole is not None else body
        check_contents(wanted.get("contents", []), signed=False)
        if "systemInstruction" in wanted:
            check_parts(wanted["systemInstruction"], place="system_instruction")
        check_tools(wanted, traits=asked.traits)
        counted = count_prompt(wanted, self._tokenizer).by_modality
        details = [{"modality": modality, "tokenCount": count} for modality, count in counted.items() if count]
        magic = read_magic(asked.model, "")
        if magic.error_status is not None:
            raise provoked(magic.error_status)
        return Thought(
            magic=magic, parts=[pretty({"totalTokens": sum(counted.values()), "promptTokensDetails": details})], content_type=JSON
        )


def version_of(request: Request) -> str:
    """Return the API's version out of a path."""
    return "v1beta" if "v1beta" in request.url.path.split("/", 3)[:3] else "v1"


def has_key(request: Request) -> bool:
    """Say whether a request speaks Gemini: it brings its key in the vendor's own header or in the query."""
    return "x-goog-api-key" in request.headers or "key" in request.query_params


def _check_key(request: Request) -> None:
    scheme, _, bearer = request.headers.get("authorization", "").partition(" ")
    given = request.headers.get("x-goog-api-key") or request.query_params.get("key") or (bearer if scheme.lower() == "bearer" else "")
    if not given:
        raise no_key()
    if not _KEY.match(given):
        raise bad_key()


def _guarded(handler: Handler) -> Handler:
    """Check the key, and turn refusals into answers."""

    async def guarded(request: Request) -> Response:
        try:
            _check_key(request)
            return await handler(request)
        except GeminiRefused as refused:
            streamed = request.url.path.endswith(":streamGenerateContent") and request.query_params.get("alt") != "sse"
            return refused.response(listed=streamed)

    return guarded


async def _models(request: Request) -> Response:
    query = request.query_params
    page = list_models(
        page_size=query.get("pageSize") or query.get("page_size", ""), page_token=query.get("pageToken") or query.get("page_token", "")
    )
    return Response(pretty(page), media_type=JSON)


async def _model(request: Request) -> Response:
    model = request.path_params["model"]
    if not is_served(model):
        raise no_such_model(f"models/{model}", version=version_of(request), method="getModel")
    return Response(pretty(render_model(model)), media_type=JSON)


async def _read(request: Request) -> bytes:
    try:
        return await read_body(request, limit_bytes=MAX_BODY_BYTES)
    except BodyTooLarge:
        raise GeminiRefused(f"Request payload size exceeds the limit: {MAX_BODY_BYTES} bytes.") from None


def _decoded(body: bytes) -> Json:
    try:
        return msgspec.json.decode(body) if body.strip() else {}
    except UNREADABLE:
        raise GeminiRefused("Invalid JSON payload received. Unexpected token.") from None


async def _no_such_url(request: Request) -> Response:
    raise GeminiRefused(f"The requested URL {request.url.path[:200]} was not found on this server.", status=404)
