import base64
import io
from typing import Any

import pytest
from PIL import Image

from modelgate.sandbox.forms import Upload
from modelgate.sandbox.openai.errors import Refused
from modelgate.sandbox.openai.picture_uploads import read_edit, read_variation


def _bytes(kind: str = "PNG", *, size: tuple[int, int] = (32, 32), mode: str = "RGB") -> bytes:
    buffer = io.BytesIO()
    Image.new(mode, size).save(buffer, kind)
    return buffer.getvalue()


def _upload(data: bytes | None = None, *, kind: str = "image/png") -> Upload:
    return Upload(filename="a.png", content_type=kind, data=_bytes() if data is None else data)


def _url(data: bytes) -> str:
    return "data:image/png;base64," + base64.b64encode(data).decode()


def test_an_edit_by_form() -> None:
    body = {
        "model": "gpt-image-1",
        "prompt": "a hat",
        "n": "2",
        "stream": "false",
        "image": [_upload(), _upload(_bytes("JPEG"), kind="image/jpeg")],
        "mask": _upload(_bytes(mode="RGBA")),
        "input_fidelity": "high",
    }
    fields, shown, mask = read_edit(body)
    assert (fields["n"], fields["stream"]) == (2, False)
    assert [each.size for each in shown] == [(32, 32), (32, 32)]
    assert mask is not None


def test_an_edit_by_json() -> None:
    images = [{"image_url": _url(_bytes(size=(8, 4)))}, {"image_url": "https://example.com/a.png"}]
    _, shown, mask = read_edit({"prompt": "a hat", "images": images})
    assert [(each.data is not None, each.size) for each in shown] == [(True, (8, 4)), (False, (1024, 1024))]
    assert mask is None


@pytest.mark.parametrize(
    ("fields", "param", "code"),
    [
        ({"image": None}, "image", "missing_required_parameter"),
        ({"image": "text"}, "image", "invalid_type"),
        ({"image": [_upload()] * 17}, "image", "array_above_max_length"),
        ({"image": _upload(kind="application/octet-stream")}, "image", "unsupported_file_mimetype"),
        ({"image": _upload(b"no picture")}, "image", "invalid_image_file"),
        ({"image": _upload(_bytes()[:40])}, "image", "invalid_image_file"),
        ({"image": _upload(_bytes("GIF"))}, "image", "invalid_image_file"),
        ({"model": "dall-e-2", "image": [_upload(), _upload()]}, "image", "array_above_max_length"),
        ({"model": "dall-e-2", "image": _upload(_bytes(size=(8, 4)))}, "image", "invalid_image"),
        ({"model": "dall-e-2", "image": _upload(_bytes("JPEG"), kind="image/jpeg")}, "image", "unsupported_file_mimetype"),
        ({"mask": _upload()}, "mask", "invalid_mask_image_format"),
        ({"mask": _upload(_bytes(mode="RGBA", size=(4, 4)))}, "mask", "invalid_image"),
        ({"mask": [_upload(), _upload()]}, "mask", "invalid_value"),
        ({"prompt": None}, "prompt", "missing_required_parameter"),
        ({"n": "many"}, "n", "invalid_type"),
        ({"style": "vivid"}, "style", "unknown_parameter"),
        ({"stream": "true", "n": "2"}, "n", "invalid_value"),
    ],
)
def test_edits_that_are_refused(fields: dict[str, Any], param: str, code: str) -> None:
    body = {"model": "gpt-image-1", "prompt": "a hat", "image": _upload(), **fields}
    with pytest.raises(Refused) as caught:
        read_edit({name: value for name, value in body.items() if value is not None})
    assert (caught.value.param, caught.value.code) == (param, code)


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"images": []}, "images"),
        ({"images": "x"}, "images"),
        ({"images": ["x"]}, "images[0]"),
        ({"images": [{}]}, "images[0].image_url"),
        ({"images": [{"image_url": "data:,x"}]}, "images[0]"),
        ({"images": [{"file_id": "file_1"}]}, "images[0].file_id"),
        ({"images": [{"image_url": _url(_bytes())}], "mask": {"image_url": _url(_bytes())}}, "mask"),
        ({"images": [{"image_url": _url(_bytes())}], "model": "dall-e-2"}, "model"),
    ],
)
def test_edits_by_json_that_are_refused(fields: dict[str, Any], param: str) -> None:
    with pytest.raises(Refused) as caught:
        read_edit({"prompt": "a hat", **fields})
    assert caught.value.param == param


def test_variations() -> None:
    fields, shown = read_variation({"image": _upload(), "n": "2", "size": "256x256"})
    assert (fields["n"], shown.size) == (2, (32, 32))
    for body, param in (
        ({"image": _upload(), "model": "gpt-image-1"}, "model"),
        ({"image": _upload(), "prompt": "x"}, "prompt"),
        ({}, "image"),
        ({"image": _upload(_bytes(size=(8, 4)))}, "image"),
    ):
        with pytest.raises(Refused) as caught:
            read_variation(body)
        assert caught.value.param == param
