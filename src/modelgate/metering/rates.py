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
from functools import lru_cache
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
MAX_PLACES = 100_000
"""Keys whose cells are remembered; looking one up again is cheap."""

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


class RateState(msgspec.Struct, frozen=True, gc=False):
    """What to tell the caller of an admitted request; a limit of None is not there."""

    request_limit: int | None
    token_limit: int | None
    requests: int
    old_requests: int
    tokens: int
    old_tokens: int
    elapsed_s: float

    def header_lines(self) -> bytes:
        """Return the `x-ratelimit-*` header lines as they go on the wire, durations in Go's style: `1s`, `6m0s`, `12ms`."""
        lines = b""
        if self.request_limit is not None:
            lines = self._lines(b"requests", self.request_limit, self.requests, self.old_requests)
        if self.token_limit is not None:
            lines += self._lines(b"tokens", self.token_limit, self.tokens, self.old_tokens)
        return lines

    def _lines(self, dimension: bytes, limit: int, current: int, previous: int) -> bytes:
        elapsed_s = self.elapsed_s
        left = limit - current - (ceil(previous * (1.0 - elapsed_s / WINDOW_S)) if previous else 0)
        reset_s = 2 * WINDOW_S - elapsed_s if current else (WINDOW_S - elapsed_s if previous else 0.0)
        reset = _rendered_tenths(ceil(reset_s * 10))
        return b"x-ratelimit-limit-%b: %d\r\nx-ratelimit-remaining-%b: %d\r\nx-ratelimit-reset-%b: %b\r\n" % (
            dimension,
            limit,
            dimension,
            left if left > 0 else 0,
            dimension,
            reset,
        )


@lru_cache(maxsize=2 * 1_200 + 1)
def _rendered_tenths(tenths: int) -> bytes:
    # A reset is told to a tenth of a second, upwards: as many texts as there are tenths in two windows.
    return render_duration(tenths / 10).encode()


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
        self._places: dict[tuple[str, int], tuple[int, int, int]] = {}
        self._map: mmap.mmap | None = None
        self._words: memoryview = memoryview(b"").cast("Q")
        self._grow(1)

    def admit(self, key: ApiKey, *, now: float) -> RateState | None:
        """Count a request, or refuse it. Returns None, at no cost, for a key without limits.

        Raises:
            RateExceeded: with the dimension and when it is worth trying again; a refused request is not counted.
        """
        rpm, tpm = key.rpm, key.tpm
        if rpm is None and tpm is None:
            return None
        mark, start, cell = self._places.get((key.id, key.slot)) or self._place(key)
        minute = int(now // WINDOW_S)
        elapsed_s = now - minute * WINDOW_S
        bucket = self._bucket(cell, mark, minute)
        requests, old_requests, tokens, old_tokens = self._sums(start, mark, minute)
        if rpm is not None and requests + old_requests * (1.0 - elapsed_s / WINDOW_S) > rpm - 1:
            state = RateState(rpm, tpm, requests, old_requests, tokens, old_tokens, elapsed_s)
            raise _exceeded("requests", rpm, Window(requests, old_requests, elapsed_s), state)
        if tpm is not None and tokens + old_tokens * (1.0 - elapsed_s / WINDOW_S) > tpm - 1:
            state = RateState(rpm, tpm, requests, old_requests, tokens, old_tokens, elapsed_s)
            raise _exceeded("tokens", tpm, Window(tokens, old_tokens, elapsed_s), state)
        self._words[bucket + _REQUESTS] += 1
        return RateState(rpm, tpm, requests + 1, old_requests, tokens, old_tokens, elapsed_s)

    def add_tokens(self, key: ApiKey, tokens: int, *, now: float) -> None:
        """Count the tokens of an answer that ended; nothing for a key without a token limit."""
        if key.tpm is None or tokens <= 0:
            return
        mark, _, cell = self._places.get((key.id, key.slot)) or self._place(key)
        at = self._bucket(cell, mark, int(now // WINDOW_S)) + _TOKENS
        counted = self._words[at] + tokens
        self._words[at] = counted if counted < MAX_COUNT else MAX_COUNT

    def close(self) -> None:
        """Unmap the file; what was counted stays for the others."""
        self._words.release()
        if self._map is not None:
            self._map.close()
        os.close(self._descriptor)

    def _place(self, key: ApiKey) -> tuple[int, int, int]:
        """Return a key's mark, where its slot starts and where this writer's cell in it does; remembered while there is room."""
        if key.slot >= self._slots:
            self._grow(key.slot + 1)
        start = HEADER_WORDS + key.slot * self._writers * CELL_WORDS
        if len(self._places) >= MAX_PLACES:
            self._places.clear()
        place = self._places[key.id, key.slot] = (crc32(key.id.encode()) | MARKED, start, start + self._writer * CELL_WORDS)
        return place

    def _bucket(self, cell: int, mark: int, minute: int) -> int:
        """Return where the minute's bucket of our cell starts, emptied if it held another minute or another key's counts."""
        words = self._words
        if words[cell] != mark:
            words[cell] = 0  # nobody believes the cell until it is clean
            for word in range(cell + _BUCKETS, cell + CELL_WORDS):
                words[word] = 0
            words[cell] = mark
        at = cell + _BUCKETS + (minute & 1) * _BUCKET_WORDS
        if words[at] != minute:
            words[at] = 0  # as above: readers skip a bucket that is being emptied
            words[at + _REQUESTS] = words[at + _TOKENS] = 0
            words[at] = minute
        return at

    def _sums(self, start: int, mark: int, minute: int) -> tuple[int, int, int, int]:
        """Sum the cells of all writers: requests and old requests, tokens and old tokens."""
        requests = tokens = old_requests = old_tokens = 0
        row = self._words[start : start + self._writers * CELL_WORDS].tolist()  # one call instead of one for each word
        this, last = _BUCKETS + (minute & 1) * _BUCKET_WORDS, _BUCKETS + (~minute & 1) * _BUCKET_WORDS
        for cell in range(0, len(row), CELL_WORDS):
            if row[cell] != mark:
                continue
            if row[cell + this] == minute:
                requests += row[cell + this + _REQUESTS]
                tokens += row[cell + this + _TOKENS]
            if row[cell + last] == minute - 1:
                old_requests += row[cell + last + _REQUESTS]
                old_tokens += row[cell + last + _TOKENS]
        return requests, old_requests, tokens, old_tokens

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


def _exceeded(dimension: str, limit: int, window: Window, state: RateState) -> RateExceeded:
    wait_s = max(window.wait_s(limit - 1), MIN_RETRY_S)
    return RateExceeded(
        f"Rate limit reached for this API key: {limit} {dimension} per minute. Try again in {render_duration(wait_s)}.",
        dimension=dimension,
        retry_after_s=wait_s,
        header_lines=state.header_lines(),
    )
