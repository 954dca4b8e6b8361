import httpx2
import pytest

from modelgate.core.errors import InvalidRequest
from modelgate.core.http import HeaderBlock, HttpRequest
from modelgate.core.providers import NO_QUIRKS
from modelgate.core.usage import Usage
from modelgate.formats.openai_image_variations.single import DEFAULT_MODEL, FORMAT

KITE = ("kite.png", b"\x89PNG", "image/png")


def form(*, image: tuple[str, bytes, str] | None = KITE, **fields: str) -> HttpRequest:
    sent = httpx2.Request("POST", "http://gateway.example", data=fields, files={"image" if image else "other": image or KITE})
    headers = HeaderBlock(b"content-type: %b\r\n" % sent.headers["content-type"].encode())
    return HttpRequest(method="POST", path="/v1/images/variations", headers=headers, body=sent.read(), id="req_1")


def test_a_form_passes_or_is_written_anew() -> None:
    request = form(model="dall-e-2", n="3", size="256x256")
    peek = FORMAT.peek(request)
    assert peek.most == Usage(images=3, variant="256x256")
    assert FORMAT.pass_request(request, peek, "dall-e-2", NO_QUIRKS).body is request.body
    renamed = FORMAT.pass_request(request, peek, "real", NO_QUIRKS)
    assert b"real" in renamed.body
    assert b"dall-e-2" not in renamed.body


def test_without_a_model_the_vendors_default_is_meant_and_said() -> None:
    request = form()
    peek = FORMAT.peek(request)
    assert peek.model == DEFAULT_MODEL
    assert DEFAULT_MODEL.encode() in FORMAT.pass_request(request, peek, DEFAULT_MODEL, NO_QUIRKS).body


@pytest.mark.parametrize(
    ("fields", "param"), [({"n": "11"}, "n"), ({"size": "1x1"}, "size"), ({"response_format": "x"}, "response_format")]
)
def test_what_cannot_be_varied_is_refused_by_name(fields: dict[str, str], param: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        FORMAT.peek(form(**fields))
    assert refused.value.param == param


def test_a_picture_is_needed_in_a_form() -> None:
    for request in (form(image=None), HttpRequest(method="POST", path="", headers=HeaderBlock(), body=b"{}")):
        with pytest.raises(InvalidRequest):
            FORMAT.peek(request)


def test_pictures_pass() -> None:
    body = b'{"data":[{"url":"https://x"}]}'
    answer = FORMAT.pass_response(b"application/json", body, FORMAT.peek(form()), True)
    assert (answer.body, answer.usage) == (body, Usage(images=1, variant="1024x1024"))
