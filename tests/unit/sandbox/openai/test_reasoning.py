import pytest

from modelgate.sandbox.openai.errors import Refused
from modelgate.sandbox.openai.reasoning import check_encrypted, make_encrypted


def test_what_was_made_here_is_known_again() -> None:
    made = make_encrypted()
    check_encrypted({"id": "rs_1", "encrypted_content": made})
    assert made != make_encrypted()


@pytest.mark.parametrize("text", ["", "gAAAAA", "gAAAAAabcd", "something", "é", make_encrypted()[:-8] + "AAAAAAA=", make_encrypted()[6:]])
def test_what_was_not_is_refused(text: str) -> None:
    with pytest.raises(Refused) as caught:
        check_encrypted({"id": "rs_1", "encrypted_content": text})
    assert caught.value.code == "invalid_encrypted_content"
