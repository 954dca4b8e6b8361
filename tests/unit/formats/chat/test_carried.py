import base64
import re
import zlib

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelgate.formats.chat.carried import MARK, MAX_CARRIED_BYTES, MAX_THOUGHTS, Carried, pack_id, unpack_id
from modelgate.formats.chat.request import Thinking

thoughts = st.builds(Thinking, text=st.text(max_size=50), signature=st.text(max_size=20), sealed=st.text(max_size=20), format=st.just("f"))


@given(st.text(max_size=40), st.text(max_size=60), st.lists(thoughts, max_size=2))
def test_what_is_packed_comes_back(id: str, signature: str, thinking: list[Thinking]) -> None:
    carried = Carried(id, "f" if signature or thinking else "", signature, tuple(thinking))
    packed = pack_id(carried)
    if signature or thinking:
        assert re.fullmatch(r"[a-zA-Z0-9_-]+", packed)
        assert packed.startswith(MARK)
        assert unpack_id(packed) == carried
    else:
        assert packed == id


@pytest.mark.parametrize("id", ["call_abc", MARK, MARK + "!!!!", MARK + "AAAA", MARK + "A" * (3 * MAX_CARRIED_BYTES), ""])
def test_what_carries_nothing_stands_for_itself(id: str) -> None:
    assert unpack_id(id) == Carried(id, "")


def test_an_id_never_grows_beyond_its_bound() -> None:
    text = "".join(chr(33 + (n * n * 7919) % 50000) for n in range(200_000))
    assert pack_id(Carried("call_1", "f", "s", (Thinking(text=text, format="f"),))) == "call_1"


def test_a_bomb_is_not_unpacked() -> None:
    bomb = MARK + base64.urlsafe_b64encode(zlib.compress(b"\0" * 30_000_000)).rstrip(b"=").decode()
    assert unpack_id(bomb) == Carried(bomb, "")


def test_symptom_a_body_full_of_ids_of_two_kilobytes_filled_all_memory() -> None:
    """Each grew to a megabyte of thoughts, 150,000 of them; ten thousand ids fit into one body, and the relay stood still for minutes."""
    raw = msgspec.msgpack.encode(("a", "gemini_content", "s", [("a", "b", "")] * 150_000))
    bomb = MARK + base64.urlsafe_b64encode(zlib.compress(raw, 9)).rstrip(b"=").decode()
    assert len(bomb) < 2_000
    assert unpack_id(bomb) == Carried(bomb, "")


def test_an_id_that_would_grow_is_packed_so_that_it_does_not() -> None:
    carried = Carried("c", "anthropic_messages", "sig", (Thinking(text="word " * 5_000, signature="s", format="anthropic_messages"),))
    assert unpack_id(pack_id(carried)) == carried


def test_more_thoughts_than_anybody_has_are_not_carried() -> None:
    assert pack_id(Carried("c", "x", "sig", (Thinking(text="a", format="x"),) * (MAX_THOUGHTS + 1))) == "c"
