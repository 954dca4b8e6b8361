import json

import msgspec
import pytest

from modelgate.core.endpoints import Case
from modelgate.core.http import HeaderBlock, HttpRequest
from modelgate.core.providers import NO_QUIRKS
from modelgate.formats.openai_responses.reference import ResponseRequest
from modelgate.formats.openai_responses.wire import WIRE_FORMAT
from modelgate.gateway.endpoints_responses import RESPONSES_CASES, RESPONSES_ENDPOINTS, STORED_RESPONSES_ENDPOINTS
from modelgate.portal.openapi import render_openapi

ENDPOINTS = (*RESPONSES_ENDPOINTS, *STORED_RESPONSES_ENDPOINTS)


@pytest.mark.parametrize("case", RESPONSES_CASES, ids=lambda case: case.name)
def test_every_case_is_valid_and_can_be_translated(case: Case) -> None:
    body = json.dumps(case.request).encode()
    msgspec.json.decode(body, type=ResponseRequest)
    request = HttpRequest(method="POST", path="/v1/responses", headers=HeaderBlock(), body=body)
    neutral = WIRE_FORMAT.decode_request(request, WIRE_FORMAT.peek(request))
    assert WIRE_FORMAT.encode_request(neutral, "m", NO_QUIRKS).ignored == ()


def test_every_endpoint_is_described_and_fills_its_path() -> None:
    document = json.loads(msgspec.json.encode(render_openapi(list(ENDPOINTS), version="1", server_url="http://gateway.example")))
    assert len({endpoint.name for endpoint in ENDPOINTS}) == sum(len(item) for item in document["paths"].values()) == len(ENDPOINTS)
    for endpoint in ENDPOINTS:
        assert all(("{response_id}" in endpoint.path) == ("response_id" in case.path_values) for case in endpoint.cases)
        assert len(endpoint.errors) == len(set(endpoint.errors))
