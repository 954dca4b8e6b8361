"""What a conversation dialect brings along, so that one pipeline serves every pair of them.

One `WireFormat` reads what a client sends and writes what it gets back, and the same one writes what an upstream is sent and reads
what it answers. Each package of `formats` that has a module `wire` holding `WIRE_FORMAT` is one.
"""

import importlib
import importlib.util
import pkgutil
from collections.abc import Callable, Mapping
from typing import Protocol

import msgspec

import modelgate.formats
from modelgate.core.errors import ModelgateError
from modelgate.core.http import HttpRequest, HttpResponse
from modelgate.core.providers import Quirks
from modelgate.core.rates import RateFacts
from modelgate.core.usage import Usage
from modelgate.formats.chat.events import StreamEvent
from modelgate.formats.chat.request import ChatRequest
from modelgate.formats.chat.response import ChatResponse
from modelgate.formats.chat.vendor_error import VendorError


class ChatPeek(Protocol):
    """What routing and money need to know of a request before anything else is read.

    `output_limit` bounds the output tokens of one of `n` answers, None where the request sets no bound. `images` is an upper bound of the
    pictures in it. `needs_hub`: it carries state of another vendor, so that its bytes may not pass as they are. `state`: an id of ours
    in it that binds it to one upstream (see `StateIds`), or empty.
    """

    @property
    def model(self) -> str: ...
    @property
    def stream(self) -> bool | None: ...
    @property
    def output_limit(self) -> int | None: ...
    @property
    def n(self) -> int | None: ...
    @property
    def images(self) -> int: ...
    @property
    def needs_hub(self) -> bool: ...
    @property
    def state(self) -> str: ...


class StateIds(Protocol):
    """Ids of things that an upstream keeps (answers, sounds), as they are told to clients: bound to the upstream and to the account."""

    def seal(self, vendor_id: str) -> str:
        """Return our id for one of the upstream's."""
        ...

    def open(self, our_id: str) -> str:
        """Return the upstream's id. Raises InvalidRequest: not made here, for another account, or of another upstream."""
        ...


class AnswerHead(msgspec.Struct, frozen=True, kw_only=True):
    """What an answer says of itself: the model under the caller's name for it, unix seconds, and the gateway's request id, out of which
    dialects make ids of their own (`chatcmpl-…`, `msg_…`)."""

    model: str
    created: int
    request_id: str


class UpstreamAsk(msgspec.Struct, frozen=True, kw_only=True):
    """What an upstream is sent: path (and query) below its base URL, body and its type, header lines besides the
    standing ones (each ends in CRLF).

    `ignored` names what was left out because it cannot be said there, in neutral words (field names of `ChatRequest`).
    """

    path: str
    body: bytes | bytearray
    content_type: bytes = b"application/json"
    lines: bytes = b""
    ignored: tuple[str, ...] = ()


class Passed(msgspec.Struct, frozen=True, kw_only=True):
    """A whole answer on its way to a client of the same dialect. `usage` None: the upstream said nothing, or (`usage_refused`) what
    cannot be."""

    body: bytes | bytearray
    usage: Usage | None
    usage_refused: bool = False


class StreamDecoder(Protocol):
    """Reads an upstream's stream. Bytes come as they arrive, split anywhere."""

    def feed(self, data: bytes) -> list[StreamEvent]:
        """Take bytes, return what is complete now. Raises sse.EventTooLong."""
        ...

    def finish(self) -> list[StreamEvent]:
        """The body ended. `ResponseEnd` is among the events (now or before) only if the answer came to its proper end."""
        ...


class StreamEncoder(Protocol):
    """Writes a stream for a client."""

    def encode(self, event: StreamEvent) -> bytes:
        """Return what goes on the wire for one event, empty where nothing does. For `ResponseEnd`: all the last words."""
        ...


class StreamRelay(Protocol):
    """A stream between an upstream and a client, whether its bytes pass or are translated.

    `usage`: what the upstream counted so far (None: nothing credible). `usage_refused`: it counted what cannot be. `final`: the last
    words, held back until they are paid for. `is_done`: the proper end was read. `error`: a mid-stream error, already passed on in the
    caller's dialect. `events`: how many events carried a piece of the answer, about one token each. `text`: the answer's words, kept (up
    to a bound) for counting where the upstream has not counted.
    """

    final: bytes
    is_done: bool
    error: VendorError | None
    events: int

    @property
    def usage(self) -> Usage | None: ...
    @property
    def usage_refused(self) -> bool: ...
    @property
    def text(self) -> str: ...

    def feed(self, data: bytes) -> bytes:
        """Take bytes of the upstream, return those that may go to the client now. Raises sse.EventTooLong."""
        ...

    def finish(self) -> bytes:
        """The upstream's body ended; return what still waited."""
        ...

    def is_complete(self) -> bool:
        """Return whether the answer came to its end."""
        ...


class UnreadableAnswer(Exception):
    """An upstream's answer is not what its dialect says it should be."""


def is_plain(peek: ChatPeek) -> bool:
    """Tell whether a request asks for one whole answer and holds nothing that has to be looked at before it may pass."""
    return not (peek.stream or peek.needs_hub or peek.images or peek.state)


def always(quirks: Quirks) -> bool:
    """The `passes_untouched` of a dialect in which vendors do not differ in what concerns a plain request."""
    del quirks
    return True


class WireFormat(msgspec.Struct, frozen=True, kw_only=True):
    """One dialect. All functions are pure.

    As the client's:
        peek(request) -> ChatPeek. Raises InvalidRequest.
        decode_request(request, peek) -> ChatRequest. Raises InvalidRequest, naming the field in this dialect.
        encode_response(response, peek, head) -> body bytes.
        make_encoder(peek, head) -> StreamEncoder.
        encode_error(error, request_id) -> HttpResponse; encode_stream_error(error, request_id) -> bytes of one last event.
        rate_lines(facts, now) -> header lines that tell a key's rate limits; None: OpenAI's, which the meter renders itself.
        stream_type(peek) -> content type of streams.
        field_names: field of ChatRequest -> how this dialect calls it, for errors and `modelgate-ignored`; absent means the same name.
        stream_error_for(peek) -> an encode_stream_error for the shape in which this very stream goes out, where a dialect has several;
            None: `encode_stream_error` fits all.
        request_id_header: where this dialect wants the request id besides `x-request-id`.
        keep_alive: what may be said on a silent stream at any time between events; empty where nothing may.
    As the upstream's:
        encode_request(request, upstream_model, quirks) -> UpstreamAsk. Raises InvalidRequest, the neutral field's name as `param`, for what
            changes the meaning and cannot be said.
        decode_response(body) -> ChatResponse. Raises UnreadableAnswer.
        make_decoder() -> StreamDecoder.
        decode_error(status, body) -> VendorError.
        fetches_images: this protocol's upstreams fetch picture addresses themselves.
    With the same dialect on both sides:
        is_plain(peek) -> as the function of this name, where a dialect can tell it at less cost.
        passes_untouched(quirks) -> whether `pass_request` sends on the very body of every plain request to a model by its own name, and all
            else that it sends follows from the request's head.
        pass_request(request, peek, upstream_model, quirks, state_ids) -> UpstreamAsk, all other bytes untouched.
        pass_response(body, peek, renamed, state_ids) -> Passed; `renamed`: put the caller's name of the model in. Raises UnreadableAnswer.
        make_tap(peek, renamed, state_ids) -> StreamRelay.
    """

    name: str
    peek: Callable[[HttpRequest], ChatPeek]
    decode_request: Callable[[HttpRequest, ChatPeek], ChatRequest]
    encode_response: Callable[[ChatResponse, ChatPeek, AnswerHead], bytes]
    make_encoder: Callable[[ChatPeek, AnswerHead], StreamEncoder]
    encode_error: Callable[[ModelgateError, str], HttpResponse]
    encode_stream_error: Callable[[ModelgateError, str], bytes]
    stream_error_for: Callable[[ChatPeek], Callable[[ModelgateError, str], bytes]] | None = None
    rate_lines: Callable[[RateFacts, float], bytes] | None = None
    stream_type: Callable[[ChatPeek], bytes]
    field_names: Mapping[str, str] = {}
    keep_alive: bytes = b""
    request_id_header: bytes = b""

    encode_request: Callable[[ChatRequest, str, Quirks], UpstreamAsk]
    decode_response: Callable[[bytes | bytearray], ChatResponse]
    make_decoder: Callable[[], StreamDecoder]
    decode_error: Callable[[int, bytes | bytearray], VendorError]
    fetches_images: bool = True

    is_plain: Callable[[ChatPeek], bool] = is_plain
    passes_untouched: Callable[[Quirks], bool]
    pass_request: Callable[[HttpRequest, ChatPeek, str, Quirks, StateIds], UpstreamAsk]
    pass_response: Callable[[bytes | bytearray, ChatPeek, bool, StateIds], Passed]
    make_tap: Callable[[ChatPeek, bool, StateIds], StreamRelay]


def load_wire_formats() -> dict[str, WireFormat]:
    """Return every conversation dialect by name.

    Raises:
        TypeError: a module `wire` without `WIRE_FORMAT` of its package's name.
    """
    packages = (package.name for package in pkgutil.iter_modules(modelgate.formats.__path__) if package.ispkg)
    return {name: _load(name) for name in packages if importlib.util.find_spec(_module_of(name)) is not None}


class WireFormatsOnDemand(dict[str, WireFormat]):
    """The same, each loaded when it is first asked for: for a process that speaks them only to say an error."""

    def __missing__(self, name: str) -> WireFormat:
        """Load a dialect. Raises ModuleNotFoundError."""
        self[name] = loaded = _load(name)
        return loaded


def _module_of(name: str) -> str:
    return f"modelgate.formats.{name}.wire"


def _load(name: str) -> WireFormat:
    module = _module_of(name)
    wire_format = getattr(importlib.import_module(module), "WIRE_FORMAT", None)
    if not isinstance(wire_format, WireFormat) or wire_format.name != name:
        raise TypeError(f"{module} must hold WIRE_FORMAT, a WireFormat named {name!r}")
    return wire_format
