import pytest

from modelgate.formats.chat.vendor_error import MAX_ERROR_TEXT, clean


@pytest.mark.parametrize("secret", ["sk-abcd1234efgh", "AIzaSyA1234567890abc", "Bearer abc.def", "eyJhbGc.eyJpc3M.sig", "xai-key1234"])
def test_what_looks_like_a_key_is_removed(secret: str) -> None:
    cleaned = clean(f"bad key {secret} given")
    assert cleaned is not None
    assert secret not in cleaned
    assert "[removed]" in cleaned


@pytest.mark.parametrize("value", [None, "", [], {}, True, 1.5])
def test_what_is_no_text_is_nothing(value: object) -> None:
    assert clean(value) is None


def test_numbers_become_text_and_texts_are_bounded() -> None:
    assert clean(400) == "400"
    assert len(clean("x" * 10_000) or "") == MAX_ERROR_TEXT
