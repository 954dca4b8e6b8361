"""The tap on a passing stream: whole events go on at once, usage is read, the last words are held back.

The usual event costs a few substring searches in C and no JSON. An event that is not complete waits for its rest, so that
a usage-only chunk nobody asked for never leaks in halves.
"""

import re
from collections import deque

import msgspec

from modelgate.core.errors import ModelgateError
from modelgate.core.usage import Usage
from modelgate.formats.json_fields import UNREADABLE
from modelgate.formats.openai_chat.response import decode_answer, encode_error_body, has_no_choices, usage_of

MAX_EVENT_BYTES = 64 * 1024 * 1024
"""One event may hold a picture; a longer one ends the stream."""
KEEP_ALIVE = b": keep-alive\n\n"
"""A comment; official clients skip it."""

_BLANK_LINE = re.compile(rb"\r\n\r\n|\n\n|\r\r")
_FIELD_DATA = re.compile(rb"(?:^|\r\n|\n|\r)data:[ ]?([^\r\n]*)")
_MODEL = re.compile(rb'("model"\s*:\s*)"(?:[^"\\]|\\.)*"')
_RECENT_BLOCKS = 4


class EventTooLong(Exception):
    """An event went beyond `MAX_EVENT_BYTES`."""


class StreamTap:
    """Reads one chat stream as it passes.

    After `feed` said the end: `usage` is what the vendor counted (None: nothing credible), `final` holds the bytes kept
    back (the `[DONE]` event), `is_done` says that it came, `error` is a mid-stream error's JSON, `events` counts chunks.
    """

    __slots__ = ("_asked", "_edge", "_model", "_parts", "_recent", "_size", "error", "events", "final", "is_done", "usage")

    def __init__(self, *, usage_asked: bool, model: str | None = None) -> None:
        """`usage_asked`: the client wants the usage chunk. `model`: the name to put in place of the upstream's, or None."""
        self._asked = usage_asked
        self._model = None if model is None else msgspec.json.encode(model)
        self._parts: list[bytes] = []
        self._size = 0
        self._edge = b""  # the last bytes that wait, for a blank line that comes in pieces
        self._recent: deque[bytes] = deque(maxlen=_RECENT_BLOCKS)
        self.usage: Usage | None = None
        self.final = b""
        self.is_done = False
        self.error: bytes | None = None
        self.events = 0

    def feed(self, data: bytes) -> bytes:
        """Take bytes as they arrive, return those that may go on now. Raises EventTooLong."""
        if self.is_done:
            return b""
        if self._parts or data[-2:] not in (b"\n\n", b"\r\r"):
            data = self._complete_part(data)
            if not data:
                return b""
        self.events += data.count(b"data:")
        self._recent.append(data)
        is_plain = data.count(b'"usage"') == data.count(b'"usage":null') and b"[DONE]" not in data and b'"error"' not in data
        if is_plain:
            return data if self._model is None else _MODEL.sub(self._substitute, data)
        return b"".join([self._pass_event(event) for event in _split_events(data)])

    def finish(self) -> bytes:
        """Say that the stream is over; return what still waited for its blank line, made whole."""
        rest = b"".join(self._parts)
        self._parts, self._size, self._edge = [], 0, b""
        if not rest.strip() or self.is_done:
            return b""
        self._recent.append(rest)
        return self._pass_event(rest + b"\n\n")

    def is_complete(self) -> bool:
        """Return whether the answer came to its end: `[DONE]`, or a finish reason in the last events."""
        return self.is_done or re.search(rb'"finish_reason"\s*:\s*"', b"".join(self._recent)) is not None

    def _complete_part(self, data: bytes) -> bytes:
        """Return the events that are complete now; keep the rest. Joins only when a blank line may have come."""
        self._parts.append(data)
        self._size += len(data)
        if self._size > MAX_EVENT_BYTES:
            raise EventTooLong
        last = self._edge + data
        if b"\n\n" not in last and b"\r\n\r\n" not in last and b"\r\r" not in last:
            self._edge = last[-3:]
            return b""
        whole = b"".join(self._parts)
        end = max(at + len(blank) for blank in (b"\n\n", b"\r\n\r\n", b"\r\r") if (at := whole.rfind(blank)) >= 0)
        rest = whole[end:]
        self._edge = rest[-3:]
        self._parts = [rest] if rest else []
        self._size = len(rest)
        return whole[:end]

    def _pass_event(self, event: bytes) -> bytes:
        payload = b"\n".join(_FIELD_DATA.findall(event))
        if payload.startswith(b"[DONE]"):
            self.is_done = True
            self.final = event
            return b""
        if b'"error"' in payload and _is_error(payload):
            self.error = payload
            return event
        if b'"usage"' in payload:
            answer = decode_answer(payload)
            if answer is not None and answer.usage is not None:
                self.usage = usage_of(answer.usage) or self.usage
                if has_no_choices(answer) and not self._asked:
                    return b""
        return event if self._model is None else _MODEL.sub(self._substitute, event, count=1)

    def _substitute(self, match: re.Match[bytes]) -> bytes:
        assert self._model is not None
        return match[1] + self._model


def _split_events(data: bytes) -> list[bytes]:
    events: list[bytes] = []
    start = 0
    for blank in _BLANK_LINE.finditer(data):
        events.append(data[start : blank.end()])
        start = blank.end()
    if start < len(data):
        events.append(data[start:])
    return events


def _is_error(payload: bytes) -> bool:
    try:
        fields = msgspec.json.decode(payload, type=dict[str, msgspec.Raw])
    except UNREADABLE:
        return False
    return bytes(fields.get("error", msgspec.Raw(b"null"))) not in (b"null", b"false", b'""', b"{}")


def encode_stream_error(error: ModelgateError, request_id: str) -> bytes:
    """Return an error as one more event; the status went out long ago."""
    return b"data: " + encode_error_body(error, request_id) + b"\n\n"
