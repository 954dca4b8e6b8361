"""Vendor keys come from stdin or a hidden prompt."""

import io
import sys

import click
import pytest

from modelgate.cli.vendor_keys import read_vendor_keys
from modelgate.core.upstreams import MAX_SECRET_LENGTH, MAX_SECRETS


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_lines_of_stdin_are_keys_each_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("one\r\n\n  two \none\n"))
    assert read_vendor_keys("openai") == ("one", "two")


def test_on_a_terminal_keys_are_typed_blindly_until_an_empty_line(monkeypatch: pytest.MonkeyPatch) -> None:
    typed = iter(["one", "two", ""])
    hidden: list[bool] = []

    def prompt(text: str, *, hide_input: bool, **_: object) -> str:
        hidden.append(hide_input)
        return next(typed)

    monkeypatch.setattr(sys, "stdin", Terminal())
    monkeypatch.setattr(click, "prompt", prompt)
    assert read_vendor_keys("openai") == ("one", "two")
    assert hidden == [True, True, True]


@pytest.mark.parametrize("text", ["\n".join(str(number) for number in range(MAX_SECRETS + 1)), "x" * (MAX_SECRET_LENGTH + 1)])
def test_what_is_too_much_is_refused(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(text))
    with pytest.raises(click.UsageError, match="at most"):
        read_vendor_keys("openai")


def test_nothing_is_no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(""))
    assert read_vendor_keys("openai") == ()
