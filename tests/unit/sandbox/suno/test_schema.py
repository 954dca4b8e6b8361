from typing import Any

import pytest

from modelgate.sandbox.suno import KEY as SUNO_SECRET
from modelgate.sandbox.suno import SunoRefused, check_lyrics, check_music, check_secret
from modelgate.sandbox.suno.schema import RELAY_DEADLINE_S, WORKING_S, SunoOrder, SunoTask


@pytest.mark.parametrize("authorization", [None, "", SUNO_SECRET, "Bearer ", "Bearer other", f"Basic {SUNO_SECRET}"])
def test_a_wrong_secret(authorization: str | None) -> None:
    with pytest.raises(SunoRefused) as caught:
        check_secret(authorization)
    assert (caught.value.status, caught.value.code) == (401, "unauthorized")


def test_an_order_and_its_defaults() -> None:
    check_secret(f"Bearer {SUNO_SECRET}")
    assert check_music({"gpt_description_prompt": "pop", "unknown": 1, "prompt": ""}) == SunoOrder(
        action="MUSIC", mv="chirp-v3-0", description="pop"
    )
    order = check_music({"prompt": "", "tags": "waltz", "mv": "chirp-crow"})
    assert (order.version, order.prompt, order.tags) == ("v5", "", "waltz")
    assert check_music({"make_instrumental": True}).instrumental
    assert check_music({"gpt_description_prompt": "pop", "mv": "sandbox-slow"}).version == "v3"
    assert check_lyrics({"prompt": "rain"}) == SunoOrder(action="LYRICS", mv="", prompt="rain")


@pytest.mark.parametrize(
    ("body", "word"),
    [
        (None, "object"),
        ([], "object"),
        ({}, "empty"),
        ({"prompt": ""}, "empty"),
        ({"tags": "pop"}, "empty"),
        ({"gpt_description_prompt": 3}, "gpt_description_prompt: "),
        ({"gpt_description_prompt": "x" * 501}, "gpt_description_prompt: .* <= 500"),
        ({"prompt": "x" * 3_001}, "prompt is too long: at most 3000"),
        ({"prompt": "x" * 5_001, "mv": "chirp-auk"}, "prompt: .* <= 5000"),
        ({"prompt": "x", "tags": "x" * 201, "mv": "chirp-v4"}, "tags is too long"),
        ({"prompt": "x", "title": "x" * 81}, "title is too long"),
        ({"prompt": "x", "mv": "chirp-v99"}, "chirp-v99"),
        ({"prompt": "x", "make_instrumental": "yes"}, "make_instrumental: .*bool"),
        ({"prompt": "x", "continue_at": "12"}, "continue_at: .*float"),
        ({"prompt": "x", "continue_at": True}, "continue_at: .*float"),
        ({"prompt": "x", "continue_at": 12}, "needs continue_clip_id"),
        ({"prompt": "x", "task_id": "t", "continue_clip_id": "c", "continue_at": 0}, "continue_at: .* > 0"),
        ({"prompt": "x", "continue_clip_id": "c"}, "task id is empty"),
        ({"prompt": "x", "task": "dance"}, "task: "),
    ],
)
def test_what_is_refused_of_music(body: Any, word: str) -> None:
    with pytest.raises(SunoRefused, match=word) as caught:
        check_music(body)
    assert (caught.value.status, caught.value.code) == (400, "invalid_request")


@pytest.mark.parametrize("body", [None, {}, {"prompt": " "}, {"prompt": 3}, {"prompt": "x" * 2_001}])
def test_what_is_refused_of_lyrics(body: Any) -> None:
    with pytest.raises(SunoRefused):
        check_lyrics(body)


def test_of_two_unlike_clips_the_relay_takes_the_one_that_is_not_complete_until_it_gives_up() -> None:
    task = SunoTask(id="3f2a0000-1", order=SunoOrder(), clips=("a", "b"), created_at=0.0, working_s=WORKING_S, end="HALF")
    assert [task.clip_status(WORKING_S, index) for index in (0, 1)] == ["complete", "error"]
    assert [task.status(now) for now in (0.0, WORKING_S, RELAY_DEADLINE_S)] == ["SUBMITTED", "IN_PROGRESS", "FAILURE"]
