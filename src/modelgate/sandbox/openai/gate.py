"""What all of OpenAI's endpoints share: the key, the body, the count, the headers, and the way from a request to an answer."""

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterable

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from modelgate.core.ids import random_text
from modelgate.core.records import Json
from modelgate.sandbox.count import Counted, Counter
from modelgate.sandbox.faults import request_id_of
from modelgate.sandbox.openai.errors import Refused
from modelgate.sandbox.openai.sending import Thought, send_thought
from modelgate.sandbox.request_body import UNREADABLE, BodyTooLarge, read_body

MAX_BODY_BYTES = 64 * 1024 * 1024
THINK_APART_BYTES = 32 * 1024
"""Longer bodies are answered in a thread: decoding their pictures and counting their tokens would hold up the others."""

_KEY = re.compile(r"^bearer +sk-[\x21-\x7e]{1,512}$", re.IGNORECASE)


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """One request: its decoded body, the key that asks (as sent), and where the sandbox was reached (`http://host/`)."""

    body: Json
    key: str
    base_url: str


class Sent(msgspec.Struct, frozen=True, kw_only=True):
    """A body as it arrived."""

    data: bytes
    content_type: str


Handler = Callable[[Request], Awaitable[Response]]
Think = Callable[[Asked], Thought]
Read = Callable[[Sent], Json]
CheckKey = Callable[[Request], str]


def read_json(sent: Sent) -> Json:
    """Return the JSON of a body. Raises Refused."""
    if not sent.content_type.lower().startswith("application/json"):
        raise Refused("you must provide a model parameter", code="missing_required_parameter", param="model")
    try:
        return msgspec.json.decode(sent.data)
    except UNREADABLE:
        raise Refused(
            "We could not parse the JSON body of your request. (HINT: This likely means you aren't using your HTTP library correctly.)"
        ) from None


class Operation(msgspec.Struct, frozen=True):
    """One thing that can be asked, at a path below `/v1`: either generating (`think`, counted) or plain (`fetch`).

    `think` takes the processor but never waits; `apart`: always in a thread, because it draws or speaks, or only with bodies of which
    it says so.
    """

    method: str
    path: str
    think: Think | None = None
    fetch: Handler | None = None
    read: Read = read_json
    apart: bool | Callable[[Json], bool] = False


class Gate:
    """Makes routes out of operations; every answer passes through here. Other hosts of OpenAI's models have habits of their own."""

    def __init__(self, counter: Counter, habits: "Habits | None" = None) -> None:
        self._counter = counter
        self._habits = habits or Habits()

    def routes(self, operations: Iterable[Operation], *, prefix: str) -> list[Route]:
        """Return the routes of operations below a path; at the others of it, a 404 as the vendor words it."""
        made = [
            Route(prefix + operation.path, self._guarded(self._handler(operation)), methods=[operation.method]) for operation in operations
        ]
        return [*made, Route(prefix + "/{rest:path}", _no_such_url, methods=["GET", "POST", "PUT", "PATCH", "DELETE"])]

    def _handler(self, operation: Operation) -> Handler:
        if operation.fetch is not None:
            return operation.fetch

        async def counted(request: Request) -> Response:
            entry = self._counter.open(vendor=self._habits.vendor, request_id=request_id_of(request))
            try:
                return await self._answered(request, operation=operation, entry=entry)
            except Refused as refused:
                entry.status, entry.prompt_tokens = refused.status, 0
                raise

        return counted

    def _guarded(self, handler: Handler) -> Handler:
        """Check the key, turn refusals into answers, and add the headers that every answer of the vendor has."""

        async def guarded(request: Request) -> Response:
            try:
                request.state.key = self._habits.check(request)
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

    async def _answered(self, request: Request, *, operation: Operation, entry: Counted) -> Response:
        think = operation.think
        assert think is not None  # `_handler` saw to it
        try:
            data = await read_body(request, limit_bytes=MAX_BODY_BYTES)
        except BodyTooLarge:
            raise Refused("The request body is too large.", status=413) from None
        sent = Sent(data=data, content_type=request.headers.get("content-type", ""))
        body = self._habits.fill(request, operation.read(sent))
        if isinstance(body, dict) and isinstance(body.get("model"), str):
            entry.model = body["model"][:200]
        asked = Asked(body=body, key=request.state.key, base_url=str(request.base_url))
        wanted = operation.apart if isinstance(operation.apart, bool) else operation.apart(body)
        apart = wanted or len(sent.data) > THINK_APART_BYTES
        thought = await asyncio.to_thread(think, asked) if apart else think(asked)
        thought = self._habits.dress(operation, thought)
        entry.status, entry.prompt_tokens = 200, thought.prompt_tokens
        return await send_thought(thought, entry=entry)


def check_key(request: Request) -> str:
    """Return the key that was sent, with its scheme. Raises Refused."""
    given = request.headers.get("authorization")
    if given is None:
        raise Refused(
            "You didn't provide an API key. You need to provide your API key in an Authorization header using Bearer auth "
            "(i.e. Authorization: Bearer YOUR_KEY).",
            status=401,
        )
    if not _KEY.match(given):
        raise Refused(f"Incorrect API key provided: {given.split(' ')[-1][:6]}***.", status=401, code="invalid_api_key")
    return given


async def _no_such_url(request: Request) -> Response:
    return Refused(f"Invalid URL ({request.method} {request.url.path[:200]})", status=404).response()


def _as_it_is(_: Request, body: Json) -> Json:
    return body


def _undressed(_: Operation, thought: Thought) -> Thought:
    return thought


class Habits(msgspec.Struct, frozen=True, kw_only=True):
    """What differs between hosts of the same endpoints. The defaults are OpenAI's own.

    `check` returns the key or refuses; `fill` may complete a body from the path; `dress` may add to what goes out.
    """

    vendor: str = "openai"
    check: CheckKey = check_key
    fill: Callable[[Request, Json], Json] = _as_it_is
    dress: Callable[[Operation, Thought], Thought] = _undressed
