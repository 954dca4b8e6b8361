import json

import pytest

from modelgate.formats.chat.request import Image
from modelgate.formats.chat.wire_format import UnreadableAnswer
from modelgate.formats.openai_responses.response import decode_answer, decode_response


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"output":null}', b'{"output":{}}', b'{"status":7}', b"\xff", b"[" * 9999])
def test_what_is_no_response_object_is_unreadable(body: bytes) -> None:
    with pytest.raises(UnreadableAnswer):
        decode_answer(body)


@pytest.mark.parametrize("status", ["failed", "cancelled", "queued", "in_progress"])
def test_an_answer_that_is_none_is_unreadable(status: str) -> None:
    with pytest.raises(UnreadableAnswer):
        decode_response(json.dumps({"status": status, "output": [], "error": None}).encode())


def test_an_item_of_another_make_costs_nothing_but_itself() -> None:
    items = [{"type": "novelty", "content": {"deep": 1}}, {"type": "message", "content": [{"type": "output_text", "text": "Hi"}]}]
    (choice,) = decode_response(json.dumps({"status": "completed", "output": items}).encode()).choices
    assert len(choice.parts) == 1


def test_bytes_decide_about_a_pictures_type() -> None:
    item = {"type": "image_generation_call", "result": "/9j/4AAQSkZJRgABAQ==", "output_format": "png"}
    (choice,) = decode_response(json.dumps({"status": "completed", "output": [item]}).encode()).choices
    assert choice.parts == (Image(media_type="image/jpeg", data="/9j/4AAQSkZJRgABAQ=="),)
