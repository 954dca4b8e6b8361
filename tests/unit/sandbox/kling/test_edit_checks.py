import base64
from typing import Any

import pytest

from modelgate.sandbox.kling.edit_checks import check_effects_order, check_extend_order, check_lip_sync_order
from modelgate.sandbox.kling.schema import MAX_AUDIO_BYTES, KlingOrder, KlingRefused

URL = "https://example.com/a.png"


def _video(model: str, seconds: float) -> KlingOrder:
    return KlingOrder(kind="text2video", model=model, prompt="a fox", seconds=seconds, width=720, height=1280)


VIDEOS = {"v": _video("kling-v1-6", 5), "new": _video("kling-v2-1", 5), "long": _video("kling-v1", 177), "endless": _video("kling-v1", 20)}


def test_extending_keeps_the_shape() -> None:
    order = check_extend_order({"video_id": "v", "prompt": "it jumps", "cfg_scale": 0.5}, VIDEOS.get)
    assert (order.model, order.seconds, order.width, order.height, order.parent, order.prompt) == (
        "kling-v1-6",
        10,
        720,
        1280,
        "v",
        "it jumps",
    )


@pytest.mark.parametrize(
    ("fields", "code", "word"),
    [
        ({}, 1201, "video_id"),
        ({"video_id": "nothing"}, 1203, "nothing"),
        ({"video_id": "new"}, 1201, "kling-v2-1"),
        ({"video_id": "long"}, 1201, "3 minutes"),
        ({"video_id": "v", "cfg_scale": 2}, 1201, "cfg_scale"),
    ],
)
def test_bad_extensions(fields: dict[str, Any], code: int, word: str) -> None:
    with pytest.raises(KlingRefused, match=word) as caught:
        check_extend_order(fields, VIDEOS.get)
    assert caught.value.code == code


SPEECH = {"video_id": "v", "mode": "text2video", "text": "hello", "voice_id": "a"}
AUDIO = {
    "video_url": "https://example.com/a.mp4?x=1",
    "mode": "audio2video",
    "audio_type": "file",
    "audio_file": base64.b64encode(b"ID3abc").decode(),
}


def test_good_lip_syncs() -> None:
    spoken = check_lip_sync_order({"input": SPEECH}, VIDEOS.get)
    assert (spoken.prompt, spoken.seconds, spoken.sound, spoken.parent) == ("hello", 5, True, "v")
    heard = check_lip_sync_order({"input": AUDIO}, VIDEOS.get)
    assert (heard.sound, heard.parent, heard.width) == (True, "", 1280)
    check_lip_sync_order({"input": {**AUDIO, "audio_type": "url", "audio_url": "https://example.com/a.MP3"}}, VIDEOS.get)


@pytest.mark.parametrize(
    ("asked", "word"),
    [
        (None, "input"),
        ({**SPEECH, "video_url": AUDIO["video_url"]}, "exactly one"),
        ({**SPEECH, "video_id": ""}, "exactly one"),
        ({**SPEECH, "video_id": "endless"}, "2 to 10"),
        ({**SPEECH, "video_id": "nothing"}, "does not exist"),
        ({**SPEECH, "mode": ""}, "mode"),
        ({**SPEECH, "text": "x" * 121}, "120"),
        ({**SPEECH, "voice_id": ""}, "voice_id"),
        ({**SPEECH, "voice_language": "de"}, "voice_language"),
        ({**SPEECH, "voice_speed": 0.5}, "voice_speed"),
        ({**AUDIO, "video_url": "https://example.com/a.avi"}, "mp4 or mov"),
        ({**AUDIO, "audio_type": ""}, "audio_type"),
        ({**AUDIO, "audio_file": "?"}, "base64"),
        ({**AUDIO, "audio_file": base64.b64encode(b"no sound").decode()}, "format"),
        ({**AUDIO, "audio_file": base64.b64encode(bytes(MAX_AUDIO_BYTES + 1)).decode()}, "5MB"),
        ({**AUDIO, "audio_type": "url", "audio_url": "https://example.com/a.ogg"}, "audio_url"),
    ],
)
def test_bad_lip_syncs(asked: Any, word: str) -> None:
    with pytest.raises(KlingRefused, match=word):
        check_lip_sync_order({"input": asked}, VIDEOS.get)


PAIR = {"images": [URL, URL], "duration": "10", "mode": "pro"}
SINGLE = {"image": URL, "duration": "5", "model_name": "kling-v1-6"}


def test_good_effects() -> None:
    pair = check_effects_order({"effect_scene": "hug", "input": PAIR}, VIDEOS.get)
    assert (pair.kind, pair.model, pair.mode, pair.seconds) == ("effects", "kling-v1", "pro", 10)
    assert check_effects_order({"effect_scene": "squish", "input": SINGLE}, VIDEOS.get).model == "kling-v1-6"


@pytest.mark.parametrize(
    ("scene", "asked", "word"),
    [
        ("", PAIR, "effect_scene"),
        ("dance", PAIR, "dance"),
        (0, PAIR, "must be a string"),
        ("hug", None, "input"),
        ("hug", {**PAIR, "images": [URL]}, "two pictures"),
        ("hug", {**PAIR, "duration": ""}, "duration"),
        ("kiss", {**PAIR, "model_name": "kling-v3"}, "model_name"),
        ("squish", {**SINGLE, "image": ""}, "image"),
        ("squish", {**SINGLE, "model_name": ""}, "model_name"),
        ("squish", {**SINGLE, "duration": "10"}, "duration"),
    ],
)
def test_bad_effects(scene: Any, asked: Any, word: str) -> None:
    with pytest.raises(KlingRefused, match=word):
        check_effects_order({"effect_scene": scene, "input": asked}, VIDEOS.get)
