"""A streamed answer between its upstream and its client: callbacks on both sides, the last words held until they are paid for.

    upstream --write--> relay --write--> client
             <--pause/resume-- backpressure

A client that leaves does not end the answer: the upstream is drained within `MAX_DRAIN_S` and `MAX_DRAIN_BYTES`, so that
the charge is what the vendor will bill. Beyond the bound, or where the upstream's policy says `cancel`, it is an estimate.
"""

import asyncio
from collections.abc import Callable

import msgspec

from modelgate.core.errors import ModelgateError, UpstreamError, UpstreamFailed
from modelgate.core.http import BodySink, BodySource
from modelgate.formats.chat.vendor_error import VendorError, for_callers
from modelgate.formats.chat.wire_format import StreamRelay
from modelgate.formats.sse import EventTooLong
from modelgate.gateway.call import Call, Words
from modelgate.routing.table import Candidate

MAX_DRAIN_S = 60.0
MAX_DRAIN_BYTES = 8 * 1024 * 1024
MAX_BEGINNING_BYTES = 4096
"""Before its first word a stream says who answers, and little else. More than this is an answer that is not of words."""
KEEP_ALIVE_TICKS = 3
"""Ticks of the keeper without a byte after which a comment is sent, so that proxies between us and the client stay awake."""


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """How a stream is told to its client.

    `encode_error(error, request_id)` makes the last event of an answer that broke off; None: it is a file, which can only be broken off
    as well. `keep_alive` is what may be said on a silent stream (empty: nothing). `words` gives what can be counted if the upstream does
    not count.
    """

    relay: StreamRelay
    encode_error: Callable[[ModelgateError, str], bytes] | None
    keep_alive: bytes
    content_type: bytes
    words: Callable[[], Words]


class AnswerStream:
    """BodySink of the upstream, BodySource of the client. `opened` tells whether a first event came before the end. `is_free`: it broke off
    before anything was delivered, so that nothing was charged.

    Until `accept` nothing is charged: the gateway may still `abandon` it and ask another upstream.
    """

    __slots__ = (
        "_accepted",
        "_call",
        "_committed",
        "_drained",
        "_early",
        "_finished",
        "_gone",
        "_left",
        "_on_over",
        "_output_bytes",
        "_quiet_ticks",
        "_relay",
        "_sink",
        "_timer",
        "_told",
        "_upstream",
        "candidate",
        "failure",
        "is_free",
        "opened",
    )

    def __init__(
        self, *, call: Call, told: Told, candidate: Candidate, upstream: BodySource, on_over: Callable[["AnswerStream"], None]
    ) -> None:
        """`on_over` is called once when nothing more will come from the upstream and the charge is on its way."""
        self._call = call
        self._relay = told.relay
        self._told = told
        self.candidate = candidate
        self._upstream = upstream
        self._on_over = on_over
        self._sink: BodySink | None = None
        self._early: list[bytes] = []
        self._left = False  # the client
        self._gone = False  # whoever would still take the answer
        self._accepted = False
        self._finished = False
        self._committed = False
        self._drained = 0
        self._output_bytes = 0
        self._quiet_ticks = 0
        self._timer: asyncio.TimerHandle | None = None
        self.failure: Exception | None = None
        self.is_free = False
        self.opened: asyncio.Future[bool] = asyncio.get_running_loop().create_future()

    # The upstream's side.

    def write(self, data: bytes) -> None:
        """Take bytes of the upstream."""
        if self._finished:
            return
        try:
            passing = self._relay.feed(data)
        except EventTooLong:
            self._upstream.abort()
            self._finish(UpstreamError("The upstream sent an event beyond all bounds."))
            return
        except Exception as fault:  # noqa: BLE001  # a stream's edge: its client must not wait, nor its hold stay open, for ever
            self._break(fault)
            return
        sink = self._sink
        if passing and sink is not None:
            self._output_bytes += len(passing)
            self._quiet_ticks = 0
            sink.write(passing)
        elif passing:
            self._pass(passing)
        if self._relay.is_done:
            self._finish(None)

    def end(self) -> None:
        """The upstream's body ended properly; an answer without its end is a truncated one all the same."""
        if self._finished:
            return
        try:
            rest = self._relay.finish()
        except Exception as fault:  # noqa: BLE001  # as in `write`
            self._break(fault)
            return
        if rest:
            self._pass(rest)
        self._finish(None if self._relay.is_complete() else UpstreamError("The upstream ended its answer in the middle."))

    def fail(self, error: Exception) -> None:
        """The upstream broke off."""
        if not self._finished:
            self._finish(None if self._relay.is_complete() else error)

    def _pass(self, data: bytes) -> None:
        self._output_bytes += len(data)
        self._quiet_ticks = 0
        sink = self._sink
        if sink is not None:
            sink.write(data)
        elif not self._left:
            self._early.append(data)
            if not self.opened.done():
                self._call.first_byte_at = self._call.desk.clock()
                self.opened.set_result(True)
                self._upstream.pause()  # until the client's side is there; resumed by start()
        else:
            self._drained += len(data)
            if self._drained > MAX_DRAIN_BYTES:
                self._give_up()

    def _break(self, fault: Exception) -> None:
        """A fault of ours in reading or writing the stream: it ends here, and is charged as far as it came."""
        asyncio.get_running_loop().call_exception_handler({"message": "a stream could not be passed on", "exception": fault})
        self._upstream.abort()
        self._finish(ModelgateError())

    def _finish(self, error: Exception | None) -> None:
        if self._finished:  # the last piece of a drain may hold the end as well
            return
        self._finished = True
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self.failure = error
        if not self.opened.done():
            self.opened.set_result(False)
        if self._accepted:
            self._settle()

    def _settle(self) -> None:
        self._upstream.resume()  # its last chunk may be still to come, and nobody else would have it read
        relay = self._relay
        if self.failure is not None:
            self._call.add_note("truncated")
        usage = relay.usage
        if relay.usage_refused:
            self._call.add_note("usage_refused")
        if relay.error is not None:
            self._call.desk.vendor_words.note(self.candidate.upstream.id, relay.error, request_id=self._call.request.id)
        word = "" if self.failure is None and relay.error is None else "stream_error"
        if word and usage is None and self._is_only_begun():
            self.is_free = True
            self._call.give_back(self._told_failure() if relay.error is None else failed_with(relay.error), committed=self._on_committed)
            self._on_over(self)
            return
        self._call.capture(usage, output_bytes=self._estimated_bytes(), error=word, committed=self._on_committed, words=self._told.words)
        self._on_over(self)

    def _is_only_begun(self) -> bool:
        """Tell whether an answer that broke off had no word yet, and its client is still there: it has nothing, so it pays nothing.

        For one that left, its upstream bills what it read all the same.
        """
        relay = self._relay
        return not (self._left or relay.usage_refused or self._output_bytes > MAX_BEGINNING_BYTES or relay.text)

    def _told_failure(self) -> ModelgateError:
        return self.failure if isinstance(self.failure, ModelgateError) else UpstreamError("The upstream broke off its answer.")

    def _estimated_bytes(self) -> int:
        # A chunk carries about one token; what surrounds it is not the answer.
        return min(self._relay.events * 4, self._output_bytes)

    def _on_committed(self) -> None:
        self._committed = True
        if self._sink is not None:
            self._say_last(self._sink)

    def _say_last(self, sink: BodySink) -> None:
        self._sink = None
        encode_error = self._told.encode_error
        if encode_error is None and (self.failure is not None or self._relay.error is not None):
            sink.fail(UpstreamError("The upstream broke off its answer."))
            return
        if encode_error is not None and self.failure is not None and self._relay.error is None:
            sink.write(encode_error(self._told_failure(), self._call.request.id))
        elif self._relay.final:
            sink.write(self._relay.final)
        if not self._gone:
            sink.end()

    # The client's side.

    def start(self, sink: BodySink) -> None:
        """The client is there: give it what has come so far, then everything as it comes."""
        early, self._early = self._early, []
        self._sink = sink
        for data in early:
            if self._gone:  # it said so in the middle
                return
            sink.write(data)
        if self._gone:
            return
        if self._committed:
            self._say_last(sink)
        elif not self._finished:
            self._upstream.resume()

    def pause(self) -> None:
        """The client reads slower than the upstream writes."""
        if not self._finished:
            self._upstream.pause()

    def resume(self) -> None:
        """The client has caught up."""
        if not self._finished:
            self._upstream.resume()

    def abort(self) -> None:
        """The client left."""
        self.leave(None)

    def leave(self, keeper: BodySink | None) -> None:
        """The client left; `keeper` takes what is drained in its stead, until it is called again with None."""
        self._sink = keeper
        self._gone = keeper is None
        if self._left:
            return
        self._left = True
        self._early = []
        if self._finished:
            return
        self._call.add_note("client_left")
        if self.candidate.upstream.cancel == "cancel":
            self._give_up()
            return
        self._timer = asyncio.get_running_loop().call_later(MAX_DRAIN_S, self._give_up)
        self._upstream.resume()

    def _give_up(self) -> None:
        if not self._finished:
            self._call.add_note("drain_ended")
            self._upstream.abort()
            self._finish(UpstreamError())

    # The gateway's side.

    def accept(self) -> None:
        """This answer goes to the client: from here on it is charged, and nobody else is asked."""
        self._accepted = True
        if self._finished:
            self._settle()

    def abandon(self) -> None:
        """Let go of an upstream whose answer will not be used: nothing is charged through this object any more."""
        self._accepted = False
        self._finished = True
        self._upstream.abort()

    @property
    def content_type(self) -> bytes:
        """The content type for the client."""
        return self._told.content_type

    @property
    def is_whole(self) -> bool:
        """Whether the upstream said all it had to say, and no error in the middle."""
        return self._finished and self.failure is None and self._relay.error is None

    @property
    def opening_error(self) -> VendorError | None:
        """An error that came as the very first event."""
        return self._relay.error if self._relay.events <= 1 else None

    def tick(self) -> None:
        """Called by the keeper every few seconds: a comment goes out when the upstream has been silent for long."""
        self._quiet_ticks += 1
        if self._quiet_ticks >= KEEP_ALIVE_TICKS and self._sink is not None and not self._finished:
            self._quiet_ticks = 0
            if self._told.keep_alive:
                self._sink.write(self._told.keep_alive)


def failed_with(error: VendorError) -> UpstreamFailed:
    """Return an upstream's error in the middle of its answer as one of ours."""
    told = for_callers(error)
    return UpstreamFailed(told.message, status=max(told.status, 400), code=told.code)
