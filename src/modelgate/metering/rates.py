"""Requests and tokens per minute of each key, counted in memory shared by all relays of a node.

One file (`run/rates`) is mapped by every relay and the desk. A key's slot has one cell per writer; a writer changes only its
own cell and reads the others', so nothing is locked. A cell holds the key it counts for and two buckets, one for odd and one
for even minutes. What counts against a limit is a sliding window: this minute plus the part of the last one that still lies
within sixty seconds.

How far a limit can be overshot:

* requests: two writers that look at the same instant do not see each other, so at most (writers - 1) requests per instant
  at which the limit is reached. The window assumes the last minute's requests came evenly; those bunched at its end may let
  through up to once the limit more within some sixty seconds.
* tokens: known only when an answer ends. A request is admitted while the window is below the limit, so the overshoot is
  what the requests then in flight will use.
* several nodes: each counts its own, the limit holds per node.
"""

import fcntl
import mmap
import os
import struct
from binascii import crc32
from math import ceil
from pathlib import Path

import msgspec

from modelgate.core.errors import RateExceeded
from modelgate.core.records import ApiKey

WINDOW_S = 60.0
WORD_BYTES = 8
CELL_WORDS = 8
"""One cache line: key, then (minute, requests, tokens) twice, and a spare word."""
HEADER_WORDS = 512
"""The first page: `MAGIC`, and how many writers a slot has cells for."""
MAGIC = 0x4D47_5241_5445_0001
GROWTH_SLOTS = 1_024
MAX_SLOTS = 4_000_000
MAX_WRITERS = 128
MAX_COUNT = 2**62
"""Counts stop here rather than overflow a cell."""
MIN_RETRY_S = 0.001

MARKED = 1 << 32
"""Set in what stands for a key in its cell (the CRC-32 of its id: the same in every process), so that it is never zero."""

_BUCKETS = 1
"""Words of a cell: the key, then the buckets. Words of a bucket: the minute, requests, tokens."""
_REQUESTS, _TOKENS, _BUCKET_WORDS = 1, 2, 3


class Window(msgspec.Struct, frozen=True):
    """Use of one dimension: `current` in this minute, `previous` in the last, `elapsed_s` of this one gone."""

    current: int
    previous: int
    elapsed_s: float

    @property
    def used(self) -> float:
        """What counts against the limit now."""
        return self.current + self.previous * (1.0 - self.elapsed_s / WINDOW_S)

    def wait_s(self, allowed: float) -> float:
        """Return the seconds until use has fallen to `allowed`, if nothing is added meanwhile."""
        if allowed < 0:
            return WINDOW_S
        if self.used <= allowed:
            return 0.0
        if self.current <= allowed:
            return WINDOW_S * (1.0 - (allowed - self.current) / self.previous) - self.elapsed_s
        return WINDOW_S - self.elapsed_s + WINDOW_S * (1.0 - allowed / self.current)

    def reset_s(self) -> float:
        """Return the seconds until nothing counts any more."""
        if self.current:
            return 2 * WINDOW_S - self.elapsed_s
        return WINDOW_S - self.elapsed_s if self.previous else 0.0


class RateState(msgspec.Struct, frozen=True):
    """What to tell the caller of an admitted request; a limit of None is not there."""

    request_limit: int | None
    token_limit: int | None
    requests: Window
    tokens: Window

    def header_lines(self) -> bytes:
        """Return the `x-ratelimit-*` header lines as they go on the wire, durations in Go's style: `1s`, `6m0s`, `12ms`."""
        lines = b""
        if self.request_limit is not None:
            lines = _header_lines("requests", self.request_limit, self.requests)
        if self.token_limit is not None:
            lines += _header_lines("tokens", self.token_limit, self.tokens)
        return lines

    def headers(self) -> tuple[tuple[str, str], ...]:
        """Return the same headers as pairs."""
        pairs = (line.partition(": ") for line in self.header_lines().decode().split("\r\n") if line)
        return tuple((name, value) for name, _, value in pairs)


def _header_lines(dimension: str, limit: int, window: Window) -> bytes:
    return (
        f"x-ratelimit-limit-{dimension}: {limit}\r\n"
        f"x-ratelimit-remaining-{dimension}: {max(0, limit - ceil(window.used))}\r\n"
        f"x-ratelimit-reset-{dimension}: {render_duration(window.reset_s())}\r\n"
    ).encode()


def render_duration(seconds: float) -> str:
    """Return a duration as Go prints it: `0s`, `12ms`, `1.5s`, `6m0s`."""
    milliseconds = ceil(seconds * 1000)
    if milliseconds <= 0:
        return "0s"
    if milliseconds < 1000:
        return f"{milliseconds}ms"
    minutes, rest = divmod(milliseconds, 60_000)
    whole, part = divmod(rest, 1000)
    text = f"{whole}.{part:03d}".rstrip("0") if part else str(whole)
    return f"{minutes}m{text}s" if minutes else f"{text}s"


class RateCounters:
    """The counters of one writer (a relay by its index, or the desk) and its view of the others'.

    A restarted writer takes its index over with the counts that are there. Slots handed to a new key start clean.
    """

    def __init__(self, path: Path, *, writer: int, writers: int) -> None:
        """Map the file, making it when there is none or when it was made for another number of writers.

        Raises:
            ValueError: `writer` is not below `writers`, or these are too many.
            OSError: the file cannot be made or mapped.
        """
        if not 0 <= writer < writers <= MAX_WRITERS:
            raise ValueError(f"writer {writer} of {writers} (at most {MAX_WRITERS})")
        self._writer, self._writers = writer, writers
        self._descriptor = _open(path, writers)
        self._slots = 0
        self._map: mmap.mmap | None = None
        self._words: memoryview = memoryview(b"").cast("Q")
        self._grow(1)

    def admit(self, key: ApiKey, *, now: float) -> RateState | None:
        """Count a request, or refuse it. Returns None, at no cost, for a key without limits.

        Raises:
            RateExceeded: with the dimension and when it is worth trying again; a refused request is not counted.
        """
        if key.rpm is None and key.tpm is None:
            return None
        mark = crc32(key.id.encode()) | MARKED
        cell = self._cell(key.slot, mark)
        minute = int(now // WINDOW_S)
        requests, tokens = self._windows(key.slot, mark, minute=minute, elapsed_s=now - minute * WINDOW_S)
        if key.rpm is not None and requests.used > key.rpm - 1:
            raise _exceeded("requests", key.rpm, requests.wait_s(key.rpm - 1), RateState(key.rpm, key.tpm, requests, tokens))
        if key.tpm is not None and tokens.used > key.tpm - 1:
            raise _exceeded("tokens", key.tpm, tokens.wait_s(key.tpm - 1), RateState(key.rpm, key.tpm, requests, tokens))
        self._words[self._bucket(cell, minute) + _REQUESTS] += 1
        return RateState(key.rpm, key.tpm, Window(requests.current + 1, requests.previous, requests.elapsed_s), tokens)

    def add_tokens(self, key: ApiKey, tokens: int, *, now: float) -> None:
        """Count the tokens of an answer that ended; nothing for a key without a token limit."""
        if key.tpm is None or tokens <= 0:
            return
        cell = self._cell(key.slot, crc32(key.id.encode()) | MARKED)
        at = self._bucket(cell, int(now // WINDOW_S)) + _TOKENS
        self._words[at] = min(self._words[at] + tokens, MAX_COUNT)

    def close(self) -> None:
        """Unmap the file; what was counted stays for the others."""
        self._words.release()
        if self._map is not None:
            self._map.close()
        os.close(self._descriptor)

    def _cell(self, slot: int, mark: int) -> int:
        """Return where this writer's cell of a slot starts, cleared if another key was counted there."""
        if slot >= self._slots:
            self._grow(slot + 1)
        at = HEADER_WORDS + (slot * self._writers + self._writer) * CELL_WORDS
        words = self._words
        if words[at] != mark:
            words[at] = 0  # nobody believes the cell until it is clean
            for word in range(at + _BUCKETS, at + CELL_WORDS):
                words[word] = 0
            words[at] = mark
        return at

    def _bucket(self, cell: int, minute: int) -> int:
        """Return where the minute's bucket of our cell starts, emptied if it held another minute."""
        words = self._words
        at = cell + _BUCKETS + (minute & 1) * _BUCKET_WORDS
        if words[at] != minute:
            words[at] = 0  # as above: readers skip a bucket that is being emptied
            words[at + _REQUESTS] = words[at + _TOKENS] = 0
            words[at] = minute
        return at

    def _windows(self, slot: int, mark: int, *, minute: int, elapsed_s: float) -> tuple[Window, Window]:
        """Sum the cells of all writers into (requests, tokens)."""
        words = self._words
        requests = tokens = old_requests = old_tokens = 0
        this, last = _BUCKETS + (minute & 1) * _BUCKET_WORDS, _BUCKETS + (~minute & 1) * _BUCKET_WORDS
        start = HEADER_WORDS + slot * self._writers * CELL_WORDS
        for cell in range(start, start + self._writers * CELL_WORDS, CELL_WORDS):
            if words[cell] != mark:
                continue
            if words[cell + this] == minute:
                requests += words[cell + this + _REQUESTS]
                tokens += words[cell + this + _TOKENS]
            if words[cell + last] == minute - 1:
                old_requests += words[cell + last + _REQUESTS]
                old_tokens += words[cell + last + _TOKENS]
        return Window(requests, old_requests, elapsed_s), Window(tokens, old_tokens, elapsed_s)

    def _grow(self, slots: int) -> None:
        """Map at least so many slots. The file only ever grows, and untouched pages take no memory."""
        if slots > MAX_SLOTS:
            raise ValueError(f"slot {slots - 1} is beyond the {MAX_SLOTS} that are counted")
        slots = -(-slots // GROWTH_SLOTS) * GROWTH_SLOTS
        size = (HEADER_WORDS + slots * self._writers * CELL_WORDS) * WORD_BYTES
        fcntl.flock(self._descriptor, fcntl.LOCK_EX)  # two that grow at once must not cut each other's part off
        try:
            if os.fstat(self._descriptor).st_size < size:
                os.ftruncate(self._descriptor, size)
        finally:
            fcntl.flock(self._descriptor, fcntl.LOCK_UN)
        self._words.release()
        if self._map is not None:
            self._map.close()
        self._map = mmap.mmap(self._descriptor, size)
        self._words = memoryview(self._map).cast("Q")
        self._slots = slots


def _open(path: Path, writers: int) -> int:
    """Open the file under its lock, replacing one of another shape as a whole: who still maps the old one keeps it."""
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        try:
            current = path.stat().st_ino == os.fstat(descriptor).st_ino
        except FileNotFoundError:
            current = False
        header = struct.pack("=QQ", MAGIC, writers)
        found = os.pread(descriptor, len(header), 0) if current else b""
        if current and found in (b"", header):
            os.pwrite(descriptor, header, 0)
            fcntl.flock(descriptor, fcntl.LOCK_UN)
            return descriptor
        if current:
            path.unlink()
        os.close(descriptor)


def _exceeded(dimension: str, limit: int, wait_s: float, state: RateState) -> RateExceeded:
    wait_s = max(wait_s, MIN_RETRY_S)
    return RateExceeded(
        f"Rate limit reached for this API key: {limit} {dimension} per minute. Try again in {render_duration(wait_s)}.",
        dimension=dimension,
        retry_after_s=wait_s,
        header_lines=state.header_lines(),
    )
