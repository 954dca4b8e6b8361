"""Every case of the Gemini family is a request that the dialect reads, and the documents of its endpoints can be made."""

import msgspec
import pytest

from modelgate.core.endpoints import Case, Endpoint
from modelgate.core.http import HeaderBlock, HttpRequest
from modelgate.formats.gemini_content.count_tokens import decode_count
from modelgate.formats.gemini_content.wire import WIRE_FORMAT
from modelgate.formats.gemini_embeddings.request import decode_request as decode_embeddings
from modelgate.gateway.endpoints_gemini import GEMINI_ENDPOINTS, MODELS_ENDPOINTS
from modelgate.portal.openapi import render_openapi

CASES = [(endpoint, case) for endpoint in GEMINI_ENDPOINTS for case in endpoint.cases]


@pytest.mark.parametrize(("endpoint", "case"), CASES, ids=[f"{endpoint.name}-{case.name}" for endpoint, case in CASES])
def test_the_example_is_a_request(endpoint: Endpoint, case: Case) -> None:
    path = endpoint.path.format(**case.path_values)
    request = HttpRequest(method=endpoint.method, path=path, headers=HeaderBlock(), body=msgspec.json.encode(case.request))
    match path.rpartition(":")[2]:
        case "countTokens":
            assert decode_count(request).messages
        case "embedContent" | "batchEmbedContents":
            assert decode_embeddings(request).inputs
        case _:
            decoded = WIRE_FORMAT.decode_request(request, WIRE_FORMAT.peek(request))
            assert decoded.messages
            assert decoded.ignored == ()
    msgspec.convert(case.request, endpoint.request)


def test_every_endpoint_is_documented_for_both_versions() -> None:
    endpoints = [*GEMINI_ENDPOINTS, *MODELS_ENDPOINTS]
    document = msgspec.json.decode(msgspec.json.encode(render_openapi(endpoints, version="1", server_url="http://gateway.example")))

    assert {f"/{version}/models/{{model}}:generateContent" for version in ("v1beta", "v1")} <= set(document["paths"])
    assert len({endpoint.name for endpoint in endpoints}) == len(endpoints)
    assert all(endpoint.summary and endpoint.description and endpoint.cases for endpoint in endpoints)
