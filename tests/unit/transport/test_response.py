"""The answer as a source, without a socket."""

import asyncio

import pytest

from modelgate.core.http import HeaderBlock
from modelgate.transport.errors import BodyTooLong, ConnectionBroken
from modelgate.transport.framing import ResponseHead
from modelgate.transport.response import BUFFER_BYTES, UpstreamResponse


class Wire:
    def __init__(self) -> None:
        self.calls: list[str] = []

    def hold_reading(self) -> None:
        self.calls.append("hold")

    def pause_reading(self) -> None:
        self.calls.append("pause")

    def resume_reading(self) -> None:
        self.calls.append("resume")

    def abort(self) -> None:
        self.calls.append("abort")


class Sink:
    def __init__(self, *, on_write: str = "") -> None:
        self.calls: list[object] = []
        self.on_write = on_write
        self.response: UpstreamResponse | None = None

    def write(self, data: bytes) -> None:
        self.calls.append(data)
        if self.on_write and self.response is not None:
            getattr(self.response, self.on_write)()

    def end(self) -> None:
        self.calls.append("end")

    def fail(self, error: Exception) -> None:
        self.calls.append(error)


def made(length: int | None = None) -> tuple[UpstreamResponse, Wire]:
    wire = Wire()
    return UpstreamResponse(wire, ResponseHead(200, HeaderBlock(), length, False, True)), wire


def test_what_came_before_the_start_comes_first() -> None:
    response, _ = made()
    response.take(b"a")
    response.take(b"b")
    sink = Sink()
    response.start(sink)
    response.take(b"c")
    response.finish()
    assert sink.calls == [b"a", b"b", b"c", "end"]


def test_a_whole_body_needs_no_waiting() -> None:
    response, _ = made()
    assert response.body_if_complete() is None
    response.take(b"a")
    response.take(b"b")
    assert response.body_if_complete() is None
    response.finish()
    assert response.body_if_complete() == b"ab"


def test_a_whole_body_can_be_started_too() -> None:
    response, wire = made()
    response.take(b"a")
    response.finish()
    sink = Sink()
    response.start(sink)
    assert sink.calls == [b"a", "end"]
    assert wire.calls == []


def test_a_failure_before_the_start_is_told_after_what_came() -> None:
    response, _ = made()
    response.take(b"a")
    error = ConnectionBroken("x", sent=True)
    response.break_off(error)
    sink = Sink()
    response.start(sink)
    assert sink.calls == [b"a", error]


def test_a_sink_that_aborts_hears_nothing_more() -> None:
    response, wire = made()
    response.take(b"a")
    response.take(b"b")
    sink = Sink(on_write="abort")
    sink.response = response
    response.start(sink)
    assert sink.calls == [b"a"]
    assert wire.calls == ["abort"]


def test_too_much_before_the_start_holds_the_socket() -> None:
    response, wire = made()
    response.take(b"z" * BUFFER_BYTES)
    assert wire.calls == []
    response.take(b"z")
    assert wire.calls == ["hold"]
    response.start(Sink())
    assert wire.calls == ["hold", "resume"]


def test_a_sink_that_pauses_at_once_stays_paused() -> None:
    response, wire = made()
    response.take(b"z" * (BUFFER_BYTES + 1))
    sink = Sink(on_write="pause")
    sink.response = response
    response.start(sink)
    assert wire.calls == ["hold", "pause"]


def test_after_the_end_the_connection_is_left_alone() -> None:
    """It serves somebody else by then."""
    response, wire = made()
    response.finish()
    response.pause()
    response.resume()
    response.abort()
    assert wire.calls == []


@pytest.mark.anyio
async def test_reading_collects_what_comes_later() -> None:
    response, _ = made()
    response.take(b"a")
    reading = asyncio.ensure_future(response.read(2))
    await asyncio.sleep(0)
    response.take(b"b")
    response.finish()
    assert await reading == b"ab"


@pytest.mark.anyio
async def test_a_length_beyond_the_limit_is_not_waited_for() -> None:
    response, wire = made(length=3)
    with pytest.raises(BodyTooLong):
        await response.read(2)
    assert wire.calls == ["abort"]


@pytest.mark.anyio
async def test_reading_a_broken_body_raises() -> None:
    response, _ = made()
    response.break_off(ConnectionBroken("x", sent=True))
    with pytest.raises(ConnectionBroken):
        await response.read(2)


@pytest.mark.anyio
async def test_reading_what_was_aborted_raises() -> None:
    response, _ = made()
    response.abort()
    with pytest.raises(ConnectionBroken):
        await response.read(2)


@pytest.mark.parametrize("on_write", ["pause", "abort"])
def test_the_last_piece_leaves_the_connection_alone(on_write: str) -> None:
    """A sink that paused on the last piece left the pooled connection unread: the next request on it got no answer, ever."""
    response, wire = made()
    sink = Sink(on_write=on_write)
    sink.response = response
    response.start(sink)
    response.finish(b"last")
    assert wire.calls == []
    assert sink.calls == ([b"last", "end"] if on_write == "pause" else [b"last"])
