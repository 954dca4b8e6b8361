"""A stream from one dialect into another, in the shape in which the relay passes streams through."""

from collections.abc import Callable

from modelgate.core.usage import Usage
from modelgate.formats.chat.events import (
    ChoiceEnd,
    ResponseEnd,
    ResponseFailed,
    StreamEvent,
    UsageReport,
    Words,
    words_of,
)
from modelgate.formats.chat.vendor_error import VendorError
from modelgate.formats.chat.wire_format import StreamDecoder, StreamEncoder

MAX_KEPT_BYTES = 4 * 1024 * 1024
"""So much of an answer's words is kept for counting, in case the upstream does not count it."""
JOINED_WORDS = 32
"""So many pieces are joined at a time."""


class StreamTranslator:
    """A `StreamRelay` that decodes and encodes. The encoder's last words are held back in `final`."""

    def __init__(self, decoder: StreamDecoder, encoder: StreamEncoder, *, encode_error: Callable[[VendorError], bytes]) -> None:
        """`encode_error` makes the client's words of an error in the middle of the upstream's answer."""
        self._decoder = decoder
        self._encoder = encoder
        self._encode_error = encode_error
        self._open_choices: set[int] = set()
        self._ended_choices: set[int] = set()
        self._words: list[str] = []  # the last few; as strings all of them took six times as much
        self._kept = bytearray()
        self.usage: Usage | None = None
        self.usage_refused = False
        self.final = b""
        self.is_done = False
        self.error: VendorError | None = None
        self.events = 0

    def feed(self, data: bytes) -> bytes:
        """Take bytes of the upstream, return those for the client. Raises sse.EventTooLong."""
        return b"" if self.is_done else self._encoded(self._decoder.feed(data))

    def finish(self) -> bytes:
        """The upstream's body ended. An answer whose choices all ended counts as whole though its end was not said."""
        passing = self._encoded(self._decoder.finish())
        if self.is_complete():
            passing += self._encoded([ResponseEnd()])
        return passing

    def is_complete(self) -> bool:
        """Return whether the answer came to its end."""
        return self.is_done or (bool(self._ended_choices) and not self._open_choices)

    @property
    def text(self) -> str:
        """The answer's words as far as they were kept."""
        self._join()
        return self._kept.decode()

    def _encoded(self, events: list[StreamEvent]) -> bytes:
        if self.error is not None or self.is_done:
            return b""
        written: list[bytes] = []
        encode = self._encoder.encode
        for event in events:
            if isinstance(event, Words):
                self._note(event)
                written.append(encode(event))
                continue
            match event:
                case UsageReport(usage=usage):
                    self.usage, self.usage_refused = usage, usage is None
                case ResponseFailed(error=error):
                    self.error = error
                    written.append(self._encode_error(error))
                    break
                case ResponseEnd():
                    self.is_done = True
                    self.final = encode(event)
                    break
                case ChoiceEnd(choice=choice):
                    self._open_choices.discard(choice)
                    self._ended_choices.add(choice)
                case _:
                    pass
            written.append(encode(event))
        return b"".join(written)

    def _note(self, event: Words) -> None:
        self.events += 1
        self._open_choices.add(event.choice)
        self._words.append(words_of(event))
        if len(self._words) >= JOINED_WORDS:
            self._join()

    def _join(self) -> None:
        if len(self._kept) < MAX_KEPT_BYTES:
            self._kept += "".join(self._words).encode("utf-8", "replace")
        self._words.clear()
