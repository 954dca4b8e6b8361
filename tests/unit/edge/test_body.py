"""Large bodies in their own buffer: it grows with what came, and never reads beyond the end."""

from typing import Any

from modelgate.edge.body import FIRST_CAPACITY_BYTES, DirectBody, SizedBody


class Owner:
    def __init__(self, room: int = 10**9) -> None:
        self.room = room
        self.body: bytearray | None = None
        self.advanced: list[int] = []
        self.said: list[str] = []

    def body_grows(self, more_bytes: int) -> bool:
        self.room -= more_bytes
        return self.room >= 0

    def body_advanced(self, received_bytes: int) -> None:
        self.advanced.append(received_bytes)

    def body_complete(self, body: bytearray) -> None:
        self.body = body

    def __getattr__(self, name: str) -> Any:
        return lambda *_: self.said.append(name)


def fill(body: DirectBody, data: bytes) -> int:
    view = body.get_buffer(-1)
    count = min(len(view), len(data))
    view[:count] = data[:count]
    view.release()
    body.buffer_updated(count)
    return count


def test_body_is_whole_and_nothing_beyond_it_is_read() -> None:
    wire = bytes(range(256)) * 5000
    owner = Owner()
    body = DirectBody(owner, beginning=wire[:100], length=1_000_000)
    assert body.ask_room()
    at = 100
    while owner.body is None:
        at += fill(body, wire[at : at + 70_000])
    assert at == 1_000_000
    assert owner.body == wire[:1_000_000]
    assert owner.advanced == sorted(owner.advanced)


def test_announcing_much_takes_little() -> None:
    owner = Owner(room=FIRST_CAPACITY_BYTES)
    body = DirectBody(owner, beginning=b"", length=60_000_000)
    assert body.ask_room()
    assert len(body.get_buffer(-1)) == FIRST_CAPACITY_BYTES


def test_growth_that_is_refused_ends_the_reading() -> None:
    owner = Owner(room=FIRST_CAPACITY_BYTES)
    body = DirectBody(owner, beginning=b"", length=1_000_000)
    assert body.ask_room()
    assert fill(body, b"x" * FIRST_CAPACITY_BYTES) == FIRST_CAPACITY_BYTES
    assert owner.advanced == []


def test_everything_else_is_passed_on() -> None:
    owner = Owner()
    body = DirectBody(owner, beginning=b"", length=1)
    body.pause_writing()
    body.resume_writing()
    body.eof_received()
    body.connection_lost(None)
    assert owner.said == ["pause_writing", "resume_writing", "eof_received", "connection_lost"]


def test_sized_body_gives_back_what_is_behind_it() -> None:
    body = SizedBody(5)
    assert body.feed(b"he") == b""
    assert not body.done
    assert body.feed(b"lloGET") == b"GET"
    assert body.done
    assert body.body == b"hello"
