"""What is kept of a stream so that its words can be counted, in case its upstream does not count them.

An event is some 250 bytes around a word of ten. So events that differ in their words alone are kept as one event that holds the words of
all: a thousand streams of a thousand words each are some 10 MB so, and were 300 as they came.
"""

import re

from modelgate.formats.sse import split_events

MAX_KEPT_BYTES = 256 * 1024
"""So much of a stream is kept; beyond it the number of its events tells."""
MAX_TRIES = 8
"""So often a stream is tried for events that differ in their words alone; some vendors' differ in more."""

_WORDS = re.compile(rb'[^"\\\x00-\x1f]*+(?:\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})[^"\\\x00-\x1f]*+)*+')
"""The inside of a JSON string. There are no quotes and line ends in it but as escapes, so nothing but words can be in there."""
_PADDING = b'"obfuscation":"'
"""OpenAI puts something of another length behind every word, so that words cannot be told from the sizes of packets."""


class KeptWords:
    """The events of one stream as far as they are kept. It is given complete ones."""

    __slots__ = (
        "_behind",
        "_between",
        "_end",
        "_field",
        "_is_open",
        "_kept",
        "_start",
        "_tail",
        "_tries",
        "before",
    )

    def __init__(self, field: re.Pattern[bytes]) -> None:
        """`field` finds what stands before the words of an event, up to and with the quote.

        `before` is what the events of a run begin with, up to their words; empty: none is remembered.
        """
        self._field = field
        self._kept = bytearray()
        self._is_open = False  # the last event in there still takes words
        self.before = self._behind = self._between = self._tail = b""
        self._start = self._end = 0
        self._tries = 0

    def take_run(self, data: bytes) -> int:
        """Keep events that are the remembered one but for their words; return how many, 0: there is something else among them.

        Nearly every event is one of these, and nothing else is asked about it.
        """
        start, end = self._start, self._end
        if not start or data[:start] != self.before:
            return 0
        if data[end:] == self._behind:
            words, events = data[start:end], 1
            if not _WORDS.fullmatch(words):
                pieces = words.split(self._behind + self.before)
                words, events = b"".join(pieces), len(pieces)
                if events == 1 or not _WORDS.fullmatch(words):
                    return 0
        else:
            words, events = self._padded_words(data)
        if not events:
            return 0
        if self._is_open and len(self._kept) < MAX_KEPT_BYTES:
            self._kept += words
        else:
            self._add(words)
        return events

    def take(self, data: bytes) -> None:
        """Keep whatever it is."""
        kept = self._kept
        if self._is_open:
            self._is_open = False
            kept += self._behind
        if len(kept) + len(data) <= MAX_KEPT_BYTES:
            kept += data

    def take_plain(self, data: bytes) -> None:
        """Keep events that say nothing but pieces of the answer, and remember the last: the next may differ in its words alone."""
        self.take(data)
        if self._tries < MAX_TRIES:
            self._tries += 1
            self._remember(split_events(data)[-1])

    @property
    def as_events(self) -> bytes:
        """What was kept, as a stream of events. Halves of a character that came in two of them are one again; what is none is replaced."""
        return (bytes(self._kept) + (self._behind if self._is_open else b"")).decode(errors="replace").encode()

    def _add(self, words: bytes) -> None:
        kept = self._kept
        if len(kept) >= MAX_KEPT_BYTES:
            return
        if not self._is_open:
            kept += self.before
            self._is_open = True
        kept += words

    def _remember(self, event: bytes) -> None:
        found = self._field.search(event)
        words = _WORDS.match(event, found.end()) if found is not None else None
        if words is None or event[words.end() : words.end() + 1] != b'"':
            return
        self.before, self._behind = event[: words.start()], event[words.end() :]
        self._start, self._end = words.start(), words.end() - len(event)
        head, padding, rest = self._behind.partition(_PADDING)
        self._between = head + padding if padding else b""
        self._tail = rest[rest.find(b'"') :]
        if self._kept.endswith(event):  # it is not where there was no room
            del self._kept[self._end :]
            self._is_open = True

    def _padded_words(self, data: bytes) -> tuple[bytes, int]:
        """Return the words of one event that differs in its padding as well."""
        between = self._between
        if not between:
            return b"", 0
        words = _WORDS.match(data, self._start)
        end = words.end() if words is not None else 0
        if words is None or data[end : end + len(between)] != between:
            return b"", 0
        padding = _WORDS.match(data, end + len(between))
        is_whole = padding is not None and data[padding.end() :] == self._tail
        return (words[0], 1) if is_whole else (b"", 0)
