from typing import Any

import httpx2
import pytest

from modelgate.core.errors import InvalidRequest
from modelgate.core.http import HeaderBlock, HttpRequest
from modelgate.core.providers import NO_QUIRKS
from modelgate.core.usage import Usage
from modelgate.formats.openai_translations.single import FORMAT

SOUND = ("kite.mp3", b"\xff\xfb" + bytes(80_000), "audio/mpeg")


def form(sound: tuple[str, bytes, str] = SOUND, **fields: Any) -> HttpRequest:
    sent = httpx2.Request("POST", "http://gateway.example", data={"model": "whisper-1", **fields}, files={"file": sound})
    headers = HeaderBlock(b"content-type: %b\r\n" % sent.headers["content-type"].encode())
    return HttpRequest(method="POST", path="/v1/audio/translations", headers=headers, body=sent.read(), id="req_1")


@pytest.mark.parametrize("wanted", [None, "json", "text", "srt", "vtt"])
def test_whoever_translates_is_asked_at_length(wanted: str | None) -> None:
    request = form(**({"response_format": wanted} if wanted else {}))
    peek = FORMAT.peek(request)
    assert (peek.model, peek.most.milliseconds) == ("whisper-1", 81_000)
    ask = FORMAT.pass_request(request, peek, "whisper-1", NO_QUIRKS)
    assert ask.path == "/audio/translations"
    assert b"\r\n\r\nverbose_json\r\n" in ask.body


def test_the_long_form_passes_as_it_is() -> None:
    request = form(response_format="verbose_json", prompt="Kites.", temperature="0.2")
    assert FORMAT.pass_request(request, FORMAT.peek(request), "whisper-1", NO_QUIRKS).body is request.body


def test_the_short_form_is_told() -> None:
    body = b'{"task":"translate","language":"english","duration":2.5,"text":"a","segments":[]}'
    answer = FORMAT.pass_response(b"application/json", body, FORMAT.peek(form()), False)
    assert (answer.body, answer.usage) == (b'{"text":"a"}', Usage(milliseconds=2_500))


@pytest.mark.parametrize(
    ("request_", "param"),
    [
        (form(response_format="diarized_json"), "response_format"),
        (form(temperature="2"), "temperature"),
        (form(("kite.txt", b"a", "text/plain")), "file"),
    ],
)
def test_what_cannot_be_translated_is_refused_by_name(request_: HttpRequest, param: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        FORMAT.peek(request_)
    assert refused.value.param == param
