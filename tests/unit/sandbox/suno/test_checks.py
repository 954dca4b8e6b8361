from typing import Any

import pytest

from modelgate.sandbox.suno.checks import KEY as SUNO_SECRET
from modelgate.sandbox.suno.checks import SunoOrder, SunoRefused, check_lyrics, check_music, check_secret


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
    assert check_lyrics({"prompt": "rain"}) == SunoOrder(action="LYRICS", prompt="rain")


@pytest.mark.parametrize(
    ("body", "word"),
    [
        (None, "object"),
        ([], "object"),
        ({}, "empty"),
        ({"prompt": ""}, "empty"),
        ({"tags": "pop"}, "empty"),
        ({"gpt_description_prompt": 3}, "gpt_description_prompt must be a string"),
        ({"gpt_description_prompt": "x" * 501}, "at most 500"),
        ({"prompt": "x" * 3_001}, "at most 3000"),
        ({"prompt": "x" * 5_001, "mv": "chirp-auk"}, "at most 5000"),
        ({"prompt": "x", "tags": "x" * 201, "mv": "chirp-v4"}, "tags is too long"),
        ({"prompt": "x", "title": "x" * 81}, "title is too long"),
        ({"prompt": "x", "mv": "chirp-v99"}, "chirp-v99"),
        ({"prompt": "x", "make_instrumental": "yes"}, "boolean"),
        ({"prompt": "x", "continue_at": "12"}, "number"),
        ({"prompt": "x", "continue_at": True}, "number"),
        ({"prompt": "x", "continue_at": 12}, "needs continue_clip_id"),
        ({"prompt": "x", "task_id": "t", "continue_clip_id": "c", "continue_at": 0}, "above 0"),
        ({"prompt": "x", "continue_clip_id": "c"}, "task id is empty"),
        ({"prompt": "x", "task": "dance"}, "dance"),
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
