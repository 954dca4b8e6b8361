"""Asking one upstream after another, while no byte has gone to the client.

The plan's candidates are tried in order. When all have failed for reasons of their own, the first of them is asked once
more after a pause. What each failure means is `routing.retry`; what is asked and what an answer means is an `Exchange`; this
module owns the loop and the bounds.
"""

import asyncio
import random
from collections.abc import Awaitable
from typing import Generic, Protocol, TypeVar

import msgspec

from modelgate.core.errors import (
    InvalidRequest,
    ModelgateError,
    NoUpstream,
    UpstreamError,
    UpstreamFailed,
    UpstreamRefused,
    UpstreamTimeout,
    UpstreamUnreachable,
)
from modelgate.core.providers import joined
from modelgate.formats.chat.vendor_error import VendorError, for_callers
from modelgate.formats.chat.wire_format import UpstreamAsk
from modelgate.gateway.call import Call
from modelgate.gateway.configuration import Configuration, Door
from modelgate.routing.health import Health
from modelgate.routing.retry import MAX_ATTEMPTS, MAX_WAIT_S, backoff_s, judge, parse_retry_after
from modelgate.routing.table import Candidate
from modelgate.transport.client import Transport
from modelgate.transport.errors import ConnectFailed, ConnectionBroken, TimedOut, TransportError
from modelgate.transport.response import UpstreamResponse

MAX_ERROR_BYTES = 256 * 1024
REQUEST_ID = b"x-request-id: "
MAX_STATUS = 599
"""No client knows what is above; some upstreams say it all the same."""
MAX_WHY_CHARACTERS = 100
MAX_PREPARED_PATHS = 64
"""Heads kept ready for each credential; where the model stands in the path there is one for each model."""


class Failure(msgspec.Struct, frozen=True):
    """Why an attempt gave no answer. `again`: the same place may be asked once more. `is_ours`: the upstream was not asked, or is not to
    blame. `said`: the upstream's own words."""

    error: ModelgateError
    again: bool = False
    retry_after_s: float | None = None
    credential_fault: bool = False
    is_final: bool = False
    is_ours: bool = False
    said: VendorError | None = None


AnswerT = TypeVar("AnswerT")


class Exchange(Protocol[AnswerT]):
    """One request in the words of whichever upstream it is put to. `needs_inputs`: `fetch_inputs` has something to do."""

    needs_inputs: bool

    async def fetch_inputs(self, candidate: Candidate) -> None:
        """Fetch what this candidate must be sent inline. Raises InvalidRequest: an address of the caller's gives nothing."""
        ...

    def ask(self, candidate: Candidate) -> UpstreamAsk:
        """Return what to send. Raises InvalidRequest: this cannot be said in that upstream's dialect."""
        ...

    async def read(self, candidate: Candidate, response: UpstreamResponse) -> AnswerT | Failure:
        """Return the answer of a 200, or why it is none. Raises TransportError."""
        ...

    def outlives(self, answer: AnswerT) -> bool:
        """Return whether the upstream goes on working on this answer: whoever ends it then says so to `Attempts.ended`."""
        ...

    def decode_error(self, candidate: Candidate, status: int, body: bytes) -> VendorError:
        """Return what an answer that is no 200 says."""
        ...

    def plainer(self, error: ModelgateError) -> "Exchange[AnswerT] | None":
        """Return the same request without what an upstream refused and nobody but us asked for; None: it is at fault by itself."""
        ...


class Attempts(Generic[AnswerT]):
    """The attempts of one pipeline in one process; knows the transport and what health says."""

    def __init__(self, *, transport: Transport, health: Health) -> None:
        self._transport = transport
        self._health = health

    async def run(
        self,
        call: Call,
        candidates: list[Candidate],
        exchange: Exchange[AnswerT],
        *,
        configuration: Configuration,
        begun: Awaitable[UpstreamResponse] | None = None,
    ) -> AnswerT:
        """Return the first answer. `begun`: what comes of asking the first candidate, where it was asked already.

        Raises:
            UpstreamRefused: the request is at fault, in the upstream's words. UpstreamError: all attempts failed.
            InvalidRequest: no upstream of the model can be asked this.
        """
        first_again: tuple[Candidate, Failure] | None = None
        failure: Failure | None = None
        for candidate in candidates[:MAX_ATTEMPTS]:
            outcome = await self._attempt(call, candidate, exchange, configuration=configuration, begun=begun)
            begun = None
            if isinstance(outcome, Failure) and outcome.is_final and (plainer := exchange.plainer(outcome.error)) is not None:
                _note_try(call, candidate, outcome)
                exchange = plainer
                outcome = await self._attempt(call, candidate, exchange, configuration=configuration)
            if not isinstance(outcome, Failure):
                return outcome
            _note_try(call, candidate, outcome)
            # What an upstream said is worth more than that another could not be asked.
            if failure is None or not outcome.is_ours:
                failure = outcome
            if outcome.is_final:
                raise outcome.error
            if outcome.again and first_again is None:
                first_again = (candidate, outcome)
        if failure is None:
            raise NoUpstream
        if first_again is not None and call.attempts < MAX_ATTEMPTS:
            candidate, earlier = first_again
            pause = backoff_s(1, retry_after_s=earlier.retry_after_s, draw=random.random())
            if pause <= MAX_WAIT_S:
                await asyncio.sleep(pause)
                outcome = await self._attempt(call, candidate, exchange, configuration=configuration)
                if not isinstance(outcome, Failure):
                    return outcome
                _note_try(call, candidate, outcome)
                failure = outcome
        raise failure.error

    def ended(self, candidate: Candidate) -> None:
        """An answer that outlived its attempt has ended."""
        if candidate.upstream.max_concurrent > 0:
            self._health.note_end(candidate.upstream.id)

    async def _attempt(
        self,
        call: Call,
        candidate: Candidate,
        exchange: Exchange[AnswerT],
        *,
        configuration: Configuration,
        begun: Awaitable[UpstreamResponse] | None = None,
    ) -> AnswerT | Failure:
        try:
            if exchange.needs_inputs:
                await exchange.fetch_inputs(candidate)
            ask = exchange.ask(candidate)
        except InvalidRequest as error:
            return Failure(error, is_ours=True)
        upstream = candidate.upstream
        is_bounded = upstream.max_concurrent > 0
        if is_bounded and not self._health.has_room(upstream.id, upstream.max_concurrent):
            return Failure(everybody_busy(), is_ours=True)  # it had room when this was planned; money was held meanwhile
        call.candidate = candidate
        call.ignored = ask.ignored
        call.attempts += 1
        if is_bounded:
            self._health.note_start(upstream.id)
        outcome: AnswerT | Failure | None = None
        try:
            response = await self._send(call, ask, door=configuration.door(upstream, candidate.credential), begun=begun)
            if response.status != 200:
                outcome = await self._refused(exchange, candidate, response, now=call.desk.clock())
            else:
                outcome = await exchange.read(candidate, response)
        except TransportError as error:
            error.__traceback__ = None  # its frames hold the future that holds it, and the whole call: nobody looks for cycles
            outcome = transport_failure(error)
        finally:
            if is_bounded and (outcome is None or isinstance(outcome, Failure) or not exchange.outlives(outcome)):
                self._health.note_end(upstream.id)
        if not isinstance(outcome, Failure):
            self._health.note_success(candidate.place)
        elif not outcome.is_final and not upstream.socket:  # what one caller has the sandbox play is nothing to the next
            self._health.note_failure(
                candidate.place, call.desk.clock(), retry_after_s=outcome.retry_after_s, credential_fault=outcome.credential_fault
            )
        return outcome

    async def _send(self, call: Call, ask: UpstreamAsk, *, door: Door, begun: Awaitable[UpstreamResponse] | None) -> UpstreamResponse:
        transport = self._transport
        prepared = prepared_head(transport, door, ask.path)
        lines = b"%b\r\ncontent-type: %b\r\n%b" % (call.request.id.encode(), ask.content_type, ask.lines)
        try:
            if begun is not None:
                return await begun
            return await transport.send_prepared(door.target, prepared, lines=lines, body=ask.body, timeouts=door.timeouts)
        except ConnectionBroken as error:
            if not error.reused or error.response_started:
                raise
            error.__traceback__ = None  # as in `_attempt`
            # A pooled connection the upstream had closed meanwhile: that says nothing about the upstream.
            return await transport.send_prepared(door.target, prepared, lines=lines, body=ask.body, timeouts=door.timeouts)

    async def _refused(self, exchange: Exchange[AnswerT], candidate: Candidate, response: UpstreamResponse, *, now: float) -> Failure:
        retry_after_s = parse_retry_after(response.headers, now)
        error = exchange.decode_error(candidate, response.status, await response.read(MAX_ERROR_BYTES))
        return failure_of(error, retry_after_s=retry_after_s if retry_after_s is not None else error.retry_after_s)


def everybody_busy() -> NoUpstream:
    """Return the error for a model whose upstreams all have as many requests as they are allowed."""
    return NoUpstream("Every upstream of this model is at its bound of concurrent requests.", retry_after_s=1.0)


def prepared_head(transport: Transport, door: Door, path: str) -> bytes:
    """Return the head of calls to a path through a door up to the request id, made once."""
    prepared = door.prepared.get(path)
    if prepared is None:
        if len(door.prepared) >= MAX_PREPARED_PATHS:
            door.prepared.clear()
        whole = with_query(joined(door.base_path, path), door.query)
        head = transport.prepare(door.target, method="POST", path=whole, headers=door.headers)
        prepared = door.prepared[path] = head + REQUEST_ID
    return prepared


def _note_try(call: Call, candidate: Candidate, failure: Failure) -> None:
    """Keep for the record who gave no answer and why: codes and statuses. A vendor's words are for the operator's log."""
    error = failure.error
    if failure.said is not None:
        call.desk.vendor_words.note(candidate.upstream.id, failure.said, request_id=call.request.id)
    why = (
        "cannot be asked this"
        if isinstance(error, InvalidRequest) and failure.is_ours
        else f"{error.status} {error.code or error.type}"[:MAX_WHY_CHARACTERS]
    )
    call.tried = (*call.tried, f"{candidate.upstream.id}:{why}")


def with_query(path: str, query: str) -> str:
    """Return a path with one more query, whatever it has already."""
    if not query:
        return path
    return f"{path}{'&' if '?' in path else '?'}{query}"


def failure_of(error: VendorError, *, retry_after_s: float | None = None) -> Failure:
    """Return what an upstream's own error means for the next step."""
    status = error.status
    verdict = judge(status)
    told = for_callers(error)
    if verdict == "credential" or status == 402:
        return Failure(UpstreamError(told.message), credential_fault=True, said=error)
    if verdict == "caller":
        message = error.message or "The upstream refused the request without saying why."
        return Failure(UpstreamRefused(message, status=status, code=error.code, type=error.type, param=error.param), is_final=True)
    wait = retry_after_s if status in (429, 503, 529) else None
    failed = UpstreamFailed(told.message, status=status if 400 <= status <= MAX_STATUS else 502, code=told.code, retry_after_s=wait)
    return Failure(failed, again=True, retry_after_s=wait, said=error)


def transport_failure(error: TransportError) -> Failure:
    """Return what trouble on the way to an upstream means for the next step."""
    match error:
        case ConnectFailed():
            return Failure(UpstreamUnreachable(), again=True)
        case TimedOut():
            return Failure(UpstreamTimeout())
        case ConnectionBroken():
            return Failure(UpstreamError("The upstream broke off before it answered."), again=True)
        case _:
            return Failure(UpstreamError("The upstream's answer was not valid HTTP, or too long."))
