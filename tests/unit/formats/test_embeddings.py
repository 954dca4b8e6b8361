import pytest

from modelgate.formats.embeddings import decode_vector, encode_vector


def test_a_vector_is_little_endian_floats_in_base64() -> None:
    assert encode_vector((1.0, -2.0)) == "AACAPwAAAMA="
    assert decode_vector("AACAPwAAAMA=") == (1.0, -2.0)


@pytest.mark.parametrize("text", ["*", "AACAPwA=", "é"])
def test_what_is_no_vector_is_said(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 -- any sentence will do
        decode_vector(text)


def test_an_empty_vector_is_one() -> None:
    assert decode_vector(encode_vector(())) == ()
