"""Header lines as raw bytes, searched on demand."""

import pytest

from modelgate.core.http import HOP_BY_HOP, HeaderBlock

RAW = b"Host: a\r\nX-Two:  one \r\ncontent-length: 5\r\nx-two:two\r\nX-Empty:\r\n"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        (b"host", b"a"),
        (b"x-two", b"one"),
        (b"content-length", b"5"),
        (b"x-empty", b""),
        (b"two", None),  # the end of another name
        (b"x-tw", None),  # the beginning of one
        (b"one", None),  # a value
    ],
)
@pytest.mark.parametrize("lower", [None, b"\r\n" + RAW.lower()], ids=["found", "given"])
def test_get(name: bytes, value: bytes | None, lower: bytes | None) -> None:
    block = HeaderBlock(RAW, lower)
    assert block.get(name) == value
    assert block.get(name) == value, "and again, from what was kept"


def test_every_value_in_order() -> None:
    assert HeaderBlock(RAW).get_all(b"x-two") == [b"one", b"two"]
    assert HeaderBlock(RAW).get_all(b"x-none") == []


def test_items_keep_the_names_as_sent() -> None:
    assert list(HeaderBlock(RAW).items())[:2] == [(b"Host", b"a"), (b"X-Two", b"one")]


def test_a_value_is_not_mistaken_for_a_line() -> None:
    block = HeaderBlock(b"a: b: c\r\nb: d\r\n")
    assert block.get(b"b") == b"d"
    assert block.get(b"a") == b"b: c"


def test_without_and_with() -> None:
    left = HeaderBlock(RAW).without(HOP_BY_HOP | {b"x-two"})
    assert left.raw == b"Host: a\r\nX-Empty:\r\n"
    assert left.with_line(b"x-new", b"1").get(b"x-new") == b"1"
    assert left.get(b"x-new") is None, "a copy"


@pytest.mark.parametrize("pair", [("a\r\nb", "c"), ("a", "b\nc: d"), ("a", "\0")])
def test_nothing_that_breaks_the_framing_gets_in(pair: tuple[str, str]) -> None:
    with pytest.raises(ValueError, match="control character"):
        HeaderBlock.of(pair)


def test_headers_that_are_mentioned() -> None:
    for block in (HeaderBlock(b"A-Key: x\r\nB-Key:\r\n"), HeaderBlock(b"A-Key: x\r\nB-Key:\r\n", b"\r\na-key: x\r\nb-key:\r\n")):
        for _ in range(2):  # remembered
            assert block.mentions((b"\r\na-key:",))
            assert block.mentions((b"\r\nno:", b"\r\nb-key:"))
            assert not block.mentions((b"\r\nkey:", b"\r\nx:"))
        assert block.get(b"a-key") == b"x"
    assert not HeaderBlock().mentions((b"\r\na-key:",))
