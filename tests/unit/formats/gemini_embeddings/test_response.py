import msgspec
import pytest

from modelgate.core.usage import Usage
from modelgate.formats.chat.wire_format import UnreadableAnswer
from modelgate.formats.embeddings import EmbeddingsResponse
from modelgate.formats.gemini_embeddings.response import decode_response, encode_response


def test_vectors_come_back_in_their_order() -> None:
    response = EmbeddingsResponse(vectors=((0.5, -1.0), (2.0,)))
    assert decode_response(encode_response(response, is_batch=True)) == response


def test_one_vector() -> None:
    response = EmbeddingsResponse(vectors=((0.5,),))
    body = encode_response(response, is_batch=False)
    assert msgspec.json.decode(body) == {"embedding": {"values": [0.5]}}
    assert decode_response(body) == response


def test_newest_models_count() -> None:
    body = b'{"embeddings":[{"values":[1]}],"usageMetadata":{"promptTokenCount":3}}'
    assert decode_response(body).usage == Usage(input_tokens=3)
    assert decode_response(body.replace(b"3", b"-3")).usage_refused


@pytest.mark.parametrize("body", [b"", b"{}", b"[]", b'{"embeddings":[]}', b'{"embedding":{"values":[]}}', b'{"embeddings":[{}]}', b"\xff"])
def test_what_is_no_answer_is_said(body: bytes) -> None:
    with pytest.raises(UnreadableAnswer):
        decode_response(body)
