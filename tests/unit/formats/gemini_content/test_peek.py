from typing import Any

import msgspec
import pytest

from modelgate.core.errors import InvalidRequest, UnknownPath
from modelgate.core.http import HeaderBlock, HttpRequest
from modelgate.core.providers import NO_QUIRKS, Quirks
from modelgate.formats.gemini_content.peek import RequestPeek, pass_request, peek

GENERATE = "/v1beta/models/m:generateContent"
STREAM = "/v1/models/m:streamGenerateContent"


class NoIds:
    def seal(self, vendor_id: str) -> str:
        raise AssertionError(vendor_id)

    def open(self, our_id: str) -> str:
        raise AssertionError(our_id)


def request_of(body: Any, *, path: str = GENERATE, query: str = "") -> HttpRequest:
    raw = body if isinstance(body, bytes) else msgspec.json.encode(body)
    return HttpRequest(method="POST", path=path, query=query, headers=HeaderBlock(), body=raw)


def peeked(body: dict[str, Any], *, path: str = GENERATE, query: str = "") -> RequestPeek:
    return peek(request_of({"contents": [{"parts": [{"text": "x"}]}], **body}, path=path, query=query))


def test_model_and_method_come_from_the_path() -> None:
    found = peeked({}, path=STREAM, query="alt=sse&key=k")
    assert (found.model, found.stream, found.is_sse, found.state, found.needs_hub) == ("m", True, True, "", False)
    assert not peeked({}, path=STREAM).is_sse


@pytest.mark.parametrize("config", ["generationConfig", "generation_config"])
@pytest.mark.parametrize(("limit", "count"), [("maxOutputTokens", "candidateCount"), ("max_output_tokens", "candidate_count")])
def test_bounds_are_read_in_either_casing(config: str, limit: str, count: str) -> None:
    found = peeked({config: {limit: "100", count: 2}})
    assert (found.output_limit, found.n) == (100, 2)


def test_a_bound_said_twice_is_the_larger() -> None:
    """Which of the two the vendor takes is its own business; money is held for the dearer."""
    assert peeked({"generationConfig": {"maxOutputTokens": 1}, "generation_config": {"max_output_tokens": 9}}).output_limit == 9


def test_pictures_are_bounded() -> None:
    parts = [{"inlineData": {}}, {"file_data": {}}, {"text": "![x](data:image/png;base64,AAAA)"}, {"text": '"inlineData"'}]
    assert peeked({"contents": [{"parts": parts}]}).images >= 3


def test_another_vendors_state_asks_for_the_hub() -> None:
    assert peeked({"contents": [{"parts": [{"functionCall": {}, "thoughtSignature": "call/mg1x"}]}]}).needs_hub


@pytest.mark.parametrize(
    ("body", "param", "code"),
    [
        (b"", None, "invalid_json"),
        (b'{"contents":[', None, "invalid_json"),
        (b'{"contents":[{"a":"\xff"}]}', None, "invalid_json"),
        (b'{"contents":' + b"[" * 100_000, None, "invalid_json"),
        (b"[]", None, "invalid_type"),
        ({}, "contents", "missing_required_parameter"),
        ({"contents": []}, "contents", "missing_required_parameter"),
        ({"contents": "x"}, "contents", "invalid_type"),
        ({"contents": [1], "generationConfig": {"maxOutputTokens": 0}}, "generationConfig.maxOutputTokens", "invalid_value"),
        ({"contents": [1], "generation_config": {"candidate_count": 9}}, "generation_config.candidate_count", "invalid_value"),
        ({"contents": [1], "generationConfig": {"maxOutputTokens": "x"}}, "generationConfig.maxOutputTokens", "invalid_type"),
    ],
)
def test_errors_name_the_field(body: Any, param: str | None, code: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        peek(request_of(body))
    assert (caught.value.param, caught.value.code) == (param, code)


def test_other_methods_are_not_a_conversations() -> None:
    with pytest.raises(UnknownPath):
        peek(request_of({}, path="/v1beta/models/m:countTokens"))


@pytest.mark.parametrize(
    ("path", "query", "model", "quirks", "upstream"),
    [
        (GENERATE, "key=secret", "m", NO_QUIRKS, "/v1beta/models/m:generateContent"),
        (STREAM, "alt=sse&key=secret&a=1", "up", NO_QUIRKS, "/v1/models/up:streamGenerateContent?alt=sse&a=1"),
        (STREAM, "", "up", NO_QUIRKS, "/v1/models/up:streamGenerateContent"),
        (GENERATE, "", "up", Quirks(paths={"gemini_content": "/x/{model}"}, query="v=2"), "/x/up:generateContent?v=2"),
    ],
)
def test_a_request_passes_with_its_body_untouched(path: str, query: str, model: str, quirks: Quirks, upstream: str) -> None:
    request = request_of(b'{ "contents": [ {"parts":[{"text":"x"}]} ], "unknown": 1.50 }', path=path, query=query)
    ask = pass_request(request, peek(request), model, quirks, NoIds())

    assert ask.path == upstream
    assert ask.body is request.body
    assert "secret" not in ask.path
