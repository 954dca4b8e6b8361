import base64
import re
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelgate.formats.chat.carried import MARK, MAX_CARRIED_BYTES, Carried, pack_id, unpack_id
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
