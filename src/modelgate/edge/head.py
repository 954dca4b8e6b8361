"""Request heads: one strict grammar over the raw bytes, then the few headers that decide framing.

The grammar is RFC 9112 without its obsolete leniencies: no bare LF, no folded lines, no space before a colon, no
control characters. One regular expression checks a whole head in about a microsecond, and what it lets pass may be
searched as raw bytes ever after. Two parsers that disagree about a request are how smuggling works, so there is one.
"""

import re
from typing import TypeVar

import msgspec

from modelgate.core.errors import ExpectationFailed, HeadTooLarge, InvalidRequest, MethodNotAllowed
from modelgate.core.http import HeaderBlock

CHUNKED = -1
"""The `length` of a body that comes in chunks."""

MIN_HEADER_BYTES = len(b"a:\r\n")

Buffer = TypeVar("Buffer", bytes, bytearray)

_LINES = rb"(?:[!#$%&'*+\-.^_`|~0-9A-Za-z]++:[\t -~\x80-\xff]*+\r\n)*+"
_HEAD = re.compile(rb"([A-Z]{1,20}+) ([!\"$-~]++) HTTP/1\.([01])\r\n(" + _LINES + rb")\r\n")
_DECISIVE = re.compile(rb"\r\n(host|content-length|transfer-encoding|connection|expect|authorization|origin):[ \t]*([^\r]*)")
_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*([0-9]+)(?=\r\n)", re.IGNORECASE)
_HOST_BYTES = b"abcdefghijklmnopqrstuvwxyz0123456789.-_~%!$&'()*+,;=:[]"
MAX_LENGTH_DIGITS = 18
_TARGET = re.compile(rb"[A-Z]{1,20} (?:(?i:https?)://[^/?# ]*)?(/[!-~]*)")
_ABSOLUTE = re.compile(r"https?://[^/?]+([^?]*)(?:\?(.*))?", re.IGNORECASE | re.DOTALL)
_FLAW = re.compile(rb"[^\r]\n|\r[^\n]|\0")

SLASH = ord("/")
QUESTION_MARK = ord("?")
UNUSUAL_METHODS = ("HEAD", "OPTIONS")


class Head(msgspec.Struct, kw_only=True, gc=False):
    """A checked request head, `size` bytes long.

    `length` is the body's, or `CHUNKED`; `modern` means HTTP/1.1; `origin`: a browser asks. `usual`: a whole answer needs no
    header line but its length, and has a body.
    """

    method: str
    path: str
    query: str
    headers: HeaderBlock
    size: int
    length: int
    modern: bool
    keep_alive: bool
    expects_continue: bool
    origin: bool
    usual: bool


NO_HEAD = Head(
    method="",
    path="",
    query="",
    headers=HeaderBlock(),
    size=0,
    length=0,
    modern=True,
    keep_alive=False,
    expects_continue=False,
    origin=False,
    usual=False,
)
"""Before the first request of a connection."""


def parse_head(data: bytes, max_headers: int) -> Head | None:
    """Return the head that `data` begins with; None when no whole and strict HTTP/1.x head is there.

    Raises:
        InvalidRequest: the head is strict HTTP, but its framing, host or expectation is not acceptable; its status tells.
    """
    matched = _HEAD.match(data)
    if matched is None:
        return None
    verb, target, minor, lines = matched.groups()
    if len(lines) > MIN_HEADER_BYTES * max_headers and lines.count(b"\r\n") > max_headers:
        raise HeadTooLarge(f"More than {max_headers} headers.")
    lower = b"\r\n" + lines.lower()
    pairs = _DECISIVE.findall(lower)
    found: dict[bytes, bytes] = dict(pairs)
    if len(found) != len(pairs):
        _settle_doubles(pairs, found)
    modern = minor == b"1"
    host = found.get(b"host")
    if host is None:
        if modern:
            raise InvalidRequest("The Host header is missing.")
    elif host.translate(None, _HOST_BYTES) and host.rstrip().translate(None, _HOST_BYTES):
        raise InvalidRequest("The Host header is not a host.")
    method, path, query = verb.decode("ascii"), target.decode("ascii"), ""
    if target[0] != SLASH:
        path, query = _split_target(method, path)
    elif QUESTION_MARK in target:
        path, _, query = path.partition("?")
    keep_alive = modern and (b"connection" not in found or not _says_close(found[b"connection"]))
    origin = b"origin" in found
    return Head(
        method=method,
        path=path,
        query=query,
        headers=HeaderBlock(lines, lower),
        size=matched.end(),
        length=_body_length(found, modern),
        modern=modern,
        keep_alive=keep_alive,
        expects_continue=b"expect" in found and _expects_continue(found[b"expect"], modern),
        origin=origin,
        usual=keep_alive and not origin and method not in UNUSUAL_METHODS,
    )


def around_length(head: bytes) -> tuple[bytes, bytes]:
    """Return what stands before and behind the digits of a checked head's Content-Length; both empty where it has none, or more in it."""
    found = _LENGTH.search(head)
    return (head[: found.start(1)], head[found.end(1) :]) if found is not None else (b"", b"")


def take_resized(head: Head, data: bytes, around: tuple[bytes, bytes]) -> bool:
    """Have `head` stand for the one that data begins with, if that differs from it in the digits of Content-Length alone.

    Most clients send one head again and again, but for the length of what they ask.
    """
    before, behind = around
    if not before or not data.startswith(before):
        return False
    start = len(before)
    end = data.find(b"\r", start, start + MAX_LENGTH_DIGITS + 1)
    if end < 0 or not data[start:end].isdigit() or not data.startswith(behind, end):
        return False
    head.length = int(data[start:end])
    head.size = size = end + len(behind)
    head.headers = head.headers.resized(data[data.index(b"\r\n") + 2 : size - 2])
    return True


def skip_empty_lines(data: Buffer) -> Buffer:
    """Return the data without empty lines before a request, which RFC 9112 section 2.2 wants ignored."""
    start = 0
    while data[start : start + 2] == b"\r\n":
        start += 2
    return data[start:]


def find_flaw(data: bytes | bytearray, start: int) -> bool:
    """Tell whether an unfinished head can no longer become a good one; what comes before `start` was looked at before."""
    if data and not 65 <= data[0] <= 90:  # a method is upper case; 0x16 here is a TLS client on a plain port
        return True
    return _FLAW.search(data, max(start - 1, 0)) is not None


def guess_path(data: bytes | bytearray) -> str:
    """Return the path a refused head seems to ask for, so that the refusal is in its dialect; empty when there is none."""
    matched = _TARGET.match(data)
    return matched.group(1).partition(b"?")[0].decode("ascii") if matched else ""


def _settle_doubles(pairs: list[tuple[bytes, bytes]], found: dict[bytes, bytes]) -> None:
    """A header that may come once came twice: refuse. Connection is a list and is joined."""
    for name in found:
        values = [value for other, value in pairs if other == name]
        if name == b"connection":
            found[name] = b",".join(values)
        elif len(values) > 1:
            raise InvalidRequest(f"The header {name.decode('ascii')} came more than once.")


def _body_length(found: dict[bytes, bytes], modern: bool) -> int:
    length = found.get(b"content-length")
    if b"transfer-encoding" in found:
        if length is not None:
            raise InvalidRequest("Content-Length and Transfer-Encoding exclude each other.")
        if not modern or found[b"transfer-encoding"].rstrip() != b"chunked":
            raise InvalidRequest("Transfer-Encoding can only be 'chunked', and only in HTTP/1.1.")
        return CHUNKED
    if length is None:
        return 0
    digits = length.rstrip()
    if not digits.isdigit() or len(digits) > MAX_LENGTH_DIGITS:
        raise InvalidRequest("Content-Length must be one decimal number.")
    return int(digits)


def _says_close(value: bytes) -> bool:
    return any(option.strip() == b"close" for option in value.split(b","))


def _expects_continue(value: bytes, modern: bool) -> bool:
    if value.strip() != b"100-continue":
        raise ExpectationFailed
    return modern


def _split_target(method: str, target: str) -> tuple[str, str]:
    """Return (path, query) of a request target that is no path (RFC 9112 section 3.2)."""
    if method == "CONNECT":
        raise MethodNotAllowed("CONNECT is not served here.")
    if target == "*" and method == "OPTIONS":
        return "*", ""
    matched = _ABSOLUTE.fullmatch(target)
    if matched is None:
        raise InvalidRequest("The request target is not a path.")
    return matched.group(1) or "/", matched.group(2) or ""
