import json

import pytest

from modelgate.core.endpoints import Endpoint
from modelgate.core.http import HeaderBlock, HttpRequest
from modelgate.formats.openai_embeddings.single import FORMAT as EMBEDDINGS
from modelgate.formats.openai_moderations.single import FORMAT as MODERATIONS
from modelgate.formats.single.single_format import SingleFormat
from modelgate.gateway.endpoints_more import MORE_ENDPOINTS
from modelgate.portal.openapi import render_openapi


@pytest.mark.parametrize(("endpoint", "single_format"), [*zip(MORE_ENDPOINTS, (EMBEDDINGS, MODERATIONS), strict=True)])
def test_every_case_is_valid(endpoint: Endpoint, single_format: SingleFormat) -> None:
    for case in endpoint.cases:
        body = json.dumps(case.request).encode()
        assert single_format.peek(HttpRequest(method="POST", path=endpoint.path, headers=HeaderBlock(), body=body)).model


def test_they_are_described_under_names_of_their_own() -> None:
    document = render_openapi(MORE_ENDPOINTS, version="1", server_url="http://gateway.example")
    assert document["paths"]["/v1/embeddings"]["post"]["operationId"] == "create_embedding"
    assert {"EmbeddingRequest", "Embeddings", "ModerationRequest", "Moderations"} <= set(document["components"]["schemas"])
