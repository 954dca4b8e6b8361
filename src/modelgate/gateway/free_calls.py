"""Calls that cost nothing and leave no record: counting tokens before asking, and what an upstream keeps of earlier answers.

They are authenticated and counted against the key's rate like any other. A vendor that counts its own dialect's requests is asked, because
it knows its tokenizer; where it does not, or does not answer, the desk's tokenizer counts.
"""

from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any

import msgspec

from modelgate.core.errors import InvalidRequest, MethodNotAllowed, ModelgateError, NoUpstream, Overloaded, UnknownPath
from modelgate.core.http import HeaderBlock, HttpRequest, HttpResponse
from modelgate.core.providers import CHAT, Quirks, UpstreamCall, joined
from modelgate.formats.anthropic_messages import count_tokens as anthropic_count
from modelgate.formats.anthropic_messages import request as anthropic_request
from modelgate.formats.chat.request import ChatRequest
from modelgate.formats.chat.wire_format import UnreadableAnswer, UpstreamAsk, WireFormat
from modelgate.formats.gemini_content import address as gemini_address
from modelgate.formats.gemini_content import count_tokens as gemini_count
from modelgate.formats.openai_responses import verbs
from modelgate.gateway.attempts import MAX_ERROR_BYTES, failure_of, transport_failure, with_query
from modelgate.gateway.call import IMAGE_TOKENS, TOKENS_PER_MESSAGE, CallDesk, beside_loop
from modelgate.gateway.callers import authenticate
from modelgate.gateway.chat_words import words_of
from modelgate.gateway.configuration import Configuration, Door
from modelgate.gateway.state_ids import BoundIds
from modelgate.identity.keys import check_model
from modelgate.identity.table import Caller, KeyTable
from modelgate.routing.table import Candidate
from modelgate.transport.client import Transport
from modelgate.transport.errors import TransportError
from modelgate.transport.response import UpstreamResponse

RESPONSES_PATH = "/v1/responses"
VERBS = ("", "cancel", "input_items")
"""What may stand below a kept answer."""
MAX_ANSWER_BYTES = 64 * 1024 * 1024
_JSON_LINES = b"content-type: application/json\r\n"
_JSON = (("content-type", "application/json"),)


class Count(msgspec.Struct, frozen=True):
    """How one dialect has tokens counted. `peek` finds at least the `model`. `ask` and `read`: the same at an upstream of this dialect;
    None where it is not asked."""

    wire_format: str
    peek: Callable[[HttpRequest], Any]
    decode: Callable[[HttpRequest, Any], ChatRequest]
    encode: Callable[[int], bytes]
    ask: Callable[[HttpRequest, Any, str, Quirks], UpstreamAsk] | None = None
    read: Callable[[bytes], int] | None = None


COUNTS: Mapping[str, Count] = {
    "anthropic_messages": Count(
        "anthropic_messages",
        anthropic_request.peek_count,
        anthropic_count.decode_count_request,
        anthropic_count.encode_count,
        anthropic_count.pass_count_request,
        anthropic_count.decode_count,
    ),
    "gemini_content": Count(
        "gemini_content",
        gemini_address.parse_address,
        lambda request, _: gemini_count.decode_count(request),
        gemini_count.encode_count,
    ),
}


class FreeCalls:
    """Serves them."""

    def __init__(
        self,
        *,
        keys: KeyTable,
        desk: CallDesk,
        transport: Transport,
        wire_formats: Mapping[str, WireFormat],
        configuration: Callable[[], Configuration | None],
        log_fault: Callable[[BaseException, str], None],
    ) -> None:
        """`log_fault(error, request_id)` hears of our own faults."""
        self._keys = keys
        self._desk = desk
        self._transport = transport
        self._wire_formats = wire_formats
        self._configuration = configuration
        self._log_fault = log_fault

    async def count(self, request: HttpRequest, dialect: str) -> HttpResponse:
        """Answer how many tokens a request would have."""
        return await self._answered(request, dialect, self._counted)

    async def stored(self, request: HttpRequest) -> HttpResponse:
        """Answer a call on a kept answer of the responses API, or count a request of it."""
        return await self._answered(request, "openai_responses", self._stored)

    async def _answered(
        self, request: HttpRequest, dialect: str, answer: Callable[[HttpRequest, str, Caller, Configuration], Awaitable[bytes | bytearray]]
    ) -> HttpResponse:
        wire_format = self._wire_formats[dialect]
        lines = _JSON_LINES
        if wire_format.request_id_header:
            lines += b"%b: %b\r\n" % (wire_format.request_id_header, request.id.encode())
        try:
            caller = await authenticate(request, keys=self._keys, clock=self._desk.clock)
            configuration = self._configuration()
            if configuration is None:
                raise NoUpstream("The gateway is starting. Try again shortly.", retry_after_s=1.0)
            self._desk.rates.admit(caller.key, now=self._desk.clock())
            return HttpResponse(status=200, headers=HeaderBlock(lines), body=await answer(request, dialect, caller, configuration))
        except ModelgateError as error:
            self._desk.refusals.note(request, error, endpoint=dialect)
            return wire_format.encode_error(error, request.id)
        except Exception as fault:  # noqa: BLE001  # the request's edge
            self._log_fault(fault, request.id)
            return wire_format.encode_error(ModelgateError(), request.id)

    async def _counted(self, request: HttpRequest, dialect: str, caller: Caller, configuration: Configuration) -> bytes:
        count = COUNTS[dialect]
        peeked = count.peek(request)
        check_model(caller.key, peeked.model)
        offer, _ = configuration.offer_to(caller.key, operation=CHAT, model=peeked.model)
        decoded = await beside_loop(request, partial(count.decode, request, peeked))
        for route in offer.routes:
            candidate = route.candidates(peeked.model)[0]
            if count.ask is not None and count.read is not None and configuration.spoken_to(candidate.upstream, dialect) == dialect:
                ask = count.ask(request, peeked, candidate.upstream_model, configuration.quirks_of(candidate.upstream))
                found = await self._counted_upstream(candidate, ask, count.read, configuration)
                if found is not None:
                    return count.encode(found)
        return count.encode(await self._counted_here(request, decoded))

    async def _counted_upstream(
        self, candidate: Candidate, ask: UpstreamAsk, read: Callable[[bytes], int], configuration: Configuration
    ) -> int | None:
        """Return a vendor's own count, None when it gives none: then ours will do."""
        door = configuration.door(candidate.upstream, candidate.credential)
        call = UpstreamCall(method="POST", path=ask.path, headers=_JSON, body=bytes(ask.body))
        try:
            response = await self._send(door, call, lines=ask.lines)
            body = await response.read(MAX_ERROR_BYTES)
            return read(body) if response.status == 200 else None
        except (TransportError, UnreadableAnswer):
            return None

    async def _counted_here(self, request: HttpRequest, decoded: ChatRequest) -> int:
        words = await beside_loop(request, partial(words_of, decoded, answer=[]))
        counts = await self._desk.count_tokens(words.prompt) if self._desk.count_tokens is not None else None
        if counts is None:
            raise Overloaded("Tokens cannot be counted now. Try again shortly.", retry_after_s=1.0)
        return sum(counts) + TOKENS_PER_MESSAGE * (words.messages + 1) + IMAGE_TOKENS * words.images

    async def _stored(self, request: HttpRequest, dialect: str, caller: Caller, configuration: Configuration) -> bytes | bytearray:
        """Numbered cases: 1. count a request; 2. a kept answer, where its id says that it is kept."""
        our_id, _, verb = request.path.removeprefix(RESPONSES_PATH + "/").partition("/")
        if our_id == "input_tokens" and not verb:
            return await self._input_tokens(request, caller, configuration)
        if verb not in VERBS:
            raise UnknownPath
        try:
            bound = configuration.seals.find(our_id, account=caller.key.account)
        except InvalidRequest as error:
            raise UnknownPath(error.message) from None  # in a path it is what is not there, in a body it is a wrong value
        upstream = next((each for each in configuration.snapshot.upstreams if each.id == bound.upstream), None)
        if upstream is not None and upstream.book != caller.key.book:
            raise UnknownPath(f"There is nothing with the id '{our_id[:60]}' here, or no longer.")
        credential = next((each for each in upstream.credentials if each.id == bound.credential), None) if upstream is not None else None
        if upstream is None or credential is None or (upstream.id, credential.id) not in configuration.doors:
            raise NoUpstream("The upstream that keeps the answer is no longer there.")
        ids = BoundIds(configuration.seals, account=caller.key.account, upstream=upstream.id, credential=credential.id)
        call = _call_of(request, our_id, verb, configuration.quirks_of(upstream), ids)
        body = await self._made(configuration.door(upstream, credential), call, dialect, upstream=upstream.id, request_id=request.id)
        return body if verb == "input_items" else verbs.seal_stored(body, ids)

    async def _input_tokens(self, request: HttpRequest, caller: Caller, configuration: Configuration) -> bytes:
        wire_format = self._wire_formats["openai_responses"]
        peeked = wire_format.peek(request)
        check_model(caller.key, peeked.model)
        offer, _ = configuration.offer_to(caller.key, operation=CHAT, model=peeked.model)
        for route in offer.routes:
            if configuration.spoken_to(route.upstream, "openai_responses") != "openai_responses":
                continue
            candidate = route.candidates(peeked.model)[0]
            ids = BoundIds(
                configuration.seals, account=caller.key.account, upstream=candidate.upstream.id, credential=candidate.credential.id
            )
            call = verbs.input_tokens_call(request.body, candidate.upstream_model, configuration.quirks_of(candidate.upstream), ids)
            door = configuration.door(candidate.upstream, candidate.credential)
            return await self._made(door, call, "openai_responses", upstream=candidate.upstream.id, request_id=request.id)
        decoded = await beside_loop(request, partial(wire_format.decode_request, request, peeked))
        counted = await self._counted_here(request, decoded)
        return msgspec.json.encode({"object": "response.input_tokens", "input_tokens": counted})

    async def _made(self, door: Door, call: UpstreamCall, dialect: str, *, upstream: str, request_id: str) -> bytes:
        """Return what an upstream answers to a call. Raises ModelgateError: its refusal, or trouble on the way."""
        try:
            response = await self._send(door, call)
            body = await response.read(MAX_ANSWER_BYTES)
        except TransportError as error:
            raise transport_failure(error).error from error
        if response.status == 404:
            raise UnknownPath("There is nothing with that id, or no longer.")
        if response.status != 200:
            said = self._wire_formats[dialect].decode_error(response.status, body)
            self._desk.vendor_words.note(upstream, said, request_id=request_id)
            raise failure_of(said).error
        return body

    async def _send(self, door: Door, call: UpstreamCall, *, lines: bytes = b"") -> UpstreamResponse:
        path = with_query(joined(door.base_path, call.path), door.query)
        headers = HeaderBlock(door.headers.raw + HeaderBlock.of(*call.headers).raw + lines)
        return await self._transport.send(
            door.target, method=call.method, path=path, headers=headers, body=call.body, timeouts=door.timeouts
        )


def _call_of(request: HttpRequest, our_id: str, verb: str, quirks: Quirks, ids: BoundIds) -> UpstreamCall:
    match (request.method, verb):
        case ("GET" | "HEAD", ""):
            return verbs.fetch_call(our_id, quirks, ids, query=request.query)
        case ("DELETE", ""):
            return verbs.delete_call(our_id, quirks, ids)
        case ("POST", "cancel"):
            return verbs.cancel_call(our_id, quirks, ids)
        case ("GET" | "HEAD", "input_items"):
            return verbs.input_items_call(our_id, quirks, ids, query=request.query)
        case _:
            raise MethodNotAllowed(allowed=("GET", "DELETE") if not verb else ("POST",) if verb == "cancel" else ("GET",))
