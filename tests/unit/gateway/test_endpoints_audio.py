import json

import msgspec
import pytest

from modelgate.core.endpoints import Case
from modelgate.core.http import HeaderBlock, HttpRequest
from modelgate.formats.openai_speech.single import FORMAT
from modelgate.formats.openai_transcriptions.families import check_fields, family_of
from modelgate.formats.openai_transcriptions.schema import TranscriptionFields
from modelgate.gateway.endpoints_audio import AUDIO_ENDPOINTS, SPEECH_CASES, TRANSCRIPTION_CASES, TRANSLATION_CASES
from modelgate.portal.openapi import render_openapi


@pytest.mark.parametrize("case", SPEECH_CASES, ids=lambda case: case.name)
def test_every_case_is_valid(case: Case) -> None:
    body = json.dumps(case.request).encode()
    assert FORMAT.peek(HttpRequest(method="POST", path="", headers=HeaderBlock(), body=body)).model


@pytest.mark.parametrize("case", [*TRANSCRIPTION_CASES, *TRANSLATION_CASES], ids=lambda case: case.name)
def test_every_form_is_valid(case: Case) -> None:
    assert case.request is not None
    texts = {name.removesuffix("[]"): value for name, value in case.request.items() if name != "file"}
    fields = msgspec.convert(texts, TranscriptionFields)
    check_fields(fields, family_of(fields.model))


def test_they_are_described() -> None:
    document = render_openapi(AUDIO_ENDPOINTS, version="1", server_url="http://gateway.example")
    speech = document["paths"]["/v1/audio/speech"]["post"]
    assert list(speech["responses"]["200"]["content"]) == ["audio/mpeg", "text/event-stream"]
    hearing = document["paths"]["/v1/audio/transcriptions"]["post"]
    assert list(hearing["requestBody"]["content"]) == ["multipart/form-data"]
    assert document["components"]["schemas"]["TranscriptionForm"]["properties"]["file"]["format"] == "binary"
