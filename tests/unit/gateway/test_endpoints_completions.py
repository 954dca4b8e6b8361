import json

import msgspec
import pytest

from modelgate.core.endpoints import Case
from modelgate.core.http import HeaderBlock, HttpRequest
from modelgate.formats.openai_completions.reference import CompletionRequest
from modelgate.formats.openai_completions.wire import WIRE_FORMAT
from modelgate.gateway.endpoints_completions import COMPLETIONS_CASES, COMPLETIONS_ENDPOINTS
from modelgate.portal.openapi import render_openapi


@pytest.mark.parametrize("case", COMPLETIONS_CASES, ids=lambda case: case.name)
def test_every_case_is_valid(case: Case) -> None:
    body = json.dumps(case.request).encode()
    msgspec.json.decode(body, type=CompletionRequest)
    assert WIRE_FORMAT.peek(HttpRequest(method="POST", path="", headers=HeaderBlock(), body=body)).model == "gpt-3.5-turbo-instruct"


def test_it_is_described() -> None:
    document = render_openapi(COMPLETIONS_ENDPOINTS, version="1", server_url="http://gateway.example")
    assert document["paths"]["/v1/completions"]["post"]["operationId"] == "create_completion"
