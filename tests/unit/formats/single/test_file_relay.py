from base64 import b64encode

import msgspec
import pytest

from modelgate.core.usage import Usage
from modelgate.formats.single.event_relay import Ending
from modelgate.formats.single.file_relay import EventFileRelay, FileRelay

FILE = bytes(range(256))
EXPECTED, SPOILED = Usage(output_tokens=9, estimated=True), Usage(input_tokens=1, estimated=True)
DONE = b'data: {"type":"x.done","usage":{"output_tokens":3}}\n\n'


def piece(data: bytes) -> bytes:
    return b'data: {"type":"x.delta","audio":"%b"}\n\n' % b64encode(data)


def events() -> EventFileRelay:
    def read(raw: msgspec.Raw) -> Usage | None:
        return Usage(**msgspec.json.decode(raw)) if bytes(raw) else None

    return EventFileRelay(Ending(done="x.done", read_usage=read, expected=EXPECTED, spoiled=SPOILED), piece="x.delta")


@pytest.mark.parametrize("size", [1, 3, 100, 1_000])
def test_a_file_passes_but_for_its_last_byte(size: int) -> None:
    relay = FileRelay(Usage(characters=5))
    passed = b"".join(relay.feed(FILE[at : at + size]) for at in range(0, len(FILE), size))
    assert (passed, relay.final) == (FILE[:-1], FILE[-1:])
    assert not relay.is_complete()
    assert relay.finish() == b""
    assert (relay.is_complete(), relay.usage, relay.feed(b"")) == (True, Usage(characters=5), b"")


@pytest.mark.parametrize("size", [1, 3, 100, 10_000])
def test_a_file_is_put_together_out_of_events(size: int) -> None:
    relay = events()
    data = piece(FILE[:100]) + b": ping\n\n" + piece(FILE[100:101]) + piece(b"") + piece(FILE[101:]) + DONE + b"data: [DONE]\n\n"
    passed = b"".join(relay.feed(data[at : at + size]) for at in range(0, len(data), size)) + relay.finish()
    assert (passed, relay.final) == (FILE[:-1], FILE[-1:])
    assert (relay.is_complete(), relay.usage) == (True, Usage(output_tokens=3))


def test_without_usage_an_estimate_stands() -> None:
    relay = events()
    relay.feed(piece(FILE) + b'data: {"type":"x.done"}')
    assert not relay.is_complete()
    relay.finish()
    assert (relay.is_complete(), relay.usage) == (True, EXPECTED)


@pytest.mark.parametrize(
    "bad", [b'data: {"error":{"message":"m"}}\n\n', b'data: {"type":"x.delta","audio":"%%"}\n\n', b'data: {"type":"x.delta"}\n\n']
)
def test_what_goes_wrong_ends_it(bad: bytes) -> None:
    relay = events()
    assert relay.feed(piece(FILE) + bad + piece(FILE) + DONE) == FILE[:-1]
    assert relay.error is not None
    assert (relay.is_complete(), relay.usage) == (False, SPOILED)


def test_what_cannot_be_read_is_passed_over() -> None:
    relay = events()
    assert relay.feed(b"data: {\n\n" + b'data: {"type":"x.new"}\n\n' + piece(b"ab")) == b"a"
    assert relay.error is None
