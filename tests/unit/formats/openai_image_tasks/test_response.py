import msgspec

from modelgate.formats.openai_image_tasks.response import encode_answer


def test_pictures_by_address_and_by_their_bytes() -> None:
    body = encode_answer(["https://gateway.example/files/a.png", b"bytes"], created=7)
    assert msgspec.json.decode(body) == {"created": 7, "data": [{"url": "https://gateway.example/files/a.png"}, {"b64_json": "Ynl0ZXM="}]}
