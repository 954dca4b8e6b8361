"""What is asked of a midjourney-proxy, by the files of testdata/midjourney/encode."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from modelgate.core.errors import InvalidRequest
from modelgate.formats.media.requests import REQUEST_TYPES, ImageRequest, MediaInput, Parent, VideoRequest, kind_of, said_fields
from modelgate.providers.midjourney import PROVIDER, sign
from modelgate.providers.midjourney.calls import encode_cancel, encode_poll, encode_poll_many

PARENT = Parent(index=1)
FOLDER = Path(__file__).parents[3] / "testdata" / "midjourney" / "encode"
INPUTS = sorted(FOLDER.glob("*.input.json"))


def call_of(operation: str, body: bytes) -> dict[str, Any]:
    request = msgspec.json.decode(body, type=REQUEST_TYPES[kind_of(operation)])
    media = PROVIDER.media[operation]
    assert set(said_fields(request)) <= media.takes
    assert media.check is not None
    media.check(request, request.model)
    call = media.encode_submit(request, "task_ours", request.model)
    return {"method": call.method, "path": call.path, "headers": dict(call.headers), "body": msgspec.json.decode(call.body)}


def test_every_operation_has_its_case() -> None:
    assert {path.name.partition("-")[0] for path in INPUTS} == set(PROVIDER.media)


@pytest.mark.parametrize("path", INPUTS, ids=lambda path: path.name.removesuffix(".input.json"))
def test_request_beside_call(path: Path) -> None:
    expected = msgspec.json.decode(path.with_name(path.name.replace(".input.", ".output.")).read_bytes())
    assert call_of(path.name.partition("-")[0], path.read_bytes()) == expected


def test_polls_are_by_the_list() -> None:
    assert encode_poll("7") == encode_poll_many(["7"])
    call = encode_poll_many(["7", "8"])
    assert (call.method, call.path, call.body) == ("POST", "/mj/task/list-by-condition", b'{"ids":["7","8"]}')


def test_an_id_of_an_upstream_leads_nowhere_else() -> None:
    assert encode_cancel("../../x?y").path == "/mj/task/..%2F..%2Fx%3Fy/cancel"


def test_the_secret_goes_both_ways() -> None:
    assert sign("s3", 0.0) == (("mj-api-secret", "s3"), ("authorization", "Bearer s3"))


def test_what_was_not_read_is_not_sent() -> None:
    with pytest.raises(ValueError, match="nor bytes"):
        PROVIDER.media["image"].encode_submit(ImageRequest(model="m", prompt="x", inputs=(MediaInput(blob="b"),)), "t", "m")
    with pytest.raises(ValueError, match="not known"):
        PROVIDER.media["image.change"].encode_submit(ImageRequest(model="m"), "t", "m")


@pytest.mark.parametrize(
    ("operation", "request_", "param"),
    [
        ("image", ImageRequest(model="m"), "prompt"),
        ("image", ImageRequest(model="m", prompt="x", quality="hd"), "quality"),
        ("image.blend", ImageRequest(model="m", inputs=(MediaInput(blob="b"),)), "image"),
        ("image.blend", ImageRequest(model="m", inputs=(MediaInput(blob="b"),) * 2, aspect_ratio="16:9"), "aspect_ratio"),
        ("image.describe", ImageRequest(model="m"), "image"),
        ("image.edit", ImageRequest(model="m", prompt="x"), "image"),
        ("image.swap_face", ImageRequest(model="m", inputs=(MediaInput(blob="b"),)), "reference"),
        ("image.change", ImageRequest(model="m"), "parent"),
        ("image.change", ImageRequest(model="m", parent=PARENT), "midjourney_action"),
        ("image.change", ImageRequest(model="m", parent=Parent(), options={"midjourney_action": "UPSCALE"}), "parent"),
        ("image.change", ImageRequest(model="m", parent=PARENT, options={"midjourney_action": "VARIATION"}), "midjourney_action"),
        ("image.action", ImageRequest(model="m", parent=PARENT), "midjourney_custom_id"),
        (
            "image.action",
            ImageRequest(model="m", parent=PARENT, options={"midjourney_custom_id": "MJ::BOOKMARK::u"}),
            "midjourney_custom_id",
        ),
        ("image.action", ImageRequest(model="m", parent=PARENT, options={"midjourney_custom_id": 7}), "midjourney_custom_id"),
        ("image", ImageRequest(model="m", prompt="x", options={"midjourney_bot_type": ["x"]}), "midjourney_bot_type"),
        ("image", ImageRequest(model="m", prompt="x --turbo"), "prompt"),
        ("video", VideoRequest(model="m", options={"midjourney_batch_size": 3}), "midjourney_batch_size"),
        ("video", VideoRequest(model="m", prompt="x"), "first_frame"),
        ("video", VideoRequest(model="m", inputs=(MediaInput(blob="b", role="first_frame"),), resolution="4k"), "resolution"),
    ],
)
def test_what_it_cannot_do_is_named(operation: str, request_: ImageRequest | VideoRequest, param: str) -> None:
    check = PROVIDER.media[operation].check
    assert check is not None
    with pytest.raises(InvalidRequest) as caught:
        check(request_, "m")
    assert caught.value.param == param


def test_nobody_pays_for_less_than_is_done() -> None:
    """A press of `mj_inpaint`, which is free, made a picture large."""
    upscale = ImageRequest(model="mj_inpaint", parent=PARENT, options={"midjourney_custom_id": "MJ::JOB::upsample::1::u"})
    check = PROVIDER.media["image.action"].check
    assert check is not None
    check(upscale, "mj_upscale")
    with pytest.raises(InvalidRequest, match="mj_upscale"):
        check(upscale, "mj_inpaint")


def test_the_callback_is_ours_alone() -> None:
    media = PROVIDER.media["image"]
    told = media.encode_submit(ImageRequest(model="m", prompt="x"), "t", "m", callback_url="https://ours.example/hook")
    assert msgspec.json.decode(told.body)["notifyHook"] == "https://ours.example/hook"
    assert b"notifyHook" not in media.encode_submit(ImageRequest(model="m", prompt="x"), "t", "m", callback_url="").body
