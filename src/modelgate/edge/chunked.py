"""Request bodies in chunks, read strictly: every leniency here has been somebody's request smuggling."""

import re

from modelgate.core.errors import BodyTooLarge, InvalidRequest

MAX_LINE_BYTES = 1024
"""Longest chunk-size line, extension included, and longest trailer line."""
MAX_EXTENSION_BYTES = 16 * 1024
"""All chunk extensions of one body together: they carry nothing, so nobody needs more."""
MAX_TRAILER_BYTES = 8 * 1024

_SIZE = re.compile(rb"([0-9A-Fa-f]{1,8})(?:[ \t]*;([\t -~\x80-\xff]*))?\r\n")
_TRAILER = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+:[\t -~\x80-\xff]*\r\n")

_IN_SIZE, _IN_DATA, _AFTER_DATA, _IN_TRAILER, _DONE = range(5)


class ChunkedBody:
    """Collects one body. `body` is what came so far; `done` when the last chunk and the trailers are in."""

    __slots__ = ("_extension_bytes", "_left", "_max_bytes", "_pending", "_state", "_trailer_bytes", "body")

    def __init__(self, max_bytes: int) -> None:
        self.body = bytearray()
        self._max_bytes = max_bytes
        self._state = _IN_SIZE
        self._left = 0
        self._pending = b""
        self._extension_bytes = 0
        self._trailer_bytes = 0

    @property
    def done(self) -> bool:
        """Whether the body is complete."""
        return self._state == _DONE

    def feed(self, data: bytes) -> bytes:
        """Take bytes from the wire; return those behind the body's end (empty until `done`).

        Raises:
            BodyTooLarge: more than the bound.
            InvalidRequest: the framing is broken.
        """
        data = self._pending + data if self._pending else data
        position = 0
        while self._state != _DONE:
            if self._state == _IN_DATA:
                taken = data[position : position + self._left]
                self.body += taken
                position += len(taken)
                self._left -= len(taken)
                if self._left:
                    break
                self._state = _AFTER_DATA
                continue
            end = data.find(b"\n", position, position + MAX_LINE_BYTES) + 1
            if not end:
                self._check_partial(data, position)
                break
            self._take_line(data[position:end])
            position = end
        self._pending = b"" if self.done else data[position:]
        return data[position:] if self.done else b""

    def _check_partial(self, data: bytes, position: int) -> None:
        pending = len(data) - position
        if pending >= MAX_LINE_BYTES or (self._state == _AFTER_DATA and data[position:] not in (b"", b"\r")):
            raise InvalidRequest("The chunked body is broken.")

    def _take_line(self, line: bytes) -> None:
        if self._state == _IN_SIZE:
            self._take_size(line)
        elif self._state == _AFTER_DATA:
            if line != b"\r\n":
                raise InvalidRequest("A chunk is longer than its size says.")
            self._state = _IN_SIZE
        else:
            self._take_trailer(line)

    def _take_size(self, line: bytes) -> None:
        matched = _SIZE.fullmatch(line)
        if matched is None:
            raise InvalidRequest("A chunk size is not a hexadecimal number.")
        self._extension_bytes += len(matched.group(2) or b"")
        if self._extension_bytes > MAX_EXTENSION_BYTES:
            raise InvalidRequest("The chunk extensions are too long.")
        self._left = int(matched.group(1), 16)
        if len(self.body) + self._left > self._max_bytes:
            raise BodyTooLarge
        self._state = _IN_DATA if self._left else _IN_TRAILER

    def _take_trailer(self, line: bytes) -> None:
        """Trailers are checked and dropped: a header that arrives after the decision it belongs to is worth nothing."""
        if line == b"\r\n":
            self._state = _DONE
            return
        self._trailer_bytes += len(line)
        if self._trailer_bytes > MAX_TRAILER_BYTES or _TRAILER.fullmatch(line) is None:
            raise InvalidRequest("The trailers of the chunked body are broken.")
