import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelgate.formats.chat.carried import Carried
from modelgate.formats.chat.request import Thinking
from modelgate.formats.gemini_content.signatures import holds_foreign_state, read_signature, tell_signature

THOUGHT = Thinking(text="Hm", signature="SIG", format="anthropic_messages")


def test_the_vendors_own_is_told_and_read_as_it_is() -> None:
    assert tell_signature(signature="c2ln", format="gemini_content") == "c2ln"
    assert read_signature("c2ln") == Carried("", "gemini_content", "c2ln")


def test_nothing_is_told_of_nothing() -> None:
    assert tell_signature(signature="", format="") == ""


def test_what_is_too_large_is_not_told() -> None:
    huge = Thinking(sealed="".join(map(str, range(60_000))), format="anthropic_messages")
    assert tell_signature(signature="", format="", thinking=(huge,)) == ""


@given(st.text(max_size=30), st.text("abc_1", max_size=10), st.booleans())
def test_another_vendors_state_survives_clients_that_write_the_bytes_anew(text: str, call_id: str, url_safe: bool) -> None:
    thought = Thinking(text=text, signature="SIG", format="anthropic_messages")
    told = tell_signature(signature="", format="", thinking=(thought,), call_id=call_id)
    data = base64.urlsafe_b64decode(told)  # proper base64, padding and all
    again = (base64.urlsafe_b64encode if url_safe else base64.b64encode)(data).decode()

    assert read_signature(again) == Carried(call_id, "anthropic_messages", "", (thought,))
    assert holds_foreign_state(again.encode())
    assert holds_foreign_state(again.replace("/", "\\/").encode())


@pytest.mark.parametrize("told", ["call_mg1", "call_mg1xx", "call/mg1*", "\n"])
def test_what_is_broken_stands_for_itself(told: str) -> None:
    assert read_signature(told) == Carried("", "gemini_content", told)


@pytest.mark.parametrize("quotes", [2, 10_000])
def test_state_is_found_in_large_bodies(quotes: int) -> None:
    filler = b'"x"' * quotes + b"x" * 100_000
    assert holds_foreign_state(filler + b'"call_mg1abc"')
    assert not holds_foreign_state(filler + b'"abc"')
