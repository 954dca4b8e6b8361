"""Two whole Modelgates, one of which has its media from the other: both keep the same books, and every family goes on from its results."""

import base64
import io
import json
import time
import urllib.request
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import pytest
from PIL import Image

from modelgate.sandbox.videos import make_video

from .conftest import Installation

DONE_S = 120.0
PAUSE_S = 0.25
FOLLOW_S = 60.0
MIDJOURNEY = ["imagine", "upscale", "variation", "zoom", "custom_zoom", "inpaint", "modal", "describe", "shorten", "video"]
MODELS = ",".join(
    (
        *("kling-v1", "kling-lip-sync", "suno_music", "suno_lyrics", "ray-2", "pika-2.2", "gen4.5", "act_two", "ideogram-v3"),
        *(f"mj_{name}" for name in MIDJOURNEY),
    )
)


class Chain(NamedTuple):
    first: Installation
    second: Installation


@pytest.fixture(scope="module")
def chain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chain]:
    """The first, with vendors of its own (make-believe), and the second, which has those models from the first alone."""
    first = Installation(tmp_path_factory.mktemp("first") / "data")
    second = Installation(tmp_path_factory.mktemp("second") / "data")
    try:
        second.run(
            *("upstreams", "add", "modelgate", "--name", "first", "--base-url", first.base_url, "--book", "test"),
            *("--models", MODELS, "--priority", "9"),
            typed=first.test_key,
        )
        until = time.monotonic() + FOLLOW_S
        while not ask(first, "GET", "/v1/tasks?limit=1")["data"] and time.monotonic() < until:  # a running server follows a change soon
            finished(second, {"model": "kling-v1", "operation": "image", "input": {"prompt": "a first try"}})
        yield Chain(first, second)
    finally:
        codes = [second.stop(), first.stop()]
    assert codes == [0, 0]
    for installation in (first, second):
        assert installation.json("audit")["balances"]


def ask(installation: Installation, method: str, path: str, body: Any = None) -> Any:
    headers = {"Authorization": f"Bearer {installation.test_key}", "Content-Type": "application/json"}
    data = json.dumps(body).encode() if body is not None else None
    url = path if path.startswith("http") else installation.base_url + path
    with urllib.request.urlopen(urllib.request.Request(url, data, headers, method=method), timeout=120) as answer:
        return json.loads(answer.read())


def until(is_over: Callable[[Any], bool], look: Callable[[], Any]) -> Any:
    """Return what there is to see once it is over, or as it is after a long while."""
    ends = time.monotonic() + DONE_S
    while not is_over(seen := look()) and time.monotonic() < ends:
        time.sleep(PAUSE_S)
    return seen


def finished(installation: Installation, body: Any) -> Any:
    task = ask(installation, "POST", "/v1/tasks", body)
    return ended(installation, task["id"])


def ended(installation: Installation, task_id: str) -> Any:
    return until(lambda task: task["finished_at"] is not None, lambda: ask(installation, "GET", f"/v1/tasks/{task_id}"))


def newest(installation: Installation) -> Any:
    return ask(installation, "GET", "/v1/tasks?limit=1")["data"][0]


def file(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=120) as answer:
        return bytes(answer.read())


def picture(width: int = 320, height: int = 320) -> str:
    buffer = io.BytesIO()
    Image.new("RGB", (width, height), (30, 60, 200)).save(buffer, "PNG")
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()


@pytest.mark.parametrize(
    ("model", "operation", "kind"), [("kling-v1", "image", "image"), ("kling-v1", "video", "video"), ("suno_music", "music", "audio")]
)
def test_what_the_first_makes_the_second_has(chain: Chain, model: str, operation: str, kind: str) -> None:
    first, second = chain

    task = finished(second, {"model": model, "operation": operation, "input": {"prompt": "a red kite"}})

    there = newest(first)
    assert (task["state"], there["state"]) == ("succeeded", "succeeded"), task
    assert (there["model"], there["operation"], there["amount_usd"]) == (model, operation, task["amount_usd"])
    assert float(task["amount_usd"]) > 0
    assert kind in {output["kind"] for output in task["outputs"]}
    assert [(output["id"], output["details"]) for output in task["outputs"]] == [
        (output["id"], output["details"]) for output in there["outputs"]
    ]
    assert task["outputs"][0]["url"].startswith(second.base_url)
    assert file(task["outputs"][0]["url"])


def test_what_fails_at_the_first_costs_nothing_at_either(chain: Chain) -> None:
    first, second = chain
    before = [one.json("accounts", "list") for one in chain]

    task = finished(second, {"model": "kling-v1", "operation": "image", "input": {"prompt": "a red kite\nmagic: fail-task"}})

    assert (task["state"], newest(first)["state"]) == ("failed", "failed")
    assert task["error"]["code"] == "generation_failed"
    assert [one.json("accounts", "list") for one in chain] == before


# Midjourney: buttons, dialogs, seeds.


def press(second: Installation, path: str, *, code: int = 1, **fields: Any) -> str:
    answer = ask(second, "POST", f"/mj/submit/{path}", fields)
    assert answer["code"] == code, answer
    return str(answer["result"])


def made(second: Installation, path: str, **fields: Any) -> Any:
    task_id = press(second, path, **fields)
    told = until(lambda told: told["status"] in ("SUCCESS", "FAILURE"), lambda: ask(second, "GET", f"/mj/task/{task_id}/fetch"))
    assert told["status"] == "SUCCESS", told
    return told


def button(told: Any, label: str) -> str:
    return next(str(one["customId"]) for one in told["buttons"] if label in (one["label"], one["emoji"]))


@pytest.fixture(scope="module")
def grid(chain: Chain) -> Any:
    return made(chain.second, "imagine", prompt="a red fox --ar 3:2")


@pytest.fixture(scope="module")
def large(chain: Chain, grid: Any) -> Any:
    return made(chain.second, "action", taskId=grid["id"], customId=button(grid, "U2"))


def test_the_buttons_of_a_grid_come_through_and_can_be_pressed(chain: Chain, grid: Any, large: Any) -> None:
    first, second = chain
    assert [one["label"] for one in grid["buttons"]] == ["U1", "U2", "U3", "U4", "", "V1", "V2", "V3", "V4"]
    assert (large["action"], file(large["imageUrl"])[:4]) == ("UPSCALE", b"\x89PNG")

    zoomed = made(second, "action", taskId=large["id"], customId=button(large, "Zoom Out 2x"))

    there = newest(first)
    assert (zoomed["action"], there["model"], there["operation"]) == ("ZOOM", "mj_zoom", "image.action")
    assert ask(first, "GET", f"/mj/task/{there['id']}/fetch")["buttons"] == zoomed["buttons"]
    assert ask(second, "GET", f"/v1/tasks/{zoomed['id']}")["details"]["buttons"] == there["details"]["buttons"]


def test_a_seed_is_asked_for_all_the_way(chain: Chain, grid: Any) -> None:
    told = ask(chain.second, "GET", f"/mj/task/{grid['id']}/image-seed")
    assert (told["code"], told["result"].isdecimal()) == (1, True)


def test_a_change_by_number(chain: Chain, grid: Any) -> None:
    assert made(chain.second, "change", taskId=grid["id"], action="VARIATION", index=3)["action"] == "VARIATION"


def test_a_dialog_opens_and_is_filled_in_at_both(chain: Chain, large: Any) -> None:
    first, second = chain
    opened = press(second, "action", code=21, taskId=large["id"], customId=button(large, "Custom Zoom"))
    waiting = newest(first)
    assert (ask(second, "GET", f"/mj/task/{opened}/fetch")["status"], waiting["state"]) == ("MODAL", "waiting_input")

    filled = made(second, "modal", taskId=opened, prompt="a fox --zoom 1.8")

    assert (filled["action"], filled["prompt"], newest(first)["operation"]) == ("CUSTOM_ZOOM", "a fox --zoom 1.8", "image.modal")
    assert filled["buttons"]
    assert ask(first, "GET", f"/v1/tasks/{waiting['id']}")["state"] == "canceled", "a dialog that is filled in is over"
    region = press(second, "action", code=21, taskId=large["id"], customId=button(large, "Vary (Region)"))
    with Image.open(io.BytesIO(file(large["imageUrl"]))) as shown:
        mask = picture(*shown.size)
    assert made(second, "modal", taskId=region, prompt="a hat", maskBase64=mask)["action"] == "INPAINT"


def test_words_have_buttons_too(chain: Chain) -> None:
    described = made(chain.second, "describe", base64=picture())
    assert described["properties"]["finalPrompt"].count("\n\n") == 3
    shortened = made(chain.second, "shorten", prompt="a very very red fox in the snow")
    assert made(chain.second, "action", taskId=shortened["id"], customId=shortened["buttons"][0]["customId"])["imageUrl"]


def test_a_film_goes_on(chain: Chain) -> None:
    film = made(chain.second, "video", prompt="it jumps", image=picture(), batchSize=1)
    longer = made(chain.second, "video", action="extend", taskId=film["id"], index=0, batchSize=1)
    assert (longer["action"], len(longer["videoUrls"])) == ("VIDEO_EXTEND", 1)


# The other families.


def test_a_kling_video_is_extended_and_speaks(chain: Chain) -> None:
    first, second = chain

    def video(path: str, **body: Any) -> Any:
        task_id = ask(second, "POST", f"/kling/v1/videos/{path}", body)["data"]["task_id"]
        told = until(
            lambda told: told["data"]["task_status"] in ("succeed", "failed"),
            lambda: ask(second, "GET", f"/kling/v1/videos/{path}/{task_id}"),
        )
        assert told["data"]["task_status"] == "succeed", told
        return told["data"]["task_result"]["videos"]

    made_there = video("text2video", prompt="a fox", model_name="kling-v1", watermark_info={"enabled": True})
    assert made_there[0]["watermark_url"].startswith(second.base_url)
    (longer,) = video("video-extend", video_id=made_there[0]["id"])
    assert (longer["duration"], newest(first)["operation"]) == ("10.0", "video.extend")
    spoken = {"video_id": made_there[0]["id"], "mode": "text2video", "text": "hello", "voice_id": "a"}
    assert video("lip-sync", input=spoken)[0]["url"]


def test_a_luma_generation_is_extended_enlarged_and_heard(chain: Chain) -> None:
    first, second = chain

    def generation(path: str, **body: Any) -> Any:
        answer = ask(second, "POST", f"/luma/dream-machine/v1/generations{path}", body)
        told = until(
            lambda told: told["state"] in ("completed", "failed"),
            lambda: ask(second, "GET", f"/luma/dream-machine/v1/generations/{answer['id']}"),
        )
        assert told["state"] == "completed", told
        return told

    begun = generation("", model="ray-2", prompt="a fox", resolution="540p", duration="5s")
    frame = {"frame0": {"type": "generation", "id": begun["id"]}}
    generation("", model="ray-2", prompt="on", resolution="540p", duration="5s", keyframes=frame)
    assert newest(first)["operation"] == "video.extend"
    generation(f"/{begun['id']}/upscale", resolution="720p")
    generation(f"/{begun['id']}/audio", prompt="wind")
    assert newest(first)["operation"] == "video.audio"


def test_a_suno_song_is_continued(chain: Chain) -> None:
    first, second = chain

    def music(kind: str, **body: Any) -> Any:
        task_id = ask(second, "POST", f"/suno/submit/{kind}", body)["data"]
        told = until(
            lambda told: told["data"]["status"] in ("SUCCESS", "FAILURE"),
            lambda: ask(second, "GET", f"/suno/fetch/{task_id}"),
        )
        assert told["data"]["status"] == "SUCCESS", told
        return told["data"]

    song = music("music", gpt_description_prompt="rain in Lisbon")
    there = ask(first, "GET", f"/suno/fetch/{newest(first)['id']}")["data"]
    assert [(clip["title"], clip["tags"], bool(clip["image_url"])) for clip in song["data"]] == [
        (clip["title"], clip["tags"], bool(clip["image_url"])) for clip in there["data"]
    ]
    more = music("music", prompt="On and on", tags="pop", mv="chirp-v4", task="extend", continue_clip_id=song["data"][1]["id"])
    assert more["data"][0]["metadata"]["audio_prompt_id"] == song["data"][1]["id"]
    assert music("lyrics", prompt="rain")["data"]["title"]


def test_a_runway_performance_by_a_clip(chain: Chain) -> None:
    first, second = chain
    clip = "data:video/mp4;base64," + base64.b64encode(make_video("an actor", width=64, height=64, seconds=4)).decode()
    acted = {
        "model": "act_two",
        "character": {"type": "video", "uri": clip},
        "reference": {"type": "video", "uri": clip},
        "ratio": "1280:720",
    }

    task = ended(second, ask(second, "POST", "/runwayml/v1/character_performance", acted)["id"])

    assert (task["state"], task["amount_usd"], newest(first)["amount_usd"]) == ("succeeded", "0.20", "0.20"), task
    acted["reference"] = {"type": "video", "uri": task["outputs"][0]["url"]}
    begun = ask(second, "POST", "/runwayml/v1/character_performance", acted)["id"]
    seen = ask(second, "GET", f"/v1/tasks/{begun}")
    assert seen["amount_usd"] == "1.50" or seen["finished_at"] is not None, "the second has not seen how long it is"
    task = ended(second, begun)
    made_s = round(task["outputs"][0]["duration_ms"] / 1000)
    assert 0 < made_s < 30
    assert float(task["amount_usd"]) == float(newest(first)["amount_usd"]) == pytest.approx(0.05 * made_s)


def test_pika_runway_and_ideogram(chain: Chain) -> None:
    first, second = chain
    pika = ask(second, "POST", "/pika/generate", {"promptText": "a fox", "model": "2.2"})["id"]
    runway = ask(
        second, "POST", "/runwayml/v1/text_to_video", {"model": "gen4.5", "promptText": "a fox", "ratio": "1280:720", "duration": 2}
    )["id"]
    for task in (pika, runway):  # before the newest at the first is looked at: it may hear of them late
        assert ended(second, task)["state"] == "succeeded"
    drawn = ask(second, "POST", "/ideogram/v1/ideogram-v3/generate", {"prompt": "a fox", "seed": 7})["data"][0]
    assert (drawn["seed"], newest(first)["model"]) == (7, "ideogram-v3")
    again = {"prompt": "in winter", "image": base64.b64encode(file(drawn["url"])).decode()}
    assert ask(second, "POST", "/ideogram/v1/ideogram-v3/remix", again)["data"][0]["url"]
    assert newest(first)["operation"] == "image.remix"
