import json
from typing import Any

import httpx2
import pytest

from modelgate.core.errors import InvalidRequest
from modelgate.core.http import HeaderBlock, HttpRequest
from modelgate.core.providers import NO_QUIRKS
from modelgate.formats.multipart import parse_form
from modelgate.formats.openai_chat.request import say
from modelgate.formats.openai_image_edits.single import DEFAULT_MODEL, FORMAT
from modelgate.formats.openai_images.count import MAX_SHOWN_TOKENS

KITE = ("kite.png", b"\x89PNG", "image/png")


def form(*files: tuple[str, Any], **fields: str) -> HttpRequest:
    sent = httpx2.Request("POST", "http://gateway.example", data={"prompt": "blue", **fields}, files=list(files) or [("image", KITE)])
    headers = HeaderBlock(b"content-type: %b\r\n" % sent.headers["content-type"].encode())
    return HttpRequest(method="POST", path="/v1/images/edits", headers=headers, body=sent.read(), id="req_1")


def asked(**body: Any) -> HttpRequest:
    body = {"prompt": "blue", "images": [{"image_url": "https://x/kite.png"}], **body}
    return HttpRequest(method="POST", path="/v1/images/edits", headers=HeaderBlock(), body=json.dumps(body).encode())


def test_a_form_passes_as_it_is_under_its_own_name_of_the_model() -> None:
    request = form(("image[]", KITE), ("image[]", KITE), ("mask", KITE), model="gpt-image-1", stream="true", n="2")
    peek = FORMAT.peek(request)
    assert (peek.model, peek.stream, peek.most.images, peek.most.input_image_tokens) == ("gpt-image-1", True, 2, 2 * MAX_SHOWN_TOKENS)
    ask = FORMAT.pass_request(request, peek, "gpt-image-1", NO_QUIRKS)
    assert ask.body is request.body
    assert ask.content_type == request.headers.get(b"content-type")


@pytest.mark.parametrize("fields", [{"model": "mine"}, {}])
def test_a_form_is_written_anew_for_another_model(fields: dict[str, str]) -> None:
    request = form(("image", KITE), ("image", ("b.png", b"\0\r\n", "image/png")), size="1024x1024", **fields)
    peek = FORMAT.peek(request)
    assert peek.model == fields.get("model", DEFAULT_MODEL)
    ask = FORMAT.pass_request(request, peek, "real", NO_QUIRKS)
    again = HttpRequest(method="POST", path="", headers=HeaderBlock(b"content-type: %b\r\n" % ask.content_type), body=ask.body)
    found = parse_form(again, say=say)
    assert {(each.name, each.filename, found.bytes_of(each)) for each in found.parts} == {
        ("model", None, b"real"),
        ("prompt", None, b"blue"),
        ("size", None, b"1024x1024"),
        ("image", "kite.png", b"\x89PNG"),
        ("image", "b.png", b"\0\r\n"),
    }


def test_json_passes_too() -> None:
    request = asked(model="mine", moderation="low", mask={"image_url": "data:image/png;base64,AAAA"})
    peek = FORMAT.peek(request)
    assert peek.most.input_image_tokens == MAX_SHOWN_TOKENS
    assert FORMAT.pass_request(request, peek, "mine", NO_QUIRKS).body is request.body
    assert json.loads(FORMAT.pass_request(request, peek, "real", NO_QUIRKS).body)["model"] == "real"


@pytest.mark.parametrize(
    ("request_", "param"),
    [
        (form(("other", KITE)), "image"),
        (form(("image", KITE), ("image", KITE), model="dall-e-2"), "image"),
        (form(("image", KITE), ("mask", KITE), ("mask", KITE)), "mask"),
        (form(("image", ("", b"x", "image/png"))), "image"),
        (form(image="https://x/kite.png"), "image"),
        (form(model="dall-e-2", background="opaque"), "background"),
        (form(n="eleven"), "n"),
        (form(input_fidelity="some"), "input_fidelity"),
        (asked(images=[]), "images"),
        (asked(images=[{}]), "images[0].image_url"),
        (asked(images=[{"file_id": "file-1"}]), "images[0].file_id"),
        (asked(images=[{"image_url": "https://x/a.png"}, {"image_url": "file:///a.png"}]), "images[1].image_url"),
        (asked(mask={"file_id": "file-1"}), "mask.file_id"),
        (asked(model="dall-e-2"), "model"),
        (asked(prompt=None), "prompt"),
    ],
)
def test_what_cannot_be_edited_is_refused_by_name(request_: HttpRequest, param: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        FORMAT.peek(request_)
    assert refused.value.param == param


def test_answers_pass_whole_and_as_events() -> None:
    peek = FORMAT.peek(form(model="gpt-image-1"))
    body = b'{"data":[{"b64_json":"AAAA"}]}'
    assert FORMAT.pass_response(b"application/json", body, peek, False).body is body
    assert FORMAT.make_tap is not None
    relay = FORMAT.make_tap(b"text/event-stream", peek).relay
    relay.feed(b'data: {"type":"image_edit.completed"}\n\n')
    assert relay.is_done
