"""Kling's videos and try-ons through a running gateway, by plain HTTP: every kind, rule by rule, cent by cent."""

import base64
import io
import time
from pathlib import Path
from typing import Any

import av
import pytest
from PIL import Image
from tests.integration.gateway.conftest import Installation
from tests.integration.gateway.plain_http import Answer, send
from tests.integration.gateway.test_kling import END_S, encoded, png

PICTURE = encoded(png(400, 400))


class Kling:
    """One key's view of the gateway."""

    def __init__(self, installation: Installation, key: str = "") -> None:
        self.root = installation.base_url + "/kling/v1"
        self.key = key or installation.test_key

    def submit(self, path: str, **fields: Any) -> Answer:
        return send(f"{self.root}/{path}", key=self.key, body=fields, method="POST")

    def ended(self, path: str, **fields: Any) -> dict[str, Any]:
        taken = self.submit(path, **fields)
        assert taken.status == 200, taken
        return self.end_of(path, taken.body["data"]["task_id"])

    def end_of(self, path: str, task_id: str) -> dict[str, Any]:
        ends = time.monotonic() + END_S
        while True:
            data = dict(send(f"{self.root}/{path}/{task_id}", key=self.key).body["data"])
            if data["task_status"] in ("succeed", "failed") or time.monotonic() > ends:
                return data
            time.sleep(0.1)

    def video(self, path: str, **fields: Any) -> dict[str, Any]:
        data = self.ended(path, **fields)
        assert data["task_status"] == "succeed", data
        (video,) = data["task_result"]["videos"]
        return dict(video)


@pytest.fixture(scope="module")
def kling(installation: Installation) -> Kling:
    return Kling(installation)


@pytest.fixture(scope="module")
def made(kling: Kling) -> dict[str, Any]:
    """A video of kling-v1, five seconds, upright."""
    return kling.video("videos/text2video", model_name="kling-v1", mode="std", prompt="a fox runs", aspect_ratio="9:16", duration="5")


def seen(url: str) -> tuple[float, tuple[int, int], int]:
    """Return length, size and number of sound tracks of a video, every frame of which is decoded."""
    answer = send(url)
    assert (answer.status, answer.headers["content-type"]) == (200, "video/mp4")
    opened: Any = av.open(io.BytesIO(answer.content))
    with opened as container:
        stream = container.streams.video[0]
        frames = sum(1 for _ in container.decode(video=0))
        return frames / float(stream.average_rate), (stream.width, stream.height), len(container.streams.audio)


def test_a_video_from_words(made: dict[str, Any]) -> None:
    assert made["duration"] == "5.0"
    assert seen(made["url"]) == (pytest.approx(5, abs=0.1), (720, 1280), 0)


def test_a_long_video_with_sound_and_several_shots(kling: Kling) -> None:
    shots = [{"index": 1, "prompt": "a fox", "duration": "2"}, {"index": 2, "prompt": "a hen", "duration": 1}]
    asked = {"model_name": "kling-v3", "sound": "on", "duration": 3, "multi_shot": True, "shot_type": "customize", "multi_prompt": shots}
    assert seen(kling.video("videos/text2video", **asked, aspect_ratio="1:1")["url"]) == (pytest.approx(3, abs=0.1), (720, 720), 1)


def test_a_video_from_a_picture_has_its_ratio(kling: Kling) -> None:
    picture = "data:image/png;base64," + encoded(png(400, 800))
    video = kling.video(
        "videos/image2video", model_name="kling-v1", mode="std", prompt="it moves", image=picture, image_tail=encoded(png(400, 800))
    )
    assert seen(video["url"])[1] == (720, 1440)


def test_a_motion_brush(kling: Kling) -> None:
    picture = encoded(png(400, 400))
    masks = [{"mask": picture, "trajectories": [{"x": 1, "y": 2}, {"x": 30, "y": 40}]}]
    video = kling.video(
        "videos/image2video", prompt="it moves", image=picture, static_mask=picture, dynamic_masks=masks, callback_url="", image_tail=""
    )
    assert seen(video["url"])[1] == (720, 720)


def test_a_camera_that_moves_and_a_watermark(kling: Kling) -> None:
    camera = {"type": "simple", "config": {"horizontal": 0, "zoom": 5}}
    video = kling.video("videos/text2video", prompt="a castle", camera_control=camera, watermark_info={"enabled": True})
    assert seen(video["watermark_url"]) == seen(video["url"])
    assert send(video["watermark_url"]).content != send(video["url"]).content


def test_a_video_from_several_pictures(kling: Kling) -> None:
    pictures = [{"image": encoded(png(300, 300))}, {"image": encoded(png(320, 300))}]
    assert seen(kling.video("videos/multi-image2video", image_list=pictures, prompt="together", aspect_ratio="16:9")["url"])[1] == (
        1280,
        720,
    )


def test_a_video_is_extended(kling: Kling, made: dict[str, Any]) -> None:
    longer = kling.video("videos/video-extend", video_id=made["id"], prompt="and jumps")
    assert longer["duration"] == "10.0"
    assert seen(longer["url"]) == (pytest.approx(10, abs=0.1), (720, 1280), 0)


def test_a_face_speaks_a_text_or_a_sound(kling: Kling, made: dict[str, Any]) -> None:
    spoken = kling.video("videos/lip-sync", input={"video_id": made["id"], "mode": "text2video", "text": "hello", "voice_id": "a"})
    assert seen(spoken["url"]) == (pytest.approx(5, abs=0.1), (720, 1280), 1)
    sound = base64.b64encode(b"ID3" + bytes(100)).decode()
    heard = kling.video(
        "videos/lip-sync", input={"video_url": made["url"], "mode": "audio2video", "audio_type": "file", "audio_file": sound}
    )
    assert seen(heard["url"])[2] == 1


def test_effects(kling: Kling) -> None:
    picture = encoded(png(400, 400))
    pair = {"model_name": "kling-v1-6", "mode": "pro", "images": [picture, picture], "duration": "5"}
    assert seen(kling.video("videos/effects", effect_scene="hug", input=pair)["url"])[1] == (1080, 1080)
    alone = {"model_name": "kling-v1-6", "image": picture, "duration": "5"}
    assert seen(kling.video("videos/effects", effect_scene="squish", input=alone)["url"])[0] == pytest.approx(5, abs=0.1)


def test_clothes_are_tried_on(kling: Kling) -> None:
    data = kling.ended("images/kolors-virtual-try-on", human_image=encoded(png(300, 400)), cloth_image=encoded(png(400, 400)))
    (image,) = data["task_result"]["images"]
    with Image.open(io.BytesIO(send(image["url"]).content)) as picture:
        assert picture.format == "PNG"


def test_the_envelopes(kling: Kling) -> None:
    taken = kling.submit("videos/text2video", prompt="a kite", external_task_id="mine").body
    assert taken["message"] == "Modelgate - Kling Video - Submit: SUCCEED"
    assert set(taken["data"]) == {"task_id", "task_status", "created_at", "updated_at"}
    data = kling.end_of("videos/text2video", taken["data"]["task_id"])
    assert data["task_info"] == {"external_task_id": "mine"}
    assert set(data["task_result"]["videos"][0]) == {"id", "url", "duration"}


def test_a_failed_video(kling: Kling) -> None:
    data = kling.ended("videos/text2video", prompt="a kite\nmagic: fail-task")
    assert (data["task_status"], bool(data["task_status_msg"])) == ("failed", True)


def test_a_video_of_others_is_not_there(installation: Installation, kling: Kling, made: dict[str, Any]) -> None:
    installation.run("accounts", "create", "--name", "video-stranger")
    stranger = Kling(installation, installation.key("--test", "--account", "video-stranger"))
    spoken = {"video_id": made["id"], "mode": "text2video", "text": "hello", "voice_id": "a"}
    for caller, path, body in (
        (kling, "videos/video-extend", {"video_id": "nothing"}),
        (stranger, "videos/video-extend", {"video_id": made["id"]}),
        (stranger, "videos/lip-sync", {"input": spoken}),
    ):
        answer = caller.submit(path, **body)
        assert (answer.status, answer.body["code"]) == (404, 1203), answer


@pytest.mark.parametrize(
    ("asked", "amount"),
    [
        ({"model": "kling-v1", "prompt": "p"}, "0.14"),
        ({"model": "kling-v1", "prompt": "p", "quality": "pro", "seconds": 10}, "0.98"),
        ({"model": "kling-v3", "prompt": "p", "seconds": 3, "sound": True, "resolution": "1080p"}, "0.504"),
        ({"model": "kling-v2-5-turbo", "prompt": "p"}, "0.35"),
    ],
)
def test_what_a_video_costs(installation: Installation, asked: dict[str, Any], amount: str) -> None:
    body = {"model": asked.pop("model"), "operation": "video", "input": asked}
    quote = send(installation.base_url + "/v1/tasks/quote", key=installation.test_key, body=body, method="POST")
    assert (quote.status, quote.body["amount_usd"]) == (200, amount), quote


def test_the_plain_way_makes_the_same_video(installation: Installation, kling: Kling) -> None:
    body = {
        "model": "kling-v1",
        "operation": "video",
        "input": {"prompt": "a fox", "seconds": 5, "image": PICTURE},
    }
    task = send(installation.base_url + "/v1/tasks", key=kling.key, body=body, method="POST").body
    data = kling.end_of("videos/image2video", task["id"])
    assert seen(data["task_result"]["videos"][0]["url"])[1] == (720, 720)


def test_another_modelgate_can_be_the_upstream(tmp_path: Path) -> None:
    """Live calls go to this family's own paths, and from there to the make-believe vendor, by a plain key."""
    running = Installation(tmp_path / "data", "--drain-s", "2")
    try:
        running.run("upstreams", "add", "kling", "--base-url", f"{running.base_url}/kling", typed=running.test_key + "\n")
        running.run("accounts", "create", "--name", "caller")
        key = running.key("--account", "caller")
        running.followed("kling-v1", "video", key)
        live = Kling(running, key)
        video = live.video("videos/image2video", model_name="kling-v1", prompt="it moves", image=PICTURE)
        assert seen(video["url"])[1] == (720, 720)
        assert live.video("videos/video-extend", video_id=video["id"])["duration"] == "10.0"
    finally:
        assert running.stop() == 0


REFUSED: list[tuple[str, dict[str, Any], str, str]] = [
    ("videos/text2video", {}, "prompt", "required"),
    ("videos/text2video", {"prompt": "x" * 2501}, "prompt", "2500"),
    ("videos/text2video", {"prompt": "p", "negative_prompt": "x" * 2501}, "negative_prompt", "2500"),
    ("videos/text2video", {"prompt": "p", "model_name": "kling-v1-5"}, "model_name", "words"),
    ("videos/text2video", {"prompt": "p", "model_name": "kling-v1-6", "mode": "pro"}, "mode", "std"),
    ("videos/text2video", {"prompt": "p", "model_name": "kling-v2-5-turbo", "mode": "std"}, "mode", "pro"),
    ("videos/text2video", {"prompt": "p", "mode": "fast"}, "mode", "std, pro"),
    ("videos/text2video", {"prompt": "p", "duration": "7"}, "duration", "5, 10"),
    ("videos/text2video", {"prompt": "p", "duration": "16", "model_name": "kling-v3"}, "duration", "15"),
    ("videos/text2video", {"prompt": "p", "aspect_ratio": "4:3"}, "aspect_ratio", "1:1"),
    ("videos/text2video", {"prompt": "p", "cfg_scale": 1.5}, "cfg_scale", "0 to 1"),
    ("videos/text2video", {"prompt": "p", "cfg_scale": 0.5, "model_name": "kling-v2-master"}, "cfg_scale", "kling-v2-master"),
    ("videos/text2video", {"prompt": "p", "sound": "on"}, "sound", "kling-v1"),
    ("videos/text2video", {"prompt": "p", "sound": "loud"}, "sound", "on, off"),
    ("videos/text2video", {"prompt": "p", "camera_control": {"type": "simple"}}, "camera_control", "object"),
    ("videos/text2video", {"prompt": "p", "camera_control": {"type": "simple", "config": {"zoom": 11}}}, "camera_control", "-10 to 10"),
    (
        "videos/text2video",
        {"prompt": "p", "camera_control": {"type": "simple", "config": {"zoom": 1, "pan": 1}}},
        "camera_control",
        "exactly one",
    ),
    ("videos/text2video", {"prompt": "p", "camera_control": {"type": "down_back", "config": {"zoom": 1}}}, "camera_control", "absent"),
    ("videos/text2video", {"prompt": "p", "camera_control": {"type": "down_back"}, "model_name": "kling-v3"}, "camera_control", "kling-v3"),
    (
        "videos/text2video",
        {"prompt": "p", "multi_shot": True, "multi_prompt": [{"index": 1, "prompt": "p", "duration": "3"}], "model_name": "kling-v3"},
        "multi_prompt",
        "add up to 3",
    ),
    (
        "videos/text2video",
        {"prompt": "p", "multi_shot": True, "multi_prompt": [{"index": 1, "prompt": "p", "duration": "5"}]},
        "multi_shot",
        "kling-v1",
    ),
    ("videos/text2video", {"prompt": "p", "watermark_info": {"enabled": "yes"}}, "watermark_info.enabled", "true or false"),
    ("videos/text2video", {"prompt": "p", "callback_url": "customer"}, "callback_url", "address"),
    ("videos/image2video", {"prompt": "p"}, "image", "required"),
    ("videos/image2video", {"image": "nonsense?"}, "image", "base64"),
    ("videos/image2video", {"image": encoded(png(200, 400))}, "image", "300"),
    ("videos/image2video", {"image": encoded(png(300, 800))}, "image", "2.5"),
    ("videos/image2video", {"image": PICTURE, "image_tail": PICTURE, "duration": "10"}, "image_tail", "10 seconds"),
    ("videos/image2video", {"image": PICTURE, "image_tail": PICTURE, "static_mask": PICTURE}, "static_mask", "exclude"),
    ("videos/image2video", {"image": PICTURE, "static_mask": PICTURE, "duration": "10"}, "static_mask", "10 seconds"),
    (
        "videos/image2video",
        {"image": PICTURE, "dynamic_masks": [{"mask": PICTURE, "trajectories": [{"x": 1, "y": 1}]}]},
        "dynamic_masks",
        "2 to 77",
    ),
    (
        "videos/image2video",
        {"image": PICTURE, "dynamic_masks": [{"mask": PICTURE, "trajectories": [{"x": 1, "y": 1.5}] * 2}]},
        "dynamic_masks",
        "whole number",
    ),
    ("videos/image2video", {"image": PICTURE, "dynamic_masks": [{"mask": PICTURE}] * 7}, "dynamic_masks", "0 to 6"),
    ("videos/image2video", {"image": PICTURE, "voice_list": [{"voice_id": "a"}]}, "voice_list", "kling-v1"),
    ("videos/multi-image2video", {"prompt": "p", "image_list": []}, "image_list", "1 to 4"),
    ("videos/multi-image2video", {"prompt": "p", "image_list": [{"image": PICTURE}] * 5}, "image_list", "1 to 4"),
    ("videos/multi-image2video", {"image_list": [{"image": PICTURE}]}, "prompt", "required"),
    ("videos/multi-image2video", {"prompt": "p", "image_list": [{"image": PICTURE}], "model_name": "kling-v1"}, "image_list", "kling-v1"),
    ("videos/video-extend", {}, "video_id", "required"),
    ("videos/lip-sync", {}, "input", "required"),
    ("videos/lip-sync", {"input": {"mode": "text2video"}}, "video_id", "exactly one"),
    ("videos/lip-sync", {"input": {"video_id": "v", "mode": "text2video", "text": "x" * 121, "voice_id": "a"}}, "text", "120"),
    ("videos/lip-sync", {"input": {"video_id": "v", "mode": "text2video", "text": "x"}}, "voice_id", "required"),
    (
        "videos/lip-sync",
        {"input": {"video_id": "v", "mode": "text2video", "text": "x", "voice_id": "a", "voice_speed": 3}},
        "voice_speed",
        "0.8 to 2",
    ),
    ("videos/lip-sync", {"input": {"video_id": "v", "mode": "audio2video", "audio_type": "url"}}, "audio_url", "required"),
    ("videos/effects", {"effect_scene": "dance", "input": {}}, "effect_scene", "hug"),
    ("videos/effects", {"effect_scene": "hug", "input": {"images": [PICTURE]}}, "images", "2 to 2"),
    ("videos/effects", {"effect_scene": "squish", "input": {"image": PICTURE, "duration": "10"}}, "duration", "5"),
    ("videos/effects", {"effect_scene": "squish", "input": {"image": PICTURE, "model_name": "kling-v1"}}, "model_name", "kling-v1-6"),
    ("images/kolors-virtual-try-on", {"human_image": PICTURE}, "cloth_image", "required"),
    ("images/kolors-virtual-try-on", {"human_image": PICTURE, "cloth_image": encoded(png(200, 400))}, "cloth_image", "300"),
]


@pytest.mark.parametrize(("path", "fields", "param", "word"), REFUSED)
def test_a_broken_rule_is_named(kling: Kling, path: str, fields: dict[str, Any], param: str, word: str) -> None:
    answer = kling.submit(path, **fields)
    assert (answer.status, answer.body["code"], answer.body["error"]["param"]) == (400, 1200, param), answer
    assert param in answer.body["message"]
    assert word in answer.body["message"]
