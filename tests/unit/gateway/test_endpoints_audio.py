import json

import pytest

from modelgate.core.endpoints import Case
from modelgate.core.http import HeaderBlock, HttpRequest
from modelgate.formats.openai_speech.single import FORMAT
from modelgate.gateway.endpoints_audio import AUDIO_ENDPOINTS, SPEECH_CASES
from modelgate.portal.openapi import render_openapi


@pytest.mark.parametrize("case", SPEECH_CASES, ids=lambda case: case.name)
def test_every_case_is_valid(case: Case) -> None:
    body = json.dumps(case.request).encode()
    assert FORMAT.peek(HttpRequest(method="POST", path="", headers=HeaderBlock(), body=body)).model


def test_they_are_described() -> None:
    document = render_openapi(AUDIO_ENDPOINTS, version="1", server_url="http://gateway.example")
    speech = document["paths"]["/v1/audio/speech"]["post"]
    assert list(speech["responses"]["200"]["content"]) == ["audio/mpeg"]
