"""The other calls on stored answers: what the upstream is asked, and its answer under our ids.

The gateway finds the upstream by the id in the path (`StateIds`), asks it, and seals the answer. None of these counts a token.
"""

from urllib.parse import quote

import msgspec

from modelgate.core.errors import InvalidRequest
from modelgate.core.providers import Quirks, UpstreamCall
from modelgate.formats.chat.wire_format import StateIds, UnreadableAnswer
from modelgate.formats.json_fields import UNREADABLE, decode_fields, replace_field
from modelgate.formats.openai_responses import schema
from modelgate.formats.openai_responses.passage import seal_answer
from modelgate.formats.openai_responses.peek import conversation_of, say
from modelgate.formats.openai_responses.upstream_request import path_of

MAX_QUERY_CHARACTERS = 2048
_BODY_HEADERS = (("content-type", "application/json"),)

_encode = msgspec.json.Encoder().encode
_ask = msgspec.json.Decoder(schema.Peek)
_stored = msgspec.json.Decoder(schema.Answer)


def fetch_call(our_id: str, quirks: Quirks, state_ids: StateIds, *, query: str = "") -> UpstreamCall:
    """Return GET of one answer. A stored stream is not told again: `stream` is refused.

    Raises:
        InvalidRequest: the id is not of an answer made here, or a query that is not served.
    """
    if "stream=true" in query.lower():
        raise InvalidRequest("'stream' is not supported here: fetch the whole answer.", param="stream", code="unsupported_parameter")
    return UpstreamCall(method="GET", path=_path(our_id, quirks, state_ids, query=query))


def delete_call(our_id: str, quirks: Quirks, state_ids: StateIds) -> UpstreamCall:
    """Return DELETE of one answer. Raises InvalidRequest as `fetch_call`."""
    return UpstreamCall(method="DELETE", path=_path(our_id, quirks, state_ids))


def cancel_call(our_id: str, quirks: Quirks, state_ids: StateIds) -> UpstreamCall:
    """Return the call that stops an answer. Raises InvalidRequest as `fetch_call`."""
    return UpstreamCall(method="POST", path=_path(our_id, quirks, state_ids, below="/cancel"), headers=_BODY_HEADERS, body=b"{}")


def input_items_call(our_id: str, quirks: Quirks, state_ids: StateIds, *, query: str = "") -> UpstreamCall:
    """Return GET of the items an answer was made from; `query` is the caller's (`after`, `limit`, `order`, `include`)."""
    return UpstreamCall(method="GET", path=_path(our_id, quirks, state_ids, below="/input_items", query=query))


def input_tokens_call(body: bytes | bytearray, upstream_model: str, quirks: Quirks, state_ids: StateIds) -> UpstreamCall:
    """Return the call that counts a request's tokens without answering it.

    Raises:
        InvalidRequest: the body is not as it should be, or an id in it was not made here.
    """
    said = decode_fields(_ask, body, say=say)
    if said.previous_response_id:
        body = replace_field(body, "previous_response_id", _encode(state_ids.open(said.previous_response_id)))
    if conversation := conversation_of(said):
        body = replace_field(body, "conversation", _encode(state_ids.open(conversation)))
    if said.model != upstream_model:
        body = replace_field(body, "model", _encode(upstream_model))
    path = path_of(upstream_model, quirks, below="/input_tokens")
    return UpstreamCall(method="POST", path=path, headers=_BODY_HEADERS, body=bytes(body))


def _path(our_id: str, quirks: Quirks, state_ids: StateIds, *, below: str = "", query: str = "") -> str:
    if len(query) > MAX_QUERY_CHARACTERS or not query.isascii() or any(c in query for c in " \r\n#"):
        raise InvalidRequest("The query is not valid.", code="invalid_value")
    path = path_of("", quirks, below=f"/{quote(state_ids.open(our_id), safe='')}{below}")
    return f"{path}{'&' if '?' in path else '?'}{query}" if query else path


def seal_stored(body: bytes | bytearray, state_ids: StateIds, *, model: str | None = None) -> bytes | bytearray:
    """Return what GET, DELETE or cancel answered, under our ids; `model` is the caller's name of it, None to leave it.

    Raises:
        UnreadableAnswer: it is no object.
    """
    try:
        found = _stored.decode(body)
    except UNREADABLE as error:
        raise UnreadableAnswer("The upstream's answer is not a response object.") from error
    body = seal_answer(body, found, state_ids)
    return replace_field(body, "model", _encode(model)) if model is not None and found.model is not None else body
