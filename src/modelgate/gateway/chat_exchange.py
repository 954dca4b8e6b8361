"""A conversation in the words of whichever upstream it is put to: its bytes pass where both sides speak one dialect, else it is translated.

Which of the two, candidate by candidate, is `ChatExchange.mode`. What is decoded is decoded once, however many upstreams are asked.
"""

import asyncio
from collections.abc import Callable, Mapping
from copy import copy
from functools import partial

import msgspec

from modelgate.core.errors import InvalidRequest, ModelgateError, UpstreamError, UpstreamRefused
from modelgate.core.providers import Quirks
from modelgate.formats.chat.collect import Collector, events_of
from modelgate.formats.chat.request import ChatRequest
from modelgate.formats.chat.response import ChatResponse
from modelgate.formats.chat.translator import StreamTranslator
from modelgate.formats.chat.vendor_error import VendorError
from modelgate.formats.chat.wire_format import AnswerHead, ChatPeek, StreamRelay, UnreadableAnswer, UpstreamAsk, WireFormat
from modelgate.formats.sse import EventTooLong
from modelgate.gateway.answer_stream import AnswerStream, Told, failed_with
from modelgate.gateway.attempts import Failure, failure_of
from modelgate.gateway.call import MAX_LOOP_BYTES, Call, Words
from modelgate.gateway.calls import Whole
from modelgate.gateway.chat_inputs import InlineImages
from modelgate.gateway.chat_words import words_of
from modelgate.gateway.configuration import Configuration
from modelgate.gateway.opening import open_stream
from modelgate.gateway.state_ids import BoundIds
from modelgate.routing.table import Candidate
from modelgate.transport.response import UpstreamResponse

MAX_ANSWER_BYTES = 64 * 1024 * 1024
JSON_TYPE = b"application/json"
USAGE_OPTIONS = "stream_options"
"""The field by which streams are asked for their usage: servers of an older protocol refuse it."""


class Mode(msgspec.Struct, frozen=True):
    """How one candidate is spoken to."""

    wire_format: WireFormat
    passes: bool
    quirks: Quirks
    renamed: bool


class ChatExchange:
    """One conversation. See `attempts.Exchange`."""

    def __init__(
        self,
        call: Call,
        peeked: ChatPeek,
        *,
        wire_format: WireFormat,
        wire_formats: Mapping[str, WireFormat],
        configuration: Configuration,
        images: InlineImages,
        on_stream_over: Callable[[AnswerStream], None],
    ) -> None:
        self._call = call
        self._peeked = peeked
        self._wire_format = wire_format
        self._wire_formats = wire_formats
        self._configuration = configuration
        self._images = images
        self._on_stream_over = on_stream_over
        self._decoded: ChatRequest | None = None
        self._inlined: ChatRequest | None = None
        self._encoded: UpstreamAsk | None = None  # for the candidate that is asked next
        self._mode: Mode | None = None
        self._ids: BoundIds  # of the candidate that is asked; made when bytes pass
        self._asks_usage = True
        self._needs_hub = peeked.needs_hub
        self._is_large = len(call.request.body) > MAX_LOOP_BYTES
        self.needs_inputs = self._needs_hub or self._is_large or peeked.images > 0

    def mode(self, candidate: Candidate) -> Mode:
        """Return how a candidate is spoken to."""
        upstream, own_name = candidate.upstream, self._wire_format.name
        name = self._configuration.spoken_to(upstream, own_name)
        passes = name == own_name and not self._needs_hub
        quirks = self._configuration.quirks_of(upstream)
        if not self._asks_usage:
            quirks = msgspec.structs.replace(quirks, has_stream_options=False)
        return Mode(self._wire_formats[name], passes, quirks, candidate.upstream_model != self._peeked.model)

    async def fetch_inputs(self, candidate: Candidate) -> None:
        """Fetch pictures for an upstream that does not do so itself, and do beside the loop what would hold it up.

        Raises InvalidRequest: an address gives no picture, or as `ask` does.
        """
        mode = self.mode(candidate)
        if mode.passes:
            return
        if self._is_large:
            await asyncio.to_thread(self.request)
        fetches = mode.wire_format.fetches_images if mode.quirks.fetches_images is None else mode.quirks.fetches_images
        if not fetches and self._inlined is None:
            self._inlined = await self._images.inline(self.request())
        if self._is_large:
            self._encoded = await asyncio.to_thread(self._encode, mode, candidate)

    def ask(self, candidate: Candidate) -> UpstreamAsk:
        """Return what to send. Raises InvalidRequest, the caller's own field named: this cannot be said in that upstream's dialect."""
        mode = self._mode = self.mode(candidate)
        if mode.passes:
            self._ids = self._ids_at(candidate)
            return self._wire_format.pass_request(self._call.request, self._peeked, candidate.upstream_model, mode.quirks, self._ids)
        encoded, self._encoded = self._encoded, None
        return self._encode(mode, candidate) if encoded is None else encoded

    def _encode(self, mode: Mode, candidate: Candidate) -> UpstreamAsk:
        try:
            ask = mode.wire_format.encode_request(self._inlined or self.request(), candidate.upstream_model, mode.quirks)
        except InvalidRequest as error:
            raise self._in_callers_words(error) from None
        names = self._wire_format.field_names
        ignored = (*self.request().ignored, *(names.get(name, name) for name in ask.ignored))
        return msgspec.structs.replace(ask, ignored=tuple(dict.fromkeys(ignored)))

    def request(self) -> ChatRequest:
        """Return the conversation in neutral words. Raises InvalidRequest."""
        if self._decoded is None:
            self._decoded = self._wire_format.decode_request(self._call.request, self._peeked)
        return self._decoded

    def decode_error(self, candidate: Candidate, status: int, body: bytes) -> VendorError:
        """Return what an answer that is no 200 says; names of foreign fields are left out."""
        mode = self.mode(candidate)
        error = mode.wire_format.decode_error(status, body)
        return error if mode.passes else msgspec.structs.replace(error, param=None, type=None)

    def plainer(self, error: ModelgateError) -> "ChatExchange | None":
        """Return the same conversation without asking for its usage, where an upstream refuses that and its caller did not ask."""
        refused = isinstance(error, UpstreamRefused) and USAGE_OPTIONS in f"{error.param} {error.message}"
        if not refused or not self._asks_usage or not self._peeked.stream or USAGE_OPTIONS.encode() in self._call.request.body:
            return None
        plainer = copy(self)
        plainer._asks_usage = False
        return plainer

    async def read(self, candidate: Candidate, response: UpstreamResponse) -> Whole | AnswerStream | Failure:
        """Return the answer, or why it is none."""
        mode = self._mode
        assert mode is not None
        is_events = response.is_events
        if self._peeked.stream and (is_events or (mode.passes and self._wire_format.stream_type(self._peeked) == JSON_TYPE)):
            return await self._open_stream(mode, candidate, response)
        body = response.body_if_complete()
        if body is None:
            body = await response.read(MAX_ANSWER_BYTES)
        self._call.first_byte_at = self._call.desk.clock()
        try:
            if is_events:
                return self._collected(mode, body)
            if mode.passes and not self._peeked.stream:
                return self._passed(mode, candidate, body)
            return self._translated(mode.wire_format.decode_response(body))
        except UnreadableAnswer:
            return Failure(UpstreamError("The upstream's answer is not what its protocol says."), again=True)

    def outlives(self, answer: Whole | AnswerStream) -> bool:
        """Return whether the upstream goes on working on this answer."""
        return isinstance(answer, AnswerStream)

    def _passed(self, mode: Mode, candidate: Candidate, body: bytes) -> Whole:
        passed = self._wire_format.pass_response(body, self._peeked, mode.renamed, self._ids)
        words = partial(self._words_of_body, mode, body)
        return Whole(passed.body, JSON_TYPE, passed.usage, passed.usage_refused, words)

    def _translated(self, response: ChatResponse) -> Whole:
        """Return an answer in the caller's dialect, as a stream where one was asked for and none came."""
        if not response.choices:
            raise UnreadableAnswer
        head = self._head()
        words = partial(self._words_of_response, response)
        if not self._peeked.stream:
            body = self._wire_format.encode_response(response, self._peeked, head)
            return Whole(body, JSON_TYPE, response.usage, response.usage_refused, words)
        encoder = self._wire_format.make_encoder(self._peeked, head)
        body = b"".join(encoder.encode(event) for event in events_of(response))
        return Whole(body, self._wire_format.stream_type(self._peeked), response.usage, response.usage_refused, words)

    def _collected(self, mode: Mode, body: bytes) -> Whole | Failure:
        """An upstream that streams though it was not asked to: its events make one answer."""
        decoder, collector = mode.wire_format.make_decoder(), Collector()
        try:
            for event in (*decoder.feed(body), *decoder.finish()):
                collector.add(event)
        except EventTooLong:
            raise UnreadableAnswer from None
        if collector.failed is not None:
            return failure_of(collector.failed.error)
        return self._translated(collector.response())

    async def _open_stream(self, mode: Mode, candidate: Candidate, response: UpstreamResponse) -> AnswerStream | Failure:
        relay: StreamRelay
        if mode.passes:
            relay = self._wire_format.make_tap(self._peeked, mode.renamed, self._ids)
        else:
            encoder = self._wire_format.make_encoder(self._peeked, self._head())
            relay = StreamTranslator(mode.wire_format.make_decoder(), encoder, encode_error=self._encode_error)
        told = Told(
            relay=relay,
            encode_error=self._stream_error(),
            keep_alive=self._wire_format.keep_alive,
            content_type=self._wire_format.stream_type(self._peeked),
            words=partial(self._words_of_stream, relay),
        )
        stream = await open_stream(self._call, response, told=told, candidate=candidate, on_over=self._on_stream_over)
        if isinstance(stream, AnswerStream):
            # No other upstream will be asked, so what was read and fetched (pictures) need not stay as long as the stream. Should its words
            # have to be counted, the request is read once more.
            self._decoded = self._inlined = None
        return stream

    def _encode_error(self, error: VendorError) -> bytes:
        return self._stream_error()(failed_with(error), self._call.request.id)

    def _stream_error(self) -> Callable[[ModelgateError, str], bytes]:
        wire_format = self._wire_format
        return wire_format.encode_stream_error if wire_format.stream_error_for is None else wire_format.stream_error_for(self._peeked)

    def _in_callers_words(self, error: InvalidRequest) -> InvalidRequest:
        names = self._wire_format.field_names
        param = names.get(error.param or "", error.param)
        message = error.message.replace(f"'{error.param}'", f"'{param}'")
        return InvalidRequest(message, param=param, code=error.code)

    def _head(self) -> AnswerHead:
        return AnswerHead(model=self._peeked.model, created=int(self._call.desk.clock()), request_id=self._call.request.id)

    def _ids_at(self, candidate: Candidate) -> BoundIds:
        account = self._call.caller.key.account
        return BoundIds(self._configuration.seals, account=account, upstream=candidate.upstream.id, credential=candidate.credential.id)

    # What a tokenizer can count where the upstream did not; called after the answer, and seldom.

    def _words_of_body(self, mode: Mode, body: bytes) -> Words:
        try:
            return self._words_of_response(mode.wire_format.decode_response(body))
        except UnreadableAnswer:
            return words_of(self.request(), answer=[])

    def _words_of_response(self, response: ChatResponse) -> Words:
        return words_of(self.request(), answer=[part for choice in response.choices for part in choice.parts])

    def _words_of_stream(self, relay: StreamRelay) -> Words:
        return msgspec.structs.replace(words_of(self.request(), answer=[]), answer=[relay.text])
