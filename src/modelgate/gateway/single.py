"""Embeddings, sound, pictures and moderation as kinds of calls; see `formats/single`."""

from collections.abc import Callable, Mapping

import msgspec

from modelgate.core.errors import InvalidRequest, ModelgateError, UpstreamError
from modelgate.core.http import HttpRequest, HttpResponse
from modelgate.core.providers import operation_of
from modelgate.core.rates import RateFacts
from modelgate.formats.chat.vendor_error import VendorError
from modelgate.formats.chat.wire_format import AnswerHead, UnreadableAnswer, UpstreamAsk
from modelgate.formats.single.single_format import SingleFormat, SinglePeek
from modelgate.gateway.answer_stream import AnswerStream, Told
from modelgate.gateway.attempts import Failure
from modelgate.gateway.call import Call, Words
from modelgate.gateway.calls import Whole
from modelgate.gateway.configuration import Configuration
from modelgate.gateway.opening import open_stream
from modelgate.metering.prices import Price
from modelgate.routing.table import Candidate
from modelgate.transport.response import UpstreamResponse

MAX_ANSWER_BYTES = 128 * 1024 * 1024
JSON_TYPE = b"application/json"


class SingleKind:
    """One call in one dialect. See `calls.Kind`."""

    def __init__(self, single_format: SingleFormat, *, single_formats: Mapping[str, SingleFormat]) -> None:
        self._format = single_format
        self._formats = single_formats
        self.name = single_format.name
        self.request_id_header = b""
        self.rate_lines: Callable[[RateFacts, float], bytes] | None = None
        self.operation = operation_of(single_format.name)
        self.peek: Callable[[HttpRequest], SinglePeek] = single_format.peek
        self.encode_error: Callable[[ModelgateError, str], HttpResponse] = single_format.encode_error

    def estimate(self, request: HttpRequest, peeked: SinglePeek, price: Price) -> int:
        """Return an upper bound of the charge in nano-USD."""
        del request
        return price.charge(peeked.most)

    def exchange(
        self, call: Call, peeked: SinglePeek, *, configuration: Configuration, on_stream_over: Callable[[AnswerStream], None]
    ) -> "SingleExchange":
        """Return the call in the words of whichever upstream it is put to."""
        return SingleExchange(
            call,
            peeked,
            single_format=self._format,
            single_formats=self._formats,
            configuration=configuration,
            on_stream_over=on_stream_over,
        )


class SingleExchange:
    """One such call. See `attempts.Exchange`."""

    needs_inputs = False

    def __init__(
        self,
        call: Call,
        peeked: SinglePeek,
        *,
        single_format: SingleFormat,
        single_formats: Mapping[str, SingleFormat],
        configuration: Configuration,
        on_stream_over: Callable[[AnswerStream], None],
    ) -> None:
        self._call = call
        self._peeked = peeked
        self._format = single_format
        self._formats = single_formats
        self._configuration = configuration
        self._on_stream_over = on_stream_over

    async def fetch_inputs(self, candidate: Candidate) -> None:
        """These calls carry their inputs with them."""

    def ask(self, candidate: Candidate) -> UpstreamAsk:
        """Return what to send. Raises InvalidRequest: this cannot be said in that upstream's dialect."""
        spoken, quirks = self._spoken_by(candidate), self._configuration.quirks_of(candidate.upstream)
        call, peeked = self._call, self._peeked
        if spoken is self._format:
            return spoken.pass_request(call.request, peeked, candidate.upstream_model, quirks)
        if spoken.translation is None or self._format.translation is None:
            raise InvalidRequest("No upstream of this model understands this call.", param="model")
        hub_request = self._format.translation.decode_request(call.request, peeked)
        ask = spoken.translation.encode_request(hub_request, candidate.upstream_model, quirks)
        names = self._format.field_names
        ignored = (*hub_request.ignored, *(names.get(name, name) for name in ask.ignored))
        return msgspec.structs.replace(ask, ignored=tuple(dict.fromkeys(ignored)))

    def decode_error(self, candidate: Candidate, status: int, body: bytes) -> VendorError:
        """Return what an answer that is no 200 says; names of foreign fields are left out."""
        spoken = self._spoken_by(candidate)
        error = spoken.decode_error(status, body)
        return error if spoken is self._format else msgspec.structs.replace(error, param=None, type=None)

    def plainer(self, error: ModelgateError) -> None:
        """Return nothing: these calls are sent as they came."""
        del error

    async def read(self, candidate: Candidate, response: UpstreamResponse) -> Whole | AnswerStream | Failure:
        """Return the answer, or why it is none."""
        content_type = response.headers.get(b"content-type") or b""
        spoken, renamed = self._spoken_by(candidate), candidate.upstream_model != self._peeked.model
        is_json = content_type.startswith(JSON_TYPE)
        streams = content_type.startswith(b"text/event-stream") or (self._peeked.passes_bytes and not is_json)
        if streams and spoken is self._format and spoken.make_tap is not None:
            streamed = spoken.make_tap(content_type, self._peeked)
            told = Told(
                relay=streamed.relay,
                encode_error=None if streamed.is_file else spoken.encode_stream_error,
                keep_alive=b"",
                content_type=streamed.content_type,
                words=self._words,
            )
            return await open_stream(self._call, response, told=told, candidate=candidate, on_over=self._on_stream_over)
        body = response.body_if_complete()
        if body is None:
            body = await response.read(MAX_ANSWER_BYTES)
        self._call.first_byte_at = self._call.desk.clock()
        try:
            return self._whole(spoken, content_type, body, renamed=renamed)
        except UnreadableAnswer:
            return Failure(UpstreamError("The upstream's answer is not what its protocol says."), again=True)

    def outlives(self, answer: Whole | AnswerStream) -> bool:
        """Return whether the upstream goes on working on this answer."""
        return isinstance(answer, AnswerStream)

    def _whole(self, spoken: SingleFormat, content_type: bytes, body: bytes, *, renamed: bool) -> Whole:
        if spoken is self._format:
            answer = spoken.pass_response(content_type, body, self._peeked, renamed)
            return Whole(answer.body, answer.content_type, answer.usage, answer.usage_refused, self._words)
        theirs, ours = spoken.translation, self._format.translation
        assert theirs is not None
        assert ours is not None
        response = theirs.decode_response(body)
        head = AnswerHead(model=self._peeked.model, created=int(self._call.desk.clock()), request_id=self._call.request.id)
        told = ours.encode_response(response, self._peeked, head)
        return Whole(told, JSON_TYPE, response.usage, response.usage_refused, self._words)

    def _spoken_by(self, candidate: Candidate) -> SingleFormat:
        return self._formats[self._configuration.spoken_to(candidate.upstream, self._format.name)]

    def _words(self) -> Words:
        texts = self._format.texts
        return Words([] if texts is None else texts(self._call.request, self._peeked), [])


def single_kinds(single_formats: Mapping[str, SingleFormat]) -> dict[str, SingleKind]:
    """Return the kinds of every dialect, by its name."""
    return {name: SingleKind(single_format, single_formats=single_formats) for name, single_format in single_formats.items()}
