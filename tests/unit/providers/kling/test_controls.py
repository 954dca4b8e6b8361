from typing import Any

import pytest

from modelgate.core.errors import InvalidRequest
from modelgate.providers.kling.controls import FRACTIONS, check_camera, check_options, check_shots, check_trajectories, check_voices

WAY = [{"x": 1, "y": 2}, {"x": 3, "y": 4}]
SHOTS = [{"index": 1, "prompt": "a fox", "duration": "2"}, {"index": 2, "prompt": "a hen", "duration": 3}]


@pytest.mark.parametrize(
    "control", [{"type": "down_back"}, {"type": "down_back", "config": {}}, {"type": "simple", "config": {"zoom": 5, "pan": 0}}]
)
def test_good_cameras(control: Any) -> None:
    check_camera(control)


@pytest.mark.parametrize(
    ("control", "word"),
    [
        ("simple", "must be an object"),
        ({}, "type is required"),
        ({"type": "spin"}, "one of simple"),
        ({"type": "simple"}, "config"),
        ({"type": "simple", "config": {}}, "exactly one"),
        ({"type": "simple", "config": {"zoom": 1, "roll": 1}}, "exactly one"),
        ({"type": "simple", "config": {"zoom": 11}}, "from -10 to 10"),
        ({"type": "simple", "config": {"zoom": "5"}}, "must be a number"),
        ({"type": "forward_up", "config": {"zoom": 1}}, "absent"),
    ],
)
def test_bad_cameras(control: Any, word: str) -> None:
    with pytest.raises(InvalidRequest, match=word) as caught:
        check_camera(control)
    assert caught.value.param == "kling_camera_control"


def test_each_mask_has_its_way() -> None:
    check_trajectories(None, masks=0)
    check_trajectories([WAY, WAY], masks=2)


@pytest.mark.parametrize(
    ("ways", "word"),
    [
        (None, "1 masks"),
        ([WAY, WAY], "2 paths"),
        ("x", "list"),
        ([WAY[:1]], "2 to 77"),
        ([WAY * 39], "2 to 77"),
        ([["x", "y"]], "object"),
        ([[{"x": 1, "y": 1.5}] * 2], "whole number"),
        ([[{"x": 1, "y": -1}] * 2], "whole number"),
        ([[{"x": True, "y": 1}] * 2], "whole number"),
    ],
)
def test_bad_ways(ways: Any, word: str) -> None:
    with pytest.raises(InvalidRequest, match=word) as caught:
        check_trajectories(ways, masks=1)
    assert caught.value.param == "kling_trajectories"


def test_shots_fill_the_video() -> None:
    assert check_shots({"kling_multi_shot": True, "kling_multi_prompt": SHOTS}, seconds=5)
    assert not check_shots({"kling_multi_shot": False, "kling_shot_type": "customize"}, seconds=5)


@pytest.mark.parametrize(
    ("shots", "word"),
    [
        (None, "1 to 6"),
        ([], "1 to 6"),
        (SHOTS * 4, "1 to 6"),
        (SHOTS[:1], "add up to 2"),
        ([{**SHOTS[0], "index": "1"}], "index"),
        ([{**SHOTS[0], "prompt": " "}], "index"),
        ([{**SHOTS[0], "prompt": "x" * 513}], "512"),
        ([{**SHOTS[0], "duration": "x"}], "whole number"),
        ([{"index": 1, "prompt": "a"}, {**SHOTS[1], "duration": "5"}], "a duration"),
        ([{**SHOTS[0], "duration": None}, {**SHOTS[1], "duration": "5"}], "a duration"),
        (["a"], "object"),
    ],
)
def test_bad_shots(shots: Any, word: str) -> None:
    with pytest.raises(InvalidRequest, match=word) as caught:
        check_shots({"kling_multi_shot": True, "kling_multi_prompt": shots}, seconds=5)
    assert caught.value.param == "kling_multi_prompt"


def test_a_shot_type_that_there_is_not() -> None:
    with pytest.raises(InvalidRequest, match="customize"):
        check_shots({"kling_multi_shot": True, "kling_shot_type": "wild", "kling_multi_prompt": SHOTS}, seconds=5)


def test_shots_of_a_video_without_any() -> None:
    """The call could not be made of them: the task stood in the queue, its money held, until its deadline."""
    for shots in ("whatever", [1], SHOTS):
        with pytest.raises(InvalidRequest, match="only for kling_multi_shot"):
            check_shots({"kling_multi_prompt": shots}, seconds=5)


@pytest.mark.parametrize(
    ("name", "bad", "good"),
    [
        *((name, bad, good) for name in FRACTIONS for bad, good in ((1.01, 1), (-0.01, 0), ("0.5", 0.5), (True, 0.1), ({"a": 1}, 0.2))),
        ("kling_voice_speed", 0.79, 0.8),
        ("kling_voice_speed", 2.1, 2),
        ("kling_resolution", "4k", "2k"),
        ("kling_resolution", 5, "1k"),
        ("kling_image_reference", ["face"], "face"),
        ("kling_voice_language", "fr", "en"),
        ("kling_voice_id", 5, "girlfriend_1_speech02"),
        ("kling_voice_id", "x" * 201, "x" * 200),
        ("kling_multi_shot", "yes", True),
        ("kling_watermark", 1, False),
    ],
)
def test_options_of_one_value(name: str, bad: Any, good: Any) -> None:
    check_options({name: good})
    with pytest.raises(InvalidRequest) as caught:
        check_options({name: bad})
    assert caught.value.param == name


def test_voices() -> None:
    check_voices([{"voice_id": "a"}])
    for bad in ([], [{}], [{"voice_id": 7}], [{"voice_id": "a"}] * 3, "a"):
        with pytest.raises(InvalidRequest, match="kling_voice_list"):
            check_voices(bad)
