"""Server-sent events, read from bytes that come split anywhere, and written.

Bytes are joined and searched as bytes and decoded only per complete event: characters and separators are cut by networks everywhere.
Source: the WHATWG HTML standard, section server-sent events, and what vendors send besides it.
"""

import re

import msgspec

MAX_EVENT_BYTES = 64 * 1024 * 1024
"""One event may hold a picture; a longer one ends the stream."""

_BLANK_LINE = re.compile(rb"\r\n\r\n|\n\n|\r\r")
_ENDS = (b"\n\n", b"\r\n\r\n", b"\r\r")
_FIELD_DATA = re.compile(rb"(?:^|\r\n|\n|\r)data:[ ]?([^\r\n]*)")
_FIELD_EVENT = re.compile(rb"(?:^|\r\n|\n|\r)event:[ ]?([^\r\n]*)")


class EventTooLong(Exception):
    """An event went beyond `MAX_EVENT_BYTES`."""


class Frame(msgspec.Struct, frozen=True, gc=False):
    """One event: its name (empty without one), its data, lines joined by line ends, and all of its bytes with the blank line."""

    event: bytes
    data: bytes
    raw: bytes


class Splitter:
    """Cuts a stream into runs of complete events. Joins only when a blank line may have come, so that a huge event costs its size."""

    __slots__ = ("_edge", "_parts", "_size")

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._size = 0
        self._edge = b""  # the last bytes that wait, for a blank line that comes in pieces

    def feed(self, data: bytes) -> bytes:
        """Take bytes, return the events that are complete now, one after another. Raises EventTooLong."""
        if not self._parts and data.endswith(_ENDS):
            return data
        self._parts.append(data)
        self._size += len(data)
        if self._size > MAX_EVENT_BYTES:
            raise EventTooLong
        last = self._edge + data
        if b"\n\n" not in last and b"\r\n\r\n" not in last and b"\r\r" not in last:
            self._edge = last[-3:]
            return b""
        whole = b"".join(self._parts)
        end = max(at + len(blank) for blank in _ENDS if (at := whole.rfind(blank)) >= 0)
        rest = whole[end:]
        self._edge = rest[-3:]
        self._parts = [rest] if rest else []
        self._size = len(rest)
        return whole[:end]

    def finish(self) -> bytes:
        """The stream ended; return what still waited for its blank line, made whole, empty when nothing did."""
        rest = b"".join(self._parts)
        self._parts, self._size, self._edge = [], 0, b""
        return rest + b"\n\n" if rest.strip() else b""


def split_events(data: bytes) -> list[bytes]:
    """Return complete events one by one, each with its blank line."""
    usual = _usual_end(data)
    if usual:  # a picture is searched several times faster so than by the pattern
        if data.find(usual) == len(data) - len(usual):
            return [data]
        *whole, rest = data.split(usual)
        return [event + usual for event in whole] + ([rest] if rest else [])
    events: list[bytes] = []
    start = 0
    for blank in _BLANK_LINE.finditer(data):
        events.append(data[start : blank.end()])
        start = blank.end()
    if start < len(data):
        events.append(data[start:])
    return events


def _usual_end(data: bytes) -> bytes:
    """Return the one blank line that ends the events of a run, empty where there may be several kinds."""
    if b"\r" not in data:
        return b"\n\n"
    return b"\r\n\r\n" if b"\n\n" not in data and b"\r\r" not in data else b""


def data_of(event: bytes) -> bytes:
    """Return the data of one event, its lines joined; empty for a comment."""
    line = event
    if event.startswith(b"event:"):
        name, _, rest = event.partition(b"\n")
        if b"\r" not in name[:-1]:
            line = rest
    if line.startswith(b"data:"):
        line = line[5:].rstrip(b"\r\n")
        if b"\n" not in line and b"\r" not in line:
            return line.removeprefix(b" ")
    return b"\n".join(_FIELD_DATA.findall(event))


def parse_frames(data: bytes) -> list[Frame]:
    """Return complete events read; comments have no data."""
    return [Frame(name_of(raw), data_of(raw), raw) for raw in split_events(data)]


def name_of(event: bytes) -> bytes:
    """Return the name of one event, empty without one."""
    if event.startswith(b"event:"):
        name = event[6 : event.find(b"\n")].removesuffix(b"\r")
        if b"\r" not in name:
            return name.removeprefix(b" ")
    found = _FIELD_EVENT.search(event) if b"event:" in event else None
    return found[1] if found else b""


def render_event(data: bytes, *, event: bytes = b"") -> bytes:
    """Return one event; `data` holds no line end."""
    return b"event: %b\ndata: %b\n\n" % (event, data) if event else b"data: %b\n\n" % data


def replace_data(event: bytes, data: bytes) -> bytes:
    """Return an event with other data; data on several lines goes on as several."""
    before = data_of(event)
    if before in event:
        return event.replace(before, data, 1)
    return b"data: %b\n\n" % data.replace(b"\n", b"\ndata: ")
