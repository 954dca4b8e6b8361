"""What Runway's models can do."""

import pytest

from modelgate.core.errors import InvalidRequest
from modelgate.formats.media.requests import ImageRequest, MediaInput, VideoRequest
from modelgate.metering.price_list import read_shipped_prices
from modelgate.providers.runway import PROVIDER
from modelgate.sandbox.videos import make_video

VIDEO, IMAGE = PROVIDER.media["video"], PROVIDER.media["image"]
FIRST, LAST = MediaInput(data=b"1", role="first_frame"), MediaInput(data=b"2", role="last_frame")
CLIP = make_video("a fox", width=64, height=64, seconds=4)
SHORT = make_video("a fox", width=64, height=64, seconds=1)


@pytest.mark.parametrize(
    ("request_", "param"),
    [
        (VideoRequest(model="gen4_turbo", prompt="a fox"), "first_frame"),
        (VideoRequest(model="gen4_turbo", inputs=(FIRST, LAST)), "last_frame"),
        (VideoRequest(model="gen4_turbo", inputs=(FIRST, FIRST)), "first_frame"),
        (VideoRequest(model="gen4_turbo", inputs=(FIRST,), aspect_ratio="2:3"), "aspect_ratio"),
        (VideoRequest(model="gen4_turbo", inputs=(FIRST,), resolution="1080p"), "resolution"),
        (VideoRequest(model="gen4_turbo", inputs=(FIRST,), seconds=11), "seconds"),
        (VideoRequest(model="gen4_turbo", inputs=(FIRST,), sound=True), "sound"),
        (VideoRequest(model="gen4_turbo", inputs=(FIRST,), negative_prompt="rain"), "negative_prompt"),
        (VideoRequest(model="gen4_turbo", inputs=(FIRST,), seed=2**32), "seed"),
        (VideoRequest(model="gen4_turbo", inputs=(FIRST,), prompt="🦊" * 501), "prompt"),
        (VideoRequest(model="gen4.5", inputs=(FIRST,)), "prompt"),
        (VideoRequest(model="gen3a_turbo", inputs=(FIRST,), prompt="p", seconds=7), "seconds"),
        (VideoRequest(model="veo3.1", prompt="p", seed=1), "seed"),
        (VideoRequest(model="veo3.1", prompt="p", inputs=(LAST,)), "last_frame"),
    ],
)
def test_what_a_model_of_videos_cannot_do(request_: VideoRequest, param: str) -> None:
    assert VIDEO.check is not None
    with pytest.raises(InvalidRequest) as caught:
        VIDEO.check(request_, request_.model)
    assert caught.value.param == param
    assert param in caught.value.message


@pytest.mark.parametrize(
    ("request_", "param"),
    [
        (ImageRequest(model="gen4_image"), "prompt"),
        (ImageRequest(model="gen4_image", prompt="p", size="1x1"), "size"),
        (ImageRequest(model="gen4_image", prompt="p", aspect_ratio="5:4"), "aspect_ratio"),
        (ImageRequest(model="gen4_image", prompt="p", inputs=(FIRST,) * 4), "reference"),
        (ImageRequest(model="gen4_image_turbo", prompt="p"), "reference"),
    ],
)
def test_what_a_model_of_pictures_cannot_do(request_: ImageRequest, param: str) -> None:
    assert IMAGE.check is not None
    with pytest.raises(InvalidRequest) as caught:
        IMAGE.check(request_, request_.model)
    assert caught.value.param == param


def test_the_length_is_the_models_own() -> None:
    assert VIDEO.complete is not None
    assert VIDEO.complete(VideoRequest(model="gen4_turbo"), "gen4_turbo").seconds == 5
    assert VIDEO.complete(VideoRequest(model="veo3.1"), "veo3.1").seconds == 8
    assert VIDEO.complete(VideoRequest(model="veo3.1", seconds=4), "veo3.1").seconds == 4


@pytest.mark.parametrize(
    ("operation", "request_", "param"),
    [
        ("video.edit", VideoRequest(model="aleph2"), "video"),
        ("video.edit", VideoRequest(model="aleph2", inputs=(MediaInput(data=SHORT, role="video"),)), "video"),
        ("video.edit", VideoRequest(model="aleph2", inputs=(MediaInput(data=CLIP, role="video"),), aspect_ratio="5:4"), "aspect_ratio"),
        ("video.edit", VideoRequest(model="aleph2", inputs=(MediaInput(data=CLIP, role="video"),), seconds=3), "seconds"),
        ("video.performance", VideoRequest(model="act_two", inputs=(MediaInput(data=CLIP, role="video"),)), "character"),
        (
            "video.performance",
            VideoRequest(
                model="act_two",
                inputs=(MediaInput(data=CLIP, role="video"), MediaInput(data=b"1", role="character")),
                options={"runway_expression_intensity": 9},
            ),
            "runway_expression_intensity",
        ),
    ],
)
def test_what_cannot_be_done_with_a_clip(operation: str, request_: VideoRequest, param: str) -> None:
    check = PROVIDER.media[operation].check
    assert check is not None
    with pytest.raises(InvalidRequest) as caught:
        check(request_, request_.model)
    assert caught.value.param == param


def test_a_clip_is_charged_by_its_length() -> None:
    complete = PROVIDER.media["video.performance"].complete
    assert complete is not None

    def seconds(clip: MediaInput) -> int:
        return int(complete(VideoRequest(model="act_two", inputs=(clip,)), "act_two").seconds)

    assert seconds(MediaInput(data=CLIP, role="video")) == 4
    assert seconds(MediaInput(data=SHORT, role="video")) == 3
    assert seconds(MediaInput(url="https://pictures.example/a.mp4", role="video")) == 30


def test_the_length_that_another_gateway_worked_out_is_taken() -> None:
    operation = PROVIDER.media["video.edit"]
    assert operation.check is not None
    assert operation.complete is not None
    for clip in (MediaInput(data=CLIP, role="video"), MediaInput(url="https://pictures.example/a.mp4", role="video")):
        operation.check(operation.complete(VideoRequest(model="aleph2", inputs=(clip,)), "aleph2"), "aleph2")


def test_its_models_are_priced() -> None:
    priced = {entry.model: entry for entry in read_shipped_prices() if entry.provider == PROVIDER.name}
    assert set(priced) == {
        "gen4_turbo",
        "gen3a_turbo",
        "gen4.5",
        "veo3.1",
        "veo3.1_fast",
        "veo3",
        "gen4_image",
        "gen4_image_turbo",
        "aleph2",
        "act_two",
    }
    assert {tuple(entry.serves) for entry in priced.values()} == {("video",), ("image",), ("video.edit",), ("video.performance",)}
