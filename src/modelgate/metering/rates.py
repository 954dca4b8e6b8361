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

A writer looks at the others' cells at each request once a limit is near, and else every `LOOK_S`: in that time nobody can admit so many
that the limit would be passed unseen, so that requests in between are only counted.
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

from modelgate.core.errors import Overloaded, RateExceeded
from modelgate.core.rates import RateFacts
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
FULL_DISK_RETRY_S = 30.0
LOOK_S = 0.01
FAR_REQUESTS = 1_000
FAR_TOKENS = 10_000_000
"""A limit is far while so much is left for each writer: several times what one admits and counts in `LOOK_S`."""
KEPT_TEMPLATES = 4_096
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
        elapsed_s, requests, tokens = self.elapsed_s, self.request_limit, self.token_limit
        if requests is not None and tokens is not None and self.requests and self.tokens:  # the usual case, in one go
            requests_left, tokens_left = requests - self.requests, tokens - self.tokens
            if self.old_requests or self.old_tokens:
                rest = 1.0 - elapsed_s / WINDOW_S
                requests_left -= ceil(self.old_requests * rest)
                tokens_left -= ceil(self.old_tokens * rest)
            if requests_left >= 0 <= tokens_left:
                limits = (requests, tokens, ceil((2 * WINDOW_S - elapsed_s) * 10))
                return (_templates.get(limits) or _both_templates(limits)) % (requests_left, tokens_left)
        template = b""
        left: tuple[int, ...] = ()
        if requests is not None:
            requests_left, tenths = _told(requests, self.requests, self.old_requests, elapsed_s=elapsed_s)
            template, left = _template("requests", requests, tenths), (requests_left,)
        if tokens is not None:
            tokens_left, tenths = _told(tokens, self.tokens, self.old_tokens, elapsed_s=elapsed_s)
            template += _template("tokens", tokens, tenths)
            left = (*left, tokens_left)
        return template % left

    def facts(self) -> RateFacts:
        """Return the same for dialects that tell it otherwise."""
        requests_left, request_tenths = _told(self.request_limit or 0, self.requests, self.old_requests, elapsed_s=self.elapsed_s)
        tokens_left, token_tenths = _told(self.token_limit or 0, self.tokens, self.old_tokens, elapsed_s=self.elapsed_s)
        return RateFacts(
            request_limit=self.request_limit,
            requests_left=requests_left,
            requests_reset_s=request_tenths / 10,
            token_limit=self.token_limit,
            tokens_left=tokens_left,
            tokens_reset_s=token_tenths / 10,
        )


_templates: dict[tuple[int, int, int], bytes] = {}  # what it keeps is only work saved; looking into it costs half of what `lru_cache` does


def _both_templates(limits: tuple[int, int, int]) -> bytes:
    """Return the lines of both dimensions but for what is left, by the limits and the tenths of a second until nothing counts."""
    requests, tokens, tenths = limits
    if len(_templates) >= KEPT_TEMPLATES:
        _templates.clear()
    made = _templates[limits] = _template("requests", requests, tenths) + _template("tokens", tokens, tenths)
    return made


def _told(limit: int, current: int, previous: int, *, elapsed_s: float) -> tuple[int, int]:
    """Return what is left of a limit, and in how many tenths of a second (upwards) nothing counts any more."""
    left = limit - current
    tenths = ceil((2 * WINDOW_S - elapsed_s) * 10) if current else 0
    if previous:
        left -= ceil(previous * (1.0 - elapsed_s / WINDOW_S))
        tenths = tenths or ceil((WINDOW_S - elapsed_s) * 10)
    return (left if left > 0 else 0), tenths


@lru_cache(maxsize=KEPT_TEMPLATES)
def _template(dimension: str, limit: int, tenths: int) -> bytes:
    """Return the lines of one dimension but for what is left: they stay the same for a tenth of a second."""
    return (
        f"x-ratelimit-limit-{dimension}: {limit}\r\n"
        f"x-ratelimit-remaining-{dimension}: %d\r\n"
        f"x-ratelimit-reset-{dimension}: {render_duration(tenths / 10)}\r\n"
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


class _Place:
    """Where a key is counted, and what was found there: our own cell is ours alone, so its counts need no reading.

    `since` and `until` bound the minute it stands for; `elsewhere` is what the others' cells held when they were added up. Until
    `far_until` no limit can be reached, whatever is admitted here and elsewhere.
    """

    __slots__ = (
        "at_requests",
        "at_tokens",
        "cell",
        "elsewhere",
        "far_until",
        "mark",
        "old_requests",
        "old_tokens",
        "others_requests",
        "others_tokens",
        "own_old_requests",
        "own_old_tokens",
        "requests",
        "since",
        "slot",
        "start",
        "tokens",
        "until",
    )

    def __init__(self, *, mark: int, slot: int, start: int, cell: int) -> None:
        self.mark = mark
        self.slot = slot
        self.start = start
        self.cell = cell
        self.since = self.until = 0.0  # no minute yet
        self.elsewhere: bytes | None = None
        self.far_until = 0.0
        self.at_requests = self.at_tokens = 0
        self.requests = self.tokens = self.own_old_requests = self.own_old_tokens = 0
        self.others_requests = self.others_tokens = self.old_requests = self.old_tokens = 0


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
        self._places: dict[str, _Place] = {}
        self._holders: dict[int, _Place] = {}  # by slot: whose counts are in our cell
        self._before, self._after = writer * CELL_WORDS * WORD_BYTES, (writers - writer - 1) * CELL_WORDS * WORD_BYTES
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
        place = self._places.get(key.id)
        if place is None or place.slot != key.slot:
            place = self._place(key)
        since = place.since
        if since <= now < place.far_until:
            requests = place.requests = self._words[place.at_requests] = place.requests + 1
            tokens = place.tokens + place.others_tokens
            return RateState(rpm, tpm, requests + place.others_requests, place.old_requests, tokens, place.old_tokens, now - since)
        if not since <= now < place.until:
            self._begin_minute(place, now)
        self._look(place, rpm, tpm, now=now)
        elapsed_s = now - place.since
        requests, tokens = place.requests + place.others_requests, place.tokens + place.others_tokens
        over = ""
        if rpm is not None and requests + place.old_requests * (1.0 - elapsed_s / WINDOW_S) > rpm - 1:
            over = "requests"
        elif tpm is not None and tokens + place.old_tokens * (1.0 - elapsed_s / WINDOW_S) > tpm - 1:
            over = "tokens"
        else:
            place.requests = self._words[place.at_requests] = place.requests + 1
            requests += 1
        state = RateState(rpm, tpm, requests, place.old_requests, tokens, place.old_tokens, elapsed_s)
        if over:
            raise _exceeded(over, state)
        return state

    def add_tokens(self, key: ApiKey, tokens: int, *, now: float) -> None:
        """Count the tokens of an answer that ended; nothing for a key without a token limit."""
        if key.tpm is None or tokens <= 0:
            return
        place = self._places.get(key.id)
        if place is None or place.slot != key.slot:
            place = self._place(key)
        if not place.since <= now < place.until:
            self._begin_minute(place, now)
        counted = place.tokens + tokens
        place.tokens = self._words[place.at_tokens] = counted if counted < MAX_COUNT else MAX_COUNT

    def close(self) -> None:
        """Unmap the file; what was counted stays for the others."""
        self._words.release()
        if self._map is not None:
            self._map.close()
        os.close(self._descriptor)

    def _place(self, key: ApiKey) -> _Place:
        """Return where a key is counted; remembered while there is room."""
        if key.slot >= self._slots:
            try:
                self._grow(key.slot + 1)
            except OSError:
                raise Overloaded(retry_after_s=FULL_DISK_RETRY_S) from None
        start = HEADER_WORDS + key.slot * self._writers * CELL_WORDS
        if len(self._places) >= MAX_PLACES:
            self._places.clear()
            self._holders.clear()
        mark = crc32(key.id.encode()) | MARKED
        place = self._places[key.id] = _Place(mark=mark, slot=key.slot, start=start, cell=start + self._writer * CELL_WORDS)
        return place

    def _begin_minute(self, place: _Place, now: float) -> None:
        """Have the place stand for the minute of `now`; our cell is emptied of what another minute or another key left there."""
        before = self._holders.get(place.slot)
        if before is not None and before is not place:
            before.since = before.until = before.far_until = 0.0  # should its key be heard of again, it begins anew
        self._holders[place.slot] = place
        minute = int(now // WINDOW_S)
        place.since, place.until = minute * WINDOW_S, (minute + 1) * WINDOW_S
        bucket = self._bucket(place.cell, place.mark, minute)
        place.at_requests, place.at_tokens = bucket + _REQUESTS, bucket + _TOKENS
        place.requests, place.tokens = self._words[place.at_requests], self._words[place.at_tokens]
        last = place.cell + _BUCKETS + (~minute & 1) * _BUCKET_WORDS
        is_fresh = self._words[last] == minute - 1
        place.own_old_requests = self._words[last + _REQUESTS] if is_fresh else 0
        place.own_old_tokens = self._words[last + _TOKENS] if is_fresh else 0
        place.elsewhere = None
        place.far_until = 0.0

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

    def _look(self, place: _Place, rpm: int | None, tpm: int | None, *, now: float) -> None:
        """Look at what the others have counted."""
        if self._elsewhere(place) != place.elsewhere:
            self._add_up(place)
        requests_left = (MAX_COUNT if rpm is None else rpm) - place.requests - place.others_requests - place.old_requests
        tokens_left = (MAX_COUNT if tpm is None else tpm) - place.tokens - place.others_tokens - place.old_tokens
        is_far = requests_left > FAR_REQUESTS * self._writers and tokens_left > FAR_TOKENS * self._writers
        place.far_until = min(now + LOOK_S, place.until) if is_far else 0.0

    def _elsewhere(self, place: _Place) -> bytes:
        """Return the cells of the other writers, as they are now."""
        assert self._map is not None
        own = place.cell * WORD_BYTES
        behind = own + CELL_WORDS * WORD_BYTES
        return self._map[own - self._before : own] + self._map[behind : behind + self._after]

    def _add_up(self, place: _Place) -> None:
        """Sum the cells of the other writers, for the place's minute and the one before."""
        place.elsewhere = raw = self._elsewhere(place)
        minute = int(place.since // WINDOW_S)
        requests = tokens = old_requests = old_tokens = 0
        this, last = _BUCKETS + (minute & 1) * _BUCKET_WORDS, _BUCKETS + (~minute & 1) * _BUCKET_WORDS
        for at in range(0, len(raw), CELL_WORDS * WORD_BYTES):
            cell = struct.unpack_from(f"{CELL_WORDS}Q", raw, at)
            if cell[0] != place.mark:
                continue
            if cell[this] == minute:
                requests += cell[this + _REQUESTS]
                tokens += cell[this + _TOKENS]
            if cell[last] == minute - 1:
                old_requests += cell[last + _REQUESTS]
                old_tokens += cell[last + _TOKENS]
        place.others_requests, place.others_tokens = requests, tokens
        place.old_requests, place.old_tokens = old_requests + place.own_old_requests, old_tokens + place.own_old_tokens

    def _grow(self, slots: int) -> None:
        """Map at least so many slots. The file only ever grows.

        Raises:
            OSError: the disk is full. Room is taken beforehand: a write to a mapped page that has none on disk kills the process (SIGBUS).
        """
        if slots > MAX_SLOTS:
            raise ValueError(f"slot {slots - 1} is beyond the {MAX_SLOTS} that are counted")
        slots = -(-slots // GROWTH_SLOTS) * GROWTH_SLOTS
        size = (HEADER_WORDS + slots * self._writers * CELL_WORDS) * WORD_BYTES
        os.posix_fallocate(self._descriptor, 0, size)  # never cuts off what another has grown meanwhile
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


def _exceeded(dimension: str, state: RateState) -> RateExceeded:
    if dimension == "requests":
        limit, window = state.request_limit, Window(state.requests, state.old_requests, state.elapsed_s)
    else:
        limit, window = state.token_limit, Window(state.tokens, state.old_tokens, state.elapsed_s)
    assert limit is not None
    wait_s = max(window.wait_s(limit - 1), MIN_RETRY_S)
    return RateExceeded(
        f"Rate limit reached for this API key: {limit} {dimension} per minute. Try again in {render_duration(wait_s)}.",
        dimension=dimension,
        retry_after_s=wait_s,
        header_lines=state.header_lines(),
        rates=state.facts(),
    )
