import json

import msgspec
import pytest

from modelgate.core.endpoints import Case
from modelgate.core.http import HeaderBlock, HttpRequest
from modelgate.formats.openai_image_edits.schema import ImageEditFields
from modelgate.formats.openai_images.schema import ImageRequest
from modelgate.formats.openai_images.single import FORMAT
from modelgate.gateway.endpoints_images import EDIT_CASES, IMAGE_CASES, IMAGE_ENDPOINTS, VARIATION_CASES
from modelgate.portal.openapi import render_openapi


@pytest.mark.parametrize("case", IMAGE_CASES, ids=lambda case: case.name)
def test_every_case_is_valid(case: Case) -> None:
    body = json.dumps(case.request).encode()
    msgspec.json.decode(body, type=ImageRequest)
    assert FORMAT.peek(HttpRequest(method="POST", path="", headers=HeaderBlock(), body=body)).most.images == 1


def test_forms_are_described_as_such() -> None:
    document = render_openapi(IMAGE_ENDPOINTS, version="1", server_url="http://gateway.example")
    edit = document["paths"]["/v1/images/edits"]["post"]
    assert list(edit["requestBody"]["content"]) == ["multipart/form-data"]
    image = document["components"]["schemas"]["ImageEditForm"]["properties"]["image"]
    assert image["items"]["format"] == "binary"
    assert list(document["paths"]["/v1/images/generations"]["post"]["requestBody"]["content"]) == ["application/json"]
    assert EDIT_CASES[0].request is not None
    msgspec.convert(EDIT_CASES[0].request, ImageEditFields)
    assert VARIATION_CASES[0].request is not None
