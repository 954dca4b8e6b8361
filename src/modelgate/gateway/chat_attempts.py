"""Asking one upstream after another, while no byte has gone to the client.

The plan's candidates are tried in order. When all have failed for reasons of their own, the first of them is asked once
more after a pause. What each failure means is `routing.retry`; this module owns the loop and the bounds.
"""

import asyncio
import random
from collections.abc import Callable

import msgspec

from modelgate.core.errors import (
    ModelgateError,
    NoUpstream,
    UpstreamError,
    UpstreamFailed,
    UpstreamRefused,
    UpstreamTimeout,
    UpstreamUnreachable,
)
from modelgate.core.http import HeaderBlock
from modelgate.core.usage import Usage
from modelgate.formats.openai_chat.request import ask_for_usage, rename_model
from modelgate.formats.openai_chat.response import decode_answer, decode_error, has_no_choices, rename_answer, usage_of
from modelgate.formats.openai_chat.schema import ErrorDetail
from modelgate.formats.openai_chat.stream import StreamTap
from modelgate.gateway.chat_call import ChatCall
from modelgate.gateway.chat_stream import ChatStream
from modelgate.gateway.configuration import Configuration, Door
from modelgate.routing.health import Health
from modelgate.routing.retry import MAX_ATTEMPTS, MAX_WAIT_S, backoff_s, judge, parse_retry_after
from modelgate.routing.table import Candidate
from modelgate.transport.client import Transport
from modelgate.transport.errors import ConnectFailed, ConnectionBroken, TimedOut, TransportError
from modelgate.transport.response import UpstreamResponse

MAX_ANSWER_BYTES = 64 * 1024 * 1024
MAX_ERROR_BYTES = 256 * 1024
_OUT_OF_CREDIT = frozenset(("insufficient_quota", "billing_hard_limit_reached", "insufficient_balance"))


class Whole(msgspec.Struct, frozen=True):
    """An answer that came in one piece; `usage` None: the upstream said nothing credible."""

    headers: HeaderBlock
    body: bytes | bytearray
    usage: Usage | None
    usage_refused: bool


class Failure(msgspec.Struct, frozen=True):
    """Why an attempt gave no answer. `again`: the same place may be asked once more."""

    error: ModelgateError
    again: bool = False
    retry_after_s: float | None = None
    credential_fault: bool = False
    is_final: bool = False


class Attempts:
    """The attempts of one process; knows the transport and what health says."""

    def __init__(
        self, *, transport: Transport, health: Health, on_stream: Callable[[ChatStream], None], off_stream: Callable[[ChatStream], None]
    ) -> None:
        self._transport = transport
        self._health = health
        self._on_stream = on_stream
        self._off_stream = off_stream

    async def run(self, call: ChatCall, candidates: list[Candidate], *, configuration: Configuration) -> Whole | ChatStream:
        """Return the first answer.

        Raises:
            UpstreamRefused: the request is at fault, in the upstream's words. UpstreamError: all attempts failed.
        """
        first_again: tuple[Candidate, Failure] | None = None
        failure: Failure | None = None
        for candidate in candidates[:MAX_ATTEMPTS]:
            outcome = await self._attempt(call, candidate, configuration=configuration)
            if not isinstance(outcome, Failure):
                return outcome
            failure = outcome
            if failure.is_final:
                raise failure.error
            if failure.again and first_again is None:
                first_again = (candidate, failure)
        if failure is None:
            raise NoUpstream
        if first_again is not None and call.attempts < MAX_ATTEMPTS:
            candidate, earlier = first_again
            pause = backoff_s(1, retry_after_s=earlier.retry_after_s, draw=random.random())
            if pause <= MAX_WAIT_S:
                await asyncio.sleep(pause)
                outcome = await self._attempt(call, candidate, configuration=configuration)
                if not isinstance(outcome, Failure):
                    return outcome
                failure = outcome
        raise failure.error

    async def _attempt(self, call: ChatCall, candidate: Candidate, *, configuration: Configuration) -> Whole | ChatStream | Failure:
        call.candidate = candidate
        call.attempts += 1
        upstream = candidate.upstream
        is_bounded = upstream.max_concurrent > 0
        if is_bounded:
            self._health.note_start(upstream.id)
        outcome: Whole | ChatStream | Failure | None = None
        try:
            response = await self._send(call, candidate, door=configuration.door(upstream, candidate.credential))
            if response.status != 200:
                outcome = await self._refused(response, now=call.desk.clock())
            elif call.peeked.stream and _is_event_stream(response):
                outcome = await self._open_stream(call, candidate, response)
            else:
                body = response.body_if_complete()
                outcome = _whole(call, candidate, response, body if body is not None else await response.read(MAX_ANSWER_BYTES))
        except TransportError as error:
            outcome = _transport_failure(error)
        finally:
            if is_bounded and not isinstance(outcome, ChatStream):
                self._health.note_end(upstream.id)
        if not isinstance(outcome, Failure):
            self._health.note_success(candidate.place)
        elif not outcome.is_final:
            self._health.note_failure(
                candidate.place, call.desk.clock(), retry_after_s=outcome.retry_after_s, credential_fault=outcome.credential_fault
            )
        return outcome

    async def _send(self, call: ChatCall, candidate: Candidate, *, door: Door) -> UpstreamResponse:
        if not door.prepared:
            path = door.base_path + "/chat/completions"
            door.prepared = self._transport.prepare(door.target, method="POST", path=path, headers=door.headers)
        lines = b"x-request-id: %b\r\n" % call.request.id.encode()
        body = _body_for(call, candidate)
        transport = self._transport
        try:
            return await transport.send_prepared(door.target, door.prepared, lines=lines, body=body, timeouts=door.timeouts)
        except ConnectionBroken as error:
            if not error.reused or error.response_started:
                raise
            # A pooled connection the upstream had closed meanwhile: that says nothing about the upstream.
            return await transport.send_prepared(door.target, door.prepared, lines=lines, body=body, timeouts=door.timeouts)

    async def _open_stream(self, call: ChatCall, candidate: Candidate, response: UpstreamResponse) -> ChatStream | Failure:
        peeked = call.peeked
        usage_asked = peeked.stream_options is not None and bool(peeked.stream_options.include_usage)
        tap = StreamTap(usage_asked=usage_asked, model=peeked.model if candidate.upstream_model != peeked.model else None)
        stream = ChatStream(call=call, tap=tap, upstream=response, on_over=self._stream_over)
        response.start(stream)
        if await stream.opened and stream.opening_error is None:
            self._on_stream(stream)
            stream.accept()
            return stream
        said = stream.opening_error
        stream.abandon()
        if said is not None:
            detail = decode_error(said)
            return Failure(UpstreamFailed(str(detail.message or ""), status=502, code=detail.code), again=True)
        if isinstance(stream.failure, TransportError):
            return _transport_failure(stream.failure)
        return Failure(UpstreamError("The upstream's answer was empty."), again=True)

    def _stream_over(self, stream: ChatStream) -> None:
        self._off_stream(stream)
        if stream.upstream.max_concurrent > 0:
            self._health.note_end(stream.upstream.id)

    async def _refused(self, response: UpstreamResponse, *, now: float) -> Failure:
        status = response.status
        retry_after_s = parse_retry_after(response.headers, now)
        detail = decode_error(await response.read(MAX_ERROR_BYTES))
        verdict = judge(status)
        if verdict == "caller":
            return Failure(_as_refusal(detail, status), is_final=True)
        out_of_credit = status in (402, 429) and (detail.code in _OUT_OF_CREDIT or detail.type in _OUT_OF_CREDIT)
        if verdict == "credential" or out_of_credit:
            # About our account there, not about the caller: nothing of it is said.
            return Failure(UpstreamError("The upstream does not accept this gateway's account or model."), credential_fault=True)
        wait = retry_after_s if status in (429, 503) else None
        error = UpstreamFailed(str(detail.message or ""), status=status if status >= 400 else 502, code=detail.code, retry_after_s=wait)
        return Failure(error, again=True, retry_after_s=wait)


def _body_for(call: ChatCall, candidate: Candidate) -> bytes | bytearray:
    body = call.request.body
    if candidate.upstream_model != call.peeked.model:
        body = rename_model(body, candidate.upstream_model)
    return ask_for_usage(body, call.peeked) if call.peeked.stream else body


def _is_event_stream(response: UpstreamResponse) -> bool:
    content_type = response.headers.get(b"content-type") or b""
    return content_type[:17].lower() == b"text/event-stream"


def _whole(call: ChatCall, candidate: Candidate, response: UpstreamResponse, body: bytes) -> Whole | Failure:
    call.first_byte_at = call.desk.clock()
    answer = decode_answer(body)
    if answer is None or has_no_choices(answer):
        return Failure(UpstreamError("The upstream's answer is not a chat completion."), again=True)
    if candidate.upstream_model != call.peeked.model:
        body = rename_answer(body, call.peeked.model)
    usage = usage_of(answer.usage) if answer.usage is not None else None
    return Whole(response.headers, body, usage, usage_refused=answer.usage is not None and usage is None)


def _as_refusal(detail: ErrorDetail, status: int) -> UpstreamRefused:
    message = detail.message or "The upstream refused the request without saying why."
    return UpstreamRefused(message, status=status, code=detail.code, type=detail.type, param=detail.param)


def _transport_failure(error: TransportError) -> Failure:
    match error:
        case ConnectFailed():
            return Failure(UpstreamUnreachable(), again=True)
        case TimedOut():
            return Failure(UpstreamTimeout())
        case ConnectionBroken():
            return Failure(UpstreamError("The upstream broke off before it answered."), again=True)
        case _:
            return Failure(UpstreamError("The upstream's answer was not valid HTTP, or too long."))
