"""Reading a request cheaply, and passing it to an upstream of the same dialect."""

import re
from urllib.parse import quote

import msgspec

from modelgate.core.http import HttpRequest
from modelgate.core.providers import Quirks
from modelgate.formats.anthropic_messages.schema import NAME, CountGlance, Glance, RequestPeek
from modelgate.formats.chat.carried import MARK
from modelgate.formats.chat.wire_format import ChatPeek, StateIds, UpstreamAsk
from modelgate.formats.json_fields import MISSING, count_quoted, decode_fields, holds_only_model, refuse_twins, replace_field

PATH = "/v1/messages"
DEFAULT_VERSION = b"2023-06-01"
MAX_BETA_BYTES = 4096

_glance = msgspec.json.Decoder(Glance)
_count_glance = msgspec.json.Decoder(CountGlance)
_MARK = MARK.encode()
_CARRIES = re.compile(rb'"(?:signature|data|id|tool_use_id|encrypted_index)"\s*:\s*"' + _MARK)
_NOTABLE = re.compile(b'"(?:model"|image"|document"|%b)' % _MARK)
"""Words that ask for a closer look: one search for all of them, a fast one because they all begin alike. The name of the model is
among them because it may be said only once."""
_INDEX = re.compile(r"\[(\d+)\]")


def say(param: str | None, reason: str) -> str:
    """Return the sentence for a fault of a request, in the vendor's manner: `messages.0.role: Field required`."""
    if param is None:
        return f"The request body is not valid{' ' if reason.startswith('JSON') else ': '}{reason}."
    path = _INDEX.sub(r".\1", param)
    return f"{path}: {'Field required' if reason == MISSING else reason}"


def peek(request: HttpRequest) -> RequestPeek:
    """Read what routing and money need.

    Raises:
        InvalidRequest: not JSON, a field of the wrong type or out of range, or one said twice; `param` names it.
    """
    body = request.body
    found = decode_fields(_glance, body, say=say)
    if holds_only_model(body, _NOTABLE):
        refuse_twins(body, "max_tokens", say=say)
        return RequestPeek(found.model, found.stream, found.max_tokens)
    refuse_twins(body, "model", "max_tokens", say=say)
    return RequestPeek(found.model, found.stream, found.max_tokens, images=count_images(body), needs_hub=carries_state(body))


def peek_count(request: HttpRequest) -> RequestPeek:
    """Read the same of a request to count tokens, which sets no bound. Raises InvalidRequest."""
    body = request.body
    found = decode_fields(_count_glance, body, say=say)
    refuse_twins(body, "model", say=say)
    return RequestPeek(model=found.model, images=count_images(body), needs_hub=carries_state(body))


def count_images(body: bytes | bytearray) -> int:
    """Return an upper bound of the pictures in a request; a document counts as one."""
    return count_quoted(body, b"image") + count_quoted(body, b"document")


def carries_state(body: bytes | bytearray) -> bool:
    """Return whether something stands where the vendor's own belongs, which it would refuse."""
    return _MARK in body and _CARRIES.search(body) is not None


def pass_request(request: HttpRequest, peek: ChatPeek, upstream_model: str, quirks: Quirks, state_ids: StateIds) -> UpstreamAsk:
    """Return the client's own bytes for the upstream, under the upstream's name of the model."""
    del state_ids  # nothing in this dialect is kept at an upstream
    body = request.body
    if upstream_model != peek.model:
        body = replace_field(body, "model", msgspec.json.encode(upstream_model))
    return UpstreamAsk(path=path_for(upstream_model, quirks), body=body, lines=version_lines(request))


def path_for(model: str, quirks: Quirks, path: str = PATH) -> str:
    """Return where messages are asked for, below the upstream's base URL."""
    template = quirks.paths.get(NAME, PATH)
    if "{model}" in template:
        template = template.replace("{model}", quote(model, safe=""))
    path = template + path.removeprefix(PATH)
    query = quirks.query.lstrip("?&")
    return f"{path}{'&' if '?' in path else '?'}{query}" if query else path


def version_lines(request: HttpRequest | None = None) -> bytes:
    """Return the header lines that say which API is meant: the client's wishes, and never its key."""
    if request is None:
        return b"anthropic-version: %b\r\n" % DEFAULT_VERSION
    headers = request.headers
    lines = b"anthropic-version: %b\r\n" % (headers.get(b"anthropic-version") or DEFAULT_VERSION)
    if headers.get(b"anthropic-beta") is None:
        return lines
    betas = b",".join(headers.get_all(b"anthropic-beta"))
    return lines + b"anthropic-beta: %b\r\n" % betas if betas and len(betas) <= MAX_BETA_BYTES else lines
