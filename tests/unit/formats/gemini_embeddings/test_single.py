from typing import Any

import msgspec
import pytest

from modelgate.core.errors import InvalidRequest
from modelgate.core.http import HeaderBlock, HttpRequest
from modelgate.core.providers import NO_QUIRKS
from modelgate.core.usage import Usage
from modelgate.formats.chat.wire_format import AnswerHead, UnreadableAnswer
from modelgate.formats.embeddings import EmbeddingInput, EmbeddingsResponse
from modelgate.formats.gemini_embeddings.single import FORMAT
from modelgate.formats.single.single_format import load_single_formats

ONE = "/v1beta/models/e:embedContent"
BATCH = "/v1beta/models/e:batchEmbedContents"
PICTURE = {"content": {"parts": [{"text": "a"}, {"inlineData": {}}]}}
TEXT = {"content": {"parts": {"text": "b"}}}


def request_of(body: Any, path: str = BATCH) -> HttpRequest:
    return HttpRequest(method="POST", path=path, headers=HeaderBlock(), body=msgspec.json.encode(body))


def test_it_is_found_by_its_folder() -> None:
    assert load_single_formats()["gemini_embeddings"] is FORMAT


def test_pictures_pass_and_are_not_translated() -> None:
    request = request_of({"requests": [PICTURE, TEXT]})
    peeked = FORMAT.peek(request)
    assert (peeked.model, peeked.most.input_tokens) == ("e", len(request.body))
    assert FORMAT.texts is not None
    assert FORMAT.texts(request, peeked) == ["a", "b"]
    assert FORMAT.pass_request(request, peeked, "e", NO_QUIRKS).body is request.body
    assert FORMAT.translation is not None
    with pytest.raises(InvalidRequest):
        FORMAT.translation.decode_request(request, peeked)


@pytest.mark.parametrize(
    ("body", "path", "answer"),
    [(TEXT, ONE, {"embedding": {"values": [1.0]}}), ({"requests": [TEXT]}, BATCH, {"embeddings": [{"values": [1.0]}]})],
)
def test_the_answer_has_the_shape_that_was_asked_for(body: Any, path: str, answer: Any) -> None:
    request = request_of(body, path)
    peeked = FORMAT.peek(request)
    translation = FORMAT.translation
    assert translation is not None
    neutral = translation.decode_request(request, peeked)
    assert neutral.inputs == (EmbeddingInput(text="b"),)
    assert translation.texts(neutral) == ["b"]
    told = translation.encode_response(EmbeddingsResponse(vectors=((1.0,),)), peeked, AnswerHead(model="e", created=1, request_id="r"))
    assert msgspec.json.decode(told) == answer


def test_an_answer_passes_with_its_count_if_it_has_one() -> None:
    peeked = FORMAT.peek(request_of({"requests": [TEXT]}))
    body = b'{"embeddings":[{"values":[1]}]}'
    passed = FORMAT.pass_response(b"application/json", body, peeked, True)
    assert (passed.body, passed.usage, passed.usage_refused) == (body, None, False)
    counted = FORMAT.pass_response(b"", body[:-1] + b',"usageMetadata":{"promptTokenCount":3}}', peeked, False)
    assert counted.usage == Usage(input_tokens=3)
    assert FORMAT.pass_response(b"", body[:-1] + b',"usageMetadata":{"promptTokenCount":-3}}', peeked, False).usage_refused


@pytest.mark.parametrize("body", [b"", b"{}", b'{"embeddings":[]}', b'{"embedding":null}', b"[]", b"\xff"])
def test_what_is_no_answer_is_said(body: bytes) -> None:
    with pytest.raises(UnreadableAnswer):
        FORMAT.pass_response(b"", body, FORMAT.peek(request_of(TEXT, ONE)), False)


@pytest.mark.parametrize(("body", "path"), [({}, ONE), ({"requests": []}, BATCH), ([], BATCH)])
def test_nothing_to_embed_is_refused(body: Any, path: str) -> None:
    with pytest.raises(InvalidRequest):
        FORMAT.peek(request_of(body, path))
