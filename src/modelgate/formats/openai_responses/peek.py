"""Reading a request cheaply: what routing and money need, and what its answer says again of it."""

from contextlib import suppress
from typing import Final

import msgspec

from modelgate.core.errors import InvalidRequest
from modelgate.core.http import HttpRequest
from modelgate.core.records import Json
from modelgate.formats.chat.carried import MARK
from modelgate.formats.json_fields import MISSING, TWICE, UNREADABLE, count_quoted, decode_fields, has_quoted, refuse_twins
from modelgate.formats.openai_responses.schema import NOTHING, Conversation, Peek

_decoder = msgspec.json.Decoder(Peek)
_CARRIED = MARK.encode()
_SETTINGS: Final[dict[str, Json]] = {
    "instructions": None,
    "max_tool_calls": None,
    "metadata": {},
    "parallel_tool_calls": True,
    "prompt_cache_key": None,
    "reasoning": {"effort": None, "summary": None},
    "safety_identifier": None,
    "temperature": 1.0,
    "text": {"format": {"type": "text"}},
    "tool_choice": "auto",
    "tools": [],
    "top_logprobs": 0,
    "top_p": 1.0,
    "truncation": "disabled",
    "user": None,
}
"""What an answer says of settings that the request left out. Official clients' types require most of them."""


class RequestPeek(msgspec.Struct, frozen=True, kw_only=True):
    """A `ChatPeek`, with what the request said."""

    said: Peek
    images: int
    needs_hub: bool

    @property
    def model(self) -> str:
        """The model asked for."""
        return self.said.model

    @property
    def stream(self) -> bool | None:
        """Whether the answer shall come as events."""
        return self.said.stream

    @property
    def output_limit(self) -> int | None:
        """The request's own bound on output tokens."""
        return self.said.max_output_tokens

    @property
    def n(self) -> int | None:
        """This dialect knows one answer only."""
        return None

    @property
    def state(self) -> str:
        """The stored answer or conversation that this request goes on from."""
        return self.said.previous_response_id or conversation_of(self.said)


def conversation_of(said: Peek) -> str:
    """Return the id of the conversation a request names, empty without one."""
    found = said.conversation
    return found.id if isinstance(found, Conversation) else found or ""


def peek(request: HttpRequest) -> RequestPeek:
    """Read what routing and money need.

    `background: true` is refused: the answer to such a request comes back before a token is counted, and whoever fetches the result later
    would have it for nothing.

    Raises:
        InvalidRequest: not JSON, a field of the wrong type or out of range, or one said twice; `param` names it.
    """
    body = request.body
    said = decode_fields(_decoder, body, say=say)
    if said.background:
        message = "'background' is not supported here: ask with 'stream': true for answers that take long."
        raise InvalidRequest(message, param="background", code="unsupported_parameter")
    if said.previous_response_id and said.conversation is not None:
        message = "'previous_response_id' and 'conversation' cannot be used together."
        raise InvalidRequest(message, param="conversation", code="invalid_value")
    refuse_twins(body, "model", *(() if said.max_output_tokens is None else ("max_output_tokens",)), say=say)
    # A picture that an earlier answer drew comes back whole.
    images = count_quoted(body, b"input_image") + count_quoted(body, b"image_generation_call")
    return RequestPeek(said=said, images=images, needs_hub=has_quoted(body, _CARRIED))


def settings_of(said: Peek) -> dict[str, Json]:
    """Return what an answer says again of its request."""
    settings: dict[str, Json] = {}
    for name, default in _SETTINGS.items():
        settings[name] = _said_or(getattr(said, name), default)
    return {**settings, "max_output_tokens": said.max_output_tokens, "previous_response_id": None, "background": False, "store": False}


def _said_or(raw: msgspec.Raw, default: Json) -> Json:
    """Return a setting as the caller said it. Read, not passed: line ends between its tokens would break an event apart."""
    if raw is NOTHING:
        return default
    with suppress(*UNREADABLE):
        said: Json = msgspec.json.decode(raw)
        return default if said is None else said
    return default


def say(param: str | None, reason: str) -> str:
    """Return the sentence for a field that is not as it should be (see `json_fields`)."""
    if reason in (MISSING, TWICE):
        return f"'{param}' {'is required' if reason == MISSING else 'is given twice'}."
    return f"'{param}' is not valid: {reason}." if param else f"The body is not valid{' ' if reason.startswith('JSON') else ': '}{reason}."
