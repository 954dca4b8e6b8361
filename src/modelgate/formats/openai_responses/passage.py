"""Requests, answers and streams between two that speak this dialect: bytes pass, only names of models and ids of answers are touched.

An id of an answer only means something to the account that made it. So clients are told ours, bound to that upstream and their account.
"""

import msgspec

from modelgate.core.http import HttpRequest
from modelgate.core.providers import Quirks
from modelgate.core.usage import Usage
from modelgate.formats.chat.collect import words_in
from modelgate.formats.chat.vendor_error import VendorError
from modelgate.formats.chat.wire_format import ChatPeek, Passed, StateIds, UnreadableAnswer, UpstreamAsk
from modelgate.formats.json_fields import UNREADABLE, replace_field
from modelgate.formats.openai_chat.errors import passed_error
from modelgate.formats.openai_responses import schema
from modelgate.formats.openai_responses.errors import stream_error_of
from modelgate.formats.openai_responses.peek import RequestPeek, conversation_of
from modelgate.formats.openai_responses.response import decode_answer
from modelgate.formats.openai_responses.stream_decoder import ResponsesDecoder
from modelgate.formats.openai_responses.upstream_request import path_of
from modelgate.formats.openai_responses.usage import decode_usage
from modelgate.formats.sse import Splitter, data_of, replace_data, split_events

MAX_KEPT_BYTES = 256 * 1024
"""So much of a stream is kept for counting its words, in case the upstream does not count them; beyond it `events` tells."""

_ENDS = frozenset(("response.completed", "response.incomplete"))
_FAILURES = frozenset(("response.failed", "response.cancelled", "error"))

_encode = msgspec.json.Encoder().encode


class _Lifecycle(msgspec.Struct, frozen=True):
    """An event that may carry the response object."""

    type: str = ""
    response: msgspec.Raw = schema.NOTHING


_lifecycle = msgspec.json.Decoder(_Lifecycle)
_event = msgspec.json.Decoder(schema.Event)


def pass_request(request: HttpRequest, peek: ChatPeek, upstream_model: str, quirks: Quirks, state_ids: StateIds) -> UpstreamAsk:
    """Return the request for another model name, with the upstream's own ids in it; all other bytes stay.

    Raises:
        InvalidRequest: an id in it was not made here, or belongs elsewhere.
    """
    assert isinstance(peek, RequestPeek)  # made by this dialect's own `peek`
    body = request.body
    said = peek.said
    if said.previous_response_id:
        body = replace_field(body, "previous_response_id", _encode(state_ids.open(said.previous_response_id)))
    if conversation := conversation_of(said):
        body = replace_field(body, "conversation", _encode(state_ids.open(conversation)))
    if upstream_model != peek.model:
        body = replace_field(body, "model", _encode(upstream_model))
    for name, theirs in quirks.renames.items():
        if b'"%b"' % name.encode() in body:
            body = _rename_field(body, name, theirs)
    return UpstreamAsk(path=path_of(upstream_model, quirks), body=body)


def passes_untouched(quirks: Quirks) -> bool:
    """Return whether no field is called otherwise at this vendor. See `WireFormat`."""
    return not quirks.renames


def _rename_field(body: bytes | bytearray, name: str, theirs: str) -> bytes | bytearray:
    fields = msgspec.json.decode(body, type=dict[str, msgspec.Raw])
    if name not in fields or theirs in fields:  # who says both means the vendor's own
        return body
    return _encode({theirs if field == name else field: value for field, value in fields.items()})


def pass_response(body: bytes | bytearray, peek: ChatPeek, renamed: bool, state_ids: StateIds) -> Passed:
    """Return an upstream's whole answer for the client.

    Raises:
        UnreadableAnswer: it is no response object.
    """
    assert isinstance(peek, RequestPeek)  # made by this dialect's own `peek`
    found = decode_answer(body)
    usage, usage_refused = decode_usage(found.usage)
    try:
        told = _told(body, found, peek, renamed, state_ids)
    except UNREADABLE as error:
        raise UnreadableAnswer("The upstream's answer is not valid JSON.") from error
    return Passed(body=told, usage=usage, usage_refused=usage_refused)


def seal_answer(body: bytes | bytearray, found: schema.Answer, state_ids: StateIds, *, previous: str | None = None) -> bytes | bytearray:
    """Return a response object under our id; `previous` is the caller's own id of the one before, sealed anew where it is not known."""
    if isinstance(found.id, str) and found.id:
        body = replace_field(body, "id", _encode(state_ids.seal(found.id)))
    if isinstance(found.previous_response_id, str) and found.previous_response_id:
        body = replace_field(body, "previous_response_id", _encode(previous or state_ids.seal(found.previous_response_id)))
    return body


def _told(body: bytes | bytearray, found: schema.Answer, peek: RequestPeek, renamed: bool, state_ids: StateIds) -> bytes | bytearray:
    body = seal_answer(body, found, state_ids, previous=peek.said.previous_response_id)
    return replace_field(body, "model", _encode(peek.model)) if renamed and found.model is not None else body


class StreamTap:
    """A `StreamRelay` for one stream that passes. An event that only carries a piece of the answer costs two searches and no JSON."""

    __slots__ = (
        "_kept",
        "_kept_bytes",
        "_peek",
        "_renamed",
        "_splitter",
        "_state_ids",
        "error",
        "events",
        "final",
        "is_done",
        "usage",
        "usage_refused",
    )

    def __init__(self, peek: RequestPeek, *, renamed: bool, state_ids: StateIds) -> None:
        self._peek = peek
        self._renamed = renamed
        self._state_ids = state_ids
        self._splitter = Splitter()
        self._kept: list[bytes] = []
        self._kept_bytes = 0
        self.usage: Usage | None = None
        self.usage_refused = False
        self.final = b""
        self.is_done = False
        self.error: VendorError | None = None
        self.events = 0

    def feed(self, data: bytes) -> bytes:
        """Take bytes as they arrive, return those that may go on now. Raises sse.EventTooLong."""
        if self.is_done:
            return b""
        complete = self._splitter.feed(data)
        return self._pass(complete) if complete else b""

    def finish(self) -> bytes:
        """The upstream's body ended; return what still waited for its blank line, made whole."""
        rest = self._splitter.finish()
        return self._pass(rest) if rest and not self.is_done else b""

    def is_complete(self) -> bool:
        """Return whether the answer's last event came."""
        return self.is_done

    @property
    def text(self) -> str:
        """The answer's words as far as they were kept. They are read only now: most streams are counted by their upstream."""
        return words_in(ResponsesDecoder().feed(b"".join(self._kept)))

    def _pass(self, data: bytes) -> bytes:
        """Return what goes on of complete events."""
        self.events += data.count(b'.delta"')
        if self._kept_bytes < MAX_KEPT_BYTES:
            self._kept.append(data)
            self._kept_bytes += len(data)
        if data.find(b'"response"') < 0 and data.find(b'"error"') < 0:  # costs less than `in`
            return data
        return b"".join([self._pass_event(event) for event in split_events(data)])

    def _pass_event(self, event: bytes) -> bytes:
        if self.is_done:
            return b""
        payload = data_of(event)
        if b'"response"' not in payload and b'"error"' not in payload:
            return event
        try:
            found = _lifecycle.decode(payload)
            answer = decode_answer(found.response) if bytes(found.response) not in (b"", b"null") else None
            if answer is not None:
                told = _told(bytes(found.response), answer, self._peek, self._renamed, self._state_ids)
                event = replace_data(event, replace_field(payload, "response", bytes(told)))
        except (*UNREADABLE, UnreadableAnswer):
            return event
        if found.type in _ENDS and answer is not None:
            self._count(answer)
            self.is_done = True
            self.final = event
            return b""
        if found.type in _FAILURES or (not found.type and b'"error"' in payload):
            return passed_error(event, self._fail(payload, answer))
        return event

    def _count(self, answer: schema.Answer) -> None:
        usage, refused = decode_usage(answer.usage)
        self.usage = usage or self.usage
        self.usage_refused = refused

    def _fail(self, payload: bytes, answer: schema.Answer | None) -> VendorError:
        """Return why it failed. An upstream may have counted, and charge for, what it failed at."""
        if answer is not None:
            self._count(answer)
        try:
            self.error = stream_error_of(_event.decode(payload))
        except UNREADABLE:
            self.error = VendorError(status=502)
        return self.error


def make_tap(peek: ChatPeek, renamed: bool, state_ids: StateIds) -> StreamTap:
    """Return the tap of one stream; `renamed`: put the caller's name of the model in."""
    assert isinstance(peek, RequestPeek)  # made by this dialect's own `peek`
    return StreamTap(peek, renamed=renamed, state_ids=state_ids)
