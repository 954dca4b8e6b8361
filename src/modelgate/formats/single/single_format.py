"""What the dialect of a call that is no conversation brings along. Each package of `formats` that has a module `single` holding `FORMAT`
is one."""

import importlib
import importlib.util
import pkgutil
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

import modelgate.formats
from modelgate.core.errors import ModelgateError
from modelgate.core.http import HttpRequest, HttpResponse
from modelgate.core.providers import Quirks
from modelgate.core.usage import Usage
from modelgate.formats.chat.vendor_error import VendorError
from modelgate.formats.chat.wire_format import AnswerHead, StreamRelay, UpstreamAsk


class SinglePeek(msgspec.Struct, frozen=True, kw_only=True):
    """What routing and money need to know of a request. `most` bounds what it can use from above; `facts` are the dialect's own.

    `passes_bytes`: the answer is no JSON and no events but a file, sent on as it comes.
    """

    model: str
    most: Usage
    stream: bool | None = None
    passes_bytes: bool = False
    state: str = ""
    facts: Any = None


class SingleAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """A whole answer on its way to the client. `usage` None: the upstream said nothing, or (`usage_refused`) what cannot be."""

    body: bytes | bytearray
    content_type: bytes
    usage: Usage | None
    usage_refused: bool = False


class Streamed(msgspec.Struct, frozen=True, kw_only=True):
    """An answer that goes on as it comes. `is_file`: no events but a file, in which nothing can be said about an error."""

    relay: StreamRelay
    content_type: bytes
    is_file: bool = False


class Translation(msgspec.Struct, frozen=True, kw_only=True):
    """The way of a dialect through its hub; `Any` is the hub's request and response.

    decode_request(request, peek) -> hub request. encode_response(response, peek, head) -> body. encode_request(hub request, upstream_model,
    quirks) -> UpstreamAsk. decode_response(body) -> hub response; raises UnreadableAnswer. texts(hub request): what can be counted.
    """

    decode_request: Callable[[HttpRequest, SinglePeek], Any]
    encode_response: Callable[[Any, SinglePeek, AnswerHead], bytes]
    encode_request: Callable[[Any, str, Quirks], UpstreamAsk]
    decode_response: Callable[[bytes | bytearray], Any]
    texts: Callable[[Any], list[str]]


class SingleFormat(msgspec.Struct, frozen=True, kw_only=True):
    """One dialect of one call. All functions are pure.

    peek(request) -> SinglePeek. Raises InvalidRequest.
    pass_request(request, peek, upstream_model, quirks) -> UpstreamAsk.
    pass_response(content_type, body, peek, renamed) -> SingleAnswer; raises UnreadableAnswer.
    make_tap(content_type, peek) -> Streamed for an answer that comes as events or as a file; None where neither happens.
    texts(request, peek) -> the words of the request, for counting where the upstream does not count; None: its size will do.
    """

    name: str
    peek: Callable[[HttpRequest], SinglePeek]
    pass_request: Callable[[HttpRequest, SinglePeek, str, Quirks], UpstreamAsk]
    pass_response: Callable[[bytes, bytes | bytearray, SinglePeek, bool], SingleAnswer]
    make_tap: Callable[[bytes, SinglePeek], Streamed] | None = None
    texts: Callable[[HttpRequest, SinglePeek], list[str]] | None = None
    translation: Translation | None = None
    encode_error: Callable[[ModelgateError, str], HttpResponse]
    encode_stream_error: Callable[[ModelgateError, str], bytes]
    decode_error: Callable[[int, bytes | bytearray], VendorError]
    field_names: Mapping[str, str] = {}


def load_single_formats() -> dict[str, SingleFormat]:
    """Return every such dialect by name. Raises TypeError: a module `single` without `FORMAT` of its package's name."""
    found: dict[str, SingleFormat] = {}
    for package in pkgutil.iter_modules(modelgate.formats.__path__):
        name = f"modelgate.formats.{package.name}.single"
        if not package.ispkg or importlib.util.find_spec(name) is None:
            continue
        single_format = getattr(importlib.import_module(name), "FORMAT", None)
        if not isinstance(single_format, SingleFormat) or single_format.name != package.name:
            raise TypeError(f"{name} must hold FORMAT, a SingleFormat named {package.name!r}")
        found[single_format.name] = single_format
    return found
