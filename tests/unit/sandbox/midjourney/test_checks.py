from typing import Any

import msgspec
import pytest

from modelgate.sandbox.midjourney.checks import PLANNERS, speed_of
from modelgate.sandbox.midjourney.jobs import MidjourneyJob
from modelgate.sandbox.midjourney.schema import MidjourneyRefused
from modelgate.sandbox.midjourney.words import check_words

DONE = MidjourneyJob(id="1", uuid="u", action="IMAGINE", prompt="a fox", width=1024, height=1024)


def plan(path: str, **fields: Any) -> MidjourneyJob:
    return PLANNERS[path](msgspec.json.encode(fields), lambda _: DONE)[1]


@pytest.mark.parametrize(
    ("path", "fields", "said"),
    [
        ("submit/imagine", {}, "prompt"),
        ("submit/imagine", {"prompt": " "}, "prompt"),
        ("submit/imagine", {"prompt": "a fox --ar 20:1"}, "--ar"),
        ("submit/imagine", {"prompt": "a fox --ar x"}, "--ar"),
        ("submit/imagine", {"prompt": "a fox", "base64Array": ["https://x.example/a.png"]}, "base64Array"),
        ("submit/blend", {"base64Array": []}, "2 to 5"),
        ("submit/describe", {}, "base64"),
        ("submit/describe", {"base64": "aGVsbG8="}, "base64"),
        ("submit/change", {"action": "REROLL"}, "taskId"),
        ("submit/change", {"taskId": "1"}, "action"),
        ("submit/change", {"taskId": "1", "action": "UPSCALE"}, "index"),
        ("submit/simple-change", {"content": "1 X1"}, "content"),
        ("submit/action", {"taskId": "1", "customId": "MJ::JOB::upsample::1::other"}, "customId"),
        ("submit/shorten", {}, "prompt"),
        ("submit/edits", {"prompt": "a fox"}, "image"),
        ("submit/video", {"prompt": "a fox"}, "image"),
        ("submit/video", {"action": "extend", "taskId": "1", "index": 0}, "index"),
        ("insight-face/swap", {"sourceBase64": "x"}, "sourceBase64"),
    ],
)
def test_what_is_refused_is_named(path: str, fields: dict[str, Any], said: str) -> None:
    with pytest.raises(MidjourneyRefused, match=said):
        plan(path, **fields)


@pytest.mark.parametrize(
    ("path", "fields"),
    [
        ("submit/imagine", {"prompt": 1}),
        ("submit/imagine", {"prompt": "a fox", "botType": "DALLE"}),
        ("submit/change", {"taskId": "1", "action": "UPSCALE", "index": 5}),
        ("submit/video", {"prompt": "", "batchSize": 3}),
        ("submit/video", {"prompt": "", "motion": "wild"}),
    ],
)
def test_wrong_types_and_words(path: str, fields: dict[str, Any]) -> None:
    with pytest.raises(msgspec.ValidationError):
        plan(path, **fields)


def test_simple_change_is_change() -> None:
    assert plan("submit/simple-change", content="1 V3") == plan("submit/change", taskId="1", action="VARIATION", index=3)


def test_speed() -> None:
    assert speed_of("mj-turbo", ["RELAX"], "--fast") == "TURBO"
    assert speed_of("mj", ["RELAX"], "--fast") == "RELAX"
    assert speed_of("mj", [], "a --Turbo") == "TURBO"
    assert speed_of("mj", [], "") == "FAST"


def test_banned_words() -> None:
    check_words("a gorestained fox")
    with pytest.raises(MidjourneyRefused) as caught:
        check_words("a fox in gore")
    assert caught.value.body["properties"]["bannedWord"] == "gore"
