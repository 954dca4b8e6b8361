from typing import Any

import msgspec
import pytest

from modelgate.core.errors import InvalidRequest, UnknownPath
from modelgate.core.http import HeaderBlock, HttpRequest
from modelgate.core.providers import NO_QUIRKS, Quirks
from modelgate.formats.embeddings import EmbeddingInput, EmbeddingsRequest
from modelgate.formats.gemini_embeddings.request import decode_request, encode_request, is_batch, pass_request

ONE = "/v1beta/models/e:embedContent"
BATCH = "/v1/models/e:batchEmbedContents"


def request_of(body: Any, *, path: str = ONE, query: str = "") -> HttpRequest:
    return HttpRequest(method="POST", path=path, query=query, headers=HeaderBlock(), body=msgspec.json.encode(body))


def test_one_content() -> None:
    body = {"content": {"parts": [{"text": "a"}, {"text": "b"}]}, "task_type": "CLUSTERING", "title": "T", "output_dimensionality": "8"}
    assert decode_request(request_of(body)) == EmbeddingsRequest(
        model="e", inputs=(EmbeddingInput(text="a\nb", title="T"),), dimensions=8, task_type="CLUSTERING"
    )


def test_what_the_dialect_can_say_comes_back() -> None:
    asked = EmbeddingsRequest(
        model="e",
        inputs=(EmbeddingInput(text="a", title="T"), EmbeddingInput(text="b")),
        dimensions=8,
        task_type="RETRIEVAL_DOCUMENT",
    )
    ask = encode_request(asked, "e", NO_QUIRKS)

    assert ask.path == "/v1beta/models/e:batchEmbedContents"
    request = HttpRequest(method="POST", path=ask.path, headers=HeaderBlock(), body=ask.body)
    assert is_batch(request)
    assert decode_request(request) == asked


def test_tokens_are_another_vendors() -> None:
    asked = EmbeddingsRequest(model="e", inputs=(EmbeddingInput(tokens=(1, 2)),))
    with pytest.raises(InvalidRequest) as caught:
        encode_request(asked, "e", NO_QUIRKS)
    assert caught.value.param == "inputs"


def test_the_user_is_not_told() -> None:
    asked = EmbeddingsRequest(model="e", inputs=(EmbeddingInput(text="a"),), user="u")
    assert encode_request(asked, "tunedModels/x", NO_QUIRKS).ignored == ("user",)


@pytest.mark.parametrize(
    ("body", "path", "param"),
    [
        ({}, ONE, "content"),
        ({"content": {"parts": []}}, ONE, "requests[0].content"),
        ({"content": {"parts": [{"inlineData": {}}]}}, ONE, "requests[0].content"),
        ({"content": {"parts": [{"text": "a"}]}, "outputDimensionality": 0}, ONE, "outputDimensionality"),
        ({"requests": []}, BATCH, "requests"),
        (
            {"requests": [{"content": {"parts": [{"text": "a"}]}}, {"content": {"parts": [{"text": "b"}]}, "taskType": "X"}]},
            BATCH,
            "requests[1].taskType",
        ),
    ],
)
def test_errors_name_the_field(body: Any, path: str, param: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        decode_request(request_of(body, path=path))
    assert caught.value.param == param


def test_other_methods_are_not_here() -> None:
    with pytest.raises(UnknownPath):
        decode_request(request_of({}, path="/v1beta/models/e:countTokens"))


def test_a_request_passes_as_it_is_under_its_own_name() -> None:
    request = request_of({"content": {"parts": [{"text": "a"}]}}, query="key=secret&x=1")
    ask = pass_request(request, "e", NO_QUIRKS)
    assert (ask.path, ask.body) == ("/v1beta/models/e:embedContent?x=1", request.body)


def test_under_another_name_the_body_says_that_too() -> None:
    """Google refuses a batch whose requests name another model than the path."""
    batch = request_of({"requests": [{"model": "models/e", "content": {"parts": []}, "unknown": 1}], "more": 2}, path=BATCH)
    ask = pass_request(batch, "real", Quirks(query="v=1"))
    assert ask.path == "/v1/models/real:batchEmbedContents?v=1"
    assert msgspec.json.decode(ask.body) == {"requests": [{"model": "models/real", "content": {"parts": []}, "unknown": 1}], "more": 2}

    one = pass_request(request_of({"model": "models/e", "content": {}}), "real", NO_QUIRKS)
    assert msgspec.json.decode(one.body) == {"model": "models/real", "content": {}}


def test_a_broken_body_does_not_pass_renamed() -> None:
    with pytest.raises(InvalidRequest):
        pass_request(request_of({"requests": [1]}, path=BATCH), "real", NO_QUIRKS)
