"""The framing of streamed answers, on a transport that only remembers."""

import asyncio
from typing import Any

import pytest

from modelgate.edge.answer import SLICE_BYTES, SlicedBody, StreamAnswer
from modelgate.edge.framing import IN_CHUNKS, JOIN_BYTES, UNTIL_CLOSE


class Wire:
    """The transport and the owner in one."""

    def __init__(self) -> None:
        self.sent = b""
        self.writes = 0
        self.said: list[Any] = []

    def write(self, data: bytes) -> None:
        self.sent += data
        self.writes += 1

    def writelines(self, pieces: tuple[bytes, ...]) -> None:
        self.write(b"".join(pieces))

    def answer_ended(self) -> None:
        self.said.append("ended")

    def answer_failed(self, error: Exception, *, head_sent: bool, detectable: bool) -> None:
        self.said.append((str(error), head_sent, detectable))


class Turn:
    """A turn that ends when the test says so."""

    def __init__(self) -> None:
        self.streams: list[StreamAnswer] = []

    def add(self, stream: StreamAnswer) -> None:
        self.streams.append(stream)

    def over(self) -> None:
        streams, self.streams = self.streams, []
        for stream in streams:
            stream.flush()


def stream(wire: Wire, source: Any, length: int, turn: Turn | None = None) -> StreamAnswer:
    return StreamAnswer(wire, wire, source=source, head=b"HEAD|", length=length, turn=turn or Turn())  # type: ignore[arg-type]


def test_pieces_of_one_turn_leave_together_at_its_end(source_type: Any) -> None:
    wire, turn = Wire(), Turn()
    answer = stream(wire, source_type(), IN_CHUNKS, turn)
    answer.write(b"first")
    answer.write(b"ab")
    answer.write(b"cd")
    assert (wire.sent, wire.writes) == (b"HEAD|5\r\nfirst\r\n", 1)
    turn.over()
    assert (wire.sent, wire.writes) == (b"HEAD|5\r\nfirst\r\n4\r\nabcd\r\n", 2)
    answer.write(b"ef")
    answer.end()
    turn.over()
    assert wire.sent.endswith(b"2\r\nef\r\n0\r\n\r\n")
    assert wire.writes == 3


def test_what_waits_goes_before_what_is_large_and_before_a_failure(source_type: Any) -> None:
    wire, turn = Wire(), Turn()
    answer = stream(wire, source_type(), IN_CHUNKS, turn)
    answer.write(b"first")
    answer.write(b"ab")
    answer.write(b"x" * JOIN_BYTES)
    assert wire.sent.startswith(b"HEAD|5\r\nfirst\r\n2\r\nab\r\n8000\r\nx")
    answer.write(b"cd")
    answer.fail(ValueError("broken"))
    assert wire.sent.endswith(b"2\r\ncd\r\n")
    turn.over()
    assert wire.sent.count(b"cd") == 1


def test_what_waits_for_a_client_that_left_is_dropped(source_type: Any) -> None:
    wire, turn = Wire(), Turn()
    answer = stream(wire, source_type(), IN_CHUNKS, turn)
    answer.write(b"first")
    answer.write(b"ab")
    answer.abandon()
    turn.over()
    assert wire.sent == b"HEAD|5\r\nfirst\r\n"


def test_chunks_and_one_write_for_head_and_first_data(source_type: Any) -> None:
    wire = Wire()
    answer = stream(wire, source_type(), IN_CHUNKS)
    assert wire.writes == 0
    answer.write(b"")
    answer.write(b"hello")
    assert (wire.sent, wire.writes) == (b"HEAD|5\r\nhello\r\n", 1)
    large = b"x" * JOIN_BYTES
    answer.write(large)
    answer.end()
    assert wire.sent == b"HEAD|5\r\nhello\r\n" + b"8000\r\n" + large + b"\r\n0\r\n\r\n"
    assert wire.said == ["ended"]


@pytest.mark.parametrize(("length", "sent"), [(IN_CHUNKS, b"HEAD|0\r\n\r\n"), (UNTIL_CLOSE, b"HEAD|"), (0, b"HEAD|")])
def test_empty_streams(source_type: Any, length: int, sent: bytes) -> None:
    wire = Wire()
    stream(wire, source_type(), length).end()
    assert (wire.sent, wire.said) == (sent, ["ended"])


def test_head_flushed_alone_is_not_sent_twice(source_type: Any) -> None:
    wire = Wire()
    answer = stream(wire, source_type(), 3)
    answer.flush_head()
    answer.flush_head()
    answer.write(b"abc")
    answer.end()
    assert (wire.sent, wire.said) == (b"HEAD|abc", ["ended"])


def test_announced_length_holds(source_type: Any) -> None:
    wire, source = Wire(), source_type()
    answer = stream(wire, source, 3)
    answer.write(b"ab")
    answer.write(b"cd")
    answer.end()
    assert wire.sent == b"HEAD|ab"
    assert source.calls == ["abort"]
    assert [said[1:] for said in wire.said] == [(True, True)]
    wire = Wire()
    stream(wire, source, 3).end()
    assert [said[1:] for said in wire.said] == [(False, True)]


def test_failure_is_told_once_and_how_it_can_be_noticed(source_type: Any) -> None:
    wire = Wire()
    answer = stream(wire, source_type(), UNTIL_CLOSE)
    answer.write(b"a")
    answer.fail(ValueError("x"))
    answer.fail(ValueError("y"))
    answer.end()
    answer.write(b"b")
    assert (wire.sent, wire.said) == (b"HEAD|a", [("x", True, False)])


def test_abandoned_answer_aborts_its_source_once(source_type: Any) -> None:
    wire, source = Wire(), source_type()
    answer = stream(wire, source, IN_CHUNKS)
    answer.pause()
    answer.resume()
    answer.abandon()
    answer.abandon()
    answer.pause()
    answer.resume()
    answer.write(b"late")
    answer.end()
    assert source.calls == ["pause", "resume", "abort"]
    assert (wire.sent, wire.said) == (b"", [])


class Sink:
    def __init__(self) -> None:
        self.pieces: list[bytes] = []
        self.ended = False

    def write(self, data: bytes) -> None:
        self.pieces.append(data)

    def end(self) -> None:
        self.ended = True

    def fail(self, error: Exception) -> None:
        raise AssertionError(error)


@pytest.mark.anyio
async def test_sliced_body_gives_a_slice_a_turn_and_waits_when_paused(until: Any) -> None:
    body = bytes(range(256)) * (SLICE_BYTES * 3 // 256) + b"tail"
    sink, sliced = Sink(), SlicedBody(body, asyncio.get_running_loop())
    sliced.start(sink)
    assert len(sink.pieces) == 1
    sliced.pause()
    await asyncio.sleep(0.01)
    assert len(sink.pieces) == 1
    sliced.resume()
    sliced.resume()
    await until(lambda: sink.ended)
    assert b"".join(sink.pieces) == body
    assert len(sink.pieces) == 4


@pytest.mark.anyio
async def test_sliced_body_stops_when_aborted() -> None:
    sink, sliced = Sink(), SlicedBody(b"x" * SLICE_BYTES * 2, asyncio.get_running_loop())
    sliced.start(sink)
    sliced.abort()
    await asyncio.sleep(0.01)
    assert (len(sink.pieces), sink.ended) == (1, False)
