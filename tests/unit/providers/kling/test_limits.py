from collections.abc import Callable
from typing import Any

import pytest

from modelgate.core.errors import InvalidRequest
from modelgate.core.records import TaskOutput
from modelgate.formats.media.requests import Earlier, ImageRequest, MediaInput, Parent, VideoRequest
from modelgate.providers.kling import PROVIDER, limits

PARENT = Parent(task="task_a", output="x1")


def video(*roles: str, **fields: Any) -> VideoRequest:
    inputs = tuple(MediaInput(data=b"x", role=role) for role in roles)
    return VideoRequest(**{"model": "m", "prompt": "a fox", "inputs": inputs, **fields})


def picture(*roles: str, **fields: Any) -> ImageRequest:
    inputs = tuple(MediaInput(data=b"x", role=role) for role in roles)
    return ImageRequest(**{"model": "m", "prompt": "a fox", "inputs": inputs, **fields})


@pytest.mark.parametrize(
    ("request_", "model"),
    [
        (video(), "kling-v1"),
        (video(seconds=10, quality="pro", aspect_ratio="1:1", options={"kling_cfg_scale": 0.5}), "kling-v1"),
        (video(resolution="1080p"), "kling-v2-5-turbo"),
        (video(), "kling-v2-5-turbo"),
        (video("first_frame", "last_frame", prompt=""), "kling-v1"),
        (video("first_frame", "last_frame", quality="pro", seconds=10), "kling-v1-6"),
        (video("first_frame", "static_mask"), "kling-v1"),
        (video("reference", "reference"), "kling-v1-6"),
        (video(sound=True, seconds=15), "kling-v3"),
        (video("first_frame", sound=True, seconds=15, options={"kling_cfg_scale": 1}), "a-model-of-tomorrow"),
    ],
)
def test_what_a_model_can_do(request_: VideoRequest, model: str) -> None:
    limits.check_video(request_, model)
    done = limits.complete_video(request_, model)
    assert done.seconds
    assert done.quality in ("std", "pro")
    limits.check_video(done, model)


CAMERA = {"kling_camera_control": {"type": "down_back"}}


@pytest.mark.parametrize(
    ("request_", "model", "param"),
    [
        (video(prompt=""), "kling-v1", "prompt"),
        (video(prompt="x" * 2501), "kling-v1", "prompt"),
        (video(negative_prompt="x" * 2501), "kling-v1", "negative_prompt"),
        (video(seconds=7), "kling-v1", "seconds"),
        (video(seconds=16), "kling-v3", "seconds"),
        (video(seconds=2), "a-model-of-tomorrow", "seconds"),
        (video(aspect_ratio="4:3"), "kling-v1", "aspect_ratio"),
        (video(quality="fast"), "kling-v1", "quality"),
        (video(quality="pro"), "kling-v1-6", "quality"),
        (video(resolution="720p"), "kling-v2-5-turbo", "quality"),
        (video(resolution="4k"), "kling-v1", "resolution"),
        (video(resolution="720p", quality="pro"), "kling-v1", "resolution"),
        (video(), "kling-v1-5", "model"),
        (video(sound=True), "kling-v1", "sound"),
        (video(options={"kling_cfg_scale": 0.5}), "kling-v2-6", "kling_cfg_scale"),
        (video(options=CAMERA), "kling-v3", "kling_camera_control"),
        (
            video(options={"kling_multi_shot": True, "kling_multi_prompt": [{"index": 1, "prompt": "a", "duration": 5}]}),
            "kling-v1",
            "kling_multi_shot",
        ),
        (video("first_frame", options={"kling_voice_list": [{"voice_id": "a"}]}), "kling-v1", "kling_voice_list"),
        (video("first_frame", "last_frame", seconds=10), "kling-v1", "last_frame"),
        (video("first_frame", "last_frame"), "kling-v1-6", "last_frame"),
        (video("first_frame", "last_frame"), "kling-v2-master", "last_frame"),
        (video("first_frame", "first_frame"), "kling-v1", "first_frame"),
        (video("first_frame", "static_mask", seconds=10), "kling-v1", "static_mask"),
        (video("first_frame", "static_mask"), "kling-v1-6", "static_mask"),
        (video("static_mask"), "kling-v1", "static_mask"),
        (video("first_frame", "last_frame", "static_mask"), "kling-v1", "static_mask"),
        (video("first_frame", "last_frame", options=CAMERA), "kling-v1", "kling_camera_control"),
        (video("first_frame", "dynamic_mask"), "kling-v1", "kling_trajectories"),
        (video("reference", "first_frame"), "kling-v1-6", "reference"),
        (video(*["reference"] * 5), "kling-v1-6", "reference"),
        (video("reference"), "kling-v1", "reference"),
    ],
)
def test_what_a_model_cannot_do(request_: VideoRequest, model: str, param: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        limits.check_video(request_, model)
    assert caught.value.param == param
    assert caught.value.message.startswith(param)


@pytest.mark.parametrize(
    ("check", "request_", "model", "param"),
    [
        (limits.check_image, picture(prompt=" "), "kling-v1", "prompt"),
        (limits.check_image, picture(aspect_ratio="5:4"), "kling-v2", "aspect_ratio"),
        (limits.check_image, picture(aspect_ratio="21:9"), "kling-v1", "aspect_ratio"),
        (limits.check_image, picture(options={"kling_resolution": "2k"}), "kling-v1", "kling_resolution"),
        (limits.check_image, picture("image", "image"), "kling-v2", "image"),
        (limits.check_image, picture(prompt="x" * 2501), "kling-v1", "prompt"),
        (limits.check_image, picture(negative_prompt="x" * 2501), "kling-v1", "negative_prompt"),
        (limits.check_image, picture("image", negative_prompt="rain"), "kling-v1", "negative_prompt"),
        (limits.check_image, picture("image"), "kling-v1-5", "kling_image_reference"),
        (limits.check_image, picture(options={"kling_image_fidelity": 2}), "kling-v1", "kling_image_fidelity"),
        (limits.check_video, video(options={"kling_cfg_scale": 2}), "kling-v1", "kling_cfg_scale"),
        (limits.check_extend, video(parent=PARENT, options={"kling_cfg_scale": "x"}), "kling-v1", "kling_cfg_scale"),
        (limits.check_lip_sync, video(parent=PARENT, options={"kling_voice_id": "a", "kling_voice_speed": 9}), "m", "kling_voice_speed"),
        (limits.check_try_on, picture("human"), "kolors-virtual-try-on-v1", "cloth"),
        (limits.check_try_on, picture("cloth"), "kolors-virtual-try-on-v1", "human"),
        (limits.check_try_on, picture("human", "cloth", "cloth"), "kolors-virtual-try-on-v1", "cloth"),
        (limits.check_try_on, picture("human", "cloth"), "kling-v1", "model"),
        (limits.check_extend, video(), "kling-v1", "parent"),
        (limits.check_extend, video(parent=Parent(task="task_a")), "kling-v1", "parent"),
        (limits.check_lip_sync, video(parent=Parent(task="task_a")), "kling-lip-sync", "parent"),
        (limits.check_extend, video(parent=PARENT), "kling-v2-1", "parent"),
        (limits.check_extend, video(parent=PARENT, prompt="x" * 2501), "kling-v1", "prompt"),
        (limits.check_lip_sync, video(), "kling-lip-sync", "parent"),
        (limits.check_lip_sync, video("video", parent=PARENT), "kling-lip-sync", "parent"),
        (limits.check_lip_sync, video(parent=PARENT, prompt=""), "kling-lip-sync", "prompt"),
        (limits.check_lip_sync, video("audio", parent=PARENT), "kling-lip-sync", "prompt"),
        (limits.check_lip_sync, video(parent=PARENT, prompt="x" * 121), "kling-lip-sync", "prompt"),
        (limits.check_lip_sync, video(parent=PARENT), "kling-lip-sync", "kling_voice_id"),
        (limits.check_lip_sync, video("video", seconds=2, options={"kling_voice_id": "a"}), "kling-lip-sync", "seconds"),
        (limits.check_extend, video(parent=PARENT, seconds=1), "kling-v1", "seconds"),
        (limits.check_effects, video("image"), "kling-v1-6", "kling_effect_scene"),
        (limits.check_effects, video("image", options={"kling_effect_scene": "hug"}), "kling-v1-6", "image"),
        (limits.check_effects, video("image", options={"kling_effect_scene": "squish"}), "kling-v1", "model"),
        (limits.check_effects, video("image", options={"kling_effect_scene": "squish"}, seconds=10), "kling-v1-6", "seconds"),
        (limits.check_effects, video("image", options={"kling_effect_scene": "squish"}, quality="pro"), "kling-v1-6", "quality"),
    ],
)
def test_what_other_work_cannot_be(check: Callable[[Any, str], None], request_: Any, model: str, param: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        check(request_, model)
    assert caught.value.param == param


def test_other_work_that_can_be() -> None:
    limits.check_image(picture("image", aspect_ratio="3:2"), "kling-v2")
    limits.check_try_on(picture("human", "cloth"), "kolors-virtual-try-on-v1-5")
    limits.check_extend(video(parent=PARENT, prompt=""), "kling-v1-6")
    limits.check_lip_sync(video(parent=PARENT, options={"kling_voice_id": "a"}), "kling-lip-sync")
    limits.check_lip_sync(video("video", "audio", prompt=""), "kling-lip-sync")
    limits.check_effects(video("image", "image", options={"kling_effect_scene": "kiss"}, seconds=10, quality="pro"), "kling-v1")


def test_what_is_taken_where_nothing_is_said() -> None:
    assert limits.complete_video(video(), "kling-v2-5-turbo").quality == "pro"
    assert limits.complete_video(video(resolution="1080p"), "kling-v1").quality == "pro"
    assert limits.complete_extend(video(seconds=60), "kling-v1").seconds == 5
    assert limits.complete_lip_sync(video("video"), "kling-lip-sync").seconds == 10
    assert limits.complete_lip_sync(video(seconds=7), "kling-lip-sync").seconds == 7
    assert (limits.complete_plain(video(), "m").seconds, limits.complete_plain(video(), "m").quality) == (5, "std")


def test_every_operation_checks() -> None:
    assert all(operation.check is not None for operation in PROVIDER.media.values())


def test_a_lip_sync_of_a_video_of_others_is_as_long_as_what_was_made() -> None:
    clip = (MediaInput(url="https://films.example/a.mp4", role="video"),)

    def seconds(made_ms: int, *, held: int = 10, inputs: tuple[MediaInput, ...] = clip) -> int:
        outputs = (TaskOutput(kind="video", duration_ms=made_ms),)
        return limits.measure_lip_sync(VideoRequest(model="kling-lip-sync", seconds=held, inputs=inputs), outputs).seconds

    assert [seconds(made_ms) for made_ms in (5_000, 5_100, 1_000, 60_000, 0)] == [5, 6, 2, 10, 10]
    assert (seconds(5_000, held=7), seconds(5_000, inputs=())) == (7, 10), "of one's own video the length was known"


def made(duration_ms: int = 5000, **fields: Any) -> Earlier:
    output = TaskOutput(kind="video", url="https://v.example/a.mp4", vendor_id="x1", duration_ms=duration_ms)
    return Earlier(
        model="kling-v1-6", request=VideoRequest(**{"model": "kling-v1-6", "quality": "pro", "seconds": 5, **fields}), output=output
    )


def test_an_extension_is_made_in_the_mode_of_the_earlier_video() -> None:
    """In the plain way it was charged in whichever mode and for whichever model its caller named."""
    wanted = VideoRequest(model="kling-v1-6", parent=Parent(task="task_a"))
    inherited = limits.inherit_extend(wanted, made())
    assert (inherited.quality, inherited.parent) == ("pro", Parent(task="task_a", output="x1"))
    assert limits.inherit_extend(inherited, made()) == inherited
    assert limits.inherit_extend(wanted, made(quality="")).quality == ""


@pytest.mark.parametrize(
    ("earlier", "fields", "param", "word"),
    [
        (made(), {"quality": "std"}, "quality", "decides: pro"),
        (made(), {"model": "kling-v1"}, "model", "decides: kling-v1-6"),
        (made(176_000), {}, "parent", "3 minutes"),
        (Earlier(model="kling-v1-6", request=ImageRequest(model="kling-v1-6")), {}, "parent", "no video"),
    ],
)
def test_an_extension_that_cannot_be(earlier: Earlier, fields: Any, param: str, word: str) -> None:
    with pytest.raises(InvalidRequest, match=word) as caught:
        limits.inherit_extend(VideoRequest(**{"model": "kling-v1-6", "parent": PARENT, **fields}), earlier)
    assert caught.value.param == param


def test_clips_and_sounds_of_a_lip_sync_keep_to_their_bounds_in_every_dialect() -> None:
    """A clip of 15 seconds by address, or a sound in Ogg by the plain way, was refused by the vendor when the task stood already."""
    rules = PROVIDER.media["video.lip_sync"].inputs
    assert (rules["video"].shortest_s, rules["video"].longest_s, rules["video"].max_bytes) == (2, 10, 100 * 1024 * 1024)
    assert (rules["audio"].max_bytes, "audio/ogg" in rules["audio"].content_types) == (5 * 1024 * 1024, False)


def test_lips_move_as_long_as_the_video() -> None:
    """In the plain way a lip sync was charged for as many seconds as its caller said."""
    wanted = video(parent=PARENT)
    assert limits.inherit_lip_sync(wanted, made(5100)).seconds == 6
    assert limits.inherit_lip_sync(video(parent=PARENT, seconds=10), made(10_000)).seconds == 10
    assert limits.inherit_lip_sync(wanted, made(0)).seconds == 5
    for duration_ms in (1900, 10_100):
        with pytest.raises(InvalidRequest, match="2 to 10") as caught:
            limits.inherit_lip_sync(wanted, made(duration_ms))
        assert caught.value.param == "parent"
    with pytest.raises(InvalidRequest, match="decides: 10"):
        limits.inherit_lip_sync(video(parent=PARENT, seconds=1), made(10_000))
