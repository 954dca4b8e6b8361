"""What a Runway client sends, made neutral; every broken rule names its field."""

import contextlib
from base64 import b64encode
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelgate.core.errors import InvalidRequest, ModelgateError
from modelgate.formats.media.family import Ask, MediaCall
from modelgate.formats.media.requests import MediaInput
from modelgate.formats.runway.request import (
    decode_character_performance,
    decode_image_to_video,
    decode_text_to_image,
    decode_text_to_video,
    decode_video_to_video,
)

DATA = b64encode(b"picture").decode()
IMAGE = {"model": "gen4_turbo", "promptImage": "https://pictures.example/fox.png"}
DECODERS = {
    "image": decode_image_to_video,
    "text": decode_text_to_video,
    "picture": decode_text_to_image,
    "edit": decode_video_to_video,
    "act": decode_character_performance,
}


def decoded(kind: str, body: Any) -> Ask:
    return DECODERS[kind](MediaCall(body=msgspec.json.encode(body)))


def test_everything_a_video_can_say() -> None:
    ask = decoded(
        "image",
        {
            "model": "gen4a_turbo",
            "promptImage": [{"uri": DATA, "position": "last"}, {"uri": f"data:image/png;base64,{DATA}", "position": "first"}],
            "promptText": "it runs",
            "ratio": "1080:1920",
            "duration": "7",
            "seed": 0,
            "audio": True,
            "negativePrompt": "rain",
            "contentModeration": {"publicFigureThreshold": "low"},
            "watermark": True,
            "outputFormat": "mp4",
        },
    )
    request: Any = ask.request
    assert (ask.operation, request.model, request.prompt, request.negative_prompt) == ("video", "gen4_turbo", "it runs", "rain")
    assert (request.aspect_ratio, request.resolution, request.seconds, request.sound, request.seed) == ("9:16", "1080p", 7, True, 0)
    assert request.inputs == (MediaInput(data=b"picture", role="last_frame"), MediaInput(data=b"picture", role="first_frame"))
    assert request.options == {"runway_public_figure_threshold": "low"}
    assert ask.written == {"aspect_ratio": "1080:1920"}


def test_empty_strings_are_absent() -> None:
    request: Any = decoded(
        "image", {**IMAGE, **dict.fromkeys(("promptText", "ratio", "duration", "seed", "audio", "watermark"), "")}
    ).request
    assert (request.prompt, request.aspect_ratio, request.seconds, request.seed, request.sound) == ("", "", 0, None, False)
    assert request.inputs == (MediaInput(url="https://pictures.example/fox.png", role="first_frame"),)


@pytest.mark.parametrize(("ratio", "aspect"), [("1280:768", "16:9"), ("768:1280", "9:16"), ("960:960", "1:1"), ("1584:672", "21:9")])
def test_ratios_mean_the_same_for_every_model(ratio: str, aspect: str) -> None:
    assert decoded("text", {"model": "gen4.5", "promptText": "a fox", "ratio": ratio}).request.aspect_ratio == aspect  # type: ignore[union-attr]


def test_veo_sounds_unless_told_otherwise() -> None:
    def sounds(**fields: Any) -> bool:
        return bool(getattr(decoded("text", {"model": "veo3.1", "promptText": "a fox", **fields}).request, "sound", None))

    assert (sounds(), sounds(audio=False)) == (True, False)


def test_a_picture_with_references() -> None:
    references = [{"uri": DATA, "tag": "fox"}, {"uri": DATA}]
    body = {"model": "gen4_image", "promptText": "@fox", "ratio": "960:720", "referenceImages": references}
    ask = decoded("picture", body)
    request: Any = ask.request
    assert (ask.operation, request.size, request.options) == ("image", "960x720", {"runway_tags": ["fox", ""]})
    assert [item.role for item in request.inputs] == ["reference", "reference"]


def test_clips() -> None:
    edit = decoded("edit", {"model": "aleph2", "videoUri": DATA, "targetAspectRatio": "2:3"})
    assert (edit.operation, edit.request.inputs) == ("video.edit", (MediaInput(data=b"picture", role="video"),))
    actors = {"character": {"type": "video", "uri": DATA}, "reference": {"type": "video", "uri": DATA}}
    act = decoded("act", {"model": "act_two", **actors, "bodyControl": False, "expressionIntensity": 4, "ratio": "960:960"})
    assert (act.operation, [item.role for item in act.request.inputs]) == ("video.performance", ["character_video", "video"])
    assert act.request.options == {"runway_body_control": False, "runway_expression_intensity": 4}


@pytest.mark.parametrize(
    ("kind", "body", "param"),
    [
        ("image", {"promptImage": "x"}, "model"),
        ("image", {"model": "gen4_turbo"}, "promptImage"),
        ("image", {**IMAGE, "model": 7}, "model"),
        ("image", {**IMAGE, "promptImage": 7}, "promptImage"),
        ("image", {**IMAGE, "promptImage": "not base64!"}, "promptImage"),
        ("image", {**IMAGE, "promptImage": []}, "promptImage"),
        ("image", {**IMAGE, "promptImage": [7]}, "promptImage[0]"),
        ("image", {**IMAGE, "promptImage": [{"position": "first"}]}, "promptImage[0].uri"),
        ("image", {**IMAGE, "promptImage": [{"uri": DATA, "position": "middle"}]}, "promptImage[0].position"),
        ("image", {**IMAGE, "promptImage": [{"uri": DATA, "position": "first"}] * 2}, "promptImage[1].position"),
        ("image", {**IMAGE, "promptImage": [{"uri": DATA}] * 3}, "promptImage"),
        ("image", {**IMAGE, "ratio": "5:4"}, "ratio"),
        ("image", {**IMAGE, "duration": 1}, "duration"),
        ("image", {**IMAGE, "seed": 2**32}, "seed"),
        ("image", {**IMAGE, "watermark": "no"}, "watermark"),
        ("image", {**IMAGE, "outputFormat": "prores"}, "outputFormat"),
        ("image", {**IMAGE, "contentModeration": "low"}, "contentModeration"),
        ("image", {**IMAGE, "promptText": "x" * 1001}, "promptText"),
        ("image", {**IMAGE, "promptText": "🦊" * 501}, "promptText"),
        ("text", {"model": "gen4.5", "promptText": " "}, "promptText"),
        ("edit", {"model": "aleph2"}, "videoUri"),
        ("edit", {"model": "aleph2", "videoUri": DATA, "keyframes": [1]}, "keyframes"),
        ("edit", {"model": "aleph2", "videoUri": DATA, "targetAspectRatio": "5:4"}, "targetAspectRatio"),
        ("act", {"model": "act_two"}, "character"),
        ("act", {"model": "act_two", "character": {"type": "sound", "uri": DATA}}, "character.type"),
        ("act", {"model": "act_two", "character": {"type": "image", "uri": DATA}}, "reference"),
        ("act", {"model": "act_two", "expressionIntensity": 6}, "expressionIntensity"),
        ("picture", {"model": "gen4_image", "promptText": "a fox", "ratio": "16:9"}, "ratio"),
        ("picture", {"model": "gen4_image", "promptText": "a fox", "referenceImages": [{"uri": DATA}] * 4}, "referenceImages"),
        (
            "picture",
            {"model": "gen4_image", "promptText": "a fox", "referenceImages": [{"uri": DATA, "tag": "ab"}]},
            "referenceImages[0].tag",
        ),
    ],
)
def test_what_is_refused(kind: str, body: Any, param: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        decoded(kind, body)
    assert caught.value.param == param
    assert param.rpartition(".")[2] in caught.value.message


_SCALAR = st.none() | st.booleans() | st.integers() | st.text(max_size=8)
_JSON = _SCALAR | st.lists(_SCALAR | st.dictionaries(st.sampled_from(("uri", "position", "tag")), _SCALAR), max_size=3)
_NAMES = ("model", "promptImage", "promptText", "ratio", "duration", "seed", "contentModeration", "referenceImages", "audio")


@given(st.sampled_from(sorted(DECODERS)), st.dictionaries(st.sampled_from(_NAMES), _JSON))
def test_no_body_is_a_fault_of_ours(kind: str, changes: dict[str, Any]) -> None:
    with contextlib.suppress(ModelgateError):
        decoded(kind, {**IMAGE, "promptText": "a fox", **changes})


@given(st.binary(max_size=200))
def test_no_bytes_are_a_fault_of_ours(body: bytes) -> None:
    with pytest.raises(ModelgateError):
        decode_image_to_video(MediaCall(body=body))
