"""Runway's official client, unmodified, through a running gateway; what each task costs; refusals before any money."""

import io
import time
import urllib.request
from base64 import b64encode
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import av
import pytest
import runwayml
from PIL import Image
from runwayml import RunwayML
from runwayml.lib import polling
from tests.integration.gateway.conftest import Installation
from tests.integration.gateway.plain_http import Prepaid, held_usd

from modelgate.sandbox.pictures import draw_picture
from modelgate.sandbox.videos import make_video

PICTURE = b64encode(draw_picture("a fox", ratio="16:9")).decode()
DATA_URI = f"data:image/png;base64,{PICTURE}"
SETTLED_S = 120.0


class Caller(Prepaid):
    """An account with the official client."""

    def __init__(self, installation: Installation, name: str, usd: str) -> None:
        super().__init__(installation, name, usd)
        self.client = RunwayML(api_key=self.key, base_url=f"{installation.base_url}/runwayml", max_retries=0, timeout=60)

    def __del__(self) -> None:
        self.client.close()  # left to the collector of cycles, its sockets may be told of as unclosed, in the middle of another test

    def ended(self, task_id: str) -> Any:
        until = time.monotonic() + SETTLED_S
        while time.monotonic() < until:
            task = self.client.tasks.retrieve(task_id)
            if task.status in ("SUCCEEDED", "FAILED"):
                return task
            time.sleep(0.5)
        raise AssertionError("the task does not end")


@pytest.fixture(scope="module")
def caller(installation: Installation) -> Iterator[Caller]:
    made = Caller(installation, "runway", "50")
    yield made
    made.client.close()


def fetched(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=60) as response:
        return bytes(response.read())


def video_of(task: Any) -> tuple[int, int, float]:
    assert task.status == "SUCCEEDED", task
    with av.open(io.BytesIO(fetched(task.output[0])), format="mov") as container:
        frames = list(container.decode(video=0))
        return frames[0].width, frames[0].height, len(frames) / 24


def test_the_official_client_makes_videos_and_pictures(installation: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(polling, "POLL_TIME", 0.5)
    monkeypatch.setattr(polling, "POLL_JITTER", 0.0)
    caller = Caller(installation, "runway-paid", "5")
    client = caller.client
    created = [
        client.image_to_video.create(
            model="gen4_turbo", prompt_image=DATA_URI, prompt_text="it runs", ratio="832:1104", duration=2, seed=7
        ),
        client.text_to_video.create(model="gen4.5", prompt_text="a fox", ratio="720:1280", duration=2),
        client.text_to_video.create(model="veo3.1", prompt_text="a fox", ratio="1920:1080", duration=4, audio=False),
        client.text_to_image.create(
            model="gen4_image", prompt_text="@fox", ratio="960:720", reference_images=[{"uri": DATA_URI, "tag": "fox"}]
        ),
    ]
    assert all(one.id.startswith("task_") for one in created)
    with ThreadPoolExecutor(4) as pool:
        image, text, veo, picture = pool.map(lambda one: one.wait_for_task_output(timeout=SETTLED_S), created)
    assert (video_of(image), video_of(text), video_of(veo)) == ((832, 1104, 2), (720, 1280, 2), (1920, 1080, 4))
    assert picture.status == "SUCCEEDED"
    assert Image.open(io.BytesIO(fetched(picture.output[0]))).size == (960, 720)
    assert picture.output[0].startswith(installation.base_url)
    assert (image.cost.credits, veo.cost.credits) == (10, 80)
    assert caller.balance() == round(5 - 0.10 - 0.24 - 0.80 - 0.08, 6)


def test_clips_are_charged_by_their_length(installation: Installation) -> None:
    caller = Caller(installation, "runway-clips", "5")
    clip = "data:video/mp4;base64," + b64encode(make_video("an actor", width=64, height=64, seconds=4)).decode()
    edited = caller.client.video_to_video.create(model="aleph2", video_uri=clip, prompt_text="at night", target_aspect_ratio="1:1")
    acted = caller.client.character_performance.create(
        model="act_two", character={"type": "image", "uri": DATA_URI}, reference={"type": "video", "uri": clip}, ratio="720:1280"
    )
    assert video_of(caller.ended(edited.id))[:2] == (960, 960)
    assert video_of(caller.ended(acted.id))[:2] == (720, 1280)
    assert caller.balance() == round(5 - 4 * 0.28 - 4 * 0.05, 6)

    address = caller.ended(edited.id).output[0]
    by_address = caller.client.character_performance.create(
        model="act_two", character={"type": "image", "uri": DATA_URI}, reference={"type": "video", "uri": address}, ratio="720:1280"
    )
    assert held_usd(installation, by_address.id) == 30 * 0.05, "the longest is held"
    done = caller.ended(by_address.id)
    width, height, seconds = video_of(done)
    assert ((width, height), done.cost.credits) == ((720, 1280), 5 * seconds), "and what was made is charged"
    assert caller.balance() == round(5 - 4 * 0.28 - 4 * 0.05 - seconds * 0.05, 6)
    with pytest.raises(runwayml.BadRequestError, match="video/mp4"):
        caller.client.video_to_video.create(model="aleph2", video_uri=DATA_URI)


def test_what_the_family_sends(caller: Caller) -> None:
    """Other gateways' clients: loose ratios, a bare base64 picture, empty strings, a watermark, an old model's misspelling."""
    body = {
        "model": "gen4a_turbo",
        "promptImage": PICTURE,
        "promptText": "",
        "ratio": "16:9",
        "seed": "",
        "watermark": False,
        "duration": "2",
    }
    status, submitted = caller.send("POST", "/runwayml/v1/image_to_video", body)
    assert (status, submitted["status"]) == (200, "PENDING")
    assert video_of(caller.ended(submitted["id"])) == (1280, 720, 2)
    body = {"model": "gen3a_turbo", "promptImage": PICTURE, "promptText": "a fox", "ratio": "9:16"}
    task = caller.ended(caller.send("POST", "/runwayml/v1/image_to_video", body)[1]["id"])
    assert video_of(task) == (768, 1280, 5)


TURBO = {"model": "gen4_turbo", "promptImage": DATA_URI, "promptText": "a fox"}


@pytest.mark.parametrize(
    ("path", "fields", "param", "said"),
    [
        ("image_to_video", {"promptImage": ""}, "promptImage", "required"),
        ("image_to_video", {"model": ""}, "model", "required"),
        ("image_to_video", {"ratio": "5:4"}, "ratio", "1280:720"),
        ("image_to_video", {"ratio": "1920:1080"}, "ratio", "720p"),
        ("image_to_video", {"duration": 11}, "duration", "2 to 10"),
        ("image_to_video", {"duration": 1.5}, "duration", "2 to 10"),
        ("image_to_video", {"seed": -1}, "seed", "0 to"),
        ("image_to_video", {"promptText": "🦊" * 501}, "promptText", "1002"),
        ("image_to_video", {"audio": True}, "audio", "cannot be used with gen4_turbo"),
        ("image_to_video", {"negativePrompt": "rain"}, "negativePrompt", "gen4_turbo"),
        (
            "image_to_video",
            {"contentModeration": {"publicFigureThreshold": "high"}},
            "contentModeration.publicFigureThreshold",
            "auto, low",
        ),
        ("image_to_video", {"promptImage": [{"uri": DATA_URI, "position": "last"}]}, "promptImage", "first picture only"),
        ("image_to_video", {"promptImage": "data:image/png;base64,AAAA"}, "promptImage", "PNG"),
        ("image_to_video", {"promptImage": "http://127.0.0.1/fox.png"}, "promptImage", "not fetched"),
        ("image_to_video", {"model": "gen3a_turbo", "duration": 7}, "duration", "5, 10"),
        ("image_to_video", {"model": "gen3a_turbo", "ratio": "1:1"}, "ratio", "16:9, 9:16"),
        ("image_to_video", {"model": "veo3.1", "seed": 3}, "seed", "veo3.1"),
        ("text_to_video", {"promptText": ""}, "promptText", "required"),
        ("text_to_video", {}, "promptImage", "picture only"),
        ("text_to_video", {"model": "gen4.5", "ratio": "1:1"}, "ratio", "16:9, 9:16"),
        ("text_to_image", {"model": "gen4_image", "ratio": "100:100"}, "ratio", "1024:1024"),
        ("text_to_image", {"model": "gen4_image_turbo"}, "referenceImages", "required"),
        ("text_to_image", {"model": "gen4_image", "referenceImages": [{"uri": DATA_URI, "tag": "1x"}]}, "referenceImages[0].tag", "letter"),
    ],
)
def test_refused_before_any_money(caller: Caller, path: str, fields: dict[str, Any], param: str, said: str) -> None:
    status, answer = caller.send("POST", f"/runwayml/v1/{path}", {**TURBO, **fields})
    assert status == 400
    assert answer["error"]["param"] == param
    assert said in answer["error"]["message"]
    assert param.partition("[")[0] in answer["error"]["message"]


def test_failures_cost_nothing_and_say_why(installation: Installation) -> None:
    caller = Caller(installation, "runway-unmade", "5")

    def failed(word: str) -> tuple[str, str | None]:
        created = caller.client.text_to_video.create(model="gen4.5", prompt_text=f"a fox\nmagic: {word}", ratio="1280:720", duration=2)
        task = caller.ended(created.id)
        return task.status, task.failure_code

    with ThreadPoolExecutor(3) as pool:
        told = list(pool.map(failed, ("fail-task", "blocked-prompt", "blocked-answer")))
    assert told == [("FAILED", "INTERNAL.BAD_OUTPUT.CODE01"), ("FAILED", "SAFETY.INPUT.TEXT"), ("FAILED", "SAFETY.OUTPUT.VIDEO")]
    for word, kind in (("error-400", runwayml.BadRequestError), ("error-401", runwayml.InternalServerError)):
        with pytest.raises(kind):
            failed(word)
    assert caller.balance() == 5.0


def test_cancel(installation: Installation) -> None:
    caller = Caller(installation, "runway-cancel", "5")
    slow = caller.client.text_to_video.create(model="gen4.5", prompt_text="a fox\nmagic: slow-task", ratio="1280:720", duration=2)
    caller.client.tasks.delete(slow.id)
    task = caller.client.tasks.retrieve(slow.id)
    assert task.status == "FAILED"
    assert caller.balance() == 5.0
    with pytest.raises(runwayml.ConflictError):
        caller.client.tasks.delete(slow.id)


def test_tasks_of_others_are_not_there(installation: Installation, caller: Caller) -> None:
    other = Caller(installation, "runway-other", "5")
    theirs = other.client.text_to_image.create(model="gen4_image", prompt_text="a fox", ratio="720:720")
    for task_id in (theirs.id, "task_nothing"):
        with pytest.raises(runwayml.NotFoundError):
            caller.client.tasks.retrieve(task_id)
        with pytest.raises(runwayml.NotFoundError):
            caller.client.tasks.delete(task_id)
    with (
        RunwayML(api_key="sk-test-nothing", base_url=f"{installation.base_url}/runwayml", max_retries=0) as stranger,
        pytest.raises(runwayml.AuthenticationError),
    ):
        stranger.tasks.retrieve(theirs.id)
