import msgspec
import pytest

from modelgate.core.usage import Usage
from modelgate.formats.single.event_relay import Ending, EventRelay, sum_usage

EXPECTED, SPOILED = Usage(output_tokens=9, estimated=True), Usage(input_tokens=1, estimated=True)
PIECE = b'event: x.delta\ndata: {"type":"x.delta","audio":"\xc3\xa9","note":"\\"x.done\\""}\n\n'
COMMENT = b": keep-alive\n\n"
DONE = b'data: {"type":"x.done","usage":{"output_tokens":3}}\n\n'


def read(raw: msgspec.Raw) -> Usage | None:
    return Usage(**msgspec.json.decode(raw)) if bytes(raw) else None


def run(data: bytes, *, size: int = 1_000, count: int = 1) -> tuple[EventRelay, bytes]:
    relay = EventRelay(Ending(done="x.done", count=count, read_usage=read, expected=EXPECTED, spoiled=SPOILED))
    passed = b"".join(relay.feed(data[at : at + size]) for at in range(0, len(data), size))
    return relay, passed + relay.finish()


@pytest.mark.parametrize("size", [1, 2, 7, 1_000])
@pytest.mark.parametrize("newline", [b"\n", b"\r\n"])
@pytest.mark.parametrize("rest", [b"", b"data: [DONE]\n\n"])
def test_every_byte_passes_but_the_blank_line_that_makes_the_last_event_one(size: int, newline: bytes, rest: bytes) -> None:
    data = (PIECE + COMMENT + DONE).replace(b"\n", newline)
    relay, passed = run(data + rest, size=size)
    assert passed + relay.final == data
    assert relay.final in (b"\n\n", b"\r\n")
    assert (relay.usage, relay.is_complete(), relay.events) == (Usage(output_tokens=3), True, 2)


def test_the_last_event_may_lack_its_blank_line() -> None:
    relay, passed = run(PIECE + DONE[:-2])
    assert (passed + relay.final, relay.is_complete()) == (PIECE + DONE, True)


def test_several_last_events_are_summed() -> None:
    relay, passed = run(DONE + PIECE + DONE, count=2)
    assert passed + relay.final == DONE + PIECE + DONE
    assert relay.usage == Usage(output_tokens=6)
    assert not run(DONE + PIECE, count=2)[0].is_complete()


def test_without_usage_an_estimate_stands() -> None:
    relay, _ = run(b'data: {"type":"x.done"}\n\n')
    assert (relay.usage, relay.is_complete()) == (EXPECTED, True)


def test_an_answer_that_breaks_off_is_not_complete() -> None:
    relay, passed = run(PIECE + b'data: {"ty')
    assert (passed, relay.is_complete(), relay.usage) == (PIECE + b'data: {"ty\n\n', False, EXPECTED)


DETAIL = b'{"message":"The upstream failed. Try again shortly.","type":"upstream_error","param":null,"code":null}'


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (
            b'event: error\ndata: {"type":"error","error":{"message":"m"}}\n\n',
            b'event: error\ndata: {"type":"error","error":' + DETAIL + b"}\n\n",
        ),
        (b'data: {"error":"m"}\n\n', b'data: {"error":' + DETAIL + b"}\n\n"),
    ],
)
def test_an_error_is_told_in_our_words_and_known(error: bytes, told: bytes) -> None:
    relay, passed = run(PIECE + error + DONE, size=5)
    assert passed == PIECE + told
    assert relay.error is not None
    assert (relay.error.message, relay.usage, relay.is_complete()) == ("m", SPOILED, False)


def test_sums_add_everything_that_is_counted() -> None:
    two = [Usage(images=1, variant="v", input_tokens=2), Usage(images=1, variant="v", input_tokens=3, estimated=True)]
    assert sum_usage(two) == Usage(images=2, variant="v", input_tokens=5, estimated=True)
