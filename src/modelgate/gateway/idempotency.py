"""`Idempotency-Key`: a request that is sent again under the same key gets the first answer again, and is charged once.

    claim --granted--> serve --answered--> keep the answer, then let its last byte go
       |                  +----refused---> release the claim: nothing was charged, a repeat is a new try
       +--> stored: replay | running: 409 | another request: 422 | not stored: 409, final

Only requests with the header come here.
"""

import asyncio
import hashlib
import re
from collections.abc import Awaitable, Callable, Coroutine
from functools import partial
from typing import Any, Protocol

import msgspec

from modelgate.core.claims import MAX_STORED_BYTES, Claim, ClaimEnding, ClaimVerdict, StoredAnswer
from modelgate.core.clock import Clock
from modelgate.core.errors import IdempotencyInProgress, IdempotencyKeyReused, IdempotencyNotStored, InvalidRequest, ModelgateError
from modelgate.core.http import HeaderBlock, HttpRequest, HttpResponse
from modelgate.core.records import ApiKey
from modelgate.gateway.answer_stream import AnswerStream
from modelgate.gateway.cached_calls import HEADER as CACHE_HEADER
from modelgate.gateway.cached_calls import CachedCalls
from modelgate.gateway.callers import authenticate
from modelgate.gateway.calls import AnyKind, CallGateway
from modelgate.gateway.recorded_stream import RecordedStream, Room, asked_in_query, lines_of_answer
from modelgate.identity.table import Caller, KeyTable

HEADER = b"idempotency-key"
PARAM = "Idempotency-Key"
MAX_KEY_CHARACTERS = 255
RETRY_AFTER_S = 1.0
MAX_RECORDING_BYTES = 128 * 1024 * 1024
"""What all streams that are being kept may hold together in this process; one that finds no room is not kept."""
HASH_IN_THREAD_BYTES = 1024 * 1024
"""A longer body is hashed beside the event loop."""
REPLAYED_LINE = b"idempotent-replayed: true\r\n"

_ASKING = (b"\r\n" + HEADER + b":", b"\r\n" + CACHE_HEADER + b":")
_KEY = re.compile(rb"[!-~]{1,%d}" % MAX_KEY_CHARACTERS)
_BOUNDARY = re.compile(rb'(?i)\bboundary="?([^";,\s]{1,200})')


class Claims(Protocol):
    """Where claims are kept."""

    async def claim(self, claim: Claim) -> ClaimVerdict:
        """Claim a scope. Raises Overloaded when nobody can tell now."""
        ...

    async def end(self, ending: ClaimEnding) -> None:
        """Note how a granted claim ended."""
        ...


class Dialect(Protocol):
    """How the caller is spoken to. `request_id_header`: the header that its clients read the request id from, or empty."""

    @property
    def request_id_header(self) -> bytes: ...

    def encode_error(self, error: ModelgateError, request_id: str, /) -> HttpResponse: ...


class Spoken:
    """A dialect whose request ids stand in the bodies."""

    request_id_header = b""

    def __init__(self, encode_error: Callable[[ModelgateError, str], HttpResponse]) -> None:
        self.encode_error = encode_error


Serve = Callable[[Caller], Awaitable[HttpResponse]]
"""Answers the request of a caller who is known already."""


class Idempotency:
    """Answers requests that carry the header."""

    def __init__(self, claims: Claims, *, keys: KeyTable, clock: Clock, log_fault: Callable[[BaseException, str], None]) -> None:
        """`log_fault(error, request_id)` hears of our own faults."""
        self._claims = claims
        self._keys = keys
        self._clock = clock
        self._log_fault = log_fault
        self._endings: set[asyncio.Task[None]] = set()
        self.room = Room(MAX_RECORDING_BYTES)

    async def answer(self, request: HttpRequest, dialect: Dialect, serve: Serve) -> HttpResponse:
        """Return the stored answer, or what `serve` answers, kept for repeats. `request.path` is in its proper spelling."""
        try:
            caller = await authenticate(request, keys=self._keys, clock=self._clock)
            claim = await claim_of(request, caller.key)
            verdict = await self._claims.claim(claim)
            if verdict.answer is not None:
                return _replay(verdict.answer, request, dialect)
            _raise_unless_granted(verdict)
        except ModelgateError as error:
            return dialect.encode_error(error, request.id)
        ending = ClaimEnding(scope=claim.scope, account=claim.account, request_id=claim.request_id)
        try:
            response = await serve(caller)
        except Exception:  # whether it was charged is not known here
            await self._end(ending)
            raise
        if isinstance(response.body, AnswerStream):
            finish = partial(self._finish, ending, response, response.body)
            response.body = RecordedStream(response.body, room=self.room, max_bytes=MAX_STORED_BYTES, finish=finish)
        else:
            await self._end(_ended(ending, response))
        return response

    def _finish(self, ending: ClaimEnding, response: HttpResponse, stream: AnswerStream, body: bytes | None) -> "asyncio.Task[None]":
        """Begin to tell how a stream ended: with these bytes, or with none that can be kept."""
        if stream.is_free:
            ending = msgspec.structs.replace(ending, released=True)
        elif body is not None:
            ending = _ended(ending, HttpResponse(status=response.status, headers=response.headers, body=body))
        task = asyncio.get_running_loop().create_task(self._end(ending))
        self._endings.add(task)
        task.add_done_callback(self._endings.discard)
        return task

    async def _end(self, ending: ClaimEnding) -> None:
        try:
            await self._claims.end(ending)
        except Exception as fault:  # noqa: BLE001  # the answer is the client's all the same; the claim is settled with its owner
            self._log_fault(fault, ending.request_id)


class RepeatableCalls:
    """The pipeline of calls, and before it what a request asks for by a header: idempotency, or the cache."""

    def __init__(self, calls: CallGateway, *, idempotency: Idempotency, cached: CachedCalls) -> None:
        self._calls = calls
        self._handle = calls.handle
        self._idempotency = idempotency
        self._cached = cached

    def handle(self, request: HttpRequest, kind: AnyKind) -> Coroutine[Any, Any, HttpResponse]:
        """Answer one request. On every request's way: it costs those without the headers one look.

        Whoever names a key wants the answer that belongs to it, so the cache has no say then.
        """
        if not is_asked(request):
            return self._handle(request, kind)
        if request.headers.get(HEADER) is not None:
            return self._idempotency.answer(request, kind, partial(self._handle, request, kind))
        return self._cached.handle(request, kind, self._calls)


def is_asked(request: HttpRequest) -> bool:
    """Return whether a request says how its repetition is to be answered."""
    return request.headers.mentions(_ASKING)


async def claim_of(request: HttpRequest, key: ApiKey) -> Claim:
    """Return the claim a request makes. Raises InvalidRequest naming the header."""
    given = request.headers.get_all(HEADER)
    if len(given) != 1 or not _KEY.fullmatch(given[0]):
        raise InvalidRequest(
            f"{PARAM} must be given once, with 1 to {MAX_KEY_CHARACTERS} visible ASCII characters.",
            param=PARAM,
            code="invalid_idempotency_key",
        )
    scope = hashlib.sha256("\0".join((key.account, key.book, request.path, given[0].decode())).encode()).hexdigest()
    if len(request.body) > HASH_IN_THREAD_BYTES:
        digest = await asyncio.get_running_loop().run_in_executor(None, digest_of, request)
    else:
        digest = digest_of(request)
    return Claim(scope=scope, account=key.account, digest=digest, request_id=request.id, at_ms=int(request.started * 1000))


def digest_of(request: HttpRequest) -> str:
    """Return the SHA-256 of what is asked, in hex: the body, and the query without a secret in it.

    A form's boundary is taken out: clients make a new one each time they send the same form.
    """
    body = bytes(request.body)
    content_type = request.headers.get(b"content-type") or b""
    if content_type.lower().startswith(b"multipart/") and (found := _BOUNDARY.search(content_type)):
        body = body.replace(b"--" + found[1], b"--")
    return hashlib.sha256(asked_in_query(request.query) + b"\0" + body).hexdigest()


def _raise_unless_granted(verdict: ClaimVerdict) -> None:
    match verdict.state:
        case "running":
            raise IdempotencyInProgress(retry_after_s=RETRY_AFTER_S)
        case "reused":
            raise IdempotencyKeyReused(param=PARAM)
        case "not_stored" | "stored":
            raise IdempotencyNotStored
        case "granted":
            pass


def _ended(ending: ClaimEnding, response: HttpResponse) -> ClaimEnding:
    """Return how a claim ended whose request was answered in one piece."""
    of = partial(ClaimEnding, scope=ending.scope, account=ending.account, request_id=ending.request_id)
    if response.status >= 400:
        return of(released=True)
    if not isinstance(response.body, bytes | bytearray) or len(response.body) > MAX_STORED_BYTES:
        return of()
    return of(answer=StoredAnswer(status=response.status, header_lines=lines_of_answer(response.headers), body=bytes(response.body)))


def _replay(answer: StoredAnswer, request: HttpRequest, dialect: Dialect) -> HttpResponse:
    lines = answer.header_lines + REPLAYED_LINE
    if dialect.request_id_header:
        lines += b"%b: %b\r\n" % (dialect.request_id_header, request.id.encode())
    return HttpResponse(status=answer.status, headers=HeaderBlock(lines), body=answer.body)
