"""What of a stream is kept for counting its words."""

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelgate.formats.kept_words import MAX_KEPT_BYTES, MAX_TRIES, KeptWords
from modelgate.formats.sse import data_of, split_events

FIELD = re.compile(rb'"content":"(?!")')


def event(words: str, *, number: int = 1, more: str = "") -> bytes:
    return b"data: " + json.dumps({"id": number, "content": words}, separators=(",", ":")).encode()[:-1] + more.encode() + b"}\n\n"


def padded(words: str, padding: str) -> bytes:
    return event(words, more=f',"obfuscation":"{padding}"')


def kept(*events: bytes) -> KeptWords:
    """Return what is kept when each run is taken as one, and what is none as plain."""
    words = KeptWords(FIELD)
    for each in events:
        if not words.take_run(each):
            words.take_plain(each)
    return words


def words_of(stream: bytes) -> list[str]:
    return [json.loads(data_of(each))["content"] for each in split_events(stream)]


def test_events_that_differ_in_their_words_alone_are_kept_as_one() -> None:
    assert kept(event("Hello"), event(" world"), event("")).as_events == event("Hello world")


def test_before_the_first_plain_event_there_is_no_run() -> None:
    words = KeptWords(FIELD)
    assert words.take_run(event("a")) == 0
    words.take(event("a"))
    assert words.take_run(event("a")) == 0


def test_another_event_ends_the_run_and_the_next_words_begin_one_anew() -> None:
    words = kept(event("a"), event("b"))
    words.take(b": comment\n\n")
    assert words.take_run(event("c")) == 1
    assert words.take_run(event("d")) == 1
    assert words.as_events == event("ab") + b": comment\n\n" + event("cd")


@pytest.mark.parametrize("text", ['said "so"', "line\nline", "back\\slash \\", "Grüße", "\u2028", "\x01"])
def test_escapes_are_words_too(text: str) -> None:
    words = kept(event("a"))
    assert words.take_run(event(text)) == 1
    assert words_of(words.as_events) == ["a" + text]


def test_what_came_together_is_taken_at_once() -> None:
    words = kept(event("a"))
    assert words.take_run(event("b") + event("") + event("c")) == 3
    assert words.as_events == event("abc")


@pytest.mark.parametrize(
    "data",
    [
        event("b", number=2),
        event("b", more=',"usage":5'),
        event("b") + event("c", number=2) + event("d"),
        event("b") + b": comment\n\n" + event("c"),
        event("b") + b"data: [DONE]\n\n" + event("c"),
        event('b","usage":5,"x":"').replace(rb"\"", b'"'),
        event("b").replace(b"b", b"\\x"),
        event("b").replace(b"b", b"b\\"),
        event("b").replace(b"b", b"b\r\r"),
        event("b")[:-1],
        event("b")[1:],
        b"",
    ],
)
def test_what_holds_anything_else_is_no_run(data: bytes) -> None:
    words = kept(event("a"))
    assert words.take_run(data) == 0
    assert words.as_events == event("a")


def test_padding_may_differ_too() -> None:
    words = kept(padded("a", "x1"))
    assert [words.take_run(padded(*each)) for each in (("b", "yy22"), ("c", ""), ('"d"', "z"))] == [1, 1, 1]
    assert words_of(words.as_events) == ['abc"d"']


@pytest.mark.parametrize(
    "data",
    [
        event("b", more=',"usage":5,"obfuscation":"x"'),
        event("b", more=',"obfuscation":"x","usage":5'),
        event("b", more=',"obfuscation":"x'),
        event("b", more=',"obfuscation":5'),
        padded("b", "x") + padded("c", "y"),
        padded("b", "x") + event("c"),
    ],
)
def test_what_holds_anything_else_than_padding_is_no_run(data: bytes) -> None:
    assert kept(padded("a", "x1")).take_run(data) == 0


def test_of_events_that_came_together_the_last_is_remembered() -> None:
    words = kept(event("a", number=2) + event("b"))
    assert words.take_run(event("c")) == 1
    assert words.as_events == event("a", number=2) + event("bc")


def test_a_stream_whose_events_differ_in_more_is_tried_only_so_often(monkeypatch: pytest.MonkeyPatch) -> None:
    words = kept(*(event("a", number=number) for number in range(MAX_TRIES)))
    monkeypatch.setattr(KeptWords, "_remember", lambda _self, _event: pytest.fail("it was tried"))
    words.take_plain(event("a", number=99))
    assert words.as_events.count(b"data:") == MAX_TRIES + 1


def test_halves_of_a_character_in_two_events_are_one() -> None:
    first, second = "ü".encode()[:1], "ü".encode()[1:]
    words = kept(event("?").replace(b"?", first), event("?").replace(b"?", second), event("!"))
    assert words_of(words.as_events) == ["ü!"]


def test_bytes_that_are_no_text_spoil_nothing_but_themselves() -> None:
    words = kept(event("a"), event("?").replace(b"?", b"\xff"), event("b"))
    assert words_of(words.as_events) == ["a\ufffdb"]


def test_only_so_much_is_kept() -> None:
    words = kept(event("a"))
    for _ in range(MAX_KEPT_BYTES // 1000 * 2):
        assert words.take_run(event("x" * 1000)) == 1
    assert MAX_KEPT_BYTES <= len(words.as_events) < MAX_KEPT_BYTES + 2000
    words.take(event("y"))
    assert words.take_run(event("z")) == 1
    assert words.as_events.endswith(b'x"}\n\n')


def test_an_event_that_finds_no_room_is_left_out() -> None:
    words = kept(event("a"), event("x" * MAX_KEPT_BYTES, number=2), event("b"))
    assert words_of(words.as_events) == ["a", "b"]


@given(
    st.lists(st.one_of(st.text().map(event), st.builds(lambda text: event(text, number=2), st.text()), st.just(b": x\n\n")), max_size=20)
)
def test_no_word_is_lost_or_comes_twice(events: list[bytes]) -> None:
    spoken = "".join(words_of(b"".join(each for each in events if each.startswith(b"data"))))
    stream = kept(*events).as_events
    assert "".join(words_of(stream.replace(b": x\n\n", b""))) == spoken


@given(st.lists(st.binary(min_size=1, max_size=30), max_size=20))
def test_arbitrary_bytes_are_kept_as_they_came_or_not_at_all(blocks: list[bytes]) -> None:
    kept(event("a"), *blocks)
