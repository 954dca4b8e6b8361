"""Chunked request bodies: strict, bounded, and the same however the bytes are cut."""

import pytest

from modelgate.core.errors import BodyTooLarge, InvalidRequest
from modelgate.edge.chunked import MAX_EXTENSION_BYTES, MAX_LINE_BYTES, MAX_TRAILER_BYTES, ChunkedBody

GOOD = [
    (b"0\r\n\r\n", b""),
    (b"5\r\nhello\r\n0\r\n\r\n", b"hello"),
    (b"00005\r\nhello\r\n000\r\n\r\n", b"hello"),
    (b"A\r\n0123456789\r\na\r\n\r\n\r\n\r\n\r\n\r\n\r\n0\r\n\r\n", b"0123456789\r\n\r\n\r\n\r\n\r\n"),
    (b'5;a=b;c="d"\r\nhello\r\n0;x\r\n\r\n', b"hello"),
    (b"5 ;a\r\nhello\r\n0\r\nX-Checksum: 1\r\nY:\r\n\r\n", b"hello"),
]

BAD = [
    b"0x5\r\nhello\r\n0\r\n\r\n",
    b"+5\r\nhello\r\n0\r\n\r\n",
    b"-5\r\nhello\r\n0\r\n\r\n",
    b"1_0\r\n0123456789012345\r\n0\r\n\r\n",
    b" 5\r\nhello\r\n0\r\n\r\n",
    b"5 \r\nhello\r\n0\r\n\r\n",
    b"\r\nhello\r\n0\r\n\r\n",
    b"5\nhello\r\n0\r\n\r\n",
    b"5\r\nhello\n0\r\n\r\n",
    b"5\r\nhello!\r\n0\r\n\r\n",
    b"5\r\nhello0\r\n\r\n",
    b"5\rX\nhello\r\n0\r\n\r\n",
    b"5;\x00\r\nhello\r\n0\r\n\r\n",
    b"5;a\nb\r\nhello\r\n0\r\n\r\n",
    b"g\r\nhello\r\n0\r\n\r\n",
    b"fffffffff\r\n",
    b"0" * 9 + b"\r\n\r\n",
    b"0\r\nno colon\r\n\r\n",
    b"0\r\n folded: x\r\n\r\n",
    b"0\r\nX : y\r\n\r\n",
    b"0\r\n\n",
    b"5;" + b"a" * MAX_LINE_BYTES,
    b"1;" + b"a" * 1000 + b"\r\nx\r\n" + (b"1;" + b"a" * 1000 + b"\r\nx\r\n") * (MAX_EXTENSION_BYTES // 1000),
    b"0\r\n" + b"X: 012345678\r\n" * (MAX_TRAILER_BYTES // 10),
]


@pytest.mark.parametrize(("wire", "body"), GOOD)
def test_bodies(wire: bytes, body: bytes) -> None:
    for cut in range(len(wire) + 1):
        chunked = ChunkedBody(100)
        rest = chunked.feed(wire[:cut])
        rest += chunked.feed(wire[cut:] + b"NEXT") if not chunked.done else wire[cut:] + b"NEXT"
        assert chunked.done
        assert chunked.body == body
        assert rest == b"NEXT"


@pytest.mark.parametrize(("wire", "body"), GOOD)
def test_bodies_byte_by_byte(wire: bytes, body: bytes) -> None:
    chunked = ChunkedBody(100)
    for index in range(len(wire)):
        assert not chunked.done
        assert chunked.feed(wire[index : index + 1]) == b""
    assert chunked.done
    assert chunked.body == body


@pytest.mark.parametrize("wire", BAD)
def test_broken_bodies(wire: bytes) -> None:
    with pytest.raises(InvalidRequest):
        ChunkedBody(100_000).feed(wire)
    chunked = ChunkedBody(100_000)
    with pytest.raises(InvalidRequest):
        for index in range(len(wire)):
            chunked.feed(wire[index : index + 1])


def test_bound_counts_all_chunks() -> None:
    chunked = ChunkedBody(8)
    chunked.feed(b"5\r\nhello\r\n3\r\nabc\r\n")
    with pytest.raises(BodyTooLarge):
        chunked.feed(b"1\r\n")


def test_huge_size_is_refused_before_its_data() -> None:
    with pytest.raises(BodyTooLarge):
        ChunkedBody(1000).feed(b"ffffffff\r\n")


def test_wrong_byte_after_a_chunk_is_seen_at_once() -> None:
    chunked = ChunkedBody(1000)
    with pytest.raises(InvalidRequest):
        chunked.feed(b"5\r\nhello!")
