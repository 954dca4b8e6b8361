import json
from typing import Any

import pytest

from modelgate.core.errors import InvalidRequest
from modelgate.core.http import HeaderBlock, HttpRequest
from modelgate.core.providers import NO_QUIRKS
from modelgate.core.usage import Usage
from modelgate.formats.chat.wire_format import AnswerHead, UnreadableAnswer
from modelgate.formats.embeddings import EmbeddingInput, EmbeddingsRequest, EmbeddingsResponse
from modelgate.formats.openai_embeddings.single import FORMAT
from modelgate.formats.single.single_format import SinglePeek, load_single_formats

HEAD = AnswerHead(model="alias", created=1, request_id="req_1")
TRANSLATION = FORMAT.translation
assert TRANSLATION is not None


def asked(**body: Any) -> tuple[HttpRequest, SinglePeek]:
    raw = json.dumps({"model": "e", "input": "hello", **body}).encode()
    request = HttpRequest(method="POST", path="/v1/embeddings", headers=HeaderBlock(), body=raw)
    return request, FORMAT.peek(request)


def test_the_dialects_of_single_calls_are_found() -> None:
    assert {"openai_embeddings", "openai_moderations"} <= set(load_single_formats())


@pytest.mark.parametrize(
    ("given", "inputs", "most"),
    [
        ("héllo", [EmbeddingInput(text="héllo")], 6),
        (["a", "bc"], [EmbeddingInput(text="a"), EmbeddingInput(text="bc")], 3),
        ([1, 2, 3], [EmbeddingInput(tokens=(1, 2, 3))], 3),
        ([[1], [2, 3]], [EmbeddingInput(tokens=(1,)), EmbeddingInput(tokens=(2, 3))], 3),
    ],
)
def test_every_form_of_input_is_read(given: Any, inputs: list[EmbeddingInput], most: int) -> None:
    request, peek = asked(input=given, dimensions=4, user="u")
    assert peek.most == Usage(input_tokens=most)
    assert TRANSLATION.decode_request(request, peek) == EmbeddingsRequest(model="e", inputs=tuple(inputs), dimensions=4, user="u")


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"input": ""}, "input"),
        ({"input": []}, "input"),
        ({"input": [""]}, "input"),
        ({"input": [1, -1]}, "input"),
        ({"input": [True]}, "input"),
        ({"input": [[]]}, "input"),
        ({"input": ["a"] * 2049}, "input"),
        ({"input": None}, "input"),
        ({"dimensions": 0}, "dimensions"),
        ({"encoding_format": "hex"}, "encoding_format"),
        ({"model": ""}, "model"),
    ],
)
def test_what_cannot_be_embedded_is_refused_by_name(body: dict[str, Any], param: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        request, peek = asked(**body)
        TRANSLATION.decode_request(request, peek)
    assert refused.value.param == param


def test_bytes_pass_but_for_the_models_name() -> None:
    request, peek = asked(extra=1.50)
    assert FORMAT.pass_request(request, peek, "e", NO_QUIRKS).body == request.body
    renamed = FORMAT.pass_request(request, peek, "real", NO_QUIRKS)
    assert (renamed.path, renamed.body) == ("/embeddings", bytes(request.body).replace(b'"e"', b'"real"'))
    answer = b'{"object":"list","data":[{"embedding":"AAAA"}],"model":"real","usage":{"prompt_tokens":8,"total_tokens":8}}'
    passed = FORMAT.pass_response(b"application/json", answer, peek, True)
    assert (passed.body, passed.usage) == (answer.replace(b'"real"', b'"e"'), Usage(input_tokens=8))


@pytest.mark.parametrize(
    ("usage", "refused"), [(b"", False), (b',"usage":{"prompt_tokens":-3}', True), (b',"usage":null', False), (b',"usage":[]', True)]
)
def test_usage_that_is_missing_or_cannot_be(usage: bytes, refused: bool) -> None:
    _, peek = asked()
    passed = FORMAT.pass_response(b"application/json", b'{"data":[]%b}' % usage, peek, False)
    assert (passed.usage, passed.usage_refused) == (None, refused)


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b"\xff"])
def test_what_is_no_answer_is_unreadable(body: bytes) -> None:
    _, peek = asked()
    with pytest.raises(UnreadableAnswer):
        FORMAT.pass_response(b"application/json", body, peek, False)


@pytest.mark.parametrize("encoding", ["float", "base64", None])
def test_vectors_are_told_as_asked_and_read_back(encoding: str | None) -> None:
    _, peek = asked(**({"encoding_format": encoding} if encoding else {}))
    response = EmbeddingsResponse(vectors=((0.5, -1.0), (0.25, 2.0)), usage=Usage(input_tokens=7))
    body = TRANSLATION.encode_response(response, peek, HEAD)
    row = json.loads(body)["data"][1]
    assert row["index"] == 1
    assert isinstance(row["embedding"], str) == (encoding == "base64")
    assert TRANSLATION.decode_response(body) == EmbeddingsResponse(vectors=response.vectors, model="alias", usage=Usage(input_tokens=7))


def test_a_request_of_another_dialect_names_what_it_leaves_out() -> None:
    neutral = EmbeddingsRequest(
        model="e", inputs=(EmbeddingInput(text="a", title="t"), EmbeddingInput(tokens=(1, 2))), task_type="CLASSIFICATION"
    )
    ask = TRANSLATION.encode_request(neutral, "real", NO_QUIRKS)
    assert json.loads(ask.body) == {"model": "real", "input": ["a", [1, 2]]}
    assert ask.ignored == ("task_type", "title")
