"""What is looked at in a request before anything is decided. Cheap: the body is decoded once, skipping most of it, and searched."""

import re

import msgspec

from modelgate.core.http import HttpRequest
from modelgate.formats.chat import carried
from modelgate.formats.chat.wire_format import ChatPeek
from modelgate.formats.json_fields import LARGE_BODY_BYTES, count_quoted, has_quoted, holds_only_model, refuse_twins
from modelgate.formats.openai_chat.request import count_images, look, say
from modelgate.formats.openai_chat.schema import Peek, limit_of

_CARRIED_MARK = carried.MARK.encode()
_NOTABLE = re.compile(b'"(?:model"|audio"|image_url"|%b)' % _CARRIED_MARK)
"""Words that ask for a closer look: one search for all of them, a fast one because they all begin alike. The name of the model is
among them because it may be said only once."""
_EMPTY = (b"", b"null", b"[]")
_PRICED = ("n", "max_tokens", "max_completion_tokens")
"""What the hold depends on besides the model."""


class _AudioId(msgspec.Struct, frozen=True):
    id: str = ""


class _AudioMessage(msgspec.Struct, frozen=True):
    role: str = ""
    audio: _AudioId | None = None


_decode_audio = msgspec.json.Decoder(_AudioMessage).decode


class RequestPeek(msgspec.Struct, eq=False):
    """A `ChatPeek` of this dialect. What few requests need is looked for when it is asked for.

    `is_common`: of pictures, sounds and another vendor's state there is not even a word.
    """

    found: Peek
    body: bytes | bytearray
    model: str
    stream: bool | None
    n: int | None
    output_limit: int | None
    is_common: bool
    _may_sound: bool | None
    _images: int

    @property
    def images(self) -> int:
        """An upper bound of the pictures in it."""
        if self._images < 0:
            self._images = count_images(self.body)
        return self._images

    @property
    def needs_hub(self) -> bool:
        """Whether ids of calls in it carry what belongs to another vendor."""
        if self.is_common:
            return False
        body = self.body
        return has_quoted(body, _CARRIED_MARK) and count_quoted(body, b"tool_calls") > 0

    @property
    def state(self) -> str:
        """The id of an earlier answer's sound that an assistant's turn refers to, or empty."""
        ids = self.audio_ids()
        return ids[0] if ids else ""

    def may_sound(self) -> bool:
        """Whether it speaks of sound at all: else no answer holds any."""
        if self._may_sound is None:
            body = self.body
            self._may_sound = body.find(b'"audio"') >= 0 if len(body) < LARGE_BODY_BYTES else count_quoted(body, b"audio") > 0
        return self._may_sound

    def audio_ids(self) -> list[str]:
        """Return the ids of sounds that assistants' turns refer to."""
        if not self.may_sound():
            return []
        ids: list[str] = []
        for message in self.found.messages:
            raw = memoryview(message)
            if b'"audio"' not in bytes(raw):
                continue
            try:
                read = _decode_audio(raw)
            except msgspec.DecodeError:
                continue
            if read.role == "assistant" and read.audio is not None and read.audio.id:
                ids.append(read.audio.id)
        return ids

    @property
    def includes_usage(self) -> bool:
        """Whether a streaming client wants the usage chunk."""
        options = self.found.stream_options
        return options is not None and bool(options.include_usage)

    @property
    def is_legacy(self) -> bool:
        """Whether tools are offered in the older form alone (`functions`), so that calls are told in it."""
        return bytes(self.found.functions) not in _EMPTY and bytes(self.found.tools) in _EMPTY

    @property
    def forces_call(self) -> bool:
        """Whether one named tool must be called; such an answer ends in `stop` though it holds a call."""
        choice = bytes(self.found.function_call if self.is_legacy else self.found.tool_choice)
        return choice[:1] == b"{" and b'"allowed_tools"' not in choice


def own(peek: ChatPeek) -> RequestPeek:
    """Return a peek that this dialect made, and no other can have."""
    assert isinstance(peek, RequestPeek)
    return peek


def is_plain(peek: ChatPeek) -> bool:
    """See `wire_format.is_plain`."""
    peeked = own(peek)
    return peeked.is_common and not peeked.stream


def peek_request(request: HttpRequest) -> RequestPeek:
    """Read what routing and money need.

    Raises:
        InvalidRequest: not JSON, a field of the wrong type or out of range, or one said twice; `param` names it.
    """
    body = request.body
    found = look(body)
    is_common = holds_only_model(body, _NOTABLE)
    if not is_common:
        refuse_twins(body, "model", say=say)
    if found.n is not None or found.max_tokens is not None or found.max_completion_tokens is not None:
        refuse_twins(body, *(name for name in _PRICED if getattr(found, name) is not None), say=say)
    limit = limit_of(found.max_completion_tokens, found.max_tokens)
    may_sound, images = (False, 0) if is_common else (None, -1)
    return RequestPeek(found, body, found.model, found.stream, found.n, limit, is_common, may_sound, images)
