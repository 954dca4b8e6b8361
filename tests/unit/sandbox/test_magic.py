import pytest

from modelgate.core.sandbox import MAGIC_WORDS
from modelgate.sandbox.magic import Pinned, is_magic, is_served, read_magic


@pytest.mark.parametrize("word", MAGIC_WORDS)
def test_each_word_works_as_model_and_as_line(word: str) -> None:
    assert read_magic(f"sandbox-{word}", "hello").has(word)
    magic = read_magic("gpt-4o", f"hello\n magic: {word} \nthere")
    assert magic.has(word)
    assert magic.text == "hello\n\nthere"


def test_ordinary_requests_have_no_magic() -> None:
    magic = read_magic("gpt-4o", "Tell me about magic: slow cooking, or error-400.")
    assert magic.words == frozenset()
    assert magic.error_status is None
    assert magic.pinned is None


def test_pinned_tokens() -> None:
    magic = read_magic("gpt-4o", "magic: tokens 1000 250")
    assert magic.pinned == Pinned(1000, 250)
    assert magic.text == ""
    assert read_magic("gpt-4o", "magic: tokens 1000 250 600").pinned == Pinned(1000, 250, 600)
    assert read_magic("gpt-4o", "magic: tokens 10 1 600").pinned == Pinned(10, 1, 10)
    assert read_magic("gpt-4o", "magic: tokens 90 1 60 50").pinned == Pinned(90, 1, 60, 30)
    assert read_magic("gpt-4o", "magic: tokens 10").pinned is None


def test_words_combine() -> None:
    magic = read_magic("sandbox-slow", "magic: tokens 1 2\nMagic: CUT-STREAM")
    assert magic.words == {"slow", "cut-stream"}
    assert magic.pinned == Pinned(1, 2)


def test_error_status() -> None:
    assert read_magic("sandbox-error-529", "").error_status == 529
    assert read_magic("sandbox-error-in-stream", "").error_status is None
    assert read_magic("sandbox-nothing", "").words == frozenset()


def test_usage_can_be_left_out_or_wrong() -> None:
    true = {"total": 5, "details": {"cached": 0}, "type": "tokens"}
    assert read_magic("gpt-4o", "").usage(true) == true
    assert read_magic("sandbox-no-usage", "").usage(true) is None
    assert read_magic("sandbox-bad-usage", "").usage(true) == {"total": -6, "details": {"cached": -1}, "type": "tokens"}


def test_of_several_words_the_first_named_counts() -> None:
    magic = read_magic("sandbox-fail-task", "magic: blocked-prompt")
    assert (magic.first_of(("blocked-prompt", "fail-task")), magic.first_of(("slow",))) == ("blocked-prompt", "")


def test_a_model_of_magic() -> None:
    assert [is_magic(model) for model in ("sandbox-slow", "sandbox-chat", "sandbox-nothing", "gpt-4o")] == [True, True, False, False]


def test_which_models_are_served() -> None:
    assert all(is_served(model) for model in ("gpt-4o", "vendor/any:name", "sandbox-slow", "sandbox-chat"))
    assert not any(is_served(model) for model in ("", "sandbox-nothing", "two words", "x" * 201))
