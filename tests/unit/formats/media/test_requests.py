"""How neutral requests are kept with a task."""

import pytest

from modelgate.formats.media.requests import ImageRequest, MediaInput, decode_request, encode_request, with_inputs


def test_what_is_kept_comes_back() -> None:
    request = ImageRequest(
        model="m",
        prompt="p",
        n=2,
        aspect_ratio="1:1",
        inputs=(MediaInput(blob="blob_1234.png", content_type="image/png"),),
        options={"kling_image_fidelity": 0.0},
    )
    assert decode_request("image", encode_request(request)) == request


def test_inline_bytes_are_never_kept_with_the_task() -> None:
    with pytest.raises(ValueError, match="stored as blobs"):
        encode_request(ImageRequest(model="m", prompt="p", inputs=(MediaInput(data=b"x"),)))


def test_an_unknown_operation_is_said() -> None:
    with pytest.raises(ValueError, match="'dance'"):
        decode_request("dance", b"{}")


def test_inputs_are_replaced_place_by_place() -> None:
    request = ImageRequest(model="m", prompt="p", inputs=(MediaInput(data=b"x"),))
    replaced = with_inputs(request, [MediaInput(blob="b")])

    assert replaced.inputs == (MediaInput(blob="b"),)
    with pytest.raises(ValueError, match="0 inputs for 1"):
        with_inputs(request, [])
